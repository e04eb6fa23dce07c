//! A record store that forgets everything when it is dropped, and lets tests tamper with it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kmip_model::{UniqueIdentifier, enumeration::ObjectType};
use kmip_ports::{
    audit::AuditEvent,
    record::{Columns, Condition, Record, RecordStore, TermClaim, TermQuery, WrappedKey},
    store::{ChangeSet, Page, Revision, StoreError, Stored},
};

use crate::lock;

/// Keeps records in a list, oldest first.
#[derive(Debug, Default)]
pub struct MemoryRecords(Mutex<Kept>);

#[derive(Clone, Debug, Default)]
struct Kept {
    records: Vec<(UniqueIdentifier, Stored<Record>)>,
    keys: Vec<WrappedKey>,
    audit: Vec<AuditEvent>,
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

    /// Returns the audit trail, oldest first.
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

    fn put(&mut self, identifier: UniqueIdentifier, value: Arc<Record>) {
        let next = Stored { value, revision: self.revision(&identifier).next() };
        match self.records.iter_mut().find(|(have, _)| *have == identifier) {
            Some((_, place)) => *place = next,
            None => self.records.push((identifier, next)),
        }
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
        Condition::ObjectType(wanted) => record.columns.object_type == *wanted,
        Condition::State { state: wanted, now } => {
            *state == Some(*wanted) || next_change_at.is_some_and(|at| at <= *now)
        }
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
            after.put(identifier, put.value);
        }
        if let Some(taken) = claims.iter().find(|claim| !after.holds(claim)) {
            return Err(StoreError::Duplicate(taken.claim.clone()));
        }
        after.audit.extend(changes.audit);
        *kept = after;
        Ok(())
    }

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
}
