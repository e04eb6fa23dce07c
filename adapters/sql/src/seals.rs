//! What a notary seals of a batch before it is written, and what the cache is told afterwards.

use std::{collections::BTreeMap, sync::Arc};

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::{AuditBlock, Link, Notary},
    maintenance::Resealed,
    record::{Record, Spent},
    store::Stored,
};

use thiserror::Error;

use crate::batch::{Batch, Write};

/// The chain of a node, and who continues it.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) notary: Arc<dyn Notary>,
    pub(crate) head: Link,
}

/// A batch with its seals.
pub(crate) struct SealedBatch {
    pub(crate) batch: Batch,
    /// The sums of the batch's writes, in their order.
    pub(crate) records: Vec<Spent>,
    /// The other sums, by place.
    pub(crate) spends: BTreeMap<i64, (UniqueIdentifier, Spent)>,
    /// The events of the batch.
    pub(crate) block: Option<AuditBlock>,
}

/// There is something to seal, and nobody who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("nobody seals the audit trail")]
pub(crate) struct NoNotary;

impl SealedBatch {
    /// Seals a batch.
    pub(crate) fn of(mut batch: Batch, chain: Option<&Chain>) -> Result<Self, NoNotary> {
        if chain.is_none() && batch.wants_notary() {
            return Err(NoNotary);
        }
        let spent = |identifier: &UniqueIdentifier, amount: i64| {
            let seal =
                chain.filter(|_| amount != 0).map(|chain| chain.notary.spent(identifier, amount));
            Spent { amount, seal }
        };
        let records = batch
            .writes
            .iter()
            .map(|write| spent(&write.identifier, write.position.spent))
            .collect();
        let spends = std::mem::take(&mut batch.spends)
            .into_iter()
            .map(|(seq, (identifier, amount))| {
                let sealed = spent(&identifier, amount);
                (seq, (identifier, sealed))
            })
            .collect();
        let block = chain
            .filter(|_| !batch.audit.is_empty())
            .map(|chain| chain.notary.block(&chain.head, &batch.audit));
        Ok(Self { batch, records, spends, block })
    }
}

/// What was written of records.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) records: Vec<(Write, Spent)>,
    pub(crate) spends: Vec<(UniqueIdentifier, Spent)>,
    pub(crate) resealed: Vec<Resealed>,
}

/// Who is told what was written of records.
pub(crate) trait Told {
    /// A record has a new value.
    fn was_written(&self, identifier: &UniqueIdentifier, stored: Stored<Record>);
    /// Something of a record that its revision does not count has changed.
    fn was_amended(&self, identifier: &UniqueIdentifier, amend: impl FnOnce(&mut Record));
}

impl Written {
    /// Takes what was written out of a batch that was committed, and how far the chain goes, if it
    /// goes further.
    pub(crate) fn of(sealed: SealedBatch) -> (Self, Option<Link>) {
        let SealedBatch { batch, records, spends, block } = sealed;
        let written = Self {
            records: batch.writes.into_iter().zip(records).collect(),
            spends: spends.into_values().collect(),
            resealed: batch.resealed.into_values().collect(),
        };
        (written, block.map(|block| block.link))
    }

    /// Tells the cache.
    pub(crate) fn tell(self, cache: &impl Told) {
        for (write, spent) in self.records {
            let identifier = write.identifier.clone();
            cache.was_written(&identifier, write.stored(spent));
        }
        for (identifier, spent) in self.spends {
            cache.was_amended(&identifier, |record| record.spent = spent);
        }
        for Resealed { identifier, sealed, state, next_change_at, .. } in self.resealed {
            cache.was_amended(&identifier, |record| {
                record.sealed = sealed;
                record.columns.state = state;
                record.columns.next_change_at = next_change_at;
            });
        }
    }
}
