//! Old cryptography by RustCrypto: what AWS-LC does not offer and old clients ask for.
//!
//! One adapter for every port of `kmip_ports::crypto` that computes. It is meant to stand behind
//! another provider and to be asked only for what that one does not offer; operators turn it on
//! with `crypto.legacy`. To offer one more algorithm, add a row to the table of its kind
//! (`block.rs`, `hash.rs`) and a vector to its tests.
//!
//! Private keys of RSA with 2048 bits and more are refused here: AWS-LC computes with them in constant
//! time, and what it refuses stays refused.

use std::sync::Arc;

use kmip_ports::crypto::{CryptoSuite, KeyFormats, Random};

mod agreement;
mod block;
mod cipher;
mod derive;
mod gcm;
mod generate;
mod hash;
mod key;
mod key_wrap;
mod mac;
mod offload;
mod padding;
mod rsa;
mod sign;
mod stream;
#[cfg(test)]
mod testing;

pub use cipher::LegacyCiphers;
pub use derive::LegacyDerivation;
pub use generate::LegacyKeyGeneration;
pub use hash::LegacyDigests;
pub use mac::LegacyMacs;
pub use sign::LegacySignatures;

/// Returns every capability: key forms and randomness are those of the other provider.
#[must_use]
pub fn suite(format: Arc<dyn KeyFormats>, random: Arc<dyn Random>) -> CryptoSuite {
    CryptoSuite {
        generate: Arc::new(LegacyKeyGeneration::new(Arc::clone(&random))),
        cipher: Arc::new(LegacyCiphers::new(Arc::clone(&format), Arc::clone(&random))),
        sign: Arc::new(LegacySignatures::new(Arc::clone(&format), Arc::clone(&random))),
        mac: Arc::new(LegacyMacs),
        derive: Arc::new(LegacyDerivation::new(Arc::clone(&format))),
        digest: Arc::new(LegacyDigests),
        format,
        random,
    }
}
