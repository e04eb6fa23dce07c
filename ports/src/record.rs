//! Where sealed records are kept: the ports that storage adapters implement.
//!
//! A storage adapter sees columns, terms and sealed bytes, never an object.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{DateTime, Material, UniqueIdentifier, object::ManagedObject, policy::Visibility};

use crate::{
    audit::{AuditEvent, Durability, Notary},
    store::{ChangeSet, Page, Revision, StoreError, Stored},
};

/// The columns of a record: what Locate filters by most, in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Who owns the object.
    pub owner: String,
    /// The object's Operation Policy Name.
    pub policy: String,
    /// Object Type.
    pub object_type: u32,
    /// State when it was stored; `None` for types without one.
    pub state: Option<u32>,
    /// The next instant at which a date changes the state.
    pub next_change_at: Option<DateTime>,
    /// Initial Date.
    pub initial_date: DateTime,
    /// Cryptographic Algorithm.
    pub algorithm: Option<u32>,
    /// Cryptographic Length.
    pub length: Option<i32>,
    /// Cryptographic Usage Mask.
    pub usage_mask: Option<u32>,
    /// Says whether the object is destroyed.
    pub destroyed: bool,
}

/// One searchable value of an attribute that may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// The attribute: its tag, or a number of the sealing adapter's for vendors' attributes.
    pub attribute: u32,
    /// The value, in clear or as a keyed hash.
    pub value: Vec<u8>,
}

/// Sealed bytes and the key they are sealed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which data key of the key ring.
    pub key: u32,
    /// Nonce, ciphertext and tag, as the at-rest cipher lays them out.
    pub bytes: Vec<u8>,
}

/// What has been taken from the usage limits of an object. It changes without the record's revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The sum.
    pub amount: i64,
    /// The notary's seal of the sum; `None` until something was taken.
    pub seal: Option<[u8; 32]>,
}

/// What a storage adapter keeps of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is in clear.
    pub columns: Columns,
    /// What can be searched for, sorted, without repetition.
    pub terms: Vec<Term>,
    /// Everything else.
    pub sealed: Sealed,
    /// What has been taken from its usage limits. When put, what at least has been: a store never
    /// lowers it, and seals it itself.
    pub spent: Spent,
}

/// The place a record is bound to: moving it breaks the seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose record it is.
    pub identifier: UniqueIdentifier,
    /// At which revision.
    pub revision: Revision,
    /// A hash of the columns and terms beside it.
    pub beside: Vec<u8>,
}

/// One condition on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The identifier is this one.
    Identifier(UniqueIdentifier),
    /// The owner is this one.
    Owner(String),
    /// Object Type is this one.
    ObjectType(u32),
    /// State is this one at `now`; a record whose `next_change_at` has come matches too, so that
    /// the caller can look closer.
    State {
        /// The state.
        state: u32,
        /// The time of the request.
        now: DateTime,
    },
    /// State was this one when the record was stored; what its dates have done since is left aside.
    StoredState(u32),
    /// The record's `next_change_at` has come by this time.
    Due(DateTime),
    /// Cryptographic Algorithm is this one.
    Algorithm(u32),
    /// Cryptographic Length is this one.
    Length(i32),
    /// All these bits of Cryptographic Usage Mask are set.
    UsageMask(u32),
    /// Initial Date is within these, inclusive.
    InitialDate(DateTime, DateTime),
    /// The record has this term.
    Term(Term),
    /// The object is destroyed, or is not.
    Destroyed(bool),
}

/// A search over columns and terms: every condition holds. Newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermQuery {
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// What the caller may see.
    pub visible: Visibility,
    /// Skip this many.
    pub offset: u64,
    /// Return at most this many; `None` for all.
    pub maximum: Option<u64>,
}

/// Keeps records. Storage adapters implement it.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// Loads one record.
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError>;

    /// Finds records, newest first (in the order in which they were first put, reversed).
    async fn search(&self, query: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError>;

    /// Applies every change, or none: `Conflict` if any revision has moved, `Duplicate` if a
    /// claim does not hold (`terms` of other live records of that owner are looked at), `Exhausted`
    /// if a debit takes more than is left. When it returns, the change is durable.
    async fn apply(
        &self,
        changes: ChangeSet<Record>,
        claims: Vec<TermClaim>,
    ) -> Result<(), StoreError>;

    /// Writes events that belong to no change, after those that were noted before.
    async fn note(&self, events: Vec<AuditEvent>, durability: Durability)
    -> Result<(), StoreError>;

    /// Says who seals blocks and sums from now on. Before that, what needs a seal is `Unavailable`.
    async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError>;
}

/// The number of a data key, and how many records are sealed under it.
pub type KeyCount = (u32, u64);

/// Keeps the wrapped data keys. Storage adapters implement it.
#[async_trait]
pub trait DataKeys: Send + Sync {
    /// Loads the wrapped data keys, oldest first.
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError>;

    /// Keeps one more wrapped data key; `Conflict` if that number is taken.
    async fn add_key(&self, key: WrappedKey) -> Result<(), StoreError>;

    /// Keeps the keys of `after` instead of those of `before`, all or none: keys of the same number
    /// are replaced, others are new. `Conflict` if what is kept is not what `before` says, key for
    /// key, or if `after` leaves one of them out.
    async fn replace_keys(
        &self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError>;

    /// Counts the records that are sealed under each data key, destroyed ones too, lowest number
    /// first; a key that seals none is left out.
    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError>;
}

/// A claim in the terms of a record store: no other live record of `owner` has `term`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermClaim {
    /// Whose records are looked at.
    pub owner: String,
    /// The term.
    pub term: Term,
    /// The record that wants it.
    pub identifier: UniqueIdentifier,
    /// What to report if it is taken.
    pub claim: crate::store::Claim,
}

/// A data key as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its number in the key ring.
    pub number: u32,
    /// The key, wrapped by the root key.
    pub wrapped: Vec<u8>,
}

/// Encrypts and authenticates bytes at rest, and hashes with a key.
pub trait AtRestCipher: Send + Sync {
    /// Makes a fresh data key.
    fn generate(&self) -> Result<Material, StoreError>;
    /// Seals `plain` under a key derived from `data_key` and `context`; `associated` is bound.
    fn seal(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError>;
    /// Opens what `seal` made; `None` if key, context, associated data or bytes differ.
    fn open(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Material>;
    /// Hashes with a key derived from `data_key` and `context`: 32 bytes, for blind terms.
    fn keyed_hash(&self, data_key: &Material, context: &[u8], data: &[u8]) -> [u8; 32];
    /// Hashes without a key: 32 bytes, for what is bound beside a record.
    fn hash(&self, data: &[u8]) -> [u8; 32];
}

/// Turns objects into bytes for sealing and back. Its format is frozen by golden files.
pub trait ObjectEncoding: Send + Sync {
    /// Encodes an object.
    fn encode(&self, object: &ManagedObject) -> Material;
    /// Decodes an object; `None` if the bytes are none of this format.
    fn decode(&self, bytes: &[u8]) -> Option<ManagedObject>;
}
