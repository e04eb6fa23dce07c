//! The whole database as it was at one instant, read page by page in a transaction that only reads.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::{Entry, Snapshot},
    record::{Term, WrappedKey},
    store::StoreError,
};
use sea_query::SelectStatement;

use crate::{
    row::{self, Cells, unavailable},
    statement,
};

/// A transaction that sees what was committed before it began, however long it reads and whatever
/// is written meanwhile.
#[async_trait]
pub(crate) trait Transaction: Send {
    /// What it reads.
    type Row: Cells + Send + Sync;

    /// Reads the rows of a statement.
    async fn fetch(&mut self, statement: SelectStatement) -> Result<Vec<Self::Row>, sqlx::Error>;
}

/// How far the reading has come.
pub(crate) struct Reading<T> {
    transaction: T,
    seq: i64,
    block: (String, u64),
}

impl<T: Transaction> Reading<T> {
    /// Reads from the beginning.
    pub(crate) const fn new(transaction: T) -> Self {
        Self { transaction, seq: i64::MIN, block: (String::new(), 0) }
    }

    /// Returns the transaction.
    #[cfg(feature = "sqlite")]
    pub(crate) fn into_transaction(self) -> T {
        self.transaction
    }

    async fn next_records(&mut self, limit: u32) -> Result<Vec<Entry>, sqlx::Error> {
        let rows = self.transaction.fetch(statement::records_after(self.seq, limit)).await?;
        let mut terms: BTreeMap<i64, Vec<Term>> = BTreeMap::new();
        let after = self.seq;
        if let Some(last) = rows.last() {
            self.seq = last.number(0)?;
            for row in self.transaction.fetch(statement::terms_between(after, self.seq)).await? {
                terms.entry(row.number(0)?).or_default().push(row::term(&row, 1)?);
            }
        }
        let entry = |row: &T::Row| {
            let mut of_record = terms.remove(&row.number(0)?).unwrap_or_default();
            of_record.sort_unstable();
            let read = row::columns_at(row, 2)?;
            Ok((row::identifier(row, 1)?, read.with(of_record)))
        };
        rows.iter().map(entry).collect()
    }

    async fn next_blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, sqlx::Error> {
        let (node, number) = &self.block;
        let blocks = statement::blocks((node.as_str(), *number), limit);
        let rows = self.transaction.fetch(blocks).await?;
        let blocks: Vec<AuditBlock> = rows.iter().map(row::block).collect::<Result<_, _>>()?;
        if let Some(last) = blocks.last() {
            self.block = (last.node.clone(), last.link.number);
        }
        Ok(blocks)
    }
}

#[async_trait]
impl<T: Transaction> Snapshot for Reading<T> {
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.next_records(limit).await.map_err(unavailable)
    }

    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError> {
        self.next_blocks(limit).await.map_err(unavailable)
    }

    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError> {
        let rows = self.transaction.fetch(statement::anchors()).await.map_err(unavailable)?;
        rows.iter().map(row::anchor).collect::<Result<_, _>>().map_err(unavailable)
    }

    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError> {
        let rows = self.transaction.fetch(statement::load_keys()).await.map_err(unavailable)?;
        rows.iter().map(row::wrapped_key).collect::<Result<_, _>>().map_err(unavailable)
    }
}
