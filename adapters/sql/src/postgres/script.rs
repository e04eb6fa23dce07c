//! A statement as PostgreSQL reads it, and what comes back.

use std::{borrow::Cow, sync::Arc};

use kmip_model::{DateTime, UniqueIdentifier, enumeration::State};
use kmip_ports::{
    audit::{Anchor, AuditBlock, Link},
    observe::StateCount,
    record::{Columns, Record, Sealed, Spent, Term, WrappedKey},
    store::{Revision, Stored},
};
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row, postgres::PgRow};
use tokio::time;

use super::connection::ANSWER;

/// What U+0000, which PostgreSQL cannot keep, is written with.
const ESCAPE: char = '\u{1}';

/// A rendered statement with the values it binds.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: String,
    values: Vec<Value>,
}

impl Script {
    /// Renders a statement.
    pub(super) fn of(statement: &impl QueryStatementWriter) -> Self {
        let (text, Values(mut values)) = statement.build(PostgresQueryBuilder);
        for value in &mut values {
            if let Value::String(Some(text)) = value
                && let Cow::Owned(escaped) = escaped(text)
            {
                *text = escaped;
            }
        }
        Self { text, values }
    }

    /// Runs it on one connection, within a bound of time.
    pub(super) async fn fetch(
        self,
        connection: &mut PgConnection,
        reuse: Reuse,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        // The text is rendered by sea-query, which binds every value.
        let query = sqlx::query_with(AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
            .persistent(reuse == Reuse::Likely)
            .fetch_all(connection);
        in_time(query).await
    }

    /// Runs it on any connection of a pool, within a bound of time.
    pub(super) async fn fetch_by(
        self,
        pool: &PgPool,
        reuse: Reuse,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let outcome = self.fetch(&mut connection, reuse).await;
        if outcome.as_ref().is_err_and(|error| !matches!(error, sqlx::Error::Database(_))) {
            connection.close_on_drop();
        }
        outcome
    }
}

/// Says whether a prepared statement is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// The same text comes again soon.
    Likely,
    /// The text depends on how many wait together.
    Unlikely,
}

/// Waits for an answer for as long as there may be one.
pub(super) async fn in_time<T>(
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let silent = || Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    time::timeout(ANSWER, query).await.unwrap_or_else(|_| silent())
}

/// Writes text so that PostgreSQL can keep it; every text has a form of its own.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', ESCAPE]) {
        text.replace(ESCAPE, "\u{1}1").replace('\0', "\u{1}0").into()
    } else {
        text.into()
    }
}

/// Reads what [`escaped`] wrote.
fn unescaped(text: String) -> String {
    if text.contains(ESCAPE) {
        text.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
    } else {
        text
    }
}

/// Reads text.
pub(super) fn text(row: &PgRow, index: usize) -> Result<String, sqlx::Error> {
    row.try_get(index).map(unescaped)
}

/// Reads a number that has no sign.
pub(super) fn unsigned<T: TryFrom<i64>>(row: &PgRow, index: usize) -> Result<T, sqlx::Error> {
    narrow(row.try_get(index)?)
}

/// Makes a number smaller, or says that the row cannot be of ours.
fn narrow<T: TryFrom<i64>>(wide: i64) -> Result<T, sqlx::Error> {
    T::try_from(wide).map_err(|_| sqlx::Error::Decode("a number is out of range".into()))
}

fn narrow_if_any<T: TryFrom<i64>>(row: &PgRow, index: usize) -> Result<Option<T>, sqlx::Error> {
    row.try_get::<Option<i64>, _>(index)?.map(narrow).transpose()
}

/// Reads an identifier.
pub(super) fn identifier(row: &PgRow, index: usize) -> Result<UniqueIdentifier, sqlx::Error> {
    text(row, index).map(UniqueIdentifier::new)
}

/// Reads a term from two columns.
pub(super) fn term(row: &PgRow, index: usize) -> Result<Term, sqlx::Error> {
    Ok(Term { attribute: unsigned(row, index)?, value: row.try_get(index.saturating_add(1))? })
}

/// Reads the number that an aggregate returns; none stands for zero.
pub(super) fn first_number(rows: &[PgRow]) -> Result<i64, sqlx::Error> {
    rows.first().map_or(Ok(None), |row| row.try_get(0)).map(Option::unwrap_or_default)
}

/// Puts together what [`crate::statement::load`] returns.
pub(super) fn record(rows: &[PgRow]) -> Result<Option<Stored<Record>>, sqlx::Error> {
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
pub(super) fn columns_at(row: &PgRow, first: usize) -> Result<Read, sqlx::Error> {
    let at = |offset: usize| first.saturating_add(offset);
    let columns = Columns {
        owner: text(row, at(1))?,
        policy: text(row, at(2))?,
        object_type: unsigned(row, at(3))?,
        state: narrow_if_any(row, at(4))?,
        next_change_at: row.try_get::<Option<i64>, _>(at(5))?.map(DateTime),
        initial_date: DateTime(row.try_get(at(6))?),
        algorithm: narrow_if_any(row, at(7))?,
        length: narrow_if_any(row, at(8))?,
        usage_mask: narrow_if_any(row, at(9))?,
        destroyed: row.try_get(at(10))?,
    };
    let sealed = Sealed { key: unsigned(row, at(11))?, bytes: row.try_get(at(12))? };
    let seal: Option<Vec<u8>> = row.try_get(at(14))?;
    let spent =
        Spent { amount: row.try_get(at(13))?, seal: seal.map(|seal| seal_of(&seal)).transpose()? };
    Ok(Read { revision: Revision(unsigned(row, first)?), columns, sealed, spent })
}

/// Reads how many objects are in a state.
pub(super) fn state_count(row: &PgRow) -> Result<StateCount, sqlx::Error> {
    Ok((narrow_if_any(row, 0)?.map(State), unsigned(row, 1)?))
}

/// Reads a seal.
fn seal_of(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a seal has not 32 bytes".into()))
}

/// Reads a number of a chain and its seal.
pub(super) fn link(row: &PgRow, number: usize, seal: usize) -> Result<Link, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(seal)?;
    Ok(Link { number: unsigned(row, number)?, seal: seal_of(&bytes)? })
}

/// Reads a block of the audit trail.
pub(super) fn block(row: &PgRow) -> Result<AuditBlock, sqlx::Error> {
    Ok(AuditBlock {
        node: text(row, 0)?,
        link: link(row, 1, 5)?,
        events: unsigned(row, 2)?,
        last_at: DateTime(row.try_get(3)?),
        bytes: row.try_get(4)?,
    })
}

/// Reads where a chain begins.
pub(super) fn anchor(row: &PgRow) -> Result<Anchor, sqlx::Error> {
    let seal: Vec<u8> = row.try_get(3)?;
    Ok(Anchor { node: text(row, 0)?, link: link(row, 1, 2)?, seal: seal_of(&seal)? })
}

/// Reads a wrapped data key.
pub(super) fn wrapped_key(row: &PgRow) -> Result<WrappedKey, sqlx::Error> {
    Ok(WrappedKey { number: unsigned(row, 0)?, wrapped: row.try_get(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_can_be_kept() {
        for text in ["", "plain", "\0", "\u{1}", "\u{1}0", "\0\u{1}1\0", "a\u{1}\0é0\u{1}11"] {
            let kept = escaped(text);
            assert!(!kept.contains('\0'), "{text:?}");
            assert_eq!(unescaped(kept.into_owned()), text);
        }
    }
}
