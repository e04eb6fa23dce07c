//! A database in which nothing is but data keys: on it a store opens that has none of its own.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::{Anchor, AuditEvent, Durability, Notary},
    maintenance::{Maintenance, Part, Resealed, Snapshot},
    record::{
        Condition, DataKeys, KeyCount, Record, RecordStore, TermClaim, TermQuery, WrappedKey,
    },
    store::{ChangeSet, Page, StoreError, Stored},
};

/// Gives data keys, and refuses to keep anything.
#[derive(Debug)]
pub struct OnlyKeys(Vec<WrappedKey>);

impl OnlyKeys {
    /// Makes one of these keys.
    #[must_use]
    pub fn of(keys: Vec<WrappedKey>) -> Self {
        Self(keys)
    }
}

#[async_trait]
impl RecordStore for OnlyKeys {
    async fn load(&self, _: &UniqueIdentifier) -> Result<Option<Stored<Record>>, StoreError> {
        Ok(None)
    }

    async fn search(&self, _: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError> {
        Ok(Page::default())
    }

    async fn apply(&self, _: ChangeSet<Record>, _: Vec<TermClaim>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn note(&self, _: Vec<AuditEvent>, _: Durability) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn begin(&self, _: Arc<dyn Notary>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl DataKeys for OnlyKeys {
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(self.0.clone())
    }

    async fn add_key(&self, _: WrappedKey) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn replace_keys(&self, _: &[WrappedKey], _: Vec<WrappedKey>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Maintenance for OnlyKeys {
    async fn list(
        &self,
        _: &[Condition],
        _: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn reseal(&self, _: Vec<Resealed>) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn prune(&self, _: Anchor) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn restore(&self, _: Part) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }
}
