//! What is done to a store as a whole: backup, restore, verification, sealing anew, retention.
//!
//! Storage adapters implement it. Like all of storage it sees sealed bytes only.

use async_trait::async_trait;
use kmip_model::{DateTime, UniqueIdentifier};

use crate::{
    audit::{Anchor, AuditBlock},
    record::{Condition, Record, Sealed, WrappedKey},
    store::{Page, Revision, StoreError, Stored},
};

/// A record with its place.
pub type Entry = (UniqueIdentifier, Stored<Record>);

/// The store as it was at one instant, read part by part.
#[async_trait]
pub trait Snapshot: Send {
    /// Returns the next records, at most `limit`, in the order in which they were first put; none
    /// at the end.
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError>;
    /// Returns the next blocks of the audit trail, at most `limit`, by node and number; none at the
    /// end.
    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError>;
    /// Returns where the chains of nodes begin whose oldest blocks were removed.
    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError>;
    /// Returns the wrapped data keys, oldest first.
    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError>;
}

/// The sealed bytes of a record, made anew from the same object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Whose record it is.
    pub identifier: UniqueIdentifier,
    /// The revision that was sealed, and stays.
    pub revision: Revision,
    /// The new bytes.
    pub sealed: Sealed,
    /// State: a date may have come since.
    pub state: Option<u32>,
    /// The next instant at which a date changes the state.
    pub next_change_at: Option<DateTime>,
}

/// A part of a store that is put into an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Records, in the order in which they were first put, with the revisions they had.
    Records(Vec<Entry>),
    /// Blocks of the audit trail.
    Blocks(Vec<AuditBlock>),
    /// Where chains begin.
    Anchors(Vec<Anchor>),
    /// The wrapped data keys. They come last: a store without is not opened.
    Keys(Vec<WrappedKey>),
}

/// Maintains a store. Storage adapters implement it.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Returns the store as it is now; what is written later is not in it.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Finds the records that meet all conditions, newest first, whoever may see them. Returns at
    /// most `maximum`, and the total of all.
    async fn list(
        &self,
        conditions: &[Condition],
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError>;

    /// Replaces the sealed bytes of those records whose revision is still the same, and their state,
    /// and says how many they were. Revisions stay.
    async fn reseal(&self, records: Vec<Resealed>) -> Result<u64, StoreError>;

    /// Removes the blocks of a node up to the anchor's, and keeps the anchor.
    async fn prune(&self, anchor: Anchor) -> Result<(), StoreError>;

    /// Puts a part into a store that was empty before the first part: `Conflict` if something of
    /// it is there already.
    async fn restore(&self, part: Part) -> Result<(), StoreError>;
}
