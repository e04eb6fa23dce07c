//! The whole database as it was at one instant.
//!
//! A transaction that reads repeatably sees what was committed before it began, however long it
//! reads and whatever is written meanwhile. It has a connection of its own.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::{Entry, Snapshot},
    record::{Term, WrappedKey},
    store::StoreError,
};
use sqlx::{
    PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use super::{
    connection,
    script::{self, Reuse, Script},
    unavailable,
};
use crate::statement;

/// Begins, and fixes the instant. Whoever reads may take long, and so may large parts.
const BEGIN: &str = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; \
                     BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1";

/// A transaction that reads, and how far it has come. It ends with its connection.
pub(super) struct Reading {
    connection: PgConnection,
    seq: i64,
    block: (String, u64),
}

impl Reading {
    /// Begins.
    pub(super) async fn begin(options: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let (mut connection, _) = connection::connect_patiently(options).await?;
        sqlx::raw_sql(BEGIN).execute(&mut connection).await?;
        Ok(Self { connection, seq: i64::MIN, block: (String::new(), 0) })
    }

    async fn fetch(&mut self, script: Script) -> Result<Vec<PgRow>, sqlx::Error> {
        script.fetch(&mut self.connection, Reuse::Likely).await
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
        let entry = |row: &PgRow| {
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
