//! Statements that travel together, and what comes back.
//!
//! A call to SQLite is a hop to another thread and back, which costs more than most statements.
//! So statements that need no answer in between go in one call.

use std::sync::Arc;

use kmip_model::{
    DateTime, UniqueIdentifier,
    enumeration::{Operation, State},
};
use kmip_ports::{
    audit::{Anchor, AuditBlock, AuditEvent, Link},
    observe::StateCount,
    record::{Columns, Record, Sealed, Spent, Term, WrappedKey},
    store::{Revision, Stored},
};
use sea_query::{QueryStatementWriter, SqliteQueryBuilder, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Row, SqliteExecutor, sqlite::SqliteRow};

use crate::search::taken_apart;

/// One or more rendered statements with the values they bind.
#[derive(Debug, Default)]
pub(super) struct Script {
    text: String,
    values: Vec<Value>,
}

impl Script {
    /// Renders one statement.
    pub(super) fn of(statement: &impl QueryStatementWriter) -> Self {
        let mut script = Self::default();
        script.push(statement);
        script
    }

    /// Adds one statement.
    pub(super) fn push(&mut self, statement: &impl QueryStatementWriter) {
        let (text, Values(values)) = statement.build(SqliteQueryBuilder);
        if !self.text.is_empty() {
            self.text.push(';');
        }
        self.text.push_str(&text);
        self.values.extend(values);
    }

    /// Asks for the plan instead of the answer.
    #[cfg(test)]
    pub(super) fn explained(mut self) -> Self {
        self.text.insert_str(0, "EXPLAIN QUERY PLAN ");
        self
    }

    /// Runs the statements and returns the rows of all, in order.
    pub(super) async fn fetch(
        self,
        executor: impl SqliteExecutor<'_>,
        reuse: Reuse,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        // The text is rendered by sea-query, which binds every value.
        sqlx::query_with(AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
            .persistent(reuse == Reuse::Likely)
            .fetch_all(executor)
            .await
    }
}

/// Says whether a prepared script is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// The same text comes again soon.
    Likely,
    /// The text depends on how many wait together.
    Unlikely,
}

/// Reads a number that has no sign.
pub(super) fn unsigned<T: TryFrom<i64>>(row: &SqliteRow, index: usize) -> Result<T, sqlx::Error> {
    narrow(row.try_get(index)?)
}

/// Makes a number smaller, or says that the row cannot be of ours.
fn narrow<T: TryFrom<i64>>(wide: i64) -> Result<T, sqlx::Error> {
    T::try_from(wide).map_err(|_| sqlx::Error::Decode("a number is out of range".into()))
}

fn narrow_if_any<T: TryFrom<i64>>(row: &SqliteRow, index: usize) -> Result<Option<T>, sqlx::Error> {
    row.try_get::<Option<i64>, _>(index)?.map(narrow).transpose()
}

/// Reads an identifier.
pub(super) fn identifier(row: &SqliteRow, index: usize) -> Result<UniqueIdentifier, sqlx::Error> {
    row.try_get::<String, _>(index).map(UniqueIdentifier::new)
}

/// Reads the one row of a page; no identifier makes it a row without values.
pub(super) fn identifiers(rows: &[SqliteRow]) -> Result<Vec<UniqueIdentifier>, sqlx::Error> {
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    match (row.try_get::<Option<String>, _>(0)?, row.try_get::<Option<String>, _>(1)?) {
        (Some(joined), Some(lengths)) => taken_apart(&joined, &lengths)
            .ok_or_else(|| sqlx::Error::Decode("identifiers do not have their lengths".into())),
        _ => Ok(Vec::new()),
    }
}

/// Reads a term from two columns.
pub(super) fn term(row: &SqliteRow, index: usize) -> Result<Term, sqlx::Error> {
    Ok(Term { attribute: unsigned(row, index)?, value: row.try_get(index.saturating_add(1))? })
}

/// Puts together what [`crate::statement::load`] returns.
pub(super) fn record(rows: &[SqliteRow]) -> Result<Option<Stored<Record>>, sqlx::Error> {
    const ATTRIBUTE: usize = 15;
    let mut terms = Vec::with_capacity(rows.len());
    let mut found = None;
    for row in rows {
        // Only the record's own row has a revision.
        match row.try_get::<Option<i64>, _>(0)? {
            None => terms.push(term(row, ATTRIBUTE)?),
            Some(_) => found = Some(columns_at(row, 0)?),
        }
    }
    terms.sort_unstable();
    Ok(found.map(|read| read.with(terms)))
}

/// A record without its terms.
pub(super) struct Read {
    revision: Revision,
    columns: Columns,
    sealed: Sealed,
    spent: Spent,
}

impl Read {
    /// Puts the terms to it.
    pub(super) fn with(self, terms: Vec<Term>) -> Stored<Record> {
        let Self { revision, columns, sealed, spent } = self;
        Stored { value: Arc::new(Record { columns, terms, sealed, spent }), revision }
    }
}

/// Reads the columns of a record, of which the first is at `first`.
pub(super) fn columns_at(row: &SqliteRow, first: usize) -> Result<Read, sqlx::Error> {
    let at = |offset: usize| first.saturating_add(offset);
    let columns = Columns {
        owner: row.try_get(at(1))?,
        policy: row.try_get(at(2))?,
        object_type: unsigned(row, at(3))?,
        state: narrow_if_any(row, at(4))?,
        next_change_at: row.try_get::<Option<i64>, _>(at(5))?.map(DateTime),
        initial_date: DateTime(row.try_get(at(6))?),
        algorithm: narrow_if_any(row, at(7))?,
        length: narrow_if_any(row, at(8))?,
        usage_mask: narrow_if_any(row, at(9))?,
        destroyed: row.try_get::<i64, _>(at(10))? != 0,
    };
    let sealed = Sealed { key: unsigned(row, at(11))?, bytes: row.try_get(at(12))? };
    let seal: Option<Vec<u8>> = row.try_get(at(14))?;
    let spent =
        Spent { amount: row.try_get(at(13))?, seal: seal.map(|seal| seal_of(&seal)).transpose()? };
    Ok(Read { revision: Revision(unsigned(row, first)?), columns, sealed, spent })
}

/// Reads how many objects are in a state.
pub(super) fn state_count(row: &SqliteRow) -> Result<StateCount, sqlx::Error> {
    Ok((narrow_if_any(row, 0)?.map(State), unsigned(row, 1)?))
}

/// Reads a seal.
fn seal_of(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a seal has not 32 bytes".into()))
}

/// Reads a number of a chain and its seal.
pub(super) fn link(row: &SqliteRow, number: usize, seal: usize) -> Result<Link, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(seal)?;
    Ok(Link { number: unsigned(row, number)?, seal: seal_of(&bytes)? })
}

/// Reads a block of the audit trail.
pub(super) fn block(row: &SqliteRow) -> Result<AuditBlock, sqlx::Error> {
    Ok(AuditBlock {
        node: row.try_get(0)?,
        link: link(row, 1, 5)?,
        events: unsigned(row, 2)?,
        last_at: DateTime(row.try_get(3)?),
        bytes: row.try_get(4)?,
    })
}

/// Reads where a chain begins.
pub(super) fn anchor(row: &SqliteRow) -> Result<Anchor, sqlx::Error> {
    let seal: Vec<u8> = row.try_get(3)?;
    Ok(Anchor { node: row.try_get(0)?, link: link(row, 1, 2)?, seal: seal_of(&seal)? })
}

/// Reads a wrapped data key.
pub(super) fn wrapped_key(row: &SqliteRow) -> Result<WrappedKey, sqlx::Error> {
    Ok(WrappedKey { number: unsigned(row, 0)?, wrapped: row.try_get(1)? })
}

/// Reads an event from before the trail was chained, and its number.
pub(super) fn unchained_event(row: &SqliteRow) -> Result<(i64, AuditEvent), sqlx::Error> {
    let event = AuditEvent {
        at: DateTime(row.try_get(1)?),
        user: row.try_get(2)?,
        operation: Operation(unsigned(row, 3)?),
        identifier: Some(identifier(row, 4)?),
        revision: Some(Revision(unsigned(row, 5)?)),
        reason: None,
        correlation: row.try_get(6)?,
    };
    Ok((row.try_get(0)?, event))
}
