//! Decides which of the requests that wait together are carried out, and what is then written.
//!
//! Pure: the store reads what it knows of the records concerned, every request is judged as if
//! those before it had been written, and what remains is written at once. A refused request leaves
//! no trace and refuses nobody else.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::AuditEvent,
    record::{Record, Term, TermClaim, WrappedKey},
    store::{ChangeSet, Revision, StoreError},
};

/// What somebody wants written.
#[derive(Debug)]
pub(crate) enum Request {
    /// A change set and its claims.
    Apply(ChangeSet<Record>, Vec<TermClaim>),
    /// One more wrapped data key.
    AddKey(WrappedKey),
}

/// Where a record is and which revision it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Its place in the order of first puts.
    pub(crate) seq: i64,
    /// Its revision.
    pub(crate) revision: Revision,
}

/// What the store has of everything that a batch of requests speaks of.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The records that exist.
    pub(crate) positions: HashMap<UniqueIdentifier, Position>,
    /// The live records with a claimed term, by owner and term.
    holders: HashMap<String, HashMap<Term, HashSet<UniqueIdentifier>>>,
    /// The numbers that are taken.
    pub(crate) keys: HashSet<u32>,
}

/// One record to write.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) identifier: UniqueIdentifier,
    pub(crate) position: Position,
    pub(crate) record: Arc<Record>,
    /// Says whether a row of it exists before the batch.
    pub(crate) exists: bool,
}

/// The requests accepted so far.
#[derive(Debug)]
pub(crate) struct Batch {
    known: Known,
    written: HashMap<UniqueIdentifier, usize>,
    /// Every record once, in its last value, in the order of first puts.
    pub(crate) writes: Vec<Write>,
    /// Events in order.
    pub(crate) audit: Vec<AuditEvent>,
    /// New data keys in order.
    pub(crate) keys: Vec<WrappedKey>,
    /// The place of the next new record.
    pub(crate) next_seq: i64,
}

impl Known {
    /// Prepares for the claims of a batch; only terms that somebody claims are followed.
    pub(crate) fn new<'a>(claims: impl IntoIterator<Item = &'a TermClaim>) -> Self {
        let mut known = Self::default();
        for claim in claims {
            known
                .holders
                .entry(claim.owner.clone())
                .or_default()
                .entry(claim.term.clone())
                .or_default();
        }
        known
    }

    /// Notes that a live record of `owner` has `term`; ignored if nobody claims it.
    pub(crate) fn hold(&mut self, owner: &str, term: &Term, identifier: &UniqueIdentifier) {
        if let Some(holders) = self.holders.get_mut(owner).and_then(|terms| terms.get_mut(term)) {
            holders.insert(identifier.clone());
        }
    }

    fn release(&mut self, identifier: &UniqueIdentifier) {
        for holders in self.holders.values_mut().flat_map(HashMap::values_mut) {
            holders.remove(identifier);
        }
    }

    fn holders(&self, claim: &TermClaim) -> impl Iterator<Item = &UniqueIdentifier> {
        self.holders
            .get(&claim.owner)
            .and_then(|terms| terms.get(&claim.term))
            .into_iter()
            .flatten()
    }

    fn revision(&self, identifier: &UniqueIdentifier) -> Revision {
        self.positions.get(identifier).map_or(Revision::default(), |position| position.revision)
    }
}

impl Batch {
    /// Starts with what the store has.
    pub(crate) fn new(known: Known, next_seq: i64) -> Self {
        Self {
            known,
            written: HashMap::new(),
            writes: Vec::new(),
            audit: Vec::new(),
            keys: Vec::new(),
            next_seq,
        }
    }

    /// Says whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.audit.is_empty() && self.keys.is_empty()
    }

    /// Takes the request in, or refuses it and changes nothing.
    pub(crate) fn take(&mut self, request: Request) -> Result<(), StoreError> {
        match request {
            Request::Apply(changes, claims) => self.apply(changes, &claims),
            Request::AddKey(key) => self.add_key(key),
        }
    }

    fn add_key(&mut self, key: WrappedKey) -> Result<(), StoreError> {
        if !self.known.keys.insert(key.number) {
            return Err(StoreError::Conflict);
        }
        self.keys.push(key);
        Ok(())
    }

    fn apply(
        &mut self,
        changes: ChangeSet<Record>,
        claims: &[TermClaim],
    ) -> Result<(), StoreError> {
        let moved = changes
            .expect
            .iter()
            .any(|(identifier, revision)| self.known.revision(identifier) != *revision);
        if moved {
            return Err(StoreError::Conflict);
        }
        let mut after: HashMap<&UniqueIdentifier, (Revision, &Record)> = HashMap::new();
        for (identifier, put) in &changes.put {
            let current = after
                .get(identifier)
                .map_or_else(|| self.known.revision(identifier), |(revision, _)| *revision);
            if current != put.revision {
                return Err(StoreError::Conflict);
            }
            after.insert(identifier, (current.next(), &put.value));
        }
        if let Some(claim) = claims.iter().find(|claim| self.is_taken(claim, &after)) {
            return Err(StoreError::Duplicate(claim.claim.clone()));
        }
        for (identifier, put) in changes.put {
            self.put(identifier, put.value);
        }
        self.audit.extend(changes.audit);
        Ok(())
    }

    /// Says whether somebody else has the term once the puts are done.
    fn is_taken(
        &self,
        claim: &TermClaim,
        after: &HashMap<&UniqueIdentifier, (Revision, &Record)>,
    ) -> bool {
        let untouched = self
            .known
            .holders(claim)
            .any(|holder| *holder != claim.identifier && !after.contains_key(holder));
        untouched
            || after.iter().any(|(identifier, (_, record))| {
                **identifier != claim.identifier
                    && !record.columns.destroyed
                    && record.columns.owner == claim.owner
                    && record.terms.contains(&claim.term)
            })
    }

    fn put(&mut self, identifier: UniqueIdentifier, record: Arc<Record>) {
        let before = self.known.positions.get(&identifier).copied();
        let position = if let Some(Position { seq, revision }) = before {
            self.known.release(&identifier);
            Position { seq, revision: revision.next() }
        } else {
            let seq = self.next_seq;
            self.next_seq = seq.saturating_add(1);
            Position { seq, revision: Revision::default().next() }
        };
        self.known.positions.insert(identifier.clone(), position);
        if !record.columns.destroyed {
            for term in &record.terms {
                self.known.hold(&record.columns.owner, term, &identifier);
            }
        }
        if let Some(write) =
            self.written.get(&identifier).and_then(|index| self.writes.get_mut(*index))
        {
            write.position = position;
            write.record = record;
        } else {
            self.written.insert(identifier.clone(), self.writes.len());
            self.writes.push(Write { identifier, position, record, exists: before.is_some() });
        }
    }
}
