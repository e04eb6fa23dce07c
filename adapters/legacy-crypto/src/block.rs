//! Block ciphers, their modes and their CMACs (NIST SP 800-38A, SP 800-38B): one table of them.
//!
//! The code is written once, for any block cipher; a row says which type takes a key of which
//! length. CFB feeds back whole blocks, and CTR counts in the whole block, big-endian.

use std::marker::PhantomData;

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{
        Array, Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt,
        InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper,
    },
};
use blowfish::Blowfish;
use camellia::{Camellia128, Camellia192, Camellia256};
use cast5::Cast5;
use cmac::{Cmac, Mac, block_api::CmacCipher, digest::InnerInit};
use ctr::{
    CtrCore, CtrFlavor,
    flavors::{Ctr64BE, Ctr128BE},
};
use des::TdesEde3;
use idea::Idea;
use kmip_model::enumeration::{BlockCipherMode, CryptographicAlgorithm};
use kmip_ports::crypto::CryptoError;
use ofb::OfbCore;
use zeroize::Zeroizing;

use crate::{key::WRONG_LENGTH, padding::check_whole};

/// The modes that are the same for every block cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Ecb,
    Cbc,
    Cfb,
    Ofb,
    Ctr,
}

impl Mode {
    /// Finds the mode; `None` if it is another kind of mode.
    pub(crate) const fn find(mode: BlockCipherMode) -> Option<Self> {
        Some(match mode {
            BlockCipherMode::Ecb => Self::Ecb,
            BlockCipherMode::Cbc => Self::Cbc,
            BlockCipherMode::Cfb => Self::Cfb,
            BlockCipherMode::Ofb => Self::Ofb,
            BlockCipherMode::Ctr => Self::Ctr,
            _ => return None,
        })
    }

    /// Says whether the data must be whole blocks, and is padded.
    pub(crate) const fn needs_whole_blocks(self) -> bool {
        matches!(self, Self::Ecb | Self::Cbc)
    }

    /// Says whether there is an IV, as long as a block.
    pub(crate) const fn needs_iv(self) -> bool {
        !matches!(self, Self::Ecb)
    }
}

/// Which way the data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// A block cipher with its key.
pub(crate) trait KeyedCipher: Send {
    /// Returns the length of a block, in bytes.
    fn block_length(&self) -> usize;

    /// Encrypts or decrypts in place. The IV is of one block, or empty in ECB.
    fn run(
        self: Box<Self>,
        mode: Mode,
        direction: Direction,
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError>;

    /// Returns the CMAC.
    fn cmac(self: Box<Self>, data: &[u8]) -> Vec<u8>;
}

/// A row: an algorithm, and how it takes a key.
pub(crate) struct BlockCipher {
    /// The algorithm.
    pub(crate) algorithm: CryptographicAlgorithm,
    with_key: fn(&[u8]) -> Option<Box<dyn KeyedCipher>>,
}

const TABLE: &[BlockCipher] = &[
    row(CryptographicAlgorithm::Aes, |key| match key.len() {
        16 => wide::<Aes128>(key),
        24 => wide::<Aes192>(key),
        _ => wide::<Aes256>(key),
    }),
    row(CryptographicAlgorithm::Des, |key| if key.len() == 8 { triple_des(key) } else { None }),
    row(CryptographicAlgorithm::Des3, triple_des),
    row(CryptographicAlgorithm::Blowfish, narrow::<Blowfish>),
    row(CryptographicAlgorithm::Camellia, |key| match key.len() {
        16 => wide::<Camellia128>(key),
        24 => wide::<Camellia192>(key),
        _ => wide::<Camellia256>(key),
    }),
    row(CryptographicAlgorithm::Cast5, narrow::<Cast5>),
    row(CryptographicAlgorithm::Idea, narrow::<Idea>),
];

const fn row(
    algorithm: CryptographicAlgorithm,
    with_key: fn(&[u8]) -> Option<Box<dyn KeyedCipher>>,
) -> BlockCipher {
    BlockCipher { algorithm, with_key }
}

impl BlockCipher {
    /// Finds the row of an algorithm.
    pub(crate) fn find(algorithm: CryptographicAlgorithm) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.algorithm == algorithm)
    }

    /// Puts a key in.
    pub(crate) fn with_key(&self, key: &[u8]) -> Result<Box<dyn KeyedCipher>, CryptoError> {
        (self.with_key)(key).ok_or(WRONG_LENGTH)
    }
}

/// Three keys of 8 bytes, or two with the first again as the third, or one three times, which is
/// DES. Weak keys are keys: what was encrypted with them must be decrypted.
fn triple_des(key: &[u8]) -> Option<Box<dyn KeyedCipher>> {
    if !matches!(key.len(), 8 | 16 | 24) {
        return None;
    }
    let mut keys = Zeroizing::new([0; 24]);
    for (place, byte) in keys.iter_mut().zip(key.iter().cycle()) {
        *place = *byte;
    }
    narrow::<TdesEde3>(keys.as_slice())
}

/// A cipher with blocks of 8 bytes.
fn narrow<C>(key: &[u8]) -> Option<Box<dyn KeyedCipher>>
where
    C: KeyInit + BlockCipherDecrypt + CmacCipher + Send + 'static,
    Ctr64BE: CtrFlavor<C::BlockSize>,
{
    keyed::<C, Ctr64BE>(key)
}

/// A cipher with blocks of 16 bytes.
fn wide<C>(key: &[u8]) -> Option<Box<dyn KeyedCipher>>
where
    C: KeyInit + BlockCipherDecrypt + CmacCipher + Send + 'static,
    Ctr128BE: CtrFlavor<C::BlockSize>,
{
    keyed::<C, Ctr128BE>(key)
}

fn keyed<C, F>(key: &[u8]) -> Option<Box<dyn KeyedCipher>>
where
    C: KeyInit + BlockCipherDecrypt + CmacCipher + Send + 'static,
    F: CtrFlavor<C::BlockSize> + 'static,
{
    let cipher = C::new_from_slice(key).ok()?;
    Some(Box::new(Keyed::<C, F> { cipher, counter: PhantomData }))
}

/// A cipher with its key, and how it counts in CTR.
struct Keyed<C, F> {
    cipher: C,
    counter: PhantomData<fn() -> F>,
}

impl<C, F> KeyedCipher for Keyed<C, F>
where
    C: BlockCipherDecrypt + CmacCipher + Send,
    F: CtrFlavor<C::BlockSize>,
{
    fn block_length(&self) -> usize {
        C::block_size()
    }

    fn run(
        self: Box<Self>,
        mode: Mode,
        direction: Direction,
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        let cipher = self.cipher;
        if mode == Mode::Ecb {
            let blocks = whole_blocks::<C>(data)?;
            match direction {
                Direction::Encrypt => cipher.encrypt_blocks(blocks),
                Direction::Decrypt => cipher.decrypt_blocks(blocks),
            }
            return Ok(());
        }
        let iv = <&Block<C>>::try_from(iv)
            .map_err(|_| CryptoError::BadInput("the IV is not as long as a block"))?;
        match (mode, direction) {
            (Mode::Cbc | Mode::Ecb, Direction::Encrypt) => {
                cbc::Encryptor::inner_iv_init(cipher, iv).encrypt_blocks(whole_blocks::<C>(data)?);
            }
            (Mode::Cbc | Mode::Ecb, Direction::Decrypt) => {
                cbc::Decryptor::inner_iv_init(cipher, iv).decrypt_blocks(whole_blocks::<C>(data)?);
            }
            (Mode::Cfb, Direction::Encrypt) => {
                cfb_mode::Encryptor::inner_iv_init(cipher, iv).encrypt(data);
            }
            (Mode::Cfb, Direction::Decrypt) => {
                cfb_mode::Decryptor::inner_iv_init(cipher, iv).decrypt(data);
            }
            (Mode::Ofb, _) => {
                let core = OfbCore::inner_iv_init(cipher, iv);
                apply(StreamCipherCoreWrapper::from_core(core), data)?;
            }
            (Mode::Ctr, _) => {
                let core = CtrCore::<C, F>::inner_iv_init(cipher, iv);
                apply(StreamCipherCoreWrapper::from_core(core), data)?;
            }
        }
        Ok(())
    }

    fn cmac(self: Box<Self>, data: &[u8]) -> Vec<u8> {
        let mut mac = Cmac::inner_init(self.cipher);
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    }
}

fn whole_blocks<C: BlockCipherEncrypt>(data: &mut [u8]) -> Result<&mut [Block<C>], CryptoError> {
    check_whole(data, C::block_size())?;
    let (blocks, _) = Array::slice_as_chunks_mut(data);
    Ok(blocks)
}

/// Adds a stream to the data.
pub(crate) fn apply(mut stream: impl StreamCipher, data: &mut [u8]) -> Result<(), CryptoError> {
    stream
        .try_apply_keystream(data)
        .map_err(|_| CryptoError::BadInput("the data is longer than the counter allows"))
}

#[cfg(test)]
mod tests;
