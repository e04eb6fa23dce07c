//! What is asked for when somebody reads the metrics: the store, certificates, the process.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kmip_model::enumeration::State;
use kmip_ports::observe::{StateCount, StoreFigures, StoreGauge};
use opentelemetry::{KeyValue, metrics::Meter};

use crate::{
    metrics::{DaysLeft, Reloads},
    process,
    table::{self, Row},
};

/// What is known of the surroundings.
#[derive(Default)]
pub(crate) struct Sources {
    store: OnceLock<Arc<dyn StoreGauge>>,
    objects: Mutex<Vec<StateCount>>,
    certificates: OnceLock<DaysLeft>,
    reloads: OnceLock<Reloads>,
}

/// Chooses a figure, with what tells it from others of the same metric.
type Choice = (&'static [(&'static str, &'static str)], fn(&StoreFigures) -> u64);

impl Sources {
    pub(crate) fn watch_store(&self, store: Arc<dyn StoreGauge>) {
        // The first store is the one of this server.
        let _ = self.store.set(store);
    }

    pub(crate) fn set_objects(&self, counts: Vec<StateCount>) {
        *self.objects.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    pub(crate) fn watch_certificates(&self, days: DaysLeft) {
        let _ = self.certificates.set(days);
    }

    pub(crate) fn watch_reloads(&self, reloads: Reloads) {
        let _ = self.reloads.set(reloads);
    }

    /// Makes the instruments that ask.
    pub(crate) fn register(self: &Arc<Self>, meter: &Meter, version: &str) {
        self.register_store(meter);
        self.register_objects(meter);
        self.register_certificates(meter);
        self.register_reloads(meter);
        register_build(meter, version);
        register_process(meter);
    }

    fn register_store(self: &Arc<Self>, meter: &Meter) {
        self.gauge(meter, &table::STORE_WRITER_QUEUE, &[(&[], |it| it.waiting_requests)]);
        self.counter(meter, &table::STORE_COMMITS, &[(&[], |it| it.commits)]);
        let requests: &[Choice] = &[(&[], |it| it.committed_requests)];
        self.counter(meter, &table::STORE_COMMITTED_REQUESTS, requests);
        self.gauge(meter, &table::STORE_AUDIT_WAITING, &[(&[], |it| it.waiting_events)]);
        let connections: &[Choice] = &[
            (&[("state", "idle")], |it| it.idle_connections),
            (&[("state", "busy")], |it| it.busy_connections),
        ];
        self.gauge(meter, &table::STORE_POOL_CONNECTIONS, connections);
        self.gauge(meter, &table::CACHE_RECORDS, &[(&[], |it| it.cached_records)]);
        self.gauge(meter, &table::CACHE_BYTES, &[(&[], |it| it.cached_bytes)]);
        let lookups: &[Choice] = &[
            (&[("result", "hit")], |it| it.cache_hits),
            (&[("result", "miss")], |it| it.cache_misses),
        ];
        self.counter(meter, &table::CACHE_LOOKUPS, lookups);
    }

    fn gauge(self: &Arc<Self>, meter: &Meter, row: &Row, choices: &'static [Choice]) {
        let sources = Arc::clone(self);
        meter
            .u64_observable_gauge(row.name)
            .with_unit(row.unit)
            .with_description(row.help)
            .with_callback(move |told| {
                sources.tell(choices, |value, labels| told.observe(value, labels));
            })
            .build();
    }

    fn counter(self: &Arc<Self>, meter: &Meter, row: &Row, choices: &'static [Choice]) {
        let sources = Arc::clone(self);
        meter
            .u64_observable_counter(row.name)
            .with_unit(row.unit)
            .with_description(row.help)
            .with_callback(move |told| {
                sources.tell(choices, |value, labels| told.observe(value, labels));
            })
            .build();
    }

    fn tell(&self, choices: &[Choice], tell: impl Fn(u64, &[KeyValue])) {
        let Some(store) = self.store.get() else { return };
        let figures = store.figures();
        for (labels, choose) in choices {
            let labels: Vec<KeyValue> =
                labels.iter().map(|(name, value)| KeyValue::new(*name, *value)).collect();
            tell(choose(&figures), &labels);
        }
    }

    fn register_objects(self: &Arc<Self>, meter: &Meter) {
        let sources = Arc::clone(self);
        meter
            .u64_observable_gauge(table::OBJECTS.name)
            .with_unit(table::OBJECTS.unit)
            .with_description(table::OBJECTS.help)
            .with_callback(move |told| {
                let counts = sources.objects.lock().unwrap_or_else(PoisonError::into_inner);
                for (state, count) in counts.iter() {
                    let name = state.map_or("", |state| State::name(state).unwrap_or("Other"));
                    told.observe(*count, &[KeyValue::new("state", name)]);
                }
            })
            .build();
    }

    fn register_certificates(self: &Arc<Self>, meter: &Meter) {
        let sources = Arc::clone(self);
        meter
            .i64_observable_gauge(table::CERTIFICATE_DAYS_LEFT.name)
            .with_unit(table::CERTIFICATE_DAYS_LEFT.unit)
            .with_description(table::CERTIFICATE_DAYS_LEFT.help)
            .with_callback(move |told| {
                let Some(days) = sources.certificates.get() else { return };
                for (role, left) in days() {
                    told.observe(left, &[KeyValue::new("certificate", role)]);
                }
            })
            .build();
    }

    fn register_reloads(self: &Arc<Self>, meter: &Meter) {
        let sources = Arc::clone(self);
        meter
            .u64_observable_counter(table::RELOADS.name)
            .with_unit(table::RELOADS.unit)
            .with_description(table::RELOADS.help)
            .with_callback(move |told| {
                let Some(reloads) = sources.reloads.get() else { return };
                for (part, result, count) in reloads() {
                    let labels = [KeyValue::new("part", part), KeyValue::new("result", result)];
                    told.observe(count, &labels);
                }
            })
            .build();
    }
}

fn register_build(meter: &Meter, version: &str) {
    let version = KeyValue::new("version", version.to_owned());
    meter
        .u64_observable_gauge(table::BUILD_INFO.name)
        .with_unit(table::BUILD_INFO.unit)
        .with_description(table::BUILD_INFO.help)
        .with_callback(move |told| told.observe(1, std::slice::from_ref(&version)))
        .build();
}

fn register_process(meter: &Meter) {
    let gauge = |row: &Row, read: fn() -> Option<u64>| {
        meter
            .u64_observable_gauge(row.name)
            .with_unit(row.unit)
            .with_description(row.help)
            .with_callback(move |told| {
                if let Some(value) = read() {
                    told.observe(value, &[]);
                }
            })
            .build();
    };
    gauge(&table::PROCESS_MEMORY, process::memory);
    gauge(&table::PROCESS_FILES, process::open_files);
    meter
        .f64_observable_counter(table::PROCESS_CPU.name)
        .with_unit(table::PROCESS_CPU.unit)
        .with_description(table::PROCESS_CPU.help)
        .with_callback(|told| {
            if let Some(seconds) = process::processor_seconds() {
                told.observe(seconds, &[]);
            }
        })
        .build();
}
