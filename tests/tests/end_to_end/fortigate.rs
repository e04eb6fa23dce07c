//! FortiGate, IPsec keys: KMIP 1.0 to 1.4 with a credential in the header.
//!
//! A tunnel has four keys. They are looked for in one batch of four Locates, each with its filter
//! inside a Template-Attribute and Maximum Items 1: a filter that is not honoured finds the same
//! key four times. Then one batch of four Gets.

use kmip_model::enumeration::{CryptographicAlgorithm, ObjectType, Operation, Tag};
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, integer, name, template_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer};

use crate::common::VERSIONS;

/// The four keys of a tunnel; every name begins alike.
const KEYS: [(&str, CryptographicAlgorithm, i32); 4] = [
    ("enc-in", CryptographicAlgorithm::Aes, 128),
    ("enc-out", CryptographicAlgorithm::Aes, 128),
    ("auth-in", CryptographicAlgorithm::HmacSha1, 160),
    ("auth-out", CryptographicAlgorithm::HmacSha1, 160),
];

fn key_name(tunnel: &str, key: &str) -> String {
    format!("fgt-6001F-branch-office-{tunnel}-{key}")
}

fn request(version: (i32, i32)) -> Request {
    Request::new(version).username_and_password("fortigate", "never checked").in_order(true)
}

fn create(version: (i32, i32), tunnel: &str) -> Request {
    KEYS.iter().fold(request(version), |request, (key, algorithm, bits)| {
        let mask = if *algorithm == CryptographicAlgorithm::Aes { 12 } else { 128 | 256 };
        let attributes = vec![
            enumeration_attribute("Cryptographic Algorithm", *algorithm),
            attribute("Cryptographic Length", Value::Integer(*bits)),
            attribute("Cryptographic Usage Mask", Value::Integer(mask)),
            name(&key_name(tunnel, key)),
        ];
        let payload = vec![
            enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
            template_attribute(attributes),
        ];
        request.item_as(key.as_bytes(), Operation::Create, payload)
    })
}

fn locate(version: (i32, i32), tunnel: &str) -> Request {
    KEYS.iter().fold(request(version), |request, (key, ..)| {
        let filter = template_attribute(vec![name(&key_name(tunnel, key))]);
        let payload = vec![integer(Tag::MaximumItems, 1), filter];
        request.item_as(key.as_bytes(), Operation::Locate, payload)
    })
}

fn get(version: (i32, i32), identifiers: &[String]) -> Request {
    (0_u8..).zip(identifiers).fold(request(version), |request, (number, id)| {
        request.item_as(&[number], Operation::Get, vec![identifier(id)])
    })
}

fn journey(connection: &mut Connection, version: (i32, i32)) {
    let mut created = Vec::new();
    for tunnel in ["1", "11"] {
        let answer = connection.ask(&create(version, tunnel));
        assert_eq!(answer.count(), 4);
        created.push((0..4).map(|at| answer.identifier_of(at)).collect::<Vec<_>>());
    }
    for (tunnel, expected) in ["1", "11"].into_iter().zip(&created) {
        let located = connection.ask(&locate(version, tunnel));
        assert_eq!(located.count(), 4);
        for (position, id) in expected.iter().enumerate() {
            let found: Vec<&Item> =
                located.payload_of(position).all(Tag::UniqueIdentifier).collect();
            assert_eq!(found, [&identifier(id)], "{version:?}, tunnel {tunnel}");
        }
        let got = connection.ask(&get(version, expected));
        for (position, (_, algorithm, bits)) in KEYS.iter().enumerate() {
            let block = got.payload_of(position).at("SymmetricKey/KeyBlock").expect("it is a key");
            assert_eq!(block.enumeration(Tag::KeyFormatType), Some(1));
            assert_eq!(block.enumeration(Tag::CryptographicAlgorithm), Some(algorithm.0));
            assert_eq!(block.integer(Tag::CryptographicLength), Some(*bits));
        }
    }
    let nothing = connection.ask(&locate(version, "111"));
    for position in 0..4 {
        assert_eq!(nothing.payload_of(position).all(Tag::UniqueIdentifier).count(), 0);
    }
}

#[test]
fn the_four_keys_of_a_tunnel_are_told_apart_in_every_version() {
    for version in VERSIONS.into_iter().filter(|version| version.0 == 1) {
        let server = TestServer::in_memory();
        journey(&mut server.connect("client"), version);
    }
}
