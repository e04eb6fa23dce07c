//! Rows that no other test has in view: what is made, what it has then, and who may make it.

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason,
    RevocationReasonCode, SecretDataType, State, Tag,
};
use kmip_tests::request::{
    attribute, bytes, enumeration, enumeration_attribute, identifier, integer, name, structure,
    template_attribute, text,
};
use kmip_tests::server::CLIENTS;
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Connection, Request, TestServer};

pub(super) const VERSION: (i32, i32) = (1, 4);

/// What Create sets, by PyKMIP's manual; Key Format Type is in the key block in 1.x.
const SET: [&str; 9] = [
    "Unique Identifier",
    "Object Type",
    "Name",
    "Cryptographic Algorithm",
    "Cryptographic Length",
    "Cryptographic Usage Mask",
    "Operation Policy Name",
    "State",
    "Initial Date",
];

pub(super) fn key_attributes(algorithm: CryptographicAlgorithm, bits: i32) -> Vec<Item> {
    vec![
        enumeration_attribute("Cryptographic Algorithm", algorithm),
        attribute("Cryptographic Length", Value::Integer(bits)),
    ]
}

fn mask(bits: i32) -> Item {
    attribute("Cryptographic Usage Mask", Value::Integer(bits))
}

fn create(connection: &mut Connection, algorithm: CryptographicAlgorithm, bits: i32) -> Answer {
    let mut attributes = key_attributes(algorithm, bits);
    attributes.extend([mask(12), name("a key")]);
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
    ];
    connection.ask(&Request::one(VERSION, Operation::Create, payload))
}

fn create_pair(connection: &mut Connection) -> Answer {
    let common = key_attributes(CryptographicAlgorithm::Rsa, 2_048);
    let payload = vec![
        structure(Tag::CommonTemplateAttribute, common),
        structure(Tag::PrivateKeyTemplateAttribute, vec![name("private"), mask(1)]),
        structure(Tag::PublicKeyTemplateAttribute, vec![name("public"), mask(2)]),
    ];
    connection.ask(&Request::one(VERSION, Operation::CreateKeyPair, payload))
}

pub(super) fn register(
    connection: &mut Connection,
    object_type: ObjectType,
    object: Item,
    attributes: Vec<Item>,
) -> String {
    let payload =
        vec![enumeration(Tag::ObjectType, object_type), template_attribute(attributes), object];
    connection.ask(&Request::one(VERSION, Operation::Register, payload)).identifier()
}

fn key_block(format: KeyFormatType, material: &[u8], more: Vec<Item>) -> Item {
    let mut fields = vec![
        enumeration(Tag::KeyFormatType, format),
        structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]),
    ];
    fields.extend(more);
    structure(Tag::KeyBlock, fields)
}

fn of_rsa() -> Vec<Item> {
    vec![
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Rsa),
        integer(Tag::CryptographicLength, 2_048),
    ]
}

pub(super) fn on(connection: &mut Connection, operation: Operation, id: &str) -> Answer {
    connection.ask(&Request::one(VERSION, operation, vec![identifier(id)]))
}

pub(super) fn attributes_of(connection: &mut Connection, id: &str, names: &[&str]) -> Answer {
    let mut payload = vec![identifier(id)];
    payload.extend(names.iter().map(|name| text(Tag::AttributeName, name)));
    connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload))
}

pub(super) fn revoke(connection: &mut Connection, id: &str, code: RevocationReasonCode) -> Answer {
    let reason =
        structure(Tag::RevocationReason, vec![enumeration(Tag::RevocationReasonCode, code)]);
    connection.ask(&Request::one(VERSION, Operation::Revoke, vec![identifier(id), reason]))
}

#[test]
fn keys_of_every_length_are_created() {
    use CryptographicAlgorithm as A;
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let lengths: [(A, &[i32]); 7] = [
        (A::Des3, &[64, 128, 192]),
        (A::Aes, &[128, 192, 256]),
        (A::Blowfish, &[32, 128, 256, 384, 448]),
        (A::Camellia, &[128, 192, 256]),
        (A::Cast5, &[40, 64, 96, 128]),
        (A::Idea, &[128]),
        (A::Rc4, &[40, 56, 64, 80, 128, 192, 256]),
    ];
    for (algorithm, lengths) in lengths {
        for bits in lengths {
            let id = create(&mut connection, algorithm, *bits).identifier();
            let got = on(&mut connection, Operation::Get, &id);
            let octets = usize::try_from(bits / 8).expect("lengths are positive");
            assert_eq!(got.key_material().len(), octets, "{algorithm} {bits}");
            let block = got.payload().at("SymmetricKey/KeyBlock").expect("a key has a block");
            assert_eq!(block.enumeration(Tag::CryptographicAlgorithm), Some(algorithm.0));
            assert_eq!(block.integer(Tag::CryptographicLength), Some(*bits));
        }
    }
}

#[test]
fn lengths_that_an_algorithm_has_not_are_refused() {
    use CryptographicAlgorithm as A;
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (algorithm, bits) in [
        (A::Des3, 100),
        (A::Aes, 160),
        (A::Blowfish, 456),
        (A::Camellia, 64),
        (A::Cast5, 136),
        (A::Idea, 64),
        (A::Rc4, 264),
    ] {
        let refused = create(&mut connection, algorithm, bits);
        assert_eq!(refused.reason(), ResultReason::InvalidField, "{algorithm} {bits}");
    }
}

#[test]
fn every_user_may_make_as_many_objects_as_it_likes() {
    let server = TestServer::in_memory();
    for user in CLIENTS {
        let mut connection = server.connect(user);
        for _ in 0..20 {
            create(&mut connection, CryptographicAlgorithm::Aes, 128).identifier();
            let object = structure(
                Tag::OpaqueObject,
                vec![
                    Item::new(Tag::OpaqueDataType, Value::Enumeration(0x8000_0000)),
                    bytes(Tag::OpaqueDataValue, b"anything"),
                ],
            );
            register(&mut connection, ObjectType::OpaqueObject, object, Vec::new());
        }
        for _ in 0..2 {
            create_pair(&mut connection).payload();
        }
    }
}

#[test]
fn a_created_key_has_the_ten_attributes() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = create(&mut connection, CryptographicAlgorithm::Camellia, 192).identifier();
    let got = attributes_of(&mut connection, &id, &SET);
    let text = |text: &str| Value::TextString(text.to_owned());
    for (attribute, expected) in [
        ("Unique Identifier", text(&id)),
        ("Object Type", Value::Enumeration(ObjectType::SymmetricKey.0)),
        ("Cryptographic Algorithm", Value::Enumeration(CryptographicAlgorithm::Camellia.0)),
        ("Cryptographic Length", Value::Integer(192)),
        ("Cryptographic Usage Mask", Value::Integer(12)),
        ("Operation Policy Name", text("default")),
        ("State", Value::Enumeration(State::PreActive.0)),
    ] {
        assert_eq!(got.attribute(attribute), Some(&expected), "{attribute}");
    }
    for attribute in ["Name", "Initial Date"] {
        assert!(got.attribute(attribute).is_some(), "{attribute}");
    }
    let block = on(&mut connection, Operation::Get, &id);
    let block = block.payload().at("SymmetricKey/KeyBlock").expect("a key has a block");
    assert_eq!(block.enumeration(Tag::KeyFormatType), Some(KeyFormatType::Raw.0));
}

#[test]
fn a_registered_object_has_the_attributes_that_apply() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let key = structure(
        Tag::PublicKey,
        vec![key_block(KeyFormatType::Pkcs1, b"a key, or not", of_rsa())],
    );
    let attributes = vec![name("registered"), mask(2)];
    let id = register(&mut connection, ObjectType::PublicKey, key, attributes);
    let got = attributes_of(&mut connection, &id, &SET);
    for attribute in SET {
        assert!(got.attribute(attribute).is_some(), "{attribute}");
    }
    let secret = structure(
        Tag::SecretData,
        vec![
            enumeration(Tag::SecretDataType, SecretDataType::Password),
            key_block(KeyFormatType::Opaque, b"a password", Vec::new()),
        ],
    );
    let attributes = vec![name("a secret"), mask(2)];
    let id = register(&mut connection, ObjectType::SecretData, secret, attributes);
    let got = attributes_of(&mut connection, &id, &SET);
    let of_keys = ["Cryptographic Algorithm", "Cryptographic Length"];
    for attribute in SET {
        let expected = !of_keys.contains(&attribute);
        assert_eq!(got.attribute(attribute).is_some(), expected, "{attribute}");
    }
}

#[test]
fn keys_are_kept_as_given_under_a_wrong_label() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let material = b"neither the one nor the other";
    for (object_type, tag, formats) in [
        (
            ObjectType::PublicKey,
            Tag::PublicKey,
            [KeyFormatType::Raw, KeyFormatType::X509, KeyFormatType::Pkcs1],
        ),
        (
            ObjectType::PrivateKey,
            Tag::PrivateKey,
            [KeyFormatType::Raw, KeyFormatType::Pkcs8, KeyFormatType::Pkcs1],
        ),
    ] {
        for format in formats {
            let key = structure(tag, vec![key_block(format, material, of_rsa())]);
            let id = register(&mut connection, object_type, key, vec![mask(3)]);
            let got = on(&mut connection, Operation::Get, &id);
            assert_eq!(got.key_material(), material);
            let object = got.payload().children().last().expect("there is an object");
            let found = object.at("KeyBlock").and_then(|b| b.enumeration(Tag::KeyFormatType));
            assert_eq!(found, Some(format.0));
        }
    }
}

#[test]
fn every_kind_of_secret_is_kept() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for kind in [SecretDataType::Password, SecretDataType::Seed, SecretDataType(0x8000_0001)] {
        let secret = structure(
            Tag::SecretData,
            vec![
                enumeration(Tag::SecretDataType, kind),
                key_block(KeyFormatType::Opaque, b"a secret", Vec::new()),
            ],
        );
        let id = register(&mut connection, ObjectType::SecretData, secret, vec![mask(2)]);
        let got = on(&mut connection, Operation::Get, &id);
        assert_eq!(got.key_material(), b"a secret");
        let secret = got.payload().get(Tag::SecretData).expect("it is one");
        assert_eq!(secret.enumeration(Tag::SecretDataType), Some(kind.0));
    }
}

#[test]
fn the_halves_of_a_pair_are_alike_in_five_things_and_differ_in_others() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let pair = create_pair(&mut connection);
    let half = |tag| pair.payload().text_of(tag).expect("it is named").to_owned();
    let halves = [half(Tag::PrivateKeyUniqueIdentifier), half(Tag::PublicKeyUniqueIdentifier)];
    let [private, public] = halves.map(|id| attributes_of(&mut connection, &id, &SET));
    let alike = [
        "Cryptographic Algorithm",
        "Cryptographic Length",
        "Initial Date",
        "Operation Policy Name",
        "State",
    ];
    for attribute in SET {
        let (one, other) = (private.attribute(attribute), public.attribute(attribute));
        assert!(one.is_some() && other.is_some(), "{attribute}");
        assert_eq!(one == other, alike.contains(&attribute), "{attribute}");
    }
}

#[test]
fn every_listed_attribute_is_given_when_it_is_asked_for() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = create(&mut connection, CryptographicAlgorithm::Aes, 256).identifier();
    let list = on(&mut connection, Operation::GetAttributeList, &id);
    let listed: Vec<String> = list
        .payload()
        .all(Tag::AttributeName)
        .filter_map(|item| item.as_text().map(str::to_owned))
        .collect();
    for attribute in SET {
        assert!(listed.iter().any(|name| name == attribute), "{attribute}");
    }
    let names: Vec<&str> = listed.iter().map(String::as_str).collect();
    let got = attributes_of(&mut connection, &id, &names);
    for attribute in names {
        assert!(got.attribute(attribute).is_some(), "{attribute}");
    }
}

#[test]
fn a_compromised_authority_compromises_the_key() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for activated in [false, true] {
        let id = create(&mut connection, CryptographicAlgorithm::Aes, 256).identifier();
        if activated {
            on(&mut connection, Operation::Activate, &id).identifier();
        }
        revoke(&mut connection, &id, RevocationReasonCode::CaCompromise).identifier();
        let state = attributes_of(&mut connection, &id, &["State"]);
        let compromised = Value::Enumeration(State::Compromised.0);
        assert_eq!(state.attribute("State"), Some(&compromised));
    }
}

#[test]
fn what_never_was_cannot_be_destroyed() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let refused = on(&mut connection, Operation::Destroy, "no such object");
    assert_eq!(refused.reason(), ResultReason::ItemNotFound);
}

#[test]
fn discover_versions_without_a_list_names_all() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let all = connection.ask(&Request::one((1, 1), Operation::DiscoverVersions, Vec::new()));
    let versions: Vec<(Option<i32>, Option<i32>)> = all
        .payload()
        .all(Tag::ProtocolVersion)
        .map(|version| {
            let number = |tag| version.integer(tag);
            (number(Tag::ProtocolVersionMajor), number(Tag::ProtocolVersionMinor))
        })
        .collect();
    for of_pykmip in [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 0)] {
        let (major, minor) = of_pykmip;
        assert!(versions.contains(&(Some(major), Some(minor))), "{of_pykmip:?}");
    }
}
