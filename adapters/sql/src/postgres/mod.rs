//! Records in a PostgreSQL database that several nodes share.
//!
//! No node keeps anything that another needs. One connection of each node writes (see [`writer`]),
//! and rows are locked while it judges, so that revisions and unique names are exact between nodes.
//! What is read is what was committed last, by whomever; see [`kept`].

mod connection;
mod inspection;
mod kept;
mod migration;
mod node;
mod options;
mod script;
mod snapshot;
mod transaction;
mod writer;

use std::sync::Arc;

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
    PgPool,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::sync::watch;
use tracing::warn;

pub use self::options::{PostgresOpenError, PostgresOptions, PostgresUrlError};
use self::{
    connection::{Attempts, Remedy},
    kept::{Form, Forms, Kept},
    migration::MigrationError,
    script::{Reuse, Script},
    snapshot::Instant,
    writer::Writer,
};
use crate::{
    batch::Request,
    branches::Dates,
    figures::{self, Commits, Pool},
    jobs::Jobs,
    listing,
    notes::Notes,
    row::{self, Loading, first_number, unavailable},
    search::{self, Manner, Search},
    snapshot::Reading,
    statement,
};

/// Where identifiers are in the rows of a page; places come first.
const IDENTIFIER: usize = 1;

/// Keeps records in PostgreSQL.
///
/// Dropping it ends the writer in the background; [`PostgresRecords::close`] waits for it.
#[derive(Debug)]
pub struct PostgresRecords {
    readers: PgPool,
    connect: PgConnectOptions,
    jobs: Jobs,
    notes: Arc<Notes>,
    kept: Arc<Kept>,
    forms: Forms,
    commits: Arc<Commits>,
    outdated: watch::Receiver<bool>,
    ended: watch::Receiver<()>,
}

impl PostgresRecords {
    /// Connects, brings the schema up to date and starts the writer. Needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`PostgresOpenError`].
    pub async fn open(options: &PostgresOptions) -> Result<Self, PostgresOpenError> {
        let place = options.place();
        let unusable = |source| PostgresOpenError::Unusable { place: place.clone(), source };
        let (mut connection, server) =
            connection::connect_patiently(&options.connect).await.map_err(unusable)?;
        if !server.suitable {
            return Err(PostgresOpenError::Unsuitable { place });
        }
        if !server.durable {
            warn!(%place, "the database does not wait for the disk (fsync = off)");
        }
        migration::migrate(&mut connection, options.create).await.map_err(|error| match error {
            MigrationError::Missing => PostgresOpenError::Missing { place: place.clone() },
            MigrationError::Newer { found, known } => {
                PostgresOpenError::Newer { place: place.clone(), found, known }
            }
            MigrationError::Foreign => PostgresOpenError::Foreign { place: place.clone() },
            MigrationError::Refused(source) => unusable(source),
        })?;
        let kept = Arc::new(Kept::new(options.cache_bytes));
        let forget = Arc::clone(&kept);
        let readers = connection::pool(&options.connect, options.connections.max(1), move || {
            forget.connected();
        });
        let forms = Forms::start(options.connect.clone(), Arc::clone(&kept));
        let (jobs, queue) = Jobs::queue();
        let (ended, on_end) = watch::channel(());
        let (outdated, on_change) = watch::channel(false);
        let notes = Arc::new(Notes::default());
        let commits = Arc::new(Commits::default());
        let writer = Writer {
            options: options.connect.clone(),
            connection: Some(connection),
            backend: Some(server.backend),
            kept: Arc::clone(&kept),
            notes: Arc::clone(&notes),
            commits: Arc::clone(&commits),
            chain: None,
            doubt: None,
            outdated,
            ended,
        };
        tokio::spawn(writer.run(queue));
        let connect = options.connect.clone();
        let (outdated, ended) = (on_change, on_end);
        Ok(Self { readers, connect, jobs, notes, kept, forms, commits, outdated, ended })
    }

    /// Waits until a later program has changed the schema so that this one may not write any more;
    /// for ever, if none does.
    pub async fn outdated(&self) {
        let outdated = self.outdated.clone().wait_for(|outdated| *outdated).await.map(|_| ());
        if outdated.is_err() {
            // The writer has ended, and might write until then.
            std::future::pending::<()>().await;
        }
    }

    /// Says whether the schema has become one that this program may not write in.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        *self.outdated.borrow()
    }

    /// Writes everything that waits and lets go of the database. What is written later is
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.jobs.close().await;
        // Nothing is ever sent; the error says that the writer has ended.
        let _ = self.ended.clone().changed().await;
        connection::close_pool(&self.readers).await;
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

    /// Reads, again if the connection turns out to be broken.
    async fn read(&self, script: Script) -> Result<Vec<PgRow>, StoreError> {
        self.read_planned(script, Reuse::Likely).await
    }

    /// Reads with a plan that is kept, or with one of its own.
    async fn read_planned(&self, script: Script, plan: Reuse) -> Result<Vec<PgRow>, StoreError> {
        let mut attempts = Attempts::new();
        loop {
            let error = match script.clone().fetch_by(&self.readers, plan).await {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            if Remedy::of(&error) == Remedy::None || !attempts.next().await {
                return Err(unavailable(error));
            }
        }
    }

    /// Returns what is kept in memory, if the database says that it is still so.
    async fn confirmed(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError> {
        let epoch = self.kept.epoch();
        let Some(kept) = self.kept.get(identifier) else {
            return Ok(None);
        };
        let form = self.forms.of(identifier).await?;
        Ok((form == Some(Form::of(&kept)) && self.kept.epoch() == epoch).then_some(kept))
    }
}

#[async_trait]
impl RecordStore for PostgresRecords {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError> {
        if let Some(kept) = self.confirmed(identifier).await? {
            return Ok(Some(kept));
        }
        let before = self.kept.before_read(identifier);
        let rows = self.read(Script::of(&statement::load(identifier))).await?;
        let mut loading = Loading::default();
        rows.iter().try_for_each(|row| loading.take(row)).map_err(unavailable)?;
        let found = loading.done();
        if let Some(stored) = &found {
            self.kept.was_read(identifier, stored, before);
        }
        Ok(found)
    }

    async fn search(&self, query: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError> {
        let dates = match Search::probe(query) {
            None => Dates::Few,
            Some(probe) => {
                let rows = self.read(Script::of(&probe)).await?;
                Dates::counted(first_number(&rows).map_err(unavailable)?.unsigned_abs())
            }
        };
        let Some(search) = Search::new(query, Manner::Rows, dates) else {
            return Ok(Page::default());
        };
        let plan = if search.lasts { Reuse::Likely } else { Reuse::Unlikely };
        let rows = self.read_planned(Script::of(&search.page), plan).await?;
        let items: Result<Vec<_>, _> =
            rows.iter().map(|row| row::identifier(row, IDENTIFIER)).collect();
        let items = items.map_err(unavailable)?;
        if let Some(total) = search::total_of_last_page(query, items.len()) {
            return Ok(Page { items, total: Some(total) });
        }
        let counted = self.read_planned(Script::of(&search.count), plan).await?;
        let counted = first_number(&counted).map_err(unavailable)?;
        let total = search::total_of_page(query, items.len(), counted.unsigned_abs());
        Ok(Page { items, total })
    }

    async fn apply(
        &self,
        changes: ChangeSet<Record>,
        claims: Vec<TermClaim>,
    ) -> Result<(), StoreError> {
        self.jobs.write(Request::Apply(changes, claims)).await.map(drop)
    }

    async fn note(
        &self,
        events: Vec<AuditEvent>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        match durability {
            Durability::Queued => self.notes.add(events).await,
            Durability::Durable => self.jobs.write(Request::Note(events)).await.map(drop),
        }
    }

    async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError> {
        self.jobs.begin(notary).await
    }
}

#[async_trait]
impl DataKeys for PostgresRecords {
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let rows = self.read(Script::of(&statement::load_keys())).await?;
        rows.iter().map(row::wrapped_key).collect::<Result<_, _>>().map_err(unavailable)
    }

    async fn add_key(&self, key: WrappedKey) -> Result<(), StoreError> {
        self.jobs.write(Request::AddKey(key)).await.map(drop)
    }

    async fn replace_keys(
        &self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError> {
        let before = before.to_vec();
        self.jobs.write(Request::ReplaceKeys { before, after }).await.map(drop)
    }

    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError> {
        // It goes through everything, which no connection of the pool has the time for.
        let instant = Instant::begin(&self.connect).await.map_err(unavailable)?;
        let rows = instant.fetch_all(figures::count_by_key()).await;
        let rows = rows.map_err(unavailable)?;
        rows.iter().map(row::key_count).collect::<Result<_, _>>().map_err(unavailable)
    }
}

#[async_trait]
impl StoreGauge for PostgresRecords {
    fn figures(&self) -> StoreFigures {
        let pool = Pool {
            open: usize::try_from(self.readers.size()).unwrap_or(usize::MAX),
            idle: self.readers.num_idle(),
        };
        figures::figures(self.jobs.waiting(), &self.commits, &self.notes, pool, self.kept.cache())
    }

    async fn objects(&self) -> Result<Vec<StateCount>, StoreError> {
        let count = Script::of(&figures::count_by_state());
        let rows = self.read_planned(count, Reuse::Unlikely).await?;
        let counts = rows.first().map_or_else(|| Ok(Vec::new()), figures::state_counts);
        counts.map_err(unavailable)
    }
}

#[async_trait]
impl Maintenance for PostgresRecords {
    async fn list(
        &self,
        conditions: &[Condition],
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let read = |statement: SelectStatement| self.read(Script::of(&statement));
        listing::list(conditions, maximum, Manner::Rows, read).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let instant = Instant::begin(&self.connect).await.map_err(unavailable)?;
        Ok(Box::new(Reading::new(instant)))
    }

    async fn reseal(&self, records: Vec<Resealed>) -> Result<u64, StoreError> {
        self.jobs.write(Request::Reseal(records)).await
    }

    async fn prune(&self, anchor: Anchor) -> Result<(), StoreError> {
        self.jobs.write(Request::Prune(anchor)).await.map(drop)
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        self.jobs.write(Request::Restore(part)).await.map(drop)
    }
}
