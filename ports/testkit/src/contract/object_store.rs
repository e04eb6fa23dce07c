//! The promises of [`ObjectStore`]. Every function expects a store that is empty.

use std::sync::Arc;

use kmip_model::{
    DateTime, ManagedObject, UniqueIdentifier, Value,
    attribute::{Attribute, AttributeReference, AttributeSet, Name, UsageLimits},
    enumeration::{ObjectType, Operation, State, StorageStatusMask, Tag, UsageLimitsUnit},
    locate::{Filter, Locate},
    object::Life,
    policy::Visibility,
};
use kmip_ports::{
    audit::AuditEvent,
    store::{ChangeSet, Claim, Debit, ObjectStore, Page, Revision, StoreError, Stored},
};

use super::generated;

/// Checks every promise, each on a store that `fresh` makes.
pub async fn every_promise<S: ObjectStore>(fresh: impl AsyncFn() -> S) {
    absent_is_none(&fresh().await).await;
    what_was_put_is_loaded(&fresh().await).await;
    destroyed_objects_are_loaded_too(&fresh().await).await;
    a_stale_revision_is_refused_and_nothing_applied(&fresh().await).await;
    a_new_object_never_replaces_another(&fresh().await).await;
    an_expected_revision_that_has_moved_is_a_conflict(&fresh().await).await;
    a_name_of_another_live_object_is_a_duplicate(&fresh().await).await;
    a_claim_looks_at_the_store_after_the_change(&fresh().await).await;
    locate_finds_the_newest_first(&fresh().await).await;
    offset_and_maximum_cut_and_total_counts_all(&fresh().await).await;
    what_is_not_visible_is_not_counted(&fresh().await).await;
    a_date_that_has_come_counts_in_the_state(&fresh().await).await;
    destroyed_objects_are_found_only_where_asked_for(&fresh().await).await;
    locate_agrees_with_the_matcher(&fresh().await).await;
    debits_add_up_and_end_at_the_total(&fresh().await).await;
    a_put_gives_nothing_back(&fresh().await).await;
}

/// Debits add up without moving the revision, and none takes more than is left.
pub async fn debits_add_up_and_end_at_the_total(store: &dyn ObjectStore) {
    put(store, &limited("a", 10, 10), 0).await.expect("the object is new");
    assert_eq!(debit(store, "a", 4, 0).await, Ok(()));
    assert_eq!(debit(store, "a", 4, 0).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((limited("a", 10, 2), 1)));
    assert_eq!(debit(store, "a", 3, 8).await, Err(StoreError::Exhausted));
    assert_eq!(debit(store, "none", 1, 0).await, Err(StoreError::Conflict));
    let both = ChangeSet {
        debits: vec![debit_of("a", 1, 8), debit_of("a", 1, 8)],
        audit: vec![event("a")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(both).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((limited("a", 10, 0), 1)));
    // What was refused has left nothing behind.
    let refused = ChangeSet {
        put: vec![stored(&named("b", "alice", "new"), 0)],
        debits: vec![debit_of("a", 1, 0)],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(refused).await, Err(StoreError::Exhausted));
    assert_eq!(load(store, "b").await, None);
    // An object that had been used before it came here goes on from there.
    put(store, &limited("c", 10, 3), 0).await.expect("the object is new");
    assert_eq!(debit(store, "c", 1, 0).await, Ok(()));
    assert_eq!(load(store, "c").await, Some((limited("c", 10, 2), 1)));
    assert_eq!(debit(store, "c", 3, 8).await, Err(StoreError::Exhausted));
}

/// Who puts an object does not give back what others have taken since it was read.
pub async fn a_put_gives_nothing_back(store: &dyn ObjectStore) {
    put(store, &limited("a", 10, 10), 0).await.expect("the object is new");
    let (read, revision) = load(store, "a").await.expect("it was put above");
    assert_eq!(debit(store, "a", 4, 0).await, Ok(()));
    put(store, &read, revision).await.expect("debits do not move revisions");
    assert_eq!(load(store, "a").await, Some((limited("a", 10, 6), 2)));
    let with_debit = ChangeSet {
        put: vec![stored(&limited("a", 10, 6), 2)],
        debits: vec![debit_of("a", 1, 4)],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(with_debit).await, Ok(()));
    assert_eq!(load(store, "a").await, Some((limited("a", 10, 5), 3)));
}

/// An identifier that was never put loads as nothing.
pub async fn absent_is_none(store: &dyn ObjectStore) {
    assert_eq!(store.load(&UniqueIdentifier::new("a")).await, Ok(None));
}

/// What was put is loaded as it was, at revision 1, then 2.
pub async fn what_was_put_is_loaded(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "one"), 0).await.expect("the object is new");
    assert_eq!(load(store, "a").await, Some((named("a", "alice", "one"), 1)));
    put(store, &named("a", "alice", "two"), 1).await.expect("revision 1 is the current one");
    assert_eq!(load(store, "a").await, Some((named("a", "alice", "two"), 2)));
}

/// A destroyed object loads like any other.
pub async fn destroyed_objects_are_loaded_too(store: &dyn ObjectStore) {
    let object = destroyed(&named("a", "alice", "one"));
    put(store, &object, 0).await.expect("the object is new");
    assert_eq!(load(store, "a").await, Some((object, 1)));
}

/// A put over a revision that has moved is a conflict, and nothing beside it is applied.
pub async fn a_stale_revision_is_refused_and_nothing_applied(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "one"), 0).await.expect("the object is new");
    put(store, &named("a", "alice", "two"), 1).await.expect("revision 1 is the current one");
    for revision in [0, 1, 3] {
        let changes = ChangeSet {
            put: vec![
                stored(&named("b", "alice", "new"), 0),
                stored(&named("a", "x", "y"), revision),
            ],
            audit: vec![event("b")],
            ..ChangeSet::default()
        };
        assert_eq!(store.apply(changes).await, Err(StoreError::Conflict));
        assert_eq!(load(store, "b").await, None);
        assert_eq!(load(store, "a").await, Some((named("a", "alice", "two"), 2)));
    }
}

/// An object with revision 0 is new, so that an identifier is never given out twice.
pub async fn a_new_object_never_replaces_another(store: &dyn ObjectStore) {
    put(store, &destroyed(&named("a", "alice", "one")), 0).await.expect("the object is new");
    assert_eq!(put(store, &named("a", "bob", "two"), 0).await, Err(StoreError::Conflict));
    assert_eq!(put(store, &named("b", "bob", "two"), 1).await, Err(StoreError::Conflict));
    assert_eq!(load(store, "b").await, None);
}

/// A revision that was read and relied upon must not have moved.
pub async fn an_expected_revision_that_has_moved_is_a_conflict(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "one"), 0).await.expect("the object is new");
    for (identifier, revision, holds) in
        [("a", 0, false), ("a", 2, false), ("none", 1, false), ("a", 1, true), ("none", 0, true)]
    {
        let name = format!("beside-{identifier}-{revision}");
        let changes = ChangeSet {
            expect: vec![(UniqueIdentifier::new(identifier), Revision(revision))],
            put: vec![stored(&named(&name, "alice", "one"), 0)],
            ..ChangeSet::default()
        };
        let expected = if holds { Ok(()) } else { Err(StoreError::Conflict) };
        assert_eq!(store.apply(changes).await, expected, "{identifier} at {revision}");
        assert_eq!(load(store, &name).await.is_some(), holds);
    }
    assert_eq!(load(store, "a").await, Some((named("a", "alice", "one"), 1)));
}

/// A claimed Name may belong to another owner or to a destroyed object, but to nobody else.
pub async fn a_name_of_another_live_object_is_a_duplicate(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "taken"), 0).await.expect("the object is new");
    put(store, &named("b", "bob", "of bob"), 0).await.expect("the object is new");
    put(store, &destroyed(&named("c", "alice", "was")), 0).await.expect("the object is new");
    for (name, free) in [("taken", false), ("of bob", true), ("was", true), ("other", true)] {
        let identifier = format!("new-{name}");
        let claim = claim(&identifier, "alice", name);
        let changes = ChangeSet {
            put: vec![stored(&named(&identifier, "alice", name), 0)],
            claims: vec![claim.clone()],
            audit: vec![event(&identifier)],
            ..ChangeSet::default()
        };
        let expected = if free { Ok(()) } else { Err(StoreError::Duplicate(claim)) };
        assert_eq!(store.apply(changes).await, expected, "{name}");
        assert_eq!(load(store, &identifier).await.is_some(), free, "{name}");
    }
    // Nobody asked for uniqueness here.
    put(store, &named("d", "alice", "taken"), 0).await.expect("nothing is claimed");
}

/// A claim may take over what the same change set gives up, and not what it gives to another.
pub async fn a_claim_looks_at_the_store_after_the_change(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "one"), 0).await.expect("the object is new");
    let own = ChangeSet {
        put: vec![stored(&named("a", "alice", "one"), 1)],
        claims: vec![claim("a", "alice", "one")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(own).await, Ok(()));
    let moved = ChangeSet {
        put: vec![stored(&named("b", "alice", "one"), 0), stored(&named("a", "alice", "two"), 2)],
        claims: vec![claim("b", "alice", "one")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(moved).await, Ok(()));
    let both = ChangeSet {
        put: vec![stored(&named("c", "alice", "x"), 0), stored(&named("d", "alice", "x"), 0)],
        claims: vec![claim("c", "alice", "x"), claim("d", "alice", "x")],
        ..ChangeSet::default()
    };
    assert_eq!(store.apply(both).await, Err(StoreError::Duplicate(claim("c", "alice", "x"))));
}

/// The object that was put first comes last, however often it was changed since.
pub async fn locate_finds_the_newest_first(store: &dyn ObjectStore) {
    put_letters(store, "zab").await;
    put(store, &named("z", "alice", "changed"), 1).await.expect("revision 1 is the current one");
    let found = locate(store, &Locate::default(), &everything()).await;
    assert_eq!(identifiers(&found), ["b", "a", "z"]);
}

/// Offset skips, maximum limits, and total counts what matches all the same.
pub async fn offset_and_maximum_cut_and_total_counts_all(store: &dyn ObjectStore) {
    put_letters(store, "abcde").await;
    for filters in [Vec::new(), vec![comment_filter()]] {
        for (offset, maximum, items) in [
            (0, None, "edcba"),
            (0, Some(2), "ed"),
            (1, Some(2), "dc"),
            (4, Some(2), "a"),
            (5, Some(2), ""),
            (0, Some(0), ""),
            (2, None, "cba"),
            (u64::MAX, Some(u64::MAX), ""),
        ] {
            let query = Locate { filters: filters.clone(), offset, maximum, ..Locate::default() };
            let found = locate(store, &query, &everything()).await;
            assert_eq!(identifiers(&found).concat(), items, "{query:?}");
            assert_eq!(found.total, Some(5), "{query:?}");
        }
    }
}

/// Offset, maximum and total count only what the caller may locate.
pub async fn what_is_not_visible_is_not_counted(store: &dyn ObjectStore) {
    for (identifier, owner) in [("a", "alice"), ("b", "bob"), ("c", "alice"), ("d", "bob")] {
        put(store, &named(identifier, owner, "x"), 0).await.expect("the object is new");
    }
    let own = vec![("default".to_owned(), ObjectType::SymmetricKey)];
    for filters in [Vec::new(), vec![comment_filter()]] {
        for (user, items) in [("alice", ["c", "a"]), ("bob", ["d", "b"])] {
            let visible =
                Visibility { user: user.to_owned(), own: own.clone(), ..Visibility::default() };
            let query = Locate { filters: filters.clone(), ..Locate::default() };
            let found = locate(store, &query, &visible).await;
            assert_eq!(identifiers(&found), items);
            assert_eq!(found.total, Some(2));
            let query = Locate { offset: 1, maximum: Some(1), ..query };
            let found = locate(store, &query, &visible).await;
            assert_eq!(identifiers(&found), items[1..]);
            assert_eq!(found.total, Some(2));
        }
    }
}

/// An object is found in the state that its dates have brought it to, not the one it was put in.
pub async fn a_date_that_has_come_counts_in_the_state(store: &dyn ObjectStore) {
    let mut object = named("a", "alice", "one");
    object.attributes_mut().set(Attribute::ActivationDate(DateTime(100)));
    object.attributes_mut().set(Attribute::DeactivationDate(DateTime(200)));
    put(store, &object, 0).await.expect("the object is new");
    put(store, &named("b", "alice", "one"), 0).await.expect("the object is new");
    let states = [State::PreActive, State::Active, State::Deactivated];
    for (now, state) in [(99, 0), (100, 1), (199, 1), (200, 2), (1000, 2)] {
        for (position, wanted) in states.into_iter().enumerate() {
            let filter = Filter {
                reference: AttributeReference::Standard(Tag::State),
                value: Value::Enumeration(wanted.0),
            };
            let query = Locate { filters: vec![filter], ..Locate::default() };
            let found = store.locate(&query, &everything(), DateTime(now)).await;
            let found = found.expect("the store works");
            let has_a = found.items.contains(&UniqueIdentifier::new("a"));
            assert_eq!(has_a, position == state, "{wanted} at {now}");
            assert_eq!(found.total, Some(found.items.len() as u64));
        }
    }
}

/// Storage Status Mask chooses between destroyed objects and the others, or neither.
pub async fn destroyed_objects_are_found_only_where_asked_for(store: &dyn ObjectStore) {
    put(store, &named("a", "alice", "one"), 0).await.expect("the object is new");
    put(store, &destroyed(&named("b", "alice", "one")), 0).await.expect("the object is new");
    for (mask, expected) in [
        (None, "a"),
        (Some(0), ""),
        (Some(StorageStatusMask::ON_LINE_STORAGE.0), "a"),
        (Some(StorageStatusMask::ARCHIVAL_STORAGE.0), ""),
        (Some(StorageStatusMask::DESTROYED_STORAGE.0), "b"),
        (Some(5), "ba"),
    ] {
        let storage_status_mask = mask.map(StorageStatusMask);
        let query = Locate { storage_status_mask, ..Locate::default() };
        let found = locate(store, &query, &everything()).await;
        assert_eq!(identifiers(&found).concat(), expected, "{mask:?}");
        assert_eq!(found.total, Some(expected.len() as u64));
    }
}

/// Whatever is asked of whatever is stored, the answer is that of [`Locate::matches`].
pub async fn locate_agrees_with_the_matcher(store: &dyn ObjectStore) {
    let objects = generated::objects(80);
    for object in &objects {
        put(store, object, 0).await.expect("the object is new");
    }
    let check = async |query: &Locate, visible: &Visibility| {
        let expected = reference(&objects, query, visible);
        let found = store.locate(query, visible, generated::NOW).await;
        assert_eq!(found, Ok(expected.clone()), "{query:?} for {visible:?}");
        expected.total.expect("this store is small")
    };
    let (matching, hopeless) = generated::filters();
    let all = generated::visibilities().into_iter().next().unwrap_or_default();
    let alone = |filters: &Vec<Filter>| Locate {
        filters: filters.clone(),
        storage_status_mask: Some(StorageStatusMask(5)),
        ..Locate::default()
    };
    for filters in &matching {
        assert_ne!(check(&alone(filters), &all).await, 0, "{filters:?} must match something");
    }
    for filters in &hopeless {
        assert_eq!(check(&alone(filters), &all).await, 0, "{filters:?} must match nothing");
    }
    let mut found = 0_u32;
    for (query, visible) in generated::queries(150) {
        if check(&query, &visible).await > 0 {
            found = found.saturating_add(1);
        }
    }
    assert!(found > 30, "only {found} queries found anything");
}

/// Answers a query by looking at every object.
fn reference(
    objects: &[ManagedObject],
    query: &Locate,
    visible: &Visibility,
) -> Page<UniqueIdentifier> {
    let newest_first = objects.iter().rev().map(|object| object.clone().at(generated::NOW));
    let found = newest_first
        .filter(|object| {
            let policy = object.operation_policy_name();
            visible.includes(policy, object.object_type(), object.owner()) && query.matches(object)
        })
        .map(|object| object.identifier().clone());
    crate::page(found.collect(), query.offset, query.maximum)
}

fn named(identifier: &str, owner: &str, name: &str) -> ManagedObject {
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::InitialDate(DateTime(1)));
    attributes.set(Attribute::Comment("the same".to_owned()));
    attributes.set(Attribute::Name(Name::text(name)));
    let held = generated::payload(ObjectType::SymmetricKey);
    ManagedObject::new(UniqueIdentifier::new(identifier), owner, held, attributes)
}

/// Asks for what every object of [`named`] has, in a way that a column can hardly answer.
fn comment_filter() -> Filter {
    Filter {
        reference: AttributeReference::Standard(Tag::Comment),
        value: Value::TextString("the same".to_owned()),
    }
}

fn destroyed(object: &ManagedObject) -> ManagedObject {
    ManagedObject::restore(
        object.identifier().clone(),
        object.owner().to_owned(),
        object.attributes().clone(),
        Life::Destroyed(object.object_type()),
    )
}

fn claim(identifier: &str, owner: &str, name: &str) -> Claim {
    Claim::Name {
        owner: owner.to_owned(),
        name: name.to_owned(),
        identifier: UniqueIdentifier::new(identifier),
    }
}

fn limited(identifier: &str, total: i64, left: i64) -> ManagedObject {
    let mut object = named(identifier, "alice", "limited");
    object.attributes_mut().set(Attribute::UsageLimits(UsageLimits {
        usage_limits_total: total,
        usage_limits_count: Some(left),
        usage_limits_unit: UsageLimitsUnit::Object,
    }));
    object
}

fn debit_of(identifier: &str, amount: i64, spent: i64) -> Debit {
    Debit { identifier: UniqueIdentifier::new(identifier), amount, total: 10, spent }
}

async fn debit(
    store: &dyn ObjectStore,
    identifier: &str,
    amount: i64,
    spent: i64,
) -> Result<(), StoreError> {
    let debits = vec![debit_of(identifier, amount, spent)];
    store.apply(ChangeSet { debits, ..ChangeSet::default() }).await
}

fn event(identifier: &str) -> AuditEvent {
    AuditEvent {
        at: DateTime(1),
        user: "alice".to_owned(),
        operation: Operation::Register,
        identifier: Some(UniqueIdentifier::new(identifier)),
        revision: Some(Revision(1)),
        reason: None,
        correlation: None,
    }
}

fn everything() -> Visibility {
    Visibility {
        user: "carol".to_owned(),
        of_anybody: vec![("default".to_owned(), ObjectType::SymmetricKey)],
        own: Vec::new(),
    }
}

fn stored(object: &ManagedObject, revision: u64) -> (UniqueIdentifier, Stored<ManagedObject>) {
    let stored = Stored { value: Arc::new(object.clone()), revision: Revision(revision) };
    (object.identifier().clone(), stored)
}

async fn put(
    store: &dyn ObjectStore,
    object: &ManagedObject,
    revision: u64,
) -> Result<(), StoreError> {
    let changes = ChangeSet {
        put: vec![stored(object, revision)],
        audit: vec![event(object.identifier().as_str())],
        ..ChangeSet::default()
    };
    store.apply(changes).await
}

async fn put_letters(store: &dyn ObjectStore, letters: &str) {
    for letter in letters.chars() {
        let object = named(&letter.to_string(), "alice", "x");
        put(store, &object, 0).await.expect("the object is new");
    }
}

async fn load(store: &dyn ObjectStore, identifier: &str) -> Option<(ManagedObject, u64)> {
    let stored = store.load(&UniqueIdentifier::new(identifier)).await.expect("the store works");
    stored.map(|stored| (stored.value.as_ref().clone(), stored.revision.0))
}

async fn locate(
    store: &dyn ObjectStore,
    query: &Locate,
    visible: &Visibility,
) -> Page<UniqueIdentifier> {
    store.locate(query, visible, DateTime(50)).await.expect("the store works")
}

fn identifiers(page: &Page<UniqueIdentifier>) -> Vec<&str> {
    page.items.iter().map(UniqueIdentifier::as_str).collect()
}
