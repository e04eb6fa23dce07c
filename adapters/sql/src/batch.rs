//! Decides which of the requests that wait together are carried out, and what is then written.
//!
//! Pure: the store reads what it knows of the records concerned, every request is judged as if
//! those before it had been written, and what remains is written at once. A refused request leaves
//! no trace and refuses nobody else.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    sync::Arc,
};

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::{Anchor, AuditBlock, AuditEvent},
    maintenance::{Part, Resealed},
    record::{Record, Spent, Term, TermClaim, WrappedKey},
    store::{ChangeSet, Debit, Revision, StoreError, Stored},
};

/// What somebody wants written.
#[derive(Debug)]
pub(crate) enum Request {
    /// A change set and its claims.
    Apply(ChangeSet<Record>, Vec<TermClaim>),
    /// Events that belong to no change.
    Note(Vec<AuditEvent>),
    /// One more wrapped data key.
    AddKey(WrappedKey),
    /// Wrapped data keys in place of those of the same numbers.
    ReplaceKeys {
        /// All keys as they are.
        before: Vec<WrappedKey>,
        /// All keys as they are to be.
        after: Vec<WrappedKey>,
    },
    /// Sealed bytes in place of those of the same revisions.
    Reseal(Vec<Resealed>),
    /// A chain that begins later.
    Prune(Anchor),
    /// A part of another store.
    Restore(Part),
}

impl Request {
    /// Says whether it speaks of data keys.
    pub(crate) const fn concerns_keys(&self) -> bool {
        matches!(self, Self::AddKey(_) | Self::ReplaceKeys { .. } | Self::Restore(Part::Keys(_)))
    }

    /// Returns the same again, for a store that may have to try twice.
    #[cfg(feature = "postgres")]
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Apply(ChangeSet { expect, put, claims, debits, audit }, claimed) => {
                let changes = ChangeSet {
                    expect: expect.clone(),
                    put: put.clone(),
                    claims: claims.clone(),
                    debits: debits.clone(),
                    audit: audit.clone(),
                };
                Self::Apply(changes, claimed.clone())
            }
            Self::Note(events) => Self::Note(events.clone()),
            Self::AddKey(key) => Self::AddKey(key.clone()),
            Self::ReplaceKeys { before, after } => {
                Self::ReplaceKeys { before: before.clone(), after: after.clone() }
            }
            Self::Reseal(records) => Self::Reseal(records.clone()),
            Self::Prune(anchor) => Self::Prune(anchor.clone()),
            Self::Restore(part) => Self::Restore(part.clone()),
        }
    }
}

/// What came of a request: how many it concerned, where that is asked for.
pub(crate) type Verdict = Result<u64, StoreError>;

/// Where a record is, which revision it has, and what has been taken from its usage limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Its place in the order of first puts.
    pub(crate) seq: i64,
    /// Its revision.
    pub(crate) revision: Revision,
    /// The sum of what was taken.
    pub(crate) spent: i64,
}

/// What the store has of everything that a batch of requests speaks of.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The records that exist.
    pub(crate) positions: HashMap<UniqueIdentifier, Position>,
    /// The live records with a claimed term, by owner and term.
    holders: HashMap<String, HashMap<Term, HashSet<UniqueIdentifier>>>,
    /// All wrapped data keys by number, if a request speaks of some.
    pub(crate) keys: BTreeMap<u32, Vec<u8>>,
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
    /// Sums of records of which nothing else is written, by place.
    pub(crate) spends: BTreeMap<i64, (UniqueIdentifier, i64)>,
    /// Sealed bytes of records of which nothing else is written, by place.
    pub(crate) resealed: BTreeMap<i64, Resealed>,
    /// New data keys in order.
    pub(crate) keys: Vec<WrappedKey>,
    /// Data keys in another wrapping.
    pub(crate) rewrapped: Vec<WrappedKey>,
    /// Where chains begin from now on.
    pub(crate) anchors: Vec<Anchor>,
    /// Blocks of another store.
    pub(crate) blocks: Vec<AuditBlock>,
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
            spends: BTreeMap::new(),
            resealed: BTreeMap::new(),
            keys: Vec::new(),
            rewrapped: Vec::new(),
            anchors: Vec::new(),
            blocks: Vec::new(),
            next_seq,
        }
    }

    /// Says whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
            && self.audit.is_empty()
            && self.spends.is_empty()
            && self.resealed.is_empty()
            && self.keys.is_empty()
            && self.rewrapped.is_empty()
            && self.anchors.is_empty()
            && self.blocks.is_empty()
    }

    /// Says whether something of it has to be sealed by a notary.
    pub(crate) fn wants_notary(&self) -> bool {
        !self.audit.is_empty()
            || !self.spends.is_empty()
            || self.writes.iter().any(|write| write.position.spent != 0)
    }

    /// Takes the request in, or refuses it and changes nothing.
    pub(crate) fn take(&mut self, request: Request) -> Verdict {
        match request {
            Request::Apply(changes, claims) => self.apply(changes, &claims).map(|()| 0),
            Request::Note(events) => {
                self.audit.extend(events);
                Ok(0)
            }
            Request::AddKey(key) => self.add_key(key).map(|()| 0),
            Request::ReplaceKeys { before, after } => self.replace_keys(&before, after).map(|()| 0),
            Request::Reseal(records) => Ok(self.reseal(records)),
            Request::Prune(anchor) => {
                self.anchors.push(anchor);
                Ok(0)
            }
            Request::Restore(part) => self.restore(part).map(|()| 0),
        }
    }

    fn reseal(&mut self, records: Vec<Resealed>) -> u64 {
        let mut count = 0_u64;
        for resealed in records {
            let position = self.known.positions.get(&resealed.identifier);
            if let Some(position) = position.filter(|it| it.revision == resealed.revision)
                && !self.written.contains_key(&resealed.identifier)
            {
                count = count.saturating_add(1);
                self.resealed.insert(position.seq, resealed);
            }
        }
        count
    }

    fn restore(&mut self, part: Part) -> Result<(), StoreError> {
        match part {
            Part::Records(entries) => {
                let there = |(identifier, _): &(UniqueIdentifier, Stored<Record>)| {
                    self.known.positions.contains_key(identifier)
                };
                if entries.iter().any(there) {
                    return Err(StoreError::Conflict);
                }
                for (identifier, Stored { value, revision }) in entries {
                    let spent = value.spent.amount;
                    let position = Position { seq: self.next_seq, revision, spent };
                    self.next_seq = self.next_seq.saturating_add(1);
                    self.known.positions.insert(identifier.clone(), position);
                    self.write(identifier, position, value, false);
                }
            }
            Part::Blocks(blocks) => self.blocks.extend(blocks),
            Part::Anchors(anchors) => self.anchors.extend(anchors),
            Part::Keys(keys) => {
                for key in keys {
                    self.add_key(key)?;
                }
            }
        }
        Ok(())
    }

    fn add_key(&mut self, key: WrappedKey) -> Result<(), StoreError> {
        match self.known.keys.entry(key.number) {
            Entry::Occupied(_) => return Err(StoreError::Conflict),
            Entry::Vacant(place) => place.insert(key.wrapped.clone()),
        };
        self.keys.push(key);
        Ok(())
    }

    fn replace_keys(
        &mut self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError> {
        let keys = &self.known.keys;
        let is_kept = |key: &WrappedKey| keys.get(&key.number) == Some(&key.wrapped);
        let same = keys.len() == before.len() && before.iter().all(is_kept);
        let left_out = |kept: &WrappedKey| !after.iter().any(|key| key.number == kept.number);
        if !same || before.iter().any(left_out) {
            return Err(StoreError::Conflict);
        }
        for key in after {
            if self.known.keys.insert(key.number, key.wrapped.clone()).is_some() {
                self.rewrapped.push(key);
            } else {
                self.keys.push(key);
            }
        }
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
        let spends = self.spends_of(&changes.debits, &after)?;
        for (identifier, put) in changes.put {
            self.put(identifier, put.value);
        }
        for (identifier, spent) in spends {
            self.spend(identifier, spent);
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

    /// Adds up what is taken; `Exhausted` if that is more than there is.
    fn spends_of(
        &self,
        debits: &[Debit],
        after: &HashMap<&UniqueIdentifier, (Revision, &Record)>,
    ) -> Result<BTreeMap<UniqueIdentifier, i64>, StoreError> {
        let mut sums: BTreeMap<UniqueIdentifier, i64> = BTreeMap::new();
        for debit in debits {
            let known = self.known.positions.get(&debit.identifier);
            if known.is_none() && !after.contains_key(&debit.identifier) {
                return Err(StoreError::Conflict);
            }
            let before = sums
                .get(&debit.identifier)
                .copied()
                .or(known.map(|position| position.spent))
                .unwrap_or_default()
                .max(debit.spent);
            let sum = before.checked_add(debit.amount).filter(|sum| *sum <= debit.total);
            sums.insert(debit.identifier.clone(), sum.ok_or(StoreError::Exhausted)?);
        }
        Ok(sums)
    }

    fn spend(&mut self, identifier: UniqueIdentifier, spent: i64) {
        let Some(position) = self.known.positions.get_mut(&identifier) else {
            return;
        };
        position.spent = position.spent.max(spent);
        let position = *position;
        let write = self.written.get(&identifier).and_then(|index| self.writes.get_mut(*index));
        if let Some(write) = write {
            write.position.spent = position.spent;
        } else {
            self.spends.insert(position.seq, (identifier, position.spent));
        }
    }

    fn put(&mut self, identifier: UniqueIdentifier, record: Arc<Record>) {
        let before = self.known.positions.get(&identifier).copied();
        let position = if let Some(Position { seq, revision, spent }) = before {
            self.known.release(&identifier);
            // A record that is written whole needs nothing besides.
            self.spends.remove(&seq);
            self.resealed.remove(&seq);
            Position { seq, revision: revision.next(), spent: spent.max(record.spent.amount) }
        } else {
            let seq = self.next_seq;
            self.next_seq = seq.saturating_add(1);
            Position { seq, revision: Revision::default().next(), spent: record.spent.amount }
        };
        self.known.positions.insert(identifier.clone(), position);
        if !record.columns.destroyed {
            for term in &record.terms {
                self.known.hold(&record.columns.owner, term, &identifier);
            }
        }
        self.write(identifier, position, record, before.is_some());
    }

    fn write(
        &mut self,
        identifier: UniqueIdentifier,
        position: Position,
        record: Arc<Record>,
        exists: bool,
    ) {
        if let Some(write) =
            self.written.get(&identifier).and_then(|index| self.writes.get_mut(*index))
        {
            write.position = position;
            write.record = record;
        } else {
            self.written.insert(identifier.clone(), self.writes.len());
            self.writes.push(Write { identifier, position, record, exists });
        }
    }
}

impl Write {
    /// The record as it is stored, with the sum that was counted and its seal.
    pub(crate) fn stored(self, spent: Spent) -> Stored<Record> {
        let value = if self.record.spent == spent {
            self.record
        } else {
            Arc::new(Record { spent, ..Record::clone(&self.record) })
        };
        Stored { value, revision: self.position.revision }
    }
}
