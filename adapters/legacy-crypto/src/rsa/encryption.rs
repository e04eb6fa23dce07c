//! RSA encryption (RFC 8017 §7): OAEP with any two hashes and a label, PKCS#1 v1.5, and, for
//! public keys, none.

use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{HashingAlgorithm, MaskGenerator, PaddingMethod},
};
use kmip_ports::crypto::CryptoError;
use rsa::{
    BoxedUint, Oaep, Pkcs1v15Encrypt, PrivateKey, PublicKey, hazmat::rsa_encrypt,
    traits::PublicKeyParts,
};

use super::{PortRandom, failure, unsupported_hash};
use crate::hash::with_oaep_hash;

/// How the data is encoded before it becomes a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// OAEP.
    Oaep {
        /// The hash of the label.
        hash: HashingAlgorithm,
        /// The hash of the mask.
        mask_hash: HashingAlgorithm,
        /// P Source.
        label: Vec<u8>,
    },
    /// PKCS#1 v1.5.
    Pkcs1V15,
    /// Nothing: the data is the number. Only if it is named, because it protects little.
    Raw,
}

impl Encryption {
    /// Finds the encoding. Both hashes of OAEP are SHA-1 where the client names none
    /// (KMIP 1.4 §3.6, RFC 8017 appendix A.2.1).
    pub(crate) fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        match parameters.padding_method {
            Some(PaddingMethod::Oaep) => {
                if parameters.mask_generator.is_some_and(|named| named != MaskGenerator::Mgf1) {
                    return Err(CryptoError::Unsupported("masks by other than MGF1".to_owned()));
                }
                let hash = parameters.hashing_algorithm.unwrap_or(HashingAlgorithm::Sha1);
                let mask_hash =
                    parameters.mask_generator_hashing_algorithm.unwrap_or(HashingAlgorithm::Sha1);
                for hash in [hash, mask_hash] {
                    with_oaep_hash!(hash, Hash => size_of::<Hash>())
                        .ok_or_else(|| unsupported_hash(hash))?;
                }
                let label = parameters.p_source.clone().unwrap_or_default();
                Ok(Self::Oaep { hash, mask_hash, label })
            }
            Some(PaddingMethod::Pkcs1V15) => Ok(Self::Pkcs1V15),
            Some(PaddingMethod::None) => Ok(Self::Raw),
            Some(other) => Err(CryptoError::Unsupported(format!("RSA with the padding {other}"))),
            None => Err(CryptoError::Unsupported("RSA without a padding method".to_owned())),
        }
    }

    /// Encrypts.
    pub(crate) fn encrypt(
        self,
        key: &PublicKey,
        mut random: PortRandom,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let random = &mut random;
        match self {
            Self::Pkcs1V15 => key.encrypt(random, Pkcs1v15Encrypt, data),
            Self::Raw => return raw(key, data),
            Self::Oaep { hash, mask_hash, label } => with_oaep_hash!(hash, Hash => {
                with_oaep_hash!(mask_hash, MaskHash => {
                    let padding = Oaep::<Hash, MaskHash>::new_with_mgf_hash_and_label(label);
                    key.encrypt(random, padding, data)
                })
                .ok_or_else(|| unsupported_hash(mask_hash))?
            })
            .ok_or_else(|| unsupported_hash(hash))?,
        }
        .map_err(|error| failure(&error))
    }

    /// Decrypts. PKCS#1 v1.5 data that is not right becomes other data, so that nobody can find
    /// out the plaintext by asking.
    pub(crate) fn decrypt(
        self,
        key: &PrivateKey,
        mut random: PortRandom,
        data: &[u8],
    ) -> Result<Material, CryptoError> {
        let random = &mut random;
        match self {
            Self::Pkcs1V15 => key.decrypt_blinded(random, Pkcs1v15Encrypt, data),
            Self::Raw => {
                let what = "RSA decryption without padding".to_owned();
                return Err(CryptoError::Unsupported(what));
            }
            Self::Oaep { hash, mask_hash, label } => with_oaep_hash!(hash, Hash => {
                with_oaep_hash!(mask_hash, MaskHash => {
                    let padding = Oaep::<Hash, MaskHash>::new_with_mgf_hash_and_label(label);
                    key.decrypt_blinded(random, padding, data)
                })
                .ok_or_else(|| unsupported_hash(mask_hash))?
            })
            .ok_or_else(|| unsupported_hash(hash))?,
        }
        .map(Material::new)
        .map_err(|_| CryptoError::Failed)
    }
}

/// Encrypts a number below the modulus.
fn raw(key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let length = key.size();
    let number = BoxedUint::from_be_slice(data, key.n_bits_precision())
        .map_err(|_| CryptoError::BadInput("the data is too long for the key"))?;
    if number >= *key.n().as_ref() {
        return Err(CryptoError::BadInput("the data is not below the modulus"));
    }
    let encrypted = rsa_encrypt(key, &number).map_err(|error| failure(&error))?.to_be_bytes();
    let surplus = encrypted.len().saturating_sub(length);
    let mut output = vec![0; length.saturating_sub(encrypted.len())];
    output.extend_from_slice(encrypted.get(surplus..).unwrap_or_default());
    Ok(output)
}
