//! RSA encryption (RFC 8017 §7): OAEP with one hash for label and mask, and PKCS#1 v1.5.
//!
//! Deliberately absent: RSA without padding, OAEP with two hashes, and keys below 2048 bits.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{HashingAlgorithm, KeyFormatType, MaskGenerator, PaddingMethod},
    object::KeyInUse,
};
use kmip_ports::crypto::{CipherOutput, CryptoError};
use zeroize::Zeroizing;

use super::Buffer;
use crate::key;

/// Keys with fewer bits are refused.
const MINIMUM_BITS: i32 = 2048;

const BAD_KEY: CryptoError = CryptoError::BadKey("its numbers contradict each other");
const TOO_MUCH: CryptoError = CryptoError::BadInput("the data is too long for the key");

/// Which padding.
#[derive(Clone, Copy, Debug)]
pub(super) enum RsaPadding {
    Oaep(&'static OaepAlgorithm),
    Pkcs1,
}

impl RsaPadding {
    /// Finds a Padding Method of RSA. The mask is made with the same hash as the label's unless
    /// Mask Generator Hashing Algorithm says otherwise.
    pub(super) fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        match parameters.padding_method {
            Some(PaddingMethod::Oaep) => oaep(parameters).map(Self::Oaep),
            Some(PaddingMethod::Pkcs1V15) => Ok(Self::Pkcs1),
            Some(other) => Err(CryptoError::Unsupported(format!("RSA encryption with {other}"))),
            None => Err(CryptoError::Unsupported("RSA encryption without padding".to_owned())),
        }
    }

    /// Encrypts with a public key.
    pub(super) fn encrypt(
        self,
        key: &KeyInUse,
        label: &[u8],
        data: &[u8],
    ) -> Result<CipherOutput, CryptoError> {
        let (_, spki) = key::public(key, |description| {
            key::rsa_form(description, MINIMUM_BITS, KeyFormatType::X509)
        })?;
        let key = PublicEncryptingKey::from_der(key::encoded(spki)?.expose())
            .map_err(|_| CryptoError::BadKey("it is no RSA public key that can encrypt"))?;
        let mut output = vec![0; key.key_size_bytes()];
        let length = match self {
            Self::Oaep(algorithm) => {
                let key = OaepPublicEncryptingKey::new(key).map_err(|_| BAD_KEY)?;
                if data.len() > key.max_plaintext_size(algorithm) {
                    return Err(TOO_MUCH);
                }
                key.encrypt(algorithm, data, &mut output, Some(label)).map(|output| output.len())
            }
            Self::Pkcs1 => {
                let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| BAD_KEY)?;
                if data.len() > key.max_plaintext_size() {
                    return Err(TOO_MUCH);
                }
                key.encrypt(data, &mut output).map(|output| output.len())
            }
        };
        output.truncate(length.map_err(|_| CryptoError::Failed)?);
        Ok(CipherOutput { data: output, tag: None })
    }

    /// Prepares a decryption with a private key, which is not read yet: that takes long too.
    pub(super) fn decryption(self, key: &KeyInUse, label: &[u8]) -> Decryption {
        Decryption { padding: self, key: key.clone(), label: label.to_vec() }
    }
}

fn oaep(parameters: &CryptographicParameters) -> Result<&'static OaepAlgorithm, CryptoError> {
    let hash = parameters.hashing_algorithm.unwrap_or(HashingAlgorithm::Sha1);
    let mask = parameters.mask_generator_hashing_algorithm.unwrap_or(hash);
    let generator = parameters.mask_generator.unwrap_or(MaskGenerator::Mgf1);
    if mask != hash || generator != MaskGenerator::Mgf1 {
        return Err(CryptoError::Unsupported("OAEP with another mask".to_owned()));
    }
    match hash {
        HashingAlgorithm::Sha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        HashingAlgorithm::Sha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        HashingAlgorithm::Sha384 => Ok(&OAEP_SHA384_MGF1SHA384),
        HashingAlgorithm::Sha512 => Ok(&OAEP_SHA512_MGF1SHA512),
        other => Err(CryptoError::Unsupported(format!("OAEP with {other}"))),
    }
}

/// A decryption that needs only the data.
pub(super) struct Decryption {
    padding: RsaPadding,
    key: KeyInUse,
    label: Vec<u8>,
}

impl Decryption {
    pub(super) fn run(&self, data: &Buffer) -> Result<Buffer, CryptoError> {
        let (_, pkcs8) = key::private(&self.key, |description| {
            key::rsa_form(description, MINIMUM_BITS, KeyFormatType::Pkcs8)
        })?;
        let key =
            PrivateDecryptingKey::from_pkcs8(key::encoded(pkcs8)?.expose()).map_err(|_| BAD_KEY)?;
        let size = key.key_size_bytes();
        if data.len() != size {
            return Err(CryptoError::BadInput("the data is not as long as the key"));
        }
        let mut output = Zeroizing::new(vec![0; size]);
        let length = match self.padding {
            RsaPadding::Oaep(algorithm) => OaepPrivateDecryptingKey::new(key).and_then(|key| {
                key.decrypt(algorithm, data, &mut output, Some(&self.label))
                    .map(|plain| plain.len())
            }),
            RsaPadding::Pkcs1 => Pkcs1PrivateDecryptingKey::new(key)
                .and_then(|key| key.decrypt(data, &mut output).map(|plain| plain.len())),
        };
        output.truncate(length.map_err(|_| CryptoError::Failed)?);
        Ok(output)
    }
}
