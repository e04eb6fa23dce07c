//! What several journeys send.

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, RevocationReasonCode, Tag,
};
use kmip_tests::request::{
    attribute, bytes, enumeration, enumeration_attribute, identifier, integer, structure,
    template_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request};

/// Encrypt and Decrypt.
pub(crate) const ENCRYPT_DECRYPT: i32 = 12;

/// The protocol versions that the server speaks, newest first.
pub(crate) const VERSIONS: [(i32, i32); 7] =
    [(2, 1), (2, 0), (1, 4), (1, 3), (1, 2), (1, 1), (1, 0)];

/// Makes the attributes of an AES key in 1.x: algorithm, length, usage mask.
pub(crate) fn aes(bits: i32) -> Vec<Item> {
    vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(bits)),
        attribute("Cryptographic Usage Mask", Value::Integer(ENCRYPT_DECRYPT)),
    ]
}

/// Makes the payload of a Create of an AES-256 key in 1.x, with more attributes.
pub(crate) fn create_aes(more: Vec<Item>) -> Vec<Item> {
    let mut attributes = aes(256);
    attributes.extend(more);
    vec![enumeration(Tag::ObjectType, ObjectType::SymmetricKey), template_attribute(attributes)]
}

/// Makes the payload of a Create of an AES-256 key in 2.x, with more attributes.
pub(crate) fn create_aes_2(more: Vec<Item>) -> Vec<Item> {
    let mut attributes = vec![
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, 256),
        integer(Tag::CryptographicUsageMask, ENCRYPT_DECRYPT),
    ];
    attributes.extend(more);
    vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        structure(Tag::Attributes, attributes),
    ]
}

/// Makes the payload of a Create of an AES-256 key in any version.
pub(crate) fn create_in(version: (i32, i32)) -> Vec<Item> {
    if version.0 >= 2 { create_aes_2(Vec::new()) } else { create_aes(Vec::new()) }
}

/// Makes the payload of a Create Key Pair on P-256 in 1.x: one signs, the other verifies.
pub(crate) fn create_pair() -> Vec<Item> {
    let common = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Ec),
        attribute("Cryptographic Length", Value::Integer(256)),
    ];
    let usage = |tag, bits| {
        structure(tag, vec![attribute("Cryptographic Usage Mask", Value::Integer(bits))])
    };
    vec![
        structure(Tag::CommonTemplateAttribute, common),
        usage(Tag::PrivateKeyTemplateAttribute, 1),
        usage(Tag::PublicKeyTemplateAttribute, 2),
    ]
}

/// Makes a Key Block without attributes in its Key Value.
pub(crate) fn key_block(format: KeyFormatType, material: &[u8], more: Vec<Item>) -> Item {
    let mut fields = vec![
        enumeration(Tag::KeyFormatType, format),
        structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]),
    ];
    fields.extend(more);
    structure(Tag::KeyBlock, fields)
}

/// Makes a Symmetric Key: Raw, AES.
pub(crate) fn aes_key(material: &[u8]) -> Item {
    let bits = i32::try_from(material.len()).expect("keys are short").saturating_mul(8);
    let more = vec![
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, bits),
    ];
    structure(Tag::SymmetricKey, vec![key_block(KeyFormatType::Raw, material, more)])
}

/// Makes the payload of a Register of an AES key in 1.x, with more attributes.
pub(crate) fn register_aes(material: &[u8], more: Vec<Item>) -> Vec<Item> {
    let bits = i32::try_from(material.len()).expect("keys are short").saturating_mul(8);
    let mut attributes = aes(bits);
    attributes.extend(more);
    vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
        aes_key(material),
    ]
}

/// Makes the payload of a Revoke.
pub(crate) fn revoke(id: &str, code: RevocationReasonCode) -> Vec<Item> {
    let reason =
        structure(Tag::RevocationReason, vec![enumeration(Tag::RevocationReasonCode, code)]);
    vec![identifier(id), reason]
}

/// Creates an AES-256 key in 1.4 and returns its identifier.
pub(crate) fn new_key(connection: &mut Connection, more: Vec<Item>) -> String {
    let request = Request::one((1, 4), Operation::Create, create_aes(more));
    connection.ask(&request).identifier()
}

/// Asks for one operation on one object in a version.
pub(crate) fn on(version: (i32, i32), operation: Operation, id: &str) -> Request {
    Request::one(version, operation, vec![identifier(id)])
}

/// Makes bytes that are not all the same.
pub(crate) fn material(length: u8, seed: u8) -> Vec<u8> {
    (0..length).map(|byte| byte.wrapping_mul(7).wrapping_add(seed)).collect()
}
