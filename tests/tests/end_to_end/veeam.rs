//! Veeam Backup & Replication: KMIP 1.4, an RSA pair that is never activated.
//!
//! Create Key Pair, Get of both halves, Destroy of both. An Attribute inside Key Value is a fatal
//! error to this client.

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason, Tag,
};
use kmip_tests::connection::TlsVersions;
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, name_fields, structure,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Connection, Request, TestServer};

use crate::common::on;

const VERSION: (i32, i32) = (1, 4);

fn create_key_pair() -> Request {
    let named = |text: &str| attribute("Name", Value::Structure(name_fields(text)));
    let usage = |bits| attribute("Cryptographic Usage Mask", Value::Integer(bits));
    let payload = vec![
        structure(
            Tag::CommonTemplateAttribute,
            vec![
                enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Rsa),
                attribute("Cryptographic Length", Value::Integer(2048)),
            ],
        ),
        structure(Tag::PrivateKeyTemplateAttribute, vec![named("veeam-private"), usage(1)]),
        structure(Tag::PublicKeyTemplateAttribute, vec![named("veeam-public"), usage(2)]),
    ];
    Request::one(VERSION, Operation::CreateKeyPair, payload)
}

/// Gets a half and returns its Key Material, which must be all there is in Key Value.
fn half(
    connection: &mut Connection,
    id: &str,
    format: Option<KeyFormatType>,
    object_type: ObjectType,
) -> Vec<u8> {
    let mut payload = vec![identifier(id)];
    payload.extend(format.map(|format| enumeration(Tag::KeyFormatType, format)));
    let answer: Answer = connection.ask(&Request::one(VERSION, Operation::Get, payload));
    let payload = answer.payload();
    assert_eq!(payload.enumeration(Tag::ObjectType), Some(object_type.0));
    let object = payload.children().last().expect("there is an object");
    let block = object.at("KeyBlock").expect("a key has a block");
    let tags: Vec<Tag> = block.children().iter().map(|item| item.tag).collect();
    assert_eq!(
        tags,
        [Tag::KeyFormatType, Tag::KeyValue, Tag::CryptographicAlgorithm, Tag::CryptographicLength]
    );
    if let Some(format) = format {
        assert_eq!(block.enumeration(Tag::KeyFormatType), Some(format.0));
    }
    let value = block.get(Tag::KeyValue).expect("it is among the tags");
    match value.children() {
        [Item { tag: Tag::KeyMaterial, value: Value::ByteString(bytes) }] => bytes.clone(),
        other => panic!("Key Value holds {other:?}"),
    }
}

#[test]
fn a_pair_is_created_fetched_and_destroyed_without_being_active() {
    let server = TestServer::in_memory();
    // Its platform's TLS is 1.2.
    let mut connection = server.connect_by("client", TlsVersions::OnlyTls12);
    let created = connection.ask(&create_key_pair());
    let tags: Vec<Tag> = created.fields().iter().map(|item| item.tag).collect();
    assert_eq!(tags, [Tag::PrivateKeyUniqueIdentifier, Tag::PublicKeyUniqueIdentifier]);
    let id = |tag| created.payload().text_of(tag).unwrap().to_owned();
    let private = id(Tag::PrivateKeyUniqueIdentifier);
    let public = id(Tag::PublicKeyUniqueIdentifier);
    assert_ne!(private, public);

    let stored = half(&mut connection, &public, None, ObjectType::PublicKey);
    let pkcs1 = half(&mut connection, &public, Some(KeyFormatType::Pkcs1), ObjectType::PublicKey);
    let spki = half(&mut connection, &public, Some(KeyFormatType::X509), ObjectType::PublicKey);
    assert!(stored == pkcs1 || stored == spki);
    // SubjectPublicKeyInfo holds the other form at its end.
    assert!(spki.ends_with(&pkcs1));

    half(&mut connection, &private, None, ObjectType::PrivateKey);
    let own = half(&mut connection, &private, Some(KeyFormatType::Pkcs1), ObjectType::PrivateKey);
    let pkcs8 = half(&mut connection, &private, Some(KeyFormatType::Pkcs8), ObjectType::PrivateKey);
    assert!(pkcs8.ends_with(&own));

    for id in [&private, &public] {
        let destroyed = connection.ask(&on(VERSION, Operation::Destroy, id));
        assert_eq!(destroyed.fields(), [identifier(id)]);
        let gone = connection.ask(&on(VERSION, Operation::Get, id));
        assert_eq!(gone.reason(), ResultReason::ItemNotFound);
    }
}

#[test]
fn the_halves_know_each_other_and_are_found_by_their_names() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let created = connection.ask(&create_key_pair());
    for (tag, other, named, link) in [
        (Tag::PrivateKeyUniqueIdentifier, Tag::PublicKeyUniqueIdentifier, "veeam-private", 0x102),
        (Tag::PublicKeyUniqueIdentifier, Tag::PrivateKeyUniqueIdentifier, "veeam-public", 0x103),
    ] {
        let id = created.payload().text_of(tag).unwrap();
        let filter = attribute("Name", Value::Structure(name_fields(named)));
        let located = connection.ask(&Request::one(VERSION, Operation::Locate, vec![filter]));
        assert_eq!(located.identifiers(), [id]);
        let payload = vec![identifier(id), kmip_tests::request::text(Tag::AttributeName, "Link")];
        let linked = connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload));
        let value = linked.payload().at("Attribute/AttributeValue").unwrap();
        assert_eq!(value.enumeration(Tag::LinkType), Some(link));
        assert_eq!(value.text_of(Tag::LinkedObjectIdentifier), created.payload().text_of(other));
    }
}
