//! Randomness.

use kmip_model::Material;

use super::CryptoError;

/// Makes random bytes, fit for keys.
pub trait Random: Send + Sync {
    /// Makes `length` random bytes.
    fn bytes(&self, length: usize) -> Result<Material, CryptoError>;
}
