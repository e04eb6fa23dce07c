//! RSA with keys of 2048 bits and more, as AWS-LC computes it and its safe interface does not offer:
//! OAEP with two hashes, and, if the operator wants old cryptography, signatures over weak hashes and
//! over digests whose hash has no name.
//!
//! It stands behind the adapter over the safe interface and is asked only for what that one does not
//! offer. `library.rs` is the one file of the workspace with `unsafe` code
//! (docs/adr/0024-what-only-the-bindings-have.md).

use kmip_model::enumeration::HashingAlgorithm;

mod cipher;
mod key;
mod library;
mod offload;
mod sign;
#[cfg(test)]
mod testing;

pub use cipher::RawCiphers;
pub use sign::RawSignatures;

use library::Hash;

/// Whether old cryptography is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    /// It is not.
    Refused,
    /// It is, because the operator said so.
    Offered,
}

/// Finds a hash of AWS-LC.
const fn hash(algorithm: HashingAlgorithm) -> Option<Hash> {
    match algorithm {
        HashingAlgorithm::Md5 => Some(Hash::Md5),
        HashingAlgorithm::Sha1 => Some(Hash::Sha1),
        HashingAlgorithm::Sha224 => Some(Hash::Sha224),
        HashingAlgorithm::Sha256 => Some(Hash::Sha256),
        HashingAlgorithm::Sha384 => Some(Hash::Sha384),
        HashingAlgorithm::Sha512 => Some(Hash::Sha512),
        _ => None,
    }
}
