//! The promises of [`RecordStore`] and [`DataKeys`]. Every function expects a store without records
//! and keys that was told to begin.

pub mod maintenance;
mod sample;
pub mod search;

use std::task::Poll;

use kmip_model::DateTime;
use kmip_ports::{
    maintenance::{Maintenance, Resealed},
    record::{Condition, DataKeys, Record, RecordStore, Sealed, Spent, Term, WrappedKey},
    store::{ChangeSet, Page, Revision, StoreError},
};

use self::sample::{
    CERTIFICATE, KEY, NAME, apply, claim, claiming, debit, event, everything, found, identifier,
    load, name_term, named, notary, put, record, wrapped_key,
};

/// Checks every promise, each on a store that `fresh` makes.
pub async fn every_promise<S: RecordStore + DataKeys + Maintenance>(new: impl AsyncFn() -> S) {
    what_needs_a_seal_waits_for_a_notary(&new().await).await;
    let fresh = async || {
        let store = new().await;
        store.begin(notary()).await.expect("the store is there");
        store
    };
    maintenance::every_promise(&fresh).await;
    what_is_put_is_loaded(&fresh().await).await;
    what_was_never_put_is_not_found(&fresh().await).await;
    stale_revision_is_refused_and_nothing_applied(&fresh().await).await;
    new_record_that_exists_conflicts(&fresh().await).await;
    change_of_a_missing_record_conflicts(&fresh().await).await;
    expect_of_a_moved_revision_conflicts(&fresh().await).await;
    expect_that_holds_changes_nothing(&fresh().await).await;
    every_change_is_applied_or_none(&fresh().await).await;
    search::every_promise(&fresh).await;
    terms_are_replaced(&fresh().await).await;
    claim_that_is_taken_is_a_duplicate(&fresh().await).await;
    claim_ignores_destroyed_records(&fresh().await).await;
    claim_ignores_other_owners(&fresh().await).await;
    claim_ignores_the_record_itself(&fresh().await).await;
    claim_is_checked_after_the_puts(&fresh().await).await;
    keys_are_loaded_oldest_first(&fresh().await).await;
    number_that_is_taken_conflicts(&fresh().await).await;
    keys_are_replaced_together_or_not(&fresh().await).await;
    keys_that_have_changed_are_not_replaced(&fresh().await).await;
    records_are_counted_by_their_data_key(&fresh().await).await;
    what_is_spent_is_sealed_and_never_lowered(&fresh().await).await;
    debits_of_many_add_up(&fresh().await).await;
    concurrent_changes_land_exactly_once(&fresh().await).await;
    concurrent_claims_have_one_winner(&fresh().await).await;
}

/// A record loaded is the record put, at the next revision.
pub async fn what_is_put_is_loaded(store: &dyn RecordStore) {
    let plain = record("alice", KEY);
    let mut full = named(record("alice", CERTIFICATE), &["a", "b"]);
    full.columns.next_change_at = Some(DateTime(i64::MAX));
    full.columns.initial_date = DateTime(-1);
    full.columns.algorithm = Some(u32::MAX);
    full.columns.length = Some(i32::MIN);
    full.columns.usage_mask = Some(u32::MAX);
    full.columns.destroyed = true;
    full.sealed = Sealed { key: u32::MAX, bytes: vec![0; 100_000] };
    let mut bare = record("", KEY);
    bare.columns.state = None;
    bare.sealed.bytes.clear();
    let all = [("plain", plain), ("full", full), ("bare", bare)];
    let puts = all.iter().map(|(name, record)| put(name, 0, record.clone())).collect();
    assert_eq!(apply(store, puts).await, Ok(()));
    for (name, record) in all {
        let loaded = load(store, name).await;
        assert_eq!(loaded, Some((record.clone(), Revision(1))));
        assert_eq!(apply(store, vec![put(name, 1, record.clone())]).await, Ok(()));
        assert_eq!(load(store, name).await, Some((record, Revision(2))));
    }
}

/// An identifier that was never put is not an error.
pub async fn what_was_never_put_is_not_found(store: &dyn RecordStore) {
    assert_eq!(load(store, "none").await, None);
    assert_eq!(store.search(&everything()).await, Ok(Page::default()));
}

/// A change of an old revision is a conflict, also for what comes with it.
pub async fn stale_revision_is_refused_and_nothing_applied(store: &dyn RecordStore) {
    let old = record("alice", KEY);
    let new = named(record("bob", CERTIFICATE), &["new"]);
    assert_eq!(apply(store, vec![put("a", 0, old.clone())]).await, Ok(()));
    assert_eq!(apply(store, vec![put("a", 1, old.clone())]).await, Ok(()));
    for stale in [0, 1, 3] {
        let changes = vec![put("b", 0, new.clone()), put("a", stale, new.clone())];
        assert_eq!(apply(store, changes).await, Err(StoreError::Conflict), "{stale}");
        assert_eq!(load(store, "a").await, Some((old.clone(), Revision(2))));
        assert_eq!(load(store, "b").await, None);
    }
}

/// A new record must not exist.
pub async fn new_record_that_exists_conflicts(store: &dyn RecordStore) {
    let first = record("alice", KEY);
    assert_eq!(apply(store, vec![put("a", 0, first.clone())]).await, Ok(()));
    let again = vec![put("a", 0, record("bob", KEY))];
    assert_eq!(apply(store, again).await, Err(StoreError::Conflict));
    assert_eq!(load(store, "a").await, Some((first, Revision(1))));
}

/// A change must have something to change.
pub async fn change_of_a_missing_record_conflicts(store: &dyn RecordStore) {
    let changes = vec![put("a", 1, record("alice", KEY))];
    assert_eq!(apply(store, changes).await, Err(StoreError::Conflict));
    assert_eq!(load(store, "a").await, None);
}

/// What was relied upon must not have moved.
pub async fn expect_of_a_moved_revision_conflicts(store: &dyn RecordStore) {
    let first = record("alice", KEY);
    assert_eq!(apply(store, vec![put("a", 0, first)]).await, Ok(()));
    for (name, revision) in [("a", 0), ("a", 2), ("none", 1)] {
        let changes = ChangeSet {
            expect: vec![(identifier(name), Revision(revision))],
            put: vec![put("b", 0, record("alice", KEY))],
            audit: vec![event("b")],
            ..ChangeSet::default()
        };
        let verdict = store.apply(changes, Vec::new()).await;
        assert_eq!(verdict, Err(StoreError::Conflict), "{name} {revision}");
        assert_eq!(load(store, "b").await, None);
    }
}

/// What is relied upon keeps its revision.
pub async fn expect_that_holds_changes_nothing(store: &dyn RecordStore) {
    let first = record("alice", KEY);
    assert_eq!(apply(store, vec![put("a", 0, first.clone())]).await, Ok(()));
    let changes = ChangeSet {
        expect: vec![(identifier("a"), Revision(1)), (identifier("none"), Revision(0))],
        put: vec![put("b", 0, first.clone())],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(changes, Vec::new()).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((first.clone(), Revision(1))));
    assert_eq!(load(store, "b").await, Some((first, Revision(1))));
}

/// One change that is refused refuses all of its change set, wherever it stands.
pub async fn every_change_is_applied_or_none(store: &dyn RecordStore) {
    let old = named(record("alice", KEY), &["old"]);
    let new = named(record("alice", KEY), &["new"]);
    assert_eq!(apply(store, vec![put("a", 0, old.clone())]).await, Ok(()));
    let refused =
        |puts: Vec<_>| ChangeSet { put: puts, audit: vec![event("a")], ..ChangeSet::default() };
    let conflict =
        refused(vec![put("b", 0, new.clone()), put("a", 1, new.clone()), put("c", 7, new.clone())]);
    assert_eq!(store.apply(conflict, Vec::new()).await, Err(StoreError::Conflict));
    let duplicate = refused(vec![put("b", 0, new.clone())]);
    let taken = claim("alice", "old", "b");
    let verdict = store.apply(duplicate, vec![claim("alice", "new", "b"), taken.clone()]).await;
    assert_eq!(verdict, Err(StoreError::Duplicate(taken.claim)));
    assert_eq!(load(store, "a").await, Some((old.clone(), Revision(1))));
    assert_eq!(load(store, "b").await, None);
    assert_eq!(found(store, vec![Condition::Term(name_term("new"))]).await, [""; 0]);
    let both = refused(vec![put("b", 0, new.clone()), put("a", 1, new.clone())]);
    assert_eq!(store.apply(both, Vec::new()).await, Ok(()));
    assert_eq!(found(store, vec![Condition::Term(name_term("new"))]).await, ["b", "a"]);
    assert_eq!(found(store, vec![Condition::Term(name_term("old"))]).await, [""; 0]);
}

/// A change replaces all terms, and the search with them.
pub async fn terms_are_replaced(store: &dyn RecordStore) {
    let before = named(record("alice", KEY), &["gone", "kept"]);
    let after = named(record("alice", KEY), &["kept", "new"]);
    assert_eq!(apply(store, vec![put("a", 0, before)]).await, Ok(()));
    assert_eq!(apply(store, vec![put("a", 1, after.clone())]).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((after, Revision(2))));
    for (name, expected) in [("gone", vec![]), ("kept", vec!["a"]), ("new", vec!["a"])] {
        assert_eq!(found(store, vec![Condition::Term(name_term(name))]).await, expected, "{name}");
    }
    let none = record("alice", KEY);
    assert_eq!(apply(store, vec![put("a", 2, none.clone())]).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((none, Revision(3))));
    assert_eq!(found(store, vec![Condition::Term(name_term("kept"))]).await, [""; 0]);
}

/// What another live record of that owner has is taken.
pub async fn claim_that_is_taken_is_a_duplicate(store: &dyn RecordStore) {
    let record = named(record("alice", KEY), &["n"]);
    assert_eq!(claiming(store, put("a", 0, record.clone()), "n").await, Ok(()));
    let duplicate = Err(StoreError::Duplicate(claim("alice", "n", "b").claim));
    assert_eq!(claiming(store, put("b", 0, record.clone()), "n").await, duplicate);
    assert_eq!(load(store, "b").await, None);
    assert_eq!(apply(store, vec![put("b", 0, record)]).await, Ok(()), "nobody claims it");
}

/// A destroyed record gives its terms free.
pub async fn claim_ignores_destroyed_records(store: &dyn RecordStore) {
    let live = named(record("alice", KEY), &["n"]);
    let mut destroyed = live.clone();
    destroyed.columns.destroyed = true;
    assert_eq!(apply(store, vec![put("a", 0, live.clone())]).await, Ok(()));
    assert_eq!(apply(store, vec![put("a", 1, destroyed)]).await, Ok(()));
    assert_eq!(claiming(store, put("b", 0, live), "n").await, Ok(()));
}

/// Owners do not get in each other's way.
pub async fn claim_ignores_other_owners(store: &dyn RecordStore) {
    let of_bob = named(record("bob", KEY), &["n"]);
    let of_alice = named(record("alice", KEY), &["n"]);
    assert_eq!(apply(store, vec![put("a", 0, of_bob)]).await, Ok(()));
    assert_eq!(claiming(store, put("b", 0, of_alice), "n").await, Ok(()));
}

/// A record may claim what it has.
pub async fn claim_ignores_the_record_itself(store: &dyn RecordStore) {
    let record = named(record("alice", KEY), &["n"]);
    assert_eq!(claiming(store, put("a", 0, record.clone()), "n").await, Ok(()));
    assert_eq!(claiming(store, put("a", 1, record), "n").await, Ok(()));
}

/// What one change set gives free it can claim; what it gives out twice is taken.
pub async fn claim_is_checked_after_the_puts(store: &dyn RecordStore) {
    let named_n = named(record("alice", KEY), &["n"]);
    assert_eq!(apply(store, vec![put("a", 0, named_n.clone())]).await, Ok(()));
    let renamed = ChangeSet {
        put: vec![put("b", 0, named_n.clone()), put("a", 1, named(record("alice", KEY), &["m"]))],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(renamed, vec![claim("alice", "n", "b")]).await, Ok(()));
    let twin = named(record("alice", KEY), &["twin"]);
    let twice = ChangeSet {
        put: vec![put("c", 0, twin.clone()), put("d", 0, twin)],
        ..ChangeSet::default()
    };
    let claims = vec![claim("alice", "twin", "c"), claim("alice", "twin", "d")];
    let verdict = store.apply(twice, claims).await;
    assert_eq!(verdict, Err(StoreError::Duplicate(claim("alice", "twin", "c").claim)));
}

/// Keys come in the order in which they were added, whatever their numbers are.
pub async fn keys_are_loaded_oldest_first(store: &dyn DataKeys) {
    let keys = [7, 3, u32::MAX].map(wrapped_key);
    for key in &keys {
        assert_eq!(store.add_key(key.clone()).await, Ok(()));
    }
    assert_eq!(store.load_keys().await, Ok(keys.into()));
}

/// A number is given out once.
pub async fn number_that_is_taken_conflicts(store: &dyn DataKeys) {
    assert_eq!(store.add_key(wrapped_key(1)).await, Ok(()));
    let again = WrappedKey { number: 1, wrapped: b"another".to_vec() };
    assert_eq!(store.add_key(again).await, Err(StoreError::Conflict));
    assert_eq!(store.load_keys().await, Ok(vec![wrapped_key(1)]));
}

/// Every record counts, under the data key that it is sealed under now.
pub async fn records_are_counted_by_their_data_key<S: RecordStore + DataKeys + Maintenance>(
    store: &S,
) {
    assert_eq!(store.count_records().await, Ok(Vec::new()));
    for (name, key) in [("a", 7), ("b", 1), ("c", 7), ("d", 2), ("e", 7)] {
        let mut sealed = record("alice", KEY);
        sealed.sealed.key = key;
        sealed.columns.destroyed = name == "c";
        assert_eq!(apply(store, vec![put(name, 0, sealed)]).await, Ok(()));
    }
    assert_eq!(store.count_records().await, Ok(vec![(1, 1), (2, 1), (7, 3)]));
    let resealed = Resealed {
        identifier: identifier("d"),
        revision: Revision(1),
        sealed: Sealed { key: 8, bytes: b"sealed anew".to_vec() },
        state: None,
        next_change_at: None,
    };
    assert_eq!(store.reseal(vec![resealed]).await, Ok(1));
    assert_eq!(store.count_records().await, Ok(vec![(1, 1), (7, 3), (8, 1)]));
}

/// All keys are replaced or none; their order stays, and new ones come last.
pub async fn keys_are_replaced_together_or_not(store: &dyn DataKeys) {
    assert_eq!(store.load_keys().await, Ok(Vec::new()));
    for number in [2, 1] {
        assert_eq!(store.add_key(wrapped_key(number)).await, Ok(()));
    }
    let anew = |number| WrappedKey { number, wrapped: b"anew".to_vec() };
    let kept = [wrapped_key(1), wrapped_key(2)];
    let left_out = store.replace_keys(&kept, vec![anew(1), anew(3)]).await;
    assert_eq!(left_out, Err(StoreError::Conflict));
    assert_eq!(store.load_keys().await, Ok(vec![wrapped_key(2), wrapped_key(1)]));
    assert_eq!(store.replace_keys(&kept, vec![anew(1), anew(2), anew(3)]).await, Ok(()));
    assert_eq!(store.load_keys().await, Ok(vec![anew(2), anew(1), anew(3)]));
}

/// Of two who replace the same keys one is too late; so is who has not seen the newest.
pub async fn keys_that_have_changed_are_not_replaced(store: &dyn DataKeys) {
    let anew = |wrapped: &str| WrappedKey { number: 1, wrapped: wrapped.into() };
    assert_eq!(store.add_key(wrapped_key(1)).await, Ok(()));
    let before = [wrapped_key(1)];
    assert_eq!(store.replace_keys(&before, vec![anew("one")]).await, Ok(()));
    let late = store.replace_keys(&before, vec![anew("other")]).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(store.add_key(wrapped_key(2)).await, Ok(()));
    let unseen = store.replace_keys(&[anew("one")], vec![anew("other"), wrapped_key(2)]).await;
    assert_eq!(unseen, Err(StoreError::Conflict));
    assert_eq!(store.load_keys().await, Ok(vec![anew("one"), wrapped_key(2)]));
}

/// Who seals must be known before something is sealed; what needs no seal needs nobody.
pub async fn what_needs_a_seal_waits_for_a_notary<S: RecordStore>(store: &S) {
    let changes = || ChangeSet {
        put: vec![put("a", 0, record("alice", KEY))],
        audit: vec![event("a")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(changes(), Vec::new()).await, Err(StoreError::Unavailable));
    assert_eq!(load(store, "a").await, None);
    store.begin(notary()).await.expect("the store is there");
    assert_eq!(store.apply(changes(), Vec::new()).await, Ok(()));
}

/// What was taken is loaded with its seal, at the same revision; puts do not lower it.
pub async fn what_is_spent_is_sealed_and_never_lowered(store: &dyn RecordStore) {
    let plain = record("alice", KEY);
    assert_eq!(apply(store, vec![put("a", 0, plain.clone())]).await, Ok(()));
    assert_eq!(debit(store, "a", 3, 10).await, Ok(()));
    let spent = |amount| {
        let seal = Some(notary().spent(&identifier("a"), amount));
        Record { spent: Spent { amount, seal }, ..plain.clone() }
    };
    assert_eq!(load(store, "a").await, Some((spent(3), Revision(1))));
    assert_eq!(debit(store, "a", 8, 10).await, Err(StoreError::Exhausted));
    assert_eq!(apply(store, vec![put("a", 1, plain.clone())]).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((spent(3), Revision(2))));
    let more = Record { spent: Spent { amount: 5, seal: None }, ..plain.clone() };
    assert_eq!(apply(store, vec![put("a", 2, more)]).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((spent(5), Revision(3))));
    assert_eq!(debit(store, "b", 1, 10).await, Err(StoreError::Conflict));
}

/// However many take at a time, no more is taken than there is, and all that was confirmed is.
pub async fn debits_of_many_add_up(store: &dyn RecordStore) {
    assert_eq!(apply(store, vec![put("a", 0, record("alice", KEY))]).await, Ok(()));
    let confirmed = std::cell::Cell::new(0_i64);
    let client = |_| async {
        match debit(store, "a", 2, 21).await {
            Ok(()) => confirmed.set(confirmed.get().saturating_add(2)),
            refused => assert_eq!(refused, Err(StoreError::Exhausted)),
        }
    };
    together((0..16).map(client)).await;
    let (record, revision) = load(store, "a").await.expect("it was put above");
    assert_eq!((record.spent.amount, confirmed.get(), revision), (20, 20, Revision(1)));
}

/// However many change one record, each change that is confirmed is there, once.
pub async fn concurrent_changes_land_exactly_once(store: &dyn RecordStore) {
    const CLIENTS: u64 = 16;
    assert_eq!(apply(store, vec![put("shared", 0, record("alice", KEY))]).await, Ok(()));
    let client = |number: u64| async move {
        let own = number.to_string();
        loop {
            let (mut shared, revision) = load(store, "shared").await.expect("it was put above");
            let value = number.to_be_bytes().to_vec();
            shared.terms.push(Term { attribute: NAME, value });
            shared.terms.sort();
            let puts = vec![put("shared", revision.0, shared), put(&own, 0, record("alice", KEY))];
            match apply(store, puts).await {
                Ok(()) => break,
                refused => assert_eq!(refused, Err(StoreError::Conflict)),
            }
        }
    };
    together((0..CLIENTS).map(client)).await;
    let (shared, revision) = load(store, "shared").await.expect("it was put above");
    assert_eq!(revision, Revision(CLIENTS.saturating_add(1)));
    let expected: Vec<Term> = (0..CLIENTS)
        .map(|number| Term { attribute: NAME, value: number.to_be_bytes().to_vec() })
        .collect();
    assert_eq!(shared.terms, expected);
    let all = store.search(&everything()).await.expect("the store is there");
    assert_eq!(all.total, Some(CLIENTS.saturating_add(1)));
}

/// However many claim one name at a time, one gets it.
pub async fn concurrent_claims_have_one_winner(store: &dyn RecordStore) {
    let client = |number: u64| async move {
        let own = number.to_string();
        let wanted = put(&own, 0, named(record("alice", KEY), &["n"]));
        let verdict = claiming(store, wanted, "n").await;
        let duplicate = StoreError::Duplicate(claim("alice", "n", &own).claim);
        assert!(verdict == Ok(()) || verdict == Err(duplicate), "{verdict:?}");
    };
    together((0..16).map(client)).await;
    assert_eq!(found(store, vec![Condition::Term(name_term("n"))]).await.len(), 1);
}

/// Runs all until each is done, on whatever runs this.
async fn together<F: Future<Output = ()>>(clients: impl Iterator<Item = F>) {
    let mut running: Vec<_> = clients.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|client| client.as_mut().poll(context).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRecords;

    #[test]
    fn memory_records_keep_every_promise() {
        pollster::block_on(every_promise(async || MemoryRecords::default()));
    }
}
