//! The promises of the ports, kept by PostgreSQL.

use std::sync::Arc;

use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
use kmip_sql::PostgresRecords;
use kmip_testkit::{
    FixedRootKey, HashCipher,
    contract::{object_store, record_store},
};
use kmip_tests::postgres::{self, Postgres};
use kmip_ttlv::StoredForm;

use crate::making;

/// Opens the store in a new database, and does not begin.
async fn fresh(postgres: &Postgres) -> PostgresRecords {
    let url = postgres.database().await;
    PostgresRecords::open(&making(&url)).await.expect("the database is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_keeps_every_promise() {
    let Some(postgres) = postgres::shared() else { return };
    Box::pin(record_store::every_promise(async || fresh(&postgres).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_objects_in_a_database_keep_every_promise() {
    let Some(postgres) = postgres::shared() else { return };
    object_store::every_promise(async || {
        let backing = Backing::of(&Arc::new(fresh(&postgres).await));
        let opening = Opening {
            when_empty: WhenEmpty::Create,
            node: "here".to_owned(),
            audit_reads: AuditReads::Queued,
        };
        let (cipher, encoding) = (Arc::new(HashCipher::default()), Arc::new(StoredForm));
        SealedStore::open(backing, cipher, Arc::new(FixedRootKey::new(1)), encoding, opening)
            .await
            .expect("the database is empty")
    })
    .await;
}
