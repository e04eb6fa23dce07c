//! Key derivation.

use async_trait::async_trait;
use kmip_model::{Material, object::ProtectionKey};
use kmip_ports::crypto::{CryptoError, Derivation, KeyDerivation};

/// Derives keys with AWS-LC.
#[derive(Clone, Debug, Default)]
pub struct AwsLcDerivation;

#[async_trait]
impl KeyDerivation for AwsLcDerivation {
    async fn derive(
        &self,
        _key: &ProtectionKey,
        _derivation: Derivation<'_>,
        _length: usize,
    ) -> Result<Material, CryptoError> {
        Err(CryptoError::Unsupported("key derivation".to_owned()))
    }
}
