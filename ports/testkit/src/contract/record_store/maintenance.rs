//! The promises of [`Maintenance`], and of the audit trail that only it reads.

#![expect(clippy::indexing_slicing, reason = "who does not keep a promise may as well panic")]

use kmip_model::DateTime;
use kmip_ports::{
    audit::{Anchor, AuditBlock, Durability, Link},
    maintenance::{Entry, Maintenance, Part, Resealed, Snapshot},
    record::{Condition, DataKeys, Record, RecordStore, Sealed, WrappedKey},
    store::{ChangeSet, Page, Revision, StoreError},
};

use crate::sha256::sha256;

use super::sample::{
    CERTIFICATE, KEY, apply, debit, event, identifier, load, name_term, named, notary, put, record,
    wrapped_key,
};

/// Checks every promise, each on a store that `fresh` makes.
pub async fn every_promise<S: RecordStore + DataKeys + Maintenance>(fresh: &impl AsyncFn() -> S) {
    events_are_chained_in_order(&fresh().await).await;
    what_is_refused_leaves_no_event(&fresh().await).await;
    a_snapshot_stays_as_it_was(&fresh().await).await;
    a_list_has_what_meets_all_conditions(&fresh().await).await;
    what_is_sealed_anew_keeps_its_revision(&fresh().await).await;
    a_pruned_chain_goes_on(&fresh().await).await;
    what_is_restored_is_what_it_was(&fresh().await, &fresh().await).await;
}

/// Reads all of a snapshot, a little at a time.
async fn whole(
    store: &dyn Maintenance,
) -> (Vec<Entry>, Vec<AuditBlock>, Vec<Anchor>, Vec<WrappedKey>) {
    let mut snapshot = store.snapshot().await.expect("the store is there");
    let (records, blocks) = rest(&mut *snapshot).await;
    let anchors = snapshot.anchors().await.expect("the store is there");
    let keys = snapshot.keys().await.expect("the store is there");
    (records, blocks, anchors, keys)
}

async fn rest(snapshot: &mut dyn Snapshot) -> (Vec<Entry>, Vec<AuditBlock>) {
    let (mut records, mut blocks) = (Vec::new(), Vec::new());
    loop {
        let some = snapshot.records(2).await.expect("the store is there");
        assert!(some.len() <= 2);
        if some.is_empty() {
            break;
        }
        records.extend(some);
    }
    loop {
        let some = snapshot.blocks(2).await.expect("the store is there");
        assert!(some.len() <= 2);
        if some.is_empty() {
            break;
        }
        blocks.extend(some);
    }
    (records, blocks)
}

/// The number of events in each block, after checking that each follows the one before.
fn chained(blocks: &[AuditBlock]) -> Vec<u32> {
    let numbers: Vec<u64> = blocks.iter().map(|block| block.link.number).collect();
    let expected: Vec<u64> = (1..).take(blocks.len()).collect();
    assert_eq!(numbers, expected);
    assert!(blocks.iter().all(|block| block.node == "here"));
    blocks.iter().map(|block| block.events).collect()
}

/// What is noted is in the chain with what is changed, in the order in which it came.
pub async fn events_are_chained_in_order<S: RecordStore + Maintenance>(store: &S) {
    let note = |name| store.note(vec![event(name), event(name)], Durability::Durable);
    assert_eq!(note("first").await, Ok(()));
    let changes = ChangeSet {
        put: vec![put("a", 0, record("alice", KEY))],
        audit: vec![event("second")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    assert_eq!(store.note(vec![event("third")], Durability::Queued).await, Ok(()));
    assert_eq!(note("fourth").await, Ok(()));
    let (_, blocks, ..) = whole(store).await;
    assert_eq!(chained(&blocks).iter().sum::<u32>(), 6);
    let mut text = String::new();
    let mut head = Link::default();
    for block in &blocks {
        assert_eq!(block.link.seal, sha256(&[head.seal.as_slice(), &block.bytes].concat()));
        text.push_str(&String::from_utf8_lossy(&block.bytes));
        head = block.link.clone();
    }
    let names = ["first", "second", "third", "fourth"];
    let mut found: Vec<(usize, &str)> = names
        .iter()
        .flat_map(|name| text.match_indices(name).map(|(place, _)| (place, *name)))
        .collect();
    found.sort_unstable();
    let order: Vec<&str> = found.into_iter().map(|(_, name)| name).collect();
    assert_eq!(order, ["first", "first", "second", "third", "fourth", "fourth"]);
}

/// A change that is refused is not in the trail.
pub async fn what_is_refused_leaves_no_event<S: RecordStore + Maintenance>(store: &S) {
    let refused = ChangeSet {
        put: vec![put("a", 7, record("alice", KEY))],
        audit: vec![event("a")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(refused, Vec::new()).await, Err(StoreError::Conflict));
    assert_eq!(whole(store).await.1, []);
}

/// Records of everybody are listed, newest first, destroyed ones too; no more than are asked for are
/// returned, and all are counted.
pub async fn a_list_has_what_meets_all_conditions<S: RecordStore + Maintenance>(store: &S) {
    let mut gone = named(record("alice", KEY), &["n"]);
    (gone.columns.destroyed, gone.columns.state) = (true, Some(5));
    let mut due = record("bob", KEY);
    due.columns.next_change_at = Some(DateTime(100));
    let puts = vec![
        put("a", 0, named(record("alice", KEY), &["n"])),
        put("gone", 0, gone),
        put("b", 0, named(record("bob", KEY), &["n"])),
        put("certificate", 0, record("alice", CERTIFICATE)),
        put("due", 0, due),
    ];
    assert_eq!(apply(store, puts).await, Ok(()));
    let owner = |owner: &str| Condition::Owner(owner.to_owned());
    let (state, due) = (Condition::StoredState, |now| Condition::Due(DateTime(now)));
    let (named, of_type) = (Condition::Term(name_term("n")), Condition::ObjectType);
    for (conditions, expected) in [
        (vec![], vec!["due", "certificate", "b", "gone", "a"]),
        (vec![owner("alice")], vec!["certificate", "gone", "a"]),
        (vec![owner("carol")], vec![]),
        (vec![named.clone()], vec!["b", "gone", "a"]),
        (vec![named, owner("alice"), of_type(KEY)], vec!["gone", "a"]),
        (vec![of_type(CERTIFICATE)], vec!["certificate"]),
        (vec![state(2)], vec!["due", "certificate", "b", "a"]),
        (vec![state(5), owner("alice")], vec!["gone"]),
        (vec![due(100)], vec!["due"]),
        (vec![due(100), owner("alice")], vec![]),
        (vec![Condition::Identifier(identifier("b"))], vec!["b"]),
    ] {
        let all: Vec<_> = expected.iter().map(|name| identifier(name)).collect();
        let total = u64::try_from(all.len()).ok();
        for maximum in [None, Some(0), Some(1), Some(2), Some(9), Some(u64::MAX)] {
            let most = maximum.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
            let items = all.iter().take(most).cloned().collect();
            let page = store.list(&conditions, maximum).await;
            assert_eq!(page, Ok(Page { items, total }), "{conditions:?} {maximum:?}");
        }
    }
}

/// A snapshot does not show what is written after it.
pub async fn a_snapshot_stays_as_it_was<S: RecordStore + DataKeys + Maintenance>(store: &S) {
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        let record = named(record("alice", KEY), &[name, "shared"]);
        assert_eq!(apply(store, vec![put(name, 0, record)]).await, Ok(()));
    }
    assert_eq!(debit(store, "b", 3, 10).await, Ok(()));
    let mut snapshot = store.snapshot().await.expect("the store is there");
    assert_eq!(apply(store, vec![put("a", 1, record("bob", KEY))]).await, Ok(()));
    assert_eq!(apply(store, vec![put("f", 0, record("bob", KEY))]).await, Ok(()));
    assert_eq!(store.add_key(wrapped_key(1)).await, Ok(()));
    assert_eq!(store.note(vec![event("x")], Durability::Durable).await, Ok(()));
    let (records, blocks) = rest(&mut *snapshot).await;
    let found: Vec<&str> = records.iter().map(|(identifier, _)| identifier.as_str()).collect();
    assert_eq!(found, names);
    for (identifier, stored) in &records {
        let expected = named(record("alice", KEY), &[identifier.as_str(), "shared"]);
        assert_eq!(stored.value.terms, expected.terms);
        assert_eq!(stored.value.columns, expected.columns);
        let spent = if identifier.as_str() == "b" { 3 } else { 0 };
        assert_eq!((stored.value.spent.amount, stored.revision), (spent, Revision(1)));
    }
    assert_eq!(blocks, []);
    assert_eq!(snapshot.keys().await, Ok(Vec::new()));
}

/// A record sealed anew has another state at most, and its revision and everything else as before;
/// one that has moved stays.
pub async fn what_is_sealed_anew_keeps_its_revision<S: RecordStore + Maintenance>(store: &S) {
    let before = named(record("alice", KEY), &["n"]);
    for name in ["a", "b"] {
        assert_eq!(apply(store, vec![put(name, 0, before.clone())]).await, Ok(()));
        assert_eq!(load(store, name).await, Some((before.clone(), Revision(1))));
    }
    assert_eq!(apply(store, vec![put("b", 1, before.clone())]).await, Ok(()));
    let sealed = Sealed { key: 2, bytes: b"sealed anew".to_vec() };
    let resealed = ["a", "b", "none"].map(|name| Resealed {
        identifier: identifier(name),
        revision: Revision(1),
        sealed: sealed.clone(),
        state: Some(3),
        next_change_at: Some(DateTime(7)),
    });
    assert_eq!(store.reseal(resealed.into()).await, Ok(1));
    let mut after = Record { sealed, ..before.clone() };
    after.columns.state = Some(3);
    after.columns.next_change_at = Some(DateTime(7));
    assert_eq!(load(store, "a").await, Some((after, Revision(1))));
    assert_eq!(load(store, "b").await, Some((before, Revision(2))));
}

/// A chain whose oldest blocks were removed begins at its anchor and goes on as if they were there.
pub async fn a_pruned_chain_goes_on<S: RecordStore + Maintenance>(store: &S) {
    for name in ["a", "b", "c"] {
        assert_eq!(store.note(vec![event(name)], Durability::Durable).await, Ok(()));
    }
    let (_, blocks, anchors, _) = whole(store).await;
    assert_eq!(anchors, []);
    for up_to in [1, 2] {
        let anchor =
            Anchor { node: "here".to_owned(), link: blocks[up_to].link.clone(), seal: [7; 32] };
        assert_eq!(store.prune(anchor.clone()).await, Ok(()));
        let (_, left, anchors, _) = whole(store).await;
        assert_eq!(left, blocks[up_to.saturating_add(1)..]);
        assert_eq!(anchors, [anchor]);
    }
    assert_eq!(store.begin(notary()).await, Ok(()), "an empty chain goes on from its anchor");
    assert_eq!(store.note(vec![event("d")], Durability::Durable).await, Ok(()));
    let expected = notary().block(&blocks[2].link, &[event("d")]);
    assert_eq!(whole(store).await.1, [expected]);
}

/// What a snapshot gives can be put into an empty store, and is the same there.
pub async fn what_is_restored_is_what_it_was<S: RecordStore + DataKeys + Maintenance>(
    store: &S,
    empty: &S,
) {
    for (name, owner) in [("b", "alice"), ("a", "bob"), ("c", "alice")] {
        let record = named(record(owner, KEY), &[name]);
        assert_eq!(apply(store, vec![put(name, 0, record)]).await, Ok(()));
        assert_eq!(store.note(vec![event(name)], Durability::Durable).await, Ok(()));
    }
    assert_eq!(apply(store, vec![put("a", 1, record("bob", KEY))]).await, Ok(()));
    assert_eq!(debit(store, "a", 3, 10).await, Ok(()));
    for number in [9, 3] {
        assert_eq!(store.add_key(wrapped_key(number)).await, Ok(()));
    }
    let (_, blocks, ..) = whole(store).await;
    let anchor = Anchor { node: "here".to_owned(), link: blocks[0].link.clone(), seal: [7; 32] };
    assert_eq!(store.prune(anchor).await, Ok(()));
    let (records, blocks, anchors, keys) = whole(store).await;
    let parts = [
        Part::Records(records[..2].to_vec()),
        Part::Records(records[2..].to_vec()),
        Part::Blocks(blocks.clone()),
        Part::Anchors(anchors.clone()),
        Part::Keys(keys.clone()),
    ];
    for part in parts {
        assert_eq!(empty.restore(part).await, Ok(()));
    }
    assert_eq!(whole(empty).await, (records.clone(), blocks, anchors, keys.clone()));
    for part in [Part::Records(records[..1].to_vec()), Part::Keys(keys)] {
        assert_eq!(empty.restore(part).await, Err(StoreError::Conflict));
    }
}
