//! Changes of the root key that end anywhere, and what is there afterwards.

use std::sync::atomic::AtomicU32;

use async_trait::async_trait;
use kmip_model::ManagedObject;
use kmip_ports::{
    audit::{Anchor, AuditEvent, Durability, Notary},
    maintenance::{Maintenance, Part, Snapshot},
    record::{Condition, DataKeys, KeyCount, RecordStore, TermClaim, TermQuery},
    root_key::RootKeyError,
    store::{ChangeSet, ObjectStore as _, Page, Revision},
};
use kmip_testkit::{FixedRootKey, HashCipher, MemoryRecords, RememberedObjects};

use super::*;
use crate::{
    keyring::WhenEmpty,
    store::{AuditReads, Backing, Opening, tests::named},
};

const OBJECTS: u32 = 600;

/// Whether the write that fails is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Write,
    Answer,
}

/// A database that goes away at the write of that number, and stays away.
struct Interrupted {
    below: Arc<MemoryRecords>,
    left: AtomicU32,
    lost: Lost,
    /// How often everything was to be read.
    snapshots: AtomicU32,
}

impl Interrupted {
    fn after(below: &Arc<MemoryRecords>, writes: u32, lost: Lost) -> Arc<Self> {
        let (left, snapshots) = (AtomicU32::new(writes), AtomicU32::new(0));
        Arc::new(Self { below: Arc::clone(below), left, lost, snapshots })
    }

    async fn write<T>(
        &self,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.left.load(Ordering::Relaxed) {
            0 => Err(StoreError::Unavailable),
            left => {
                self.left.store(left.saturating_sub(1), Ordering::Relaxed);
                if left > 1 {
                    return write.await;
                }
                if self.lost == Lost::Answer {
                    write.await?;
                }
                Err(StoreError::Unavailable)
            }
        }
    }
}

#[async_trait]
impl RecordStore for Interrupted {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, StoreError> {
        RecordStore::load(&*self.below, identifier).await
    }

    async fn search(&self, query: &TermQuery) -> Result<Page<UniqueIdentifier>, StoreError> {
        self.below.search(query).await
    }

    async fn apply(
        &self,
        changes: ChangeSet<Record>,
        claims: Vec<TermClaim>,
    ) -> Result<(), StoreError> {
        RecordStore::apply(&*self.below, changes, claims).await
    }

    async fn note(&self, events: Vec<AuditEvent>, how: Durability) -> Result<(), StoreError> {
        self.below.note(events, how).await
    }

    async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError> {
        self.below.begin(notary).await
    }
}

#[async_trait]
impl DataKeys for Interrupted {
    async fn load_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.below.load_keys().await
    }

    async fn add_key(&self, key: WrappedKey) -> Result<(), StoreError> {
        self.write(self.below.add_key(key)).await
    }

    async fn replace_keys(
        &self,
        before: &[WrappedKey],
        after: Vec<WrappedKey>,
    ) -> Result<(), StoreError> {
        self.write(self.below.replace_keys(before, after)).await
    }

    async fn count_records(&self) -> Result<Vec<KeyCount>, StoreError> {
        self.below.count_records().await
    }
}

#[async_trait]
impl Maintenance for Interrupted {
    async fn list(
        &self,
        conditions: &[Condition],
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        self.below.list(conditions, maximum).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
        self.below.snapshot().await
    }

    async fn reseal(&self, records: Vec<Resealed>) -> Result<u64, StoreError> {
        self.write(self.below.reseal(records)).await
    }

    async fn prune(&self, anchor: Anchor) -> Result<(), StoreError> {
        self.below.prune(anchor).await
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        self.below.restore(part).await
    }
}

/// Two root keys of which one is the right one.
struct Either(FixedRootKey, FixedRootKey);

#[async_trait]
impl RootKey for Either {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        self.0.wrap(context, data_key).await
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        match self.0.unwrap(context, wrapped).await {
            Err(RootKeyError::WrongKey) => self.1.unwrap(context, wrapped).await,
            opened => opened,
        }
    }
}

/// A root key that opens nothing, not even its own.
struct Forgetful;

#[async_trait]
impl RootKey for Forgetful {
    async fn wrap(&self, _: &[u8], _: &Material) -> Result<Vec<u8>, RootKeyError> {
        Ok(vec![0])
    }

    async fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<Material, RootKeyError> {
        Err(RootKeyError::WrongKey)
    }
}

/// A root key before whose first use another server changes the root key.
struct TooLate {
    other: SealedStore,
    begun: AtomicBool,
    key: FixedRootKey,
}

#[async_trait]
impl RootKey for TooLate {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        if !self.begun.swap(true, Ordering::Relaxed) {
            assert_eq!(self.other.change_root_key(root(3)).await, Ok(2));
        }
        self.key.wrap(context, data_key).await
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        self.key.unwrap(context, wrapped).await
    }
}

fn root(number: u64) -> Arc<dyn RootKey> {
    Arc::new(FixedRootKey::new(number))
}

/// What stays when a server ends: the database, and what the fake encoding needs to remember.
#[derive(Default)]
struct Disk {
    records: Arc<MemoryRecords>,
    encoding: Arc<RememberedObjects>,
    cipher: Arc<HashCipher>,
}

impl Disk {
    fn with_objects(count: u32) -> Self {
        let disk = Self::default();
        let store = disk.open(root(1)).unwrap();
        for number in 0..count {
            put(&store, &object(number), 0);
        }
        disk
    }

    fn open(&self, root_key: Arc<dyn RootKey>) -> Result<SealedStore, SealedError> {
        self.open_over(Backing::of(&self.records), root_key)
    }

    fn open_over(
        &self,
        backing: Backing,
        root_key: Arc<dyn RootKey>,
    ) -> Result<SealedStore, SealedError> {
        let opening = Opening {
            when_empty: WhenEmpty::Create,
            node: "here".to_owned(),
            audit_reads: AuditReads::Queued,
        };
        let (cipher, encoding) = (Arc::clone(&self.cipher), Arc::clone(&self.encoding));
        pollster::block_on(SealedStore::open(backing, cipher, root_key, encoding, opening))
    }
}

fn object(number: u32) -> ManagedObject {
    named(&number.to_string(), "name")
}

fn put(store: &SealedStore, object: &ManagedObject, over: u64) {
    let stored = Stored { value: Arc::new(object.clone()), revision: Revision(over) };
    let changes =
        ChangeSet { put: vec![(object.identifier().clone(), stored)], ..ChangeSet::default() };
    pollster::block_on(store.apply(changes)).unwrap();
}

fn read(store: &SealedStore, number: u32) -> Result<ManagedObject, StoreError> {
    let identifier = UniqueIdentifier::new(number.to_string());
    let stored = pollster::block_on(store.load(&identifier))?;
    Ok(stored.unwrap().value.as_ref().clone())
}

fn assert_all_readable(store: &SealedStore, count: u32) {
    for number in 0..count {
        assert_eq!(read(store, number), Ok(object(number)));
    }
}

fn seal_anew(store: &SealedStore) -> Result<SealedAnew, StoreError> {
    pollster::block_on(store.seal_anew(&mut |_| {}))
}

fn inspect(store: &SealedStore) -> KeyRing {
    pollster::block_on(store.inspect_keys()).unwrap()
}

/// The numbers of the data keys with how many records are under each.
fn uses(store: &SealedStore) -> Vec<(u32, u64)> {
    inspect(store).keys.iter().map(|key| (key.number, key.records)).collect()
}

#[test]
fn another_root_key_opens_everything_and_the_old_one_nothing() {
    let disk = Disk::with_objects(OBJECTS);
    let store = disk.open(root(1)).unwrap();
    let terms = pollster::block_on(RecordStore::load(&*disk.records, object(1).identifier()));
    assert_eq!(pollster::block_on(store.change_root_key(root(2))), Ok(2));
    assert_eq!(uses(&store), [(1, u64::from(OBJECTS)), (2, 0)]);
    // What is written from now on is under the new data key.
    put(&store, &object(0), 1);
    assert_eq!(uses(&store), [(1, u64::from(OBJECTS) - 1), (2, 1)]);
    let anew = seal_anew(&store).unwrap();
    assert_eq!((anew.sealed, anew.left), (u64::from(OBJECTS) - 1, 0));
    assert_eq!(uses(&store), [(1, 0), (2, u64::from(OBJECTS))]);
    assert_all_readable(&store, OBJECTS);

    assert_eq!(disk.open(root(1)).err(), Some(SealedError::WrongRootKey { number: 1 }));
    let again = disk.open(root(2)).unwrap();
    assert_all_readable(&again, OBJECTS);
    assert!(inspect(&again).opens());
    // The first data key stays, and with it what is searched for and the audit trail.
    let after = pollster::block_on(RecordStore::load(&*disk.records, object(1).identifier()));
    let beside = |loaded: Result<Option<Stored<Record>>, _>| loaded.unwrap().unwrap();
    let (terms, after) = (beside(terms), beside(after));
    assert_eq!(terms.value.terms, after.value.terms);
    assert_eq!(terms.revision, after.revision);
    assert!(pollster::block_on(again.verify(&mut |_| {})).unwrap().is_sound());
}

#[test]
fn the_database_counts_what_is_under_a_data_key() {
    let disk = Disk::with_objects(3);
    let database = Interrupted::after(&disk.records, u32::MAX, Lost::Write);
    let store = disk.open_over(Backing::of(&database), root(1)).unwrap();
    assert_eq!(uses(&store), [(1, 3)]);
    assert_eq!(database.snapshots.load(Ordering::Relaxed), 0, "nothing is read to be counted");
    assert_eq!(seal_anew(&store).unwrap().read, 3);
    assert_eq!(database.snapshots.load(Ordering::Relaxed), 1);
}

#[test]
fn a_change_that_ends_anywhere_leaves_a_store_that_opens() {
    for lost in [Lost::Write, Lost::Answer] {
        let mut finished = false;
        for writes in 1..10 {
            let disk = Disk::with_objects(OBJECTS);
            let interrupted = Interrupted::after(&disk.records, writes, lost);
            let store = disk.open_over(Backing::of(&interrupted), root(1)).unwrap();
            let changed = pollster::block_on(store.change_root_key(root(2)));
            let anew = changed.is_ok().then(|| seal_anew(&store));
            finished = matches!(anew, Some(Ok(_)));
            drop(store);

            let [old, new] = [1, 2].map(|number| disk.open(root(number)));
            let case = format!("{lost:?} {writes}: {changed:?}");
            assert_ne!(old.is_ok(), new.is_ok(), "{case}");
            assert_eq!(changed.is_ok(), new.is_ok() && (lost, writes) != (Lost::Answer, 1));
            let (store, next) = old.map_or_else(|_| (new.unwrap(), 3), |old| (old, 2));
            assert!(inspect(&store).opens(), "{case}");
            assert_all_readable(&store, OBJECTS);
            // Done again, it comes to its end.
            pollster::block_on(store.change_root_key(root(next))).unwrap();
            assert_eq!(seal_anew(&store).unwrap().left, 0, "{case}");
            assert_eq!(inspect(&store).left(), 0, "{case}");
            let store = disk.open(root(next)).unwrap();
            assert_all_readable(&store, OBJECTS);
            if finished {
                break;
            }
        }
        assert!(finished, "every step was interrupted once");
    }
}

#[test]
fn sealing_anew_goes_on_where_it_ended() {
    let disk = Disk::with_objects(OBJECTS);
    let store = disk.open(root(1)).unwrap();
    pollster::block_on(store.change_root_key(root(2))).unwrap();
    let interrupted = Interrupted::after(&disk.records, 2, Lost::Write);
    let store = disk.open_over(Backing::of(&interrupted), root(2)).unwrap();
    assert_eq!(seal_anew(&store), Err(StoreError::Unavailable));
    let store = disk.open(root(2)).unwrap();
    let left = u64::from(OBJECTS - TOGETHER);
    assert_eq!(inspect(&store).left(), left);
    let anew = seal_anew(&store).unwrap();
    assert_eq!((anew.sealed, anew.left), (left, 0));
}

#[test]
fn a_damaged_record_is_named_and_the_others_are_sealed_anew() {
    let disk = Disk::with_objects(3);
    let store = disk.open(root(1)).unwrap();
    let damaged = object(1).identifier().clone();
    disk.records.tamper(&damaged, |record, _| record.sealed.bytes[0] ^= 1);
    pollster::block_on(store.change_root_key(root(2))).unwrap();
    let anew = seal_anew(&store).unwrap();
    assert_eq!((anew.sealed, anew.left, anew.damaged), (2, 0, vec![damaged.clone()]));
    assert_eq!(read(&store, 0), Ok(object(0)));
    assert_eq!(read(&store, 1), Err(StoreError::Corrupt(damaged)));
    assert_eq!(read(&store, 2), Ok(object(2)));
}

#[test]
fn another_server_reads_what_is_under_a_data_key_that_it_did_not_know() {
    let disk = Disk::with_objects(2);
    let either = Arc::new(Either(FixedRootKey::new(1), FixedRootKey::new(2)));
    let (here, there, late) =
        (disk.open(root(1)).unwrap(), disk.open(either).unwrap(), disk.open(root(1)).unwrap());
    pollster::block_on(here.change_root_key(root(2))).unwrap();
    seal_anew(&here).unwrap();
    assert_all_readable(&there, 2);
    put(&there, &object(2), 0);
    assert_eq!(uses(&there), [(1, 0), (2, 3)]);
    // One that was not given the new root key cannot serve, and does not call the record damaged.
    assert_eq!(read(&late, 0), Err(StoreError::Unavailable));
    // A number that no data key has is damage.
    disk.records.tamper(object(0).identifier(), |record, _| record.sealed.key = 9);
    assert_eq!(read(&there, 0), Err(StoreError::Corrupt(object(0).identifier().clone())));
    assert_eq!(inspect(&there).homeless, 1);
}

#[test]
fn a_root_key_that_forgets_is_not_taken() {
    let disk = Disk::with_objects(1);
    let store = disk.open(root(1)).unwrap();
    let refused = pollster::block_on(store.change_root_key(Arc::new(Forgetful)));
    assert_eq!(refused, Err(SealedError::NewRootKeyForgets));
    assert_all_readable(&disk.open(root(1)).unwrap(), 1);
    // The refusal is over: another change may begin.
    assert!(pollster::block_on(store.change_root_key(root(2))).is_ok());
}

#[test]
fn of_two_servers_that_change_the_root_key_one_is_refused() {
    let disk = Disk::with_objects(OBJECTS);
    let (store, other) = (disk.open(root(1)).unwrap(), disk.open(root(1)).unwrap());
    let late = TooLate { other, begun: AtomicBool::new(false), key: FixedRootKey::new(2) };
    let refused = pollster::block_on(store.change_root_key(Arc::new(late)));
    assert_eq!(refused, Err(SealedError::ChangedMeanwhile));
    assert!(disk.open(root(2)).is_err());
    let store = disk.open(root(3)).unwrap();
    assert!(inspect(&store).opens());
    assert_all_readable(&store, OBJECTS);
}

#[test]
fn the_root_key_can_change_again_and_again() {
    let disk = Disk::with_objects(2);
    let store = disk.open(root(1)).unwrap();
    for number in 2..6 {
        pollster::block_on(store.change_root_key(root(number))).unwrap();
        seal_anew(&store).unwrap();
        assert_all_readable(&disk.open(root(number)).unwrap(), 2);
    }
    assert_eq!(store.data_key_count(), 5);
    assert_eq!(uses(&store), [(1, 0), (2, 0), (3, 0), (4, 0), (5, 2)]);
}
