//! What happened: who asked for what, and what came of it.
//!
//! A change's event is written in the transaction of the change. Everything else is noted in a
//! trail. Each node of an installation chains what it writes: a block of events seals the block
//! before it, so that nothing can be taken out, changed or put in without the key.

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier,
    enumeration::{Operation, ResultReason},
};

use crate::store::{Revision, StoreError};

/// One operation, carried out or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When the message was received.
    pub at: DateTime,
    /// Who asked; empty if that was not found out.
    pub user: String,
    /// What was asked.
    pub operation: Operation,
    /// The object that it was about, if it was about one.
    pub identifier: Option<UniqueIdentifier>,
    /// The object's revision after the change; `None` if it was not changed.
    pub revision: Option<Revision>,
    /// Why it was refused; `None` if it was carried out.
    pub reason: Option<ResultReason>,
    /// The client's correlation value, if it sent one.
    pub correlation: Option<String>,
}

/// How far a chain goes: the number of its newest block, and that block's seal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Counts the blocks of a node from 1; 0 stands for the beginning.
    pub number: u64,
    /// The seal of the block; zeros for the beginning.
    pub seal: [u8; 32],
}

/// Events that were written together, chained to those that were written before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditBlock {
    /// Whose chain it belongs to.
    pub node: String,
    /// Its place in the chain and its seal.
    pub link: Link,
    /// How many events are in it.
    pub events: u32,
    /// When the newest of them happened.
    pub last_at: DateTime,
    /// The events as bytes, in an encoding of the sealing adapter's.
    pub bytes: Vec<u8>,
}

/// The last block that was removed by age: what is left of a chain begins after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Whose chain it belongs to.
    pub node: String,
    /// The newest block that was removed.
    pub link: Link,
    /// Says that it was removed by who may.
    pub seal: [u8; 32],
}

/// Seals what only the writer of a store knows: the order of events, and sums that were counted.
/// Sealing adapters implement it, record stores call it.
pub trait Notary: Send + Sync {
    /// The node whose chain it continues.
    fn node(&self) -> &str;
    /// Makes the block that follows `before`.
    fn block(&self, before: &Link, events: &[AuditEvent]) -> AuditBlock;
    /// Seals the sum of what has been taken from an object's usage limits.
    fn spent(&self, identifier: &UniqueIdentifier, amount: i64) -> [u8; 32];
}

/// Says when events that belong to no change are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// With the next commit; until then they are in a queue, for room in which the caller waits.
    Queued,
    /// Before the caller goes on.
    Durable,
}

/// Keeps events that belong to no change: reads and refusals.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Takes the events; when they are written is the operator's choice.
    async fn note(&self, events: Vec<AuditEvent>) -> Result<(), StoreError>;
}
