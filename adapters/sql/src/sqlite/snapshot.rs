//! The whole database as it was at one instant.
//!
//! A transaction that only reads sees the commit before it began, however long it reads and
//! whatever is written meanwhile.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::{Entry, Snapshot},
    record::{Term, WrappedKey},
    store::StoreError,
};
use sqlx::{Row, Sqlite, SqlitePool, pool::PoolConnection, sqlite::SqliteRow};

use super::{
    script::{self, Reuse, Script},
    unavailable,
};
use crate::statement;

/// A transaction that reads, and how far it has come.
pub(super) struct Reading {
    connection: PoolConnection<Sqlite>,
    seq: i64,
    block: (String, u64),
}

impl Reading {
    /// Begins; the transaction ends with the connection, unless it is to be kept.
    pub(super) async fn begin(pool: &SqlitePool, keep: bool) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        if !keep {
            connection.close_on_drop();
        }
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        // Only the first statement that reads fixes the instant.
        Script::of(&statement::newest_seq()).fetch(&mut *connection, Reuse::Unlikely).await?;
        Ok(Self { connection, seq: i64::MIN, block: (String::new(), 0) })
    }

    async fn fetch(&mut self, script: Script) -> Result<Vec<SqliteRow>, sqlx::Error> {
        script.fetch(&mut *self.connection, Reuse::Likely).await
    }

    async fn next_records(&mut self, limit: u32) -> Result<Vec<Entry>, sqlx::Error> {
        let rows = self.fetch(Script::of(&statement::records_after(self.seq, limit))).await?;
        let mut terms: BTreeMap<i64, Vec<Term>> = BTreeMap::new();
        let after = self.seq;
        if let Some(last) = rows.last() {
            self.seq = last.try_get(0)?;
            for row in self.fetch(Script::of(&statement::terms_between(after, self.seq))).await? {
                terms.entry(row.try_get(0)?).or_default().push(script::term(&row, 1)?);
            }
        }
        let entry = |row: &SqliteRow| {
            let mut of_record = terms.remove(&row.try_get(0)?).unwrap_or_default();
            of_record.sort_unstable();
            let read = script::columns_at(row, 2)?;
            Ok((script::identifier(row, 1)?, read.with(of_record)))
        };
        rows.iter().map(entry).collect()
    }

    async fn next_blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, sqlx::Error> {
        let (node, number) = &self.block;
        let script = Script::of(&statement::blocks((node.as_str(), *number), limit));
        let rows = self.fetch(script).await?;
        let blocks: Vec<AuditBlock> = rows.iter().map(script::block).collect::<Result<_, _>>()?;
        if let Some(last) = blocks.last() {
            self.block = (last.node.clone(), last.link.number);
        }
        Ok(blocks)
    }
}

#[async_trait]
impl Snapshot for Reading {
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.next_records(limit).await.map_err(unavailable)
    }

    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError> {
        self.next_blocks(limit).await.map_err(unavailable)
    }

    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError> {
        let rows = self.fetch(Script::of(&statement::anchors())).await.map_err(unavailable)?;
        rows.iter().map(script::anchor).collect::<Result<_, _>>().map_err(unavailable)
    }

    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError> {
        let rows = self.fetch(Script::of(&statement::load_keys())).await.map_err(unavailable)?;
        rows.iter().map(script::wrapped_key).collect::<Result<_, _>>().map_err(unavailable)
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
    pub(super) async fn of(mut reading: Reading) -> Result<Self, StoreError> {
        let records = reading.records(u32::MAX).await?.into();
        let blocks = reading.blocks(u32::MAX).await?.into();
        let (anchors, keys) = (reading.anchors().await?, reading.keys().await?);
        sqlx::query("ROLLBACK").execute(&mut *reading.connection).await.map_err(unavailable)?;
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
