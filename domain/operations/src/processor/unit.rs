//! One unit of work: what was read, what is to be written, applied in one go.

use std::{collections::BTreeMap, sync::Arc};

use kmip_model::{ManagedObject, UniqueIdentifier};
use kmip_ports::{
    audit::AuditEvent,
    store::{ChangeSet, Claim, Debit, Revision, Stored},
};

use super::streams::{CorrelationValue, Stream, StreamChange};

/// Revisions read and values written, in the order of the first write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    seen: BTreeMap<UniqueIdentifier, Revision>,
    written: Vec<(UniqueIdentifier, Stored<ManagedObject>)>,
    claims: Vec<Claim>,
    debits: Vec<Debit>,
    audit: Vec<AuditEvent>,
    streams: Vec<StreamChange>,
}

impl Unit {
    /// Remembers that a revision was read.
    pub(crate) fn saw(&mut self, identifier: &UniqueIdentifier, revision: Revision) {
        self.seen.entry(identifier.clone()).or_insert(revision);
    }

    /// Returns what this unit has written for an object.
    pub(crate) fn pending(&self, identifier: &UniqueIdentifier) -> Option<&Stored<ManagedObject>> {
        self.written.iter().find(|(id, _)| id == identifier).map(|(_, stored)| stored)
    }

    /// Lists what this unit has written.
    pub(crate) fn written(&self) -> &[(UniqueIdentifier, Stored<ManagedObject>)] {
        &self.written
    }

    /// Writes an object that replaces the given revision.
    pub(crate) fn write(&mut self, object: ManagedObject, replaces: Revision) {
        let identifier = object.identifier().clone();
        let stored = Stored { value: Arc::new(object), revision: replaces };
        match self.written.iter_mut().find(|(id, _)| *id == identifier) {
            Some((_, pending)) => pending.value = stored.value,
            None => self.written.push((identifier, stored)),
        }
    }

    /// Asks for uniqueness.
    pub(crate) fn claim(&mut self, claim: Claim) {
        self.claims.push(claim);
    }

    /// Takes from Usage Limits.
    pub(crate) fn take(&mut self, debit: Debit) {
        self.debits.push(debit);
    }

    /// Returns what has been taken from the Usage Limits of an object, if this unit takes of it.
    pub(crate) fn spent(&self, identifier: &UniqueIdentifier) -> Option<i64> {
        let of_object = self.debits.iter().filter(|debit| debit.identifier == *identifier);
        of_object.map(|debit| debit.spent.saturating_add(debit.amount)).max()
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, event: AuditEvent) {
        self.audit.push(event);
    }

    /// Says whether something is noted that is written with the changes.
    pub(crate) fn has_events(&self) -> bool {
        !self.audit.is_empty()
    }

    /// Says whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.debits.is_empty()
    }

    /// Returns what this unit has made of a multi-part operation.
    pub(crate) fn stream_change(&self, correlation_value: &[u8]) -> Option<&StreamChange> {
        self.streams.iter().find(|change| change.correlation_value == correlation_value)
    }

    /// Continues a multi-part operation, or ends it.
    pub(crate) fn change_stream(
        &mut self,
        correlation_value: CorrelationValue,
        read: u64,
        after: Option<Stream>,
    ) {
        let same = |change: &&mut StreamChange| change.correlation_value == correlation_value;
        match self.streams.iter_mut().find(same) {
            Some(change) => change.after = after,
            None => self.streams.push(StreamChange { correlation_value, read, after }),
        }
    }

    /// Takes out what becomes of the multi-part operations.
    pub(crate) fn take_streams(&mut self) -> Vec<StreamChange> {
        std::mem::take(&mut self.streams)
    }

    /// Turns the unit into what the store applies.
    pub(crate) fn into_changes(self) -> ChangeSet {
        let Self { seen, written, claims, debits, audit, streams: _ } = self;
        let expect = seen
            .into_iter()
            .filter(|(identifier, _)| written.iter().all(|(id, _)| id != identifier))
            .collect();
        ChangeSet { expect, put: written, claims, debits, audit }
    }
}
