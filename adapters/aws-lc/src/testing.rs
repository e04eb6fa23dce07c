//! Keys for tests: as the model describes them, and in use.

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, ObjectType},
    object::{KeyInUse, KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_testkit::key_in_use;

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

/// Allows a key to protect.
pub(crate) fn protection(key: &KeyInUse) -> ProtectionKey {
    key_in_use(key.object_type, key.algorithm, key.material.clone()).0
}

/// Allows a key to process.
pub(crate) fn processing(key: &KeyInUse) -> ProcessingKey {
    key_in_use(key.object_type, key.algorithm, key.material.clone()).1
}
