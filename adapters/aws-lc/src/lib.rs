//! Cryptography by AWS-LC: one adapter for every port of `kmip_ports::crypto`, and the cipher
//! under which records rest.
//!
//! It never keeps a key: what it is given it uses and erases. Whatever may take long leaves the
//! caller's thread through `offload`. To offer one more digest, curve or key form, add a row to
//! the table of that capability and a vector to its tests.

use std::sync::Arc;

use kmip_ports::crypto::CryptoSuite;

mod at_rest;
mod cipher;
mod derive;
mod digest;
mod format;
mod generate;
mod key;
mod mac;
mod offload;
mod random;
mod sign;
#[cfg(test)]
mod testing;

pub use at_rest::AwsLcAtRest;
pub use cipher::AwsLcCiphers;
pub use derive::AwsLcDerivation;
pub use digest::AwsLcDigests;
pub use format::DerKeyFormats;
pub use generate::AwsLcKeyGeneration;
pub use mac::AwsLcMacs;
pub use random::AwsLcRandom;
pub use sign::AwsLcSignatures;

/// Returns every capability, over AWS-LC. Together they do as much slow work at a time as there are
/// cores.
#[must_use]
pub fn suite() -> CryptoSuite {
    let offload = offload::Offload::new();
    CryptoSuite {
        generate: Arc::new(AwsLcKeyGeneration::sharing(offload.clone())),
        cipher: Arc::new(AwsLcCiphers::sharing(offload.clone())),
        sign: Arc::new(AwsLcSignatures::sharing(offload.clone())),
        mac: Arc::new(AwsLcMacs),
        derive: Arc::new(AwsLcDerivation::sharing(offload)),
        digest: Arc::new(AwsLcDigests),
        format: Arc::new(DerKeyFormats),
        random: Arc::new(AwsLcRandom),
    }
}

/// Returns the cipher for records at rest, over AWS-LC.
#[must_use]
pub fn at_rest() -> AwsLcAtRest {
    AwsLcAtRest
}
