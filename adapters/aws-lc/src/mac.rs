//! MACs.

use kmip_model::{
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, Macs};

/// Makes and checks MACs with AWS-LC.
#[derive(Clone, Debug, Default)]
pub struct AwsLcMacs;

impl Macs for AwsLcMacs {
    fn supports(&self, _parameters: &CryptographicParameters) -> bool {
        false
    }

    fn generate(
        &self,
        _key: &ProtectionKey,
        parameters: &CryptographicParameters,
        _data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }

    fn verify(
        &self,
        _key: &ProcessingKey,
        parameters: &CryptographicParameters,
        _data: &[u8],
        _mac: &[u8],
    ) -> Result<bool, CryptoError> {
        Err(CryptoError::Unsupported(format!("{parameters:?}")))
    }
}
