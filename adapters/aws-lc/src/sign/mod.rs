//! Signatures: RSA by PKCS#1 v1.5 and PSS (RFC 8017 §8), ECDSA (FIPS 186-5), Ed25519 (RFC 8032).
//!
//! Messages are hashed here, so that a message and its digest go the same way; Ed25519 alone signs
//! messages only. Deliberately absent: making RSA signatures over other hashes than SHA-256, SHA-384
//! and SHA-512 or with keys below 2048 bits, and making ECDSA signatures over SHA-1 and MD5.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::{
    digest::{self, Digest},
    signature::RsaEncoding,
};
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, HashingAlgorithm, PaddingMethod},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, SignatureInput, Signatures};

use self::shared::SharedKeys;
use crate::{
    digest::find as find_digest,
    offload::{Cost, Offload},
};

mod elliptic_curve;
mod pss;
mod rsa;
mod shared;

#[cfg(test)]
mod tests;

/// Signs and verifies with AWS-LC.
#[derive(Clone, Debug)]
pub struct AwsLcSignatures {
    offload: Offload,
    keys: Arc<SharedKeys>,
}

impl AwsLcSignatures {
    /// Makes as many slow signatures at a time as the cores can do.
    #[must_use]
    pub fn new() -> Self {
        Self::sharing(Offload::new())
    }

    pub(crate) fn sharing(offload: Offload) -> Self {
        Self { offload, keys: Arc::new(SharedKeys::new()) }
    }

    /// Returns the digest to sign.
    async fn digest(
        &self,
        algorithm: &'static digest::Algorithm,
        input: SignatureInput<'_>,
    ) -> Result<Digest, CryptoError> {
        match input {
            SignatureInput::Digest(bytes) => Digest::import_less_safe(bytes, algorithm)
                .map_err(|_| CryptoError::BadInput("the digest is not as long as its algorithm's")),
            SignatureInput::Message(message) => match Cost::of(message.len()) {
                Cost::Inline => Ok(digest::digest(algorithm, message)),
                Cost::Pooled | Cost::Long => {
                    let message = message.to_vec();
                    let hash = move || Ok(digest::digest(algorithm, &message));
                    self.offload.run(Cost::Pooled, hash).await
                }
            },
        }
    }
}

impl Default for AwsLcSignatures {
    fn default() -> Self {
        Self::new()
    }
}

const NO_HASH: CryptoError = CryptoError::BadInput("the parameters name no Hashing Algorithm");

/// How a message is signed.
#[derive(Clone, Copy, Debug)]
enum Method {
    Pkcs1(HashingAlgorithm),
    Pss(HashingAlgorithm, Option<usize>),
    /// Without a hash, digests only are signed: of any length, as a number.
    Ecdsa(Option<HashingAlgorithm>),
    Ed25519,
}

impl Method {
    fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        let algorithm = parameters
            .cryptographic_algorithm
            .ok_or_else(|| CryptoError::Unsupported("signing without an algorithm".to_owned()))?;
        match algorithm {
            CryptographicAlgorithm::Rsa => match parameters.padding_method {
                Some(PaddingMethod::Pkcs1V15) => Ok(Self::Pkcs1(hash(parameters)?)),
                Some(PaddingMethod::Pss) => pss(parameters),
                Some(other) => {
                    Err(CryptoError::Unsupported(format!("RSA signatures with {other}")))
                }
                None => Err(CryptoError::Unsupported("RSA signatures without padding".to_owned())),
            },
            CryptographicAlgorithm::Ecdsa | CryptographicAlgorithm::Ec => {
                Ok(Self::Ecdsa(parameters.hashing_algorithm))
            }
            CryptographicAlgorithm::Ed25519 => Ok(Self::Ed25519),
            other => Err(CryptoError::Unsupported(format!("signatures by {other}"))),
        }
    }

    /// Finds the library's hash.
    fn digest(self) -> Result<&'static digest::Algorithm, CryptoError> {
        match self {
            Self::Pkcs1(hash) | Self::Pss(hash, _) | Self::Ecdsa(Some(hash)) => find_digest(hash)
                .ok_or_else(|| CryptoError::Unsupported(format!("signatures over {hash}"))),
            Self::Ecdsa(None) => Err(NO_HASH),
            Self::Ed25519 => Err(CryptoError::BadInput("Ed25519 signs messages, not digests")),
        }
    }

    fn is_offered(self) -> bool {
        match self {
            Self::Pkcs1(hash) => rsa::verifies_pkcs1(hash),
            Self::Pss(..) | Self::Ecdsa(Some(_)) => self.digest().is_ok(),
            Self::Ecdsa(None) | Self::Ed25519 => true,
        }
    }
}

fn hash(parameters: &CryptographicParameters) -> Result<HashingAlgorithm, CryptoError> {
    parameters
        .hashing_algorithm
        .ok_or_else(|| CryptoError::Unsupported("RSA signatures without a hash".to_owned()))
}

/// The mask of PSS is made with the same hash as the message's unless Mask Generator Hashing
/// Algorithm says otherwise, which the library cannot do.
fn pss(parameters: &CryptographicParameters) -> Result<Method, CryptoError> {
    let hash = hash(parameters)?;
    if parameters.mask_generator_hashing_algorithm.is_some_and(|mask| mask != hash) {
        return Err(CryptoError::Unsupported("PSS with another mask".to_owned()));
    }
    let salt_length = parameters
        .salt_length
        .map(usize::try_from)
        .transpose()
        .map_err(|_| CryptoError::BadInput("the Salt Length is negative"))?;
    Ok(Method::Pss(hash, salt_length))
}

#[async_trait]
impl Signatures for AwsLcSignatures {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        Method::find(parameters).is_ok_and(Method::is_offered)
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let method = Method::find(parameters)?;
        let key = key.key();
        match (method, input) {
            (Method::Ed25519, SignatureInput::Message(message)) => {
                self.with_message(key, message, elliptic_curve::sign_ed25519).await
            }
            (Method::Ecdsa(None), SignatureInput::Digest(digest)) => {
                elliptic_curve::sign(&elliptic_curve::signing_key(key, None)?, digest)
            }
            (Method::Ecdsa(hash), _) => {
                let key = elliptic_curve::signing_key(key, hash)?;
                let digest = self.digest(method.digest()?, input).await?;
                elliptic_curve::sign(&key, digest.as_ref())
            }
            (Method::Pkcs1(hash), _) => {
                self.sign_rsa(rsa::pkcs1_encoding(hash)?, method, key, input).await
            }
            (Method::Pss(hash, salt_length), _) => {
                self.sign_rsa(rsa::pss_encoding(hash, salt_length)?, method, key, input).await
            }
            (Method::Ed25519, SignatureInput::Digest(_)) => method.digest().map(|_| Vec::new()),
        }
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        let method = Method::find(parameters)?;
        let key = key.key();
        if let (Method::Ed25519, SignatureInput::Message(message)) = (method, input) {
            let signature = signature.to_vec();
            let verify = move |key: &KeyInUse, message: &[u8]| {
                elliptic_curve::verify_ed25519(key, message, &signature)
            };
            return self.with_message(key, message, verify).await;
        }
        if let (Method::Ecdsa(None), SignatureInput::Digest(digest)) = (method, input) {
            return elliptic_curve::verify(key, digest, signature);
        }
        let digest = self.digest(method.digest()?, input).await?;
        match method {
            Method::Pkcs1(hash) => rsa::verify_pkcs1(key, hash, &digest, signature),
            Method::Pss(hash, salt_length) => {
                rsa::verify_pss(key, hash, salt_length, &digest, signature)
            }
            Method::Ecdsa(_) | Method::Ed25519 => {
                elliptic_curve::verify(key, digest.as_ref(), signature)
            }
        }
    }
}

impl AwsLcSignatures {
    /// Computes with the message itself: where the caller is, or with copies elsewhere.
    async fn with_message<T: Send + 'static>(
        &self,
        key: &KeyInUse,
        message: &[u8],
        compute: impl FnOnce(&KeyInUse, &[u8]) -> Result<T, CryptoError> + Send + 'static,
    ) -> Result<T, CryptoError> {
        match Cost::of(message.len()) {
            Cost::Inline => compute(key, message),
            Cost::Pooled | Cost::Long => {
                let (key, message) = (key.clone(), message.to_vec());
                self.offload.run(Cost::Pooled, move || compute(&key, &message)).await
            }
        }
    }

    async fn sign_rsa(
        &self,
        encoding: &'static dyn RsaEncoding,
        method: Method,
        key: &KeyInUse,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let digest = self.digest(method.digest()?, input).await?;
        // Held while this waits for its turn, so that those who wait together read the key once.
        let share = self.keys.take(key);
        let key = key.clone();
        let sign = move || rsa::sign(share.key(|| rsa::read(&key))?, encoding, &digest);
        self.offload.run(Cost::Pooled, sign).await
    }
}
