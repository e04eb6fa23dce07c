//! Key derivation (KMIP 2.1 §6.1.11 Derive Key, §7.9 Derivation Parameters; 1.4 §4.6).

use async_trait::async_trait;
use kmip_model::{
    Material,
    enumeration::HashingAlgorithm,
    object::{KeyMaterial, ProtectionKey},
};

use super::CryptoError;

/// How bytes are derived from a key. Encryption and hashing have ports of their own.
#[derive(Clone, Copy, Debug)]
pub enum Derivation<'a> {
    /// PBKDF2 (RFC 8018) with HMAC.
    Pbkdf2 {
        /// The hash of the HMAC.
        hash: HashingAlgorithm,
        /// Salt.
        salt: &'a [u8],
        /// Iteration Count, at least 1.
        iterations: u32,
    },
    /// HKDF (RFC 5869), extract and expand.
    Hkdf {
        /// The hash of the HMAC.
        hash: HashingAlgorithm,
        /// Salt; empty stands for zeros.
        salt: &'a [u8],
        /// Info.
        info: &'a [u8],
    },
    /// NIST SP 800-108 counter mode: HMAC, a 32-bit counter before the fixed input.
    CounterMode {
        /// The hash of the HMAC.
        hash: HashingAlgorithm,
        /// The fixed input, as it is.
        fixed: &'a [u8],
    },
    /// NIST SP 800-108 feedback mode: HMAC, no counter, the IV first.
    FeedbackMode {
        /// The hash of the HMAC.
        hash: HashingAlgorithm,
        /// The IV; may be empty.
        iv: &'a [u8],
        /// The fixed input, as it is.
        fixed: &'a [u8],
    },
    /// NIST SP 800-108 double-pipeline mode: HMAC, no counter.
    DoublePipelineMode {
        /// The hash of the HMAC.
        hash: HashingAlgorithm,
        /// The fixed input, as it is.
        fixed: &'a [u8],
    },
    /// A Diffie-Hellman shared secret on the curve of the private key.
    Agreement {
        /// The public key of the other side, in any form that a public key has.
        public_key: &'a KeyMaterial,
    },
}

/// Derives bytes from keys.
#[async_trait]
pub trait KeyDerivation: Send + Sync {
    /// Derives `length` bytes; the leftmost ones where the method makes more. `TooLong` if it makes
    /// fewer, `Unsupported` if method, hash or key are not offered.
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError>;
}
