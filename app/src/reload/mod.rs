//! What is taken anew while the server runs: when SIGHUP asks for it, and when a file changes.
//!
//! | File | Holds |
//! |---|---|
//! | [`counts`] | the parts, and how often each was taken or kept |
//! | [`parts`] | how each part is read, judged and put in force |
//! | [`files`] | which files a part has, and whether something else is in them |
//! | [`differences`] | the keys that take force only at a start |
//! | [`dates`] | how long certificates last |
//!
//! A thread of its own does it, because it reads files. Several changes that come close together are
//! one. Each part is judged by itself: one that is of no use stays what it was, and the others are
//! taken (`docs/adr/0036`).

mod counts;
mod dates;
mod differences;
mod files;
mod parts;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use kmip_ports::clock::Clock;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::runtime::Handle;

pub use self::counts::{Outcome, Part};
pub(crate) use self::parts::Beginning;
use self::{
    counts::Counts,
    dates::Reminder,
    files::Ways,
    parts::{Asked, Parts},
};
use crate::{
    config::Config,
    log::LogLevel,
    report::Report,
    wire::{
        answering::Answering, identity::CurrentAuthenticator, policies::CurrentPolicies,
        storage::Url, tls::Modern, transport::Exchange,
    },
};

/// How long nothing must change before files are read: a certificate and its key are two files.
const QUIET: Duration = Duration::from_millis(100);

/// How long files that keep changing are waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often files are looked at although nobody says that they have changed.
const LOOK: Duration = Duration::from_mins(1);

/// Where a configuration comes from, so that it can be read again.
pub(crate) struct Origin {
    /// Reads it.
    pub(crate) read: Box<dyn Fn() -> Result<Config, Report> + Send>,
    /// Its file, if it has one.
    pub(crate) file: Option<PathBuf>,
    /// What logs by it.
    pub(crate) level: Option<LogLevel>,
}

/// What is exchanged.
pub(crate) struct Targets {
    pub(crate) transport: Arc<Exchange>,
    pub(crate) answering: Arc<Answering>,
    pub(crate) authenticator: Arc<CurrentAuthenticator>,
    pub(crate) policies: Arc<CurrentPolicies>,
    pub(crate) admin: Option<Arc<Modern>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Asks a running server to read parts of its configuration again; every clone asks the same.
#[derive(Clone)]
pub struct Reload {
    inbox: mpsc::Sender<News>,
    counts: Arc<Counts>,
    policies: Arc<CurrentPolicies>,
    transport: Arc<Exchange>,
    clock: Arc<dyn Clock>,
}

/// What the thread is told.
enum News {
    /// A file may have changed.
    Change,
    /// Everything is to be read again.
    Everything,
    /// This is where the configuration comes from.
    Origin(Box<Origin>),
    /// This is the configuration now.
    Configuration(Box<Config>),
    /// The server ends.
    End,
}

/// The thread that reads; it ends with this value.
pub(crate) struct Reloading {
    reload: Reload,
}

impl Reloading {
    /// Begins to watch the files of a configuration that is in force.
    pub(crate) fn start(
        config: &Config,
        beginning: Beginning,
        targets: Targets,
    ) -> Result<Self, Report> {
        let (inbox, news) = mpsc::channel();
        let counts = Arc::new(Counts::default());
        let reload = Reload {
            inbox: inbox.clone(),
            counts: Arc::clone(&counts),
            policies: Arc::clone(&targets.policies),
            transport: Arc::clone(&targets.transport),
            clock: Arc::clone(&targets.clock),
        };
        let reader = Reader {
            parts: Parts::new(config, beginning, targets, counts),
            origin: None,
            reminder: Reminder::default(),
            inbox,
            watcher: None,
            store: store_directory(config),
        };
        // What is taken may belong to the runtime.
        let runtime = Handle::current();
        thread::Builder::new().name("reload".to_owned()).spawn(move || {
            let _within = runtime.enter();
            reader.run(&news);
        })?;
        Ok(Self { reload })
    }

    /// Returns the handle that asks for it.
    pub(crate) fn handle(&self) -> Reload {
        self.reload.clone()
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        self.reload.tell(News::End);
    }
}

impl Reload {
    /// Reads everything again, as on SIGHUP.
    pub fn everything(&self) {
        self.tell(News::Everything);
    }

    /// Takes another configuration, as if its file had changed to it.
    pub fn configuration(&self, config: Config) {
        self.tell(News::Configuration(Box::new(config)));
    }

    /// Says where the configuration comes from; from then on it is read again too.
    pub(crate) fn reads_from(&self, origin: Origin) {
        self.tell(News::Origin(Box::new(origin)));
    }

    /// Returns how often each part was taken, or kept because the new one is of no use.
    #[must_use]
    pub fn counts(&self) -> Vec<(Part, Outcome, u64)> {
        let mut counts = self.counts.all();
        let (taken, kept) = self.policies.counts();
        for (outcome, more) in [(Outcome::Taken, taken), (Outcome::Kept, kept)] {
            if more > 0 {
                let count = counts.entry((Part::Policies, outcome)).or_default();
                *count = count.saturating_add(more);
            }
        }
        counts.into_iter().map(|((part, outcome), count)| (part, outcome, count)).collect()
    }

    /// Returns how many whole days certificates have left, by the names `server` and `client_ca`;
    /// negative after their end.
    #[must_use]
    pub fn certificate_days_left(&self) -> Vec<(&'static str, i64)> {
        dates::days_left(&self.transport.dates(), self.clock.now())
    }

    fn tell(&self, news: News) {
        // The thread has ended when nobody listens, and then nothing is to be read.
        let _ = self.inbox.send(news);
    }
}

/// What the thread has.
struct Reader {
    parts: Parts,
    origin: Option<Origin>,
    reminder: Reminder,
    inbox: mpsc::Sender<News>,
    watcher: Option<RecommendedWatcher>,
    /// Where the store writes all the time. The files beside it are watched by themselves: each write
    /// would be told of, and would cost as much again.
    store: Option<PathBuf>,
}

impl Reader {
    fn run(mut self, inbox: &mpsc::Receiver<News>) {
        self.watch();
        // What changed before the directories were watched.
        self.parts.take(Asked::default());
        loop {
            self.reminder.remind(&self.parts.dates(), self.parts.now());
            match inbox.recv_timeout(LOOK) {
                Ok(first) => {
                    let Some(asked) = self.gather(first, inbox) else { return };
                    // A link may lead to another directory now.
                    self.watch();
                    self.parts.take(asked);
                    // A configuration may name other files.
                    self.watch();
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let configuration = self.changed_configuration();
                    let asked = Asked { configuration, level: self.level(), is_everything: false };
                    self.parts.take(asked);
                    self.watch();
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Waits until nothing comes for a moment, and puts together what is asked for; `None` if it is
    /// the end.
    fn gather(&mut self, first: News, inbox: &mpsc::Receiver<News>) -> Option<Asked> {
        let begin = Instant::now();
        let mut asked = Asked::default();
        let mut given = None;
        let mut is_first = false;
        let mut next = Some(first);
        while let Some(news) = next.take() {
            match news {
                News::End => return None,
                News::Change => {}
                News::Everything => asked.is_everything = true,
                News::Origin(origin) => {
                    is_first = true;
                    self.origin = Some(*origin);
                }
                News::Configuration(config) => given = Some(*config),
            }
            if begin.elapsed() < LONGEST_WAIT {
                next = match inbox.recv_timeout(QUIET) {
                    Ok(news) => Some(news),
                    Err(mpsc::RecvTimeoutError::Timeout) => None,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                };
            }
        }
        asked.configuration = match (given, &self.origin) {
            (Some(config), _) => Some(Ok(config)),
            (None, Some(origin)) if asked.is_everything => {
                self.parts.note_configuration(origin.file.as_deref());
                Some((origin.read)())
            }
            (None, Some(origin)) if is_first => {
                // It may have changed since the server was started with it.
                self.parts.note_configuration(origin.file.as_deref());
                let is_new = |read: &Result<Config, Report>| {
                    read.as_ref().map_or(true, |config| !self.parts.is_wanted(config))
                };
                Some((origin.read)()).filter(is_new)
            }
            (None, _) => self.changed_configuration(),
        };
        asked.level = self.level();
        Some(asked)
    }

    fn level(&self) -> Option<LogLevel> {
        self.origin.as_ref().and_then(|origin| origin.level.clone())
    }

    /// Reads the configuration, if something else is in its file.
    fn changed_configuration(&mut self) -> Option<Result<Config, Report>> {
        let origin = self.origin.as_ref()?;
        let has_changed = self.parts.note_configuration(origin.file.as_deref());
        has_changed.then(|| (origin.read)())
    }

    /// Watches the directories of all files. Anew each time: a directory may have been replaced by
    /// another of the same name, and an old watch tells nothing of that.
    fn watch(&mut self) {
        let mut all = self.parts.files();
        all.extend(self.origin.as_ref().and_then(|origin| origin.file.clone()));
        let inbox = self.inbox.clone();
        let Ways { directories, names } = files::ways(&all);
        let beside_store = |directory: &PathBuf| -> Vec<PathBuf> {
            let named = names.iter().map(|name| directory.join(name));
            named.filter(|path| path.exists()).collect()
        };
        let paths: Vec<PathBuf> = directories
            .into_iter()
            .flat_map(|directory| {
                let has_store = self.store.is_some() && directory.canonicalize().ok() == self.store;
                if has_store { beside_store(&directory) } else { vec![directory] }
            })
            .collect();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(&event, &names)) {
                // The thread has ended when nobody listens.
                let _ = inbox.send(News::Change);
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(
                    %error,
                    seconds = LOOK.as_secs(),
                    "changes of files cannot be watched; they are looked at now and then"
                );
                return;
            }
        };
        for path in &paths {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                tracing::debug!(path = %path.display(), %error, "not watched");
            }
        }
        self.watcher = Some(watcher);
    }
}

/// Returns the directory of the store, if it is a file.
fn store_directory(config: &Config) -> Option<PathBuf> {
    Url::parse(&config.storage.url).ok()?.file()?.parent()?.canonicalize().ok()
}

/// Says whether an event may mean that a file holds something else. Reading is none; nor is writing
/// to files of other names, because a store may lie beside.
fn is_change(event: &Event, names: &BTreeSet<OsString>) -> bool {
    let is_ours = || {
        let mut of_event = event.paths.iter().filter_map(|path| path.file_name());
        of_event.any(|name| names.contains(name))
    };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => is_ours(),
        EventKind::Access(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, RenameMode};

    use super::*;

    #[test]
    fn reading_and_writing_to_other_files_is_no_change() {
        let names = BTreeSet::from(["server.crt".into()]);
        let is = |kind, path: &str| is_change(&Event::new(kind).add_path(path.into()), &names);
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for kind in [written, data, EventKind::Modify(ModifyKind::Any)] {
            assert!(is(kind, "/a/server.crt"), "{kind:?}");
        }
        for kind in [written, data] {
            assert!(!is(kind, "/a/kmip-app.db-wal"), "{kind:?}");
        }
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        assert!(!is(read, "/a/server.crt"));
        // What is renamed may be a link or a directory on the way.
        assert!(is(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/a/..data"));
        assert!(is(EventKind::Any, "/a"));
    }
}
