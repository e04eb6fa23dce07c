//! Symmetric keys: their bytes, if they are keys for what is asked of them.

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, ObjectType},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::CryptoError;

/// What is said of keys whose length does not fit.
pub(crate) const WRONG_LENGTH: CryptoError =
    CryptoError::BadKey("its length is not one that the algorithm takes");

/// Checks that a key that names its algorithm names this one.
pub(crate) fn check_algorithm(
    key: &KeyInUse,
    algorithm: CryptographicAlgorithm,
) -> Result<(), CryptoError> {
    if key.algorithm.is_some_and(|named| named != algorithm) {
        return Err(CryptoError::BadKey("it is a key of another algorithm"));
    }
    Ok(())
}

/// Returns the bytes of a key for this algorithm.
pub(crate) fn bytes_for(
    key: &KeyInUse,
    algorithm: CryptographicAlgorithm,
) -> Result<&Material, CryptoError> {
    check_algorithm(key, algorithm)?;
    secret_bytes(key)
}

/// Returns the bytes of a key or secret.
pub(crate) fn secret_bytes(key: &KeyInUse) -> Result<&Material, CryptoError> {
    let symmetric = matches!(key.object_type, ObjectType::SymmetricKey | ObjectType::SecretData);
    match &key.material {
        KeyMaterial::Bytes(bytes) | KeyMaterial::TransparentSymmetricKey { key: bytes }
            if symmetric =>
        {
            Ok(bytes)
        }
        _ => Err(CryptoError::BadKey("it is not a symmetric key")),
    }
}
