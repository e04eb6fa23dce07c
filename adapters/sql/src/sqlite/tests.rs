//! What is particular to SQLite: files, locks, transactions.

use std::path::Path;

use kmip_model::{
    DateTime,
    enumeration::{ObjectType, Operation},
    policy::Visibility,
};
use kmip_ports::{
    audit::{AuditBlock, Link},
    record::{Columns, Condition, Sealed, Spent, Term},
    store::Revision,
};
use kmip_testkit::HashNotary;
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;

use super::*;
use crate::search::{COUNTED, Search};

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn at(path: &Path) -> Options {
    Options { create: true, ..Options::new(Location::File(path.to_owned())) }
}

pub(super) async fn memory() -> SqliteRecords {
    open(&Options::new(Location::Memory)).await
}

/// Opens a store and names who seals.
async fn open(options: &Options) -> SqliteRecords {
    let store = SqliteRecords::open(options).await.expect("it opens");
    store.begin(Arc::new(HashNotary::of("here"))).await.expect("it is there");
    store
}

/// The blocks of the audit trail.
async fn blocks(store: &SqliteRecords) -> Vec<AuditBlock> {
    let mut snapshot = store.snapshot().await.expect("it is there");
    snapshot.blocks(u32::MAX).await.expect("it is there")
}

/// The blocks that these events make, each in one.
fn chained(events: &[AuditEvent]) -> Vec<AuditBlock> {
    let mut head = Link::default();
    let chain = events.iter().map(|event| {
        let block = HashNotary::of("here").block(&head, std::slice::from_ref(event));
        head = block.link.clone();
        block
    });
    chain.collect()
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path))
        .await
        .expect("the file is there")
}

pub(super) fn record(terms: &[&str]) -> Record {
    Record {
        columns: Columns {
            owner: "alice".to_owned(),
            policy: "default".to_owned(),
            object_type: 2,
            state: Some(1),
            next_change_at: None,
            initial_date: DateTime(1_000),
            algorithm: Some(3),
            length: Some(256),
            usage_mask: Some(12),
            destroyed: false,
        },
        terms: terms
            .iter()
            .map(|value| Term { attribute: 1, value: value.as_bytes().to_vec() })
            .collect(),
        sealed: Sealed { key: 1, bytes: vec![7; 40] },
        spent: Spent::default(),
    }
}

fn event(user: &str, name: &str) -> AuditEvent {
    AuditEvent {
        at: DateTime(1_000),
        user: user.to_owned(),
        operation: Operation::Create,
        identifier: Some(UniqueIdentifier::new(name)),
        revision: Some(Revision(1)),
        reason: None,
        correlation: Some("c".to_owned()),
    }
}

pub(super) fn create(name: &str, user: &str) -> ChangeSet<Record> {
    let put = Stored { value: Arc::new(record(&[name])), revision: Revision(0) };
    ChangeSet {
        put: vec![(UniqueIdentifier::new(name), put)],
        audit: vec![event(user, name)],
        ..ChangeSet::default()
    }
}

pub(super) fn by_alice(conditions: Vec<Condition>) -> TermQuery {
    let kinds = |kinds: &[u32]| -> Vec<(String, ObjectType)> {
        kinds.iter().map(|kind| ("default".to_owned(), ObjectType(*kind))).collect()
    };
    let visible =
        Visibility { user: "alice".to_owned(), of_anybody: kinds(&[1, 3]), own: kinds(&[2, 4, 7]) };
    TermQuery { conditions, visible, offset: 0, maximum: Some(10) }
}

#[tokio::test]
async fn a_file_has_everything_after_it_is_opened_again() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let store = open(&at(&path)).await;
    for name in ["a", "b"] {
        assert_eq!(store.apply(create(name, "alice"), Vec::new()).await, Ok(()));
    }
    let key = WrappedKey { number: 9, wrapped: vec![1] };
    assert_eq!(store.add_key(key.clone()).await, Ok(()));
    let (a, all) = (UniqueIdentifier::new("a"), by_alice(vec![]));
    let before = (store.load(&a).await, store.search(&all).await);
    store.close().await;

    let store = open(&Options::new(Location::File(path))).await;
    assert!(matches!(before.0, Ok(Some(_))));
    assert_eq!((store.load(&a).await, store.search(&all).await), before);
    assert_eq!(store.load_keys().await, Ok(vec![key]));
    assert_eq!(store.count().await, Ok(2));
    assert_eq!(store.apply(create("c", "alice"), Vec::new()).await, Ok(()));
    let events = ["a", "b", "c"].map(|name| event("alice", name));
    assert_eq!(blocks(&store).await, chained(&events));
    let newest = store.search(&all).await.expect("it is there").items;
    assert_eq!(newest, ["c", "b", "a"].map(UniqueIdentifier::new));
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_takes_nothing() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let store = open(&at(&path)).await;
    assert!(store.is_writable());
    assert_eq!(store.apply(create("a", "alice"), Vec::new()).await, Ok(()));
    store.close().await;
    assert!(!path.with_extension("db-wal").exists());
    assert!(!store.is_writable());
    let late = store.apply(create("b", "alice"), Vec::new()).await;
    assert_eq!(late, Err(StoreError::Unavailable));
    assert_eq!(store.load(&UniqueIdentifier::new("a")).await, Err(StoreError::Unavailable));
    store.close().await;
}

#[tokio::test]
async fn what_waits_when_the_store_closes_is_written() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let store = open(&at(&path)).await;
    let (first, second, ()) = tokio::join!(
        store.apply(create("a", "alice"), Vec::new()),
        store.apply(create("b", "alice"), Vec::new()),
        store.close(),
    );
    assert_eq!((first, second), (Ok(()), Ok(())));
    let store = SqliteRecords::open(&at(&path)).await.expect("it is free again");
    assert_eq!(store.count().await, Ok(2));
}

#[tokio::test]
async fn a_missing_file_is_refused_unless_it_is_to_be_made() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let options = Options::new(Location::File(path.clone()));
    let refused = SqliteRecords::open(&options).await;
    assert!(matches!(refused, Err(OpenError::Missing { path: missing }) if missing == path));
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let store = open(&at(&directory.path().join("kmip.db"))).await;
    assert_eq!(store.apply(create("a", "alice"), Vec::new()).await, Ok(()));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).expect("it is there") {
        let entry = entry.expect("it is there");
        let mode = entry.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().expect("the name is ASCII"));
    }
    names.sort();
    assert_eq!(names, ["kmip.db", "kmip.db-shm", "kmip.db-wal", "kmip.db.lock"]);
}

#[tokio::test]
async fn a_file_in_use_is_refused() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let first = open(&at(&path)).await;
    let second = SqliteRecords::open(&at(&path)).await;
    assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
    first.close().await;
    assert!(SqliteRecords::open(&at(&path)).await.is_ok());
}

#[tokio::test]
async fn a_later_schema_is_refused_and_left_alone() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    SqliteRecords::open(&at(&path)).await.expect("it is made").close().await;
    let mut connection = connect(&path).await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut connection).await.expect("it is ours");
    connection.close().await.expect("it closes");
    let refused = SqliteRecords::open(&at(&path)).await;
    assert!(matches!(refused, Err(OpenError::Newer { found: 99, known: 3.., .. })), "{refused:?}");
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let directory = directory();
    let path = directory.path().join("other.db");
    File::create(&path).expect("it is made");
    let mut connection = connect(&path).await;
    sqlx::query("CREATE TABLE record (a)").execute(&mut connection).await.expect("it is ours");
    connection.close().await.expect("it closes");
    let refused = SqliteRecords::open(&at(&path)).await;
    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let directory = directory();
    let path = directory.path().join("letter.txt");
    std::fs::write(&path, "Dear Alice, this is a letter and not a database. ".repeat(30))
        .expect("it is written");
    let refused = SqliteRecords::open(&at(&path)).await;
    assert!(matches!(refused, Err(OpenError::Unusable { .. })), "{refused:?}");
    let refused = SqliteRecords::open(&at(&directory.path().join("none/kmip.db"))).await;
    assert!(matches!(refused, Err(OpenError::Unreadable { .. })), "{refused:?}");
}

#[tokio::test]
async fn durability_is_asked_for_on_every_writing_connection() {
    let directory = directory();
    let location = Location::File(directory.path().join("kmip.db"));
    let _lock = location::claim(&location.path(), true).expect("it is made");
    let place = Place::of(&location);
    let prepared = preparing(&place).await.expect("it opens");
    let direct = Direct::open(&place).expect("it opens");
    for (pragma, expected) in [
        ("PRAGMA synchronous", "2"),
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA foreign_keys", "1"),
        ("PRAGMA secure_delete", "1"),
        ("PRAGMA trusted_schema", "0"),
        ("PRAGMA wal_autocheckpoint", "0"),
    ] {
        let value: rusqlite::types::Value =
            direct.connection().query_row(pragma, [], |row| row.get(0)).expect("it answers");
        let value = match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(word) => word,
            other => panic!("{other:?}"),
        };
        assert_eq!(value, expected, "{pragma}");
    }
    prepared.close().await.expect("it closes");
}

/// Opens a store in a file, and another connection to it.
async fn with_another(directory: &TempDir) -> (SqliteRecords, SqliteConnection) {
    let path = directory.path().join("kmip.db");
    (open(&at(&path)).await, connect(&path).await)
}

#[tokio::test]
async fn those_who_wait_together_are_committed_once() {
    let directory = directory();
    let (store, mut other) = with_another(&directory).await;
    // While another writes, what is applied has to wait; once the writer has taken the first, the
    // others wait together.
    sqlx::raw_sql(
        "BEGIN IMMEDIATE; CREATE TABLE busy (a); \
         CREATE TRIGGER first BEFORE INSERT ON record WHEN NEW.identifier = '0' \
         BEGIN INSERT INTO busy VALUES ((SELECT COUNT(*) FROM record)); END; \
         CREATE TRIGGER last BEFORE INSERT ON audit_block \
         WHEN (SELECT COUNT(*) FROM record) > 1 \
         BEGIN INSERT INTO busy VALUES ((SELECT COUNT(*) FROM record)); END",
    )
    .execute(&mut other)
    .await
    .expect("the schema is ours");
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let mut waiting: Vec<_> = std::iter::once("before")
        .chain(names.iter().map(String::as_str))
        .map(|name| Box::pin(store.apply(create(name, "alice"), Vec::new())))
        .collect();
    let mut stale = Box::pin(store.apply(create("0", "alice"), Vec::new()));
    std::future::poll_fn(|context| {
        for (number, apply) in waiting.iter_mut().chain([&mut stale]).enumerate() {
            assert!(apply.as_mut().poll(context).is_pending());
            while number == 0 && store.jobs.waiting() > 0 {}
        }
        std::task::Poll::Ready(())
    })
    .await;
    sqlx::query("COMMIT").execute(&mut other).await.expect("it was begun");
    for apply in waiting {
        assert_eq!(apply.await, Ok(()));
    }
    assert_eq!(stale.await, Err(StoreError::Conflict), "it is refused alone");
    // All records are there before the first event is: they were written by one transaction.
    let rows = sqlx::query("SELECT a FROM busy").fetch_all(&store.readers).await.expect("read");
    let counts: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(counts, [1, 21]);
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_nothing_and_the_next_one_can() {
    let directory = directory();
    let (store, mut other) = with_another(&directory).await;
    sqlx::query(
        "CREATE TRIGGER full BEFORE INSERT ON audit_block \
         WHEN instr(CAST(NEW.bytes AS TEXT), 'mallory') \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    )
    .execute(&mut other)
    .await
    .expect("the schema is ours");
    let refused = store.apply(create("a", "mallory"), Vec::new()).await;
    assert_eq!(refused, Err(StoreError::Unavailable));
    assert_eq!(store.count().await, Ok(0));
    assert!(store.is_writable());
    assert_eq!(store.apply(create("a", "alice"), Vec::new()).await, Ok(()));
    assert_eq!(store.count().await, Ok(1));
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_acknowledged() {
    let directory = directory();
    let (store, mut other) = with_another(&directory).await;
    // What a trigger breaks with a deferred constraint is noticed by COMMIT and not before.
    sqlx::raw_sql(
        "CREATE TABLE broken (a INTEGER REFERENCES record (seq) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER broken BEFORE INSERT ON audit_block \
         WHEN instr(CAST(NEW.bytes AS TEXT), 'mallory') \
         BEGIN INSERT INTO broken VALUES (-1); END",
    )
    .execute(&mut other)
    .await
    .expect("the schema is ours");
    assert_eq!(store.apply(create("a", "alice"), Vec::new()).await, Ok(()));
    let unknown = store.apply(create("b", "mallory"), Vec::new()).await;
    assert_eq!(unknown, Err(StoreError::Unavailable));
    assert!(!store.is_writable() && store.has_failed());
    store.failed().await;
    let later = store.apply(create("c", "alice"), Vec::new()).await;
    assert_eq!(later, Err(StoreError::Unavailable));
    let key = WrappedKey { number: 1, wrapped: vec![1] };
    assert_eq!(store.add_key(key).await, Err(StoreError::Unavailable));
    assert!(
        matches!(store.load(&UniqueIdentifier::new("a")).await, Ok(Some(_))),
        "reading goes on"
    );
    assert_eq!(store.count().await, Ok(1));
}

#[tokio::test]
async fn the_log_does_not_grow_for_ever() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    let store = open(&at(&path)).await;
    for number in 0..2_000 {
        let changes = create(&number.to_string(), "alice");
        assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    }
    let log = std::fs::metadata(path.with_extension("db-wal")).expect("it is there").len();
    // 2,000 transactions of some ten pages each would be 80 MiB and more.
    assert!(log < 32 << 20, "{log}");
    assert!(!store.has_failed());
}

#[tokio::test]
async fn big_change_sets_are_written_in_pieces() {
    let store = memory().await;
    let many = u32::try_from(40_000).expect("it fits");
    let mut big = record(&[]);
    big.terms = (0..many)
        .map(|number| Term { attribute: 1, value: number.to_be_bytes().to_vec() })
        .collect();
    let mut changes = create("a", "alice");
    changes.put[0].1.value = Arc::new(big.clone());
    for number in 0..1_500 {
        changes.put.extend(create(&format!("n{number}"), "alice").put);
    }
    changes.expect = (0..many)
        .map(|number| (UniqueIdentifier::new(format!("e{number}")), Revision(0)))
        .collect();
    assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    let loaded = store.load(&UniqueIdentifier::new("a")).await.expect("read").expect("it is there");
    assert_eq!(*loaded.value, big);
    assert_eq!(store.count().await, Ok(1_501));
}

#[tokio::test]
async fn hostile_text_is_a_value() {
    let store = memory().await;
    let name = "'); DROP TABLE record; --\0?1";
    assert_eq!(store.apply(create(name, name), Vec::new()).await, Ok(()));
    let identifier = UniqueIdentifier::new(name);
    let query = by_alice(vec![Condition::Identifier(identifier.clone())]);
    assert_eq!(store.search(&query).await.expect("read").items, [identifier]);
    assert_eq!(blocks(&store).await, chained(&[event(name, name)]));
}

#[tokio::test]
async fn a_range_of_dates_is_counted_only_where_that_decides() {
    let date = Condition::InitialDate(DateTime(1), DateTime(2));
    let state = Condition::State { state: 2, now: DateTime(5) };
    let term = Condition::Term(Term { attribute: 1, value: vec![1] });
    for (conditions, counted) in [
        (vec![date.clone()], false),
        (vec![state.clone()], false),
        (vec![date.clone(), Condition::Algorithm(3)], true),
        (vec![date.clone(), state.clone()], true),
        (vec![date, state, term], false),
    ] {
        let probe = Search::probe(&by_alice(conditions.clone()));
        assert_eq!(probe.is_some(), counted, "{conditions:?}");
    }
    let store = memory().await;
    assert_eq!(store.apply(create("a", "alice"), Vec::new()).await, Ok(()));
    for (first, found) in [(1_000, 1), (1_001, 0)] {
        let range = Condition::InitialDate(DateTime(first), DateTime(2_000));
        let query = by_alice(vec![range, Condition::Algorithm(3)]);
        let page = store.search(&query).await.expect("it is there");
        assert_eq!((page.items.len(), page.total), (found, u64::try_from(found).ok()));
    }
}

#[tokio::test]
async fn more_than_a_thousand_are_not_counted() {
    let store = memory().await;
    let many = |from: u64, to: u64| {
        let mut changes = ChangeSet::default();
        for number in from..to {
            changes.put.extend(create(&number.to_string(), "alice").put);
        }
        changes
    };
    assert_eq!(store.apply(many(0, COUNTED), Vec::new()).await, Ok(()));
    let page = async |offset, maximum| {
        let query = TermQuery { offset, maximum, ..by_alice(vec![Condition::Destroyed(false)]) };
        let page = store.search(&query).await.expect("it is there");
        (page.items.len(), page.total)
    };
    assert_eq!(page(0, Some(1)).await, (1, Some(COUNTED)));
    assert_eq!(store.apply(many(COUNTED, COUNTED + 1), Vec::new()).await, Ok(()));
    assert_eq!(page(0, Some(1)).await, (1, None));
    assert_eq!(page(COUNTED, Some(1)).await, (1, None));
    assert_eq!(page(COUNTED, Some(2)).await, (1, Some(COUNTED + 1)), "the end was seen");
    assert_eq!(page(0, None).await, (1_001, Some(COUNTED + 1)));
    assert_eq!(page(COUNTED + 5, Some(1)).await, (0, None));
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date() {
    let directory = directory();
    let path = directory.path().join("kmip.db");
    std::fs::write(&path, "").expect("it is made");
    let mut connection = connect(&path).await;
    let first = concat!(
        include_str!("../../migrations/sqlite/0001_records.sql"),
        "INSERT INTO record VALUES (1, 'a', 3, 'alice', 'default', 2, 1, NULL, 5, 3, 256, 12, 0, 1, x'00');",
        "INSERT INTO audit VALUES (1, 1000, 'alice', 1, 'a', 1, 'c');",
        "INSERT INTO audit VALUES (2, 1000, 'alice', 1, 'b', 1, 'c');",
        "PRAGMA application_id = 1263356240; PRAGMA user_version = 1;"
    );
    sqlx::raw_sql(first).execute(&mut connection).await.expect("it was valid");
    connection.close().await.expect("it closes");
    for _ in 0..2 {
        // Events from before there were chains are chained once.
        let store = open(&at(&path)).await;
        let both = ["a", "b"].map(|name| event("alice", name));
        assert_eq!(blocks(&store).await, [HashNotary::of("here").block(&Link::default(), &both)]);
        store.close().await;
    }
    let store = open(&at(&path)).await;
    let found = store.search(&by_alice(vec![Condition::Destroyed(false)])).await.expect("read");
    assert_eq!(found.items, [UniqueIdentifier::new("a")]);
    store.close().await;
    let mut connection = connect(&path).await;
    let version: i64 = sqlx::query("PRAGMA user_version")
        .fetch_one(&mut connection)
        .await
        .expect("it is ours")
        .get(0);
    assert_eq!(usize::try_from(version), Ok(migration::MIGRATIONS.len()));
}
