//! Cryptography by capability: one slot each, so that an adapter may fill one and leave the rest.

use std::sync::Arc;

use thiserror::Error;

mod digest;
mod format;
mod generate;
mod random;

pub use digest::Digests;
pub use format::{KeyDescription, KeyFormats};
pub use generate::{KeyGeneration, KeyPair, KeyPairSpecification};
pub use random::Random;

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
    /// The computation failed.
    #[error("the cryptographic operation failed")]
    Failed,
}

/// Every capability.
#[derive(Clone)]
pub struct CryptoSuite {
    /// Makes key pairs.
    pub generate: Arc<dyn KeyGeneration>,
    /// Hashes.
    pub digest: Arc<dyn Digests>,
    /// Converts keys from form to form.
    pub format: Arc<dyn KeyFormats>,
    /// Makes random bytes.
    pub random: Arc<dyn Random>,
}
