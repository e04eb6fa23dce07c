//! Hashing (KMIP 2.1 §4.21 Digest).

use kmip_model::enumeration::HashingAlgorithm;

use super::CryptoError;

/// Hashes.
pub trait Digests: Send + Sync {
    /// Says whether `algorithm` is offered.
    fn supports(&self, algorithm: HashingAlgorithm) -> bool;
    /// Hashes `data`. SHA-256 is always offered.
    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError>;
}
