//! Where traces and metrics are sent: an OTLP collector, by gRPC, in clear or over TLS by rustls.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig,
    tonic_types::transport::{Certificate, ClientTlsConfig},
};
use opentelemetry_sdk::Resource;
use thiserror::Error;

/// How long one sending may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing can be sent.
#[derive(Debug, Error)]
#[error("telemetry cannot be sent to {endpoint}")]
pub struct TelemetryError {
    endpoint: String,
    source: ExporterBuildError,
}

/// An OTLP collector.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Its URL, such as `http://127.0.0.1:4317`; with `https` it is asked for a certificate.
    pub endpoint: String,
    /// The authorities that its certificate may come from, PEM; `None` for the system's.
    pub authorities: Option<Vec<u8>>,
    /// How often metrics are sent.
    pub interval: Duration,
    /// The version of the server, for the collector's eyes.
    pub version: String,
}

impl Collector {
    pub(crate) fn spans(&self) -> Result<SpanExporter, TelemetryError> {
        self.reached(SpanExporter::builder().with_tonic())
            .build()
            .map_err(|source| self.unusable(source))
    }

    pub(crate) fn metrics(&self) -> Result<MetricExporter, TelemetryError> {
        self.reached(MetricExporter::builder().with_tonic())
            .build()
            .map_err(|source| self.unusable(source))
    }

    fn reached<B: WithExportConfig + WithTonicConfig>(&self, builder: B) -> B {
        let builder = builder.with_endpoint(&self.endpoint).with_timeout(PATIENCE);
        if !self.endpoint.starts_with("https:") {
            return builder;
        }
        let tls = match &self.authorities {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        builder.with_tls_config(tls)
    }

    fn unusable(&self, source: ExporterBuildError) -> TelemetryError {
        TelemetryError { endpoint: self.endpoint.clone(), source }
    }
}

/// Says who sends.
pub(crate) fn resource(version: &str) -> Resource {
    Resource::builder()
        .with_service_name("kmip-app")
        .with_attribute(KeyValue::new("service.version", version.to_owned()))
        .build()
}
