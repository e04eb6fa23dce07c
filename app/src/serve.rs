//! `kmip-app serve`: runs the server until SIGTERM or SIGINT.

use std::io::Write as _;

use kmip_host::process;
use kmip_tls::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

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
        let signals = signals(server.shutdown())?;
        announce(&server)?;
        until_signal(server, signals).await?;
        logging.stop();
        Ok(())
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

/// Says on standard output where the server listens, once it does.
pub(crate) fn announce(server: &Server) -> Result<(), Report> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {}", server.address())?;
    out.flush()?;
    Ok(())
}

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn until_signal(
    server: Server,
    signals: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Report> {
    let watch = tokio::spawn(signals);
    let report = server.serve().await;
    watch.abort();
    tracing::info!(?report, "drained");
    Ok(())
}

/// Listens for signals from now on; what it returns begins the shutdown when one has come.
pub(crate) fn signals(shutdown: Shutdown) -> Result<impl Future<Output = ()>, Report> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
        shutdown.begin();
    })
}
