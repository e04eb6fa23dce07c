//! MACs: HMAC (RFC 2104, FIPS 198-1) and CMAC (SP 800-38B).
//!
//! Deliberately absent: HMAC with MD5 or SHA-3, CBC-MAC and Poly1305.

use aws_lc_rs::{cmac, constant_time::verify_slices_are_equal, hmac};
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm},
    object::{KeyInUse, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, Macs};
use zeroize::Zeroizing;

use crate::key;

/// Makes and checks MACs with AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcMacs;

impl Macs for AwsLcMacs {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        Method::find(parameters).is_ok()
    }

    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Method::find(parameters)?.compute(key.key(), data)
    }

    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError> {
        let right = Method::find(parameters)?.compute(key.key(), data)?;
        Ok(verify_slices_are_equal(&right, mac).is_ok())
    }
}

/// How a MAC is made.
enum Method {
    /// With a key of any algorithm, which is no more than bytes.
    Hmac(hmac::Algorithm),
    /// With a key of that cipher.
    Cmac(CryptographicAlgorithm),
}

impl Method {
    fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        let algorithm = parameters
            .cryptographic_algorithm
            .ok_or_else(|| CryptoError::Unsupported("MACs without an algorithm".to_owned()))?;
        Ok(match algorithm {
            CryptographicAlgorithm::HmacSha1 => Self::Hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            CryptographicAlgorithm::HmacSha224 => Self::Hmac(hmac::HMAC_SHA224),
            CryptographicAlgorithm::HmacSha256 => Self::Hmac(hmac::HMAC_SHA256),
            CryptographicAlgorithm::HmacSha384 => Self::Hmac(hmac::HMAC_SHA384),
            CryptographicAlgorithm::HmacSha512 => Self::Hmac(hmac::HMAC_SHA512),
            CryptographicAlgorithm::Aes | CryptographicAlgorithm::Des3 => {
                match parameters.block_cipher_mode {
                    None | Some(BlockCipherMode::Cmac) => Self::Cmac(algorithm),
                    Some(mode) => {
                        return Err(CryptoError::Unsupported(format!("MACs in the mode {mode}")));
                    }
                }
            }
            other => return Err(CryptoError::Unsupported(format!("MACs by {other}"))),
        })
    }

    fn compute(&self, key: &KeyInUse, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Hmac(algorithm) => {
                let key = hmac::Key::new(*algorithm, key::bytes(key)?.expose());
                Ok(hmac::sign(&key, data).as_ref().to_vec())
            }
            Self::Cmac(cipher) => {
                let bytes = key::of_cipher(key, *cipher)?.expose();
                let key = match *cipher {
                    CryptographicAlgorithm::Aes => cmac::Key::new(aes(bytes.len())?, bytes),
                    _ => cmac::Key::new(cmac::DES_EDE3_FOR_LEGACY_USE_ONLY, &three_keys(bytes)?),
                };
                key.and_then(|key| cmac::sign(&key, data))
                    .map(|mac| mac.as_ref().to_vec())
                    .map_err(|_| CryptoError::Failed)
            }
        }
    }
}

fn aes(length: usize) -> Result<cmac::Algorithm, CryptoError> {
    match length {
        16 => Ok(cmac::AES_128),
        24 => Ok(cmac::AES_192),
        32 => Ok(cmac::AES_256),
        _ => Err(CryptoError::BadKey("it is not of 16, 24 or 32 bytes")),
    }
}

/// Writes a Triple DES key out: the first key stands for those that are missing.
fn three_keys(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if !matches!(bytes.len(), 8 | 16 | 24) {
        return Err(CryptoError::BadKey("it is not of 8, 16 or 24 bytes"));
    }
    Ok(Zeroizing::new(bytes.iter().copied().cycle().take(24).collect()))
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::Enumeration;

    use super::*;
    use crate::testing::{processing, protection, secret};

    fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
        CryptographicParameters {
            cryptographic_algorithm: Some(algorithm),
            ..CryptographicParameters::EMPTY
        }
    }

    fn vectors() -> impl Iterator<Item = (CryptographicAlgorithm, Vec<u8>, Vec<u8>, Vec<u8>)> {
        include_str!("../tests/vectors/macs.txt").lines().filter(|line| !line.starts_with('#')).map(
            |line| {
                let mut parts = line.split(' ');
                let algorithm = match parts.next().unwrap() {
                    "HMAC_SHA1" => CryptographicAlgorithm::HmacSha1,
                    "HMAC_SHA224" => CryptographicAlgorithm::HmacSha224,
                    "HMAC_SHA256" => CryptographicAlgorithm::HmacSha256,
                    "HMAC_SHA384" => CryptographicAlgorithm::HmacSha384,
                    "HMAC_SHA512" => CryptographicAlgorithm::HmacSha512,
                    "AES" => CryptographicAlgorithm::Aes,
                    "DES3" => CryptographicAlgorithm::Des3,
                    other => panic!("{other}"),
                };
                let mut next = || hex::decode(parts.next().unwrap().trim_matches('-')).unwrap();
                (algorithm, next(), next(), next())
            },
        )
    }

    #[test]
    fn published_macs_come_out_and_verify() {
        for (algorithm, key, data, mac) in vectors() {
            let (key, parameters) = (secret(&key), parameters(algorithm));
            let made = AwsLcMacs.generate(&protection(&key), &parameters, &data);
            assert_eq!(made.map(hex::encode), Ok(hex::encode(&mac)), "{algorithm}");
            let key = processing(&key);
            assert_eq!(AwsLcMacs.verify(&key, &parameters, &data, &mac), Ok(true));
        }
    }

    #[test]
    fn other_and_shorter_macs_are_wrong() {
        for (algorithm, key, data, mac) in vectors() {
            let (key, parameters) = (processing(&secret(&key)), parameters(algorithm));
            let verify = |data: &[u8], mac: &[u8]| AwsLcMacs.verify(&key, &parameters, data, mac);
            let mut other = mac.clone();
            *other.last_mut().unwrap() ^= 1;
            assert_eq!(verify(&data, &other), Ok(false), "{algorithm}");
            assert_eq!(verify(&data, &mac[..mac.len() - 1]), Ok(false));
            assert_eq!(verify(&data, &[]), Ok(false));
            assert_eq!(verify(b"other data", &mac), Ok(false));
        }
    }

    #[test]
    fn an_aes_key_may_key_an_hmac_but_not_the_cmac_of_another_cipher() {
        let mut key = secret(&[1; 16]);
        key.algorithm = Some(CryptographicAlgorithm::Aes);
        let generate = |algorithm| {
            AwsLcMacs.generate(&protection(&key), &parameters(algorithm), b"data").map(drop)
        };
        assert_eq!(generate(CryptographicAlgorithm::HmacSha256), Ok(()));
        assert_eq!(generate(CryptographicAlgorithm::Aes), Ok(()));
        assert!(matches!(generate(CryptographicAlgorithm::Des3), Err(CryptoError::BadKey(_))));
    }

    #[test]
    fn keys_of_no_cipher_are_refused() {
        for (algorithm, length) in [
            (CryptographicAlgorithm::Aes, 15),
            (CryptographicAlgorithm::Aes, 0),
            (CryptographicAlgorithm::Des3, 7),
            (CryptographicAlgorithm::Des3, 32),
        ] {
            let key = protection(&secret(&vec![1; length]));
            let made = AwsLcMacs.generate(&key, &parameters(algorithm), b"data");
            assert!(matches!(made, Err(CryptoError::BadKey(_))), "{algorithm} {length}");
        }
    }

    #[test]
    fn two_triple_des_keys_are_three() {
        let mac = |key: &[u8]| {
            AwsLcMacs.generate(
                &protection(&secret(key)),
                &parameters(CryptographicAlgorithm::Des3),
                b"data",
            )
        };
        let two: Vec<u8> = (0..16).collect();
        let three: Vec<u8> = (0..16).chain(0..8).collect();
        assert_eq!(mac(&two), mac(&three));
    }

    #[test]
    fn the_offer_is_this() {
        for member in CryptographicAlgorithm::MEMBERS {
            let algorithm = CryptographicAlgorithm::from_value(member.value);
            let offered = AwsLcMacs.supports(&parameters(algorithm));
            assert_eq!(offered, vectors().any(|row| row.0 == algorithm), "{algorithm}");
        }
        let in_mode = |block_cipher_mode| {
            AwsLcMacs.supports(&CryptographicParameters {
                block_cipher_mode: Some(block_cipher_mode),
                ..parameters(CryptographicAlgorithm::Aes)
            })
        };
        assert!(in_mode(BlockCipherMode::Cmac));
        assert!(!in_mode(BlockCipherMode::CbcMac));
        assert!(!AwsLcMacs.supports(&CryptographicParameters::EMPTY));
    }
}
