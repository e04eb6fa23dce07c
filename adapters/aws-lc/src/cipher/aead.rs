//! Authenticated encryption: AES in GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439).
//!
//! The library makes and checks tags of 16 bytes. Shorter ones, down to 12, are the first bytes of
//! such a tag; to check one, the plaintext is sealed again and the tags are compared.
//!
//! Deliberately absent: GCM with a nonce of other than 12 bytes.

use aws_lc_rs::{
    aead::{
        AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN,
        Nonce, UnboundKey,
    },
    constant_time::verify_slices_are_equal,
};
use kmip_model::{
    attribute::CryptographicParameters, enumeration::CryptographicAlgorithm, object::KeyInUse,
};
use kmip_ports::crypto::{CipherInput, CipherOutput, CryptoError};

use super::Buffer;
use crate::key;

/// The bytes of a full tag.
const FULL_TAG: usize = 16;
/// The bytes of the shortest tag.
const SHORTEST_TAG: usize = 12;

/// Which method.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aead {
    AesGcm,
    ChaCha20Poly1305,
}

/// A computation that needs only the data.
pub(super) struct Prepared {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
    additional_data: Vec<u8>,
    tag_length: usize,
}

impl Aead {
    /// Prepares an encryption or decryption.
    pub(super) fn prepare(
        self,
        key: &KeyInUse,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Prepared, CryptoError> {
        let tag_length = tag_length(parameters)?;
        Ok(Prepared {
            key: self.key(key)?,
            nonce: self.nonce(input.iv_counter_nonce)?,
            additional_data: input.additional_data.to_vec(),
            tag_length,
        })
    }

    fn key(self, key: &KeyInUse) -> Result<LessSafeKey, CryptoError> {
        let (algorithm, bytes) = match self {
            Self::AesGcm => {
                let bytes = key::of_cipher(key, CryptographicAlgorithm::Aes)?;
                let algorithm = match bytes.len() {
                    16 => &AES_128_GCM,
                    24 => &AES_192_GCM,
                    32 => &AES_256_GCM,
                    _ => return Err(CryptoError::BadKey("it is not of 16, 24 or 32 bytes")),
                };
                (algorithm, bytes)
            }
            Self::ChaCha20Poly1305 => {
                let bytes = key::of_cipher(key, CryptographicAlgorithm::ChaCha20Poly1305)?;
                if bytes.len() != CHACHA20_POLY1305.key_len() {
                    return Err(CryptoError::BadKey("it is not of 32 bytes"));
                }
                (&CHACHA20_POLY1305, bytes)
            }
        };
        UnboundKey::new(algorithm, bytes.expose())
            .map(LessSafeKey::new)
            .map_err(|_| CryptoError::Failed)
    }

    fn nonce(self, nonce: Option<&[u8]>) -> Result<[u8; NONCE_LEN], CryptoError> {
        let nonce = nonce
            .filter(|nonce| !nonce.is_empty())
            .ok_or(CryptoError::BadInput("there is no nonce"))?;
        nonce.try_into().map_err(|_| match self {
            Self::AesGcm => CryptoError::Unsupported("GCM with this length of nonce".to_owned()),
            Self::ChaCha20Poly1305 => CryptoError::BadInput("the nonce is not of 12 bytes"),
        })
    }
}

fn tag_length(parameters: &CryptographicParameters) -> Result<usize, CryptoError> {
    match parameters.tag_length.map(usize::try_from) {
        None => Ok(FULL_TAG),
        Some(Ok(length)) if (SHORTEST_TAG..=FULL_TAG).contains(&length) => Ok(length),
        Some(_) => Err(CryptoError::BadTagLength),
    }
}

impl Prepared {
    /// Encrypts.
    pub(super) fn encrypt(&self, mut data: Buffer) -> Result<CipherOutput, CryptoError> {
        let tag = self.seal(&mut data)?;
        let tag = tag.get(..self.tag_length).map(<[u8]>::to_vec);
        Ok(CipherOutput { data: core::mem::take(&mut *data), tag })
    }

    /// Decrypts, if the tag is right.
    pub(super) fn decrypt(&self, mut data: Buffer, tag: &[u8]) -> Result<Buffer, CryptoError> {
        if tag.len() != self.tag_length {
            return Err(CryptoError::Failed);
        }
        if tag.len() == FULL_TAG {
            self.key
                .open_in_place_separate_tag(self.nonce(), self.additional_data(), tag, &mut data)
                .map_err(|_| CryptoError::Failed)?;
            return Ok(data);
        }
        // Both ciphers add a stream to the data, so that sealing the ciphertext opens it. The tag
        // that comes with it is one of the ciphertext, and of no use.
        self.seal(&mut data)?;
        let full = self.seal(&mut data.clone())?;
        let right = full.get(..self.tag_length).unwrap_or_default();
        verify_slices_are_equal(right, tag).map_err(|_| CryptoError::Failed)?;
        Ok(data)
    }

    fn seal(&self, data: &mut Buffer) -> Result<[u8; FULL_TAG], CryptoError> {
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(), self.additional_data(), data)
            .map_err(|_| CryptoError::Failed)?;
        tag.as_ref().try_into().map_err(|_| CryptoError::Failed)
    }

    fn nonce(&self) -> Nonce {
        Nonce::assume_unique_for_key(self.nonce)
    }

    fn additional_data(&self) -> Aad<&[u8]> {
        Aad::from(self.additional_data.as_slice())
    }
}
