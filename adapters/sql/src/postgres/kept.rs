//! The cache of sealed records, each use of which the database confirms.
//!
//! Many nodes write one database, so what is kept is only a guess until the database says that the
//! record still has that revision, that nothing more was taken from its usage limits, and that it is
//! sealed under the same key. After a fail-over the same numbers may stand for another change; so
//! everything is forgotten with every new connection.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    record::Record,
    store::{Revision, StoreError, Stored},
};
use sqlx::{
    PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{
    connection::{self, Attempts, Remedy},
    script,
};
use crate::{
    cache::{Before, Cache},
    row,
    seals::Told,
};

/// How many records are asked about in one statement at most.
const TOGETHER_AT_MOST: usize = 256;

/// How many questions may wait; more wait to be queued.
const QUEUE: usize = 1_024;

/// Asks about records.
const FORMS: &str =
    "SELECT identifier, revision, spent, key_number FROM record WHERE identifier = ANY($1)";

/// What is kept in memory, and since which connection.
#[derive(Debug)]
pub(super) struct Kept {
    cache: Cache,
    epoch: AtomicU64,
}

impl Kept {
    pub(super) fn new(bytes: u64) -> Self {
        Self { cache: Cache::new(bytes), epoch: AtomicU64::new(0) }
    }

    /// Says that a connection is new: the server behind it may be another one.
    pub(super) fn connected(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.cache.clear();
    }

    /// Counts the connections so far.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Returns the memory, for its figures.
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Returns what is kept, to be confirmed.
    pub(super) fn get(&self, identifier: &UniqueIdentifier) -> Option<Stored<Record>> {
        self.cache.get(identifier)
    }

    pub(super) fn before_read(&self, identifier: &UniqueIdentifier) -> Before {
        self.cache.before_read(identifier)
    }

    pub(super) fn was_read(
        &self,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
        before: Before,
    ) {
        self.cache.was_read(identifier, stored, before);
    }

    /// Returns who is told what was committed since `epoch`; nobody if a connection is newer.
    pub(super) fn since(&self, epoch: u64) -> Since<'_> {
        Since { kept: self, epoch }
    }
}

/// Keeps what was committed while no connection was made.
#[derive(Debug)]
pub(super) struct Since<'a> {
    kept: &'a Kept,
    epoch: u64,
}

impl Told for Since<'_> {
    fn was_written(&self, identifier: &UniqueIdentifier, stored: Stored<Record>) {
        if self.kept.epoch() == self.epoch {
            self.kept.cache.was_written(identifier, stored);
        }
    }

    fn was_amended(&self, identifier: &UniqueIdentifier, amend: impl FnOnce(&mut Record)) {
        if self.kept.epoch() == self.epoch {
            self.kept.cache.was_amended(identifier, amend);
        }
    }
}

/// What tells one form of a record from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    revision: Revision,
    spent: i64,
    key: u32,
}

impl Form {
    /// Returns the form of a record.
    pub(super) fn of(stored: &Stored<Record>) -> Self {
        let record = &stored.value;
        Self { revision: stored.revision, spent: record.spent.amount, key: record.sealed.key }
    }
}

type Answer = Result<Option<Form>, StoreError>;

/// Asks the database for forms: what waits together is one question.
#[derive(Clone, Debug)]
pub(super) struct Forms(mpsc::Sender<(UniqueIdentifier, oneshot::Sender<Answer>)>);

impl Forms {
    /// Starts the task that asks; it ends when nobody can ask it any more.
    pub(super) fn start(options: PgConnectOptions, kept: Arc<Kept>) -> Self {
        let (questions, queue) = mpsc::channel(QUEUE);
        tokio::spawn(Asker { options, kept, connection: None }.run(queue));
        Self(questions)
    }

    /// Asks which form a record has now.
    pub(super) async fn of(&self, identifier: &UniqueIdentifier) -> Answer {
        let (answer, told) = oneshot::channel();
        self.0.send((identifier.clone(), answer)).await.map_err(|_| StoreError::Unavailable)?;
        told.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

struct Asker {
    options: PgConnectOptions,
    kept: Arc<Kept>,
    connection: Option<PgConnection>,
}

impl Asker {
    async fn run(mut self, mut queue: mpsc::Receiver<(UniqueIdentifier, oneshot::Sender<Answer>)>) {
        let mut waiting = Vec::with_capacity(TOGETHER_AT_MOST);
        while queue.recv_many(&mut waiting, TOGETHER_AT_MOST).await > 0 {
            let names: Vec<String> = waiting
                .iter()
                .map(|(identifier, _)| script::escaped(identifier.as_str()).into_owned())
                .collect();
            let found = self.ask(&names).await;
            for (identifier, answer) in waiting.drain(..) {
                let form = match &found {
                    Ok(found) => Ok(found.get(&identifier).copied()),
                    Err(()) => Err(StoreError::Unavailable),
                };
                // Who has gone away does not want to know.
                let _ = answer.send(form);
            }
        }
        if let Some(connection) = self.connection {
            connection::close(connection).await;
        }
    }

    async fn ask(&mut self, names: &[String]) -> Result<HashMap<UniqueIdentifier, Form>, ()> {
        let mut attempts = Attempts::new();
        loop {
            let error = match self.ask_once(names).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            let remedy = Remedy::of(&error);
            if remedy != Remedy::Again {
                self.connection = None;
            }
            if remedy == Remedy::None || !attempts.next().await {
                error!(%error, "records not confirmed");
                return Err(());
            }
        }
    }

    async fn ask_once(
        &mut self,
        names: &[String],
    ) -> Result<HashMap<UniqueIdentifier, Form>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let (connection, _) = connection::connect(&self.options).await?;
                self.kept.connected();
                none.insert(connection)
            }
        };
        let query = sqlx::query(FORMS).bind(names).fetch_all(connection);
        let rows = script::in_time(query).await?;
        let form = |row: &PgRow| {
            let form = Form {
                revision: Revision(row::unsigned(row, 1)?),
                spent: row.try_get(2)?,
                key: row::unsigned(row, 3)?,
            };
            Ok((row::identifier(row, 0)?, form))
        };
        rows.iter().map(form).collect()
    }
}
