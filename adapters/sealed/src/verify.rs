//! Reads everything there is and says what is not as it was written.
//!
//! Records: each seal, and whether columns and terms are those of the object. Audit trail: each
//! chain from its beginning or its anchor. Both together: whether each record has the revision of
//! the last change that the trail tells of.

use std::collections::HashMap;

use kmip_model::{DateTime, UniqueIdentifier};
use kmip_ports::{
    audit::{Anchor, AuditBlock, Link},
    maintenance::Snapshot,
    record::Record,
    store::{Revision, StoreError, Stored},
};

use crate::{
    audit::decode,
    store::{SealedStore, columns_of},
};

/// How many records or blocks are read at a time.
const TOGETHER: u32 = 512;

/// What is wrong with one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not open: it was changed, moved, or put back from an earlier day.
    Seal,
    /// It opens, and what it is found by is not what it holds.
    Index,
    /// It is older than the last change in the audit trail.
    Behind {
        /// The revision after that change.
        audited: Revision,
    },
    /// It was changed after the last change in the audit trail: the trail has lost its end.
    Ahead {
        /// The revision after that change.
        audited: Revision,
    },
}

/// What is wrong with the chain of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// This block does not follow the one before it.
    Block(Link),
    /// The anchor that it begins after is not of our making.
    Anchor,
    /// The block is whole, and its events cannot be read.
    Unreadable(Link),
}

/// What was read, and what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many records were read.
    pub records: u64,
    /// The records that are damaged.
    pub damaged: Vec<(UniqueIdentifier, Damage)>,
    /// How many blocks of the audit trail were read.
    pub blocks: u64,
    /// How many events are in them.
    pub events: u64,
    /// The nodes whose chains are broken, and where.
    pub broken: Vec<(String, Break)>,
    /// How many data keys there are.
    pub keys: u64,
    /// How many records are not sealed under the newest data key.
    pub under_older_keys: u64,
}

impl Verification {
    /// Says whether nothing was wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.broken.is_empty()
    }
}

/// Follows the chains of all nodes, block by block.
struct Follower<'a> {
    store: &'a SealedStore,
    anchors: Vec<Anchor>,
    node: Option<String>,
    head: Link,
    /// Says whether the chain of this node is still whole.
    whole: bool,
}

impl Follower<'_> {
    /// Takes the next block; returns where the chain breaks, the first time it does.
    fn take(&mut self, block: &AuditBlock) -> Option<Break> {
        let mut broken = None;
        if self.node.as_ref() != Some(&block.node) {
            let anchor = self.anchors.iter().find(|anchor| anchor.node == block.node);
            self.whole = anchor.is_none_or(|anchor| self.store.chain.holds(anchor));
            broken = (!self.whole).then_some(Break::Anchor);
            self.head = anchor.map(|anchor| anchor.link.clone()).unwrap_or_default();
            self.node = Some(block.node.clone());
        }
        if self.whole && !self.store.chain.follows(&self.head, block) {
            self.whole = false;
            broken = Some(Break::Block(block.link.clone()));
        }
        self.head = block.link.clone();
        broken
    }
}

impl SealedStore {
    /// Reads everything; `progress` is told how many records and blocks were read so far.
    pub async fn verify(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Verification, StoreError> {
        let mut snapshot = self.maintenance.snapshot().await?;
        self.verify_snapshot(&mut *snapshot, progress).await
    }

    /// Reads all of a snapshot, be it of this store or of a backup.
    pub async fn verify_snapshot(
        &self,
        snapshot: &mut dyn Snapshot,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Verification, StoreError> {
        let mut found = Verification {
            keys: u64::try_from(snapshot.keys().await?.len()).unwrap_or(u64::MAX),
            ..Verification::default()
        };
        let audited = self.verify_trail(snapshot, &mut found, progress).await?;
        loop {
            let records = snapshot.records(TOGETHER).await?;
            if records.is_empty() {
                return Ok(found);
            }
            for (identifier, stored) in records {
                self.know(stored.value.sealed.key).await?;
                found.records = found.records.saturating_add(1);
                if stored.value.sealed.key != self.newest_key() {
                    found.under_older_keys = found.under_older_keys.saturating_add(1);
                }
                if let Some(damage) = self.damage(&identifier, &stored, &audited) {
                    found.damaged.push((identifier, damage));
                }
            }
            progress(found.records.saturating_add(found.blocks));
        }
    }

    /// Follows the chains alone.
    pub async fn verify_audit(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Verification, StoreError> {
        let mut snapshot = self.maintenance.snapshot().await?;
        let mut found = Verification::default();
        self.verify_trail(&mut *snapshot, &mut found, progress).await?;
        Ok(found)
    }

    /// Follows the chains; returns the last revision of each object that they tell of.
    async fn verify_trail(
        &self,
        snapshot: &mut dyn Snapshot,
        found: &mut Verification,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<HashMap<UniqueIdentifier, Revision>, StoreError> {
        let mut audited: HashMap<UniqueIdentifier, Revision> = HashMap::new();
        let mut follower = Follower {
            store: self,
            anchors: snapshot.anchors().await?,
            node: None,
            head: Link::default(),
            whole: true,
        };
        loop {
            let blocks = snapshot.blocks(TOGETHER).await?;
            if blocks.is_empty() {
                return Ok(audited);
            }
            for block in &blocks {
                found.blocks = found.blocks.saturating_add(1);
                if let Some(broken) = follower.take(block) {
                    found.broken.push((block.node.clone(), broken));
                }
                let Some(events) = decode(&block.bytes) else {
                    let broken = Break::Unreadable(block.link.clone());
                    found.broken.push((block.node.clone(), broken));
                    continue;
                };
                let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
                found.events = found.events.saturating_add(count);
                for event in events {
                    if let (Some(identifier), Some(revision)) = (event.identifier, event.revision) {
                        let last = audited.entry(identifier).or_default();
                        *last = revision.max(*last);
                    }
                }
            }
            progress(found.blocks);
        }
    }

    fn damage(
        &self,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
        audited: &HashMap<UniqueIdentifier, Revision>,
    ) -> Option<Damage> {
        let Ok(object) = self.open_record(identifier, stored) else {
            return Some(Damage::Seal);
        };
        let record = &stored.value;
        if record.columns != columns_of(&object) || record.terms != self.terms().of_object(&object)
        {
            return Some(Damage::Index);
        }
        match audited.get(identifier) {
            Some(audited) if stored.revision < *audited => {
                Some(Damage::Behind { audited: *audited })
            }
            Some(audited) if stored.revision > *audited => {
                Some(Damage::Ahead { audited: *audited })
            }
            _ => None,
        }
    }

    /// Removes the oldest blocks of every node, as far as all their events are older than that.
    /// Returns how many blocks were removed.
    pub async fn prune_audit(&self, older_than: DateTime) -> Result<u64, StoreError> {
        let mut snapshot = self.maintenance.snapshot().await?;
        let mut anchors: Vec<Anchor> = Vec::new();
        let mut removed = 0_u64;
        let mut keeps: Option<String> = None;
        loop {
            let blocks = snapshot.blocks(TOGETHER).await?;
            if blocks.is_empty() {
                break;
            }
            for AuditBlock { node, link, last_at, .. } in blocks {
                if keeps.as_ref() == Some(&node) {
                    continue;
                }
                if last_at >= older_than {
                    keeps = Some(node);
                    continue;
                }
                removed = removed.saturating_add(1);
                anchors.retain(|anchor| anchor.node != node);
                anchors.push(self.chain.anchor(&node, &link));
            }
        }
        for anchor in anchors {
            self.maintenance.prune(anchor).await?;
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kmip_model::enumeration::Operation;
    use kmip_ports::{
        audit::{AuditEvent, AuditTrail as _},
        store::{ChangeSet, ObjectStore as _},
    };

    use super::*;
    use crate::store::tests::{Sealed, named};

    fn event(identifier: &str, at: i64, revision: Option<u64>) -> AuditEvent {
        AuditEvent {
            at: DateTime(at),
            user: "alice".to_owned(),
            operation: Operation::Create,
            identifier: Some(UniqueIdentifier::new(identifier)),
            revision: revision.map(Revision),
            reason: None,
            correlation: None,
        }
    }

    /// A store with two objects, the second of which was changed, and five blocks.
    fn store() -> Sealed {
        let sealed = Sealed::new();
        for (identifier, over, at) in [("a", 0_u64, 10), ("b", 0, 20), ("b", 1, 30)] {
            let stored =
                Stored { value: Arc::new(named(identifier, "name")), revision: Revision(over) };
            let changes = ChangeSet {
                put: vec![(UniqueIdentifier::new(identifier), stored)],
                audit: vec![event(identifier, at, Some(over.saturating_add(1)))],
                ..ChangeSet::default()
            };
            pollster::block_on(sealed.store.apply(changes)).unwrap();
        }
        for at in [40, 50] {
            pollster::block_on(sealed.store.note(vec![event("b", at, None)])).unwrap();
        }
        sealed
    }

    fn verify(sealed: &Sealed) -> Verification {
        pollster::block_on(sealed.store.verify(&mut |_| {})).unwrap()
    }

    #[test]
    fn a_store_that_nobody_touched_is_sound() {
        let sealed = store();
        let found = verify(&sealed);
        assert!(found.is_sound(), "{found:?}");
        let counts = (found.records, found.blocks, found.events, found.keys);
        assert_eq!((counts, found.under_older_keys), ((2, 5, 5, 1), 0));
    }

    #[test]
    fn a_record_that_was_changed_is_named_alone() {
        let sealed = store();
        let a = UniqueIdentifier::new("a");
        sealed.records.tamper(&a, |record, _| record.sealed.bytes[0] ^= 1);
        assert_eq!(verify(&sealed).damaged, [(a, Damage::Seal)]);
    }

    #[test]
    fn a_record_from_an_earlier_backup_is_behind_the_trail() {
        let sealed = Sealed::new();
        let b = UniqueIdentifier::new("b");
        sealed.put(named("b", "name"));
        pollster::block_on(sealed.store.note(vec![event("b", 1, Some(2))])).unwrap();
        let damage = Damage::Behind { audited: Revision(2) };
        assert_eq!(verify(&sealed).damaged, [(b, damage)]);
    }

    #[test]
    fn a_trail_that_was_cut_short_is_behind_its_records() {
        let sealed = store();
        sealed.records.tamper_with_blocks(|blocks| blocks.truncate(2));
        let found = verify(&sealed);
        assert!(found.broken.is_empty(), "what is left is a chain");
        let damage = Damage::Ahead { audited: Revision(1) };
        assert_eq!(found.damaged, [(UniqueIdentifier::new("b"), damage)]);
    }

    #[test]
    fn a_block_that_was_removed_or_changed_breaks_the_chain_there() {
        let sealed = store();
        sealed.records.tamper_with_blocks(|blocks| drop(blocks.remove(3)));
        let found = verify(&sealed).broken;
        assert!(matches!(found.as_slice(), [(_, Break::Block(link))] if link.number == 5));
        let sealed = store();
        sealed.records.tamper_with_blocks(|blocks| blocks[1].bytes[10] ^= 1);
        let found = verify(&sealed).broken;
        assert!(matches!(found.first(), Some((_, Break::Block(link))) if link.number == 2));
    }

    #[test]
    fn retention_keeps_the_chain_provable() {
        let sealed = store();
        assert_eq!(pollster::block_on(sealed.store.prune_audit(DateTime(10))), Ok(0));
        assert_eq!(pollster::block_on(sealed.store.prune_audit(DateTime(40))), Ok(3));
        let found = verify(&sealed);
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(found.blocks, 2);
        // Who removes more without the key leaves an anchor that does not hold.
        sealed.records.tamper_with_blocks(|blocks| drop(blocks.remove(0)));
        assert!(!verify(&sealed).is_sound());
    }
}
