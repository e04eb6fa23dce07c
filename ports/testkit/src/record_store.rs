//! A record store that forgets everything when it is dropped, and lets tests tamper with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kmip_model::{UniqueIdentifier, enumeration::ObjectType};
use kmip_ports::{
    audit::{Anchor, AuditBlock, AuditEvent, Durability, Link, Notary},
    maintenance::{Entry, Maintenance, Part, Resealed, Snapshot},
    record::{
        Columns, Condition, DataKeys, KeyCount, Record, RecordStore, Spent, TermClaim, TermQuery,
        WrappedKey,
    },
    store::{ChangeSet, Debit, Page, Revision, StoreError, Stored},
};

use crate::lock;

/// Keeps records in a list, oldest first.
#[derive(Default)]
pub struct MemoryRecords(Mutex<Kept>);

#[derive(Clone, Default)]
struct Kept {
    records: Vec<Entry>,
    keys: Vec<WrappedKey>,
    audit: Vec<AuditEvent>,
    blocks: Vec<AuditBlock>,
    anchors: Vec<Anchor>,
    notary: Option<Arc<dyn Notary>>,
}

impl MemoryRecords {
    /// Changes what is kept of one object behind the store's back; says whether there is such.
    pub fn tamper(
        &self,
        identifier: &UniqueIdentifier,
        change: impl FnOnce(&mut Record, &mut Revision),
    ) -> bool {
        let mut kept = lock(&self.0);
        let Some((_, stored)) = kept.records.iter_mut().find(|(have, _)| have == identifier) else {
            return false;
        };
        change(Arc::make_mut(&mut stored.value), &mut stored.revision);
        true
    }

    /// Changes what is kept of the audit trail behind the store's back.
    pub fn tamper_with_blocks(&self, change: impl FnOnce(&mut Vec<AuditBlock>)) {
        change(&mut lock(&self.0).blocks);
    }

    /// Returns the events, oldest first.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEvent> {
        lock(&self.0).audit.clone()
    }
}

impl Kept {
    fn find(&self, identifier: &UniqueIdentifier) -> Option<&Stored<Record>> {
        self.records.iter().find(|(have, _)| have == identifier).map(|(_, stored)| stored)
    }

    fn revision(&self, identifier: &UniqueIdentifier) -> Revision {
        self.find(identifier).map_or(Revision::default(), |stored| stored.revision)
    }

    fn put(&mut self, identifier: UniqueIdentifier, value: &Record) {
        let before = self.find(&identifier).map(|stored| stored.value.spent.amount);
        let spent = self.spent(&identifier, before.unwrap_or_default().max(value.spent.amount));
        let value = Arc::new(Record { spent, ..value.clone() });
        let next = Stored { value, revision: self.revision(&identifier).next() };
        match self.records.iter_mut().find(|(have, _)| *have == identifier) {
            Some((_, place)) => *place = next,
            None => self.records.push((identifier, next)),
        }
    }

    fn spent(&self, identifier: &UniqueIdentifier, amount: i64) -> Spent {
        let seal = self.notary.as_ref().filter(|_| amount != 0);
        Spent { amount, seal: seal.map(|notary| notary.spent(identifier, amount)) }
    }

    fn take_from(&mut self, debit: &Debit) -> Result<(), StoreError> {
        let identifier = &debit.identifier;
        let before = self.find(identifier).ok_or(StoreError::Conflict)?.value.spent.amount;
        let sum = before.max(debit.spent).checked_add(debit.amount);
        let sum = sum.filter(|sum| *sum <= debit.total).ok_or(StoreError::Exhausted)?;
        let spent = self.spent(identifier, sum);
        let place = self.records.iter_mut().find(|(have, _)| have == identifier);
        if let Some((_, stored)) = place {
            stored.value = Arc::new(Record { spent, ..Record::clone(&stored.value) });
        }
        Ok(())
    }

    /// Writes events as one block.
    fn chain(&mut self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let notary = self.notary.as_ref().ok_or(StoreError::Unavailable)?;
        let node = notary.node();
        let anchors = self.anchors.iter().filter(|it| it.node == node).map(|it| &it.link);
        let links = self.blocks.iter().filter(|it| it.node == node).map(|it| &it.link);
        let head = links.chain(anchors).max_by_key(|link| link.number).cloned();
        let block = notary.block(&head.unwrap_or_default(), &events);
        self.blocks.push(block);
        self.audit.extend(events);
        Ok(())
    }

    fn holds(&self, claim: &TermClaim) -> bool {
        !self.records.iter().any(|(identifier, stored)| {
            *identifier != claim.identifier
                && stored.value.columns.owner == claim.owner
                && !stored.value.columns.destroyed
                && stored.value.terms.contains(&claim.term)
        })
    }
}

fn meets(identifier: &UniqueIdentifier, record: &Record, condition: &Condition) -> bool {
    let Columns { state, next_change_at, initial_date, algorithm, length, usage_mask, .. } =
        &record.columns;
    match condition {
        Condition::Identifier(wanted) => identifier == wanted,
        Condition::Owner(wanted) => record.columns.owner == *wanted,
        Condition::ObjectType(wanted) => record.columns.object_type == *wanted,
        Condition::State { state: wanted, now } => {
            *state == Some(*wanted) || next_change_at.is_some_and(|at| at <= *now)
        }
        Condition::StoredState(wanted) => *state == Some(*wanted),
        Condition::Due(now) => next_change_at.is_some_and(|at| at <= *now),
        Condition::Algorithm(wanted) => *algorithm == Some(*wanted),
        Condition::Length(wanted) => *length == Some(*wanted),
        Condition::UsageMask(wanted) => usage_mask.is_some_and(|mask| mask & wanted == *wanted),
        Condition::InitialDate(first, last) => first <= initial_date && initial_date <= last,
        Condition::Term(term) => record.terms.contains(term),
        Condition::Destroyed(wanted) => record.columns.destroyed == *wanted,
    }
}

#[async_trait]
impl RecordStore for MemoryRecords {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError> {
        Ok(lock(&self.0).find(identifier).cloned())
    }

    async fn search(&self, query: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError> {
        let found: Vec<UniqueIdentifier> = lock(&self.0)
            .records
            .iter()
            .rev()
            .filter(|(identifier, stored)| {
                let Columns { policy, object_type, owner, .. } = &stored.value.columns;
                query.visible.includes(policy, ObjectType(*object_type), owner)
                    && query
                        .conditions
                        .iter()
                        .all(|condition| meets(identifier, &stored.value, condition))
            })
            .map(|(identifier, _)| identifier.clone())
            .collect();
        Ok(crate::page(found, query.offset, query.maximum))
    }

    async fn apply(
        &self,
        changes: ChangeSet<Record>,
        claims: Vec<TermClaim>,
    ) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        let mut after = kept.clone();
        for (identifier, revision) in &changes.expect {
            if kept.revision(identifier) != *revision {
                return Err(StoreError::Conflict);
            }
        }
        for (identifier, put) in changes.put {
            if after.revision(&identifier) != put.revision {
                return Err(StoreError::Conflict);
            }
            after.put(identifier, &put.value);
        }
        if let Some(taken) = claims.iter().find(|claim| !after.holds(claim)) {
            return Err(StoreError::Duplicate(taken.claim.clone()));
        }
        for debit in &changes.debits {
            after.take_from(debit)?;
        }
        after.chain(changes.audit)?;
        *kept = after;
        Ok(())
    }

    async fn note(&self, events: Vec<AuditEvent>, _: Durability) -> Result<(), StoreError> {
        lock(&self.0).chain(events)
    }

    async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError> {
        lock(&self.0).notary = Some(notary);
        Ok(())
    }
}

#[async_trait]
impl DataKeys for MemoryRecords {
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(lock(&self.0).keys.clone())
    }

    async fn add_key(&self, key: WrappedKey) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        if kept.keys.iter().any(|have| have.number == key.number) {
            return Err(StoreError::Conflict);
        }
        kept.keys.push(key);
        Ok(())
    }

    async fn replace_keys(
        &self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        let same =
            kept.keys.len() == before.len() && kept.keys.iter().all(|it| before.contains(it));
        if !same {
            return Err(StoreError::Conflict);
        }
        let left_out = |have: &WrappedKey| !after.iter().any(|key| key.number == have.number);
        if kept.keys.iter().any(left_out) {
            return Err(StoreError::Conflict);
        }
        for key in after {
            match kept.keys.iter_mut().find(|have| have.number == key.number) {
                Some(have) => *have = key,
                None => kept.keys.push(key),
            }
        }
        Ok(())
    }

    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError> {
        let mut counts = BTreeMap::new();
        for (_, stored) in &lock(&self.0).records {
            let count: &mut u64 = counts.entry(stored.value.sealed.key).or_default();
            *count = count.saturating_add(1);
        }
        Ok(counts.into_iter().collect())
    }
}

/// What was there when it was made, from the next part on.
struct Remembered(Kept);

fn first<T>(list: &mut Vec<T>, limit: u32) -> Vec<T> {
    let count = usize::try_from(limit).unwrap_or(usize::MAX).min(list.len());
    list.drain(..count).collect()
}

#[async_trait]
impl Snapshot for Remembered {
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        Ok(first(&mut self.0.records, limit))
    }

    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError> {
        Ok(first(&mut self.0.blocks, limit))
    }

    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError> {
        Ok(self.0.anchors.clone())
    }

    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(self.0.keys.clone())
    }
}

#[async_trait]
impl Maintenance for MemoryRecords {
    async fn list(
        &self,
        conditions: &[Condition],
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let kept = lock(&self.0);
        let all = |(identifier, stored): &&Entry| {
            conditions.iter().all(|condition| meets(identifier, &stored.value, condition))
        };
        let newest = kept.records.iter().rev().filter(all);
        let found = newest.map(|(identifier, _)| identifier.clone()).collect();
        Ok(crate::page(found, 0, maximum))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let mut kept = lock(&self.0).clone();
        let place = |block: &AuditBlock| (block.node.clone(), block.link.number);
        kept.blocks.sort_by_key(place);
        Ok(Box::new(Remembered(kept)))
    }

    async fn reseal(&self, records: Vec<Resealed>) -> Result<u64, StoreError> {
        let mut kept = lock(&self.0);
        let mut count = 0_u64;
        for Resealed { identifier, revision, sealed, state, next_change_at } in records {
            let place = kept.records.iter_mut().find(|(have, _)| *have == identifier);
            if let Some((_, stored)) = place.filter(|(_, stored)| stored.revision == revision) {
                let mut record = Record { sealed, ..Record::clone(&stored.value) };
                record.columns.state = state;
                record.columns.next_change_at = next_change_at;
                stored.value = Arc::new(record);
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    async fn prune(&self, anchor: Anchor) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        let Anchor { node, link: Link { number, .. }, .. } = &anchor;
        kept.blocks.retain(|block| block.node != *node || block.link.number > *number);
        kept.anchors.retain(|have| have.node != *node);
        kept.anchors.push(anchor);
        kept.anchors.sort_by(|left, right| left.node.cmp(&right.node));
        Ok(())
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        match part {
            Part::Records(entries) => {
                if entries.iter().any(|(identifier, _)| kept.find(identifier).is_some()) {
                    return Err(StoreError::Conflict);
                }
                for (identifier, stored) in entries {
                    let spent = kept.spent(&identifier, stored.value.spent.amount);
                    let value = Arc::new(Record { spent, ..Record::clone(&stored.value) });
                    kept.records.push((identifier, Stored { value, ..stored }));
                }
            }
            Part::Blocks(blocks) => kept.blocks.extend(blocks),
            Part::Anchors(anchors) => kept.anchors.extend(anchors),
            Part::Keys(keys) => {
                let taken = |key: &WrappedKey| kept.keys.iter().any(|it| it.number == key.number);
                if keys.iter().any(taken) {
                    return Err(StoreError::Conflict);
                }
                kept.keys.extend(keys);
            }
        }
        Ok(())
    }
}
