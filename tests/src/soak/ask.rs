//! The messages of the clients: KMIP 1.4 §4.

use kmip_model::enumeration::{
    BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm, KeyFormatType,
    ObjectType, Operation, QueryFunction, RevocationReasonCode, Tag,
};

use super::client::{Key, Sealed};
use crate::{
    request::{
        Request, attribute, boolean, bytes, enumeration, enumeration_attribute, identifier,
        integer, name, structure, template_attribute, text, text_attribute,
    },
    tree::{Item, Value},
};

/// Custom attributes are short, and destroyed objects are hidden, in this one.
pub const VERSION: (i32, i32) = (1, 4);

/// The custom attribute that is changed.
pub const NOTE: &str = "x-note";

/// How a key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// Create.
    Create,
    /// Register, with a key of the client's.
    Register,
    /// Create and Activate in one message, both or neither.
    CreateActive,
}

/// What is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Modify Attribute: the custom attribute.
    Note,
    /// Activate.
    Activate,
    /// Revoke, out of use.
    Revoke,
    /// Destroy.
    Destroy,
}

fn one(operation: Operation, payload: Vec<Item>) -> Vec<u8> {
    Request::one(VERSION, operation, payload).bytes()
}

/// Asks which operations there are.
pub(super) fn query() -> Vec<u8> {
    let function = enumeration(Tag::QueryFunction, QueryFunction::QueryOperations);
    one(Operation::Query, vec![function])
}

/// Asks for a new AES key.
pub(super) fn new(make: Make, key: &Key) -> Vec<u8> {
    let more = vec![name(&key.name), text_attribute(NOTE, &key.note)];
    match make {
        Make::Create => one(Operation::Create, aes(more)),
        Make::Register => {
            let material = key.material.as_deref().unwrap_or_default();
            let key_block = vec![
                enumeration(Tag::KeyFormatType, KeyFormatType::Raw),
                structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]),
                enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
                integer(Tag::CryptographicLength, 256),
            ];
            let mut payload = aes(more);
            payload.push(structure(Tag::SymmetricKey, vec![structure(Tag::KeyBlock, key_block)]));
            one(Operation::Register, payload)
        }
        Make::CreateActive => Request::new(VERSION)
            .on_error(BatchErrorContinuationOption::Undo)
            .item_as(b"1", Operation::Create, aes(more))
            .item_as(b"2", Operation::Activate, Vec::new())
            .bytes(),
    }
}

/// Makes the fields of a Create of an AES key that encrypts and decrypts.
pub(super) fn aes(more: Vec<Item>) -> Vec<Item> {
    let mut attributes = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(256)),
        attribute("Cryptographic Usage Mask", Value::Integer(12)),
    ];
    attributes.extend(more);
    vec![enumeration(Tag::ObjectType, ObjectType::SymmetricKey), template_attribute(attributes)]
}

/// Asks for a key.
pub(super) fn get(id: &str) -> Vec<u8> {
    one(Operation::Get, vec![identifier(id)])
}

/// Searches for a Name.
pub(super) fn locate(value: &str) -> Vec<u8> {
    one(Operation::Locate, vec![name(value)])
}

/// Asks for State and the custom attribute.
pub(super) fn attributes(id: &str) -> Vec<u8> {
    let names = ["State", NOTE].map(|name| text(Tag::AttributeName, name));
    let payload = [identifier(id)].into_iter().chain(names).collect();
    one(Operation::GetAttributes, payload)
}

fn gcm(more: Vec<Item>) -> Item {
    let mut fields = vec![enumeration(Tag::BlockCipherMode, BlockCipherMode::Gcm)];
    fields.extend(more);
    fields.push(integer(Tag::TagLength, 16));
    structure(Tag::CryptographicParameters, fields)
}

/// Has a text encrypted, with a nonce of the server's.
pub(super) fn encrypt(id: &str, plaintext: &[u8]) -> Vec<u8> {
    let how = gcm(vec![boolean(Tag::RandomIv, true)]);
    one(Operation::Encrypt, vec![identifier(id), how, bytes(Tag::Data, plaintext)])
}

/// Has it decrypted again.
pub(super) fn decrypt(id: &str, sealed: &Sealed) -> Vec<u8> {
    let [data, nonce, tag] = &sealed.parts;
    let payload = vec![
        identifier(id),
        gcm(Vec::new()),
        bytes(Tag::Data, data),
        bytes(Tag::IvCounterNonce, nonce),
        bytes(Tag::AuthenticatedEncryptionTag, tag),
    ];
    one(Operation::Decrypt, payload)
}

/// Makes a key what it is to become.
pub(super) fn turn(after: &Key, turn: Turn) -> Vec<u8> {
    let mut payload = vec![identifier(&after.id)];
    match turn {
        Turn::Note => {
            payload.push(text_attribute(NOTE, &after.note));
            one(Operation::ModifyAttribute, payload)
        }
        Turn::Activate => one(Operation::Activate, payload),
        Turn::Revoke => {
            let code = RevocationReasonCode::CessationOfOperation;
            let code = enumeration(Tag::RevocationReasonCode, code);
            payload.push(structure(Tag::RevocationReason, vec![code]));
            one(Operation::Revoke, payload)
        }
        Turn::Destroy => one(Operation::Destroy, payload),
    }
}
