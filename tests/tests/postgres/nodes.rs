//! Several nodes on one database.

use std::sync::Arc;

use kmip_ports::{
    maintenance::Maintenance as _,
    record::{Condition, RecordStore},
    store::{ChangeSet, Debit, Revision, StoreError},
};
use kmip_sql::PostgresRecords;
use kmip_testkit::HashNotary;
use kmip_tests::postgres;
use tokio::task::JoinSet;

use crate::{
    making, open_as,
    sample::{change, claim, create, id, record, revision, search, term},
};

/// How many clients each node has.
const CLIENTS: u32 = 8;

/// Opens two nodes on one new database.
async fn two_nodes(postgres: &postgres::Postgres) -> [Arc<PostgresRecords>; 2] {
    let url = postgres.database().await;
    let first = open_as(&url, "first").await;
    [Arc::new(first), Arc::new(open_as(&url, "second").await)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_writes_the_next_request_on_the_other_sees() {
    let Some(postgres) = postgres::shared() else { return };
    let [here, there] = two_nodes(&postgres).await;
    here.apply(create("a"), Vec::new()).await.expect("it is new");
    for number in 1..50 {
        assert_eq!(revision(&*there, "a").await, number);
        // It is kept by both now.
        assert_eq!(revision(&*here, "a").await, number);
        let mut next = record(&["a"]);
        next.sealed.bytes = number.to_be_bytes().to_vec();
        let (writer, reader) = if number % 2 == 0 { (&here, &there) } else { (&there, &here) };
        writer.apply(change("a", number, next.clone()), Vec::new()).await.expect("it is current");
        let seen = reader.load(&id("a")).await.expect("read").expect("it is there");
        assert_eq!(*seen.value, next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_two_nodes_is_lost() {
    const EACH: u32 = 20;
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    nodes[0].apply(create("shared"), Vec::new()).await.expect("it is new");
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS * 2 {
        let node = Arc::clone(&nodes[usize::from(number % 2 == 0)]);
        clients.spawn(async move {
            let mut done = 0;
            while done < EACH {
                let found = node.load(&id("shared")).await.expect("read").expect("it is there");
                let mut next = (*found.value).clone();
                // The key number counts, in the client's stead.
                next.sealed.key += 1;
                match node.apply(change("shared", found.revision.0, next), Vec::new()).await {
                    Ok(()) => done += 1,
                    refused => assert_eq!(refused, Err(StoreError::Conflict)),
                }
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("no client fails");
    }
    let last = nodes[1].load(&id("shared")).await.expect("read").expect("it is there");
    assert_eq!(last.value.sealed.key, 1 + CLIENTS * 2 * EACH);
    assert_eq!(last.revision, Revision(1 + u64::from(CLIENTS * 2 * EACH)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_two_nodes_want_has_one_winner() {
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    for round in 0..20 {
        let name = format!("name {round}");
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let node = Arc::clone(&nodes[usize::from(number % 2 == 0)]);
            let (name, own) = (name.clone(), format!("{round}-{number}"));
            clients.spawn(async move {
                let wanted = change(&own, 0, record(&[&name]));
                node.apply(wanted, vec![claim(&name, &own)]).await
            });
        }
        let verdicts = clients.join_all().await;
        let won = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        assert_eq!(won, 1, "{verdicts:?}");
        let others =
            |verdict: &&Result<(), StoreError>| matches!(verdict, Err(StoreError::Duplicate(_)));
        assert_eq!(verdicts.iter().filter(others).count(), verdicts.len() - 1, "{verdicts:?}");
        let holders = nodes[0].search(&search(vec![Condition::Term(term(&name))])).await;
        assert_eq!(holders.expect("read").total, Some(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identifier_that_two_nodes_put_is_put_once() {
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    for round in 0..20 {
        let name = format!("{round}");
        let (first, second) = tokio::join!(
            nodes[0].apply(create(&name), Vec::new()),
            nodes[1].apply(create(&name), Vec::new()),
        );
        let mut verdicts = [first, second];
        verdicts.sort_by_key(Result::is_err);
        assert_eq!(verdicts, [Ok(()), Err(StoreError::Conflict)]);
        assert_eq!(revision(&*nodes[0], &name).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_relied_upon_on_one_node_does_not_move_on_the_other() {
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    // Each changes one record and relies upon the other's; both cannot be right.
    for round in 0..40 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        nodes[0].apply(create(&a), Vec::new()).await.expect("it is new");
        nodes[0].apply(create(&b), Vec::new()).await.expect("it is new");
        let relying = |changed: &str, relied_upon: &str| ChangeSet {
            expect: vec![(id(relied_upon), Revision(1))],
            ..change(changed, 1, record(&[]))
        };
        let (first, second) = tokio::join!(
            nodes[0].apply(relying(&a, &b), Vec::new()),
            nodes[1].apply(relying(&b, &a), Vec::new()),
        );
        let mut verdicts = [first, second];
        verdicts.sort_by_key(Result::is_err);
        assert_eq!(verdicts, [Ok(()), Err(StoreError::Conflict)], "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_is_that_of_the_first_puts_of_all_nodes() {
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for (name, node) in names.iter().zip(nodes.iter().cycle()) {
        node.apply(create(name), Vec::new()).await.expect("it is new");
    }
    let found = nodes[0].search(&search(Vec::new())).await.expect("read");
    assert_eq!(found.items, names.iter().rev().map(|name| id(name)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_nodes_take_from_a_limit_adds_up() {
    const TOTAL: i64 = 50;
    let Some(postgres) = postgres::shared() else { return };
    let nodes = two_nodes(&postgres).await;
    nodes[0].apply(create("a"), Vec::new()).await.expect("it is new");
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let node = Arc::clone(&nodes[usize::from(number % 2 == 0)]);
        clients.spawn(async move {
            let mut taken = 0;
            loop {
                let debit = Debit { identifier: id("a"), amount: 1, total: TOTAL, spent: 0 };
                let changes = ChangeSet { debits: vec![debit], ..ChangeSet::default() };
                match node.apply(changes, Vec::new()).await {
                    Ok(()) => taken += 1,
                    refused => {
                        assert_eq!(refused, Err(StoreError::Exhausted));
                        return taken;
                    }
                }
            }
        });
    }
    assert_eq!(clients.join_all().await.into_iter().sum::<i64>(), TOTAL);
    for node in &nodes {
        let found = node.load(&id("a")).await.expect("read").expect("it is there");
        assert_eq!((found.value.spent.amount, found.revision), (TOTAL, Revision(1)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_at_a_time_writes_under_a_name() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.database().await;
    let first = open_as(&url, "a").await;
    let second = PostgresRecords::open(&making(&url)).await.expect("the database is there");
    let notary = || Arc::new(HashNotary::of("a"));
    assert_eq!(second.begin(notary()).await, Err(StoreError::Unavailable));
    assert_eq!(first.apply(create("a"), Vec::new()).await, Ok(()));
    first.close().await;
    assert_eq!(second.begin(notary()).await, Ok(()));
    assert_eq!(second.apply(create("b"), Vec::new()).await, Ok(()));
    let mut snapshot = second.snapshot().await.expect("read");
    let blocks = snapshot.blocks(10).await.expect("read");
    let numbers: Vec<u64> = blocks.iter().map(|block| block.link.number).collect();
    assert_eq!(numbers, [1, 2], "the chain goes on");
}
