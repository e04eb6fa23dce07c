//! Logs, and traces where they are configured.

use std::io::IsTerminal as _;

#[cfg(feature = "otel")]
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    config::{Log, LogFormat, Telemetry},
    report::Report,
};

/// Checks the log level without starting to log.
pub(crate) fn check(log: &Log) -> Result<(), Report> {
    filter(log).map(|_| ())
}

fn filter(log: &Log) -> Result<EnvFilter, Report> {
    EnvFilter::try_new(&log.level)
        .map_err(|error| Report::new(format!("log.level {:?}: {error}", log.level)))
}

/// What must be told when the server stops.
pub(crate) struct Logging {
    #[cfg(feature = "otel")]
    traces: Option<kmip_telemetry::Traces>,
}

impl Logging {
    /// Starts to log to standard error, and to send traces if an endpoint is configured.
    pub(crate) fn start(log: &Log, telemetry: &Telemetry) -> Result<Self, Report> {
        let filter = filter(log)?;
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let lines = match log.format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
        #[cfg(feature = "otel")]
        {
            let version = env!("CARGO_PKG_VERSION");
            let traces = match &telemetry.endpoint {
                Some(endpoint) => Some(kmip_telemetry::Traces::new(endpoint, version)?),
                None => None,
            };
            // A second server in one process (tests) logs where the first one does.
            let _ = match &traces {
                // Whatever is logged; below this level libraries tell much too much.
                Some(traces) => {
                    registry.with(traces.layer().with_filter(LevelFilter::INFO)).try_init()
                }
                None => registry.try_init(),
            };
            Ok(Self { traces })
        }
        #[cfg(not(feature = "otel"))]
        {
            if telemetry.endpoint.is_some() {
                return Err(Report::new(
                    "telemetry.endpoint is set, but this build has no feature otel",
                ));
            }
            let _ = registry.try_init();
            Ok(Self {})
        }
    }

    /// Sends what is left.
    #[cfg_attr(
        not(feature = "otel"),
        expect(clippy::unused_self, reason = "without traces nothing waits to be sent")
    )]
    pub(crate) fn stop(&self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.traces {
            traces.shut_down();
        }
    }
}
