//! What tests need: keys of the vectors in use, and parameters.

use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, ObjectType},
    object::{KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_testkit::key_in_use;

/// A key of the vectors, for both directions.
pub(crate) fn keys(object_type: ObjectType, name: &str) -> (ProtectionKey, ProcessingKey) {
    keys_of(object_type, CryptographicAlgorithm::Rsa, vector(name))
}

/// A key for both directions.
pub(crate) fn keys_of(
    object_type: ObjectType,
    algorithm: CryptographicAlgorithm,
    bytes: Vec<u8>,
) -> (ProtectionKey, ProcessingKey) {
    key_in_use(object_type, Some(algorithm), KeyMaterial::Bytes(Material::new(bytes)))
}

/// Reads one of the vectors.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    include_str!("../tests/vectors/rsa.txt")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| hex::decode(value).unwrap())
        .expect("the vectors have that name")
}

/// Parameters that name RSA, and nothing else.
pub(crate) fn parameters() -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Rsa),
        ..CryptographicParameters::EMPTY
    }
}
