//! The promises of [`RecordStore::search`]. What is found is compared with a list or with the same
//! rule applied here to one record at a time.

use kmip_model::{DateTime, UniqueIdentifier, enumeration::ObjectType, policy::Visibility};
use kmip_ports::{
    record::{Columns, Condition, Record, RecordStore, Term, TermQuery},
    store::Page,
};

use super::sample::{
    CERTIFICATE, KEY, NAME, apply, everything, found, identifier, name_term, named, put, record,
};

/// Checks every promise of a search, each on a store that `fresh` makes.
pub async fn every_promise<S: RecordStore>(fresh: impl AsyncFn() -> S) {
    search_finds_by_each_condition(&fresh().await).await;
    search_needs_every_condition(&fresh().await).await;
    search_by_state_adds_what_may_have_changed(&fresh().await).await;
    search_returns_newest_first(&fresh().await).await;
    search_skips_and_stops_and_counts_all(&fresh().await).await;
    search_shows_what_is_visible(&fresh().await).await;
}

/// Each condition finds exactly the records that meet it.
pub async fn search_finds_by_each_condition(store: &dyn RecordStore) {
    let mut odd = named(record("bob", CERTIFICATE), &["odd", "both"]);
    odd.columns.state = Some(3);
    odd.columns.initial_date = DateTime(2_000);
    odd.columns.algorithm = Some(4);
    odd.columns.length = Some(2048);
    odd.columns.usage_mask = Some(0b0110);
    odd.columns.destroyed = true;
    let mut even = named(record("alice", KEY), &["even", "both"]);
    even.columns.algorithm = Some(3);
    even.columns.length = Some(256);
    even.columns.usage_mask = Some(0b1100);
    let mut bare = record("alice", KEY);
    bare.columns.state = None;
    bare.columns.initial_date = DateTime(1_500);
    let puts = vec![put("odd", 0, odd), put("even", 0, even), put("bare", 0, bare)];
    assert_eq!(apply(store, puts).await, Ok(()));
    let now = DateTime(0);
    let other = Term { attribute: NAME.saturating_add(1), value: b"odd".to_vec() };
    for (condition, expected) in [
        (Condition::Identifier(identifier("odd")), vec!["odd"]),
        (Condition::Identifier(identifier("ODD")), vec![]),
        (Condition::Owner("bob".to_owned()), vec!["odd"]),
        (Condition::ObjectType(CERTIFICATE), vec!["odd"]),
        (Condition::ObjectType(KEY), vec!["bare", "even"]),
        (Condition::State { state: 3, now }, vec!["odd"]),
        (Condition::State { state: 2, now }, vec!["even"]),
        (Condition::Algorithm(4), vec!["odd"]),
        (Condition::Algorithm(5), vec![]),
        (Condition::Length(256), vec!["even"]),
        (Condition::UsageMask(0b0100), vec!["even", "odd"]),
        (Condition::UsageMask(0b1100), vec!["even"]),
        (Condition::UsageMask(0b0001), vec![]),
        (Condition::InitialDate(DateTime(1_500), DateTime(2_000)), vec!["bare", "odd"]),
        (Condition::InitialDate(DateTime(1_000), DateTime(1_000)), vec!["even"]),
        (Condition::InitialDate(DateTime(1_001), DateTime(1_499)), vec![]),
        (Condition::Term(name_term("odd")), vec!["odd"]),
        (Condition::Term(name_term("both")), vec!["even", "odd"]),
        (Condition::Term(name_term("od")), vec![]),
        (Condition::Term(other), vec![]),
        (Condition::Destroyed(true), vec!["odd"]),
        (Condition::Destroyed(false), vec!["bare", "even"]),
    ] {
        assert_eq!(found(store, vec![condition.clone()]).await, expected, "{condition:?}");
    }
}

/// Conditions add up, also several of one kind.
pub async fn search_needs_every_condition(store: &dyn RecordStore) {
    let puts = vec![
        put("a", 0, named(record("alice", KEY), &["x", "y"])),
        put("b", 0, named(record("alice", KEY), &["x"])),
        put("c", 0, named(record("alice", CERTIFICATE), &["x", "y"])),
    ];
    assert_eq!(apply(store, puts).await, Ok(()));
    let (x, y) = (Condition::Term(name_term("x")), Condition::Term(name_term("y")));
    let key = Condition::ObjectType(KEY);
    let certificate = Condition::ObjectType(CERTIFICATE);
    assert_eq!(found(store, vec![x.clone(), y.clone()]).await, ["c", "a"]);
    assert_eq!(found(store, vec![y.clone(), key.clone(), x.clone()]).await, ["a"]);
    assert_eq!(found(store, vec![x, key.clone()]).await, ["b", "a"]);
    assert_eq!(found(store, vec![key, certificate]).await, [""; 0]);
}

/// A record whose state may have changed by now is found for every state, and as it was stored for
/// the one in which it was stored; it is also found by that its date has come.
pub async fn search_by_state_adds_what_may_have_changed(store: &dyn RecordStore) {
    let changing = |state, at| {
        let mut changing = record("alice", KEY);
        changing.columns.state = state;
        changing.columns.next_change_at = at;
        changing
    };
    let puts = vec![
        put("steady", 0, changing(Some(2), None)),
        put("later", 0, changing(Some(2), Some(DateTime(101)))),
        put("due", 0, changing(Some(1), Some(DateTime(100)))),
        put("overdue", 0, changing(Some(2), Some(DateTime(99)))),
        put("other", 0, changing(Some(1), Some(DateTime(101)))),
        put("none", 0, changing(None, None)),
    ];
    assert_eq!(apply(store, puts).await, Ok(()));
    let state = |state| vec![Condition::State { state, now: DateTime(100) }];
    assert_eq!(found(store, state(2)).await, ["overdue", "due", "later", "steady"]);
    assert_eq!(found(store, state(1)).await, ["other", "overdue", "due"]);
    assert_eq!(found(store, state(3)).await, ["overdue", "due"]);
    let stored = |state| vec![Condition::StoredState(state)];
    assert_eq!(found(store, stored(2)).await, ["overdue", "later", "steady"]);
    assert_eq!(found(store, stored(1)).await, ["other", "due"]);
    assert_eq!(found(store, stored(3)).await, [""; 0]);
    let due = |now| Condition::Due(DateTime(now));
    assert_eq!(found(store, vec![due(100)]).await, ["overdue", "due"]);
    assert_eq!(found(store, vec![due(98)]).await, [""; 0]);
    let both = vec![Condition::StoredState(2), due(101)];
    assert_eq!(found(store, both).await, ["overdue", "later"]);
}

/// The order is that of the first put; a change does not move a record.
pub async fn search_returns_newest_first(store: &dyn RecordStore) {
    for name in ["m", "z", "a"] {
        assert_eq!(
            apply(store, vec![put(name, 0, named(record("alice", KEY), &["n"]))]).await,
            Ok(())
        );
    }
    assert_eq!(apply(store, vec![put("m", 1, named(record("alice", KEY), &["n"]))]).await, Ok(()));
    assert_eq!(found(store, vec![]).await, ["a", "z", "m"]);
    assert_eq!(found(store, vec![Condition::Term(name_term("n"))]).await, ["a", "z", "m"]);
}

/// Offset and maximum cut the answer, and the total does not change.
pub async fn search_skips_and_stops_and_counts_all(store: &dyn RecordStore) {
    let puts =
        ["a", "b", "c", "d", "e"].map(|name| put(name, 0, named(record("alice", KEY), &["n"])));
    assert_eq!(apply(store, puts.into()).await, Ok(()));
    assert_eq!(apply(store, vec![put("other", 0, record("alice", CERTIFICATE))]).await, Ok(()));
    for condition in [Condition::ObjectType(KEY), Condition::Term(name_term("n"))] {
        for (offset, maximum, expected) in [
            (0, None, vec!["e", "d", "c", "b", "a"]),
            (0, Some(2), vec!["e", "d"]),
            (0, Some(5), vec!["e", "d", "c", "b", "a"]),
            (0, Some(u64::MAX), vec!["e", "d", "c", "b", "a"]),
            (0, Some(0), vec![]),
            (2, None, vec!["c", "b", "a"]),
            (2, Some(2), vec!["c", "b"]),
            (4, Some(2), vec!["a"]),
            (5, Some(2), vec![]),
            (u64::MAX, None, vec![]),
        ] {
            let query =
                TermQuery { conditions: vec![condition.clone()], offset, maximum, ..everything() };
            let page = store.search(&query).await;
            let items = expected.into_iter().map(identifier).collect();
            assert_eq!(page, Ok(Page { items, total: Some(5) }), "{offset} {maximum:?}");
        }
    }
}

/// Only what the policy shows this user is found, counted and skipped.
pub async fn search_shows_what_is_visible(store: &dyn RecordStore) {
    let all = [
        ("own key", "alice", KEY, "default"),
        ("other's key", "bob", KEY, "default"),
        ("other's certificate", "bob", CERTIFICATE, "default"),
        ("own secret key", "alice", KEY, "secret"),
        ("other's secret key", "bob", KEY, "secret"),
        ("other's open key", "bob", KEY, "open"),
    ]
    .map(|(name, owner, object_type, policy)| {
        let mut record = named(record(owner, object_type), &["n"]);
        policy.clone_into(&mut record.columns.policy);
        (name, record)
    });
    let puts = all.iter().map(|(name, record)| put(name, 0, record.clone())).collect();
    assert_eq!(apply(store, puts).await, Ok(()));
    let list = |list: &[(&str, u32)]| -> Vec<(String, ObjectType)> {
        list.iter().map(|(policy, kind)| ((*policy).to_owned(), ObjectType(*kind))).collect()
    };
    for (of_anybody, own) in [
        (list(&[]), list(&[])),
        (list(&[("default", CERTIFICATE)]), list(&[("default", KEY)])),
        (list(&[("open", KEY), ("default", CERTIFICATE)]), list(&[("secret", KEY)])),
        (list(&[]), list(&[("default", KEY), ("default", CERTIFICATE)])),
        (list(&[("default", KEY)]), list(&[("default", KEY)])),
        (list(&[("none", KEY)]), list(&[])),
    ] {
        let visible = Visibility { user: "alice".to_owned(), of_anybody, own };
        for (asked, term) in [(None, None), (Some(KEY), None), (Some(CERTIFICATE), Some("n"))] {
            let items = shown(&all, &visible, asked);
            let total = u64::try_from(items.len()).ok();
            let conditions = asked.map(Condition::ObjectType).into_iter();
            let conditions =
                conditions.chain(term.map(|name| Condition::Term(name_term(name)))).collect();
            let query = TermQuery { conditions, visible: visible.clone(), ..everything() };
            assert_eq!(store.search(&query).await, Ok(Page { items, total }), "{query:?}");
        }
    }
}

/// Works out what a search for one type, or for all, has to find; newest first.
fn shown(
    all: &[(&str, Record)],
    visible: &Visibility,
    asked: Option<u32>,
) -> Vec<UniqueIdentifier> {
    all.iter()
        .rev()
        .map(|(name, record)| (name, &record.columns))
        .filter(|(_, columns)| asked.is_none_or(|kind| kind == columns.object_type))
        .filter(|(_, Columns { policy, object_type, owner, .. })| {
            visible.includes(policy, ObjectType(*object_type), owner)
        })
        .map(|(name, _)| identifier(name))
        .collect()
}
