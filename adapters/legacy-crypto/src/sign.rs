//! Signatures: RSA.
//!
//! Deliberately absent: ECDSA and Ed25519, which AWS-LC has, and DSA.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::CryptographicAlgorithm,
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, KeyFormats, Random, SignatureInput, Signatures};

use crate::{
    offload::{Cost, run},
    rsa::{PortRandom, Signature, private_key, public_key},
};

/// Signs with RSA keys under 2048 bits, and verifies with all.
#[derive(Clone)]
pub struct LegacySignatures {
    formats: Arc<dyn KeyFormats>,
    random: Arc<dyn Random>,
}

impl LegacySignatures {
    /// Reads keys by `formats`, and takes salts and blinding from `random`.
    #[must_use]
    pub fn new(formats: Arc<dyn KeyFormats>, random: Arc<dyn Random>) -> Self {
        Self { formats, random }
    }
}

fn find(parameters: &CryptographicParameters) -> Result<Signature, CryptoError> {
    match parameters.cryptographic_algorithm {
        Some(CryptographicAlgorithm::Rsa) => Signature::find(parameters),
        Some(other) => Err(CryptoError::Unsupported(format!("signatures by {other}"))),
        None => Err(CryptoError::Unsupported("signatures by no algorithm".to_owned())),
    }
}

/// A copy of what is signed, for another thread.
enum Input {
    Message(Vec<u8>),
    Digest(Vec<u8>),
}

impl Input {
    fn copy(input: SignatureInput<'_>) -> Self {
        match input {
            SignatureInput::Message(message) => Self::Message(message.to_vec()),
            SignatureInput::Digest(digest) => Self::Digest(digest.to_vec()),
        }
    }

    fn borrow(&self) -> SignatureInput<'_> {
        match self {
            Self::Message(message) => SignatureInput::Message(message),
            Self::Digest(digest) => SignatureInput::Digest(digest),
        }
    }
}

#[async_trait]
impl Signatures for LegacySignatures {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        find(parameters).is_ok()
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let signature = find(parameters)?;
        let (formats, random) = (Arc::clone(&self.formats), PortRandom(Arc::clone(&self.random)));
        let (key, input) = (key.key().clone(), Input::copy(input));
        run(Cost::Pooled, move || {
            let key = private_key(formats.as_ref(), &key)?;
            signature.sign(&key, random, input.borrow())
        })
        .await
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        given: &[u8],
    ) -> Result<bool, CryptoError> {
        let signature = find(parameters)?;
        let formats = Arc::clone(&self.formats);
        let (key, input, given) = (key.key().clone(), Input::copy(input), given.to_vec());
        run(Cost::Pooled, move || {
            let key = public_key(formats.as_ref(), &key)?;
            signature.verify(&key, input.borrow(), &given)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
