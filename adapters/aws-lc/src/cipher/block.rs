//! Block ciphers in their classic modes: AES (FIPS 197) and Triple DES (SP 800-67) in the modes of
//! SP 800-38A.
//!
//! Deliberately absent, because the library does not have them: Triple DES in other modes than ECB
//! and CBC, and with keys that amount to single DES.

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey,
        EncryptionContext, UnboundCipherKey,
    },
    constant_time::verify_slices_are_equal,
    error::Unspecified,
    iv::FixedLength,
};
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm},
    object::KeyInUse,
};
use kmip_ports::crypto::{CipherOutput, CryptoError};

use super::{Buffer, padding::Padding, triple_des};
use crate::key;

/// Which cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes,
    TripleDes,
}

impl Cipher {
    pub(super) const fn algorithm(self) -> CryptographicAlgorithm {
        match self {
            Self::Aes => CryptographicAlgorithm::Aes,
            Self::TripleDes => CryptographicAlgorithm::Des3,
        }
    }

    const fn block(self) -> u8 {
        match self {
            Self::Aes => 16,
            Self::TripleDes => 8,
        }
    }
}

/// Which mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Ecb,
    Cbc,
    Ctr,
    Cfb,
    Ofb,
}

/// A cipher in a mode with a padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockMethod {
    cipher: Cipher,
    mode: Mode,
    padding: Padding,
}

impl BlockMethod {
    /// Finds the method; `None` if the mode is not one of these.
    pub(super) fn find(
        cipher: Cipher,
        parameters: &CryptographicParameters,
    ) -> Result<Option<Self>, CryptoError> {
        let mode = match (cipher, parameters.block_cipher_mode) {
            (_, Some(BlockCipherMode::Ecb)) => Mode::Ecb,
            (_, Some(BlockCipherMode::Cbc)) => Mode::Cbc,
            (Cipher::Aes, Some(BlockCipherMode::Ctr)) => Mode::Ctr,
            (Cipher::Aes, Some(BlockCipherMode::Cfb)) => Mode::Cfb,
            (Cipher::Aes, Some(BlockCipherMode::Ofb)) => Mode::Ofb,
            _ => return Ok(None),
        };
        // The other modes make a stream, which ends where the data ends.
        let padding = match mode {
            Mode::Ecb | Mode::Cbc => Padding::find(parameters.padding_method)?,
            Mode::Ctr | Mode::Cfb | Mode::Ofb => Padding::None,
        };
        Ok(Some(Self { cipher, mode, padding }))
    }

    /// Prepares an encryption.
    pub(super) fn encryption(
        self,
        key: &KeyInUse,
        iv: Option<&[u8]>,
    ) -> Result<Encryption, CryptoError> {
        let key = self.key(key)?;
        let key = match self.mode {
            Mode::Ecb => EncryptingKey::ecb(key),
            Mode::Cbc => EncryptingKey::cbc(key),
            Mode::Ctr => EncryptingKey::ctr(key),
            Mode::Cfb => EncryptingKey::cfb128(key),
            Mode::Ofb => EncryptingKey::ofb(key),
        };
        let key = key.map_err(|_| self.refused())?;
        Ok(Encryption { method: self, key, context: self.context(iv)? })
    }

    /// Prepares a decryption.
    pub(super) fn decryption(
        self,
        key: &KeyInUse,
        iv: Option<&[u8]>,
    ) -> Result<Decryption, CryptoError> {
        let key = self.key(key)?;
        let key = match self.mode {
            Mode::Ecb => DecryptingKey::ecb(key),
            Mode::Cbc => DecryptingKey::cbc(key),
            Mode::Ctr => DecryptingKey::ctr(key),
            Mode::Cfb => DecryptingKey::cfb128(key),
            Mode::Ofb => DecryptingKey::ofb(key),
        };
        let key = key.map_err(|_| self.refused())?;
        Ok(Decryption { method: self, key, context: self.context(iv)?.into() })
    }

    fn key(self, key: &KeyInUse) -> Result<UnboundCipherKey, CryptoError> {
        let bytes = key::of_cipher(key, self.cipher.algorithm())?.expose();
        match self.cipher {
            Cipher::Aes => UnboundCipherKey::new(aes(bytes.len())?, bytes),
            Cipher::TripleDes => {
                let (algorithm, bytes) = triple_des_key(bytes)?;
                UnboundCipherKey::new(algorithm, bytes)
            }
        }
        .map_err(|_: Unspecified| CryptoError::Failed)
    }

    /// The library takes every AES key, but not every Triple DES key.
    fn refused(self) -> CryptoError {
        match self.cipher {
            Cipher::Aes => CryptoError::Failed,
            Cipher::TripleDes => CryptoError::Unsupported("weak Triple DES keys".to_owned()),
        }
    }

    fn context(self, iv: Option<&[u8]>) -> Result<EncryptionContext, CryptoError> {
        if self.mode == Mode::Ecb {
            return Ok(EncryptionContext::None);
        }
        let iv = iv.ok_or(CryptoError::BadInput("there is no IV"))?;
        let context = match self.cipher {
            Cipher::Aes => FixedLength::try_from(iv).map(EncryptionContext::Iv128),
            Cipher::TripleDes => FixedLength::try_from(iv).map(EncryptionContext::Iv64),
        };
        context.map_err(|_| CryptoError::BadInput("the IV is not one block"))
    }
}

fn aes(length: usize) -> Result<&'static Algorithm, CryptoError> {
    match length {
        16 => Ok(&AES_128),
        24 => Ok(&AES_192),
        32 => Ok(&AES_256),
        _ => Err(CryptoError::BadKey("it is not of 16, 24 or 32 bytes")),
    }
}

/// Chooses between two and three keys: three of which the first and last are the same are two.
fn triple_des_key(bytes: &[u8]) -> Result<(&'static Algorithm, &[u8]), CryptoError> {
    match bytes.len() {
        8 => Err(CryptoError::Unsupported("weak Triple DES keys".to_owned())),
        16 => Ok((&triple_des::TWO_KEYS, bytes)),
        24 => {
            let two = bytes.split_last_chunk::<8>().filter(|(two, third)| {
                two.first_chunk::<8>()
                    .is_some_and(|first| verify_slices_are_equal(first, *third).is_ok())
            });
            Ok(two
                .map_or((&triple_des::THREE_KEYS, bytes), |(two, _)| (&triple_des::TWO_KEYS, two)))
        }
        _ => Err(CryptoError::BadKey("it is not of 8, 16 or 24 bytes")),
    }
}

/// An encryption that needs only the data.
pub(super) struct Encryption {
    method: BlockMethod,
    key: EncryptingKey,
    context: EncryptionContext,
}

impl Encryption {
    pub(super) fn run(self, mut data: Buffer) -> Result<CipherOutput, CryptoError> {
        self.method.padding_of_blocks(|padding, block| padding.add(&mut data, block))?;
        self.key.less_safe_encrypt(&mut data, self.context).map_err(|_| CryptoError::Failed)?;
        Ok(CipherOutput { data: core::mem::take(&mut *data), tag: None })
    }
}

/// A decryption that needs only the data.
pub(super) struct Decryption {
    method: BlockMethod,
    key: DecryptingKey,
    context: DecryptionContext,
}

impl Decryption {
    pub(super) fn run(self, mut data: Buffer) -> Result<Buffer, CryptoError> {
        self.method.padding_of_blocks(|_, block| Padding::check_blocks(&data, block))?;
        self.key.decrypt(&mut data, self.context).map_err(|_| CryptoError::Failed)?;
        self.method.padding_of_blocks(|padding, block| padding.remove(&mut data, block))?;
        Ok(data)
    }
}

impl BlockMethod {
    /// Does something about padding, in the modes that have any.
    fn padding_of_blocks(
        self,
        step: impl FnOnce(Padding, u8) -> Result<(), CryptoError>,
    ) -> Result<(), CryptoError> {
        match self.mode {
            Mode::Ecb | Mode::Cbc => step(self.padding, self.cipher.block()),
            Mode::Ctr | Mode::Cfb | Mode::Ofb => Ok(()),
        }
    }
}
