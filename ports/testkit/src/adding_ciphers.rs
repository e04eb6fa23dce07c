//! Ciphers that chain blocks, pad and authenticate as real ones do, and hide nothing.

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, PaddingMethod},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers, CryptoError};

/// The bytes of a block, of a key and of a tag.
const BLOCK: usize = 16;

/// Adds the key, of sixteen bytes, to each block of as many. Offers ECB and CBC, with PKCS#5 padding or
/// none, CTR, and GCM with a tag of sixteen bytes; whatever the algorithm.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddingCiphers;

fn key_of(key: &KeyInUse) -> Vec<u8> {
    let bytes = key.material.as_bytes().map(|bytes| bytes.expose().to_vec());
    bytes.unwrap_or_default()
}

fn checked_iv<'a>(
    parameters: &CryptographicParameters,
    input: &CipherInput<'a>,
) -> Result<&'a [u8], CryptoError> {
    match parameters.block_cipher_mode {
        Some(BlockCipherMode::Ecb) => Ok(&[0; BLOCK]),
        _ => input.iv_counter_nonce.ok_or(CryptoError::BadInput("no IV")),
    }
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

fn key_stream(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    let shift = iv.first().copied().unwrap_or_default();
    let stream = (0..=u8::MAX).cycle().flat_map(|number| {
        key.iter().map(move |byte| byte.wrapping_mul(7).wrapping_add(number) ^ shift)
    });
    data.iter().zip(stream).map(|(byte, other)| byte ^ other).collect()
}

fn tag(data: &[u8], input: &CipherInput<'_>) -> Vec<u8> {
    let all = data.iter().chain(input.additional_data);
    vec![all.fold(0_u8, |sum, byte| sum.wrapping_mul(3).wrapping_add(*byte)); BLOCK]
}

const fn in_blocks(parameters: &CryptographicParameters) -> bool {
    matches!(parameters.block_cipher_mode, Some(BlockCipherMode::Ecb | BlockCipherMode::Cbc))
}

#[async_trait]
impl Ciphers for AddingCiphers {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        in_blocks(parameters)
            || matches!(
                parameters.block_cipher_mode,
                Some(BlockCipherMode::Ctr | BlockCipherMode::Gcm)
            )
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        let key = key_of(key.key());
        let iv = checked_iv(parameters, &input)?;
        if !in_blocks(parameters) {
            let data = key_stream(&key, iv, input.data);
            let gcm = parameters.block_cipher_mode == Some(BlockCipherMode::Gcm);
            return Ok(CipherOutput { data, tag: gcm.then(|| tag(input.data, &input)) });
        }
        let mut data = input.data.to_vec();
        if parameters.padding_method == Some(PaddingMethod::Pkcs5) {
            let pad = BLOCK.saturating_sub(data.len() & (BLOCK - 1));
            let byte = u8::try_from(pad).unwrap_or_default();
            data.extend(std::iter::repeat_n(byte, pad));
        }
        if !data.len().is_multiple_of(BLOCK) {
            return Err(CryptoError::BadInput("not whole blocks"));
        }
        let mut before = iv.to_vec();
        let mut output = Vec::new();
        for block in data.chunks(BLOCK) {
            let mixed = xor(block, &before);
            let block: Vec<u8> =
                mixed.iter().zip(&key).map(|(byte, key)| byte.wrapping_add(*key)).collect();
            output.extend(&block);
            if parameters.block_cipher_mode == Some(BlockCipherMode::Cbc) {
                before = block;
            }
        }
        Ok(CipherOutput { data: output, tag: None })
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        let key = key_of(key.key());
        let iv = checked_iv(parameters, &input)?;
        if !in_blocks(parameters) {
            let data = key_stream(&key, iv, input.data);
            let gcm = parameters.block_cipher_mode == Some(BlockCipherMode::Gcm);
            if gcm && input.tag != Some(&tag(&data, &input)) {
                return Err(CryptoError::Failed);
            }
            return Ok(Material::new(data));
        }
        if !input.data.len().is_multiple_of(BLOCK) {
            return Err(CryptoError::BadInput("not whole blocks"));
        }
        let mut before = iv.to_vec();
        let mut output = Vec::new();
        for block in input.data.chunks(BLOCK) {
            let plain: Vec<u8> =
                block.iter().zip(&key).map(|(byte, key)| byte.wrapping_sub(*key)).collect();
            output.extend(xor(&plain, &before));
            if parameters.block_cipher_mode == Some(BlockCipherMode::Cbc) {
                before = block.to_vec();
            }
        }
        if parameters.padding_method == Some(PaddingMethod::Pkcs5) {
            let pad = output.last().map(|pad| usize::from(*pad));
            let pad = pad.filter(|pad| (1..=BLOCK).contains(pad)).ok_or(CryptoError::Failed)?;
            output.truncate(output.len().saturating_sub(pad));
        }
        Ok(Material::new(output))
    }
}
