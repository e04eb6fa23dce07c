//! From spans of `tracing` to spans of OpenTelemetry.
//!
//! Whether a message is recorded is decided before its span is made, and its span says so by having
//! a field for the client's part of the trace. Below it every span is recorded, elsewhere none is:
//! so a message that is not recorded costs a look at a number of this thread's, and no more.

use std::{cell::Cell, fmt, sync::Arc, time::SystemTime};

use kmip_ports::observe::TraceContext;
use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents, SpanLinks,
    SpanProcessor as _,
};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// The field that only the span of a recorded message has: the client's part of the trace.
const PARENT: &str = "trace.parent";

/// The field with the place of a message in its trace.
const PLACE: &str = "traceparent";

/// The field with the result of a failure.
const ERROR: &str = "error.type";

/// What the names of our spans begin with; libraries have spans too, which nobody asked for.
const OURS: &str = "kmip.";

/// The fields that are short in log lines, and their names over OTLP.
const NAMES: [(&str, &str); 3] = [
    ("connection", "kmip.connection"),
    ("version", "network.protocol.version"),
    ("items", "kmip.items"),
];

thread_local! {
    /// How many recorded spans this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Says whether what happens now belongs to a message that is recorded.
pub(crate) fn is_recording() -> bool {
    DEPTH.get() > 0
}

/// Lets through the spans of messages that are recorded, and what is below them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded;

fn is_root(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field(PARENT).is_some()
}

impl<S> Filter<S> for Recorded {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_root(metadata) || is_recording()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if !metadata.is_span() || !metadata.name().starts_with(OURS) {
            Interest::never()
        } else if is_root(metadata) {
            Interest::always()
        } else {
            Interest::sometimes()
        }
    }
}

/// Makes spans of OpenTelemetry and hands them on.
pub(crate) struct Recorder {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

/// A span that is open.
struct Open {
    trace: TraceId,
    span: SpanId,
    parent: SpanId,
    parent_is_remote: bool,
    kind: SpanKind,
    begun: SystemTime,
    attributes: Vec<KeyValue>,
    status: Status,
}

impl Recorder {
    pub(crate) fn new(processor: Arc<BatchSpanProcessor>) -> Self {
        Self { processor, scope: InstrumentationScope::builder("kmip-app").build() }
    }
}

impl Open {
    /// Begins a span below another.
    fn below(parent: &Self) -> Self {
        let kind = SpanKind::Internal;
        Self { parent: parent.span, kind, ..Self::new(parent.trace, fresh_span()) }
    }

    fn new(trace: TraceId, span: SpanId) -> Self {
        Self {
            trace,
            span,
            parent: SpanId::INVALID,
            parent_is_remote: false,
            kind: SpanKind::Server,
            begun: now(),
            attributes: Vec::with_capacity(8),
            status: Status::Unset,
        }
    }

    fn end(self, name: &'static str, scope: InstrumentationScope) -> SpanData {
        let span_context = SpanContext::new(
            self.trace,
            self.span,
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        SpanData {
            span_context,
            parent_span_id: self.parent,
            parent_span_is_remote: self.parent_is_remote,
            span_kind: self.kind,
            name: name.into(),
            start_time: self.begun,
            end_time: now(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: scope,
        }
    }

    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        if field.name() == ERROR {
            self.status = Status::error("");
        }
        let name = NAMES.iter().find(|(short, _)| *short == field.name());
        let name = name.map_or(field.name(), |(_, whole)| *whole);
        self.attributes.push(KeyValue::new(name, value));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "spans have nanoseconds, which the port Clock has not"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn fresh_span() -> SpanId {
    RandomIdGenerator::default().new_span_id()
}

impl Visit for Open {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == PARENT {
            self.parent = SpanId::from(value);
            self.parent_is_remote = true;
        } else {
            self.set(field, i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            PLACE => {
                if let Some(place) = TraceContext::parse(value) {
                    self.trace = TraceId::from(place.trace);
                    self.span = SpanId::from(place.span);
                }
            }
            _ => self.set(field, value.to_owned()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut open = if is_root(attributes.metadata()) {
            Open::new(TraceId::INVALID, SpanId::INVALID)
        } else {
            let parent = span.parent();
            let extensions = parent.as_ref().map(|parent| parent.extensions());
            match extensions.as_ref().and_then(|extensions| extensions.get::<Open>()) {
                Some(parent) => Open::below(parent),
                None => return,
            }
        };
        attributes.record(&mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(open);
        }
    }

    // Behind the filter both are told of recorded spans only.
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        DEPTH.set(DEPTH.get().saturating_add(1));
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(open) = span.extensions_mut().remove::<Open>()
        {
            self.processor.on_end(open.end(span.name(), self.scope.clone()));
        }
    }
}
