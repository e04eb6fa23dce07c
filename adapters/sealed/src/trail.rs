//! The audit trail for those who read it, and for those who may not act without leaving a trace.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_ports::{
    audit::{AuditEvent, AuditTrail, Durability},
    maintenance::Snapshot,
    store::StoreError,
};

use crate::store::SealedStore;

/// Takes events that are on the disk when it returns, whatever is done with those of clients.
pub struct DurableTrail(Arc<SealedStore>);

#[async_trait]
impl AuditTrail for DurableTrail {
    async fn note(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        self.0.records.note(events, Durability::Durable).await
    }
}

impl SealedStore {
    /// Returns the trail of what operators do.
    #[must_use]
    pub fn durable_trail(self: &Arc<Self>) -> DurableTrail {
        DurableTrail(Arc::clone(self))
    }

    /// Returns the store as it is now, sealed.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.maintenance.snapshot().await
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{DateTime, enumeration::Operation};

    use super::*;
    use crate::store::tests::Sealed;

    #[test]
    fn what_an_operator_does_is_written_at_once() {
        let sealed = Sealed::new();
        let event = AuditEvent {
            at: DateTime(1),
            user: "control:0-root".to_owned(),
            operation: Operation::Locate,
            identifier: None,
            revision: None,
            reason: None,
            correlation: None,
        };
        pollster::block_on(async {
            sealed.store.durable_trail().note(vec![event.clone()]).await.unwrap();
            let mut snapshot = sealed.store.snapshot().await.unwrap();
            let blocks = snapshot.blocks(9).await.unwrap();
            let events: Vec<_> =
                blocks.iter().map(|block| crate::decode_events(&block.bytes).unwrap()).collect();
            assert_eq!(events, [vec![event]]);
        });
    }
}
