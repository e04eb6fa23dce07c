//! The whole database as it was at one instant: a transaction that reads repeatably and has a
//! connection of its own.

use std::time::Duration;

use async_trait::async_trait;
use sea_query::SelectStatement;
use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgRow},
};

use super::{
    connection,
    script::{Reuse, Script},
};
use crate::snapshot::Transaction;

/// Begins, and fixes the instant. Whoever reads may take long, and so may large parts.
const BEGIN: &str = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; \
                     BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1";

/// How long it may take to go through everything.
const EVERYTHING: Duration = Duration::from_mins(10);

/// A transaction that reads. It ends with its connection.
pub(super) struct Instant(PgConnection);

impl Instant {
    /// Begins.
    pub(super) async fn begin(options: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let (mut connection, _) = connection::connect_patiently(options).await?;
        sqlx::raw_sql(BEGIN).execute(&mut connection).await?;
        Ok(Self(connection))
    }

    /// Reads the one answer of a statement that goes through everything.
    pub(super) async fn fetch_all(
        mut self,
        statement: SelectStatement,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        Script::of(&statement).fetch_within(EVERYTHING, &mut self.0, Reuse::Unlikely).await
    }
}

#[async_trait]
impl Transaction for Instant {
    type Row = PgRow;

    async fn fetch(&mut self, statement: SelectStatement) -> Result<Vec<PgRow>, sqlx::Error> {
        Script::of(&statement).fetch(&mut self.0, Reuse::Likely).await
    }
}
