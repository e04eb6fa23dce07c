//! The command's side: it asks the running server, or does it itself if there is none.

use std::{
    io::{self, ErrorKind, Write as _},
    os::unix::net::UnixStream as StdStream,
    sync::Arc,
    time::Duration,
};

use kmip_host::SystemClock;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{
    Place,
    socket::{self, Request},
    verb::{self, Finding, Reply, Verb},
};
use crate::{
    config::Config,
    log::Logging,
    progress::Progress,
    report::Report,
    serve,
    wire::{
        self,
        storage::{Creation, Storage, Url},
    },
};

/// How long a server may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has a verb carried out, and prints what is told.
pub(super) fn ask(config: &Config, verb: Verb) -> Result<Finding, Report> {
    wire::check(config)?;
    serve::runtime()?.block_on(async {
        if let Some((stream, request)) = running(config, &verb)? {
            return remotely(stream, &request).await;
        }
        let logging = Logging::start(&config.log, &config.telemetry)?;
        serve::harden();
        let mut config = config.clone();
        if Url::parse(&config.storage.url)?.file().is_none() {
            // Servers may be at work in that database, each under a name of its own.
            config.node.name.push_str("-control");
        }
        let found = directly(&config, verb).await;
        logging.stop();
        found
    })
}

/// Connects to the server that has the store, if one runs.
fn running(config: &Config, verb: &Verb) -> Result<Option<(UnixStream, Request)>, Report> {
    let url = Url::parse(&config.storage.url)?;
    if url.is_memory() {
        return Err(Report::new("the store is in memory, and nobody but its server has it"));
    }
    let Some(store) = url.file() else { return Ok(None) };
    let path = socket::path_beside(store);
    match socket::shortly(&path, |path| StdStream::connect(path)) {
        Ok(stream) => {
            stream.set_nonblocking(true)?;
            let request = Request { store: socket::identity(store)?, verb: verb.clone() };
            Ok(Some((UnixStream::from_std(stream)?, request)))
        }
        // Nobody serves it; whoever holds the store's lock all the same is found when it is opened.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(Report::new(format!(
            "the control socket {} cannot be used: {error}; run this as root or as the user that \
             runs the server",
            path.display()
        ))),
    }
}

/// Has a running server carry a verb out, and returns the lines that it tells; `None` if none runs.
pub(super) async fn quietly(config: &Config, verb: Verb) -> Result<Option<Vec<String>>, Report> {
    let Some((stream, request)) = running(config, &verb)? else { return Ok(None) };
    let mut told = Vec::new();
    let listen = |reply| {
        match reply {
            Reply::Line(line) => told.push(line),
            Reply::Progress { .. } => {}
            Reply::End(finding) => return Ok(Some(Ok(finding))),
            Reply::Failed(sentence) => return Ok(Some(Err(Report::new(sentence)))),
        }
        Ok(None)
    };
    timeout(PATIENCE, exchange(stream, &request, listen)).await??;
    Ok(Some(told))
}

async fn remotely(stream: UnixStream, request: &Request) -> Result<Finding, Report> {
    let mut shown = Shown::default();
    exchange(stream, request, |reply| shown.take(reply)).await
}

/// Sends a request, and hands its replies over until one of them is the last.
async fn exchange(
    stream: UnixStream,
    request: &Request,
    mut take: impl FnMut(Reply) -> Result<Option<Result<Finding, Report>>, Report>,
) -> Result<Finding, Report> {
    let (input, mut output) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    // If it is not read, the reason comes as a reply.
    let sent = output.write_all(&line).await;
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await? {
        let reply = serde_json::from_str(&line).map_err(|error| {
            Report::new(format!(
                "the server is not of this program's version ({error}); use its own program"
            ))
        })?;
        if let Some(end) = take(reply)? {
            return end;
        }
    }
    sent?;
    Err(Report::new("the server ended before it was done"))
}

async fn directly(config: &Config, verb: Verb) -> Result<Finding, Report> {
    let storage = Storage::open(config, Creation::Never).await?;
    let place = Place::of(config, &storage, Arc::new(SystemClock::default()));
    let user = socket::own_user().map(socket::name_of);
    let found = match user {
        Ok(user) => {
            let (mut told, working) = verb::begin(place, verb, user);
            let found = show(&mut told).await;
            drop(told);
            working.await?;
            found
        }
        Err(error) => Err(error.into()),
    };
    storage.close().await;
    found
}

async fn show(told: &mut tokio::sync::mpsc::Receiver<Reply>) -> Result<Finding, Report> {
    let mut shown = Shown::default();
    while let Some(reply) = told.recv().await {
        if let Some(end) = shown.take(reply)? {
            return end;
        }
    }
    Err(Report::new("it ended before it was done"))
}

/// What is on the terminal.
struct Shown(Progress);

impl Default for Shown {
    fn default() -> Self {
        Self(Progress::on_terminal())
    }
}

impl Shown {
    /// Shows a reply; returns how it ended with the last one.
    fn take(&mut self, reply: Reply) -> Result<Option<Result<Finding, Report>>, Report> {
        match reply {
            Reply::Progress { what, done, total: Some(total) } => self.0.tell(&what, done, total),
            Reply::Progress { what, done, total: None } => self.0.count(&what, done),
            Reply::Line(line) => {
                self.0.end();
                match writeln!(io::stdout(), "{line}") {
                    // Whoever read it has seen enough.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                        return Ok(Some(Ok(Finding::Sound)));
                    }
                    written => written?,
                }
            }
            Reply::End(finding) => {
                self.0.end();
                return Ok(Some(Ok(finding)));
            }
            Reply::Failed(sentence) => {
                self.0.end();
                return Ok(Some(Err(Report::new(sentence))));
            }
        }
        Ok(None)
    }
}
