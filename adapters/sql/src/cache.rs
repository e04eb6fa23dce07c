//! Sealed records that were read or written lately, so that a key in use costs no query.
//!
//! Only sealed bytes are kept: what is in a record is opened for each use and gone after it. A
//! SQLite database belongs to one process and one task writes it, so the cache is told of every
//! change before anybody is answered, and never holds anything older than what was acknowledged.
//! PostgreSQL has other writers: what is kept is used only if the database confirms its revision.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use kmip_model::UniqueIdentifier;
use kmip_ports::{record::Record, store::Stored};
use quick_cache::{Weighter, sync};

use crate::seals::Told;

/// How many counters of changes there are: records that share one only miss a chance to be kept.
const SLOTS: u8 = 64;

/// Takes a slot out of a hash.
const SLOT_BITS: u64 = 63;

/// What a record costs besides its bytes: keys, counters, allocations. In bytes.
const OVERHEAD: u64 = 256;

/// How large a record is expected to be, in bytes; only a guess to make room by.
const TYPICAL: u64 = 1_024;

/// Keeps records up to a number of bytes.
pub(crate) struct Cache {
    records: sync::Cache<UniqueIdentifier, Stored<Record>, Weight>,
    changes: [Mutex<u64>; SLOTS as usize],
    hasher: RandomState,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How many changes there had been when a record was about to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    slot: usize,
    changes: u64,
}

/// Weighs records by their bytes.
#[derive(Clone, Debug)]
struct Weight;

impl Weighter<UniqueIdentifier, Stored<Record>> for Weight {
    fn weight(&self, identifier: &UniqueIdentifier, stored: &Stored<Record>) -> u64 {
        let record = &stored.value;
        let columns = record.columns.owner.len().saturating_add(record.columns.policy.len());
        let bytes = record
            .terms
            .iter()
            .map(|term| term.value.len().saturating_add(size_of_val(term)))
            .fold(record.sealed.bytes.len().saturating_add(columns), usize::saturating_add);
        let bytes = bytes.saturating_add(identifier.as_str().len());
        u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
    }
}

impl Cache {
    /// Makes a cache of so many bytes; 0 keeps nothing.
    pub(crate) fn new(bytes: u64) -> Self {
        let expected = usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX);
        Self {
            records: sync::Cache::with_weighter(expected, bytes, Weight),
            changes: [const { Mutex::new(0) }; SLOTS as usize],
            hasher: RandomState::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Returns a record that is kept.
    pub(crate) fn get(&self, identifier: &UniqueIdentifier) -> Option<Stored<Record>> {
        let found = self.records.get(identifier);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Returns how many looks found something, and how many did not.
    pub(crate) fn lookups(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// Returns how many records are kept.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns how much of the room is taken, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.records.weight()
    }

    /// Says that a record is about to be read from the database.
    pub(crate) fn before_read(&self, identifier: &UniqueIdentifier) -> Before {
        let slot = self.slot(identifier);
        Before { slot, changes: self.with(slot, |changes| *changes) }
    }

    /// Keeps what was read, unless something was written since: then it may be old.
    pub(crate) fn was_read(
        &self,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
        before: Before,
    ) {
        self.with(before.slot, |changes| {
            if *changes == before.changes {
                self.records.insert(identifier.clone(), stored.clone());
            }
        });
    }

    /// Forgets everything: nobody knows what is in the database.
    pub(crate) fn clear(&self) {
        for slot in 0..usize::from(SLOTS) {
            self.with(slot, |changes| *changes = changes.wrapping_add(1));
        }
        self.records.clear();
    }

    fn slot(&self, identifier: &UniqueIdentifier) -> usize {
        let mixed = self.hasher.hash_one(identifier);
        usize::try_from(mixed & SLOT_BITS).unwrap_or_default()
    }

    fn with<T>(&self, slot: usize, work: impl FnOnce(&mut u64) -> T) -> T {
        let counter = self.changes.get(slot).expect("a slot is below the number of slots");
        work(&mut counter.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Told for Cache {
    /// Keeps what was committed. To be told before the commit is acknowledged.
    fn was_written(&self, identifier: &UniqueIdentifier, stored: Stored<Record>) {
        self.with(self.slot(identifier), |changes| {
            *changes = changes.wrapping_add(1);
            self.records.insert(identifier.clone(), stored);
        });
    }

    /// Changes what is kept of a record, if it is kept, as it was committed. To be told before the
    /// commit is acknowledged.
    fn was_amended(&self, identifier: &UniqueIdentifier, amend: impl FnOnce(&mut Record)) {
        self.with(self.slot(identifier), |changes| {
            *changes = changes.wrapping_add(1);
            if let Some(Stored { value, revision }) = self.records.get(identifier) {
                let mut record = Record::clone(&value);
                amend(&mut record);
                self.records
                    .insert(identifier.clone(), Stored { value: Arc::new(record), revision });
            }
        });
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::DateTime;
    use kmip_ports::{
        record::{Columns, Sealed, Spent},
        store::Revision,
    };

    use super::*;

    fn id(text: &str) -> UniqueIdentifier {
        UniqueIdentifier::new(text)
    }

    fn stored(revision: u64) -> Stored<Record> {
        let columns = Columns {
            owner: "alice".to_owned(),
            policy: "default".to_owned(),
            object_type: 2,
            state: None,
            next_change_at: None,
            initial_date: DateTime(1),
            algorithm: None,
            length: None,
            usage_mask: None,
            destroyed: false,
        };
        let sealed = Sealed { key: 1, bytes: vec![0; 512] };
        let record = Record { columns, terms: Vec::new(), sealed, spent: Spent::default() };
        Stored { value: Arc::new(record), revision: Revision(revision) }
    }

    fn revision(cache: &Cache, identifier: &str) -> Option<u64> {
        cache.get(&id(identifier)).map(|stored| stored.revision.0)
    }

    #[test]
    fn what_was_read_or_written_is_kept() {
        let cache = Cache::new(1 << 20);
        let before = cache.before_read(&id("a"));
        cache.was_read(&id("a"), &stored(1), before);
        assert_eq!(revision(&cache, "a"), Some(1));
        cache.was_written(&id("a"), stored(2));
        assert_eq!(revision(&cache, "a"), Some(2));
        assert_eq!(revision(&cache, "b"), None);
    }

    #[test]
    fn what_was_read_before_a_change_and_told_after_it_is_not_kept() {
        let cache = Cache::new(1 << 20);
        let before = cache.before_read(&id("a"));
        cache.was_written(&id("a"), stored(2));
        cache.was_read(&id("a"), &stored(1), before);
        assert_eq!(revision(&cache, "a"), Some(2));
        let before = cache.before_read(&id("a"));
        cache.clear();
        cache.was_read(&id("a"), &stored(1), before);
        assert_eq!(revision(&cache, "a"), None);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let cache = Cache::new(64 * 1_024);
        for number in 0..1_000 {
            cache.was_written(&id(&number.to_string()), stored(1));
        }
        assert!(cache.records.weight() <= 64 * 1_024);
        assert!(cache.records.len() > 10);
        let nothing = Cache::new(0);
        nothing.was_written(&id("a"), stored(1));
        assert_eq!(revision(&nothing, "a"), None);
    }
}
