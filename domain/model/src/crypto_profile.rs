//! Symmetric algorithms: which lengths their keys have (KMIP 2.1 §4.15, 1.4 §3.5) and what a key
//! gets where the client is silent (2.1 §4, table 28).
//!
//! One row per algorithm. A key can be made and kept for each of them, whether or not this server
//! computes with it.

use crate::enumeration::{CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask};

/// What is true of the keys of one symmetric algorithm.
#[derive(Clone, Copy, Debug)]
pub struct SymmetricProfile {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Cryptographic Length, in bits, where the client gives none.
    pub default_length: i32,
    /// Cryptographic Usage Mask where the client gives none.
    pub default_mask: Mask,
    lengths: Lengths,
}

/// The lengths that keys may have, in bits.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    /// These.
    OneOf(&'static [i32]),
    /// Whole bytes from the first to the last.
    Bytes(i32, i32),
}

use Lengths::{Bytes, OneOf};

const CIPHER: Mask = Mask::ENCRYPT.union(Mask::DECRYPT);
const MAC: Mask = Mask::MAC_GENERATE.union(Mask::MAC_VERIFY);

/// The longest HMAC key that is made, in bits: several blocks of every hash.
const LONGEST_HMAC_KEY: i32 = 4_096;

const fn row(
    algorithm: Algorithm,
    default_length: i32,
    default_mask: Mask,
    lengths: Lengths,
) -> SymmetricProfile {
    SymmetricProfile { algorithm, default_length, default_mask, lengths }
}

const fn hmac(algorithm: Algorithm, default_length: i32) -> SymmetricProfile {
    row(algorithm, default_length, MAC, Bytes(8, LONGEST_HMAC_KEY))
}

const TABLE: &[SymmetricProfile] = &[
    row(Algorithm::Aes, 256, CIPHER, OneOf(&[128, 192, 256])),
    // 112 and 168 count the bits that matter; 64, 128 and 192 count the parity bits too.
    row(Algorithm::Des3, 168, CIPHER, OneOf(&[64, 112, 128, 168, 192])),
    row(Algorithm::Des, 56, CIPHER, OneOf(&[56, 64])),
    row(Algorithm::Aria, 256, CIPHER, OneOf(&[128, 192, 256])),
    row(Algorithm::Blowfish, 448, CIPHER, Bytes(32, 448)),
    row(Algorithm::Camellia, 256, CIPHER, OneOf(&[128, 192, 256])),
    row(Algorithm::Cast5, 128, CIPHER, Bytes(40, 128)),
    row(Algorithm::ChaCha20, 256, CIPHER, OneOf(&[256])),
    row(Algorithm::ChaCha20Poly1305, 256, CIPHER, OneOf(&[256])),
    row(Algorithm::Gost2814789, 256, CIPHER, OneOf(&[256])),
    row(Algorithm::Idea, 128, CIPHER, OneOf(&[128])),
    row(Algorithm::Mars, 256, CIPHER, Bytes(128, 448)),
    row(Algorithm::Poly1305, 256, MAC, OneOf(&[256])),
    row(Algorithm::Rc2, 128, CIPHER, Bytes(8, 1_024)),
    row(Algorithm::Rc4, 128, CIPHER, Bytes(40, 256)),
    row(Algorithm::Rc5, 128, CIPHER, Bytes(8, 2_040)),
    row(Algorithm::Seed, 128, CIPHER, OneOf(&[128])),
    row(Algorithm::Skipjack, 80, CIPHER, OneOf(&[80])),
    row(Algorithm::Sm4, 128, CIPHER, OneOf(&[128])),
    row(Algorithm::Twofish, 256, CIPHER, Bytes(8, 256)),
    hmac(Algorithm::HmacMd5, 128),
    hmac(Algorithm::HmacSha1, 160),
    hmac(Algorithm::HmacSha224, 224),
    hmac(Algorithm::HmacSha256, 256),
    hmac(Algorithm::HmacSha384, 384),
    hmac(Algorithm::HmacSha512, 512),
    hmac(Algorithm::HmacSha3224, 224),
    hmac(Algorithm::HmacSha3256, 256),
    hmac(Algorithm::HmacSha3384, 384),
    hmac(Algorithm::HmacSha3512, 512),
];

/// The shortest symmetric key that a quantum computer does not bring within reach, in bits.
const QUANTUM_SAFE_LENGTH: i32 = 256;

impl SymmetricProfile {
    /// Returns the row of an algorithm; `None` if it is not a symmetric one.
    #[must_use]
    pub fn of(algorithm: Algorithm) -> Option<&'static Self> {
        TABLE.iter().find(|profile| profile.algorithm == algorithm)
    }

    /// Says whether keys may have this length.
    #[must_use]
    pub fn accepts(&self, length: i32) -> bool {
        match self.lengths {
            OneOf(lengths) => lengths.contains(&length),
            Bytes(first, last) => (first..=last).contains(&length) && length & 7 == 0,
        }
    }

    /// Returns how many bytes a key of this length has; `None` if there is no such key.
    #[must_use]
    pub fn key_bytes(&self, length: i32) -> Option<usize> {
        if !self.accepts(length) {
            return None;
        }
        let with_parity = match (self.algorithm, length) {
            (Algorithm::Des, 56) => 64,
            (Algorithm::Des3, 112) => 128,
            (Algorithm::Des3, 168) => 192,
            _ => length,
        };
        usize::try_from(with_parity >> 3).ok()
    }

    /// Says whether a key of this length stays safe from quantum computers.
    //= KMIP-2.1 §4.45
    #[must_use]
    pub fn is_quantum_safe(&self, length: i32) -> bool {
        let broken_otherwise = matches!(self.algorithm, Algorithm::Rc2 | Algorithm::Rc4);
        length >= QUANTUM_SAFE_LENGTH && !broken_otherwise
    }
}

/// Returns the bytes of one block of a block cipher; `None` if the algorithm is no block cipher.
#[must_use]
pub const fn block_bytes(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::Aes
        | Algorithm::Aria
        | Algorithm::Camellia
        | Algorithm::Mars
        | Algorithm::Seed
        | Algorithm::Sm4
        | Algorithm::Twofish => Some(16),
        Algorithm::Blowfish
        | Algorithm::Cast5
        | Algorithm::Des
        | Algorithm::Des3
        | Algorithm::Gost2814789
        | Algorithm::Idea
        | Algorithm::Rc2
        | Algorithm::Rc5
        | Algorithm::Skipjack => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_ciphers_have_blocks_and_stream_ciphers_none() {
        for (algorithm, bytes) in [
            (Algorithm::Aes, Some(16)),
            (Algorithm::Des3, Some(8)),
            (Algorithm::Rc4, None),
            (Algorithm::ChaCha20, None),
            (Algorithm::Rsa, None),
        ] {
            assert_eq!(block_bytes(algorithm), bytes, "{algorithm}");
        }
    }

    #[test]
    fn every_default_is_a_length_that_is_accepted() {
        for profile in TABLE {
            assert!(profile.accepts(profile.default_length), "{}", profile.algorithm);
            assert_eq!(TABLE.iter().filter(|row| row.algorithm == profile.algorithm).count(), 1);
        }
    }

    #[test]
    fn lengths_become_bytes() {
        for (algorithm, length, bytes) in [
            (Algorithm::Aes, 128, Some(16)),
            (Algorithm::Aes, 256, Some(32)),
            (Algorithm::Aes, 56, None),
            (Algorithm::Des, 56, Some(8)),
            (Algorithm::Des3, 112, Some(16)),
            (Algorithm::Des3, 168, Some(24)),
            (Algorithm::Des3, 192, Some(24)),
            (Algorithm::Skipjack, 80, Some(10)),
            (Algorithm::Blowfish, 448, Some(56)),
            (Algorithm::Blowfish, 33, None),
            (Algorithm::HmacSha256, 0, None),
            (Algorithm::HmacSha256, 4_104, None),
            (Algorithm::HmacSha256, 512, Some(64)),
        ] {
            let profile = SymmetricProfile::of(algorithm).unwrap();
            assert_eq!(profile.key_bytes(length), bytes, "{algorithm} {length}");
        }
    }

    #[test]
    fn asymmetric_algorithms_have_no_row() {
        assert!(SymmetricProfile::of(Algorithm::Rsa).is_none());
        assert!(SymmetricProfile::of(Algorithm(0x8000_0001)).is_none());
    }

    #[test]
    fn only_long_keys_are_quantum_safe() {
        let aes = SymmetricProfile::of(Algorithm::Aes).unwrap();
        assert!(aes.is_quantum_safe(256));
        assert!(!aes.is_quantum_safe(128));
        assert!(!SymmetricProfile::of(Algorithm::Rc4).unwrap().is_quantum_safe(256));
    }
}
