//! How much a search reads: what it finds and counts, not what else there is.
//!
//! PostgreSQL counts what each connection has read, and adds it up when the connection ends.

use std::time::Duration;

use kmip_model::{DateTime, enumeration::ObjectType, policy::Visibility};
use kmip_ports::{
    record::{Condition, Record, RecordStore as _, TermQuery},
    store::{ChangeSet, Page},
};
use kmip_tests::postgres;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time;

use crate::{
    open,
    sample::{change, id, record, term},
};

/// How many records there are of the common kind.
const MANY: u64 = 3_000;

/// How often each search is asked: more often than a plan is tried for its values.
const TIMES: i64 = 8;

/// How many entries of indexes and rows a search may read besides what it finds.
const BESIDES: i64 = 20;

/// What has been read from the tables of records and terms.
const READ: &str = "SELECT (SELECT COALESCE(SUM(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes \
     WHERE relname IN ('record', 'term')) + \
     (SELECT COALESCE(SUM(seq_tup_read), 0)::bigint FROM pg_stat_user_tables \
     WHERE relname IN ('record', 'term'))";

/// How many of our connections there are.
const CONNECTIONS: &str = "SELECT COUNT(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = 'kmip-app'";

async fn number(connection: &mut PgConnection, query: &'static str) -> i64 {
    sqlx::query(query).fetch_one(connection).await.expect("it is valid").get(0)
}

/// Reads the count when all connections have ended.
async fn read(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("the database is there");
    let ended = async { while number(&mut connection, CONNECTIONS).await > 0 {} };
    time::timeout(Duration::from_secs(30), ended).await.expect("connections end");
    let read = number(&mut connection, READ).await;
    connection.close().await.expect("it closes");
    read
}

/// Makes many records of one kind, and before them one of a rare kind.
fn population() -> ChangeSet<Record> {
    let mut rare = record(&["rare"]);
    (rare.columns.state, rare.columns.algorithm) = (Some(4), Some(2));
    rare.columns.initial_date = DateTime(1);
    rare.columns.next_change_at = Some(DateTime(50));
    let mut changes = change("rare", 0, rare);
    for number in 0..MANY {
        let name = number.to_string();
        let mut common = record(&[&name]);
        common.columns.object_type = if number.is_multiple_of(2) { 2 } else { 3 };
        changes.put.extend(change(&name, 0, common).put);
    }
    changes
}

fn query(conditions: &[Condition], maximum: u64) -> TermQuery {
    let listed = |object_type| vec![("default".to_owned(), ObjectType(object_type))];
    TermQuery {
        conditions: [&[Condition::Destroyed(false)], conditions].concat(),
        visible: Visibility { user: "alice".to_owned(), of_anybody: listed(3), own: listed(2) },
        offset: 0,
        maximum: Some(maximum),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_reads_what_it_finds_and_not_what_else_there_is() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    // Whatever is planned before anything is there must find what comes later.
    let store = open(&url).await;
    let (state, algorithm) = (Condition::StoredState(4), Condition::Algorithm(2));
    let searches = [
        vec![state.clone()],
        vec![state.clone(), Condition::UsageMask(4)],
        vec![algorithm.clone()],
        vec![state, algorithm],
        vec![Condition::State { state: 3, now: DateTime(60) }],
        vec![Condition::Due(DateTime(60))],
        vec![Condition::InitialDate(DateTime(1), DateTime(9))],
        vec![Condition::InitialDate(DateTime(1), DateTime(9)), Condition::Algorithm(2)],
        vec![Condition::Term(term("rare"))],
        vec![Condition::Identifier(id("rare"))],
    ];
    let found = |total| Page { items: vec![id("rare")], total: Some(total) };
    for conditions in &searches {
        for _ in 0..TIMES {
            let none = store.search(&query(conditions, 1)).await.expect("read");
            assert_eq!(none, Page { items: Vec::new(), total: Some(0) });
        }
    }
    assert_eq!(store.apply(population(), Vec::new()).await, Ok(()));
    for conditions in &searches {
        for _ in 0..TIMES {
            assert_eq!(store.search(&query(conditions, 1)).await, Ok(found(1)), "{conditions:?}");
        }
    }
    store.close().await;
    for conditions in &searches {
        let before = read(&url).await;
        let store = open(&url).await;
        for _ in 0..TIMES {
            assert_eq!(store.search(&query(conditions, 1)).await, Ok(found(1)), "{conditions:?}");
        }
        store.close().await;
        let each = (read(&url).await - before) / TIMES;
        assert!(each <= BESIDES, "{each} for {conditions:?}");
    }
}
