//! The forms of a key (KMIP 2.1 §3.1 Key Format Type, §3.2 transparent keys).

use kmip_model::{
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType, RecommendedCurve},
    object::KeyMaterial,
};

use super::CryptoError;

/// What a key's bytes say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// The form the bytes really have.
    pub format: KeyFormatType,
    /// The algorithm; `Ec` where the key itself does not choose between ECDSA and ECDH.
    pub algorithm: CryptographicAlgorithm,
    /// Cryptographic Length, in bits.
    pub length: i32,
    /// The curve, for elliptic curve keys.
    pub curve: Option<RecommendedCurve>,
}

/// Converts keys from form to form.
pub trait KeyFormats: Send + Sync {
    /// Finds out which form `material` of an asymmetric key really has and what it says;
    /// `BadKey` if it is no key of `object_type` (Public Key or Private Key) in any form.
    fn describe(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError>;

    /// Converts `material` to the form `to`, whatever form it really has. Symmetric keys and
    /// secrets are Raw or Transparent Symmetric Key; public keys PKCS#1, X.509 or transparent;
    /// private keys PKCS#1, PKCS#8, EC Private Key or transparent. `NoSuchForm` if that kind of
    /// key has no such form, `BadKey` if it cannot be read.
    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError>;
}
