//! What tests need: keys in use, those of the vectors among them, and parameters.

use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, ObjectType},
    object::{KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_testkit::key_in_use;

/// A symmetric key, in hexadecimal.
pub(crate) fn symmetric(
    algorithm: CryptographicAlgorithm,
    key: &str,
) -> (ProtectionKey, ProcessingKey) {
    key_in_use(ObjectType::SymmetricKey, Some(algorithm), bytes(hex::decode(key).unwrap()))
}

/// An RSA key of the vectors.
pub(crate) fn rsa(object_type: ObjectType, name: &str) -> (ProtectionKey, ProcessingKey) {
    key_in_use(object_type, Some(CryptographicAlgorithm::Rsa), bytes(vector(name)))
}

pub(crate) fn bytes(bytes: Vec<u8>) -> KeyMaterial {
    KeyMaterial::Bytes(Material::new(bytes))
}

/// Reads one of the vectors of RSA.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    include_str!("../tests/vectors/rsa.txt")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| hex::decode(value).unwrap())
        .expect("the vectors have that name")
}

/// Parameters that name the algorithm, and nothing else.
pub(crate) fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(algorithm),
        ..CryptographicParameters::EMPTY
    }
}
