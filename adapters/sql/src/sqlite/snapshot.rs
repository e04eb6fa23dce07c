//! The whole database as it was at one instant: a transaction that only reads.

use std::collections::VecDeque;

use async_trait::async_trait;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::{Entry, Snapshot},
    record::WrappedKey,
    store::StoreError,
};
use sea_query::SelectStatement;
use sqlx::{Sqlite, SqlitePool, pool::PoolConnection, sqlite::SqliteRow};

use super::script::{Reuse, Script};
use crate::{
    row::unavailable,
    snapshot::{Reading, Transaction},
    statement,
};

/// A transaction that reads.
pub(super) struct Instant(PoolConnection<Sqlite>);

impl Instant {
    /// Begins; the transaction ends with the connection, unless it is to be kept.
    pub(super) async fn begin(pool: &SqlitePool, keep: bool) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        if !keep {
            connection.close_on_drop();
        }
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        // Only the first statement that reads fixes the instant.
        Script::of(&statement::newest_seq()).fetch(&mut *connection, Reuse::Unlikely).await?;
        Ok(Self(connection))
    }
}

#[async_trait]
impl Transaction for Instant {
    type Row = SqliteRow;

    async fn fetch(&mut self, statement: SelectStatement) -> Result<Vec<SqliteRow>, sqlx::Error> {
        Script::of(&statement).fetch(&mut *self.0, Reuse::Likely).await
    }
}

/// Everything at once.
pub(super) struct Loaded {
    records: VecDeque<Entry>,
    blocks: VecDeque<AuditBlock>,
    anchors: Vec<Anchor>,
    keys: Vec<WrappedKey>,
}

impl Loaded {
    /// Reads all of a snapshot, and ends it.
    pub(super) async fn of(mut reading: Reading<Instant>) -> Result<Self, StoreError> {
        let records = reading.records(u32::MAX).await?.into();
        let blocks = reading.blocks(u32::MAX).await?.into();
        let (anchors, keys) = (reading.anchors().await?, reading.keys().await?);
        let Instant(mut connection) = reading.into_transaction();
        sqlx::query("ROLLBACK").execute(&mut *connection).await.map_err(unavailable)?;
        Ok(Self { records, blocks, anchors, keys })
    }
}

fn first<T>(queue: &mut VecDeque<T>, limit: u32) -> Vec<T> {
    let count = usize::try_from(limit).unwrap_or(usize::MAX).min(queue.len());
    queue.drain(..count).collect()
}

#[async_trait]
impl Snapshot for Loaded {
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        Ok(first(&mut self.records, limit))
    }

    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError> {
        Ok(first(&mut self.blocks, limit))
    }

    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError> {
        Ok(self.anchors.clone())
    }

    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(self.keys.clone())
    }
}
