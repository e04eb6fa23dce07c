//! The object store: seals what is put, opens what is loaded.

use std::sync::{Arc, PoisonError, RwLock, atomic::AtomicBool};

use async_trait::async_trait;
use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier, locate::Locate, policy::Visibility,
};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail, Durability, Notary as _},
    maintenance::Maintenance,
    record::{
        AtRestCipher, Columns, DataKeys, ObjectEncoding, Record, RecordStore, Sealed, Spent, Term,
    },
    root_key::RootKey,
    store::{ChangeSet, ObjectStore, Page, Revision, StoreError, Stored},
};

use subtle::ConstantTimeEq as _;

use crate::{
    audit::Chain,
    canonical::{self, Canonical},
    keyring::{Keyring, SealedError, WhenEmpty},
    locate::PageSize,
    terms::Terms,
};

/// A database, as far as it is needed here.
#[derive(Clone)]
pub struct Backing {
    /// Records.
    pub records: Arc<dyn RecordStore>,
    /// Wrapped data keys.
    pub keys: Arc<dyn DataKeys>,
    /// The database as a whole.
    pub maintenance: Arc<dyn Maintenance>,
}

impl Backing {
    /// Takes everything from one database.
    pub fn of<D: RecordStore + DataKeys + Maintenance + 'static>(database: &Arc<D>) -> Self {
        Self {
            records: Arc::clone(database) as Arc<_>,
            keys: Arc::clone(database) as Arc<_>,
            maintenance: Arc::clone(database) as Arc<_>,
        }
    }
}

/// What becomes of events that belong to no change: reads and refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditReads {
    /// They are written with the next commit.
    #[default]
    Queued,
    /// They are written before the answer.
    Durable,
    /// They are not written.
    Off,
}

/// How a store is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What to do without a data key.
    pub when_empty: WhenEmpty,
    /// Whose chain the audit trail continues; no other process that runs may have that name.
    pub node: String,
    /// What becomes of events that belong to no change.
    pub audit_reads: AuditReads,
}

/// Keeps managed objects as sealed records.
pub struct SealedStore {
    pub(crate) records: Arc<dyn RecordStore>,
    pub(crate) data_keys: Arc<dyn DataKeys>,
    pub(crate) cipher: Arc<dyn AtRestCipher>,
    encoding: Arc<dyn ObjectEncoding>,
    /// The first data key, which never changes.
    first: Material,
    keyring: RwLock<Arc<Keyring>>,
    /// The root keys that may wrap the data keys, the likeliest first.
    pub(crate) root_keys: RwLock<Vec<Arc<dyn RootKey>>>,
    /// Says whether the root key is being changed by this process.
    pub(crate) changing: AtomicBool,
    pub(crate) maintenance: Arc<dyn Maintenance>,
    pub(crate) chain: Arc<Chain>,
    audit_reads: AuditReads,
    pub(crate) page_size: PageSize,
}

impl SealedStore {
    /// Opens a store: unwraps its data keys with the root key. That is needed again only when
    /// another server has made a data key, or when the root key is changed.
    pub async fn open(
        backing: Backing,
        cipher: Arc<dyn AtRestCipher>,
        root_key: Arc<dyn RootKey>,
        encoding: Arc<dyn ObjectEncoding>,
        opening: Opening,
    ) -> Result<Self, SealedError> {
        let Opening { when_empty, node, audit_reads } = opening;
        let Backing { records, keys, maintenance } = backing;
        let keyring = Keyring::open(&*keys, &*cipher, &*root_key, when_empty).await?;
        let first = keyring.first().clone();
        let chain = Arc::new(Chain::new(Arc::clone(&cipher), first.clone(), node));
        records.begin(Arc::clone(&chain) as Arc<_>).await?;
        Ok(Self {
            records,
            data_keys: keys,
            cipher,
            encoding,
            first,
            keyring: RwLock::new(Arc::new(keyring)),
            root_keys: RwLock::new(vec![root_key]),
            changing: AtomicBool::new(false),
            maintenance,
            chain,
            audit_reads,
            page_size: PageSize::USUAL,
        })
    }

    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms { cipher: &*self.cipher, key: &self.first }
    }

    /// Returns the data keys as they are known now.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other data keys.
    pub(crate) fn keep(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }

    /// The cipher, and the key of what is sealed beside records.
    pub(crate) fn sealing(&self) -> (&dyn AtRestCipher, &Material) {
        (&*self.cipher, &self.first)
    }

    pub(crate) fn cipher(&self) -> Arc<dyn AtRestCipher> {
        Arc::clone(&self.cipher)
    }

    /// The number of the data key that seals.
    pub(crate) fn newest_key(&self) -> u32 {
        self.keyring().newest().0
    }

    /// Seals an object for the revision that it will have.
    pub(crate) fn seal(
        &self,
        object: &ManagedObject,
        revision: Revision,
    ) -> Result<Record, StoreError> {
        let columns = columns_of(object);
        let terms = self.terms().of_object(object);
        let place = self.place(object.identifier(), revision, &columns, &terms);
        let keyring = self.keyring();
        let (key, data_key) = keyring.newest();
        let plain = self.encoding.encode(object);
        let context = context(object.identifier());
        let bytes = self.cipher.seal(data_key, &context, &place, plain.expose())?;
        let spent = Spent { amount: object.spent(), seal: None };
        Ok(Record { columns, terms, sealed: Sealed { key, bytes }, spent })
    }

    /// Opens a record; looks for its data key if that is not known yet.
    pub(crate) async fn opened(
        &self,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
    ) -> Result<ManagedObject, StoreError> {
        self.know(stored.value.sealed.key).await?;
        self.open_record(identifier, stored)
    }

    /// Opens a record; `Corrupt` if anything about it is not as it was sealed.
    pub(crate) fn open_record(
        &self,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
    ) -> Result<ManagedObject, StoreError> {
        let Record { columns, terms, sealed, spent } = stored.value.as_ref();
        let place = self.place(identifier, stored.revision, columns, terms);
        self.keyring()
            .key(sealed.key)
            .and_then(|key| self.cipher.open(key, &context(identifier), &place, &sealed.bytes))
            .and_then(|plain| self.encoding.decode(plain.expose()))
            .filter(|_| self.is_sealed(identifier, spent))
            .map(
                |object| if spent.amount == 0 { object } else { object.having_spent(spent.amount) },
            )
            .ok_or_else(|| StoreError::Corrupt(identifier.clone()))
    }

    /// Says whether a sum is as it was counted.
    fn is_sealed(&self, identifier: &UniqueIdentifier, spent: &Spent) -> bool {
        match spent {
            Spent { amount: 0, seal: None } => true,
            Spent { amount, seal: Some(seal) } => {
                self.chain.spent(identifier, *amount).ct_eq(seal).into()
            }
            Spent { seal: None, .. } => false,
        }
    }

    /// Describes the place that a record is bound to.
    pub(crate) fn place(
        &self,
        identifier: &UniqueIdentifier,
        revision: Revision,
        columns: &Columns,
        terms: &[Term],
    ) -> Vec<u8> {
        let beside = self.cipher.hash(&canonical::beside(columns, terms));
        canonical::place(identifier, revision, &beside)
    }
}

/// Separates the keys of records from each other and from those of terms.
pub(crate) fn context(identifier: &UniqueIdentifier) -> Vec<u8> {
    Canonical::of("record").bytes(identifier.as_str().as_bytes()).finish()
}

pub(crate) fn columns_of(object: &ManagedObject) -> Columns {
    let attributes = object.attributes();
    Columns {
        owner: object.owner().to_owned(),
        policy: object.operation_policy_name().to_owned(),
        object_type: object.object_type().0,
        state: object.state().map(|state| state.0),
        next_change_at: object.next_change_at(),
        initial_date: attributes.initial_date().copied().unwrap_or(DateTime::MAX),
        algorithm: attributes.cryptographic_algorithm().map(|algorithm| algorithm.0),
        length: attributes.cryptographic_length().copied(),
        usage_mask: attributes.cryptographic_usage_mask().map(|mask| mask.0),
        destroyed: object.is_destroyed(),
    }
}

#[async_trait]
impl ObjectStore for SealedStore {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<ManagedObject>>, StoreError> {
        let Some(stored) = self.records.load(identifier).await? else {
            return Ok(None);
        };
        let value = Arc::new(self.opened(identifier, &stored).await?);
        Ok(Some(Stored { value, revision: stored.revision }))
    }

    async fn locate(
        &self,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        self.answer(query, visible, now).await
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let mut put = Vec::with_capacity(changes.put.len());
        for (identifier, Stored { value, revision }) in changes.put {
            debug_assert_eq!(identifier, *value.identifier(), "an object is put under its name");
            let record = Arc::new(self.seal(&value, revision.next())?);
            put.push((identifier, Stored { value: record, revision }));
        }
        let claims = changes.claims.into_iter().map(|claim| self.terms().claim(claim)).collect();
        let ChangeSet { expect, debits, audit, .. } = changes;
        let sealed = ChangeSet { expect, put, claims: Vec::new(), debits, audit };
        self.records.apply(sealed, claims).await
    }
}

#[async_trait]
impl AuditTrail for SealedStore {
    async fn note(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        match self.audit_reads {
            AuditReads::Queued => self.records.note(events, Durability::Queued).await,
            AuditReads::Durable => self.records.note(events, Durability::Durable).await,
            AuditReads::Off => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kmip_model::{
        attribute::{Attribute, AttributeSet, Name},
        enumeration::OpaqueDataType,
        object::Object,
    };
    use kmip_testkit::{
        FixedRootKey, HashCipher, MemoryRecords, RememberedObjects, contract::object_store,
    };

    /// A sealed store and what is below it.
    pub(crate) struct Sealed {
        pub(crate) store: Arc<SealedStore>,
        pub(crate) records: Arc<MemoryRecords>,
        pub(crate) encoding: Arc<RememberedObjects>,
    }

    async fn open(records: &Arc<MemoryRecords>, encoding: &Arc<RememberedObjects>) -> SealedStore {
        let root_key = Arc::new(FixedRootKey::new(1));
        let (backing, encoding) = (Backing::of(records), Arc::clone(encoding));
        let cipher = Arc::new(HashCipher::default());
        let opening = Opening {
            when_empty: WhenEmpty::Create,
            node: "here".to_owned(),
            audit_reads: AuditReads::Queued,
        };
        SealedStore::open(backing, cipher, root_key, encoding, opening).await.unwrap()
    }

    pub(crate) async fn open_empty() -> Arc<SealedStore> {
        Arc::new(open(&Arc::default(), &Arc::default()).await)
    }

    impl Sealed {
        pub(crate) fn new() -> Self {
            let (records, encoding) = (Arc::default(), Arc::default());
            let store = Arc::new(pollster::block_on(open(&records, &encoding)));
            Self { store, records, encoding }
        }

        pub(crate) fn put(&self, object: ManagedObject) {
            self.put_over(object, 0);
        }

        fn put_over(&self, object: ManagedObject, revision: u64) {
            let identifier = object.identifier().clone();
            let stored = Stored { value: Arc::new(object), revision: Revision(revision) };
            let changes = ChangeSet { put: vec![(identifier, stored)], ..ChangeSet::default() };
            pollster::block_on(self.store.apply(changes)).unwrap();
        }

        fn load(&self, identifier: &str) -> Result<Option<ManagedObject>, StoreError> {
            let stored = pollster::block_on(self.store.load(&UniqueIdentifier::new(identifier)))?;
            Ok(stored.map(|stored| stored.value.as_ref().clone()))
        }

        fn record(&self, identifier: &str) -> Record {
            let identifier = UniqueIdentifier::new(identifier);
            let stored = pollster::block_on(self.records.load(&identifier)).unwrap();
            stored.unwrap().value.as_ref().clone()
        }

        /// Changes the record of "a" and checks that "a" alone is damaged.
        fn is_noticed(change: impl FnOnce(&Self, &mut Record, &mut Revision)) {
            let sealed = Self::new();
            sealed.put(named("a", "one"));
            sealed.put(named("b", "two"));
            let a = UniqueIdentifier::new("a");
            assert_eq!(sealed.load("a"), Ok(Some(named("a", "one"))));
            let (mut record, mut revision) = (sealed.record("a"), Revision(1));
            change(&sealed, &mut record, &mut revision);
            assert!(sealed.records.tamper(&a, |kept, at| (*kept, *at) = (record, revision)));
            assert_eq!(sealed.load("a"), Err(StoreError::Corrupt(a)));
            assert_eq!(sealed.load("b"), Ok(Some(named("b", "two"))));
        }
    }

    pub(crate) fn named(identifier: &str, name: &str) -> ManagedObject {
        let mut attributes = AttributeSet::default();
        attributes.set(Attribute::InitialDate(DateTime(1)));
        attributes.set(Attribute::Comment("same".into()));
        attributes.set(Attribute::Name(Name::text(name)));
        let held = Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(1),
            opaque_data_value: Material::new(vec![1]),
        };
        ManagedObject::new(UniqueIdentifier::new(identifier), "alice", held, attributes)
    }

    #[test]
    fn keeps_every_promise() {
        pollster::block_on(object_store::every_promise(async || {
            open(&Arc::default(), &Arc::default()).await
        }));
    }

    #[test]
    fn keeps_every_promise_page_by_page() {
        pollster::block_on(object_store::every_promise(async || {
            let mut store = open(&Arc::default(), &Arc::default()).await;
            store.page_size = PageSize { identifiers: 7, overlap: 2 };
            store
        }));
    }

    #[test]
    fn another_opening_of_the_store_reads_what_was_sealed() {
        let mut sealed = Sealed::new();
        sealed.put(named("a", "one"));
        sealed.store = Arc::new(pollster::block_on(open(&sealed.records, &sealed.encoding)));
        assert_eq!(sealed.load("a"), Ok(Some(named("a", "one"))));
        // The terms are under the same key as before.
        let before = sealed.record("a").terms;
        sealed.put_over(named("a", "one"), 1);
        assert_eq!(sealed.record("a").terms, before);
    }

    #[test]
    fn swapped_terms_are_noticed() {
        Sealed::is_noticed(|sealed, a, _| a.terms = sealed.record("b").terms);
        Sealed::is_noticed(|_, a, _| drop(a.terms.pop()));
        Sealed::is_noticed(|_, a, _| a.terms.push(a.terms[0].clone()));
    }

    #[test]
    fn a_relabelled_revision_is_noticed() {
        Sealed::is_noticed(|_, _, revision| *revision = Revision(2));
    }

    #[test]
    fn an_old_revision_under_the_number_of_the_new_is_noticed() {
        let sealed = Sealed::new();
        sealed.put(named("a", "one"));
        let old = sealed.record("a");
        sealed.put_over(named("a", "two"), 1);
        let a = UniqueIdentifier::new("a");
        assert!(sealed.records.tamper(&a, |kept, _| *kept = old));
        assert_eq!(sealed.load("a"), Err(StoreError::Corrupt(a)));
    }

    #[test]
    fn a_moved_row_is_noticed() {
        Sealed::is_noticed(|sealed, a, _| *a = sealed.record("b"));
        Sealed::is_noticed(|sealed, a, _| a.sealed = sealed.record("b").sealed);
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let length = {
            let sealed = Sealed::new();
            sealed.put(named("a", "one"));
            sealed.record("a").sealed.bytes.len()
        };
        assert!(length > 0);
        for position in 0..length {
            Sealed::is_noticed(|_, a, _| a.sealed.bytes[position] ^= 0x10);
        }
        Sealed::is_noticed(|_, a, _| a.terms[0].value[0] ^= 1);
        Sealed::is_noticed(|_, a, _| a.terms[0].attribute ^= 1);
        Sealed::is_noticed(|_, a, _| a.sealed.key = 2);
    }

    #[test]
    fn a_changed_column_is_noticed() {
        let changes: [fn(&mut Columns); 10] = [
            |columns| columns.owner = "mallory".into(),
            |columns| columns.policy = "public".into(),
            |columns| columns.object_type = 1,
            |columns| columns.state = Some(2),
            |columns| columns.next_change_at = Some(DateTime(1)),
            |columns| columns.initial_date = DateTime(2),
            |columns| columns.algorithm = Some(3),
            |columns| columns.length = Some(1),
            |columns| columns.usage_mask = Some(1),
            |columns| columns.destroyed = true,
        ];
        for change in changes {
            Sealed::is_noticed(|_, a, _| change(&mut a.columns));
        }
    }

    #[test]
    fn the_record_says_nothing_in_clear_but_its_columns() {
        let sealed = Sealed::new();
        sealed.put(named("a", "a name that nobody else has"));
        let shown = format!("{:?}", sealed.record("a").terms);
        let bytes = format!("{:?}", b"a name").replace(['[', ']'], "");
        assert!(!shown.contains(&bytes) && !shown.contains("a name"));
    }
}
