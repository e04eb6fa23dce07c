//! Message authentication codes (KMIP 2.1 §6.1.30 MAC, §6.1.31 MAC Verify; 1.4 §4.33, §4.34).

use kmip_model::{
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};

use super::CryptoError;

/// Makes and checks MACs. `parameters` always name the Cryptographic Algorithm: one of the HMAC
/// algorithms, or a block cipher, which stands for its CMAC.
pub trait Macs: Send + Sync {
    /// Says whether the algorithm is offered.
    fn supports(&self, parameters: &CryptographicParameters) -> bool;

    /// Makes a MAC of full length.
    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Says, in constant time, whether a MAC is right; a shorter one is wrong.
    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError>;
}
