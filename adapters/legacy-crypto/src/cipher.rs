//! Encryption: block ciphers in their modes, AES in GCM and key wrap, stream ciphers, RSA.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers, CryptoError, KeyFormats, Random};
use zeroize::Zeroizing;

use crate::{
    block::{BlockCipher, Direction, Mode},
    gcm,
    key::bytes_for,
    key_wrap::{self, KeyWrap},
    offload::{Cost, run},
    padding::{Padding, check_whole},
    rsa::{Encryption, PortRandom, private_key, public_key},
    stream::Stream,
};

/// Encrypts and decrypts with what AWS-LC has not.
#[derive(Clone)]
pub struct LegacyCiphers {
    formats: Arc<dyn KeyFormats>,
    random: Arc<dyn Random>,
}

impl LegacyCiphers {
    /// Reads RSA keys by `formats`, and takes their padding and blinding from `random`.
    #[must_use]
    pub fn new(formats: Arc<dyn KeyFormats>, random: Arc<dyn Random>) -> Self {
        Self { formats, random }
    }
}

/// What the parameters come to.
enum Recipe {
    Symmetric(CryptographicAlgorithm, Symmetric),
    Rsa(Encryption),
}

/// What the parameters come to for a symmetric key.
#[derive(Clone, Copy)]
enum Symmetric {
    Block(&'static BlockCipher, Mode, Padding),
    Gcm { tag_length: usize },
    KeyWrap(KeyWrap),
    Stream(Stream, u32),
}

impl Recipe {
    fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        let Some(algorithm) = parameters.cryptographic_algorithm else {
            return Err(CryptoError::Unsupported("encryption by no algorithm".to_owned()));
        };
        if algorithm == CryptographicAlgorithm::Rsa {
            return Encryption::find(parameters).map(Self::Rsa);
        }
        let symmetric = match (Stream::find(algorithm), parameters.block_cipher_mode) {
            (Some(stream), None) => {
                let counter = parameters.initial_counter_value.unwrap_or_default();
                let counter = u32::try_from(counter)
                    .map_err(|_| CryptoError::BadInput("the initial counter value is negative"))?;
                Symmetric::Stream(stream, counter)
            }
            (Some(_), Some(mode)) => return Err(unsupported(algorithm, Some(mode))),
            (None, mode) => Symmetric::block(algorithm, mode, parameters)?,
        };
        Ok(Self::Symmetric(algorithm, symmetric))
    }
}

impl Symmetric {
    fn block(
        algorithm: CryptographicAlgorithm,
        mode: Option<BlockCipherMode>,
        parameters: &CryptographicParameters,
    ) -> Result<Self, CryptoError> {
        let refusal = || unsupported(algorithm, mode);
        let cipher = BlockCipher::find(algorithm).ok_or_else(refusal)?;
        let named = mode.ok_or_else(refusal)?;
        if let Some(mode) = Mode::find(named) {
            // Stream modes have nothing to fill up, whatever the padding method says.
            let padding = if mode.needs_whole_blocks() {
                Padding::find(parameters.padding_method)?
            } else {
                Padding::None
            };
            return Ok(Self::Block(cipher, mode, padding));
        }
        match (algorithm, named) {
            (CryptographicAlgorithm::Aes, BlockCipherMode::Gcm) => {
                let longest = *gcm::TAG_LENGTHS.end();
                let tag_length = parameters.tag_length.map_or(Ok(longest), usize::try_from);
                let tag_length = tag_length.ok().filter(|length| gcm::TAG_LENGTHS.contains(length));
                tag_length.map(|tag_length| Self::Gcm { tag_length }).ok_or(WRONG_TAG_LENGTH)
            }
            (CryptographicAlgorithm::Aes, BlockCipherMode::NistKeyWrap) => {
                Ok(Self::KeyWrap(KeyWrap::Plain))
            }
            (CryptographicAlgorithm::Aes, BlockCipherMode::AesKeyWrapPadding) => {
                Ok(Self::KeyWrap(KeyWrap::Padded))
            }
            _ => Err(refusal()),
        }
    }
}

const WRONG_TAG_LENGTH: CryptoError =
    CryptoError::BadInput("the tag is not of 12, 13, 14, 15 or 16 bytes");

fn unsupported(algorithm: CryptographicAlgorithm, mode: Option<BlockCipherMode>) -> CryptoError {
    CryptoError::Unsupported(match mode {
        Some(mode) => format!("{algorithm} in the mode {mode}"),
        None => format!("{algorithm} without a block cipher mode"),
    })
}

/// Everything a symmetric computation needs, on its own: it may go to another thread.
struct Work {
    symmetric: Symmetric,
    key: Material,
    iv: Option<Vec<u8>>,
    additional_data: Vec<u8>,
    tag: Option<Vec<u8>>,
    data: Zeroizing<Vec<u8>>,
}

impl Work {
    fn new(
        algorithm: CryptographicAlgorithm,
        symmetric: Symmetric,
        key: &KeyInUse,
        input: CipherInput<'_>,
    ) -> Result<Self, CryptoError> {
        let authenticated = matches!(symmetric, Symmetric::Gcm { .. });
        if !authenticated && !input.additional_data.is_empty() {
            return Err(CryptoError::BadInput("only GCM takes additional data"));
        }
        Ok(Self {
            symmetric,
            key: bytes_for(key, algorithm)?.clone(),
            iv: input.iv_counter_nonce.map(<[u8]>::to_vec),
            additional_data: input.additional_data.to_vec(),
            tag: input.tag.map(<[u8]>::to_vec),
            data: Zeroizing::new(input.data.to_vec()),
        })
    }

    fn cost(&self) -> Cost {
        Cost::of_data(self.data.len().saturating_add(self.additional_data.len()))
    }

    fn encrypt(mut self) -> Result<CipherOutput, CryptoError> {
        let key = self.key.expose();
        let mut tag = None;
        match self.symmetric {
            Symmetric::Block(cipher, mode, padding) => {
                let cipher = cipher.with_key(key)?;
                let block = cipher.block_length();
                let iv = iv_of(mode, self.iv.as_deref(), block)?;
                if mode.needs_whole_blocks() {
                    self.data = padding.add(&self.data, block)?;
                }
                cipher.run(mode, Direction::Encrypt, iv, &mut self.data)?;
            }
            Symmetric::Gcm { tag_length } => {
                let iv = self.iv.as_deref().ok_or(NO_IV)?;
                let mut whole = gcm::seal(key, iv, &self.additional_data, &mut self.data)?;
                whole.truncate(tag_length);
                tag = Some(whole);
            }
            Symmetric::KeyWrap(wrap) => {
                self.data = key_wrap::run(wrap, Direction::Encrypt, key, &self.data)?;
            }
            Symmetric::Stream(stream, counter) => {
                stream.run(key, self.iv.as_deref(), counter, &mut self.data)?;
            }
        }
        Ok(CipherOutput { data: std::mem::take(&mut *self.data), tag })
    }

    fn decrypt(mut self) -> Result<Material, CryptoError> {
        let key = self.key.expose();
        match self.symmetric {
            Symmetric::Block(cipher, mode, padding) => {
                let cipher = cipher.with_key(key)?;
                let block = cipher.block_length();
                let iv = iv_of(mode, self.iv.as_deref(), block)?;
                if mode.needs_whole_blocks() {
                    check_whole(&self.data, block)?;
                }
                cipher.run(mode, Direction::Decrypt, iv, &mut self.data)?;
                if mode.needs_whole_blocks() {
                    self.data = padding.remove(self.data, block)?;
                }
            }
            Symmetric::Gcm { .. } => {
                let iv = self.iv.as_deref().ok_or(NO_IV)?;
                let tag = self.tag.ok_or(CryptoError::BadInput("there is no tag"))?;
                if !gcm::TAG_LENGTHS.contains(&tag.len()) {
                    return Err(WRONG_TAG_LENGTH);
                }
                gcm::open(key, iv, &self.additional_data, &mut self.data, &tag)?;
            }
            Symmetric::KeyWrap(wrap) => {
                self.data = key_wrap::run(wrap, Direction::Decrypt, key, &self.data)?;
            }
            Symmetric::Stream(stream, counter) => {
                stream.run(key, self.iv.as_deref(), counter, &mut self.data)?;
            }
        }
        Ok(Material::new(std::mem::take(&mut *self.data)))
    }
}

const NO_IV: CryptoError = CryptoError::BadInput("the mode needs an IV");

/// Returns the IV of a mode, which is as long as a block; ECB has none, and ignores it.
fn iv_of(mode: Mode, iv: Option<&[u8]>, block: usize) -> Result<&[u8], CryptoError> {
    if !mode.needs_iv() {
        return Ok(&[]);
    }
    let iv = iv.ok_or(NO_IV)?;
    if iv.len() == block {
        Ok(iv)
    } else {
        Err(CryptoError::BadInput("the IV is not as long as a block"))
    }
}

#[async_trait]
impl Ciphers for LegacyCiphers {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        Recipe::find(parameters).is_ok()
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        let key = key.key();
        match Recipe::find(parameters)? {
            Recipe::Symmetric(algorithm, symmetric) => {
                let work = Work::new(algorithm, symmetric, key, input)?;
                run(work.cost(), || work.encrypt()).await
            }
            Recipe::Rsa(encryption) => {
                let formats = Arc::clone(&self.formats);
                let random = PortRandom(Arc::clone(&self.random));
                let (key, data) = (key.clone(), Zeroizing::new(input.data.to_vec()));
                run(Cost::Pooled, move || {
                    let key = public_key(formats.as_ref(), &key)?;
                    let data = encryption.encrypt(&key, random, &data)?;
                    Ok(CipherOutput { data, tag: None })
                })
                .await
            }
        }
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        let key = key.key();
        match Recipe::find(parameters)? {
            Recipe::Symmetric(algorithm, symmetric) => {
                let work = Work::new(algorithm, symmetric, key, input)?;
                run(work.cost(), || work.decrypt()).await
            }
            Recipe::Rsa(encryption) => {
                let formats = Arc::clone(&self.formats);
                let random = PortRandom(Arc::clone(&self.random));
                let (key, data) = (key.clone(), input.data.to_vec());
                run(Cost::Pooled, move || {
                    let key = private_key(formats.as_ref(), &key)?;
                    encryption.decrypt(&key, random, &data)
                })
                .await
            }
        }
    }
}

#[cfg(test)]
mod tests;
