//! Logs, and traces where they are configured.

use std::io::IsTerminal as _;

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, LevelFilter},
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use crate::{
    config::{Log, LogFormat, Telemetry},
    log_file::LogFile,
    report::Report,
};

/// Checks the log level without starting to log.
pub(crate) fn check(log: &Log) -> Result<(), Report> {
    filter(log).map(|_| ())
}

fn filter(log: &Log) -> Result<EnvFilter, Report> {
    // What a pool of connections has to tell is told by the store that it serves, and once. An empty
    // level stays what it is.
    let quiet = if log.level.trim().is_empty() { "" } else { "sqlx_core::pool=off," };
    EnvFilter::try_new(format!("{quiet}{}", log.level))
        .map_err(|error| Report::new(format!("log.level {:?}: {error}", log.level)))
}

/// Logs, for as long as it is kept: then what is queued is written.
#[must_use = "logging ends with it"]
pub struct Logging {
    file: Option<LogFile>,
    level: LogLevel,
    #[cfg(feature = "otel")]
    traces: Option<kmip_telemetry::Traces>,
}

/// How much is logged, which may be changed while it is; every clone is the same.
#[derive(Clone)]
pub(crate) struct LogLevel(Vec<reload::Handle<EnvFilter, Registry>>);

impl LogLevel {
    /// Logs by this level from now on.
    ///
    /// # Errors
    /// If it is no level, or this is not what logs; it is then what it was.
    pub(crate) fn exchange(&self, log: &Log) -> Result<(), Report> {
        filter(log)?;
        for handle in &self.0 {
            handle.reload(filter(log)?)?;
        }
        Ok(())
    }
}

/// Where lines are written.
type Lines = Box<dyn Layer<Registry> + Send + Sync>;

impl Logging {
    /// Starts to log, and to send traces if an endpoint is configured. With a log file, standard
    /// error has warnings and errors only. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the level is no level, or the file cannot be written; it is named.
    pub fn start(log: &Log, telemetry: &Telemetry) -> Result<Self, Report> {
        let file = match &log.file {
            Some(path) => Some(LogFile::open(path, log.file_bytes, log.files)?),
            None => None,
        };
        let (lines, level) = lines(log, file.clone())?;
        let registry = tracing_subscriber::registry().with(lines);
        #[cfg(feature = "otel")]
        {
            let traces = match crate::wire::telemetry::collector(telemetry)? {
                Some(collector) => Some(kmip_telemetry::Traces::new(&collector)?),
                None => None,
            };
            // A second server in one process (tests) logs where the first one does.
            let _ = match &traces {
                Some(traces) => registry.with(traces.layer()).try_init(),
                None => registry.try_init(),
            };
            Ok(Self { file, level, traces })
        }
        #[cfg(not(feature = "otel"))]
        {
            if telemetry.endpoint.is_some() {
                return Err(Report::new(
                    "telemetry.endpoint is set, but this build has no feature otel",
                ));
            }
            let _ = registry.try_init();
            Ok(Self { file, level })
        }
    }

    /// Returns how much is logged, to change it.
    pub(crate) fn level(&self) -> LogLevel {
        self.level.clone()
    }

    /// Sends and writes what is left.
    pub(crate) fn stop(&self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.traces {
            traces.shut_down();
        }
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

/// Lays out where lines go: to standard error, or to a file and what matters to standard error.
fn lines(log: &Log, file: Option<LogFile>) -> Result<(Vec<Lines>, LogLevel), Report> {
    let error = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let error = match log.format {
        LogFormat::Text => error.boxed(),
        LogFormat::Json => error.json().boxed(),
    };
    let Some(file) = file else {
        let (level, handle) = reload::Layer::new(filter(log)?);
        return Ok((vec![error.with_filter(level).boxed()], LogLevel(vec![handle])));
    };
    let whole = tracing_subscriber::fmt::layer().with_writer(file).with_ansi(false);
    let whole = match log.format {
        LogFormat::Text => whole.boxed(),
        LogFormat::Json => whole.json().boxed(),
    };
    let (of_whole, whole_handle) = reload::Layer::new(filter(log)?);
    let (of_error, error_handle) = reload::Layer::new(filter(log)?);
    let lines = vec![
        whole.with_filter(of_whole).boxed(),
        error.with_filter(of_error.and(LevelFilter::WARN)).boxed(),
    ];
    Ok((lines, LogLevel(vec![whole_handle, error_handle])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_of_connections_is_heard_by_whoever_asks() {
        for (level, expected) in [
            ("info", "sqlx_core::pool=off"),
            ("info,sqlx_core::pool=debug", "sqlx_core::pool=debug"),
        ] {
            let shown = filter(&Log { level: level.to_owned(), ..Log::default() }).unwrap();
            let shown = shown.to_string();
            let told: Vec<&str> = shown.split(',').filter(|it| it.starts_with("sqlx")).collect();
            assert_eq!(told, [expected], "{shown}");
            assert!(shown.split(',').any(|it| it == "info"), "{shown}");
        }
    }
}
