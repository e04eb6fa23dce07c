//! A storage array: KMIP 1.0, one batch of four on the ID Placeholder.
//!
//! Query, Locate by two custom attributes, Get in the format Opaque, Get Attributes: only Locate
//! says which object is meant, the others take what it found.

use kmip_model::enumeration::{
    KeyFormatType, ObjectType, Operation, QueryFunction, ResultReason, ResultStatus,
    SecretDataType, Tag,
};
use kmip_tests::request::{
    attribute, enumeration, identifier, structure, template_attribute, text_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer};

use crate::common::{key_block, material, register_aes};

const VERSION: (i32, i32) = (1, 0);

fn tags(resource: &str) -> Vec<Item> {
    vec![text_attribute("x-ResourceID", resource), text_attribute("x-SystemID", "array-7")]
}

fn batch(resource: &str) -> Request {
    let functions = [QueryFunction::QueryOperations, QueryFunction::QueryObjects];
    let functions = functions.map(|function| enumeration(Tag::QueryFunction, function));
    Request::new(VERSION)
        .item_as(b"1", Operation::Query, functions.to_vec())
        .item_as(b"2", Operation::Locate, tags(resource))
        .item_as(b"3", Operation::Get, vec![enumeration(Tag::KeyFormatType, KeyFormatType::Opaque)])
        .item_as(b"4", Operation::GetAttributes, Vec::new())
}

fn register_secret(connection: &mut Connection, resource: &str, secret: &[u8]) -> String {
    let mut attributes = vec![attribute("Cryptographic Usage Mask", Value::Integer(12))];
    attributes.extend(tags(resource));
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SecretData),
        template_attribute(attributes),
        structure(
            Tag::SecretData,
            vec![
                enumeration(Tag::SecretDataType, SecretDataType::Seed),
                key_block(KeyFormatType::Opaque, secret, Vec::new()),
            ],
        ),
    ];
    connection.ask(&Request::one(VERSION, Operation::Register, payload)).identifier()
}

#[test]
fn one_batch_finds_and_gets_the_key_of_a_resource() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let secret = material(40, 1);
    let id = register_secret(&mut connection, "pool-1", &secret);
    register_secret(&mut connection, "pool-2", &material(40, 2));

    let answer = connection.ask(&batch("pool-1"));
    assert_eq!(answer.count(), 4);
    assert!(answer.payload_of(0).all(Tag::Operation).count() > 0);
    assert_eq!(answer.payload_of(1).children(), [identifier(&id)]);
    let got = answer.payload_of(2);
    assert_eq!(got.text_of(Tag::UniqueIdentifier), Some(id.as_str()));
    let key_block = got.at("SecretData/KeyBlock").unwrap();
    assert_eq!(key_block.enumeration(Tag::KeyFormatType), Some(KeyFormatType::Opaque.0));
    assert_eq!(
        key_block.at("KeyValue/KeyMaterial").map(|item| &item.value),
        Some(&Value::ByteString(secret))
    );
    let attributes = answer.payload_of(3);
    assert_eq!(attributes.text_of(Tag::UniqueIdentifier), Some(id.as_str()));
    for own in tags("pool-1") {
        assert!(attributes.all(Tag::Attribute).any(|one| *one == own), "{own:?}");
    }
}

#[test]
fn a_raw_key_is_given_as_opaque_when_that_is_asked_for() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let key = material(32, 9);
    let register = Request::one(VERSION, Operation::Register, register_aes(&key, tags("pool-1")));
    connection.ask(&register).identifier();
    let answer = connection.ask(&batch("pool-1"));
    let key_block = answer.payload_of(2).at("SymmetricKey/KeyBlock").unwrap();
    assert_eq!(key_block.enumeration(Tag::KeyFormatType), Some(KeyFormatType::Opaque.0));
    assert_eq!(
        key_block.at("KeyValue/KeyMaterial").map(|item| &item.value),
        Some(&Value::ByteString(key))
    );
}

#[test]
fn both_custom_attributes_must_match() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    register_secret(&mut connection, "pool-1", &material(40, 1));
    let filters =
        vec![text_attribute("x-ResourceID", "pool-1"), text_attribute("x-SystemID", "array-8")];
    let located = connection.ask(&Request::one(VERSION, Operation::Locate, filters));
    assert_eq!(located.fields(), []);
}

#[test]
fn without_one_object_found_there_is_nothing_to_get() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for expected in [0, 2] {
        for _ in 0..expected {
            register_secret(&mut connection, "pool-1", &material(40, 1));
        }
        let answer = connection.ask(&batch("pool-1"));
        // The batch stops at the first failure.
        assert_eq!(answer.count(), 3);
        assert_eq!(answer.payload_of(1).children().len(), expected);
        assert_eq!(answer.status(2), ResultStatus::OperationFailed);
        assert_eq!(answer.reason_of(2), ResultReason::ItemNotFound);
    }
}
