//! The life of an object, from outside (KMIP 2.1 §4.57, 1.4 §3.22).

use kmip_model::enumeration::{
    ObjectType, Operation, ResultReason, RevocationReasonCode, State, Tag,
};
use kmip_tests::request::{attribute, date, enumeration, identifier, integer, structure, text};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Connection, Request, TestServer, clock};

use crate::common::{create_aes, create_aes_2, material, new_key, on, register_aes, revoke};

const ONE: (i32, i32) = (1, 4);
const TWO: (i32, i32) = (2, 1);

/// Reads State in 2.1, which a destroyed object still has.
fn state(connection: &mut Connection, id: &str) -> State {
    let reference = structure(
        Tag::AttributeReference,
        vec![text(Tag::VendorIdentification, "x"), text(Tag::AttributeName, "none")],
    );
    // A reference that finds nothing is no failure, and does not hide the other.
    let wanted = Item::new(Tag::AttributeReference, Value::Enumeration(Tag::State.0));
    let payload = vec![identifier(id), reference, wanted];
    let answer = connection.ask(&Request::one(TWO, Operation::GetAttributes, payload));
    let value = answer.payload().at("Attributes").and_then(|all| all.enumeration(Tag::State));
    State(value.expect("an object has a State"))
}

fn revoke_for(
    connection: &mut Connection,
    version: (i32, i32),
    id: &str,
    code: RevocationReasonCode,
) -> Answer {
    let mut payload = revoke(id, code);
    if code == RevocationReasonCode::KeyCompromise {
        payload.push(date(Tag::CompromiseOccurrenceDate, 6));
    }
    connection.ask(&Request::one(version, Operation::Revoke, payload))
}

#[test]
fn a_key_lives_and_dies() {
    let server = TestServer::start();
    let mut connection = server.connect("client");
    let key = material(32, 1);
    let register = Request::one(ONE, Operation::Register, register_aes(&key, Vec::new()));
    let id = connection.ask(&register).identifier();
    let mut do_it = |operation| connection.ask(&on(ONE, operation, &id));

    assert_eq!(do_it(Operation::Get).key_material(), key);
    assert_eq!(do_it(Operation::Activate).identifier(), id);
    assert_eq!(do_it(Operation::Activate).reason(), ResultReason::PermissionDenied);
    assert_eq!(do_it(Operation::Destroy).reason(), ResultReason::PermissionDenied);
    assert_eq!(do_it(Operation::Get).key_material(), key);

    assert_eq!(state(&mut connection, &id), State::Active);
    let code = RevocationReasonCode::CessationOfOperation;
    assert_eq!(revoke_for(&mut connection, ONE, &id, code).identifier(), id);
    assert_eq!(state(&mut connection, &id), State::Deactivated);
    let again = revoke_for(&mut connection, ONE, &id, code);
    assert_eq!(again.reason(), ResultReason::IllegalOperation);

    let mut do_it = |operation| connection.ask(&on(ONE, operation, &id));
    assert_eq!(do_it(Operation::Get).key_material(), key);
    assert_eq!(do_it(Operation::Activate).reason(), ResultReason::PermissionDenied);
    assert_eq!(do_it(Operation::Destroy).identifier(), id);
    for operation in [Operation::Get, Operation::Activate, Operation::Destroy] {
        assert_eq!(do_it(operation).reason(), ResultReason::ItemNotFound, "{operation}");
    }
    // What is known of it is kept.
    let left = do_it(Operation::GetAttributes);
    assert_eq!(left.attribute("State"), Some(&Value::Enumeration(State::Destroyed.0)));
    assert_eq!(state(&mut connection, &id), State::Destroyed);
}

#[test]
fn in_2_1_a_tombstone_is_seen_as_one() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = Request::one(TWO, Operation::Create, create_aes_2(Vec::new()));
    let id = connection.ask(&create).identifier();
    let mut do_it = |operation| connection.ask(&on(TWO, operation, &id));
    do_it(Operation::Activate).identifier();
    let wrong_state = ResultReason::WrongKeyLifecycleState;
    assert_eq!(do_it(Operation::Activate).reason(), wrong_state);
    assert_eq!(do_it(Operation::Destroy).reason(), wrong_state);
    revoke_for(&mut connection, TWO, &id, RevocationReasonCode::Superseded).identifier();
    let mut do_it = |operation| connection.ask(&on(TWO, operation, &id));
    assert_eq!(do_it(Operation::Destroy).identifier(), id);
    for operation in [Operation::Get, Operation::Destroy] {
        assert_eq!(do_it(operation).reason(), ResultReason::ObjectDestroyed, "{operation}");
    }
    assert_eq!(do_it(Operation::Activate).reason(), wrong_state);

    let mut locate = |mask: Option<i32>| {
        let payload = mask.map(|mask| integer(Tag::StorageStatusMask, mask));
        let request = Request::one(TWO, Operation::Locate, payload.into_iter().collect());
        connection.ask(&request).identifiers()
    };
    assert_eq!(locate(None), Vec::<String>::new());
    assert_eq!(locate(Some(1)), Vec::<String>::new());
    assert_eq!(locate(Some(4)), [id.as_str()]);
    assert_eq!(locate(Some(1 | 4)), [id]);
}

#[test]
fn a_compromise_is_noted_in_every_state() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let deactivate = RevocationReasonCode::Unspecified;
    let compromise = RevocationReasonCode::KeyCompromise;
    for steps in [&[][..], &[Operation::Activate], &[Operation::Activate, Operation::Revoke]] {
        let id = new_key(&mut connection, Vec::new());
        for step in steps {
            match *step {
                Operation::Revoke => revoke_for(&mut connection, ONE, &id, deactivate),
                operation => connection.ask(&on(ONE, operation, &id)),
            }
            .identifier();
        }
        assert_eq!(revoke_for(&mut connection, ONE, &id, compromise).identifier(), id);
        assert_eq!(state(&mut connection, &id), State::Compromised, "{steps:?}");
        // Who cleans up after a compromise gets at the key, and then at nothing.
        assert_eq!(connection.ask(&on(ONE, Operation::Get, &id)).key_material().len(), 32);
        connection.ask(&on(ONE, Operation::Destroy, &id)).identifier();
        assert_eq!(state(&mut connection, &id), State::DestroyedCompromised, "{steps:?}");
    }
    let id = new_key(&mut connection, Vec::new());
    connection.ask(&on(ONE, Operation::Destroy, &id)).identifier();
    assert_eq!(revoke_for(&mut connection, TWO, &id, compromise).identifier(), id);
    assert_eq!(state(&mut connection, &id), State::DestroyedCompromised);
}

#[test]
fn dates_that_have_come_change_the_state() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let now = clock::now();
    let at = |attribute_name, seconds| attribute(attribute_name, Value::DateTime(seconds));
    for (dates, expected) in [
        (vec![at("Activation Date", now + 10_000)], State::PreActive),
        (vec![at("Activation Date", now - 10)], State::Active),
        (
            vec![at("Activation Date", now - 10), at("Deactivation Date", now - 5)],
            State::Deactivated,
        ),
    ] {
        let id = new_key(&mut connection, dates);
        assert_eq!(state(&mut connection, &id), expected);
        let filter = kmip_tests::request::enumeration_attribute("State", expected);
        let located = connection.ask(&Request::one(ONE, Operation::Locate, vec![filter]));
        assert_eq!(located.identifiers(), [id]);
    }
}

#[test]
fn an_activation_date_that_is_modified_to_the_past_activates() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let now = clock::now();
    let activation = |seconds| attribute("Activation Date", Value::DateTime(seconds));
    let id = new_key(&mut connection, vec![activation(now + 10_000)]);
    assert_eq!(state(&mut connection, &id), State::PreActive);
    let payload = vec![identifier(&id), activation(now - 1)];
    let modified = connection.ask(&Request::one(ONE, Operation::ModifyAttribute, payload));
    assert_eq!(modified.attribute("Activation Date"), Some(&Value::DateTime(now - 1)));
    assert_eq!(state(&mut connection, &id), State::Active);
}

#[test]
fn the_newest_object_is_located_first_and_pages_follow_each_other() {
    let server = TestServer::start();
    let mut connection = server.connect("client");
    let mut made: Vec<String> = (0..5).map(|_| new_key(&mut connection, Vec::new())).collect();
    made.reverse();
    let mut locate = |payload: Vec<Item>| {
        let request = Request::one(ONE, Operation::Locate, payload);
        connection.ask(&request).clone()
    };
    assert_eq!(locate(Vec::new()).identifiers(), made);
    let page = locate(vec![integer(Tag::MaximumItems, 2), integer(Tag::OffsetItems, 1)]);
    assert_eq!(page.identifiers(), made[1..3]);
    // How many there are in all is said in 1.3 and later.
    assert_eq!(page.payload().integer(Tag::LocatedItems), Some(5));
    assert_eq!(page.payload().children()[0].tag, Tag::LocatedItems);
    assert_eq!(locate(vec![integer(Tag::MaximumItems, 0)]).identifiers(), Vec::<String>::new());
}

#[test]
fn a_filter_that_means_nothing_finds_nothing() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = new_key(&mut connection, Vec::new());
    let mut locate = |filters: Vec<Item>| {
        let request = Request::one(ONE, Operation::Locate, filters);
        connection.ask(&request).clone()
    };
    let text = |attribute_name| attribute(attribute_name, Value::TextString("no".to_owned()));
    for filter in ["x-absent", "Object Group", "Contact Information"] {
        assert_eq!(locate(vec![text(filter)]).identifiers(), Vec::<String>::new(), "{filter}");
    }
    // What cannot be understood must not be left out: it would find every key.
    for filter in [text("Cryptographic Length"), text("No Such Attribute")] {
        assert_eq!(locate(vec![filter]).count(), 1);
    }
    let mistyped = locate(vec![text("Cryptographic Length")]);
    assert_ne!(mistyped.status(0).0, 0);
    let unknown = locate(vec![text("No Such Attribute")]);
    assert!(unknown.status(0).0 != 0 || unknown.identifiers().is_empty());
    assert_eq!(locate(Vec::new()).identifiers(), [id]);
}

#[test]
fn other_object_types_than_keys_are_created_by_no_create() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let mut payload = create_aes(Vec::new());
    payload[0] = enumeration(Tag::ObjectType, ObjectType::PublicKey);
    let refused = connection.ask(&Request::one(ONE, Operation::Create, payload));
    assert_eq!(refused.reason(), ResultReason::InvalidField);
}
