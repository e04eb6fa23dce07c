//! Whose a database is, and which schema it has.

use kmip_sql::{PostgresOpenError, PostgresRecords};
use kmip_tests::postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::{making, open, open_as, options};

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
    let looked = PostgresRecords::inspect(&options(&url), "node").await.expect_err("it is newer");
    assert!(matches!(looked, PostgresOpenError::Newer { found: 99, .. }), "{looked:?}");
}

#[tokio::test]
async fn a_later_schema_is_refused_and_left_alone() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    open(&url).await.close().await;
    run(&url, "UPDATE kmip_schema SET version = 99").await;
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
