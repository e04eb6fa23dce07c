//! Hashes: one table of them, and what is made of a hash whose name comes with the request.

use hmac::Hmac;
use kmip_model::enumeration::HashingAlgorithm;
use kmip_ports::crypto::{CryptoError, Digests};
use sha2::Digest;
use zeroize::Zeroizing;

mod hmac;

/// Does something with the type of a hash: `None` if the hash is not one of the list.
macro_rules! dispatch {
    ($algorithm:expr, $hash:ident => $body:expr, [$($name:ident = $type:ty),* $(,)?]) => {
        match $algorithm {
            $(kmip_model::enumeration::HashingAlgorithm::$name => {
                type $hash = $type;
                Some($body)
            })*
            _ => None,
        }
    };
}

/// Every hash there is here.
macro_rules! with_hash {
    ($algorithm:expr, $hash:ident => $body:expr) => {
        $crate::hash::dispatch!($algorithm, $hash => $body, [
            Md2 = md2::Md2,
            Md4 = md4::Md4,
            Md5 = md5::Md5,
            Sha1 = sha1::Sha1,
            Sha224 = sha2::Sha224,
            Sha256 = sha2::Sha256,
            Sha384 = sha2::Sha384,
            Sha512 = sha2::Sha512,
            Ripemd160 = ripemd::Ripemd160,
            Tiger = tiger::Tiger,
            Whirlpool = whirlpool::Whirlpool,
            Sha512224 = sha2::Sha512_224,
            Sha512256 = sha2::Sha512_256,
            Sha3224 = sha3::Sha3_224,
            Sha3256 = sha3::Sha3_256,
            Sha3384 = sha3::Sha3_384,
            Sha3512 = sha3::Sha3_512,
        ])
    };
}

/// The hashes of RSA signatures: those with an identifier for PKCS#1.
macro_rules! with_signature_hash {
    ($algorithm:expr, $hash:ident => $body:expr) => {
        $crate::hash::dispatch!($algorithm, $hash => $body, [
            Md2 = md2::Md2,
            Md4 = md4::Md4,
            Md5 = md5::Md5,
            Sha1 = sha1::Sha1,
            Sha224 = sha2::Sha224,
            Sha256 = sha2::Sha256,
            Sha384 = sha2::Sha384,
            Sha512 = sha2::Sha512,
            Ripemd160 = ripemd::Ripemd160,
            Sha512224 = sha2::Sha512_224,
            Sha512256 = sha2::Sha512_256,
            Sha3224 = sha3::Sha3_224,
            Sha3256 = sha3::Sha3_256,
            Sha3384 = sha3::Sha3_384,
            Sha3512 = sha3::Sha3_512,
        ])
    };
}

/// The hashes of OAEP: fewer, because every pair of them is code.
macro_rules! with_oaep_hash {
    ($algorithm:expr, $hash:ident => $body:expr) => {
        $crate::hash::dispatch!($algorithm, $hash => $body, [
            Md5 = md5::Md5,
            Sha1 = sha1::Sha1,
            Sha224 = sha2::Sha224,
            Sha256 = sha2::Sha256,
            Sha384 = sha2::Sha384,
            Sha512 = sha2::Sha512,
        ])
    };
}

pub(crate) use {dispatch, with_oaep_hash, with_signature_hash};

/// MD2 to SHA-3: every Hashing Algorithm of KMIP.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegacyDigests;

impl Digests for LegacyDigests {
    fn supports(&self, algorithm: HashingAlgorithm) -> bool {
        with_hash!(algorithm, Hash => size_of::<Hash>()).is_some()
    }

    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        with_hash!(algorithm, Hash => Hash::digest(data).to_vec())
            .ok_or_else(|| CryptoError::Unsupported(format!("digests by {algorithm}")))
    }
}

/// A pseudorandom function: an HMAC with its key. It takes its data in pieces.
pub(crate) type Prf = Box<dyn Fn(&[&[u8]]) -> Zeroizing<Vec<u8>> + Send>;

/// Puts a key into the HMAC of a hash.
pub(crate) fn hmac(algorithm: HashingAlgorithm, key: &[u8]) -> Result<Prf, CryptoError> {
    with_hash!(algorithm, Hash => {
        let keyed = Hmac::<Hash>::new(key);
        Box::new(move |pieces: &[&[u8]]| keyed.of(pieces)) as Prf
    })
    .ok_or_else(|| CryptoError::Unsupported(format!("HMAC with {algorithm}")))
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::Enumeration;

    use super::*;

    /// The hash of "abc": RFC 1319, RFC 1320, RFC 1321, FIPS 180-4 and FIPS 202 examples, the
    /// RIPEMD-160 paper (Dobbertin, Bosselaers, Preneel), the Tiger paper (Anderson, Biham) and
    /// the ISO vectors of Whirlpool (Barreto, Rijmen).
    const ABC: [(HashingAlgorithm, &str); 17] = [
        (HashingAlgorithm::Md2, "da853b0d3f88d99b30283a69e6ded6bb"),
        (HashingAlgorithm::Md4, "a448017aaf21d8525fc10ae87aa6729d"),
        (HashingAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
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
        (HashingAlgorithm::Ripemd160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        (HashingAlgorithm::Tiger, "2aab1484e8c158f2bfb8c5ff41b57a525129131c957b5f93"),
        (
            HashingAlgorithm::Whirlpool,
            "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c\
             7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5",
        ),
        (HashingAlgorithm::Sha512224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
        (
            HashingAlgorithm::Sha512256,
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        ),
        (HashingAlgorithm::Sha3224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
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
            assert!(LegacyDigests.supports(algorithm), "{algorithm}");
            let computed = LegacyDigests.digest(algorithm, b"abc").unwrap();
            assert_eq!(hex::encode(computed), hash, "{algorithm}");
        }
    }

    #[test]
    fn every_hash_of_kmip_is_there() {
        for member in HashingAlgorithm::MEMBERS {
            assert!(LegacyDigests.supports(HashingAlgorithm::from_value(member.value)));
        }
        let unknown = HashingAlgorithm(0x8000_0001);
        assert!(!LegacyDigests.supports(unknown));
        assert!(matches!(LegacyDigests.digest(unknown, b"abc"), Err(CryptoError::Unsupported(_))));
    }
}
