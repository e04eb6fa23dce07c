//! Statements that travel together, and what comes back.
//!
//! A call to SQLite is a hop to another thread and back, which costs more than most statements.
//! So statements that need no answer in between go in one call.

use kmip_model::{DateTime, enumeration::Operation};
use kmip_ports::{audit::AuditEvent, store::Revision};
use sea_query::{QueryStatementWriter, SqliteQueryBuilder, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Row, SqliteExecutor, sqlite::SqliteRow};

use crate::row::{self, Cells};

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

impl Cells for SqliteRow {
    fn number_if_any(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(index)
    }

    fn bytes_if_any(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(index)
    }

    fn text_if_any(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        self.try_get(index)
    }

    fn flag(&self, index: usize) -> Result<bool, sqlx::Error> {
        self.number(index).map(|number| number != 0)
    }
}

/// Reads an event from before the trail was chained, and its number.
pub(super) fn unchained_event(row: &SqliteRow) -> Result<(i64, AuditEvent), sqlx::Error> {
    let event = AuditEvent {
        at: DateTime(row.try_get(1)?),
        user: row.try_get(2)?,
        operation: Operation(row::unsigned(row, 3)?),
        identifier: Some(row::identifier(row, 4)?),
        revision: Some(Revision(row::unsigned(row, 5)?)),
        reason: None,
        correlation: row.try_get(6)?,
    };
    Ok((row.try_get(0)?, event))
}
