//! Signatures of certificates and revocation lists that are known to be good (RFC 5280 §6.1.3, §6.3.3).
//!
//! With each new connection webpki verifies the signature of the client's certificate, of its issuers
//! and of every revocation list that concerns them. Those of a client that comes back are the same
//! octets, and whether a signature fits octets and a key never changes. So one that has fitted is
//! remembered, by a hash over algorithm, key, octets and signature. Everything else is judged each time:
//! dates, purposes, names, revocation, and the proof that the client has the key.
//!
//! Only who holds an authority's signature can add to what is remembered: webpki verifies a chain from
//! its authority downwards, and one that does not fit is not remembered.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::{
    AlgorithmIdentifier, FipsStatus, InvalidSignature, SignatureVerificationAlgorithm,
};

/// How many signatures of each algorithm are remembered; 32 octets each. With more, all begins anew.
const MOST: usize = 8192;

/// The algorithms of the library, each with a memory of its own.
static REMEMBERING: LazyLock<Vec<Remembering>> = LazyLock::new(|| {
    let algorithms = default_provider().signature_verification_algorithms.all;
    algorithms.iter().map(|algorithm| Remembering::new(*algorithm)).collect()
});

/// The same, as webpki takes them.
static ALGORITHMS: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> =
    LazyLock::new(|| REMEMBERING.iter().map(|algorithm| algorithm as _).collect());

/// Returns the algorithms by which chains and revocation lists are verified.
pub(crate) fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    &ALGORITHMS
}

/// A hash of everything that a verdict depends on.
type Mark = [u8; 32];

/// An algorithm that remembers what it has found to be good.
#[derive(Debug)]
struct Remembering {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    good: Mutex<HashSet<Mark>>,
}

impl Remembering {
    fn new(algorithm: &'static dyn SignatureVerificationAlgorithm) -> Self {
        Self { algorithm, good: Mutex::default() }
    }

    fn is_known(&self, mark: &Mark) -> bool {
        self.good.lock().unwrap_or_else(PoisonError::into_inner).contains(mark)
    }

    fn remember(&self, mark: Mark) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST {
            good.clear();
        }
        good.insert(mark);
    }
}

/// Hashes parts, each with its length, so that none can be taken for a piece of another.
fn mark(parts: [&[u8]; 3]) -> Option<Mark> {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().ok()
}

impl SignatureVerificationAlgorithm for Remembering {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mark = mark([public_key, message, signature]);
        if mark.is_some_and(|mark| self.is_known(&mark)) {
            return Ok(());
        }
        self.algorithm.verify_signature(public_key, message, signature)?;
        if let Some(mark) = mark {
            self.remember(mark);
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips_status(&self) -> FipsStatus {
        self.algorithm.fips_status()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustls_pki_types::alg_id;

    use super::*;

    /// Finds a signature good if its first octet is the message's; counts how often it is asked.
    #[derive(Debug)]
    struct Counting(AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            _: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if message.first() == signature.first() { Ok(()) } else { Err(InvalidSignature) }
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P256
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA256
        }
    }

    #[test]
    fn what_was_good_is_not_verified_again_and_what_was_not_is() {
        static COUNTING: Counting = Counting(AtomicUsize::new(0));
        let remembering = Remembering::new(&COUNTING);
        let mut asked = 0;
        for (key, message, signature, good, again) in [
            (b"key", b"aa", b"a1", true, true),
            (b"key", b"aa", b"a1", true, false),
            // Another signature, message or key is another question.
            (b"key", b"aa", b"a2", true, true),
            (b"key", b"ab", b"a1", true, true),
            (b"yek", b"aa", b"a1", true, true),
            (b"key", b"aa", b"b1", false, true),
            (b"key", b"aa", b"b1", false, true),
            (b"yek", b"aa", b"a1", true, false),
        ] {
            assert_eq!(remembering.verify_signature(key, message, signature).is_ok(), good);
            asked += usize::from(again);
            assert_eq!(COUNTING.0.load(Ordering::Relaxed), asked);
        }
    }

    #[test]
    fn parts_are_not_taken_for_pieces_of_others() {
        assert_ne!(mark([b"ab", b"c", b""]), mark([b"a", b"bc", b""]));
        assert_ne!(mark([b"ab", b"", b"c"]), mark([b"ab", b"c", b""]));
    }

    #[test]
    fn memory_is_bounded() {
        static COUNTING: Counting = Counting(AtomicUsize::new(0));
        let remembering = Remembering::new(&COUNTING);
        for number in 0..=MOST {
            let message = [b"m".as_slice(), &number.to_be_bytes()].concat();
            assert!(remembering.verify_signature(b"key", &message, b"m").is_ok());
        }
        assert_eq!(remembering.good.lock().unwrap().len(), 1);
    }

    #[test]
    fn every_algorithm_of_the_library_is_there() {
        let library = default_provider().signature_verification_algorithms.all;
        let identifiers = |algorithms: &[&'static dyn SignatureVerificationAlgorithm]| {
            let of_one = |algorithm: &&'static dyn SignatureVerificationAlgorithm| {
                (algorithm.public_key_alg_id(), algorithm.signature_alg_id())
            };
            algorithms.iter().map(of_one).collect::<Vec<_>>()
        };
        assert_eq!(identifiers(algorithms()), identifiers(library));
        assert!(!library.is_empty());
    }
}
