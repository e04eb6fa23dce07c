//! Seven protocol versions on one port: nothing newer than the request, and every mistake answered
//! in the version it was made in (KMIP 2.1 §8, 1.4 §6 and §7).

use kmip_model::enumeration::{
    CertificateType, CryptographicAlgorithm, Enumeration as _, ObjectType, Operation,
    QueryFunction, ResultReason, ResultStatus, Tag,
};
use kmip_tests::request::{
    attribute, boolean, bytes, enumeration, enumeration_attribute, identifier, integer,
    protocol_version, structure, template_attribute, text,
};
use kmip_tests::tree::{Item, ItemType, Value};
use kmip_tests::{Connection, Request, TestServer};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::common::{VERSIONS, create_aes, create_in, on};

/// The attributes that came after 1.0, with their version.
const LATER: &[(&str, (i32, i32))] = &[
    ("Fresh", (1, 1)),
    ("Certificate Length", (1, 1)),
    ("X.509 Certificate Identifier", (1, 1)),
    ("X.509 Certificate Subject", (1, 1)),
    ("X.509 Certificate Issuer", (1, 1)),
    ("Digital Signature Algorithm", (1, 1)),
    ("Alternative Name", (1, 2)),
    ("Key Value Present", (1, 2)),
    ("Key Value Location", (1, 2)),
    ("Original Creation Date", (1, 2)),
    ("Random Number Generator", (1, 3)),
    ("PKCS#12 Friendly Name", (1, 4)),
    ("Description", (1, 4)),
    ("Comment", (1, 4)),
    ("Sensitive", (1, 4)),
    ("Always Sensitive", (1, 4)),
    ("Extractable", (1, 4)),
    ("Never Extractable", (1, 4)),
    ("Short Unique Identifier", (2, 0)),
    ("Key Format Type", (2, 0)),
    ("NIST Key Type", (2, 0)),
    ("Protection Storage Mask", (2, 0)),
    ("Protection Level", (2, 0)),
    ("Protection Period", (2, 0)),
    ("Quantum Safe", (2, 0)),
    ("Rotate Interval", (2, 1)),
    ("Rotate Automatic", (2, 1)),
];

fn register_certificate(server: &TestServer) -> String {
    let [certificate, ..] = server.identity("alice");
    let certificate = CertificateDer::from_pem_file(certificate).expect("init made it");
    let object = structure(
        Tag::Certificate,
        vec![
            enumeration(Tag::CertificateType, CertificateType::X509),
            bytes(Tag::CertificateValue, &certificate),
        ],
    );
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::Certificate),
        template_attribute(Vec::new()),
        object,
    ];
    let register = Request::one((1, 4), Operation::Register, payload);
    server.connect("client").ask(&register).identifier()
}

/// Makes one object of several types and returns their identifiers.
fn objects(server: &TestServer) -> Vec<String> {
    let mut connection = server.connect("client");
    let key = Request::one((1, 4), Operation::Create, create_aes(Vec::new()));
    let usage = |tag, bits| {
        structure(tag, vec![attribute("Cryptographic Usage Mask", Value::Integer(bits))])
    };
    let common = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Ec),
        attribute("Cryptographic Length", Value::Integer(256)),
    ];
    let pair = vec![
        structure(Tag::CommonTemplateAttribute, common),
        usage(Tag::PrivateKeyTemplateAttribute, 1),
        usage(Tag::PublicKeyTemplateAttribute, 2),
    ];
    let pair = connection.ask(&Request::one((1, 4), Operation::CreateKeyPair, pair));
    let half = |tag| pair.payload().text_of(tag).expect("there are two").to_owned();
    vec![
        connection.ask(&key).identifier(),
        half(Tag::PrivateKeyUniqueIdentifier),
        half(Tag::PublicKeyUniqueIdentifier),
        register_certificate(server),
    ]
}

/// Collects the names of attributes that an answer of 1.x holds.
fn names(payload: &Item) -> Vec<&str> {
    let all = payload.walk().into_iter().filter(|item| item.tag == Tag::AttributeName);
    all.filter_map(Item::as_text).collect()
}

#[test]
fn nothing_is_returned_that_the_version_has_not_got() {
    let server = TestServer::in_memory();
    let objects = objects(&server);
    for version in VERSIONS {
        for id in &objects {
            for operation in [Operation::Get, Operation::GetAttributes, Operation::GetAttributeList]
            {
                // A fresh connection each: one that cannot read an answer can read no other.
                // What tags the answer holds is checked wherever an answer is read.
                let answer = server.connect("client").ask(&on(version, operation, id));
                if version.0 == 1 {
                    for found in names(answer.payload()) {
                        let later = LATER.iter().find(|row| row.0 == found);
                        let since = later.map_or((1, 0), |row| row.1);
                        assert!(since <= version, "{operation} in {version:?}: {found}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_newer_is_not_returned_when_it_is_asked_for_by_name() {
    let server = TestServer::in_memory();
    let objects = objects(&server);
    let mut connection = server.connect("client");
    for version in VERSIONS.into_iter().filter(|version| version.0 == 1) {
        for (attribute_name, since) in LATER.iter().filter(|row| row.1 > version) {
            for id in &objects {
                let payload = vec![identifier(id), text(Tag::AttributeName, attribute_name)];
                let request = Request::one(version, Operation::GetAttributes, payload);
                let answer = connection.ask(&request);
                if answer.status(0) == ResultStatus::Success {
                    assert_eq!(answer.fields(), [identifier(id)], "{attribute_name} {since:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_known_is_returned_with_the_type_of_the_standard() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = Request::one((1, 4), Operation::Create, create_aes(Vec::new()));
    let id = connection.ask(&create).identifier();
    for (attribute_name, item_type) in [
        ("Unique Identifier", ItemType::TextString),
        ("Object Type", ItemType::Enumeration),
        ("Cryptographic Algorithm", ItemType::Enumeration),
        ("Cryptographic Length", ItemType::Integer),
        ("Cryptographic Usage Mask", ItemType::Integer),
        ("Operation Policy Name", ItemType::TextString),
        ("State", ItemType::Enumeration),
        ("Initial Date", ItemType::DateTime),
        ("Last Change Date", ItemType::DateTime),
        ("Lease Time", ItemType::Interval),
        ("Digest", ItemType::Structure),
        ("Fresh", ItemType::Boolean),
        ("Original Creation Date", ItemType::DateTime),
        ("Random Number Generator", ItemType::Structure),
        ("Sensitive", ItemType::Boolean),
        ("Always Sensitive", ItemType::Boolean),
        ("Extractable", ItemType::Boolean),
        ("Never Extractable", ItemType::Boolean),
    ] {
        let payload = vec![identifier(&id), text(Tag::AttributeName, attribute_name)];
        let answer = connection.ask(&Request::one((1, 4), Operation::GetAttributes, payload));
        let value = answer.attribute(attribute_name);
        assert_eq!(value.map(Value::item_type), Some(item_type), "{attribute_name}");
    }
}

#[test]
fn the_list_of_attributes_is_the_same_every_time() {
    let server = TestServer::in_memory();
    for id in objects(&server) {
        let ask = || server.connect("client").ask(&on((1, 4), Operation::GetAttributeList, &id));
        let first = ask();
        assert!(first.fields().len() > 5);
        assert_eq!(ask().fields(), first.fields());
    }
}

#[test]
fn query_lists_what_the_version_has() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for version in VERSIONS {
        let functions = [QueryFunction::QueryOperations, QueryFunction::QueryObjects];
        let functions = functions.map(|function| enumeration(Tag::QueryFunction, function));
        let answer = connection.ask(&Request::one(version, Operation::Query, functions.to_vec()));
        let is_of = |since: (u8, u8)| (i32::from(since.0), i32::from(since.1)) <= version;
        let mut operations = 0;
        for item in answer.payload().all(Tag::Operation) {
            let Value::Enumeration(value) = item.value else { panic!("{item:?}") };
            let member = Operation::MEMBERS.iter().find(|member| member.value == value).unwrap();
            // Discover Versions is offered to clients of 1.0 too, which ask for it.
            let offered = is_of(member.since) || value == Operation::DiscoverVersions.0;
            assert!(offered, "{} in {version:?}", member.name);
            operations += 1;
        }
        assert!(operations >= 12, "{operations} in {version:?}");
        let objects: Vec<u32> = answer
            .payload()
            .all(Tag::ObjectType)
            .filter_map(|item| match item.value {
                Value::Enumeration(value) => Some(value),
                _ => None,
            })
            .collect();
        assert_eq!(objects.contains(&ObjectType::Template.0), version.0 == 1, "{version:?}");
        assert_eq!(objects.contains(&ObjectType::PgpKey.0), version >= (1, 2), "{version:?}");
        assert!(objects.contains(&ObjectType::SymmetricKey.0));
    }
}

#[test]
fn one_connection_may_speak_every_version() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for version in VERSIONS.into_iter().chain(VERSIONS.into_iter().rev()) {
        let create = Request::one(version, Operation::Create, create_in(version));
        let id = connection.ask(&create).identifier();
        assert_eq!(connection.ask(&on(version, Operation::Get, &id)).key_material().len(), 32);
    }
}

#[test]
fn discover_versions_answers_with_those_that_both_have() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let mut ask = |offered: &[(i32, i32)]| {
        let offered = offered.iter().map(|(major, minor)| protocol_version(*major, *minor));
        let request = Request::one((1, 1), Operation::DiscoverVersions, offered.collect());
        connection.ask(&request).fields().to_vec()
    };
    // In the server's order, whatever the client's is.
    assert_eq!(ask(&[(9, 9), (1, 2), (2, 0)]), [protocol_version(2, 0), protocol_version(1, 2)]);
    assert_eq!(ask(&[(3, 0)]), []);
}

#[test]
fn an_unknown_version_is_refused_in_the_nearest_known_one() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (unknown, known, reason) in [
        ((0, 9), (1, 0), ResultReason::InvalidMessage),
        ((1, 5), (1, 4), ResultReason::InvalidMessage),
        ((2, 2), (2, 1), ResultReason::UnsupportedProtocolVersion),
        ((3, 0), (2, 1), ResultReason::UnsupportedProtocolVersion),
        ((9, 9), (2, 1), ResultReason::UnsupportedProtocolVersion),
        ((i32::MAX, -1), (2, 1), ResultReason::UnsupportedProtocolVersion),
    ] {
        let request = Request::one(unknown, Operation::DiscoverVersions, Vec::new());
        let answer = connection.ask_bytes(known, &request.bytes());
        assert_eq!(answer.reason(), reason, "{unknown:?}");
    }
    still_served(&mut connection);
}

fn still_served(connection: &mut Connection) {
    connection.ask(&Request::one((1, 0), Operation::Locate, Vec::new())).payload();
}

#[test]
fn an_operation_of_a_later_version_is_not_supported_in_an_earlier_one() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (version, operation) in [
        ((1, 4), Operation::SetAttribute),
        ((1, 4), Operation::Interop),
        ((1, 3), Operation::Import),
        ((1, 1), Operation::Encrypt),
        ((1, 0), Operation::ReKeyKeyPair),
    ] {
        let answer = connection.ask(&Request::one(version, operation, Vec::new()));
        assert_eq!(answer.reason(), ResultReason::OperationNotSupported, "{operation}");
    }
}

#[test]
fn a_payload_in_the_form_of_another_version_fails_in_its_own_item() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (version, form) in [((1, 4), (2, 1)), ((2, 1), (1, 4)), ((1, 0), (2, 0))] {
        let request = Request::new(version).item_as(b"1", Operation::Locate, Vec::new()).item_as(
            b"2",
            Operation::Create,
            create_in(form),
        );
        let answer = connection.ask(&request);
        assert_eq!(answer.count(), 2);
        assert_eq!(answer.status(0), ResultStatus::Success);
        assert_eq!(answer.status(1), ResultStatus::OperationFailed, "{version:?}");
    }
    still_served(&mut connection);
}

#[test]
fn a_payload_that_cannot_be_read_fails_in_its_own_item() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for version in VERSIONS {
        let wrong: [Vec<Item>; 4] = [
            // In 2.x a number may stand for an identifier.
            vec![boolean(Tag::UniqueIdentifier, true)],
            vec![identifier("1"), identifier("2")],
            vec![structure(Tag::UniqueIdentifier, Vec::new())],
            vec![text(Tag::KeyFormatType, "Raw")],
        ];
        for payload in wrong {
            let request = Request::new(version)
                .item_as(b"1", Operation::Create, create_in(version))
                .item_as(b"2", Operation::Get, payload.clone());
            let answer = connection.ask(&request);
            assert_eq!(answer.count(), 2, "{version:?} {payload:?}");
            assert_eq!(answer.status(0), ResultStatus::Success);
            assert_eq!(answer.reason_of(1), ResultReason::InvalidMessage, "{payload:?}");
        }
    }
}

/// Puts other bytes at a place of a message.
fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (old, new) in bytes.iter_mut().skip(at).zip(patch) {
        *old = *new;
    }
    bytes
}

#[test]
fn a_message_that_cannot_be_read_is_answered_in_its_version() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for version in VERSIONS {
        let good = on(version, Operation::Get, "1").bytes();
        // Offsets: header at 8, version at 16, Batch Count at 56, item at 72, its fields from 80.
        for (what, bad) in [
            ("an item longer than the message", patched(&good, 76, &[0, 0, 1, 0])),
            ("an item of 4 GiB", patched(&good, 76, &[0xFF; 4])),
            ("a header longer than the message", patched(&good, 12, &[0, 0, 2, 0])),
            ("an unknown type", patched(&good, 83, &[0x0F])),
            ("an integer of eight octets", patched(&good, 60, &[0, 0, 0, 8])),
            ("a text where a number must be", patched(&good, 59, &[7])),
            ("no operation", patched(&good, 80, &[0x42, 0x00, 0x93, 8])),
            ("another message", patched(&good, 0, &[0x42, 0x00, 0x7B])),
        ] {
            connection.send(&bad).unwrap();
            let answer = Item::decode(&connection.receive().unwrap()).unwrap();
            let header = answer.at("ResponseHeader/ProtocolVersion").unwrap();
            assert_eq!(*header, protocol_version(version.0, version.1), "{what}");
            let item = answer.at("BatchItem").unwrap();
            let failed = Some(ResultStatus::OperationFailed.0);
            assert_eq!(item.enumeration(Tag::ResultStatus), failed, "{what}: {item:?}");
            let invalid = Some(ResultReason::InvalidMessage.0);
            assert_eq!(item.enumeration(Tag::ResultReason), invalid, "{what}: {item:?}");
        }
        still_served(&mut connection);
    }
}

#[test]
fn a_message_without_a_version_is_answered_in_the_oldest() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for bad in [
        structure(Tag::RequestMessage, Vec::new()),
        structure(Tag::RequestMessage, vec![structure(Tag::RequestHeader, Vec::new())]),
        structure(Tag::RequestMessage, vec![integer(Tag::BatchCount, 1)]),
    ] {
        let answer = connection.ask_bytes((1, 0), &bad.encode().unwrap());
        assert_eq!(answer.reason(), ResultReason::InvalidMessage);
    }
    still_served(&mut connection);
}
