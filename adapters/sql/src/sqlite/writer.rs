//! The one writer (group commit).
//!
//! Its thread takes every request that waits, judges them in order, writes what is accepted in one
//! transaction, commits once and then answers all. It never waits for company, and who is alone
//! sits down at its [desk](super::desk) and does not wait for the thread either. Nobody is answered
//! before the change is on the disk.
//!
//! After a commit that failed, what is on the disk is unknown: nothing is acknowledged any more
//! until the program starts again and reads what is there. Nothing is tried again, either: the
//! operating system reports a lost write once, and calls the next attempt a success. So the log is
//! merged into the database by this thread, which hears of failures, and not by SQLite on its own,
//! which does not tell.

use std::{
    error::Error,
    fmt,
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kmip_ports::{
    audit::{AuditBlock, Link, Notary},
    maintenance::Resealed,
    record::Spent,
    store::StoreError,
};
use sqlx::SqlitePool;
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tracing::error;

use super::{
    desk::Desk,
    direct::{Direct, is_full},
    lookup::Lookup,
    script::{self, Reuse, Script},
};
use crate::{
    batch::{Batch, Request, Verdict, Write},
    cache::Cache,
    figures::Commits,
    jobs::Job,
    notes::Notes,
    row,
    seals::{Chain, SealedBatch, Written},
    statement,
};

/// How many requests share a transaction at most.
const TOGETHER_AT_MOST: usize = 256;

/// How long to wait before what could not be written is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many events from before the trail was chained go into one block.
const UNCHAINED_TOGETHER: u64 = 10_000;

/// How many pages of the log are merged into the database at a time: 8 MiB. Much of what is
/// written is written again soon, and is merged once.
const MERGED_AT: usize = 2_000;

/// How many pages a transaction changes at least, and how many each record besides its terms.
const PAGES_OF_ALL: usize = 12;
const PAGES_OF_ONE: usize = 3;

/// The size of a page, in bytes.
const PAGE: usize = 4_096;

/// What came of a batch.
pub(super) struct Carried {
    /// The verdicts, in the order of the requests.
    pub(super) verdicts: Vec<Verdict>,
    /// Says whether the database refused all of it, and might not later.
    refused: bool,
}

/// Writes what is sent until it is told to stop, or until nobody can send any more.
pub(super) async fn run(desk: Arc<Desk>, notes: Arc<Notes>, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = Vec::with_capacity(TOGETHER_AT_MOST);
    loop {
        tokio::select! {
            biased;
            count = jobs.recv_many(&mut waiting, TOGETHER_AT_MOST) => {
                if count == 0 {
                    break;
                }
            }
            () = notes.due() => {}
        }
        let mut requests = Vec::with_capacity(waiting.len());
        let mut answers = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            match job {
                Job::Write(request, answer) => {
                    requests.push(request);
                    answers.push(answer);
                }
                Job::Begin(notary, answer) => {
                    // Who has gone away does not want to know.
                    let _ = answer.send(begin(&desk, notary).await);
                }
                Job::Close => jobs.close(),
            }
        }
        let events_alone = requests.is_empty();
        let refused = desk.with(requests.len(), |writer| {
            let carried = writer.carry_out(requests);
            for (answer, verdict) in answers.into_iter().zip(carried.verdicts) {
                let _ = answer.send(verdict);
            }
            writer.merge();
            carried.refused
        });
        if events_alone && refused == Some(true) {
            sleep(PAUSE).await;
        }
    }
    if let Some(mut writer) = desk.take() {
        // What came while the last jobs were written.
        writer.carry_out(Vec::new());
        writer.end().await;
    }
}

/// Continues the chain of a notary's node.
async fn begin(desk: &Desk, notary: Arc<dyn Notary>) -> Verdict {
    let Some(mut writer) = desk.take() else {
        return Err(StoreError::Unavailable);
    };
    let verdict = writer.begin(notary).await;
    desk.put_back(writer);
    verdict
}

/// Owns the writing side of a database.
pub(super) struct Writer {
    pub(super) direct: Direct,
    pub(super) readers: SqlitePool,
    /// Closed with it.
    pub(super) lookup: Arc<Lookup>,
    /// The place of the next new record.
    pub(super) next_seq: i64,
    /// Turns false when nothing is acknowledged any more.
    pub(super) writable: Arc<AtomicBool>,
    /// Told when that happens.
    pub(super) failed: watch::Sender<bool>,
    /// About how many pages of the log are not merged into the database.
    pub(super) unmerged: usize,
    /// Told of every change before it is acknowledged.
    pub(super) cache: Arc<Cache>,
    /// Events that wait for a commit.
    pub(super) notes: Arc<Notes>,
    /// Told of every commit.
    pub(super) commits: Arc<Commits>,
    /// Who seals, and how far the chain goes.
    pub(super) chain: Option<Chain>,
    /// Held until everything is written; a database in memory has none.
    pub(super) lock: Option<File>,
    /// Dropped last, which tells those who wait for the end.
    pub(super) ended: watch::Sender<()>,
}

/// Why a batch was not written.
enum Failure {
    /// Nothing was written, and the next batch may be.
    Refused(Box<dyn Error + Send + Sync>),
    /// Nobody knows what was written.
    Unknown(rusqlite::Error),
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl Writer {
    /// Finds the newest block of the notary's node, and chains the events from before there were
    /// chains.
    async fn begin(&mut self, notary: Arc<dyn Notary>) -> Verdict {
        match self.continue_chain(notary).await {
            Ok(()) => Ok(0),
            Err(error) => {
                error!(%error, "audit trail not continued");
                Err(StoreError::Unavailable)
            }
        }
    }

    async fn continue_chain(
        &mut self,
        notary: Arc<dyn Notary>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut script = Script::of(&statement::newest_block(notary.node()));
        script.push(&statement::anchor_of(notary.node()));
        let rows = script.fetch(&self.readers, Reuse::Unlikely).await?;
        let links = rows.iter().map(|row| row::link(row, 0, 1)).collect::<Result<Vec<_>, _>>()?;
        let head = links.into_iter().max_by_key(|link| link.number).unwrap_or_default();
        let mut chain = Chain { notary, head };
        loop {
            let unchained = Script::of(&statement::unchained_events(UNCHAINED_TOGETHER));
            let rows = unchained.fetch(&self.readers, Reuse::Unlikely).await?;
            let read: Vec<_> =
                rows.iter().map(script::unchained_event).collect::<Result<_, _>>()?;
            let Some(up_to) = read.iter().map(|(number, _)| *number).max() else {
                break;
            };
            let events: Vec<_> = read.into_iter().map(|(_, event)| event).collect();
            let block = chain.notary.block(&chain.head, &events);
            let written = self.write_chained(&block, up_to);
            self.direct.roll_back();
            written?;
            chain.head = block.link;
        }
        self.chain = Some(chain);
        Ok(())
    }

    /// Puts events from before there were chains into one.
    fn write_chained(&self, block: &AuditBlock, up_to: i64) -> Result<(), rusqlite::Error> {
        self.direct.begin()?;
        self.direct.put_block(block)?;
        self.direct.execute(&statement::remove_unchained_events(up_to))?;
        self.direct.commit()
    }

    /// Writes a batch and the events that wait.
    pub(super) fn carry_out(&mut self, mut requests: Vec<Request>) -> Carried {
        let count = requests.len();
        let unavailable = |refused: bool| {
            let verdicts = vec![Err(StoreError::Unavailable); count];
            Carried { verdicts, refused }
        };
        if !self.writable.load(Ordering::Acquire) {
            return unavailable(false);
        }
        let notes = self.notes.take();
        let events = notes.len();
        if events > 0 {
            // They happened before what is to be written now.
            requests.insert(0, Request::Note(notes.clone()));
        }
        match self.write(requests) {
            Ok(mut verdicts) => {
                verdicts.drain(..verdicts.len().saturating_sub(count));
                self.notes.written(events);
                Carried { verdicts, refused: false }
            }
            Err(Failure::Refused(error)) => {
                error!(%error, requests = count, events, "batch not written");
                self.notes.put_back(notes);
                unavailable(true)
            }
            Err(Failure::Unknown(error)) => {
                self.fail();
                error!(%error, requests = count, "commit failed, nothing is written any more");
                unavailable(false)
            }
        }
    }

    /// Acknowledges nothing from here on.
    pub(super) fn fail(&mut self) {
        self.writable.store(false, Ordering::Release);
        self.notes.close();
        self.cache.clear();
        self.failed.send_replace(true);
    }

    /// Says whether the log has become so long that it should be merged into the database.
    pub(super) const fn has_long_log(&self) -> bool {
        self.unmerged >= MERGED_AT && self.lock.is_some()
    }

    /// Merges the log into the database where it has become long. What was committed is safe, merged
    /// or not.
    fn merge(&mut self) {
        if !self.has_long_log() {
            return;
        }
        self.unmerged = 0;
        if let Err(error) = self.direct.run("PRAGMA wal_checkpoint(PASSIVE)") {
            if is_full(&error) {
                // The log stays, and grows no more than the disk allows.
                error!(%error, "log not merged into the database: the disk is full");
            } else {
                self.fail();
                error!(%error, "log not merged into the database, nothing is written any more");
            }
        }
    }

    fn write(&mut self, requests: Vec<Request>) -> Result<Vec<Verdict>, Failure> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let outcome = transact(&self.direct, requests, self.next_seq, self.chain.as_ref());
        self.direct.roll_back();
        let Outcome { verdicts, next_seq, written, head, committed } = outcome?;
        if committed {
            self.commits.add(verdicts.len());
        }
        self.next_seq = next_seq;
        self.unmerged = self.unmerged.saturating_add(pages(&written));
        if let (Some(chain), Some(head)) = (&mut self.chain, head) {
            chain.head = head;
        }
        written.tell(&*self.cache);
        Ok(verdicts)
    }

    /// Leaves a database that is one file, and lets go of it.
    async fn end(self) {
        let Self { direct, readers, lookup, writable, cache, notes, lock, ended, .. } = self;
        notes.close();
        // Others may change the database from here on.
        cache.clear();
        if !writable.load(Ordering::Acquire) && lock.is_some() {
            // The last connection that is closed merges the log, and so would try again what has
            // failed: the connections end with the process.
            std::mem::forget((direct, readers, lookup, lock));
            return;
        }
        if lock.is_some() {
            readers.close().await;
            lookup.close().await;
            if let Err(error) = direct.run("PRAGMA wal_checkpoint(TRUNCATE)") {
                error!(%error, "log not merged into the database; the next start does it");
            }
        }
        direct.close();
        drop(lock);
        drop(ended);
    }
}

/// What a transaction came to.
struct Outcome {
    verdicts: Vec<Verdict>,
    next_seq: i64,
    written: Written,
    /// How far the chain goes, if it goes further.
    head: Option<Link>,
    /// Says whether something was to be written.
    committed: bool,
}

/// Estimates how many pages of the database were written.
fn pages(written: &Written) -> usize {
    let of_bytes = |bytes: usize| (bytes / PAGE).saturating_add(PAGES_OF_ONE);
    let of_record = |(write, _): &(Write, Spent)| {
        of_bytes(write.record.sealed.bytes.len()).saturating_add(write.record.terms.len())
    };
    let of_resealed = |resealed: &Resealed| of_bytes(resealed.sealed.bytes.len());
    let pages = written.records.iter().map(of_record);
    let pages = pages.chain(written.resealed.iter().map(of_resealed));
    pages.chain([written.spends.len()]).fold(PAGES_OF_ALL, usize::saturating_add)
}

/// Judges and writes in one transaction, which is left open where nothing is written.
fn transact(
    direct: &Direct,
    requests: Vec<Request>,
    next_seq: i64,
    chain: Option<&Chain>,
) -> Result<Outcome, Failure> {
    direct.begin()?;
    let mut batch = Batch::new(direct.ask(&requests)?, next_seq);
    let verdicts: Vec<Verdict> = requests.into_iter().map(|request| batch.take(request)).collect();
    if batch.is_empty() {
        let written = Written::default();
        return Ok(Outcome { verdicts, next_seq, written, head: None, committed: false });
    }
    let next_seq = batch.next_seq;
    let sealed = SealedBatch::of(batch, chain)?;
    direct.write(&sealed)?;
    direct.commit().map_err(|error| {
        // The end of the transaction did not fit, so it is none: nothing was asked to be on disk.
        if is_full(&error) { error.into() } else { Failure::Unknown(error) }
    })?;
    let (written, head) = Written::of(sealed);
    Ok(Outcome { verdicts, next_seq, written, head, committed: true })
}
