//! The promises of a record store, kept by SQLite.

use std::sync::atomic::{AtomicU32, Ordering};

use kmip_sql::{Location, Options, SqliteRecords};
use kmip_testkit::contract::record_store;

#[tokio::test]
async fn memory_keeps_every_promise() {
    let options = Options::new(Location::Memory);
    record_store::every_promise(async || {
        SqliteRecords::open(&options).await.expect("memory is there")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_every_promise() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let count = AtomicU32::new(0);
    record_store::every_promise(async || {
        let name = format!("{}.db", count.fetch_add(1, Ordering::Relaxed));
        let location = Location::File(directory.path().join(name));
        let options = Options { create: true, readers: 2, ..Options::new(location) };
        SqliteRecords::open(&options).await.expect("the directory is ours")
    })
    .await;
}
