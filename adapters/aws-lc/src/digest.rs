//! Hashes: the SHA families of AWS-LC.

use aws_lc_rs::digest::{self, Algorithm};
use kmip_model::enumeration::HashingAlgorithm;
use kmip_ports::crypto::{CryptoError, Digests};

/// SHA-1, SHA-2 and SHA-3. Deliberately absent: MD2 to MD5 and the other old hashes, SHA-512/224
/// and SHA3-224, which the library's safe interface does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcDigests;

impl Digests for AwsLcDigests {
    fn supports(&self, algorithm: HashingAlgorithm) -> bool {
        find(algorithm).is_some()
    }

    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let found = find(algorithm)
            .ok_or_else(|| CryptoError::Unsupported(format!("digests by {algorithm}")))?;
        Ok(digest::digest(found, data).as_ref().to_vec())
    }
}

/// Finds the library's algorithm.
pub(crate) fn find(algorithm: HashingAlgorithm) -> Option<&'static Algorithm> {
    Some(match algorithm {
        HashingAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        HashingAlgorithm::Sha224 => &digest::SHA224,
        HashingAlgorithm::Sha256 => &digest::SHA256,
        HashingAlgorithm::Sha384 => &digest::SHA384,
        HashingAlgorithm::Sha512 => &digest::SHA512,
        HashingAlgorithm::Sha512256 => &digest::SHA512_256,
        HashingAlgorithm::Sha3256 => &digest::SHA3_256,
        HashingAlgorithm::Sha3384 => &digest::SHA3_384,
        HashingAlgorithm::Sha3512 => &digest::SHA3_512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::Enumeration;

    use super::*;

    /// FIPS 180-4 and FIPS 202 examples: the hash of "abc".
    const ABC: [(HashingAlgorithm, &str); 9] = [
        (HashingAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashingAlgorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (
            HashingAlgorithm::Sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            HashingAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            HashingAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            HashingAlgorithm::Sha512256,
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        ),
        (
            HashingAlgorithm::Sha3256,
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        ),
        (
            HashingAlgorithm::Sha3384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2\
             98d88cea927ac7f539f1edf228376d25",
        ),
        (
            HashingAlgorithm::Sha3512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
             10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
    ];

    #[test]
    fn the_published_hashes_come_out() {
        for (algorithm, hash) in ABC {
            let computed = AwsLcDigests.digest(algorithm, b"abc").unwrap();
            assert_eq!(hex::encode(computed), hash, "{algorithm}");
        }
    }

    #[test]
    fn sha_256_is_offered() {
        assert!(AwsLcDigests.supports(HashingAlgorithm::Sha256));
    }

    #[test]
    fn supports_says_what_digest_does() {
        for member in HashingAlgorithm::MEMBERS {
            let algorithm = HashingAlgorithm::from_value(member.value);
            let offered = AwsLcDigests.supports(algorithm);
            let done = AwsLcDigests.digest(algorithm, b"abc");
            assert_eq!(offered, ABC.iter().any(|(known, _)| *known == algorithm), "{algorithm}");
            assert_eq!(offered, done.is_ok(), "{algorithm}");
        }
    }

    #[test]
    fn an_old_hash_is_refused_by_name() {
        let refusal = AwsLcDigests.digest(HashingAlgorithm::Md5, b"abc");
        assert_eq!(refusal, Err(CryptoError::Unsupported("digests by MD5".to_owned())));
    }
}
