//! The one task that writes (group commit).
//!
//! It takes every request that waits, judges them in order, writes what is accepted in one
//! transaction, commits once and then answers all. It never waits for company, so a client that is
//! alone waits for nobody. Nobody is answered before the change is on the disk.
//!
//! After a commit that failed, what is on the disk is unknown: nothing is acknowledged any more
//! until the program starts again and reads what is there.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kmip_ports::{
    record::TermClaim,
    store::{Revision, StoreError, Stored},
};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::error;

use super::{
    cache::Cache,
    script::{self, Reuse, Script},
};
use crate::{
    batch::{Batch, Known, Position, Request, Write},
    statement::{self, kind},
};

/// How many requests share a transaction at most.
const TOGETHER_AT_MOST: usize = 256;

/// What is sent to the writer.
#[derive(Debug)]
pub(super) enum Job {
    /// Write something and say how it went.
    Write(Request, oneshot::Sender<Verdict>),
    /// Write what is before this and stop.
    Close,
}

/// How it went for one request.
type Verdict = Result<(), StoreError>;

/// Owns the writing side of a database.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) pool: SqlitePool,
    pub(super) readers: SqlitePool,
    /// The place of the next new record.
    pub(super) next_seq: i64,
    /// Turns false when nothing is acknowledged any more.
    pub(super) writable: Arc<AtomicBool>,
    /// Told of every change before it is acknowledged.
    pub(super) cache: Arc<Cache>,
    /// Held until everything is written; a database in memory has none.
    pub(super) lock: Option<File>,
    /// Dropped last, which tells those who wait for the end.
    pub(super) ended: watch::Sender<()>,
}

/// Why a batch was not written.
enum Failure {
    /// Nothing was written, and the next batch may be.
    Refused(sqlx::Error),
    /// Nobody knows what was written.
    Unknown(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error)
    }
}

impl Writer {
    /// Writes until it is told to stop, or until nobody can send any more.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(TOGETHER_AT_MOST);
        while jobs.recv_many(&mut waiting, TOGETHER_AT_MOST).await > 0 {
            let mut requests = Vec::with_capacity(waiting.len());
            let mut answers = Vec::with_capacity(waiting.len());
            for job in waiting.drain(..) {
                match job {
                    Job::Write(request, answer) => {
                        requests.push(request);
                        answers.push(answer);
                    }
                    Job::Close => jobs.close(),
                }
            }
            let verdicts = self.carry_out(requests).await;
            for (answer, verdict) in answers.into_iter().zip(verdicts) {
                // Who has gone away does not want to know.
                let _ = answer.send(verdict);
            }
        }
        self.end().await;
    }

    /// Writes a batch; the verdicts are in the order of the requests.
    async fn carry_out(&mut self, requests: Vec<Request>) -> Vec<Verdict> {
        let count = requests.len();
        let unavailable = || vec![Err(StoreError::Unavailable); count];
        if !self.writable.load(Ordering::Acquire) {
            return unavailable();
        }
        match self.write(requests).await {
            Ok(verdicts) => verdicts,
            Err(Failure::Refused(error)) => {
                error!(%error, requests = count, "batch not written");
                unavailable()
            }
            Err(Failure::Unknown(error)) => {
                self.writable.store(false, Ordering::Release);
                self.cache.clear();
                error!(%error, requests = count, "commit failed, nothing is written any more");
                unavailable()
            }
        }
    }

    async fn write(&mut self, requests: Vec<Request>) -> Result<Vec<Verdict>, Failure> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.acquire().await?;
        let outcome = transact(&mut connection, requests, self.next_seq).await;
        if !matches!(outcome, Ok(Outcome { committed: true, .. })) {
            // Refused when there is no transaction; if one stays open, the next cannot begin.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        let Outcome { verdicts, next_seq, writes, .. } = outcome?;
        self.next_seq = next_seq;
        for Write { identifier, position, record, .. } in writes {
            self.cache
                .was_written(&identifier, Stored { value: record, revision: position.revision });
        }
        Ok(verdicts)
    }

    /// Leaves a database that is one file, and lets go of it.
    async fn end(self) {
        let Self { pool, readers, cache, lock, ended, .. } = self;
        // Others may change the database from here on.
        cache.clear();
        if lock.is_some() {
            readers.close().await;
            if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&pool).await
            {
                error!(%error, "log not merged into the database; the next start does it");
            }
        }
        pool.close().await;
        drop(lock);
        drop(ended);
    }
}

/// What a transaction came to.
struct Outcome {
    verdicts: Vec<Verdict>,
    next_seq: i64,
    writes: Vec<Write>,
    committed: bool,
}

/// Judges and writes in one transaction: three calls, however many requests there are.
async fn transact(
    connection: &mut SqliteConnection,
    requests: Vec<Request>,
    next_seq: i64,
) -> Result<Outcome, Failure> {
    // What one client sends alone is mostly the same text again.
    let reuse = if requests.len() == 1 { Reuse::Likely } else { Reuse::Unlikely };
    let (question, known) = ask(&requests);
    let rows = question.fetch(&mut *connection, reuse).await?;
    let mut batch = Batch::new(learn(known, &rows)?, next_seq);
    let verdicts: Vec<Verdict> = requests.into_iter().map(|request| batch.take(request)).collect();
    if batch.is_empty() {
        return Ok(Outcome { verdicts, next_seq, writes: Vec::new(), committed: false });
    }
    write_script(&batch).fetch(&mut *connection, reuse).await?;
    sqlx::query("COMMIT").execute(connection).await.map_err(Failure::Unknown)?;
    let Batch { next_seq, writes, .. } = batch;
    Ok(Outcome { verdicts, next_seq, writes, committed: true })
}

/// Begins, and asks for everything that the requests speak of.
fn ask(requests: &[Request]) -> (Script, Known) {
    let mut identifiers = Vec::new();
    let mut claims: Vec<&TermClaim> = Vec::new();
    let mut numbers = Vec::new();
    for request in requests {
        match request {
            Request::Apply(changes, claimed) => {
                identifiers.extend(changes.expect.iter().map(|(identifier, _)| identifier));
                identifiers.extend(changes.put.iter().map(|(identifier, _)| identifier));
                claims.extend(claimed);
            }
            Request::AddKey(key) => numbers.push(key.number),
        }
    }
    // Deferred transactions may fail to become writing ones, however long they wait.
    let mut script = Script::starting_with("BEGIN IMMEDIATE");
    script.extend(&statement::positions(&identifiers));
    script.extend(&statement::holders(&claims));
    script.extend(&statement::key_numbers(&numbers));
    (script, Known::new(claims))
}

/// Reads the answers to [`ask`].
fn learn(mut known: Known, rows: &[SqliteRow]) -> Result<Known, sqlx::Error> {
    for row in rows {
        match row.try_get::<i64, _>(0)? {
            kind::POSITION => {
                let position = Position {
                    seq: row.try_get(2)?,
                    revision: Revision(script::unsigned(row, 3)?),
                };
                known.positions.insert(script::identifier(row, 1)?, position);
            }
            kind::HOLDER => {
                let owner: String = row.try_get(2)?;
                known.hold(&owner, &script::term(row, 3)?, &script::identifier(row, 1)?);
            }
            _ => {
                known.keys.insert(script::unsigned(row, 1)?);
            }
        }
    }
    Ok(known)
}

/// Writes everything that was accepted.
fn write_script(batch: &Batch) -> Script {
    let mut script = Script::default();
    script.extend(&statement::put_records(&batch.writes));
    script.extend(&statement::remove_terms(&batch.writes));
    script.extend(&statement::put_terms(&batch.writes));
    script.extend(&statement::put_audit(&batch.audit));
    script.extend(&statement::put_keys(&batch.keys));
    script
}
