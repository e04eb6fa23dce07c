//! RSA encryption (RFC 8017 §7.1): OAEP with one hash for the label and another for the mask.
//!
//! Without weak hashes the two are among those of OAEP with one hash: SHA-1, SHA-256, SHA-384 and
//! SHA-512. SHA-1 is among them because nothing in OAEP rests on collisions.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, HashingAlgorithm, MaskGenerator, PaddingMethod},
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers, CryptoError, KeyFormats};
use zeroize::Zeroizing;

use crate::{
    Weak, hash,
    key::{self, RsaKey},
    library::{Hash, Oaep},
    offload::run,
};

/// Encrypts and decrypts with RSA keys of 2048 bits and more.
#[derive(Clone)]
pub struct RawCiphers {
    formats: Arc<dyn KeyFormats>,
    weak: Weak,
}

impl RawCiphers {
    /// Reads keys by `formats`.
    #[must_use]
    pub fn new(formats: Arc<dyn KeyFormats>, weak: Weak) -> Self {
        Self { formats, weak }
    }

    /// Finds the encoding. Both hashes are SHA-1 where the client names none (KMIP 1.4 §3.6, RFC 8017
    /// appendix A.2.1).
    fn find(&self, parameters: &CryptographicParameters) -> Result<Oaep, CryptoError> {
        let unsupported = |what: &str| Err(CryptoError::Unsupported(what.to_owned()));
        if parameters.cryptographic_algorithm != Some(CryptographicAlgorithm::Rsa)
            || parameters.padding_method != Some(PaddingMethod::Oaep)
        {
            return unsupported("encryption by other than RSA with OAEP");
        }
        if parameters.mask_generator.is_some_and(|named| named != MaskGenerator::Mgf1) {
            return unsupported("masks by other than MGF1");
        }
        Ok(Oaep {
            hash: self.hash(parameters.hashing_algorithm)?,
            mask: self.hash(parameters.mask_generator_hashing_algorithm)?,
            label: parameters.p_source.clone().unwrap_or_default(),
        })
    }

    fn hash(&self, named: Option<HashingAlgorithm>) -> Result<Hash, CryptoError> {
        let named = named.unwrap_or(HashingAlgorithm::Sha1);
        hash(named)
            .filter(|hash| self.weak == Weak::Offered || !matches!(hash, Hash::Md5 | Hash::Sha224))
            .ok_or_else(|| CryptoError::Unsupported(format!("OAEP with {named}")))
    }
}

/// How many bytes of data a key has room for.
fn room(key: &RsaKey, oaep: &Oaep) -> Option<usize> {
    let overhead = oaep.hash.length().checked_mul(2)?.checked_add(2)?;
    key.bytes().checked_sub(overhead)
}

#[async_trait]
impl Ciphers for RawCiphers {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.find(parameters).is_ok()
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        let oaep = self.find(parameters)?;
        let formats = Arc::clone(&self.formats);
        let (key, data) = (key.key().clone(), Zeroizing::new(input.data.to_vec()));
        run(move || {
            let key = key::public(formats.as_ref(), &key)?;
            if room(&key, &oaep).is_none_or(|room| data.len() > room) {
                return Err(CryptoError::BadInput("the data is too long for the key"));
            }
            let data = key.key.encrypt(&oaep, &data).ok_or(CryptoError::Failed)?;
            Ok(CipherOutput { data, tag: None })
        })
        .await
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        let oaep = self.find(parameters)?;
        let formats = Arc::clone(&self.formats);
        let (key, data) = (key.key().clone(), input.data.to_vec());
        run(move || {
            let key = key::private(formats.as_ref(), &key)?;
            if data.len() != key.bytes() {
                return Err(CryptoError::BadInput("the data is not as long as the key"));
            }
            let mut plain = key.key.decrypt(&oaep, &data).ok_or(CryptoError::Failed)?;
            Ok(Material::new(std::mem::take(&mut *plain)))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
