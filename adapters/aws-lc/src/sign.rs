//! Signatures.

use async_trait::async_trait;
use kmip_model::{
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, SignatureInput, Signatures};

/// Signs and verifies with AWS-LC.
#[derive(Clone, Debug, Default)]
pub struct AwsLcSignatures;

#[async_trait]
impl Signatures for AwsLcSignatures {
    fn supports(&self, _parameters: &CryptographicParameters) -> bool {
        false
    }

    async fn sign(
        &self,
        _key: &ProtectionKey,
        parameters: &CryptographicParameters,
        _input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }

    async fn verify(
        &self,
        _key: &ProcessingKey,
        parameters: &CryptographicParameters,
        _input: SignatureInput<'_>,
        _signature: &[u8],
    ) -> Result<bool, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }
}
