//! Keys in use: there is no way to one but through an object that allows its use.

use kmip_model::{
    DateTime, ManagedObject, UniqueIdentifier,
    attribute::{Attribute, AttributeSet},
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType, SecretDataType,
    },
    object::{KeyBlock, KeyMaterial, Life, Object, ProcessingKey, ProtectionKey},
};

const USAGE: CryptographicUsageMask = CryptographicUsageMask::ENCRYPT;
const NOW: DateTime = DateTime(100);
const ALLOWED: &str = "the key is Active and its mask has Encrypt";

/// Returns the key of an Active object that may be used, for both directions. What is neither a half
/// of a pair nor a secret is a symmetric key.
///
/// # Panics
///
/// If the model does not let an Active key be used.
#[must_use]
pub fn key_in_use(
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
    key_material: KeyMaterial,
) -> (ProtectionKey, ProcessingKey) {
    let key_block = KeyBlock::plain(KeyFormatType::Raw, key_material);
    let object = match object_type {
        ObjectType::PrivateKey => Object::PrivateKey(key_block),
        ObjectType::PublicKey => Object::PublicKey(key_block),
        ObjectType::SecretData => {
            Object::SecretData { secret_data_type: SecretDataType::Seed, key_block }
        }
        _ => Object::SymmetricKey(key_block),
    };
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::CryptographicUsageMask(USAGE));
    if let Some(algorithm) = algorithm {
        attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    }
    let (identifier, life) = (UniqueIdentifier::new("a"), Life::Active(object));
    let object = ManagedObject::restore(identifier, "alice".to_owned(), attributes, life);
    let protection = object.protection_key(USAGE, NOW).expect(ALLOWED);
    (protection, object.processing_key(USAGE, NOW).expect(ALLOWED))
}
