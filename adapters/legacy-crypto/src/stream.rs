//! Stream ciphers: RC4, and ChaCha20 (RFC 8439) without authentication.

use chacha20::{
    ChaCha20, ChaCha20Legacy, KeyIvInit,
    cipher::{KeyInit, StreamCipher, StreamCipherSeek},
};
use kmip_model::enumeration::CryptographicAlgorithm;
use kmip_ports::crypto::CryptoError;
use rc4::Rc4;

use crate::{block::apply, key::WRONG_LENGTH};

/// The bytes that one step of ChaCha20's counter makes.
const CHACHA20_BLOCK: u64 = 64;

/// The shortest RC4 key: 40 bits.
const SHORTEST_RC4_KEY: usize = 5;

/// A stream cipher. Encryption and decryption are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// RC4, from the beginning of its stream; it has no IV.
    Rc4,
    /// ChaCha20.
    ChaCha20,
}

impl Stream {
    /// Finds the cipher of an algorithm.
    pub(crate) const fn find(algorithm: CryptographicAlgorithm) -> Option<Self> {
        Some(match algorithm {
            CryptographicAlgorithm::Rc4 => Self::Rc4,
            CryptographicAlgorithm::ChaCha20 => Self::ChaCha20,
            _ => return None,
        })
    }

    /// Adds the stream to the data.
    ///
    /// ChaCha20 takes three forms of IV/Counter/Nonce: 8 bytes of nonce, as its inventor made it,
    /// with a counter of 64 bits; 12 bytes, as RFC 8439 has it, with a counter of 32 bits; 16
    /// bytes, in which the counter, least significant byte first, comes before those 12. The
    /// counter of the first two begins at Initial Counter Value.
    pub(crate) fn run(
        self,
        key: &[u8],
        iv: Option<&[u8]>,
        counter: u32,
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        match self {
            Self::Rc4 if key.len() < SHORTEST_RC4_KEY => Err(WRONG_LENGTH),
            Self::Rc4 => apply(Rc4::new_from_slice(key).map_err(|_| WRONG_LENGTH)?, data),
            Self::ChaCha20 => chacha20(key, iv.unwrap_or_default(), counter, data),
        }
    }
}

fn chacha20(key: &[u8], iv: &[u8], counter: u32, data: &mut [u8]) -> Result<(), CryptoError> {
    let key = key.try_into().map_err(|_| WRONG_LENGTH)?;
    if let Ok(nonce) = iv.try_into() {
        return from_counter(ChaCha20Legacy::new(key, nonce), counter, data);
    }
    let (counter, nonce) = match iv.split_first_chunk::<4>() {
        Some((first, nonce)) if iv.len() == 16 => (u32::from_le_bytes(*first), nonce),
        _ => (counter, iv),
    };
    let nonce = nonce
        .try_into()
        .map_err(|_| CryptoError::BadInput("ChaCha20 takes a nonce of 8, 12 or 16 bytes"))?;
    from_counter(ChaCha20::new(key, nonce), counter, data)
}

fn from_counter<S>(mut stream: S, counter: u32, data: &mut [u8]) -> Result<(), CryptoError>
where
    S: StreamCipher + StreamCipherSeek,
{
    let position = u64::from(counter).saturating_mul(CHACHA20_BLOCK);
    stream.try_seek(position).map_err(|_| CryptoError::Failed)?;
    apply(stream, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keystream(
        stream: Stream,
        key: &str,
        iv: Option<&str>,
        counter: u32,
        length: usize,
    ) -> Result<String, CryptoError> {
        let mut data = vec![0; length];
        let iv = iv.map(|iv| hex::decode(iv).unwrap());
        stream.run(&hex::decode(key).unwrap(), iv.as_deref(), counter, &mut data)?;
        Ok(hex::encode(data))
    }

    #[test]
    fn rc4_makes_the_streams_of_rfc_6229() {
        for (key, stream) in [
            ("0102030405", "b2396305f03dc027ccc3524a0a1118a8"),
            ("0102030405060708", "97ab8a1bf0afb96132f2f67258da15a8"),
            ("0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"),
            (
                "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
                "eaa6bd25880bf93d3f5d1e4ca2611d91",
            ),
        ] {
            assert_eq!(keystream(Stream::Rc4, key, None, 0, 16).unwrap(), stream);
        }
    }

    #[test]
    fn chacha20_makes_the_streams_of_rfc_8439() {
        // RFC 8439 appendix A.1, vectors 1 and 2, and §2.4.2.
        let zeros = "00".repeat(32);
        let nonce = "00".repeat(12);
        let first = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
                     da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586";
        let second = "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed\
                      29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f";
        let both = [first, second].concat();
        let stream = |iv: &str, counter, length| {
            keystream(Stream::ChaCha20, &zeros, Some(iv), counter, length).unwrap()
        };
        assert_eq!(stream(&nonce, 0, 128), both);
        assert_eq!(stream(&nonce, 1, 64), second);
        assert_eq!(stream(&format!("01000000{nonce}"), 9, 64), second);
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you o";
        let key: Vec<u8> = (0..32).collect();
        let nonce = hex::decode("000000000000004a00000000").unwrap();
        Stream::ChaCha20.run(&key, Some(&nonce), 1, &mut text).unwrap();
        assert_eq!(
            hex::encode(text),
            "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b\
             f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
        );
    }

    #[test]
    fn chacha20_makes_the_streams_of_the_official_cases() {
        // CS-BC-M-CHACHA20-1-21 to 3-21: a nonce of 8 bytes.
        for (key, nonce, stream) in [
            (
                "00".repeat(32),
                "0000000000000000",
                "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
                 da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
            ),
            (
                format!("{}01", "00".repeat(31)),
                "0000000000000000",
                "4540f05a9f1fb296d7736e7b208e3c96eb4fe1834688d2604f450952ed432d41\
                 bbe2a0b6ea7566d2a5d1e7e20d42af2c53d792b1c43fea817e9ad275ae546963",
            ),
            (
                "00".repeat(32),
                "0000000000000001",
                "de9cba7bf3d69ef5e786dc63973f653a0b49e015adbff7134fcb7df137821031\
                 e85a050278a7084527214f73efc7fa5b5277062eb7a0433e445f41e3",
            ),
        ] {
            let made = keystream(Stream::ChaCha20, &key, Some(nonce), 0, stream.len() / 2);
            assert_eq!(made.unwrap(), stream);
        }
    }

    #[test]
    fn keys_and_nonces_of_other_lengths_are_refused() {
        let zeros = "00".repeat(32);
        let refused = |stream, key: &str, iv| keystream(stream, key, iv, 0, 1).unwrap_err();
        assert_eq!(refused(Stream::Rc4, "01020304", None), WRONG_LENGTH);
        assert_eq!(refused(Stream::ChaCha20, &zeros[2..], Some(&zeros[..16])), WRONG_LENGTH);
        for iv in [None, Some(&zeros[..18])] {
            let error = refused(Stream::ChaCha20, &zeros, iv);
            assert!(matches!(error, CryptoError::BadInput(_)), "{iv:?}");
        }
    }

    #[test]
    fn the_counter_does_not_run_over() {
        let end =
            keystream(Stream::ChaCha20, &"00".repeat(32), Some(&"00".repeat(12)), u32::MAX, 129);
        assert!(matches!(end, Err(CryptoError::BadInput(_))));
    }
}
