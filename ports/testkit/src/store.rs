//! An object store that forgets everything when it is dropped.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier, locate::Locate, object::ManagedObject, policy::Visibility,
};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail},
    inventory::{Inventory, Selection},
    store::{ChangeSet, Claim, Debit, ObjectStore, Page, Revision, StoreError, Stored},
};

use crate::lock;

/// Keeps objects in a list, oldest first.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

#[derive(Clone, Debug, Default)]
struct Kept {
    objects: Vec<Stored<ManagedObject>>,
    audit: Vec<AuditEvent>,
    notes: Vec<AuditEvent>,
    claims: Vec<Claim>,
    faults: VecDeque<StoreError>,
    note_fault: Option<StoreError>,
}

impl MemoryStore {
    /// Puts an object beside or in place of what is there, without any check.
    pub fn insert(&self, object: ManagedObject) {
        lock(&self.0).put(Arc::new(object));
    }

    /// Returns one object as it was put.
    #[must_use]
    pub fn object(&self, identifier: &UniqueIdentifier) -> Option<Arc<ManagedObject>> {
        lock(&self.0).find(identifier).map(|stored| Arc::clone(&stored.value))
    }

    /// Returns every object as it was put, oldest first.
    #[must_use]
    pub fn objects(&self) -> Vec<Arc<ManagedObject>> {
        lock(&self.0).objects.iter().map(|stored| Arc::clone(&stored.value)).collect()
    }

    /// Returns the audit trail, oldest first.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEvent> {
        lock(&self.0).audit.clone()
    }

    /// Returns the events that belong to no change, oldest first.
    #[must_use]
    pub fn notes(&self) -> Vec<AuditEvent> {
        lock(&self.0).notes.clone()
    }

    /// Returns every claim that held, oldest first.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        lock(&self.0).claims.clone()
    }

    /// Makes the next events that belong to no change fail with `error`.
    pub fn fail_note(&self, error: &StoreError) {
        lock(&self.0).note_fault = Some(error.clone());
    }

    /// Makes the next `times` calls of `apply` fail with `error` and change nothing.
    pub fn fail_next(&self, times: usize, error: &StoreError) {
        lock(&self.0).faults.extend(std::iter::repeat_n(error.clone(), times));
    }
}

impl Kept {
    fn find(&self, identifier: &UniqueIdentifier) -> Option<&Stored<ManagedObject>> {
        self.objects.iter().find(|stored| stored.value.identifier() == identifier)
    }

    fn revision(&self, identifier: &UniqueIdentifier) -> Revision {
        self.find(identifier).map_or(Revision::default(), |stored| stored.revision)
    }

    fn put(&mut self, value: Arc<ManagedObject>) {
        let revision = self.revision(value.identifier()).next();
        let spent = self.find(value.identifier()).map_or(0, |stored| stored.value.spent());
        let value = if value.spent() < spent {
            Arc::new(ManagedObject::clone(&value).having_spent(spent))
        } else {
            value
        };
        let next = Stored { value, revision };
        let place =
            self.objects.iter_mut().find(|have| have.value.identifier() == next.value.identifier());
        match place {
            Some(place) => *place = next,
            None => self.objects.push(next),
        }
    }

    fn take_from(&mut self, debit: &Debit) -> Result<(), StoreError> {
        let mut objects = self.objects.iter_mut();
        let place = objects.find(|have| *have.value.identifier() == debit.identifier);
        let place = place.ok_or(StoreError::Conflict)?;
        let sum = place.value.spent().max(debit.spent).checked_add(debit.amount);
        let sum = sum.filter(|sum| *sum <= debit.total).ok_or(StoreError::Exhausted)?;
        place.value = Arc::new(ManagedObject::clone(&place.value).having_spent(sum));
        Ok(())
    }

    fn holds(&self, claim: &Claim) -> bool {
        let Claim::Name { owner, name, identifier } = claim;
        !self.objects.iter().map(|stored| &stored.value).any(|object| {
            object.identifier() != identifier
                && object.owner() == owner
                && !object.is_destroyed()
                && has_name(object, name)
        })
    }
}

fn has_name(object: &ManagedObject, name: &str) -> bool {
    object.attributes().iter().any(|instance| {
        matches!(&instance.attribute, kmip_model::attribute::Attribute::Name(have) if have.name_value == name)
    })
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<ManagedObject>>, StoreError> {
        Ok(lock(&self.0).find(identifier).cloned())
    }

    async fn locate(
        &self,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let kept = lock(&self.0);
        let found: Vec<UniqueIdentifier> = kept
            .objects
            .iter()
            .rev()
            .map(|stored| stored.value.as_ref().clone().at(now))
            .filter(|object| {
                let policy = object.operation_policy_name();
                visible.includes(policy, object.object_type(), object.owner())
                    && query.matches(object)
            })
            .map(|object| object.identifier().clone())
            .collect();
        Ok(crate::page(found, query.offset, query.maximum))
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        if let Some(fault) = kept.faults.pop_front() {
            return Err(fault);
        }
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
            after.put(put.value);
        }
        if let Some(claim) = changes.claims.iter().find(|claim| !after.holds(claim)) {
            return Err(StoreError::Duplicate(claim.clone()));
        }
        for debit in &changes.debits {
            after.take_from(debit)?;
        }
        after.claims.extend(changes.claims);
        after.audit.extend(changes.audit);
        *kept = after;
        Ok(())
    }
}

#[async_trait]
impl Inventory for MemoryStore {
    async fn inventory(
        &self,
        selection: &Selection,
        now: DateTime,
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let Selection { owner, object_type, state, name } = selection;
        let kept = lock(&self.0);
        let found: Vec<UniqueIdentifier> = kept
            .objects
            .iter()
            .rev()
            .map(|stored| stored.value.as_ref().clone().at(now))
            .filter(|object| {
                owner.as_ref().is_none_or(|owner| owner == object.owner())
                    && object_type.is_none_or(|wanted| wanted == object.object_type())
                    && state.is_none_or(|wanted| object.state() == Some(wanted))
                    && name.as_ref().is_none_or(|name| has_name(object, name))
            })
            .map(|object| object.identifier().clone())
            .collect();
        Ok(crate::page(found, 0, maximum))
    }
}

#[async_trait]
impl AuditTrail for MemoryStore {
    async fn note(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        let mut kept = lock(&self.0);
        if let Some(fault) = kept.note_fault.take() {
            return Err(fault);
        }
        kept.notes.extend(events);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{inventory, object_store};

    #[test]
    fn lists_as_promised() {
        pollster::block_on(inventory::every_promise(async || Arc::new(MemoryStore::default())));
    }

    #[test]
    fn keeps_every_promise() {
        pollster::block_on(object_store::every_promise(async || MemoryStore::default()));
    }

    #[test]
    fn a_fault_happens_as_often_as_asked_and_changes_nothing() {
        let store = MemoryStore::default();
        store.fail_next(2, &StoreError::Unavailable);
        let apply = || pollster::block_on(store.apply(ChangeSet::default()));
        assert_eq!(apply(), Err(StoreError::Unavailable));
        assert_eq!(apply(), Err(StoreError::Unavailable));
        assert_eq!(apply(), Ok(()));
    }
}
