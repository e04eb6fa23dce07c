//! The promises of [`Inventory`]. Every function expects a store that is empty.

use std::sync::Arc;

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, Name},
    enumeration::{ObjectType, OpaqueDataType, State},
    object::{Life, Object},
};
use kmip_ports::{
    inventory::{Inventory, Selection},
    store::{ChangeSet, ObjectStore, Page, Revision, Stored},
};

/// The time at which everything is looked at.
const NOW: DateTime = DateTime(1_000);

/// Checks every promise, each on a store that `fresh` makes.
pub async fn every_promise<S: ObjectStore + Inventory>(fresh: impl AsyncFn() -> Arc<S>) {
    everything_is_found_newest_first(&*fresh().await).await;
    a_selection_holds_as_a_whole(&*fresh().await).await;
    a_date_that_has_come_counts_in_the_state(&*fresh().await).await;
    the_newest_are_returned_and_all_are_counted(&*fresh().await).await;
}

/// Objects of everybody are found, newest first, destroyed ones too.
pub async fn everything_is_found_newest_first<S: ObjectStore + Inventory>(store: &S) {
    put(store, object("a", "alice", "one", &[])).await;
    put(store, gone("b", "bob")).await;
    put(store, object("c", "carol", "three", &[])).await;
    assert_eq!(find(store, &Selection::default(), None).await, page(&["c", "b", "a"], 3));
}

/// Every part of a selection must hold.
pub async fn a_selection_holds_as_a_whole<S: ObjectStore + Inventory>(store: &S) {
    put(store, object("a", "alice", "one", &[])).await;
    put(store, object("b", "alice", "two", &[])).await;
    put(store, object("c", "bob", "one", &[])).await;
    put(store, gone("d", "alice")).await;
    let owner = |owner: &str| Selection { owner: Some(owner.into()), ..Selection::default() };
    let name = |name: &str| Selection { name: Some(name.into()), ..Selection::default() };
    let state = |state| Selection { state: Some(state), ..Selection::default() };
    let of_type =
        |object_type| Selection { object_type: Some(object_type), ..Selection::default() };
    for (selection, expected) in [
        (owner("alice"), vec!["d", "b", "a"]),
        (owner("ali"), vec![]),
        (name("one"), vec!["c", "a"]),
        (name("on"), vec![]),
        (state(State::PreActive), vec!["c", "b", "a"]),
        (state(State::Destroyed), vec!["d"]),
        (of_type(ObjectType::OpaqueObject), vec!["d", "c", "b", "a"]),
        (of_type(ObjectType::SymmetricKey), vec![]),
        (Selection { owner: Some("bob".into()), ..name("one") }, vec!["c"]),
        (Selection { state: Some(State::Active), ..owner("alice") }, vec![]),
    ] {
        let found = find(store, &selection, None).await.items;
        let found: Vec<&str> = found.iter().map(UniqueIdentifier::as_str).collect();
        assert_eq!(found, expected, "{selection:?}");
    }
}

/// State is that of the time that is asked for.
pub async fn a_date_that_has_come_counts_in_the_state<S: ObjectStore + Inventory>(store: &S) {
    put(store, object("come", "alice", "one", &[Attribute::ActivationDate(NOW)])).await;
    put(store, object("coming", "alice", "two", &[Attribute::ActivationDate(DateTime(1_001))]))
        .await;
    let state = |state| Selection { state: Some(state), ..Selection::default() };
    assert_eq!(find(store, &state(State::Active), None).await, page(&["come"], 1));
    assert_eq!(find(store, &state(State::PreActive), None).await, page(&["coming"], 1));
}

/// At most so many are returned, the newest, and the total is of all.
pub async fn the_newest_are_returned_and_all_are_counted<S: ObjectStore + Inventory>(store: &S) {
    for identifier in ["a", "b", "c", "d"] {
        put(store, object(identifier, "alice", identifier, &[])).await;
    }
    let selection = Selection { owner: Some("alice".into()), ..Selection::default() };
    assert_eq!(find(store, &selection, Some(2)).await, page(&["d", "c"], 4));
    assert_eq!(find(store, &selection, Some(0)).await, page(&[], 4));
    assert_eq!(find(store, &selection, Some(9)).await.items.len(), 4);
}

async fn find<S: Inventory>(
    store: &S,
    selection: &Selection,
    maximum: Option<u64>,
) -> Page<UniqueIdentifier> {
    store.inventory(selection, NOW, maximum).await.expect("the store is there")
}

fn page(identifiers: &[&str], total: u64) -> Page<UniqueIdentifier> {
    Page {
        items: identifiers.iter().map(|it| UniqueIdentifier::new(*it)).collect(),
        total: Some(total),
    }
}

async fn put<S: ObjectStore>(store: &S, object: ManagedObject) {
    let identifier = object.identifier().clone();
    let stored = Stored { value: Arc::new(object), revision: Revision::default() };
    let changes = ChangeSet { put: vec![(identifier, stored)], ..ChangeSet::default() };
    store.apply(changes).await.expect("the object is new");
}

fn attributes(name: Option<&str>, more: &[Attribute]) -> AttributeSet {
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::InitialDate(DateTime(1)));
    if let Some(name) = name {
        attributes.set(Attribute::Name(Name::text(name)));
    }
    for attribute in more {
        attributes.set(attribute.clone());
    }
    attributes
}

fn object(identifier: &str, owner: &str, name: &str, more: &[Attribute]) -> ManagedObject {
    let held = Object::OpaqueObject {
        opaque_data_type: OpaqueDataType(1),
        opaque_data_value: Material::new(vec![1]),
    };
    let identifier = UniqueIdentifier::new(identifier);
    ManagedObject::new(identifier, owner, held, attributes(Some(name), more))
}

fn gone(identifier: &str, owner: &str) -> ManagedObject {
    let life = Life::Destroyed(ObjectType::OpaqueObject);
    let identifier = UniqueIdentifier::new(identifier);
    ManagedObject::restore(identifier, owner.to_owned(), attributes(None, &[]), life)
}
