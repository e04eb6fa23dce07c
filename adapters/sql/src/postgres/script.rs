//! A statement as PostgreSQL reads it, and what comes back.

use std::{borrow::Cow, time::Duration};

use sea_query::{PostgresQueryBuilder, QueryStatementWriter, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row, postgres::PgRow};
use tokio::time;

use super::connection::{ANSWER, Remedy};
use crate::row::Cells;

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
        self.fetch_within(ANSWER, connection, reuse).await
    }

    /// Runs it on one connection, within this bound of time.
    pub(super) async fn fetch_within(
        self,
        bound: Duration,
        connection: &mut PgConnection,
        reuse: Reuse,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        // The text is rendered by sea-query, which binds every value.
        let query = sqlx::query_with(AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
            .persistent(reuse == Reuse::Likely)
            .fetch_all(connection);
        within(bound, query).await
    }

    /// Runs it on any connection of a pool, within a bound of time.
    pub(super) async fn fetch_by(
        self,
        pool: &PgPool,
        reuse: Reuse,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let outcome = self.fetch(&mut connection, reuse).await;
        // A broken one would be tried out before it is kept, and its failure told of again.
        let is_broken = |error: &sqlx::Error| {
            !matches!(error, sqlx::Error::Database(_)) || Remedy::of(error) == Remedy::Reconnect
        };
        if outcome.as_ref().is_err_and(is_broken) {
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
    within(ANSWER, query).await
}

async fn within<T>(
    bound: Duration,
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let silent = || Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    time::timeout(bound, query).await.unwrap_or_else(|_| silent())
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

impl Cells for PgRow {
    fn number_if_any(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(index)
    }

    fn bytes_if_any(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(index)
    }

    fn text_if_any(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        self.try_get::<Option<String>, _>(index).map(|text| text.map(unescaped))
    }

    fn flag(&self, index: usize) -> Result<bool, sqlx::Error> {
        self.try_get(index)
    }
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
