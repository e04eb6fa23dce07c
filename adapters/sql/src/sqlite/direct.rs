//! The connection that writes: SQLite called directly, on the thread that owns it.
//!
//! What every change needs is one row at a time and always the same text, so it is prepared once
//! and bound again and again. What is rare is rendered when it comes.

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::AuditBlock,
    maintenance::Part,
    record::{Record, Spent, Term, TermClaim},
    store::Revision,
};
use rusqlite::{Connection, ErrorCode, Row, Rows, Statement, ToSql};
use sea_query::{QueryStatementWriter, SqliteQueryBuilder, Value, Values};

use super::{PATIENCE, location::Place};
use crate::{
    batch::{Known, Position, Request, Write},
    seals::SealedBatch,
    statement::{self, signed},
};

/// How many prepared statements are kept.
const PREPARED: usize = 64;

/// How much of the database the connection keeps in memory, in KiB.
const CACHE_KIB: u32 = 16_384;

/// Writes to a database.
pub(super) struct Direct {
    connection: Connection,
    texts: Texts,
}

/// The text of what every change needs.
struct Texts {
    position: String,
    put_record: String,
    remove_terms: String,
    put_term: String,
    put_block: String,
}

impl Texts {
    fn render() -> Self {
        let nobody = UniqueIdentifier::new("");
        Self {
            position: statement::positions(&[&nobody]).first().map(text).unwrap_or_default(),
            put_record: text(&statement::put_one_record()),
            remove_terms: text(&statement::remove_terms_of(0)),
            put_term: text(&statement::put_one_term()),
            put_block: text(&statement::put_one_block()),
        }
    }
}

fn text(statement: &impl QueryStatementWriter) -> String {
    statement.build(SqliteQueryBuilder).0
}

impl Direct {
    /// Opens a database that exists and whose schema is up to date.
    pub(super) fn open(place: &Place) -> rusqlite::Result<Self> {
        let connection = place.connect()?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // What was sealed in an old revision is overwritten, not only forgotten. The writer merges
        // the log, and hears of failures. A commit is durable when it returns.
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL; \
             PRAGMA cache_size = -{CACHE_KIB}"
        ))?;
        Ok(Self { connection, texts: Texts::render() })
    }

    /// Begins to write: who begins first is first, and nobody else can begin meanwhile.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        // Deferred transactions may fail to become writing ones, however long they wait.
        self.run("BEGIN IMMEDIATE")
    }

    /// Puts on the disk what was written.
    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        self.run("COMMIT")
    }

    /// Forgets what was written, if a transaction is open; if one stays open, the next cannot begin.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "transaction not rolled back");
        }
    }

    /// Runs a statement that binds nothing; what it returns is not looked at.
    pub(super) fn run(&self, text: &'static str) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(text)?;
        each(statement.raw_query(), |_| Ok(()))
    }

    /// The connection, for tests that look at it.
    #[cfg(test)]
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Lets go of the database.
    pub(super) fn close(self) {
        if let Err((_, error)) = self.connection.close() {
            tracing::error!(%error, "database not closed");
        }
    }

    /// Runs a statement that returns nothing.
    pub(super) fn execute(&self, statement: &impl QueryStatementWriter) -> rusqlite::Result<()> {
        self.query(statement, |_| Ok(()))
    }

    fn execute_all(&self, statements: &[impl QueryStatementWriter]) -> rusqlite::Result<()> {
        statements.iter().try_for_each(|statement| self.execute(statement))
    }

    /// Runs a statement and looks at every row.
    fn query(
        &self,
        statement: &impl QueryStatementWriter,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let (text, Values(values)) = statement.build(SqliteQueryBuilder);
        let mut prepared = self.connection.prepare_cached(&text)?;
        bind_values(&mut prepared, &values)?;
        each(prepared.raw_query(), row)
    }

    /// Finds out what the database has of everything that the requests speak of.
    pub(super) fn ask(&self, requests: &[Request]) -> rusqlite::Result<Known> {
        let mut claims: Vec<&TermClaim> = Vec::new();
        for request in requests {
            if let Request::Apply(_, claimed) = request {
                claims.extend(claimed);
            }
        }
        let mut known = Known::new(claims.iter().copied());
        self.look_for(requests, &mut known)?;
        for question in statement::holders(&claims) {
            self.query(&question, |row| {
                let term = Term { attribute: row.get(3)?, value: row.get(4)? };
                let (identifier, owner): (String, String) = (row.get(1)?, row.get(2)?);
                known.hold(&owner, &term, &UniqueIdentifier::new(identifier));
                Ok(())
            })?;
        }
        if requests.iter().any(Request::concerns_keys) {
            self.query(&statement::all_keys(), |row| {
                known.keys.insert(row.get(1)?, row.get(2)?);
                Ok(())
            })?;
        }
        Ok(known)
    }

    /// Finds the records that the requests speak of.
    fn look_for(&self, requests: &[Request], known: &mut Known) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(&self.texts.position)?;
        find.raw_bind_parameter(1, statement::kind::POSITION)?;
        let mut look = |identifier: &UniqueIdentifier| -> rusqlite::Result<()> {
            if known.positions.contains_key(identifier) {
                return Ok(());
            }
            find.raw_bind_parameter(2, identifier.as_str())?;
            each(find.raw_query(), |row| {
                let revision = Revision(unsigned(row, 3)?);
                let position = Position { seq: row.get(2)?, revision, spent: row.get(4)? };
                known.positions.insert(identifier.clone(), position);
                Ok(())
            })
        };
        for request in requests {
            match request {
                Request::Apply(changes, _) => {
                    let expected = changes.expect.iter().map(|(identifier, _)| identifier);
                    let put = changes.put.iter().map(|(identifier, _)| identifier);
                    let debited = changes.debits.iter().map(|debit| &debit.identifier);
                    expected.chain(put).chain(debited).try_for_each(&mut look)?;
                }
                Request::Reseal(records) => {
                    records.iter().map(|resealed| &resealed.identifier).try_for_each(&mut look)?;
                }
                Request::Restore(Part::Records(entries)) => {
                    entries.iter().map(|(identifier, _)| identifier).try_for_each(&mut look)?;
                }
                Request::AddKey(_)
                | Request::ReplaceKeys { .. }
                | Request::Note(_)
                | Request::Prune(_)
                | Request::Restore(Part::Blocks(_) | Part::Anchors(_) | Part::Keys(_)) => {}
            }
        }
        Ok(())
    }

    /// Writes everything that was accepted.
    pub(super) fn write(&self, sealed: &SealedBatch) -> rusqlite::Result<()> {
        let batch = &sealed.batch;
        self.put_records(&batch.writes, &sealed.records)?;
        for (seq, (_, spent)) in &sealed.spends {
            self.execute(&statement::spend(*seq, spent))?;
        }
        for (seq, resealed) in &batch.resealed {
            self.execute(&statement::reseal(*seq, resealed))?;
        }
        batch.blocks.iter().chain(&sealed.block).try_for_each(|block| self.put_block(block))?;
        self.execute_all(&statement::remove_blocks(&batch.anchors))?;
        self.execute_all(&statement::put_anchors(&batch.anchors))?;
        self.execute_all(&statement::put_keys(&batch.keys))?;
        batch.rewrapped.iter().try_for_each(|key| self.execute(&statement::rewrap(key)))
    }

    fn put_records(&self, writes: &[Write], sums: &[Spent]) -> rusqlite::Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut put_record = self.connection.prepare_cached(&self.texts.put_record)?;
        let mut remove_terms = self.connection.prepare_cached(&self.texts.remove_terms)?;
        let mut put_term = self.connection.prepare_cached(&self.texts.put_term)?;
        for (write, spent) in writes.iter().zip(sums) {
            bind_record(&mut put_record, write, spent)?;
            put_record.raw_execute()?;
            let seq = write.position.seq;
            if write.exists {
                remove_terms.raw_bind_parameter(1, seq)?;
                remove_terms.raw_execute()?;
            }
            for term in &write.record.terms {
                put_term.raw_bind_parameter(1, seq)?;
                put_term.raw_bind_parameter(2, term.attribute)?;
                put_term.raw_bind_parameter(3, &term.value)?;
                put_term.raw_execute()?;
            }
        }
        Ok(())
    }

    /// Writes a block of the audit trail.
    pub(super) fn put_block(&self, block: &AuditBlock) -> rusqlite::Result<()> {
        let mut put = self.connection.prepare_cached(&self.texts.put_block)?;
        let AuditBlock { node, link, events, last_at, bytes } = block;
        bind(
            &mut put,
            [node, &signed(link.number), events, &last_at.0, bytes, &link.seal.as_slice()],
        )?;
        put.raw_execute().map(drop)
    }
}

/// Binds the columns of a record, in the order in which [`statement::put_one_record`] names them.
fn bind_record(
    statement: &mut Statement<'_>,
    write: &Write,
    spent: &Spent,
) -> rusqlite::Result<()> {
    let Record { columns, sealed, .. } = &*write.record;
    bind(
        statement,
        [
            &write.position.seq,
            &write.identifier.as_str(),
            &signed(write.position.revision.0),
            &columns.owner,
            &columns.policy,
            &columns.object_type,
            &columns.state,
            &columns.next_change_at.map(|at| at.0),
            &columns.initial_date.0,
            &columns.algorithm,
            &columns.length,
            &columns.usage_mask,
            &columns.destroyed,
            &sealed.key,
            &sealed.bytes,
            &spent.amount,
            &spent.seal.as_ref().map(<[u8; 32]>::as_slice),
        ],
    )
}

fn bind<const N: usize>(
    statement: &mut Statement<'_>,
    values: [&dyn ToSql; N],
) -> rusqlite::Result<()> {
    for (index, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(index.saturating_add(1), value)?;
    }
    Ok(())
}

/// Binds the values of a statement that sea-query has rendered.
pub(super) fn bind_values(prepared: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for (index, value) in values.iter().enumerate() {
        let index = index.saturating_add(1);
        match value {
            Value::Bool(value) => prepared.raw_bind_parameter(index, value)?,
            Value::Int(value) => prepared.raw_bind_parameter(index, value)?,
            Value::Unsigned(value) => prepared.raw_bind_parameter(index, value)?,
            Value::BigInt(value) => prepared.raw_bind_parameter(index, value)?,
            Value::BigUnsigned(value) => prepared.raw_bind_parameter(index, value.map(signed))?,
            Value::String(value) => prepared.raw_bind_parameter(index, value.as_deref())?,
            Value::Bytes(value) => prepared.raw_bind_parameter(index, value.as_deref())?,
            other => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    format!("no statement of ours binds {other:?}").into(),
                ));
            }
        }
    }
    Ok(())
}

fn each(
    mut rows: Rows<'_>,
    mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()? {
        look(row)?;
    }
    Ok(())
}

/// Reads a number that has no sign.
fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let signed: i64 = row.get(index)?;
    u64::try_from(signed).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, signed))
}

/// Says whether there was no room to write.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
