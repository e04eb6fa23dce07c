//! Percona Server for MySQL, component_keyring_kmip: KMIP 1.4 and 1.0 on one connection.
//!
//! The library sends Register and Get Attributes as 1.4 and the rest as 1.0, so nothing may be
//! negotiated for the connection. At start it pages through all keys of its Object Group, 16 at a
//! time, with Offset Items under a 1.0 header, and fetches each key and its Name.

use std::collections::BTreeSet;

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyCompressionType, KeyFormatType, ObjectType, Operation, ResultReason,
    RevocationReasonCode, SecretDataType, Tag,
};
use kmip_tests::request::{
    attribute, bytes, enumeration, enumeration_attribute, identifier, integer, name, structure,
    template_attribute, text, text_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer, clock};

use crate::common::{aes, key_block, material, revoke};

const OLD: (i32, i32) = (1, 0);
const NEW: (i32, i32) = (1, 4);

/// How many identifiers the library takes at once.
const PAGE: i32 = 16;

fn request(version: (i32, i32), operation: Operation, payload: Vec<Item>) -> Request {
    Request::one(version, operation, payload).maximum_response_size(8192).time_stamp(clock::now())
}

/// Makes the key as the library does: it names a compression that says nothing for these keys.
fn key(material: &[u8]) -> Item {
    let key_block = vec![
        enumeration(Tag::KeyFormatType, KeyFormatType::Raw),
        enumeration(Tag::KeyCompressionType, KeyCompressionType::EcPublicKeyTypeUncompressed),
        structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]),
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, 256),
    ];
    structure(Tag::SymmetricKey, vec![structure(Tag::KeyBlock, key_block)])
}

fn register(key_name: &str, group: &str, material: &[u8]) -> Request {
    let mut attributes = aes(256);
    attributes.extend([name(key_name), text_attribute("Object Group", group)]);
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
        key(material),
    ];
    request(NEW, Operation::Register, payload)
}

/// Locates keys; the library leaves out an offset of 0.
fn locate(group: Option<&str>, offset: i32) -> Request {
    let mut payload = vec![integer(Tag::MaximumItems, PAGE)];
    if offset > 0 {
        payload.push(integer(Tag::OffsetItems, offset));
    }
    payload.push(enumeration_attribute("Object Type", ObjectType::SymmetricKey));
    payload.extend(group.map(|group| text_attribute("Object Group", group)));
    request(OLD, Operation::Locate, payload)
}

/// Pages through all keys of a group, as at start.
fn all(connection: &mut Connection, group: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let offset = i32::try_from(found.len()).expect("there are few keys");
        let page = connection.ask(&locate(group, offset)).identifiers();
        assert!(page.len() <= 16);
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

#[test]
fn at_start_every_key_of_the_group_is_found_once() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    assert_eq!(connection.ask(&locate(Some("mysql"), 0)).fields(), []);

    let mut stored = Vec::new();
    for number in 0..20_u8 {
        let key_name = format!("INNODBKey-{number}");
        let registered = connection.ask(&register(&key_name, "mysql", &material(32, number)));
        let id = registered.identifier();
        assert_eq!(registered.fields(), [identifier(&id)]);
        let activated = connection.ask(&request(OLD, Operation::Activate, vec![identifier(&id)]));
        assert_eq!(activated.identifier(), id);
        stored.push((id, key_name));
    }
    let other = connection.ask(&register("other", "elsewhere", &material(32, 99))).identifier();

    let found = all(&mut connection, Some("mysql"));
    assert_eq!(found.len(), 20);
    let expected: BTreeSet<&String> = stored.iter().map(|(id, _)| id).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(all(&mut connection, None).len(), 21);
    assert_eq!(all(&mut connection, Some("elsewhere")), [other]);

    for (number, (id, key_name)) in (0..20_u8).zip(&stored) {
        let got = connection.ask(&request(OLD, Operation::Get, vec![identifier(id)]));
        assert_eq!(got.key_material(), material(32, number));
        let payload = vec![identifier(id), text(Tag::AttributeName, "Name")];
        let answer = connection.ask(&request(NEW, Operation::GetAttributes, payload));
        assert_eq!(answer.fields().len(), 2);
        let path = "Attribute/AttributeValue/NameValue";
        let value = answer.payload().at(path).and_then(Item::as_text);
        assert_eq!(value, Some(key_name.as_str()));
    }
}

#[test]
fn the_key_comes_back_as_it_was_given() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = connection.ask(&register("k", "mysql", &material(32, 5))).identifier();
    let got = connection.ask(&request(OLD, Operation::Get, vec![identifier(&id)]));
    assert_eq!(
        got.fields(),
        [
            enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
            identifier(&id),
            key(&material(32, 5))
        ]
    );
}

#[test]
fn a_page_under_a_1_0_header_has_nothing_of_1_3() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for number in 0..18_u8 {
        connection.ask(&register(&format!("k{number}"), "mysql", &material(32, number)));
    }
    let pages = [connection.ask(&locate(None, 0)), connection.ask(&locate(None, PAGE))];
    let sizes = pages.each_ref().map(|page| page.identifiers().len());
    assert_eq!(sizes, [16, 2]);
    // Located Items came with 1.3.
    assert!(pages.iter().all(|page| page.payload().get(Tag::LocatedItems).is_none()));
}

#[test]
fn an_empty_object_group_is_a_group_of_its_own() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = connection.ask(&register("k", "", &material(32, 1))).identifier();
    assert_eq!(all(&mut connection, Some("mysql")), Vec::<String>::new());
    assert_eq!(all(&mut connection, None), [id.as_str()]);
    let group = vec![identifier(&id), text(Tag::AttributeName, "Object Group")];
    let answer = connection.ask(&request(NEW, Operation::GetAttributes, group));
    assert_eq!(answer.attribute("Object Group"), Some(&Value::TextString(String::new())));
}

#[test]
fn a_dropped_key_is_revoked_and_destroyed_and_not_found_again() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = connection.ask(&register("k", "mysql", &material(32, 1))).identifier();
    connection.ask(&request(OLD, Operation::Activate, vec![identifier(&id)])).identifier();

    let refused = connection.ask(&request(OLD, Operation::Destroy, vec![identifier(&id)]));
    assert_eq!(refused.reason(), ResultReason::PermissionDenied);

    let payload = revoke(&id, RevocationReasonCode::Unspecified);
    assert_eq!(connection.ask(&request(OLD, Operation::Revoke, payload)).identifier(), id);
    let destroyed = connection.ask(&request(OLD, Operation::Destroy, vec![identifier(&id)]));
    assert_eq!(destroyed.fields(), [identifier(&id)]);
    assert_eq!(all(&mut connection, Some("mysql")), Vec::<String>::new());
}

#[test]
fn a_password_is_a_secret_in_either_format() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for format in [KeyFormatType::Opaque, KeyFormatType::Raw] {
        let secret = structure(
            Tag::SecretData,
            vec![
                enumeration(Tag::SecretDataType, SecretDataType::Password),
                key_block(format, b"correct horse", Vec::new()),
            ],
        );
        let attributes = vec![
            attribute("Cryptographic Usage Mask", Value::Integer(2)),
            name("password"),
            text_attribute("Object Group", "mysql"),
        ];
        let payload = vec![
            enumeration(Tag::ObjectType, ObjectType::SecretData),
            template_attribute(attributes),
            secret.clone(),
        ];
        let id = connection.ask(&request(NEW, Operation::Register, payload)).identifier();
        let got = connection.ask(&request(OLD, Operation::Get, vec![identifier(&id)]));
        assert_eq!(got.payload().get(Tag::SecretData), Some(&secret));
    }
}
