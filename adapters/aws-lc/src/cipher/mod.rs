//! Encryption: AES and Triple DES in their modes, ChaCha20-Poly1305, AES key wrap, RSA.
//!
//! A method is found from the parameters, prepared with the key, and run on the data; only the last
//! may take long. Data is copied once, and becomes the answer in place.

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers, CryptoError};
use zeroize::Zeroizing;

use crate::offload::{Cost, Offload};

mod aead;
mod block;
mod padding;
mod rsa;
mod triple_des;
mod wrap;

#[cfg(test)]
mod tests;

use aead::Aead;
use block::{BlockMethod, Cipher};
use rsa::RsaPadding;
use wrap::Wrap;

/// Data that is erased unless it becomes the answer.
type Buffer = Zeroizing<Vec<u8>>;

/// Room for padding, so that data need not move.
const LARGEST_BLOCK: usize = 16;

/// Encrypts and decrypts with AWS-LC.
#[derive(Clone, Debug)]
pub struct AwsLcCiphers {
    offload: Offload,
}

impl AwsLcCiphers {
    /// Does as much slow work at a time as there are cores.
    #[must_use]
    pub fn new() -> Self {
        Self::sharing(Offload::new())
    }

    pub(crate) const fn sharing(offload: Offload) -> Self {
        Self { offload }
    }
}

impl Default for AwsLcCiphers {
    fn default() -> Self {
        Self::new()
    }
}

/// What the parameters ask for.
#[derive(Clone, Copy)]
enum Method {
    Block(BlockMethod),
    Aead(Aead),
    Wrap(Wrap),
    Rsa(RsaPadding),
}

impl Method {
    fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        let found = match parameters.cryptographic_algorithm {
            Some(CryptographicAlgorithm::Aes) => match parameters.block_cipher_mode {
                Some(BlockCipherMode::Gcm) => Some(Self::Aead(Aead::AesGcm)),
                Some(BlockCipherMode::NistKeyWrap) => Some(Self::Wrap(Wrap::Nist)),
                Some(BlockCipherMode::AesKeyWrapPadding) => Some(Self::Wrap(Wrap::Padded)),
                _ => BlockMethod::find(Cipher::Aes, parameters)?.map(Self::Block),
            },
            Some(CryptographicAlgorithm::Des3) => {
                BlockMethod::find(Cipher::TripleDes, parameters)?.map(Self::Block)
            }
            Some(CryptographicAlgorithm::ChaCha20Poly1305) => match parameters.block_cipher_mode {
                None | Some(BlockCipherMode::Aead) => Some(Self::Aead(Aead::ChaCha20Poly1305)),
                _ => None,
            },
            Some(CryptographicAlgorithm::Rsa) => Some(Self::Rsa(RsaPadding::find(parameters)?)),
            _ => None,
        };
        found.ok_or_else(|| unsupported(parameters))
    }
}

fn unsupported(parameters: &CryptographicParameters) -> CryptoError {
    let algorithm = parameters
        .cryptographic_algorithm
        .map_or_else(|| "no algorithm".to_owned(), |algorithm| algorithm.to_string());
    let mode = parameters
        .block_cipher_mode
        .map_or_else(|| "without a mode".to_owned(), |mode| format!("in the mode {mode}"));
    CryptoError::Unsupported(format!("encryption by {algorithm} {mode}"))
}

/// A computation that needs only the data.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one call, and a box would cost an allocation"
)]
enum Encryption {
    Block(block::Encryption),
    Aead(aead::Prepared),
    Wrap(wrap::Prepared),
}

impl Encryption {
    fn run(self, data: Buffer) -> Result<CipherOutput, CryptoError> {
        match self {
            Self::Block(prepared) => prepared.run(data),
            Self::Aead(prepared) => prepared.encrypt(data),
            Self::Wrap(prepared) => prepared.wrap(&data),
        }
    }
}

/// A computation that needs only the data.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one call, and a box would cost an allocation"
)]
enum Decryption {
    Block(block::Decryption),
    Aead(aead::Prepared, Vec<u8>),
    Wrap(wrap::Prepared),
    Rsa(rsa::Decryption),
}

impl Decryption {
    fn prepare(
        key: &KeyInUse,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Self, CryptoError> {
        let iv = input.iv_counter_nonce;
        match Method::find(parameters)? {
            Method::Block(method) => method.decryption(key, iv).map(Self::Block),
            Method::Aead(method) => {
                let prepared = method.prepare(key, parameters, input)?;
                let tag = input.tag.ok_or(CryptoError::BadInput("there is no tag"))?;
                Ok(Self::Aead(prepared, tag.to_vec()))
            }
            Method::Wrap(method) => method.prepare(key, iv).map(Self::Wrap),
            Method::Rsa(padding) => Ok(Self::Rsa(padding.decryption(key, label(parameters)))),
        }
    }

    fn cost(&self, length: usize) -> Cost {
        match self {
            Self::Rsa(_) => Cost::Pooled,
            _ => Cost::of(length),
        }
    }

    fn run(self, data: Buffer) -> Result<Buffer, CryptoError> {
        match self {
            Self::Block(prepared) => prepared.run(data),
            Self::Aead(prepared, tag) => prepared.decrypt(data, &tag),
            Self::Wrap(prepared) => prepared.unwrap(&data),
            Self::Rsa(prepared) => prepared.run(&data),
        }
    }
}

/// Returns P Source, the label of OAEP.
fn label(parameters: &CryptographicParameters) -> &[u8] {
    parameters.p_source.as_deref().unwrap_or_default()
}

fn buffer(data: &[u8]) -> Buffer {
    let mut buffer = Vec::with_capacity(data.len().saturating_add(LARGEST_BLOCK));
    buffer.extend_from_slice(data);
    Zeroizing::new(buffer)
}

#[async_trait]
impl Ciphers for AwsLcCiphers {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        Method::find(parameters).is_ok()
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        let key = key.key();
        let iv = input.iv_counter_nonce;
        let prepared = match Method::find(parameters)? {
            Method::Block(method) => Encryption::Block(method.encryption(key, iv)?),
            Method::Aead(method) => Encryption::Aead(method.prepare(key, parameters, input)?),
            Method::Wrap(method) => Encryption::Wrap(method.prepare(key, iv)?),
            // Small data and a small exponent: not worth a thread.
            Method::Rsa(padding) => {
                return padding.encrypt(key, label(parameters), input.data);
            }
        };
        let data = buffer(input.data);
        self.offload.run(Cost::of(input.data.len()), move || prepared.run(data)).await
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        let prepared = Decryption::prepare(key.key(), parameters, input)?;
        let data = buffer(input.data);
        let cost = prepared.cost(input.data.len());
        let mut plain = self.offload.run(cost, move || prepared.run(data)).await?;
        Ok(Material::new(core::mem::take(&mut *plain)))
    }
}
