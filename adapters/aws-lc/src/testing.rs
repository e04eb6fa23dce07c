//! Keys in use, for tests: there is no way to one but through an object that allows its use.

use kmip_model::{
    Material,
    attribute::{Attribute, AttributeSet, CryptographicParameters},
    date::DateTime,
    enumeration::{CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType},
    identifier::UniqueIdentifier,
    object::{
        KeyBlock, KeyInUse, KeyMaterial, KeyValue, Life, ManagedObject, Object, ProcessingKey,
        ProtectionKey,
    },
};

const NOW: DateTime = DateTime(100);

/// Describes a key to be used.
pub(crate) fn key(
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
    material: KeyMaterial,
) -> KeyInUse {
    KeyInUse { object_type, algorithm, length: None, material }
}

/// Describes a symmetric key of no algorithm in particular.
pub(crate) fn secret(bytes: &[u8]) -> KeyInUse {
    key(ObjectType::SymmetricKey, None, KeyMaterial::Bytes(Material::from(bytes)))
}

fn object(key: &KeyInUse) -> ManagedObject {
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::Raw,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain {
            key_material: key.material.clone(),
            attributes: Vec::new(),
        }),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    };
    let object = match key.object_type {
        ObjectType::PublicKey => Object::PublicKey(key_block),
        ObjectType::PrivateKey => Object::PrivateKey(key_block),
        _ => Object::SymmetricKey(key_block),
    };
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::CryptographicUsageMask(CryptographicUsageMask::ENCRYPT));
    if let Some(algorithm) = key.algorithm {
        attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    }
    let owner = "alice".to_owned();
    ManagedObject::restore(UniqueIdentifier::new("a"), owner, attributes, Life::Active(object))
}

/// Allows a key to protect.
pub(crate) fn protection(key: &KeyInUse) -> ProtectionKey {
    object(key).protection_key(CryptographicUsageMask::ENCRYPT, NOW).unwrap()
}

/// Allows a key to process.
pub(crate) fn processing(key: &KeyInUse) -> ProcessingKey {
    object(key).processing_key(CryptographicUsageMask::ENCRYPT, NOW).unwrap()
}

/// Returns parameters that say nothing.
pub(crate) fn no_parameters() -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: None,
        padding_method: None,
        hashing_algorithm: None,
        key_role_type: None,
        digital_signature_algorithm: None,
        cryptographic_algorithm: None,
        random_iv: None,
        iv_length: None,
        tag_length: None,
        fixed_field_length: None,
        invocation_field_length: None,
        counter_length: None,
        initial_counter_value: None,
        salt_length: None,
        mask_generator: None,
        mask_generator_hashing_algorithm: None,
        p_source: None,
        trailer_field: None,
    }
}
