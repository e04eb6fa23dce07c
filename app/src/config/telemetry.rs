//! The section `telemetry`: where traces and metrics are sent, and how much of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Traces and metrics.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where traces and metrics are sent: an OTLP collector, gRPC; over TLS if it begins with
    /// `https`.
    pub endpoint: Option<String>,
    /// The authorities that the collector's certificate may come from, PEM; without it those of the
    /// system.
    pub tls_ca: Option<PathBuf>,
    /// The part of the messages whose traces are recorded, from 0 to 1; a client that sends a trace
    /// of its own decides for itself.
    pub sample_ratio: f64,
    /// How often metrics are sent, in seconds.
    pub metrics_seconds: u64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, tls_ca: None, sample_ratio: 0.01, metrics_seconds: 60 }
    }
}
