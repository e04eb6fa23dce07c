//! RSA keys in use, read by the library.

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyFormats};

use crate::library::Key;

/// Which keys are computed with, in bits.
const BITS: std::ops::RangeInclusive<i32> = 2048..=8192;

/// A key with what its owner wants to know of it.
pub(crate) struct RsaKey {
    pub(crate) key: Key,
    /// The bits of its modulus.
    pub(crate) bits: usize,
}

impl RsaKey {
    /// How many bytes its modulus has.
    pub(crate) const fn bytes(&self) -> usize {
        self.bits.div_ceil(8)
    }
}

/// Reads a public key in any form.
pub(crate) fn public(formats: &dyn KeyFormats, key: &KeyInUse) -> Result<RsaKey, CryptoError> {
    let (der, bits) = pkcs1(formats, key, ObjectType::PublicKey)?;
    let key = Key::public(der.expose())
        .ok_or(CryptoError::BadKey("its numbers are not those of an RSA public key"))?;
    Ok(RsaKey { key, bits })
}

/// Reads a private key in any form. The library checks that its numbers belong together.
pub(crate) fn private(formats: &dyn KeyFormats, key: &KeyInUse) -> Result<RsaKey, CryptoError> {
    let (der, bits) = pkcs1(formats, key, ObjectType::PrivateKey)?;
    let key = Key::private(der.expose())
        .ok_or(CryptoError::BadKey("its numbers contradict each other"))?;
    Ok(RsaKey { key, bits })
}

/// Returns a key as PKCS#1, and its bits.
fn pkcs1(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
    object_type: ObjectType,
) -> Result<(Material, usize), CryptoError> {
    if key.object_type != object_type {
        return Err(CryptoError::BadKey("it is not the right half of an RSA key pair"));
    }
    let other = |algorithm| algorithm != CryptographicAlgorithm::Rsa;
    let description = formats.describe(object_type, &key.material)?;
    if key.algorithm.is_some_and(other) || other(description.algorithm) {
        return Err(CryptoError::BadKey("it is a key of another algorithm"));
    }
    let bits = usize::try_from(description.length)
        .ok()
        .filter(|_| BITS.contains(&description.length))
        .ok_or_else(|| {
            let length = description.length;
            CryptoError::Unsupported(format!("this with RSA keys of {length} bits"))
        })?;
    match formats.convert(object_type, &key.material, KeyFormatType::Pkcs1)? {
        KeyMaterial::Bytes(der) => Ok((der, bits)),
        _ => Err(CryptoError::NoSuchForm),
    }
}
