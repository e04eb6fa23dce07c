//! Traces over OTLP (gRPC): the spans that the processor and the codec open, sent to a collector.
//!
//! Nothing waits for the collector: spans are queued, sent in batches, and dropped if the queue is
//! full. No span holds an object's name, identifier or content.

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use thiserror::Error;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// Why traces cannot be sent.
#[derive(Debug, Error)]
#[error("traces cannot be sent to {endpoint}")]
pub struct TelemetryError {
    endpoint: String,
    source: ExporterBuildError,
}

/// Sends traces until it is shut down.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Prepares to send traces to `endpoint`, such as `http://127.0.0.1:4317`. Must be called
    /// within a runtime; the connection is made when the first spans are sent.
    ///
    /// # Errors
    /// If the endpoint is no URL.
    pub fn new(endpoint: &str, service_version: &str) -> Result<Self, TelemetryError> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
            .map_err(|source| TelemetryError { endpoint: endpoint.to_owned(), source })?;
        let resource = Resource::builder()
            .with_service_name("kmip-app")
            .with_attribute(KeyValue::new("service.version", service_version.to_owned()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("kmip-app");
        Ok(Self { provider, tracer })
    }

    /// Returns the layer that turns spans into traces.
    #[must_use]
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.tracer.clone())
    }

    /// Sends what is queued and stops.
    pub fn shut_down(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_collector_that_is_down_stops_nothing() {
        // Nobody listens on port 1 of this host.
        let traces = Traces::new("http://127.0.0.1:1", "0").unwrap();
        let _layer = traces.layer::<tracing_subscriber::Registry>();
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_url_is_refused() {
        assert!(Traces::new("not a url", "0").is_err());
    }
}
