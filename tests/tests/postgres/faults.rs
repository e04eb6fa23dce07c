//! What goes wrong: servers that stop, certificates that do not fit, text that cannot be kept.

use std::{fs, time::Duration};

use kmip_ports::{
    maintenance::Maintenance as _,
    record::{Condition, RecordStore},
    store::StoreError,
};
use kmip_sql::{PostgresOpenError, PostgresRecords};
use kmip_tests::{
    postgres,
    program::{self, Program},
    server::Directory,
};
use sqlx::{Connection as _, PgConnection};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    making, open,
    proxy::{Break, Proxy},
    sample::{change, create, id, record, revision, search, term},
};

/// Far more than it takes to give a database up.
const GENEROUS: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_restarted_is_used_again() {
    let Some(cluster) = postgres::own() else { return };
    let store = open(&cluster.database().await).await;
    assert_eq!(store.apply(create("a"), Vec::new()).await, Ok(()));
    assert_eq!(revision(&store, "a").await, 1);
    for round in 1..3 {
        cluster.end();
        cluster.begin().expect("it starts again");
        // Neither reading nor writing notices.
        assert_eq!(revision(&store, "a").await, round);
        assert_eq!(store.apply(change("a", round, record(&["a"])), Vec::new()).await, Ok(()));
        assert_eq!(store.search(&search(Vec::new())).await.expect("read").total, Some(1));
    }
    // What waits while the server is away is done when it is back.
    cluster.end();
    let waiting = store.apply(create("b"), Vec::new());
    let (written, read, begun) = tokio::join!(waiting, revision(&store, "a"), async {
        tokio::task::block_in_place(|| cluster.begin())
    });
    assert_eq!((written, read, begun), (Ok(()), 3, Ok(())));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_server_is_away_is_closed_all_the_same() {
    let Some(cluster) = postgres::own() else { return };
    let store = open(&cluster.database().await).await;
    assert_eq!(store.apply(create("a"), Vec::new()).await, Ok(()));
    assert_eq!(store.search(&search(Vec::new())).await.expect("read").total, Some(1));
    cluster.end();
    let read = store.search(&search(Vec::new())).await;
    assert_eq!(read.map(|found| found.total), Err(StoreError::Unavailable));
    timeout(GENEROUS, store.close()).await.expect("nobody waits for a server that is away");
}

#[test]
fn a_server_that_ends_after_its_database_says_so_once() {
    let Some(program) = program::path() else {
        println!("skipped: the program kmip-app is not built");
        return;
    };
    let Some(cluster) = postgres::own() else { return };
    let directory = Directory::make();
    let log = directory.path().join("log");
    let runtime = Runtime::new().expect("there is room for one");
    let url = format!("storage.url={}", runtime.block_on(cluster.database()));
    let server =
        Program::serve_logging(&program, &directory, &["--create-store", "--set", &url], &log);
    let server = server.unwrap_or_else(|_| panic!("{}", fs::read_to_string(&log).unwrap()));
    let before = fs::read_to_string(&log).expect("the log is there").lines().count();
    cluster.end();
    server.signal("TERM");
    let text = fs::read_to_string(&log).expect("the log is there");
    let said: Vec<&str> = text.lines().skip(before).collect();
    // Nothing was lost, so there may be nothing to say.
    assert!(said.len() <= 1 && !text.contains("sqlx"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_an_administrator_ends_are_replaced() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let store = open(&format!("{url}&application_name=to-be-ended")).await;
    let mut administrator = PgConnection::connect(&url).await.expect("the database is there");
    for number in 0..5 {
        sqlx::raw_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'to-be-ended'",
        )
        .execute(&mut administrator)
        .await
        .expect("it is allowed");
        let name = number.to_string();
        assert_eq!(store.apply(create(&name), Vec::new()).await, Ok(()));
        assert_eq!(revision(&store, &name).await, 1);
    }
    assert_eq!(store.count().await, Ok(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_which_nothing_is_heard_takes_place_once() {
    let Some(cluster) = postgres::own() else { return };
    let database = cluster.database().await;
    let proxy = Proxy::to(cluster.address()).await;
    let store =
        open(&database.replace(&cluster.address().to_string(), &proxy.address().to_string())).await;
    assert_eq!(store.apply(create("a"), Vec::new()).await, Ok(()));
    let mut expected = 1;
    for moment in [Break::BeforeCommit, Break::AfterCommit, Break::AfterCommit] {
        proxy.break_at(moment);
        let changed = change("a", expected, record(&["a"]));
        assert_eq!(store.apply(changed, Vec::new()).await, Ok(()), "{moment:?}");
        assert!(proxy.has_broken(), "{moment:?}");
        expected += 1;
        assert_eq!(revision(&store, "a").await, expected, "{moment:?}");
    }
    // Each is in the trail once.
    let mut snapshot = store.snapshot().await.expect("read");
    let blocks = snapshot.blocks(10).await.expect("read");
    let numbers: Vec<u64> = blocks.iter().map(|block| block.link.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    // What is refused is refused, whatever becomes of the connection.
    proxy.break_at(Break::AfterCommit);
    let (stale, written) = tokio::join!(
        store.apply(change("a", 1, record(&[])), Vec::new()),
        store.apply(create("b"), Vec::new()),
    );
    assert_eq!((stale, written), (Err(StoreError::Conflict), Ok(())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_changes_is_waited_for() {
    let Some(cluster) = postgres::own() else { return };
    let url = cluster.database().await;
    let store = open(&url).await;
    let mut administrator = PgConnection::connect(&url).await.expect("the database is there");
    let mut say = async |statement: &'static str| {
        for statement in [statement, "SELECT pg_reload_conf()"] {
            sqlx::raw_sql(statement).execute(&mut administrator).await.expect("it is allowed");
        }
    };
    say("ALTER SYSTEM SET default_transaction_read_only = on").await;
    let (written, ()) = tokio::join!(store.apply(create("a"), Vec::new()), async {
        say("ALTER SYSTEM SET default_transaction_read_only = off").await;
    });
    assert_eq!(written, Ok(()));
    assert_eq!(revision(&store, "a").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_refuses_of_one_is_done_for_the_others() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let store = open(&url).await;
    let mut administrator = PgConnection::connect(&url).await.expect("the database is there");
    sqlx::raw_sql("ALTER TABLE record ADD CHECK (policy <> 'evil')")
        .execute(&mut administrator)
        .await
        .expect("it is allowed");
    let mut evil = record(&[]);
    "evil".clone_into(&mut evil.columns.policy);
    let (first, refused, last) = tokio::join!(
        store.apply(create("a"), Vec::new()),
        store.apply(change("evil", 0, evil), Vec::new()),
        store.apply(create("b"), Vec::new()),
    );
    assert_eq!((first, refused, last), (Ok(()), Err(StoreError::Unavailable), Ok(())));
    assert_eq!(store.count().await, Ok(2));
}

#[tokio::test]
async fn hostile_text_is_a_value() {
    let Some(postgres) = postgres::shared() else { return };
    let store = open(&postgres.database().await).await;
    let name = "'); DROP TABLE record; --\0$1\u{1}0";
    let mut kept = record(&[name]);
    kept.columns.policy = format!("default{name}");
    assert_eq!(store.apply(change(name, 0, kept.clone()), Vec::new()).await, Ok(()));
    let loaded = store.load(&id(name)).await.expect("read").expect("it is there");
    assert_eq!(*loaded.value, kept);
    assert_eq!(revision(&store, "\0").await, 0);
    assert_eq!(store.apply(create("plain"), Vec::new()).await, Ok(()));
    let found = store.search(&search(vec![Condition::Term(term("plain"))])).await.expect("read");
    assert_eq!(found.items, [id("plain")]);
}

#[tokio::test]
async fn big_change_sets_are_written_in_pieces() {
    let Some(postgres) = postgres::shared() else { return };
    let store = open(&postgres.database().await).await;
    let mut big = record(&[]);
    big.terms = (0..40_000_u32)
        .map(|number| {
            let value = number.to_be_bytes().to_vec();
            kmip_ports::record::Term { attribute: 1, value }
        })
        .collect();
    let mut changes = change("a", 0, big.clone());
    for number in 0..1_500 {
        changes.put.extend(create(&format!("n{number}")).put);
    }
    changes.expect = (0..40_000)
        .map(|number| (id(&format!("e{number}")), kmip_ports::store::Revision(0)))
        .collect();
    assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    let loaded = store.load(&id("a")).await.expect("read").expect("it is there");
    assert_eq!(*loaded.value, big);
    assert_eq!(store.count().await, Ok(1_501));
}

#[tokio::test]
async fn the_certificate_of_the_database_is_verified() {
    let Some(cluster) = postgres::own() else { return };
    let _ = cluster.database().await;
    let authority = format!("sslrootcert={}", cluster.authority().display());
    let attempt = async |host: &str, parameters: &str| {
        PostgresRecords::open(&making(&cluster.url("postgres", host, parameters))).await
    };
    // Nobody vouches for it; it has another name; both are right.
    let unknown = attempt("localhost", "").await.expect_err("its authority is not known");
    assert!(matches!(unknown, PostgresOpenError::Unusable { .. }), "{unknown:?}");
    let elsewhere = attempt("127.0.0.1", &authority).await.expect_err("it has another name");
    assert!(matches!(elsewhere, PostgresOpenError::Unusable { .. }), "{elsewhere:?}");
    let store = attempt("localhost", &authority).await.expect("it is verified");
    store.close().await;
}
