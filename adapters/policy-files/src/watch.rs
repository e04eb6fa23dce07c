//! Policies that are up to date: a thread reads the files again when the system says that they have
//! changed.
//!
//! A change is in force a fraction of a second after it was made. The wait is short, and it is
//! there so that a file that is written in pieces is read once, whole.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use kmip_model::policy::{Policies, WithoutSection};
use kmip_ports::policy::PolicySource;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    directory::{self, Target},
    shelf::{Remark, Shelf},
};

/// How long nothing must change before the files are read.
const QUIET: Duration = Duration::from_millis(50);

/// How long files that keep changing are waited for.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How often a directory that cannot be watched, for instance because it is not there, is tried.
const RETRY: Duration = Duration::from_millis(500);

/// Why policy files cannot be kept up to date.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The system gives no word of changes.
    #[error("changes of files cannot be watched")]
    NoNotification(#[from] notify::Error),
    /// No thread can be started.
    #[error("the thread that reads policy files cannot be started")]
    NoThread(#[from] std::io::Error),
}

/// The policies of the files in one place.
#[derive(Debug)]
pub struct PolicyFiles {
    shared: Arc<Shared>,
    news: mpsc::Sender<News>,
}

#[derive(Debug)]
struct Shared {
    policies: ArcSwap<Policies>,
    changes: watch::Sender<u64>,
    /// Files that came into force, or went out of it, and files that could not.
    taken: AtomicU64,
    kept: AtomicU64,
}

/// What the thread is told, in rising weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    /// Something may have changed.
    Change,
    /// A watched directory has gone, and the watch with it.
    Lost,
    /// Nobody needs it any more.
    End,
}

impl PolicyFiles {
    /// Reads the files and keeps what they say up to date: those of a directory whose names end in
    /// `.json`, or one file. Nothing has to be there yet.
    ///
    /// # Errors
    /// The system gives no word of changes, or no thread.
    pub fn watch(path: &Path, without_section: WithoutSection) -> Result<Self, WatchError> {
        let (news, inbox) = mpsc::channel();
        let to_thread = news.clone();
        let place = path.to_owned();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Some(news) = event.map_or(Some(News::Change), |event| news_of(&event, &place)) {
                // The thread has ended when nobody listens, and then nothing is missed.
                let _ = to_thread.send(news);
            }
        })?;
        let empty = Policies::default().with_groups_without_section(without_section);
        let shared = Arc::new(Shared {
            policies: ArcSwap::from_pointee(empty),
            changes: watch::Sender::new(0),
            taken: AtomicU64::new(0),
            kept: AtomicU64::new(0),
        });
        let mut reader = Reader {
            path: path.to_owned(),
            without_section,
            watcher,
            watched: None,
            is_unlisted: false,
            shelf: Shelf::default(),
            shared: Arc::clone(&shared),
        };
        if !path.exists() {
            tracing::warn!(
                path = %path.display(),
                "there are no policy files; they are read when they appear"
            );
        }
        reader.catch_up();
        thread::Builder::new().name("policy-files".to_owned()).spawn(move || reader.run(&inbox))?;
        Ok(Self { shared, news })
    }

    /// Returns a counter that moves whenever files were read that say something new.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Reads the files again, whether or not the system says that they have changed: on some file
    /// systems it never does.
    pub fn read_again(&self) {
        // If the thread has ended, nobody needs it.
        let _ = self.news.send(News::Change);
    }

    /// Returns how many files have come into force or gone out of it since the beginning, and how
    /// many could not, so that what they said before was kept.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.shared.taken), count(&self.shared.kept))
    }
}

impl PolicySource for PolicyFiles {
    fn policies(&self) -> Arc<Policies> {
        self.shared.policies.load_full()
    }
}

impl Drop for PolicyFiles {
    fn drop(&mut self) {
        // If the thread has ended already, that is what was wanted.
        let _ = self.news.send(News::End);
    }
}

/// Says what an event means for the files at `place`; reading them causes events too.
fn news_of(event: &Event, place: &Path) -> Option<News> {
    let of_directory =
        || event.paths.iter().any(|path| path == place || Some(path.as_path()) == place.parent());
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(News::Change),
        EventKind::Access(_) => None,
        // Another directory may come in its place that even has the same number.
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) if of_directory() => {
            Some(News::Lost)
        }
        _ => Some(News::Change),
    }
}

/// What the thread has.
struct Reader {
    path: PathBuf,
    without_section: WithoutSection,
    watcher: RecommendedWatcher,
    watched: Option<Target>,
    /// Says whether the directory could not be listed last time, so that it is said once.
    is_unlisted: bool,
    shelf: Shelf,
    shared: Arc<Shared>,
}

impl Reader {
    fn run(mut self, inbox: &mpsc::Receiver<News>) {
        loop {
            let news = if self.watched.is_some() {
                inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(RETRY)
            };
            match news.and_then(|news| settled(inbox, news)) {
                Ok(News::Change) | Err(mpsc::RecvTimeoutError::Timeout) => self.catch_up(),
                Ok(News::Lost) => {
                    self.follow(None);
                    self.catch_up();
                }
                Ok(News::End) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Watches what must be watched, then reads; in that order, so that no change is missed.
    fn catch_up(&mut self) {
        loop {
            let target = Target::of(&self.path);
            self.follow(target.clone());
            self.read();
            if Target::of(&self.path) == target {
                return;
            }
        }
    }

    fn follow(&mut self, target: Option<Target>) {
        if self.watched == target {
            return;
        }
        if let Some(old) = self.watched.take() {
            // A watch ends by itself when its directory goes.
            let _ = self.watcher.unwatch(&old.directory);
        }
        let Some(target) = target else { return };
        match self.watcher.watch(&target.directory, RecursiveMode::NonRecursive) {
            Ok(()) => self.watched = Some(target),
            Err(error) => {
                let directory = target.directory.display();
                tracing::error!(%directory, %error, "policy files cannot be watched");
            }
        }
    }

    fn read(&mut self) {
        let contents = match directory::read(&self.path) {
            Ok(contents) => contents,
            Err(error) => {
                if !self.is_unlisted {
                    let path = self.path.display();
                    tracing::error!(%path, %error, "policy files cannot be listed; all stay");
                }
                self.is_unlisted = true;
                return;
            }
        };
        self.is_unlisted = false;
        let remarks = self.shelf.update(contents);
        if remarks.is_empty() {
            return;
        }
        for (file, remark) in &remarks {
            log(file, remark);
            let counter = match remark {
                Remark::Loaded(_) | Remark::Gone => &self.shared.taken,
                Remark::Unreadable(_) | Remark::Bad(_) => &self.shared.kept,
                Remark::Reserved(_) => continue,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.policies.store(Arc::new(self.shelf.policies(self.without_section)));
        self.shared.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Waits until nothing has changed for a moment, and returns the weightiest news.
fn settled(inbox: &mpsc::Receiver<News>, first: News) -> Result<News, mpsc::RecvTimeoutError> {
    let begin = Instant::now();
    let mut weightiest = first;
    while weightiest != News::End && begin.elapsed() < LONGEST_WAIT {
        match inbox.recv_timeout(QUIET) {
            Ok(news) => weightiest = weightiest.max(news),
            Err(mpsc::RecvTimeoutError::Timeout) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(weightiest)
}

fn log(file: &str, remark: &Remark) {
    match remark {
        Remark::Loaded(policies) => tracing::info!(file, ?policies, "policy file read"),
        Remark::Gone => tracing::info!(file, "policy file gone"),
        Remark::Unreadable(error) => {
            tracing::error!(file, %error, "policy file cannot be read; what it said stays");
        }
        Remark::Bad(fault) => {
            tracing::error!(file, %fault, "policy file has no effect; what it said before stays");
        }
        Remark::Reserved(policy) => {
            tracing::warn!(file, policy, "policy has a reserved name and is thrown out");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use notify::event::RemoveKind;

    use kmip_model::{
        Principal,
        enumeration::{ObjectType, Operation},
        policy::Question,
    };

    use super::*;

    /// Far more than a change takes.
    const GENEROUS: Duration = Duration::from_secs(30);

    fn policy(name: &str, operation: &str) -> String {
        format!(r#"{{"{name}": {{"SYMMETRIC_KEY": {{"{operation}": "ALLOW_ALL"}}}}}}"#)
    }

    fn allows(files: &PolicyFiles, policy: &str, operation: Operation) -> bool {
        let object_type = ObjectType::SymmetricKey;
        let question = Question { policy, owner: "alice", object_type, operation };
        files.policies().allows(&Principal::user("bob"), &question)
    }

    /// Waits until the policies are as they are expected to become.
    async fn until(files: &PolicyFiles, mut expected: impl FnMut(&PolicyFiles) -> bool) {
        let mut changes = files.changes();
        let wait = async {
            loop {
                changes.borrow_and_update();
                if expected(files) {
                    return;
                }
                changes.changed().await.expect("the files are watched");
            }
        };
        tokio::time::timeout(GENEROUS, wait).await.expect("the change comes into force");
    }

    fn watch(path: &Path) -> PolicyFiles {
        PolicyFiles::watch(path, WithoutSection::Preset).unwrap()
    }

    #[tokio::test]
    async fn files_take_effect_as_they_come_change_and_go() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name);
        fs::write(file("a.json"), policy("p", "GET")).unwrap();
        let files = watch(place.path());
        assert!(allows(&files, "p", Operation::Get));

        fs::write(file("b.json"), policy("p", "DESTROY")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Destroy)).await;
        assert!(!allows(&files, "p", Operation::Get));

        // A bad file changes nothing; the file after it is read at the same time or later.
        fs::write(file("b.json"), policy("p", "SHRED")).unwrap();
        fs::write(file("c.json"), policy("c", "GET")).unwrap();
        until(&files, |files| allows(files, "c", Operation::Get)).await;
        assert!(allows(&files, "p", Operation::Destroy));
        let (taken, kept) = files.counts();
        // A file that was seen while it was written counts too.
        assert!(taken >= 3 && kept >= 1, "{taken} {kept}");

        fs::remove_file(file("b.json")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Get)).await;
        assert!(!allows(&files, "p", Operation::Destroy));

        // Editors write a new file and rename it.
        fs::write(file("a.tmp"), policy("p", "DESTROY")).unwrap();
        fs::rename(file("a.tmp"), file("a.json")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Destroy)).await;
    }

    #[tokio::test]
    async fn a_change_is_in_force_within_a_second() {
        let place = tempfile::tempdir().unwrap();
        let files = watch(place.path());
        let begin = Instant::now();
        fs::write(place.path().join("a.json"), policy("p", "GET")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Get)).await;
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    }

    #[tokio::test]
    async fn a_single_file_is_watched_too() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("policy.json");
        let files = watch(&path);
        fs::write(place.path().join("other.json"), policy("other", "GET")).unwrap();
        fs::write(&path, policy("p", "GET")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Get)).await;
        assert!(!allows(&files, "other", Operation::Get));
        fs::remove_file(&path).unwrap();
        until(&files, |files| !allows(files, "p", Operation::Get)).await;
    }

    #[tokio::test]
    async fn a_directory_may_come_later_go_and_be_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("policies");
        let files = watch(&path);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.json"), policy("p", "GET")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Get)).await;
        fs::remove_dir_all(&path).unwrap();
        until(&files, |files| !allows(files, "p", Operation::Get)).await;
        fs::create_dir(&path).unwrap();
        fs::write(path.join("b.json"), policy("p", "GET")).unwrap();
        until(&files, |files| allows(files, "p", Operation::Get)).await;
    }

    #[test]
    fn reading_files_is_no_news() {
        let place = Path::new("/a/b");
        let news = |kind, path: &str| news_of(&Event::new(kind).add_path(path.into()), place);
        let access = |kind| news(EventKind::Access(kind), "/a/b/c.json");
        assert_eq!(access(AccessKind::Open(AccessMode::Any)), None);
        assert_eq!(access(AccessKind::Close(AccessMode::Read)), None);
        assert_eq!(access(AccessKind::Close(AccessMode::Write)), Some(News::Change));
        let gone = EventKind::Remove(RemoveKind::Any);
        assert_eq!(news(gone, "/a/b/c.json"), Some(News::Change));
        assert_eq!(news(gone, "/a/b"), Some(News::Lost));
        assert_eq!(news(gone, "/a"), Some(News::Lost));
        assert_eq!(news(EventKind::Any, "/a/b"), Some(News::Change));
    }
}
