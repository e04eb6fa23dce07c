//! `kmip-app serve`: runs the server until SIGTERM or SIGINT.

use std::io::Write as _;

use kmip_host::process;
use kmip_tls::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{builder::Prepared, log::Logging, report::Report, server::Server};

/// Serves until a signal ends it.
pub(crate) fn run(prepared: &Prepared, create_store: bool) -> Result<(), Report> {
    prepared.check_database(create_store)?;
    let config = &prepared.config;
    runtime()?.block_on(async {
        let logging = Logging::start(&config.log, &config.telemetry)?;
        harden();
        for note in &prepared.notes {
            note.log();
        }
        let server = Server::start(config, create_store).await?;
        let signals = announce(&server)?;
        let ended = until_signal(server, signals).await;
        logging.stop();
        ended
    })
}

/// Keeps keys out of core dumps, and lets every connection have its file.
pub(crate) fn harden() {
    if let Err(error) = process::forbid_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be forbidden, and would hold keys");
    }
    process::allow_open_files();
}

/// How many tasks a thread runs before it looks for new requests: who has just asked does not wait
/// for many who asked before.
const BETWEEN_LOOKS: u32 = 8;

/// Makes the runtime that everything runs on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .event_interval(BETWEEN_LOOKS)
        .enable_all()
        .build()?)
}

/// The signals that end a server.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn take() -> Result<Self, Report> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt })
    }

    async fn begin(mut self, shutdown: Shutdown) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = self.interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
        shutdown.begin();
    }
}

/// Says on standard output where the server listens, once it does. From then on a signal drains it:
/// whoever has read the line may send one at once.
pub(crate) fn announce(server: &Server) -> Result<Signals, Report> {
    let signals = Signals::take()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {}", server.address())?;
    out.flush()?;
    Ok(signals)
}

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn until_signal(server: Server, signals: Signals) -> Result<(), Report> {
    let watch = tokio::spawn(signals.begin(server.shutdown()));
    let report = server.serve().await;
    watch.abort();
    let report = report?;
    tracing::info!(?report, "drained");
    Ok(())
}
