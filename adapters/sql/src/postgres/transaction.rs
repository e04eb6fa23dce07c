//! One transaction: locks, judges and writes.
//!
//! Rows are locked in the order of their identifiers and names in the order of their numbers, so
//! that two nodes do not wait for each other.

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::Link,
    maintenance::Part,
    record::{Record, TermClaim},
    store::{ChangeSet, Revision},
};
use sea_query::{LockType, SubQueryStatement};
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use super::{
    connection::Remedy,
    migration::{STANDING, Standing},
    node,
    script::{Reuse, Script, in_time},
};
use crate::{
    batch::{Batch, Known, Position, Request, Verdict},
    row::{self, Cells as _},
    seals::{Chain, SealedBatch, Written},
    statement::{self, BOUND_BY_MANY, BOUND_BY_ONE, kind},
};

/// How many names are locked one by one at most; the database has room for some thousand locks.
const NAMES_AT_MOST: usize = 256;

/// The advisory lock of all names together: "NAME" in ASCII, twice.
const EVERY_NAME: i64 = 0x4E41_4D45_4E41_4D45;

/// Commits. Where other servers have to have the change, too, waiting for them is not cut short:
/// the database would call that a success.
const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";

/// Why a batch was not written.
pub(super) enum Failure {
    /// Nothing was written.
    Undone(sqlx::Error),
    /// Nobody knows whether it was written: nothing was heard of the commit.
    Unknown {
        /// What was heard instead.
        error: sqlx::Error,
        /// What holds if it was.
        verdicts: Vec<Verdict>,
        /// The block of the node's chain that is there if it was.
        link: Option<Link>,
    },
    /// Nothing was written, and nothing may be: the database has another schema by now.
    Outdated(Standing),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Undone(error)
    }
}

/// Whether to look for records that should be new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewOnes {
    /// They are new, as almost always; the index notices if one is not.
    Trusted,
    /// One was not.
    LookedFor,
}

/// What a transaction came to.
pub(super) struct Outcome {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) written: Written,
    /// How far the chain goes, if it goes further.
    pub(super) head: Option<Link>,
    pub(super) committed: bool,
}

/// Locks, judges and writes in one transaction.
pub(super) async fn transact(
    connection: &mut PgConnection,
    requests: &[Request],
    new_ones: NewOnes,
    chain: Option<&Chain>,
) -> Result<Outcome, Failure> {
    // What one client sends alone is mostly the same text again.
    let reuse = if requests.len() == 1 { Reuse::Likely } else { Reuse::Unlikely };
    let concerned = Concerned::of(requests, new_ones);
    let Begun { standing, places } = begin(connection, &concerned).await?;
    let mut known = Known::new(concerned.claims.iter().copied());
    if !standing.suits() {
        return Err(Failure::Outdated(standing));
    }
    for question in concerned.questions() {
        learn(&mut known, &question.fetch(connection, reuse).await?)?;
    }
    // The sequence gives places to new records; until then they have such as no other has.
    let mut batch = Batch::new(known, i64::MIN);
    let verdicts: Vec<Verdict> =
        requests.iter().map(|request| batch.take(request.again())).collect();
    if batch.is_empty() {
        let written = Written::default();
        return Ok(Outcome { verdicts, written, head: None, committed: false });
    }
    let new = batch.writes.iter_mut().filter(|write| !write.exists);
    for (write, place) in new.zip(places) {
        write.position.seq = place;
    }
    let sealed = SealedBatch::of(batch, chain)
        .map_err(|error| sqlx::Error::InvalidArgument(error.to_string()))?;
    for script in write_scripts(&sealed) {
        script.fetch(connection, reuse).await?;
    }
    let committed = in_time(sqlx::raw_sql(COMMIT).execute(connection)).await;
    let (written, head) = Written::of(sealed);
    match committed {
        Ok(_) => Ok(Outcome { verdicts, written, head, committed: true }),
        // The database has answered, and what it says is that nothing was written.
        Err(error @ sqlx::Error::Database(_)) if Remedy::of(&error) != Remedy::Reconnect => {
            Err(error.into())
        }
        Err(error) => Err(Failure::Unknown { error, verdicts, link: head }),
    }
}

/// What a batch of requests speaks of.
#[derive(Debug, Default)]
struct Concerned<'a> {
    /// The records that must not change meanwhile, in order.
    locked: Vec<&'a UniqueIdentifier>,
    /// Says whether some of them are changed, or all only relied upon.
    changed: bool,
    /// Records that are only looked at: nothing is written that relies on them.
    seen: Vec<&'a UniqueIdentifier>,
    /// What has to be unique.
    claims: Vec<&'a TermClaim>,
    /// Says whether data keys are among it.
    keys: bool,
    /// How many records may be new.
    new: usize,
}

impl<'a> Concerned<'a> {
    fn of(requests: &'a [Request], new_ones: NewOnes) -> Self {
        let mut concerned = Self::default();
        for request in requests {
            match request {
                Request::Apply(changes, claims) => {
                    concerned.add(changes, new_ones);
                    concerned.claims.extend(claims);
                }
                Request::AddKey(_)
                | Request::ReplaceKeys { .. }
                | Request::Restore(Part::Keys(_)) => concerned.keys = true,
                Request::Reseal(records) => {
                    concerned.changed = true;
                    concerned.locked.extend(records.iter().map(|resealed| &resealed.identifier));
                }
                Request::Restore(Part::Records(entries)) => {
                    concerned.new = concerned.new.saturating_add(entries.len());
                    concerned.seen.extend(entries.iter().map(|(identifier, _)| identifier));
                }
                Request::Note(_)
                | Request::Prune(_)
                | Request::Restore(Part::Blocks(_) | Part::Anchors(_)) => {}
            }
        }
        concerned.locked.sort_unstable();
        concerned.locked.dedup();
        concerned.seen.retain(|seen| concerned.locked.binary_search(seen).is_err());
        concerned
    }

    fn add(&mut self, changes: &'a ChangeSet<Record>, new_ones: NewOnes) {
        let relied_upon = changes.expect.iter().map(|(identifier, _)| identifier);
        if changes.put.is_empty() && changes.debits.is_empty() {
            self.seen.extend(relied_upon);
        } else {
            self.locked.extend(relied_upon);
        }
        self.changed |= !changes.debits.is_empty();
        self.locked.extend(changes.debits.iter().map(|debit| &debit.identifier));
        for (identifier, put) in &changes.put {
            if put.revision == Revision::default() {
                self.new = self.new.saturating_add(1);
                if new_ones == NewOnes::Trusted {
                    continue;
                }
            } else {
                self.changed = true;
            }
            self.locked.push(identifier);
        }
    }

    /// The questions, in the order in which they have to be asked.
    fn questions(&self) -> Vec<Script> {
        // One lock for all, so that none has to become a stronger one. Those who only rely on
        // records do not wait for each other.
        let lock = if self.changed { LockType::NoKeyUpdate } else { LockType::Share };
        let locked = statement::positions(&self.locked)
            .into_iter()
            .map(|positions| Script::of(&statement::locked(positions, lock)));
        let seen = statement::positions(&self.seen);
        let holders = statement::holders(&self.claims);
        let keys = self.keys.then(statement::all_keys);
        let others = seen.iter().chain(&holders).chain(&keys).map(Script::of);
        locked.chain(others).collect()
    }

    /// The numbers of the names that have to be unique, in order.
    fn names(&self) -> Vec<i64> {
        let mut names: Vec<i64> = self.claims.iter().map(|claim| number(claim)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What is known of a transaction that has begun.
struct Begun {
    standing: Standing,
    /// Places in the order of records, for those that may be new.
    places: Vec<i64>,
}

/// Begins, looks at the schema, locks names, and takes a place in the order of records for each that
/// may be new.
///
/// It is one call with numbers of this program in its text, and nothing of anybody else's.
async fn begin(
    connection: &mut PgConnection,
    concerned: &Concerned<'_>,
) -> Result<Begun, sqlx::Error> {
    use std::fmt::Write as _;
    let mut text = format!("BEGIN; {STANDING}");
    let names = concerned.names();
    let locks = match names.len() {
        0 => 0,
        1..=NAMES_AT_MOST => {
            // Writing to a string cannot fail.
            let _ = write!(text, "; SELECT pg_advisory_xact_lock_shared({EVERY_NAME})");
            for name in &names {
                let _ = write!(text, "; SELECT pg_advisory_xact_lock({name})");
            }
            names.len().saturating_add(1)
        }
        _ => {
            let _ = write!(text, "; SELECT pg_advisory_xact_lock({EVERY_NAME})");
            1
        }
    };
    if concerned.keys {
        // Who reads goes on; who writes waits, so that what is judged is what is there.
        text.push_str("; LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE");
    }
    if concerned.new > 0 {
        let new = concerned.new;
        let _ = write!(text, "; SELECT nextval('record_seq') FROM generate_series(1, {new})");
    }
    let rows = in_time(sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(connection)).await?;
    let (first, others) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
    let places = others.iter().skip(locks).map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(Begun { standing: Standing::of(first)?, places })
}

/// Turns a name into the number of its lock; equal numbers only make nodes wait.
fn number(claim: &TermClaim) -> i64 {
    let attribute = claim.term.attribute.to_be_bytes();
    node::number(&[claim.owner.as_bytes(), &[0], &attribute, &claim.term.value])
}

/// Reads answers.
fn learn(known: &mut Known, rows: &[PgRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        match row.try_get::<i64, _>(0)? {
            kind::POSITION => {
                let position = Position {
                    seq: row.try_get(2)?,
                    revision: Revision(row::unsigned(row, 3)?),
                    spent: row.try_get(4)?,
                };
                known.positions.insert(row::identifier(row, 1)?, position);
            }
            kind::HOLDER => {
                let owner = row.text(2)?;
                known.hold(&owner, &row::term(row, 3)?, &row::identifier(row, 1)?);
            }
            _ => {
                known.keys.insert(row::unsigned(row, 1)?, row.try_get(2)?);
            }
        }
    }
    Ok(())
}

/// Writes everything that was accepted, in as few calls as there may be.
fn write_scripts(sealed: &SealedBatch) -> Vec<Script> {
    let batch = &sealed.batch;
    let records: Vec<_> = batch.writes.iter().zip(sealed.records.iter().cloned()).collect();
    let block = sealed.block.as_slice();
    let many = [
        statement::put_records(&records),
        statement::put_terms(&batch.writes),
        statement::put_blocks(&batch.blocks),
        statement::put_blocks(block),
        statement::put_anchors(&batch.anchors),
        statement::put_keys(&batch.keys),
    ];
    let many =
        many.into_iter().flatten().map(|insert| (BOUND_BY_MANY, SubQueryStatement::from(insert)));
    let spends = sealed.spends.iter().map(|(seq, (_, spent))| statement::spend(*seq, spent));
    let reseals = batch.resealed.iter().map(|(seq, resealed)| statement::reseal(*seq, resealed));
    let rewraps = batch.rewrapped.iter().map(statement::rewrap);
    let updates = spends.chain(reseals).chain(rewraps);
    let one = updates.map(|update| (BOUND_BY_ONE, SubQueryStatement::from(update)));
    let removed = statement::remove_blocks(&batch.anchors);
    let removed = removed.into_iter().map(|delete| (BOUND_BY_ONE, SubQueryStatement::from(delete)));
    // Terms may come again, so the old ones have to be gone before.
    let first = statement::remove_terms(&batch.writes);
    let together = statement::together(one.chain(removed).chain(many));
    first.iter().map(Script::of).chain(together.iter().map(Script::of)).collect()
}
