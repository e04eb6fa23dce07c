//! RSA (RFC 8017): public keys of every size, and private keys under 2048 bits.

use std::sync::Arc;

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, ObjectType},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyFormats, Random};
use rsa::{
    PrivateKey, PublicKey,
    errors::Error,
    pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey},
    rand_core::{TryCryptoRng, TryRng},
};

use crate::key::check_algorithm;

mod encryption;
mod signature;

pub(crate) use encryption::Encryption;
pub(crate) use signature::Signature;

/// The size, in bits, from which private keys are refused.
///
/// The crate's arithmetic is meant to be constant in time, and was found not to be before
/// (RUSTSEC-2023-0071). Keys that are worth an attack like that are computed with by AWS-LC or not
/// at all.
const FIRST_REFUSED_PRIVATE_BITS: i32 = 2_048;

/// What is said of a hash that RSA is not offered with.
fn unsupported_hash(hash: HashingAlgorithm) -> CryptoError {
    CryptoError::Unsupported(format!("RSA with the hash {hash}"))
}

/// Reads a public key in any form.
pub(crate) fn public_key(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
) -> Result<PublicKey, CryptoError> {
    let der = pkcs1(formats, key, ObjectType::PublicKey)?;
    PublicKey::from_pkcs1_der(der.expose())
        .map_err(|_| CryptoError::BadKey("its numbers are not those of an RSA public key"))
}

/// Reads a private key in any form, if it is small enough.
pub(crate) fn private_key(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
) -> Result<PrivateKey, CryptoError> {
    let der = pkcs1(formats, key, ObjectType::PrivateKey)?;
    PrivateKey::from_pkcs1_der(der.expose())
        .map_err(|_| CryptoError::BadKey("its numbers are not those of an RSA private key"))
}

/// Returns a key as PKCS#1.
fn pkcs1(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
    object_type: ObjectType,
) -> Result<Material, CryptoError> {
    check_algorithm(key, CryptographicAlgorithm::Rsa)?;
    if key.object_type != object_type {
        return Err(CryptoError::BadKey("it is not the right half of an RSA key pair"));
    }
    let description = formats.describe(object_type, &key.material)?;
    if description.algorithm != CryptographicAlgorithm::Rsa {
        return Err(CryptoError::BadKey("it is a key of another algorithm"));
    }
    if object_type == ObjectType::PrivateKey && description.length >= FIRST_REFUSED_PRIVATE_BITS {
        return Err(CryptoError::Unsupported(format!(
            "these parameters with an RSA private key of {} bits",
            description.length
        )));
    }
    match formats.convert(object_type, &key.material, KeyFormatType::Pkcs1)? {
        KeyMaterial::Bytes(der) => Ok(der),
        _ => Err(CryptoError::NoSuchForm),
    }
}

/// Says what the library's failure means for the caller. Decryption has one answer only.
fn failure(error: &Error) -> CryptoError {
    match error {
        Error::MessageTooLong => CryptoError::BadInput("the data is too long for the key"),
        Error::InputNotHashed => CryptoError::BadInput("the digest is not as long as the hash"),
        _ => CryptoError::Failed,
    }
}

/// The port's random bytes, as the library takes them.
pub(crate) struct PortRandom(pub(crate) Arc<dyn Random>);

impl TryRng for PortRandom {
    type Error = CryptoError;

    fn try_next_u32(&mut self) -> Result<u32, CryptoError> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, CryptoError> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, places: &mut [u8]) -> Result<(), CryptoError> {
        let bytes = self.0.bytes(places.len())?;
        if bytes.len() != places.len() {
            return Err(CryptoError::Failed);
        }
        places.copy_from_slice(bytes.expose());
        Ok(())
    }
}

impl TryCryptoRng for PortRandom {}
