//! OpenStack Barbican (kmip_secret_store, over PyKMIP's client): KMIP 1.2.
//!
//! Create and Create Key Pair, the latter without usage masks; Register of every kind of secret;
//! Get; Destroy without Revoke, since nothing is ever activated. Optionally a username and a
//! password travel in the header.

use kmip_model::enumeration::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, SecretDataType, Tag,
};
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, structure, template_attribute,
};
use kmip_tests::tree::Value;
use kmip_tests::{Request, TestServer};

use crate::common::{create_aes, key_block, material, on, register_aes};

const VERSION: (i32, i32) = (1, 2);

#[test]
fn a_key_pair_needs_no_usage_masks() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let common = structure(
        Tag::CommonTemplateAttribute,
        vec![
            enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Rsa),
            attribute("Cryptographic Length", Value::Integer(2048)),
        ],
    );
    let made = connection.ask(&Request::one(VERSION, Operation::CreateKeyPair, vec![common]));
    for (tag, kind) in [
        (Tag::PrivateKeyUniqueIdentifier, ObjectType::PrivateKey),
        (Tag::PublicKeyUniqueIdentifier, ObjectType::PublicKey),
    ] {
        let id = made.payload().text_of(tag).expect("both are named").to_owned();
        let got = connection.ask(&on(VERSION, Operation::Get, &id));
        assert_eq!(got.payload().enumeration(Tag::ObjectType), Some(kind.0));
        let destroyed = connection.ask(&on(VERSION, Operation::Destroy, &id));
        assert_eq!(destroyed.fields(), [identifier(&id)]);
    }
}

#[test]
fn secrets_come_and_go_without_being_active() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let passphrase = structure(
        Tag::SecretData,
        vec![
            enumeration(Tag::SecretDataType, SecretDataType::Password),
            key_block(KeyFormatType::Opaque, b"a passphrase", Vec::new()),
        ],
    );
    let secret = vec![
        enumeration(Tag::ObjectType, ObjectType::SecretData),
        template_attribute(Vec::new()),
        passphrase,
    ];
    let requests = [
        Request::one(VERSION, Operation::Create, create_aes(Vec::new())),
        Request::one(VERSION, Operation::Register, register_aes(&material(32, 5), Vec::new())),
        Request::one(VERSION, Operation::Register, secret),
    ];
    for request in requests {
        // The credential is sent with every request; without accounts it means nothing.
        let request = request.username_and_password("barbican", "secret");
        let id = connection.ask(&request).identifier();
        let got = connection.ask(&on(VERSION, Operation::Get, &id));
        assert_eq!(got.identifier(), id);
        assert_eq!(connection.ask(&on(VERSION, Operation::Destroy, &id)).identifier(), id);
    }
}
