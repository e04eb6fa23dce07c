//! Ed25519 and X25519 keys (RFC 8410): 32 bytes under an object identifier.

use der::{
    Decode, Encode,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef},
};
use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, RecommendedCurve},
    object::KeyMaterial,
};
use kmip_ports::crypto::{CryptoError, KeyDescription};
use pkcs8::PrivateKeyInfoRef;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::number::{Secret, secret};

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
const LENGTH: usize = 32;
const BITS: i32 = 256;

/// What a key on Curve25519 is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Ed25519.
    Signature,
    /// X25519.
    Agreement,
}

impl Purpose {
    /// Finds out what the keys of an algorithm are for, if it is one of this file.
    pub(super) fn by_identifier(identifier: ObjectIdentifier) -> Option<Self> {
        match identifier {
            ED25519 => Some(Self::Signature),
            X25519 => Some(Self::Agreement),
            _ => None,
        }
    }

    fn identifier(self) -> AlgorithmIdentifierRef<'static> {
        let oid = match self {
            Self::Signature => ED25519,
            Self::Agreement => X25519,
        };
        AlgorithmIdentifierRef { oid, parameters: None }
    }

    fn describe(self, format: KeyFormatType) -> KeyDescription {
        let algorithm = match self {
            Self::Signature => CryptographicAlgorithm::Ed25519,
            Self::Agreement => CryptographicAlgorithm::Ecdh,
        };
        KeyDescription {
            format,
            algorithm,
            length: BITS,
            curve: Some(RecommendedCurve::Curve25519),
        }
    }
}

/// A private key.
pub(super) struct PrivateKey {
    purpose: Purpose,
    seed: Secret,
}

impl PrivateKey {
    /// Reads what is inside PKCS#8.
    pub(super) fn from_pkcs8(purpose: Purpose, inside: &[u8]) -> Result<Self, CryptoError> {
        <&OctetStringRef>::from_der(inside)
            .ok()
            .and_then(|seed| Self::from_raw(purpose, seed.as_bytes()))
            .ok_or(CryptoError::BadKey("its private value is not of 32 bytes"))
    }

    /// Reads the 32 bytes alone.
    pub(super) fn from_raw(purpose: Purpose, seed: &[u8]) -> Option<Self> {
        (seed.len() == LENGTH).then(|| Self { purpose, seed: secret(seed) })
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> KeyDescription {
        self.purpose.describe(format)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        match to {
            KeyFormatType::Raw => Ok(KeyMaterial::Bytes(Material::from(self.seed.as_slice()))),
            KeyFormatType::Pkcs8 => {
                let der = self.to_pkcs8().map_err(|_| CryptoError::Failed)?;
                Ok(KeyMaterial::Bytes(Material::new(der)))
            }
            _ => Err(CryptoError::NoSuchForm),
        }
    }

    fn to_pkcs8(&self) -> der::Result<Vec<u8>> {
        let inside = Secret::new(OctetStringRef::new(&self.seed)?.to_der()?);
        let inside = OctetStringRef::new(&inside)?;
        PrivateKeyInfoRef::new(self.purpose.identifier(), inside).to_der()
    }
}

/// A public key.
pub(super) struct PublicKey {
    purpose: Purpose,
    bytes: [u8; LENGTH],
}

impl PublicKey {
    /// Reads the 32 bytes, alone or from `SubjectPublicKeyInfo`.
    pub(super) fn from_raw(purpose: Purpose, bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self { purpose, bytes })
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> KeyDescription {
        self.purpose.describe(format)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        match to {
            KeyFormatType::Raw => Ok(KeyMaterial::Bytes(Material::from(&self.bytes[..]))),
            KeyFormatType::X509 => {
                let der = self.to_spki().map_err(|_| CryptoError::Failed)?;
                Ok(KeyMaterial::Bytes(Material::new(der)))
            }
            _ => Err(CryptoError::NoSuchForm),
        }
    }

    fn to_spki(&self) -> der::Result<Vec<u8>> {
        SubjectPublicKeyInfoRef {
            algorithm: self.purpose.identifier(),
            subject_public_key: BitStringRef::from_bytes(&self.bytes)?,
        }
        .to_der()
    }
}
