//! Keys in use, in the forms that the library takes.

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyDescription};

use crate::format::DerKeyFormats;

/// Returns the bytes of a key that is nothing but bytes: symmetric keys, passwords, secrets.
pub(crate) fn bytes(key: &KeyInUse) -> Result<&Material, CryptoError> {
    match (key.object_type, &key.material) {
        (ObjectType::PublicKey | ObjectType::PrivateKey | ObjectType::Certificate, _) => {
            Err(CryptoError::BadKey("it is not a symmetric key"))
        }
        (_, KeyMaterial::Bytes(bytes) | KeyMaterial::TransparentSymmetricKey { key: bytes }) => {
            Ok(bytes)
        }
        _ => Err(CryptoError::BadKey("it is not a symmetric key")),
    }
}

/// Returns the bytes of a key for one cipher; a key that is for another is refused.
pub(crate) fn of_cipher(
    key: &KeyInUse,
    algorithm: CryptographicAlgorithm,
) -> Result<&Material, CryptoError> {
    if key.algorithm.is_some_and(|own| own != algorithm) {
        return Err(CryptoError::BadKey("it is for another algorithm"));
    }
    bytes(key)
}

/// Reads a private key.
pub(crate) fn private(
    key: &KeyInUse,
    form: impl FnOnce(&KeyDescription) -> Result<KeyFormatType, CryptoError>,
) -> Result<(KeyDescription, KeyMaterial), CryptoError> {
    must_be_private(key)?;
    DerKeyFormats::read(ObjectType::PrivateKey, &key.material, form)
}

/// Refuses what is not a private key.
pub(crate) fn must_be_private(key: &KeyInUse) -> Result<(), CryptoError> {
    match key.object_type {
        ObjectType::PrivateKey => Ok(()),
        _ => Err(CryptoError::BadKey("it is not a private key")),
    }
}

/// Reads a public key.
pub(crate) fn public(
    key: &KeyInUse,
    form: impl FnOnce(&KeyDescription) -> Result<KeyFormatType, CryptoError>,
) -> Result<(KeyDescription, KeyMaterial), CryptoError> {
    if key.object_type != ObjectType::PublicKey {
        return Err(CryptoError::BadKey("it is not a public key"));
    }
    DerKeyFormats::read(ObjectType::PublicKey, &key.material, form)
}

/// Returns the bytes of a key that was read into a form of bytes.
pub(crate) fn encoded(material: KeyMaterial) -> Result<Material, CryptoError> {
    match material {
        KeyMaterial::Bytes(bytes) => Ok(bytes),
        _ => Err(CryptoError::NoSuchForm),
    }
}

/// Chooses `form` for RSA keys between `minimum` and 8192 bits, and refuses others.
pub(crate) fn rsa_form(
    description: &KeyDescription,
    minimum: i32,
    form: KeyFormatType,
) -> Result<KeyFormatType, CryptoError> {
    if description.algorithm != CryptographicAlgorithm::Rsa {
        return Err(CryptoError::BadKey("it is not an RSA key"));
    }
    if !(minimum..=8192).contains(&description.length) {
        let length = description.length;
        return Err(CryptoError::Unsupported(format!("this with RSA keys of {length} bits")));
    }
    Ok(form)
}
