//! Cryptography by capability: one slot each, so that an adapter may fill one and leave the rest.

use std::sync::Arc;

use thiserror::Error;

mod cipher;
mod derive;
mod digest;
mod format;
mod generate;
mod mac;
mod random;
mod sign;

pub use cipher::{CipherInput, CipherOutput, Ciphers};
pub use derive::{Derivation, KeyDerivation};
pub use digest::Digests;
pub use format::{KeyDescription, KeyFormats};
pub use generate::{KeyGeneration, KeyPair, KeyPairSpecification};
pub use mac::Macs;
pub use random::Random;
pub use sign::{SignatureInput, Signatures};

/// What the caller of a cryptographic port can do about a failure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// This build does not offer that algorithm, length or mode.
    #[error("this build does not offer {0}")]
    Unsupported(String),
    /// The bytes are not a key of the kind they should be.
    #[error("the key cannot be read: {0}")]
    BadKey(&'static str),
    /// The key cannot take the form that was asked for.
    #[error("the key has no such form")]
    NoSuchForm,
    /// Data, IV, tag or signature parameters do not fit the algorithm.
    #[error("the input does not fit: {0}")]
    BadInput(&'static str),
    /// No tag of that length is made.
    #[error("the Tag Length is not one that the mode makes")]
    BadTagLength,
    /// More bytes are asked for than the method makes.
    #[error("the method makes fewer bytes than asked for")]
    TooLong,
    /// The computation failed.
    #[error("the cryptographic operation failed")]
    Failed,
}

/// Every capability.
#[derive(Clone)]
pub struct CryptoSuite {
    /// Makes key pairs.
    pub generate: Arc<dyn KeyGeneration>,
    /// Encrypts, decrypts, wraps.
    pub cipher: Arc<dyn Ciphers>,
    /// Signs and verifies.
    pub sign: Arc<dyn Signatures>,
    /// Makes and checks MACs.
    pub mac: Arc<dyn Macs>,
    /// Derives keys.
    pub derive: Arc<dyn KeyDerivation>,
    /// Hashes.
    pub digest: Arc<dyn Digests>,
    /// Converts keys from form to form.
    pub format: Arc<dyn KeyFormats>,
    /// Makes random bytes.
    pub random: Arc<dyn Random>,
}
