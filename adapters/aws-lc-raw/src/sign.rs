//! RSA signatures (RFC 8017 §8) over MD5, SHA-1 and SHA-224 by PKCS#1 v1.5 and PSS, and over digests
//! whose hash has no name by PKCS#1 v1.5. All of it is old cryptography.
//!
//! Whoever may have a digest without a name signed may put any name into it, so that it is no better
//! than the worst hash. Deliberately absent: verifying signatures over hashes that have a name, which
//! others do.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, HashingAlgorithm, MaskGenerator, PaddingMethod},
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, KeyFormats, SignatureInput, Signatures};

use crate::{
    Weak, hash,
    key::{self, RsaKey},
    library::{Encoding, Hash},
    offload::run,
};

/// How many bytes PKCS#1 v1.5 needs beside what is signed.
const PKCS1_OVERHEAD: usize = 11;

/// Signs with RSA keys of 2048 bits and more.
#[derive(Clone)]
pub struct RawSignatures {
    formats: Arc<dyn KeyFormats>,
    weak: Weak,
}

impl RawSignatures {
    /// Reads keys by `formats`. Without weak hashes there is nothing to offer.
    #[must_use]
    pub fn new(formats: Arc<dyn KeyFormats>, weak: Weak) -> Self {
        Self { formats, weak }
    }

    fn find(&self, parameters: &CryptographicParameters) -> Result<Method, CryptoError> {
        match self.weak {
            Weak::Offered => Method::find(parameters),
            Weak::Refused => Err(unsupported("RSA signatures over weak hashes")),
        }
    }
}

fn unsupported(what: &str) -> CryptoError {
    CryptoError::Unsupported(what.to_owned())
}

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Pkcs1(Hash),
    /// Digests only, of whatever length.
    Unnamed,
    /// PSS with MGF1 of the same hash; the salt is as long as the hash unless its length is given.
    Pss(Hash, Option<u16>),
}

impl Method {
    fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        if parameters.cryptographic_algorithm != Some(CryptographicAlgorithm::Rsa) {
            return Err(unsupported("signatures by other than RSA"));
        }
        match (parameters.padding_method, parameters.hashing_algorithm) {
            (Some(PaddingMethod::Pkcs1V15), None) => Ok(Self::Unnamed),
            (Some(PaddingMethod::Pkcs1V15), Some(hash)) => weak_hash(hash).map(Self::Pkcs1),
            (Some(PaddingMethod::Pss), Some(named)) => {
                let mask = parameters.mask_generator_hashing_algorithm.unwrap_or(named);
                let generator = parameters.mask_generator.unwrap_or(MaskGenerator::Mgf1);
                if mask != named || generator != MaskGenerator::Mgf1 {
                    return Err(unsupported("PSS with another mask than MGF1 of its hash"));
                }
                let salt = match parameters.salt_length {
                    Some(length) if length < 0 => {
                        return Err(CryptoError::BadInput("the Salt Length is negative"));
                    }
                    // Longer ones have no room in any key.
                    Some(length) => Some(u16::try_from(length).unwrap_or(u16::MAX)),
                    None => None,
                };
                Ok(Self::Pss(weak_hash(named)?, salt))
            }
            (Some(PaddingMethod::Pss), None) => Err(unsupported("PSS without a hash")),
            (Some(other), _) => {
                Err(CryptoError::Unsupported(format!("RSA signatures with the padding {other}")))
            }
            (None, _) => Err(unsupported("RSA signatures without a padding method")),
        }
    }

    const fn hash(self) -> Option<Hash> {
        match self {
            Self::Pkcs1(hash) | Self::Pss(hash, _) => Some(hash),
            Self::Unnamed => None,
        }
    }

    /// Hashes the message, or checks that what was hashed elsewhere has the right length.
    fn digest(self, input: Input) -> Result<Vec<u8>, CryptoError> {
        match (self.hash(), input) {
            (Some(hash), Input::Message(message)) => {
                hash.digest(&message).ok_or(CryptoError::Failed)
            }
            (Some(hash), Input::Digest(digest)) if digest.len() != hash.length() => {
                Err(CryptoError::BadInput("the digest is not as long as its algorithm's"))
            }
            (None, Input::Message(_)) => Err(unsupported("RSA signatures without a hash")),
            (None, Input::Digest(digest)) if digest.is_empty() => {
                Err(CryptoError::BadInput("the digest is empty"))
            }
            (_, Input::Digest(digest)) => Ok(digest),
        }
    }

    /// Checks that the key has room, and returns what the library is told.
    fn encoding(self, key: &RsaKey, digest: &[u8]) -> Result<Encoding, CryptoError> {
        match self {
            Self::Pkcs1(hash) => Ok(Encoding::Pkcs1(hash)),
            Self::Unnamed if digest.len() > key.bytes().saturating_sub(PKCS1_OVERHEAD) => {
                Err(CryptoError::BadInput("the digest is too long for the key"))
            }
            Self::Unnamed => Ok(Encoding::Unnamed),
            Self::Pss(hash, salt) => {
                // The encoded message has one bit less than the modulus, and two bytes of its own.
                let encoded = key.bits.saturating_sub(1).div_ceil(8);
                let room = encoded.saturating_sub(hash.length()).saturating_sub(2);
                let usual = u16::try_from(hash.length()).map_err(|_| CryptoError::Failed)?;
                let salt = salt.unwrap_or(usual);
                if usize::from(salt) > room {
                    return Err(CryptoError::BadInput("the salt is too long for the key"));
                }
                Ok(Encoding::Pss { hash, salt })
            }
        }
    }
}

/// Finds a hash that nobody else signs over.
fn weak_hash(named: HashingAlgorithm) -> Result<Hash, CryptoError> {
    hash(named)
        .filter(|hash| matches!(hash, Hash::Md5 | Hash::Sha1 | Hash::Sha224))
        .ok_or_else(|| CryptoError::Unsupported(format!("RSA signatures over {named}")))
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
}

#[async_trait]
impl Signatures for RawSignatures {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.find(parameters).is_ok()
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let method = self.find(parameters)?;
        let formats = Arc::clone(&self.formats);
        let (key, input) = (key.key().clone(), Input::copy(input));
        run(move || {
            let key = key::private(formats.as_ref(), &key)?;
            let digest = method.digest(input)?;
            let encoding = method.encoding(&key, &digest)?;
            key.key.sign(encoding, &digest).ok_or(CryptoError::Failed)
        })
        .await
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        let method = self.find(parameters)?;
        if method != Method::Unnamed {
            return Err(unsupported("verifying signatures over a hash that has a name"));
        }
        let formats = Arc::clone(&self.formats);
        let (key, input, signature) = (key.key().clone(), Input::copy(input), signature.to_vec());
        run(move || {
            let key = key::public(formats.as_ref(), &key)?;
            let digest = method.digest(input)?;
            // What the key has no room for it has not signed.
            let Ok(encoding) = method.encoding(&key, &digest) else {
                return Ok(false);
            };
            key.key.verify(encoding, &digest, &signature).ok_or(CryptoError::Failed)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
