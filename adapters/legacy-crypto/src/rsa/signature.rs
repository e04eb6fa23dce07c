//! RSA signatures (RFC 8017 §8): PKCS#1 v1.5 and PSS with old and new hashes.

use kmip_model::{
    attribute::CryptographicParameters,
    enumeration::{HashingAlgorithm, MaskGenerator, PaddingMethod},
};
use kmip_ports::crypto::{CryptoError, SignatureInput};
use rsa::{Pkcs1v15Sign, PrivateKey, Pss, PublicKey};
use sha2::Digest;

use super::{PortRandom, failure, unsupported_hash};
use crate::hash::with_signature_hash;

/// How a hash is encoded before it becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Pkcs1V15,
    /// PSS with MGF1 of the same hash.
    Pss {
        /// Salt Length, in bytes.
        salt: Option<usize>,
    },
}

/// A way of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    hash: HashingAlgorithm,
    encoding: Encoding,
}

impl Signature {
    /// Finds the way. The mask of PSS is made with the hash of the signature; another one is not
    /// offered.
    pub(crate) fn find(parameters: &CryptographicParameters) -> Result<Self, CryptoError> {
        let unsupported = |what: &str| CryptoError::Unsupported(what.to_owned());
        let hash = parameters
            .hashing_algorithm
            .ok_or_else(|| unsupported("RSA signatures without a hashing algorithm"))?;
        with_signature_hash!(hash, Hash => size_of::<Hash>())
            .ok_or_else(|| unsupported_hash(hash))?;
        let encoding = match parameters.padding_method {
            Some(PaddingMethod::Pkcs1V15) => Encoding::Pkcs1V15,
            Some(PaddingMethod::Pss) => {
                let mask_hash = parameters.mask_generator_hashing_algorithm.unwrap_or(hash);
                let mask = parameters.mask_generator.unwrap_or(MaskGenerator::Mgf1);
                if mask_hash != hash || mask != MaskGenerator::Mgf1 {
                    return Err(unsupported("PSS with another mask than MGF1 of its hash"));
                }
                let salt = parameters
                    .salt_length
                    .map(usize::try_from)
                    .transpose()
                    .map_err(|_| CryptoError::BadInput("the salt length is negative"))?;
                Encoding::Pss { salt }
            }
            Some(other) => {
                return Err(unsupported(&format!("RSA signatures with the padding {other}")));
            }
            None => return Err(unsupported("RSA signatures without a padding method")),
        };
        Ok(Self { hash, encoding })
    }

    /// Signs. The salt of PSS is as long as the hash, or as the key has room for, unless Salt Length
    /// says otherwise.
    pub(crate) fn sign(
        self,
        key: &PrivateKey,
        mut random: PortRandom,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let digest = self.digest(input)?;
        let random = &mut random;
        with_signature_hash!(self.hash, Hash => match self.encoding {
            Encoding::Pkcs1V15 => key.sign_with_rng(random, Pkcs1v15Sign::new::<Hash>(), &digest),
            Encoding::Pss { salt } => {
                let hash = <Hash as Digest>::output_size();
                let size = rsa::traits::PublicKeyParts::size(key);
                let room = size.saturating_sub(hash).saturating_sub(2);
                let salt = salt.unwrap_or_else(|| hash.min(room));
                if salt > size {
                    return Err(CryptoError::BadInput("the salt is too long for the key"));
                }
                key.sign_with_rng(random, Pss::<Hash>::new_with_salt(salt), &digest)
            }
        })
        .ok_or_else(|| unsupported_hash(self.hash))?
        .map_err(|error| failure(&error))
    }

    /// Says whether a signature is valid.
    pub(crate) fn verify(
        self,
        key: &PublicKey,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        let digest = self.digest(input)?;
        let verified = with_signature_hash!(self.hash, Hash => match self.encoding {
            Encoding::Pkcs1V15 => key.verify(Pkcs1v15Sign::new::<Hash>(), &digest, signature),
            Encoding::Pss { salt } => {
                let mut scheme = Pss::<Hash>::new();
                scheme.salt_len = salt;
                key.verify(scheme, &digest, signature)
            }
        })
        .ok_or_else(|| unsupported_hash(self.hash))?;
        Ok(verified.is_ok())
    }

    /// Hashes the message, or checks that what was hashed elsewhere is as long as the hash.
    fn digest(self, input: SignatureInput<'_>) -> Result<Vec<u8>, CryptoError> {
        with_signature_hash!(self.hash, Hash => match input {
            SignatureInput::Message(message) => Ok(Hash::digest(message).to_vec()),
            SignatureInput::Digest(digest) if digest.len() == <Hash as Digest>::output_size() => {
                Ok(digest.to_vec())
            }
            SignatureInput::Digest(_) => {
                Err(CryptoError::BadInput("the digest is not as long as the hash"))
            }
        })
        .ok_or_else(|| unsupported_hash(self.hash))?
    }
}
