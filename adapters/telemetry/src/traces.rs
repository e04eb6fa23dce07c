//! Spans, sent in batches by a thread of their own, and dropped if it cannot keep up.

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{
    error::OTelSdkError,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor as _},
};
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::{
    collector::{self, Collector, TelemetryError},
    layer::{Recorded, Recorder},
};

/// How many spans wait at most; more are dropped.
const QUEUE: usize = 8_192;

/// How long spans wait for company before they are sent.
const DELAY: Duration = Duration::from_secs(2);

/// How long the last spans may take at shutdown.
const LAST: Duration = Duration::from_secs(2);

/// Sends spans until it is shut down.
#[derive(Clone)]
pub struct Traces {
    processor: Arc<BatchSpanProcessor>,
}

impl Traces {
    /// Prepares to send spans. Must be called within a runtime; the connection is made when the
    /// first spans are sent.
    ///
    /// # Errors
    /// If the endpoint is no URL, or the authorities cannot be read.
    pub fn new(collector: &Collector) -> Result<Self, TelemetryError> {
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor =
            BatchSpanProcessor::builder(collector.spans()?).with_batch_config(batches).build();
        processor.set_resource(&collector::resource(&collector.version));
        Ok(Self { processor: Arc::new(processor) })
    }

    /// Returns the layer that records what belongs to messages that are recorded, and its filter,
    /// which keeps everything else from it.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        Recorder::new(Arc::clone(&self.processor)).with_filter(Recorded)
    }

    /// Sends what is queued and stops.
    pub fn shut_down(&self) {
        match self.processor.shutdown_with_timeout(LAST) {
            Ok(()) | Err(OTelSdkError::AlreadyShutdown) => {}
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::layer::is_recording;

    fn collector(endpoint: &str) -> Collector {
        Collector {
            endpoint: endpoint.to_owned(),
            authorities: None,
            interval: Duration::from_secs(1),
            version: "0".to_owned(),
        }
    }

    /// Opens and closes a message with what is below it.
    fn message() {
        let root = tracing::info_span!(
            "kmip.message",
            traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            trace.parent = 1,
        );
        root.in_scope(|| {
            let below = tracing::trace_span!("kmip.store", error.type = tracing::field::Empty);
            below.record("error.type", "refused");
            assert!(is_recording());
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn more_spans_than_a_silent_collector_takes_stop_nothing() {
        // It accepts, and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        // Nobody listens on port 1 of this host.
        for endpoint in [endpoint.as_str(), "http://127.0.0.1:1"] {
            let traces = Traces::new(&collector(endpoint)).unwrap();
            let subscriber = tracing_subscriber::registry().with(traces.layer());
            tracing::subscriber::with_default(subscriber, || {
                // Far more than the queue holds: each of these returns at once, or the test never ends.
                (0..QUEUE * 4).for_each(|_| message());
            });
        }
    }

    #[tokio::test]
    async fn what_is_in_no_recorded_message_is_not_recorded() {
        let traces = Traces::new(&collector("http://127.0.0.1:1")).unwrap();
        let subscriber = tracing_subscriber::registry().with(traces.layer());
        tracing::subscriber::with_default(subscriber, || {
            let unrecorded = tracing::info_span!("kmip.message", traceparent = "");
            unrecorded.in_scope(|| assert!(!is_recording()));
            let recorded = tracing::info_span!("kmip.message", trace.parent = 1);
            assert!(!is_recording());
            recorded.in_scope(|| {
                assert!(is_recording());
                tracing::trace_span!("kmip.crypto").in_scope(|| assert!(is_recording()));
            });
            assert!(!is_recording());
        });
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_url_is_refused() {
        assert!(Traces::new(&collector("not a url")).is_err());
    }
}
