//! Records in a SQLite database of this process alone.
//!
//! One connection writes (see [`writer`]), a few read. Readers see the last commit and wait for
//! nobody (write-ahead log). A commit is durable when it returns (`synchronous = FULL`).

mod desk;
mod direct;
mod inspection;
mod location;
mod lookup;
mod migration;
mod readers;
mod script;
mod snapshot;
mod writer;

#[cfg(test)]
mod plans;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::{Anchor, AuditEvent, Durability, Notary},
    maintenance::{Maintenance, Part, Resealed, Snapshot},
    observe::{StateCount, StoreFigures, StoreGauge},
    record::{
        Condition, DataKeys, KeyCount, Record, RecordStore, TermClaim, TermQuery, WrappedKey,
    },
    store::{ChangeSet, Page, StoreError, Stored},
};
use sea_query::SelectStatement;
use sqlx::{
    ConnectOptions, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use tokio::{runtime, sync::watch};

pub use self::location::{Location, OpenError, Options, UnknownLocation};
use self::{
    desk::Desk,
    direct::Direct,
    location::Place,
    lookup::Lookup,
    migration::MigrationError,
    script::{Reuse, Script},
    snapshot::{Instant, Loaded},
    writer::{Writer, run},
};
use crate::{
    batch::{Request, Verdict},
    cache::Cache,
    figures::{self, Commits, Pool},
    jobs::Jobs,
    listing,
    notes::Notes,
    row::{self, first_number, unavailable},
    search::Manner,
    snapshot::Reading,
    statement,
};

/// How many connections there are for what is read now and then: lists, counts, and snapshots, which
/// each have one for as long as they take.
const SELDOM: u32 = 4;

/// How long to wait for a connection, and for another program that reads the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps records in SQLite.
///
/// Dropping it ends the writer in the background; [`SqliteRecords::close`] waits for it.
#[derive(Debug)]
pub struct SqliteRecords {
    in_memory: bool,
    readers: SqlitePool,
    lookup: Arc<Lookup>,
    desk: Arc<Desk>,
    jobs: Jobs,
    writable: Arc<AtomicBool>,
    failed: watch::Receiver<bool>,
    cache: Arc<Cache>,
    notes: Arc<Notes>,
    commits: Arc<Commits>,
    ended: watch::Receiver<()>,
}

impl SqliteRecords {
    /// Opens the database, brings its schema up to date and starts the writer. Needs a Tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let lock = match &options.location {
            Location::Memory => None,
            Location::File(path) => Some(location::claim(path, options.create)?),
        };
        let path = options.location.path();
        let unusable = |source: sqlx::Error| unusable(&path, source);
        let place = Place::of(&options.location);
        let mut connection = preparing(&place).await.map_err(unusable)?;
        migration::migrate(&mut connection).await.map_err(|error| match error {
            MigrationError::Newer { found, known } => {
                OpenError::Newer { path: path.clone(), found, known }
            }
            MigrationError::Foreign => OpenError::Foreign { path: path.clone() },
            MigrationError::Refused(source) => unusable(source),
        })?;
        let rows = Script::of(&statement::newest_seq())
            .fetch(&mut connection, Reuse::Unlikely)
            .await
            .map_err(unusable)?;
        let newest = first_number(&rows).map_err(unusable)?;
        if lock.is_some() {
            // After a crash or a failed sync, what is read may be in memory alone: it is written
            // anew before anybody is told of it.
            let merge = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
            merge.execute(&mut connection).await.map_err(unusable)?;
        }
        let refused = |source: rusqlite::Error| OpenError::Unusable {
            path: path.clone(),
            source: source.into(),
        };
        let direct = Direct::open(&place).map_err(refused)?;
        let lookup = Arc::new(Lookup::open(&place, options.readers).map_err(unusable)?);
        let readers = reading(&place).await.map_err(unusable)?;
        // What is in memory is there as long as somebody is connected to it.
        connection.close().await.map_err(unusable)?;
        let cache = Arc::new(Cache::new(options.cache_bytes));
        Self::start(direct, (readers, lookup), newest.saturating_add(1), lock, cache)
            .map_err(|source| OpenError::Unreadable { path: path.clone(), source })
    }

    fn start(
        direct: Direct,
        (readers, lookup): (SqlitePool, Arc<Lookup>),
        next_seq: i64,
        lock: Option<File>,
        cache: Arc<Cache>,
    ) -> io::Result<Self> {
        let (jobs, queue) = Jobs::queue();
        let (ended, on_end) = watch::channel(());
        let (failed, on_failure) = watch::channel(false);
        let writable = Arc::new(AtomicBool::new(true));
        let notes = Arc::new(Notes::default());
        let commits = Arc::new(Commits::default());
        let in_memory = lock.is_none();
        let writer = Writer {
            direct,
            readers: readers.clone(),
            lookup: Arc::clone(&lookup),
            next_seq,
            writable: Arc::clone(&writable),
            failed,
            unmerged: 0,
            cache: Arc::clone(&cache),
            notes: Arc::clone(&notes),
            commits: Arc::clone(&commits),
            chain: None,
            lock,
            ended,
        };
        let desk = Arc::new(Desk::new(writer));
        // The thread waits for the disk, so that clients who write together need not.
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new().name("kmip-writer".to_owned()).spawn({
            let (desk, notes) = (Arc::clone(&desk), Arc::clone(&notes));
            move || runtime.block_on(run(desk, notes, queue))
        })?;
        let records = Self {
            in_memory,
            readers,
            lookup,
            desk,
            jobs,
            writable,
            failed: on_failure,
            cache,
            notes,
            commits,
            ended: on_end,
        };
        Ok(records)
    }

    /// Writes everything that waits, merges the log into the database and lets go of it. What
    /// comes later is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.jobs.close().await;
        // Nothing is ever sent; the error says that the writer has ended.
        let _ = self.ended.clone().changed().await;
    }

    /// Says whether changes are still acknowledged; after a failed commit they never are.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Acquire) && !self.jobs.is_closed()
    }

    /// Waits until a commit has failed and nothing is acknowledged any more; for ever, if none
    /// does.
    pub async fn failed(&self) {
        let failed = self.failed.clone().wait_for(|failed| *failed).await.map(|_| ());
        if failed.is_err() {
            // The writer has ended, and nothing had failed.
            std::future::pending::<()>().await;
        }
    }

    /// Says whether a commit has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    /// Counts the records, destroyed ones too.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database cannot be read.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let rows = self.read(Script::of(&statement::count_records())).await?;
        first_number(&rows).map(i64::unsigned_abs).map_err(unavailable)
    }

    async fn read(&self, script: Script) -> Result<Vec<SqliteRow>, StoreError> {
        script.fetch(&self.readers, Reuse::Likely).await.map_err(unavailable)
    }

    async fn write(&self, request: Request) -> Verdict {
        if let Some(seat) = self.desk.sit_down() {
            return seat.write(request);
        }
        self.jobs.write(request).await
    }
}

#[async_trait]
impl RecordStore for SqliteRecords {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError> {
        if let Some(kept) = self.cache.get(identifier) {
            return Ok(Some(kept));
        }
        let before = self.cache.before_read(identifier);
        let found = self.lookup.find(identifier).await.map_err(unavailable)?;
        if let Some(stored) = &found {
            self.cache.was_read(identifier, stored, before);
        }
        Ok(found)
    }

    async fn search(&self, query: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError> {
        self.lookup.search(query).await.map_err(unavailable)
    }

    async fn apply(
        &self,
        changes: ChangeSet<Record>,
        claims: Vec<TermClaim>,
    ) -> Result<(), StoreError> {
        self.write(Request::Apply(changes, claims)).await.map(drop)
    }

    async fn note(
        &self,
        events: Vec<AuditEvent>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        match durability {
            Durability::Queued => self.notes.add(events).await,
            Durability::Durable => self.write(Request::Note(events)).await.map(drop),
        }
    }

    async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError> {
        self.jobs.begin(notary).await
    }
}

#[async_trait]
impl DataKeys for SqliteRecords {
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let rows = self.read(Script::of(&statement::load_keys())).await?;
        rows.iter().map(row::wrapped_key).collect::<Result<_, _>>().map_err(unavailable)
    }

    async fn add_key(&self, key: WrappedKey) -> Result<(), StoreError> {
        self.write(Request::AddKey(key)).await.map(drop)
    }

    async fn replace_keys(
        &self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError> {
        let before = before.to_vec();
        self.write(Request::ReplaceKeys { before, after }).await.map(drop)
    }

    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError> {
        let rows = self.read(Script::of(&figures::count_by_key())).await?;
        rows.iter().map(row::key_count).collect::<Result<_, _>>().map_err(unavailable)
    }
}

#[async_trait]
impl StoreGauge for SqliteRecords {
    fn figures(&self) -> StoreFigures {
        let (open, idle) = self.lookup.connections();
        let pool = Pool {
            open: usize::try_from(self.readers.size()).unwrap_or(usize::MAX).saturating_add(open),
            idle: self.readers.num_idle().saturating_add(idle),
        };
        figures::figures(self.jobs.waiting(), &self.commits, &self.notes, pool, &self.cache)
    }

    async fn objects(&self) -> Result<Vec<StateCount>, StoreError> {
        let rows = self.read(Script::of(&figures::count_by_state())).await?;
        let counts = rows.first().map_or_else(|| Ok(Vec::new()), figures::state_counts);
        counts.map_err(unavailable)
    }
}

#[async_trait]
impl Maintenance for SqliteRecords {
    async fn list(
        &self,
        conditions: &[Condition],
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let read = |statement: SelectStatement| self.read(Script::of(&statement));
        listing::list(conditions, maximum, Manner::Joined, read).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let instant = Instant::begin(&self.readers, self.in_memory).await.map_err(unavailable)?;
        let reading = Reading::new(instant);
        if self.in_memory {
            // There is one connection, and whoever reads the snapshot may want to write.
            return Ok(Box::new(Loaded::of(reading).await?));
        }
        Ok(Box::new(reading))
    }

    async fn reseal(&self, records: Vec<Resealed>) -> Result<u64, StoreError> {
        self.write(Request::Reseal(records)).await
    }

    async fn prune(&self, anchor: Anchor) -> Result<(), StoreError> {
        self.write(Request::Prune(anchor)).await.map(drop)
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        self.write(Request::Restore(part)).await.map(drop)
    }
}

fn unusable(path: &Path, source: sqlx::Error) -> OpenError {
    OpenError::Unusable { path: path.to_owned(), source: source.into() }
}

/// Sets what the connections of sqlx have in common.
fn connecting(place: &Place) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(place.file());
    let options = match place.vfs() {
        Some(vfs) => options.vfs(vfs),
        None => options,
    };
    options
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// Opens the connection that brings a database up to date.
async fn preparing(place: &Place) -> Result<SqliteConnection, sqlx::Error> {
    let mut options = connecting(place).pragma("secure_delete", "ON");
    if !place.is_in_memory() {
        options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    }
    options.connect().await
}

/// Opens the connections for what is read now and then and takes long; they cannot write.
async fn reading(place: &Place) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(SELDOM)
        .min_connections(SELDOM)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .connect_with(connecting(place).pragma("query_only", "ON"))
        .await
}
