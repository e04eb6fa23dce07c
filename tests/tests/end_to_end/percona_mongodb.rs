//! Percona Server for MongoDB: KMIP 1.0, at most 8 KiB for an answer.
//!
//! Register without a Name, Activate, a poll of State, Get. The client reads Result Reasons: an
//! identifier that is unknown must be Item Not Found, everything else ends the server's start.

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason, State, Tag,
};
use kmip_tests::request::{
    attribute, bytes, enumeration, enumeration_attribute, identifier, integer, name, structure,
    text,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Request, TestServer, clock};

use crate::common::{aes_key, material, register_aes};

const VERSION: (i32, i32) = (1, 0);

/// Makes a request as the client's library does: with a limit and the time.
fn request(operation: Operation, payload: Vec<Item>) -> Request {
    Request::one(VERSION, operation, payload).maximum_response_size(8192).time_stamp(clock::now())
}

fn state_of(id: &str) -> Request {
    request(Operation::GetAttributes, vec![identifier(id), text(Tag::AttributeName, "State")])
}

#[test]
fn a_key_is_registered_activated_polled_and_got() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let key = material(32, 3);

    let registered = connection.ask(&request(Operation::Register, register_aes(&key, Vec::new())));
    let id = registered.identifier();
    assert_eq!(registered.fields(), [identifier(&id)]);

    let before = connection.ask(&state_of(&id));
    let state = |state| enumeration_attribute("State", state);
    assert_eq!(before.fields(), [identifier(&id), state(State::PreActive)]);

    let activated = connection.ask(&request(Operation::Activate, vec![identifier(&id)]));
    assert_eq!(activated.fields(), [identifier(&id)]);

    let after = connection.ask(&state_of(&id));
    assert_eq!(after.fields(), [identifier(&id), state(State::Active)]);

    let got = connection.ask(&request(Operation::Get, vec![identifier(&id)]));
    assert_eq!(
        got.fields(),
        [enumeration(Tag::ObjectType, ObjectType::SymmetricKey), identifier(&id), aes_key(&key)]
    );
    assert!(got.message().encode().unwrap().len() <= 8192);
}

#[test]
fn attributes_beside_the_key_material_do_not_come_back() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let key = material(32, 4);
    let mut payload = register_aes(&key, Vec::new());
    let key_value = structure(
        Tag::KeyValue,
        vec![bytes(Tag::KeyMaterial, &key), name("inside"), attribute("x-a", Value::Integer(1))],
    );
    let key_block = vec![
        enumeration(Tag::KeyFormatType, KeyFormatType::Raw),
        key_value,
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, 256),
    ];
    payload.pop();
    payload.push(structure(Tag::SymmetricKey, vec![structure(Tag::KeyBlock, key_block)]));
    let id = connection.ask(&request(Operation::Register, payload)).identifier();
    let got = connection.ask(&request(Operation::Get, vec![identifier(&id)]));
    assert_eq!(got.payload().get(Tag::SymmetricKey), Some(&aes_key(&key)));
}

#[test]
fn an_unknown_identifier_is_not_found() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for operation in [Operation::Get, Operation::GetAttributes, Operation::Activate] {
        let answer = connection.ask(&request(operation, vec![identifier("no-such-key")]));
        assert_eq!(answer.reason(), ResultReason::ItemNotFound, "{operation}");
        assert!(!answer.result_message().contains("no-such-key"));
    }
}

#[test]
fn a_key_rotated_away_may_be_read_until_it_is_destroyed() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let register = request(Operation::Register, register_aes(&material(32, 1), Vec::new()));
    let old = connection.ask(&register).identifier();
    let new = connection.ask(&register).identifier();
    assert_ne!(old, new);
    assert_eq!(connection.ask(&request(Operation::Destroy, vec![identifier(&old)])).count(), 1);
    let gone = connection.ask(&request(Operation::Get, vec![identifier(&old)]));
    assert_eq!(gone.reason(), ResultReason::ItemNotFound);
    let kept = connection.ask(&request(Operation::Get, vec![identifier(&new)]));
    assert_eq!(kept.key_material(), material(32, 1));
}
