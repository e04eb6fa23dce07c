//! Where managed objects are kept.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier, locate::Locate, object::ManagedObject, policy::Visibility,
};
use thiserror::Error;

use crate::audit::AuditEvent;

/// Counts the changes of one object; 0 stands for "not stored yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Returns the revision that a change of this one has.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A value and the revision it has in the store.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The value.
    pub value: Arc<T>,
    /// Its revision: when loaded, the one it has; when put, the one it replaces.
    pub revision: Revision,
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), revision: self.revision }
    }
}

/// Something that must be unique when a change set is applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// No other object of `owner` that is not destroyed has this Name.
    Name {
        /// Whose objects are looked at.
        owner: String,
        /// Name Value.
        name: String,
        /// The object that wants the Name.
        identifier: UniqueIdentifier,
    },
}

/// An amount that a use takes from the Usage Limits of an object. The object's revision stays: uses
/// do not get in each other's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debit {
    /// The object.
    pub identifier: UniqueIdentifier,
    /// How much is taken, in the unit of the limits.
    pub amount: i64,
    /// Usage Limits Total.
    pub total: i64,
    /// What at least had been taken when the object was read.
    pub spent: i64,
}

/// What one unit of work changes, applied as a whole or not at all.
#[derive(Debug)]
pub struct ChangeSet<T = ManagedObject> {
    /// Read and relied upon, not changed.
    pub expect: Vec<(UniqueIdentifier, Revision)>,
    /// New values, each with the identifier and the revision it replaces.
    pub put: Vec<(UniqueIdentifier, Stored<T>)>,
    /// Uniqueness that this request asks for.
    pub claims: Vec<Claim>,
    /// What is taken from Usage Limits.
    pub debits: Vec<Debit>,
    /// What is written to the audit trail in the same transaction.
    pub audit: Vec<AuditEvent>,
}

impl<T> Default for ChangeSet<T> {
    fn default() -> Self {
        Self {
            expect: Vec::new(),
            put: Vec::new(),
            claims: Vec::new(),
            debits: Vec::new(),
            audit: Vec::new(),
        }
    }
}

/// One page of an ordered answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// How many there are in all, before offset and maximum; `None` if they are so many that to
    /// count them would take longer than to find the page. Up to a thousand are always counted.
    pub total: Option<u64>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), total: Some(0) }
    }
}

/// What the caller of a store can do about a failure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A revision has moved: read again and try again.
    #[error("an object was changed meanwhile")]
    Conflict,
    /// A claim does not hold: tell the client.
    #[error("what must be unique exists already")]
    Duplicate(Claim),
    /// Less is left than a debit takes: tell the client.
    #[error("the usage limits are used up")]
    Exhausted,
    /// The store cannot be reached or cannot write: try later.
    #[error("the store is not available")]
    Unavailable,
    /// A record fails its seal: an operator must look.
    #[error("the record of {0} is damaged")]
    Corrupt(UniqueIdentifier),
}

/// Keeps managed objects.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Loads one object, destroyed ones too; `None` if there never was one.
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<ManagedObject>>, StoreError>;

    /// Finds objects, newest first. `visible` is part of the predicate, so that offset, maximum
    /// and total count only what the caller may locate.
    async fn locate(
        &self,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError>;

    /// Applies every change, or none: `Conflict` if any revision has moved, `Duplicate` if a
    /// claim does not hold, `Exhausted` if less is left than a debit takes. When it returns, the
    /// change is durable. What was debited since an object was read stays so when it is put.
    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError>;
}
