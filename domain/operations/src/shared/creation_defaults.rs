//! What a new object gets where the client may be silent, and is (KMIP 2.1 §4 table 28, §7.11).
//!
//! Create and Create Key Pair use these; Query tells of them. Symmetric keys take length and mask
//! from the row of their algorithm in the model.

use kmip_model::{
    attribute::Attribute,
    crypto_profile::SymmetricProfile,
    enumeration::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType},
};

/// The algorithm of symmetric keys.
pub(crate) const SYMMETRIC_ALGORITHM: CryptographicAlgorithm = CryptographicAlgorithm::Aes;

/// The length of Secret Data, in bits.
pub(crate) const SECRET_LENGTH: i32 = 256;

/// The algorithm of key pairs.
pub(crate) const KEY_PAIR_ALGORITHM: CryptographicAlgorithm = CryptographicAlgorithm::Rsa;

/// The length of RSA keys, in bits.
pub(crate) const RSA_LENGTH: i32 = 2_048;

/// The length of elliptic curve keys, in bits.
pub(crate) const ELLIPTIC_LENGTH: i32 = 256;

/// What private keys are for.
pub(crate) const PRIVATE_KEY_MASK: CryptographicUsageMask = CryptographicUsageMask::SIGN;

/// What public keys are for.
pub(crate) const PUBLIC_KEY_MASK: CryptographicUsageMask = CryptographicUsageMask::VERIFY;

/// Lists the defaults of each type of object.
pub(crate) fn all() -> Vec<(ObjectType, Vec<Attribute>)> {
    let symmetric = SymmetricProfile::of(SYMMETRIC_ALGORITHM)
        .expect("the default algorithm of symmetric keys has a row");
    let key = |algorithm, length, mask| {
        vec![
            Attribute::CryptographicAlgorithm(algorithm),
            Attribute::CryptographicLength(length),
            Attribute::CryptographicUsageMask(mask),
        ]
    };
    vec![
        (
            ObjectType::SymmetricKey,
            key(symmetric.algorithm, symmetric.default_length, symmetric.default_mask),
        ),
        (ObjectType::PrivateKey, key(KEY_PAIR_ALGORITHM, RSA_LENGTH, PRIVATE_KEY_MASK)),
        (ObjectType::PublicKey, key(KEY_PAIR_ALGORITHM, RSA_LENGTH, PUBLIC_KEY_MASK)),
        (ObjectType::SecretData, vec![Attribute::CryptographicLength(SECRET_LENGTH)]),
    ]
}
