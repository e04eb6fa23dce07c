//! Whose a database is, and which schema it has.

use std::time::Duration;

use kmip_ports::{record::RecordStore as _, store::StoreError};
use kmip_sql::{PostgresOpenError, PostgresRecords};
use kmip_tests::postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::time::timeout;

use crate::{
    making, open, open_as, options,
    sample::{change, create, id, record},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Puts the tables back to what they were before the schema said what is needed.
const PUT_BACK: &str =
    "ALTER TABLE kmip_schema DROP COLUMN needed; UPDATE kmip_schema SET version = 2";

async fn run(url: &str, statement: impl Into<String>) {
    let mut connection = PgConnection::connect(url).await.expect("the database is there");
    sqlx::raw_sql(AssertSqlSafe(statement.into()))
        .execute(&mut connection)
        .await
        .expect("it is valid");
    connection.close().await.expect("it closes");
}

async fn refusal(url: &str) -> PostgresOpenError {
    PostgresRecords::open(&making(url)).await.expect_err("it is refused")
}

#[tokio::test]
async fn an_empty_database_is_refused_unless_tables_are_to_be_made() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let refused = PostgresRecords::open(&options(&url)).await.expect_err("it is refused");
    assert!(matches!(refused, PostgresOpenError::Missing { .. }), "{refused:?}");
    let mut connection = PgConnection::connect(&url).await.expect("the database is there");
    let tables = sqlx::query("SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()")
        .fetch_one(&mut connection)
        .await
        .expect("it is valid");
    assert_eq!(tables.get::<i64, _>(0), 0, "nothing is left behind");
    open(&url).await.close().await;
    PostgresRecords::open(&options(&url)).await.expect("now it is there").close().await;
}

#[tokio::test]
async fn a_database_is_looked_at_and_left_alone() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let looked = PostgresRecords::inspect(&making(&url), "node").await.expect_err("it is empty");
    assert!(matches!(looked, PostgresOpenError::Missing { .. }), "{looked:?}");
    open(&url).await.close().await;
    let found = PostgresRecords::inspect(&options(&url), "node").await.expect("it is there");
    assert_eq!((found.schema, &found.keys[..], found.newest_event), (found.known, &[][..], None));
    run(&url, "UPDATE kmip_schema SET version = 1").await;
    let found = PostgresRecords::inspect(&options(&url), "node").await.expect("it is there");
    assert_eq!(found.schema, 1, "nothing is migrated");
    run(&url, "UPDATE kmip_schema SET version = 99").await;
    let found = PostgresRecords::inspect(&options(&url), "node").await.expect("it may be used");
    assert_eq!(found.schema, 99);
    run(&url, "UPDATE kmip_schema SET needed = 99").await;
    let looked = PostgresRecords::inspect(&options(&url), "node").await.expect_err("it is newer");
    assert!(matches!(looked, PostgresOpenError::Newer { found: 99, .. }), "{looked:?}");
}

#[tokio::test]
async fn a_later_schema_is_refused_and_left_alone() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    open(&url).await.close().await;
    run(&url, "UPDATE kmip_schema SET version = 99, needed = 99").await;
    let refused = refusal(&url).await;
    assert!(matches!(refused, PostgresOpenError::Newer { found: 99, .. }), "{refused:?}");
    assert!(refused.to_string().contains("run the program that wrote it"), "{refused}");
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let Some(postgres) = postgres::shared() else { return };
    for statement in [
        "CREATE TABLE record (a INTEGER)",
        "CREATE TABLE kmip_schema (a INTEGER)",
        "CREATE TABLE kmip_schema (application TEXT, version BIGINT)",
        "CREATE TABLE kmip_schema (application TEXT, version BIGINT); \
         INSERT INTO kmip_schema VALUES ('another', 1)",
    ] {
        let url = postgres.database().await;
        run(&url, statement).await;
        let refused = refusal(&url).await;
        assert!(matches!(refused, PostgresOpenError::Foreign { .. }), "{statement}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_one_schema() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let nodes = tokio::join!(open_as(&url, "a"), open_as(&url, "b"), open_as(&url, "c"));
    assert_eq!(nodes.0.count().await, Ok(0));
    nodes.0.close().await;
    nodes.1.close().await;
    nodes.2.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_writes_no_more_when_a_later_program_has_changed_the_schema() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let node = open(&url).await;
    node.apply(create("a"), Vec::new()).await.expect("it is new");
    assert!(!node.is_outdated());
    run(&url, "UPDATE kmip_schema SET version = 99, needed = 99").await;
    let late = node.apply(create("b"), Vec::new()).await;
    assert_eq!(late, Err(StoreError::Unavailable));
    timeout(PATIENCE, node.outdated()).await.expect("it is told");
    assert!(node.is_outdated());
    // What it may do again it does only after another start.
    run(&url, "UPDATE kmip_schema SET needed = 1").await;
    assert_eq!(node.apply(create("c"), Vec::new()).await, Err(StoreError::Unavailable));
    assert_eq!(node.count().await, Ok(1));
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_writes_no_more_when_the_schema_was_put_back() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let node = open(&url).await;
    run(&url, "UPDATE kmip_schema SET version = version - 1").await;
    assert_eq!(node.apply(create("a"), Vec::new()).await, Err(StoreError::Unavailable));
    assert!(node.is_outdated());
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_goes_on_beside_a_later_schema_and_leaves_alone_what_it_does_not_know() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let node = open(&url).await;
    for name in ["a", "b"] {
        node.apply(create(name), Vec::new()).await.expect("it is new");
    }
    let later = "BEGIN; LOCK TABLE kmip_schema IN ACCESS EXCLUSIVE MODE; \
         ALTER TABLE record ADD COLUMN later TEXT NOT NULL DEFAULT 'none'; \
         CREATE TABLE later (a BIGINT); CREATE INDEX record_by_later ON record (later); \
         UPDATE record SET later = 'kept'; UPDATE kmip_schema SET version = 99; COMMIT";
    run(&url, later).await;
    let mut next = record(&["renamed"]);
    next.sealed.bytes = b"another".to_vec();
    node.apply(change("a", 1, next.clone()), Vec::new()).await.expect("it is current");
    node.apply(create("c"), Vec::new()).await.expect("it is new");
    node.close().await;
    // It may also be started there: that is the way back.
    let node = PostgresRecords::open(&options(&url)).await.expect("it may work there");
    let loaded = node.load(&id("a")).await.expect("read").expect("it is there");
    assert_eq!(loaded.value.sealed, next.sealed);
    node.close().await;
    let mut connection = PgConnection::connect(&url).await.expect("the database is there");
    let rows = sqlx::query("SELECT later FROM record ORDER BY identifier")
        .fetch_all(&mut connection)
        .await
        .expect("it is valid");
    let kept: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, ["kept", "kept", "none"]);
    let version = sqlx::query("SELECT version FROM kmip_schema");
    let version = version.fetch_one(&mut connection).await.expect("it is valid");
    assert_eq!(version.get::<i64, _>(0), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_migrates_waits_for_those_who_write() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let node = open(&url).await;
    node.apply(create("a"), Vec::new()).await.expect("it is new");
    node.close().await;
    run(&url, PUT_BACK).await;
    // As a node of the program that comes next does it in every transaction.
    let mut writing = PgConnection::connect(&url).await.expect("the database is there");
    let begin = sqlx::raw_sql("BEGIN; SELECT version FROM kmip_schema");
    begin.execute(&mut writing).await.expect("it is valid");
    let url_of_other = url.clone();
    let migrating = tokio::spawn(async move { open_as(&url_of_other, "migrating").await });
    let mut watching = PgConnection::connect(&url).await.expect("the database is there");
    timeout(PATIENCE, async {
        loop {
            let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted \
                 AND mode = 'AccessExclusiveLock' AND relation = 'kmip_schema'::regclass";
            let row = sqlx::query(waits).fetch_one(&mut watching).await.expect("it is valid");
            if row.get::<i64, _>(0) == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it waits");
    assert!(!migrating.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut writing).await.expect("it is valid");
    let node = timeout(PATIENCE, migrating).await.expect("it goes on").expect("it opens");
    node.apply(create("b"), Vec::new()).await.expect("it is new");
    assert_eq!(node.count().await, Ok(2));
    node.close().await;
}

#[tokio::test]
async fn a_database_that_cannot_keep_every_text_is_refused() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let latin1 = format!("kmip_latin1_{}", std::process::id());
    let create =
        format!("CREATE DATABASE {latin1} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    run(&url, create).await;
    let refused = refusal(&format!("{url}&dbname={latin1}")).await;
    assert!(matches!(refused, PostgresOpenError::Unsuitable { .. }), "{refused:?}");
    run(&url, format!("DROP DATABASE {latin1} WITH (FORCE)")).await;
}
