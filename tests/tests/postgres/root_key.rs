//! The root key changes on one node while another uses the same database.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet},
    enumeration::OpaqueDataType,
    object::Object,
};
use kmip_ports::{
    root_key::{RootKey, RootKeyError},
    store::{ChangeSet, ObjectStore as _, Revision, Stored},
};
use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
use kmip_sql::PostgresRecords;
use kmip_testkit::{FixedRootKey, HashCipher};
use kmip_tests::postgres;
use kmip_ttlv::StoredForm;

use crate::making;

/// The root key of today and the one of tomorrow, as each node has them during a change.
struct TodayOrTomorrow(FixedRootKey, FixedRootKey);

#[async_trait]
impl RootKey for TodayOrTomorrow {
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

async fn open(url: &str, node: &str, cipher: &Arc<HashCipher>) -> SealedStore {
    let records = PostgresRecords::open(&making(url)).await.expect("the database is there");
    let backing = Backing::of(&Arc::new(records));
    let opening = Opening {
        when_empty: WhenEmpty::Create,
        node: node.to_owned(),
        audit_reads: AuditReads::Queued,
    };
    let root_key = Arc::new(TodayOrTomorrow(FixedRootKey::new(1), FixedRootKey::new(2)));
    let encoding = Arc::new(StoredForm);
    SealedStore::open(backing, Arc::clone(cipher) as Arc<_>, root_key, encoding, opening)
        .await
        .expect("one of the two opens it")
}

fn object(number: u32) -> ManagedObject {
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::InitialDate(DateTime(1)));
    let held = Object::OpaqueObject {
        opaque_data_type: OpaqueDataType(1),
        opaque_data_value: Material::new(number.to_be_bytes().to_vec()),
    };
    ManagedObject::new(UniqueIdentifier::new(number.to_string()), "alice", held, attributes)
}

async fn put(store: &SealedStore, number: u32) {
    let value = Arc::new(object(number));
    let identifier = value.identifier().clone();
    let put = vec![(identifier, Stored { value, revision: Revision(0) })];
    store.apply(ChangeSet { put, ..ChangeSet::default() }).await.expect("it is new");
}

async fn assert_readable(store: &SealedStore, count: u32) {
    for number in 0..count {
        let loaded = store.load(&UniqueIdentifier::new(number.to_string())).await;
        let stored = loaded.expect("it opens").expect("it is there");
        assert_eq!(*stored.value, object(number));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_key_changes_under_two_nodes_without_a_restart() {
    let Some(postgres) = postgres::shared() else { return };
    let (url, cipher) = (postgres.database().await, Arc::new(HashCipher::default()));
    let (here, there) = (open(&url, "here", &cipher).await, open(&url, "there", &cipher).await);
    for number in 0..20 {
        put(if number % 2 == 0 { &here } else { &there }, number).await;
    }
    here.change_root_key(Arc::new(FixedRootKey::new(2))).await.expect("nobody else does");
    // The other node writes on under the data key that it knows; both read everything.
    put(&there, 20).await;
    let anew = here.seal_anew(&mut |_| {}).await.expect("the database is there");
    assert_eq!((anew.sealed, anew.left), (21, 0));
    assert_readable(&there, 21).await;
    assert_readable(&here, 21).await;
    put(&there, 21).await;
    let ring = there.inspect_keys().await.expect("the database is there");
    let uses: Vec<_> = ring.keys.iter().map(|key| (key.number, key.records, key.opens)).collect();
    assert_eq!(uses, [(1, 0, true), (2, 22, true)]);
}
