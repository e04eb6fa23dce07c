//! Counts what it is told, and decides which messages are recorded.
//!
//! Labels are looked up once: what is told often finds its instrument, bound to its labels, by a
//! small key, and allocates nothing.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use kmip_model::enumeration::{ObjectType, Operation, ResultReason};
use kmip_ports::observe::{
    ConnectionObserver, HandshakeCause, MessageSeen, Observer, OperationSeen, StateCount,
    StoreGauge, TraceContext,
};
use opentelemetry::{
    KeyValue, StringValue,
    metrics::{
        BoundCounter, BoundHistogram, Counter, Histogram, Meter, MeterProvider as _, UpDownCounter,
    },
};
use opentelemetry_sdk::{
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{IdGenerator as _, RandomIdGenerator},
};

use crate::{
    collector::{self, Collector, TelemetryError},
    exposition::Reader,
    sources::Sources,
    table::{self, Row},
};

/// The bounds of durations, in seconds: a Get from memory takes some 20 µs, an RSA key seconds.
const BOUNDS: [f64; 18] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// How long the last metrics may take at shutdown.
const LAST: Duration = Duration::from_secs(2);

/// The name of what the standard has no name for: a client can send any number.
const OTHER: &str = "Other";

/// Every metric, and who reads them.
pub struct Metrics {
    provider: SdkMeterProvider,
    reader: Reader,
    sources: Arc<Sources>,
    /// Which part of the messages is recorded, if somebody takes what is; 0 to 1.
    sampled: Option<f64>,
    begun: Instant,
    operations: Bound<OperationKey, BoundCounter<u64>>,
    operation_duration: Bound<Operation, BoundHistogram<f64>>,
    messages: Bound<((u8, u8), bool), BoundCounter<u64>>,
    message_duration: Bound<(u8, u8), BoundHistogram<f64>>,
    store_duration: Bound<&'static str, BoundHistogram<f64>>,
    crypto_duration: Bound<&'static str, BoundHistogram<f64>>,
    handshake_duration: Histogram<f64>,
    connections_open: UpDownCounter<i64>,
    connections: Counter<u64>,
    tls_failures: Counter<u64>,
    instruments: Instruments,
}

/// Instruments whose labels are bound when they are first seen.
struct Instruments {
    operations: Counter<u64>,
    operation_duration: Histogram<f64>,
    messages: Counter<u64>,
    message_duration: Histogram<f64>,
    store_duration: Histogram<f64>,
    crypto_duration: Histogram<f64>,
}

/// What tells items apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct OperationKey {
    operation: Operation,
    version: (u8, u8),
    object_type: Option<ObjectType>,
    reason: Option<ResultReason>,
}

/// Instruments with their labels, by a key.
struct Bound<K, I>(RwLock<HashMap<K, Arc<I>>>);

impl<K: Copy + Eq + Hash, I> Bound<K, I> {
    fn new() -> Self {
        Self(RwLock::default())
    }

    fn get(&self, key: K, bind: impl FnOnce() -> I) -> Arc<I> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let mut bound = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bound.entry(key).or_insert_with(|| Arc::new(bind())))
    }
}

impl Metrics {
    /// Makes the instruments. With a collector, metrics are sent to it, and this part of the
    /// messages is recorded, from 0 to 1. Must be called within a runtime if there is a collector.
    ///
    /// # Errors
    /// If the collector's endpoint is no URL.
    pub fn new(
        version: &str,
        collector: Option<&Collector>,
        sampled: f64,
    ) -> Result<Self, TelemetryError> {
        let reader = Reader::new();
        let mut provider = SdkMeterProvider::builder()
            .with_resource(collector::resource(version))
            .with_reader(reader.clone());
        if let Some(collector) = collector {
            let sender = PeriodicReader::builder(collector.metrics()?)
                .with_interval(collector.interval)
                .build();
            provider = provider.with_reader(sender);
        }
        let provider = provider.build();
        let meter = provider.meter("kmip-app");
        let sources = Arc::new(Sources::default());
        sources.register(&meter, version);
        let metrics = Self {
            reader,
            sources,
            sampled: collector.map(|_| sampled),
            begun: Instant::now(),
            operations: Bound::new(),
            operation_duration: Bound::new(),
            messages: Bound::new(),
            message_duration: Bound::new(),
            store_duration: Bound::new(),
            crypto_duration: Bound::new(),
            handshake_duration: histogram(&meter, &table::TLS_HANDSHAKE_DURATION),
            connections_open: meter
                .i64_up_down_counter(table::CONNECTIONS_OPEN.name)
                .with_unit(table::CONNECTIONS_OPEN.unit)
                .with_description(table::CONNECTIONS_OPEN.help)
                .build(),
            connections: counter(&meter, &table::CONNECTIONS),
            tls_failures: counter(&meter, &table::TLS_FAILURES),
            instruments: Instruments {
                operations: counter(&meter, &table::OPERATIONS),
                operation_duration: histogram(&meter, &table::OPERATION_DURATION),
                messages: counter(&meter, &table::MESSAGES),
                message_duration: histogram(&meter, &table::MESSAGE_DURATION),
                store_duration: histogram(&meter, &table::STORE_DURATION),
                crypto_duration: histogram(&meter, &table::CRYPTO_DURATION),
            },
            provider,
        };
        metrics.begin();
        Ok(metrics)
    }

    /// Shows as zero what has few values: whoever watches for a failure sees the first one.
    fn begin(&self) {
        self.connections_open.add(0, &[]);
        for result in ["accepted", "refused"] {
            self.connections.add(0, &[KeyValue::new("result", result)]);
        }
        for cause in HandshakeCause::ALL {
            self.tls_failures.add(0, &[KeyValue::new("cause", cause.name())]);
        }
    }

    /// Returns every metric as Prometheus reads it.
    #[must_use]
    pub fn exposition(&self) -> String {
        self.reader.text()
    }

    /// Takes the figures of a store from here on.
    pub fn watch_store(&self, store: Arc<dyn StoreGauge>) {
        self.sources.watch_store(store);
    }

    /// Takes how many objects are in each state.
    pub fn set_objects(&self, counts: Vec<StateCount>) {
        self.sources.set_objects(counts);
    }

    /// Takes who tells how many days certificates have left.
    pub fn watch_certificates(&self, days: DaysLeft) {
        self.sources.watch_certificates(days);
    }

    /// Takes who tells how often parts of the configuration were read again.
    pub fn watch_reloads(&self, reloads: Reloads) {
        self.sources.watch_reloads(reloads);
    }

    /// Is told of a call to the store.
    pub(crate) fn store_call(&self, call: &'static str, taken: Duration) {
        let bind = || self.instruments.store_duration.bind(&[KeyValue::new("call", call)]);
        self.store_duration.get(call, bind).record(taken.as_secs_f64());
    }

    /// Is told of a cryptographic call.
    pub(crate) fn crypto_call(&self, call: &'static str, taken: Duration) {
        let bind = || self.instruments.crypto_duration.bind(&[KeyValue::new("call", call)]);
        self.crypto_duration.get(call, bind).record(taken.as_secs_f64());
    }

    /// Sends what is left and stops.
    pub fn shut_down(&self) {
        // Who reads the text is not told that it is late; a collector may be away.
        let _ = self.provider.shutdown_with_timeout(LAST);
    }

    fn sampled(&self, trace: u128) -> bool {
        let part = self.sampled.unwrap_or_default();
        // The lowest bits of a trace are random, and the same for every server that sees it.
        let drawn = u32::try_from(trace & u128::from(u32::MAX)).unwrap_or_default();
        f64::from(drawn) < part * f64::from(u32::MAX) || part >= 1.0
    }
}

/// Tells how many days are left, by the certificate's role.
pub type DaysLeft = Arc<dyn Fn() -> Vec<(&'static str, i64)> + Send + Sync>;

/// Tells how often a part was read again, with what result: part, result, count.
pub type Reloads = Arc<dyn Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync>;

impl Observer for Metrics {
    fn place(&self, client: Option<TraceContext>) -> TraceContext {
        let fresh = RandomIdGenerator::default();
        let span = u64::from_be_bytes(fresh.new_span_id().to_bytes());
        if let Some(client) = client {
            let sampled = client.sampled && self.sampled.is_some();
            return TraceContext { trace: client.trace, span, sampled };
        }
        let trace = u128::from_be_bytes(fresh.new_trace_id().to_bytes());
        TraceContext { trace, span, sampled: self.sampled.is_some() && self.sampled(trace) }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn operation(&self, seen: &OperationSeen) {
        let OperationSeen { version, object_type, reason, .. } = *seen;
        // Numbers that the standard does not know are one kind, whatever they are.
        let operation = seen.operation.name().map_or(Operation(0), |_| seen.operation);
        let key = OperationKey { operation, version, object_type, reason };
        let name = || operation.name().unwrap_or(OTHER);
        let bind = || {
            self.instruments.operations.bind(&[
                KeyValue::new("operation", name()),
                KeyValue::new("version", version_name(version)),
                KeyValue::new(
                    "object_type",
                    object_type.map_or("", |it| it.name().unwrap_or(OTHER)),
                ),
                KeyValue::new(
                    "result",
                    reason.map_or("Success", |reason| reason.name().unwrap_or(OTHER)),
                ),
            ])
        };
        self.operations.get(key, bind).add(1);
        let bind =
            || self.instruments.operation_duration.bind(&[KeyValue::new("operation", name())]);
        self.operation_duration.get(operation, bind).record(seen.taken.as_secs_f64());
    }

    fn message(&self, seen: &MessageSeen) {
        let version = || KeyValue::new("version", version_name(seen.version));
        let result = if seen.refused { "refused" } else { "answered" };
        let bind = || self.instruments.messages.bind(&[version(), KeyValue::new("result", result)]);
        self.messages.get((seen.version, seen.refused), bind).add(1);
        let bind = || self.instruments.message_duration.bind(&[version()]);
        self.message_duration.get(seen.version, bind).record(seen.taken.as_secs_f64());
    }
}

impl ConnectionObserver for Metrics {
    fn accepted(&self) {
        self.connections.add(1, &[KeyValue::new("result", "accepted")]);
    }

    fn refused(&self) {
        self.connections.add(1, &[KeyValue::new("result", "refused")]);
    }

    fn opened(&self, handshake: Duration) {
        self.connections_open.add(1, &[]);
        self.handshake_duration.record(handshake.as_secs_f64(), &[]);
    }

    fn closed(&self) {
        self.connections_open.add(-1, &[]);
    }

    fn failed(&self, cause: HandshakeCause) {
        self.tls_failures.add(1, &[KeyValue::new("cause", cause.name())]);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").field("sampled", &self.sampled).finish_non_exhaustive()
    }
}

fn version_name((major, minor): (u8, u8)) -> StringValue {
    format!("{major}.{minor}").into()
}

fn counter(meter: &Meter, row: &Row) -> Counter<u64> {
    meter.u64_counter(row.name).with_unit(row.unit).with_description(row.help).build()
}

fn histogram(meter: &Meter, row: &Row) -> Histogram<f64> {
    meter
        .f64_histogram(row.name)
        .with_unit(row.unit)
        .with_description(row.help)
        .with_boundaries(BOUNDS.to_vec())
        .build()
}

#[cfg(test)]
mod tests;
