//! How SQLite carries out what is asked: by which index, and what it would have to sort.

use kmip_model::{DateTime, enumeration::State};
use kmip_ports::record::{Condition, Term};

use super::{
    tests::{by_alice, create, memory, record},
    *,
};
use crate::{branches::Dates, search::Search};

#[tokio::test]
async fn searches_use_indexes_and_do_not_sort() {
    let store = memory().await;
    let term = |value: &str| Condition::Term(Term { attribute: 1, value: value.into() });
    let live = |conditions| [vec![Condition::Destroyed(false)], conditions].concat();
    let (algorithm, mask) = (Condition::Algorithm(3), Condition::UsageMask(4));
    for (conditions, expected) in [
        (vec![term("a")], &["term_by_value"][..]),
        (vec![term("a"), term("b"), Condition::ObjectType(2)], &["term_by_value"]),
        (live(vec![]), &["record_own_in_order", "record_of_type_in_order"]),
        (live(vec![Condition::ObjectType(2)]), &["record_own_by_state"]),
        (live(vec![Condition::ObjectType(3)]), &["record_open_by_state"]),
        (live(vec![algorithm, mask]), &["record_own_by_algorithm", "record_open_by_algorithm"]),
        (vec![Condition::Identifier(UniqueIdentifier::new("a"))], &["sqlite_autoindex_record_1"]),
    ] {
        let search = Search::new(&by_alice(conditions.clone()), Manner::Joined, Dates::Few)
            .expect("visible");
        let page = store.lookup.plan(&search.page).await;
        for index in expected {
            assert!(page.iter().any(|step| step.contains(index)), "{conditions:?}: {page:#?}");
        }
        let sorts = page.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorts, "{conditions:?}: {page:#?}");
    }
}

#[tokio::test]
async fn every_part_of_a_search_has_an_index_of_its_own() {
    let store = memory().await;
    let state = Condition::State { state: 2, now: DateTime(5) };
    let (algorithm, mask) = (Condition::Algorithm(3), Condition::UsageMask(4));
    let date = Condition::InitialDate(DateTime(1), DateTime(2));
    let due = ["record_own_by_next_change", "record_open_by_next_change"];
    let by_state = ["record_own_by_state", "record_open_by_state"];
    let by_algorithm = ["record_own_by_algorithm", "record_open_by_algorithm"];
    let by_date = ["record_own_by_date", "record_open_by_date"];
    for (conditions, dates, expected) in [
        (vec![state.clone()], Dates::Few, [by_state, due].concat()),
        (vec![state.clone(), algorithm, mask], Dates::Few, [by_algorithm, due].concat()),
        (vec![date.clone()], Dates::Few, by_date.to_vec()),
        (vec![date.clone(), state.clone()], Dates::Few, by_date.to_vec()),
        (vec![date, state], Dates::Many, [by_state, due].concat()),
    ] {
        let conditions = [vec![Condition::Destroyed(false)], conditions].concat();
        let search =
            Search::new(&by_alice(conditions.clone()), Manner::Joined, dates).expect("visible");
        for statement in [&search.page, &search.count] {
            let steps = store.lookup.plan(statement).await;
            let reads = steps.iter().filter(|step| {
                ["SEARCH record", "SCAN record"].iter().any(|start| step.starts_with(start))
            });
            let used: Vec<&str> = reads
                .map(|step| {
                    let index = step.split("INDEX ").nth(1).unwrap_or_default();
                    index.split(' ').next().unwrap_or_default()
                })
                .collect();
            assert!(used.iter().all(|it| expected.contains(it)), "{conditions:?}: {steps:#?}");
            assert!(expected.iter().all(|it| used.contains(it)), "{conditions:?}: {steps:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_counted_is_in_the_index() {
    let store = memory().await;
    let state = Condition::State { state: 2, now: DateTime(5) };
    for conditions in [
        vec![],
        vec![state.clone()],
        vec![Condition::Algorithm(3), Condition::UsageMask(4), state],
        vec![Condition::InitialDate(DateTime(1), DateTime(2))],
    ] {
        let conditions = [vec![Condition::Destroyed(false)], conditions].concat();
        let search = Search::new(&by_alice(conditions.clone()), Manner::Joined, Dates::Few)
            .expect("visible");
        let steps = store.lookup.plan(&search.count).await;
        // Those whose date has come are few: each search brings them up to date.
        let looks = |step: &&String| {
            step.starts_with("SEARCH record")
                && !step.contains("COVERING")
                && !step.contains("next_change")
        };
        assert_eq!(steps.iter().find(looks), None, "{conditions:?}: {steps:#?}");
    }
}

/// Sorting a million records to count them takes 50 MiB, and each connection keeps what it once had.
#[tokio::test]
async fn counting_by_state_sorts_nothing() {
    let store = memory().await;
    for (name, state) in [("a", Some(1)), ("b", Some(3)), ("c", None), ("d", Some(3))] {
        let mut changes = create(name, "alice");
        let mut record = record(&[]);
        record.columns.state = state;
        changes.put[0].1.value = Arc::new(record);
        assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    }
    let expected = [(Some(State::PreActive), 1), (Some(State::Deactivated), 2), (None, 1)];
    assert_eq!(store.objects().await, Ok(expected.to_vec()));
    let steps = store.lookup.plan(&figures::count_by_state()).await;
    let expected = |step: &String| step.contains("COVERING INDEX") && !step.contains("TEMP");
    assert!(steps.iter().all(expected), "{steps:#?}");
}
