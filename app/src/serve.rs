//! `kmip-app serve`: runs the server until SIGTERM or SIGINT.

use std::{io::Write as _, path::PathBuf};

use kmip_host::process;
use kmip_tls::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    builder::Prepared,
    config::Config,
    log::Logging,
    reload::{Origin, Reload},
    report::Report,
    server::Server,
};

/// Serves until a signal ends it. `prepare` reads the configuration, now and whenever it is to be
/// read again; `file` is where most of it is.
pub(crate) fn run(
    prepare: impl Fn() -> Result<Prepared, Report> + Send + 'static,
    file: Option<PathBuf>,
    create_store: bool,
) -> Result<(), Report> {
    let prepared = prepare()?;
    prepared.check_database(create_store)?;
    let config = &prepared.config;
    runtime()?.block_on(async {
        let logging = Logging::start(&config.log, &config.telemetry)?;
        harden();
        for note in &prepared.notes {
            note.log();
        }
        let server = Server::start(config, create_store).await?;
        let read = move || Ok(prepare()?.config);
        server.reload().reads_from(origin(read, file, &logging));
        let signals = announce(&server)?;
        let ended = until_signal(server, signals).await;
        logging.stop();
        ended
    })
}

/// Says how a configuration is read again.
pub(crate) fn origin(
    read: impl Fn() -> Result<Config, Report> + Send + 'static,
    file: Option<PathBuf>,
    logging: &Logging,
) -> Origin {
    Origin { read: Box::new(read), file, level: Some(logging.level()) }
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

/// The signals that end a server, and the one that has it read its configuration again.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn take() -> Result<Self, Report> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        Ok(Self { terminate, interrupt, hangup })
    }

    async fn obey(mut self, shutdown: Shutdown, reload: Reload) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP");
                    reload.everything();
                    continue;
                }
                _ = self.terminate.recv() => tracing::info!("SIGTERM: draining"),
                _ = self.interrupt.recv() => tracing::info!("SIGINT: draining"),
            }
            return shutdown.begin();
        }
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
    let watch = tokio::spawn(signals.obey(server.shutdown(), server.reload()));
    let report = server.serve().await;
    watch.abort();
    let report = report?;
    tracing::info!(?report, "drained");
    Ok(())
}
