//! Rows that are different here on purpose: what is done instead. The reasons are in
//! [`DIFFERENT`](super::table::DIFFERENT).

use kmip_model::enumeration::{
    CryptographicAlgorithm, ObjectType, Operation, ResultReason, RevocationReasonCode, State, Tag,
};
use kmip_tests::request::{bytes, enumeration, identifier, name, structure, template_attribute};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Connection, Request, TestServer};

use super::objects::{VERSION, attributes_of, key_attributes, on, register, revoke};

/// The attributes of an AES key, without some of them, and never with a mask.
fn aes_without(missing: &[&str]) -> Vec<Item> {
    let attributes = ["Cryptographic Algorithm", "Cryptographic Length"];
    let all = attributes.into_iter().zip(key_attributes(CryptographicAlgorithm::Aes, 128));
    let left = all.filter(|(attribute, _)| !missing.contains(attribute));
    left.map(|(_, item)| item).collect()
}

fn create(connection: &mut Connection, attributes: Vec<Item>) -> Answer {
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
    ];
    connection.ask(&Request::one(VERSION, Operation::Create, payload))
}

fn create_pair(connection: &mut Connection, common: Vec<Item>) -> Answer {
    let payload = vec![
        structure(Tag::CommonTemplateAttribute, common),
        structure(Tag::PrivateKeyTemplateAttribute, vec![name("private")]),
        structure(Tag::PublicKeyTemplateAttribute, vec![name("public")]),
    ];
    connection.ask(&Request::one(VERSION, Operation::CreateKeyPair, payload))
}

/// A version that tells a missing bit of the mask from other refusals.
const TELLING: (i32, i32) = (2, 0);

/// Uses a key on some data.
fn used(connection: &mut Connection, operation: Operation, id: &str) -> Answer {
    let payload = vec![identifier(id), bytes(Tag::Data, b"data")];
    connection.ask(&Request::one(TELLING, operation, payload))
}

/// Asserts that a key is there and can be had, that it has no mask, and that it is not used.
fn is_there_and_of_no_use(connection: &mut Connection, operation: Operation, id: &str) {
    on(connection, Operation::Get, id).identifier();
    on(connection, Operation::Activate, id).identifier();
    let attributes = attributes_of(connection, id, &["State", "Cryptographic Usage Mask"]);
    assert_eq!(attributes.attribute("State"), Some(&Value::Enumeration(State::Active.0)));
    assert_eq!(attributes.attribute("Cryptographic Usage Mask"), None);
    let refused = used(connection, operation, id);
    assert_eq!(refused.reason(), ResultReason::IncompatibleCryptographicUsageMask, "{operation}");
}

#[test]
fn a_key_without_a_mask_is_created_and_nothing_is_done_with_it() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    // These two must be given, as with PyKMIP.
    for missing in ["Cryptographic Algorithm", "Cryptographic Length"] {
        let refused = create(&mut connection, aes_without(&[missing]));
        assert_eq!(refused.reason(), ResultReason::InvalidField, "{missing}");
    }
    for operation in [Operation::Encrypt, Operation::Decrypt, Operation::Mac] {
        let id = create(&mut connection, aes_without(&[])).identifier();
        is_there_and_of_no_use(&mut connection, operation, &id);
    }
}

#[test]
fn a_pair_without_masks_is_created_and_nothing_is_done_with_it() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let length = key_attributes(CryptographicAlgorithm::Rsa, 2_048).pop();
    let refused = create_pair(&mut connection, length.into_iter().collect());
    assert_eq!(refused.reason(), ResultReason::InvalidField);
    let rsa = key_attributes(CryptographicAlgorithm::Rsa, 2_048);
    let made = create_pair(&mut connection, rsa);
    for (half, operation) in [
        (Tag::PrivateKeyUniqueIdentifier, Operation::Sign),
        (Tag::PublicKeyUniqueIdentifier, Operation::Encrypt),
    ] {
        let id = made.payload().text_of(half).expect("both halves are named").to_owned();
        is_there_and_of_no_use(&mut connection, operation, &id);
    }
}

fn opaque_object(connection: &mut Connection) -> String {
    let object = structure(
        Tag::OpaqueObject,
        vec![
            Item::new(Tag::OpaqueDataType, Value::Enumeration(0x8000_0000)),
            bytes(Tag::OpaqueDataValue, b"anything"),
        ],
    );
    register(connection, ObjectType::OpaqueObject, object, Vec::new())
}

fn assert_state(connection: &mut Connection, id: &str, state: State) {
    let attributes = attributes_of(connection, id, &["State"]);
    assert_eq!(attributes.attribute("State"), Some(&Value::Enumeration(state.0)), "{state}");
}

#[test]
fn an_opaque_object_is_activated_as_others_are() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = opaque_object(&mut connection);
    assert_state(&mut connection, &id, State::PreActive);
    on(&mut connection, Operation::Activate, &id).identifier();
    assert_state(&mut connection, &id, State::Active);
    let again = on(&mut connection, Operation::Activate, &id);
    assert_eq!(again.reason(), ResultReason::PermissionDenied);
    // What is active is not destroyed; PyKMIP destroys opaque objects at any time.
    let refused = on(&mut connection, Operation::Destroy, &id);
    assert_eq!(refused.reason(), ResultReason::PermissionDenied);
}

#[test]
fn an_opaque_object_is_revoked_as_others_are() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let cessation = RevocationReasonCode::CessationOfOperation;
    let id = opaque_object(&mut connection);
    let refused = revoke(&mut connection, &id, cessation);
    assert_eq!(refused.reason(), ResultReason::IllegalOperation);
    on(&mut connection, Operation::Activate, &id).identifier();
    revoke(&mut connection, &id, cessation).identifier();
    assert_state(&mut connection, &id, State::Deactivated);
    revoke(&mut connection, &id, RevocationReasonCode::KeyCompromise).identifier();
    assert_state(&mut connection, &id, State::Compromised);
    on(&mut connection, Operation::Destroy, &id).identifier();
    // Nobody who never activates one notices any of this.
    let untouched = opaque_object(&mut connection);
    on(&mut connection, Operation::Destroy, &untouched).identifier();
}
