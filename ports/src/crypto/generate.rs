//! Making key pairs (KMIP 2.1 §6.1.9 Create Key Pair).

use async_trait::async_trait;
use kmip_model::{Material, enumeration::RecommendedCurve};

use super::CryptoError;

/// Which key pair to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPairSpecification {
    /// RSA with public exponent 65537.
    Rsa {
        /// The modulus, in bits.
        bits: u32,
    },
    /// An elliptic curve key for ECDSA and ECDH.
    EllipticCurve {
        /// The curve; P-256, P-384 and P-521 at least.
        curve: RecommendedCurve,
    },
    /// Ed25519.
    Ed25519,
}

/// A key pair, in the forms that name their algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// PKCS#8 (RFC 5208, RFC 5958), DER.
    pub private: Material,
    /// SubjectPublicKeyInfo (RFC 5280), DER.
    pub public: Vec<u8>,
}

/// Makes key pairs.
#[async_trait]
pub trait KeyGeneration: Send + Sync {
    /// Says whether `specification` is offered.
    fn supports(&self, specification: KeyPairSpecification) -> bool;
    /// Makes a key pair; `Unsupported` if it is not offered. Never blocks the caller's thread.
    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError>;
}
