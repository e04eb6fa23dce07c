//! EDB Postgres TDE through the PyKMIP script: KMIP 1.2, the data key is encrypted by the server.
//!
//! The operator creates and activates an AES key; the script sends the data key with Cryptographic
//! Parameters and an IV of its own, and later the ciphertext with the same IV.

use kmip_model::enumeration::{
    BlockCipherMode, CryptographicAlgorithm, Operation, PaddingMethod, Tag,
};
use kmip_tests::request::{bytes, enumeration, identifier, structure};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Request, TestServer};

use crate::common::{create_aes, material, on};

const VERSION: (i32, i32) = (1, 2);

fn parameters() -> Item {
    structure(
        Tag::CryptographicParameters,
        vec![
            enumeration(Tag::BlockCipherMode, BlockCipherMode::Cbc),
            enumeration(Tag::PaddingMethod, PaddingMethod::Pkcs5),
            enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        ],
    )
}

fn computed(operation: Operation, id: &str, data: &[u8], iv: &[u8]) -> Request {
    let payload =
        vec![identifier(id), parameters(), bytes(Tag::Data, data), bytes(Tag::IvCounterNonce, iv)];
    Request::one(VERSION, operation, payload)
}

#[test]
fn a_data_key_is_encrypted_and_decrypted_with_an_iv_of_the_client() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = Request::one(VERSION, Operation::Create, create_aes(Vec::new()));
    let id = connection.ask(&create).identifier();
    connection.ask(&on(VERSION, Operation::Activate, &id)).payload();

    let (data_key, iv) = (material(32, 9), material(16, 3));
    let encrypted = connection.ask(&computed(Operation::Encrypt, &id, &data_key, &iv));
    let [first, ciphertext] = encrypted.fields() else { panic!("{:?}", encrypted.fields()) };
    assert_eq!(*first, identifier(&id));
    let Value::ByteString(ciphertext) = &ciphertext.value else { panic!("{ciphertext:?}") };
    assert_eq!(ciphertext.len(), 48);

    let decrypted = connection.ask(&computed(Operation::Decrypt, &id, ciphertext, &iv));
    assert_eq!(decrypted.fields(), [identifier(&id), bytes(Tag::Data, &data_key)]);
}
