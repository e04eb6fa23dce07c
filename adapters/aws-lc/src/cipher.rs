//! Ciphers.

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers, CryptoError};

/// Encrypts and decrypts with AWS-LC.
#[derive(Clone, Debug, Default)]
pub struct AwsLcCiphers;

#[async_trait]
impl Ciphers for AwsLcCiphers {
    fn supports(&self, _parameters: &CryptographicParameters) -> bool {
        false
    }

    async fn encrypt(
        &self,
        _key: &ProtectionKey,
        parameters: &CryptographicParameters,
        _input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }

    async fn decrypt(
        &self,
        _key: &ProcessingKey,
        parameters: &CryptographicParameters,
        _input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }
}
