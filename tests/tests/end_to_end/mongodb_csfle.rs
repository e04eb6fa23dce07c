//! MongoDB drivers, Client-Side Field Level Encryption (libmongocrypt): KMIP 1.0, or 1.2 where the
//! server keeps the key.
//!
//! Register, Activate, Get, each on a connection of its own. The master key is Secret Data of type
//! Seed in an Opaque key block without algorithm and length, with usage mask 0 and without a Name.

use kmip_model::enumeration::{
    BlockCipherMode, CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, PaddingMethod,
    SecretDataType, Tag,
};
use kmip_tests::request::{
    attribute, boolean, bytes, enumeration, identifier, protocol_version, structure,
    template_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Request, TestServer};

use crate::common::{VERSIONS, create_aes, key_block, material, on};

fn secret(material: &[u8]) -> Item {
    structure(
        Tag::SecretData,
        vec![
            enumeration(Tag::SecretDataType, SecretDataType::Seed),
            key_block(KeyFormatType::Opaque, material, Vec::new()),
        ],
    )
}

fn register(material: &[u8]) -> Request {
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SecretData),
        template_attribute(vec![attribute("Cryptographic Usage Mask", Value::Integer(0))]),
        secret(material),
    ];
    Request::one((1, 0), Operation::Register, payload)
}

#[test]
fn a_master_key_is_registered_activated_and_got_back() {
    let server = TestServer::in_memory();
    let ask = |request: &Request| -> Answer { server.connect("client").ask(request) };
    let seed = material(96, 1);

    let registered = ask(&register(&seed));
    let id = registered.identifier();
    assert_eq!(registered.fields(), [identifier(&id)]);
    assert_eq!(registered.header().children().len(), 3);

    assert_eq!(ask(&on((1, 0), Operation::Activate, &id)).fields(), [identifier(&id)]);

    assert_eq!(
        ask(&on((1, 0), Operation::Get, &id)).fields(),
        [enumeration(Tag::ObjectType, ObjectType::SecretData), identifier(&id), secret(&seed)]
    );
}

#[test]
fn two_master_keys_need_no_names() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let first = connection.ask(&register(&material(96, 1))).identifier();
    let second = connection.ask(&register(&material(96, 1))).identifier();
    assert_ne!(first, second);
}

#[test]
fn the_bytes_of_get_are_those_of_the_client() {
    // Tag, type, length: nothing between header and payload, nothing after the identifier.
    let bytes = on((1, 0), Operation::Get, "1").bytes();
    assert_eq!(
        hex::encode(bytes),
        "4200780100000070\
         4200770100000038420069010000002042006a0200000004000000010000000042006b0200000004\
         000000000000000042000d02000000040000000100000000\
         42000f010000002842005c05000000040000000a000000004200790100000010\
         42009407000000013100000000000000"
    );
}

#[test]
fn a_client_of_1_0_may_ask_for_the_versions() {
    let server = TestServer::in_memory();
    let request = Request::one((1, 0), Operation::DiscoverVersions, Vec::new());
    let answer = server.connect("client").ask(&request);
    let expected = VERSIONS.map(|(major, minor)| protocol_version(major, minor));
    assert_eq!(answer.fields(), expected);
}

#[test]
fn a_delegated_master_key_is_created_and_activated() {
    let server = TestServer::in_memory();
    let create = Request::one((1, 2), Operation::Create, create_aes(Vec::new()));
    let created = server.connect("client").ask(&create);
    let id = created.identifier();
    assert_eq!(
        created.fields(),
        [enumeration(Tag::ObjectType, ObjectType::SymmetricKey), identifier(&id)]
    );
    let activated = server.connect("client").ask(&on((1, 2), Operation::Activate, &id));
    assert_eq!(activated.fields(), [identifier(&id)]);
}

/// Asks for CBC with a padding and an IV that the server makes, as the client does.
fn delegated(operation: Operation, id: &str, data: &[u8], iv: Option<&[u8]>) -> Request {
    let parameters = structure(
        Tag::CryptographicParameters,
        vec![
            enumeration(Tag::BlockCipherMode, BlockCipherMode::Cbc),
            enumeration(Tag::PaddingMethod, PaddingMethod::Pkcs5),
            enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
            boolean(Tag::RandomIv, true),
        ],
    );
    let mut payload = vec![identifier(id), parameters, bytes(Tag::Data, data)];
    payload.extend(iv.map(|iv| bytes(Tag::IvCounterNonce, iv)));
    Request::one((1, 2), operation, payload)
}

#[test]
fn a_data_key_is_encrypted_by_the_server_which_returns_its_random_iv() {
    let server = TestServer::in_memory();
    let ask = |request: &Request| -> Answer { server.connect("client").ask(request) };
    let id = ask(&Request::one((1, 2), Operation::Create, create_aes(Vec::new()))).identifier();
    ask(&on((1, 2), Operation::Activate, &id)).payload();
    let data_key = material(96, 4);

    let mut seen = Vec::new();
    for _ in 0..2 {
        let encrypted = ask(&delegated(Operation::Encrypt, &id, &data_key, None));
        let [first, data, iv] = encrypted.fields() else { panic!("{:?}", encrypted.fields()) };
        assert_eq!(*first, identifier(&id));
        assert_eq!((data.tag, iv.tag), (Tag::Data, Tag::IvCounterNonce));
        let (Value::ByteString(data), Value::ByteString(iv)) = (&data.value, &iv.value) else {
            panic!("{data:?} {iv:?}");
        };
        assert_eq!((data.len(), iv.len()), (112, 16));
        let decrypted = ask(&delegated(Operation::Decrypt, &id, data, Some(iv)));
        assert_eq!(decrypted.fields(), [identifier(&id), bytes(Tag::Data, &data_key)]);
        seen.push(iv.clone());
    }
    assert_ne!(seen[0], seen[1]);
}
