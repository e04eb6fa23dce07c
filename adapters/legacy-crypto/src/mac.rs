//! MACs: HMAC with every hash, and CMAC of every block cipher.

use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{CryptographicAlgorithm, HashingAlgorithm},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, Macs};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{block::BlockCipher, hash::hmac, key::bytes_for};

/// Makes and checks MACs with what AWS-LC has not.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegacyMacs;

/// How a MAC is made.
enum Recipe {
    Hmac(HashingAlgorithm),
    Cmac(&'static BlockCipher),
}

impl Recipe {
    fn find(algorithm: CryptographicAlgorithm) -> Result<Self, CryptoError> {
        if let Some(hash) = hash_of(algorithm) {
            return Ok(Self::Hmac(hash));
        }
        if let Some(cipher) = BlockCipher::find(algorithm) {
            return Ok(Self::Cmac(cipher));
        }
        let unsupported = |what: String| Err(CryptoError::Unsupported(what));
        match algorithm {
            CryptographicAlgorithm::Rc4 | CryptographicAlgorithm::ChaCha20 => unsupported(format!(
                "MACs by {algorithm}: CMAC needs a block cipher, and that is a stream cipher"
            )),
            _ => unsupported(format!("MACs by {algorithm}")),
        }
    }
}

/// Finds the hash of an HMAC algorithm.
const fn hash_of(algorithm: CryptographicAlgorithm) -> Option<HashingAlgorithm> {
    Some(match algorithm {
        CryptographicAlgorithm::HmacMd5 => HashingAlgorithm::Md5,
        CryptographicAlgorithm::HmacSha1 => HashingAlgorithm::Sha1,
        CryptographicAlgorithm::HmacSha224 => HashingAlgorithm::Sha224,
        CryptographicAlgorithm::HmacSha256 => HashingAlgorithm::Sha256,
        CryptographicAlgorithm::HmacSha384 => HashingAlgorithm::Sha384,
        CryptographicAlgorithm::HmacSha512 => HashingAlgorithm::Sha512,
        CryptographicAlgorithm::HmacSha3224 => HashingAlgorithm::Sha3224,
        CryptographicAlgorithm::HmacSha3256 => HashingAlgorithm::Sha3256,
        CryptographicAlgorithm::HmacSha3384 => HashingAlgorithm::Sha3384,
        CryptographicAlgorithm::HmacSha3512 => HashingAlgorithm::Sha3512,
        _ => return None,
    })
}

fn algorithm_of(
    parameters: &CryptographicParameters,
) -> Result<CryptographicAlgorithm, CryptoError> {
    parameters
        .cryptographic_algorithm
        .ok_or_else(|| CryptoError::Unsupported("MACs by no algorithm".to_owned()))
}

fn mac(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let algorithm = algorithm_of(parameters)?;
    let recipe = Recipe::find(algorithm)?;
    let key = bytes_for(key, algorithm)?.expose();
    match recipe {
        Recipe::Hmac(hash) => Ok(hmac(hash, key)?(&[data])),
        Recipe::Cmac(cipher) => Ok(Zeroizing::new(cipher.with_key(key)?.cmac(data))),
    }
}

impl Macs for LegacyMacs {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        algorithm_of(parameters).and_then(Recipe::find).is_ok()
    }

    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        mac(key.key(), parameters, data).map(|mac| mac.to_vec())
    }

    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        given: &[u8],
    ) -> Result<bool, CryptoError> {
        Ok(mac(key.key(), parameters, data)?.ct_eq(given).into())
    }
}

#[cfg(test)]
mod tests;
