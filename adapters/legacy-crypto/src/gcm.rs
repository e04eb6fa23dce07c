//! AES in Galois/Counter Mode (NIST SP 800-38D) with any IV and with tags of 12 to 16 bytes.
//!
//! The `aes-gcm` crate has the length of IV and tag in its types; here they come with the request.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{
        Array, BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCoreWrapper, consts::U16,
    },
};
use ctr::{CtrCore, flavors::Ctr32BE};
use ghash::{GHash, universal_hash::UniversalHash};
use kmip_ports::crypto::CryptoError;
use subtle::ConstantTimeEq;

use crate::{block::apply, key::WRONG_LENGTH};

/// The lengths of tags that are made and accepted, in bytes; shorter ones are easily forged.
pub(crate) const TAG_LENGTHS: std::ops::RangeInclusive<usize> = 12..=16;

type Bytes16 = Array<u8, U16>;

/// The stream that is added to the data.
type Stream<'a, C> = StreamCipherCoreWrapper<CtrCore<&'a C, Ctr32BE>>;

/// Encrypts in place and returns the whole tag.
pub(crate) fn seal(
    key: &[u8],
    iv: &[u8],
    additional_data: &[u8],
    data: &mut [u8],
) -> Result<Vec<u8>, CryptoError> {
    match key.len() {
        16 => Gcm::<Aes128>::new(key, iv)?.seal(additional_data, data),
        24 => Gcm::<Aes192>::new(key, iv)?.seal(additional_data, data),
        32 => Gcm::<Aes256>::new(key, iv)?.seal(additional_data, data),
        _ => Err(WRONG_LENGTH),
    }
}

/// Decrypts in place, if the tag, which may be cut, is right.
pub(crate) fn open(
    key: &[u8],
    iv: &[u8],
    additional_data: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Result<(), CryptoError> {
    match key.len() {
        16 => Gcm::<Aes128>::new(key, iv)?.open(additional_data, data, tag),
        24 => Gcm::<Aes192>::new(key, iv)?.open(additional_data, data, tag),
        32 => Gcm::<Aes256>::new(key, iv)?.open(additional_data, data, tag),
        _ => Err(WRONG_LENGTH),
    }
}

/// The parts of a computation that key and IV decide.
struct Gcm<C> {
    cipher: C,
    hash: GHash,
    /// The first counter block, "J0".
    first: Bytes16,
}

impl<C: KeyInit + BlockCipherEncrypt<BlockSize = U16>> Gcm<C> {
    fn new(key: &[u8], iv: &[u8]) -> Result<Self, CryptoError> {
        if iv.is_empty() {
            return Err(CryptoError::BadInput("the IV is empty"));
        }
        let cipher = C::new_from_slice(key).map_err(|_| WRONG_LENGTH)?;
        let mut hash_key = Bytes16::default();
        cipher.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        let first = if iv.len() == 12 {
            let mut first = Bytes16::default();
            for (place, byte) in first.iter_mut().zip(iv.iter().chain(&[0, 0, 0, 1])) {
                *place = *byte;
            }
            first
        } else {
            let mut hash = hash.clone();
            hash.update_padded(iv);
            hash.update(&[lengths(0, iv.len())]);
            hash.finalize()
        };
        Ok(Self { cipher, hash, first })
    }

    fn seal(self, additional_data: &[u8], data: &mut [u8]) -> Result<Vec<u8>, CryptoError> {
        let (mask, stream) = self.stream()?;
        apply(stream, data)?;
        Ok(self.tag(mask, additional_data, data).to_vec())
    }

    fn open(self, additional_data: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), CryptoError> {
        let (mask, stream) = self.stream()?;
        let right = self.tag(mask, additional_data, data);
        let right = right.get(..tag.len()).filter(|right| !right.is_empty());
        if !right.is_some_and(|right| bool::from(right.ct_eq(tag))) {
            return Err(CryptoError::Failed);
        }
        apply(stream, data)
    }

    /// Returns what hides the tag, and the stream behind it, which hides the data.
    fn stream(&self) -> Result<(Bytes16, Stream<'_, C>), CryptoError> {
        let core = CtrCore::<_, Ctr32BE>::inner_iv_init(&self.cipher, &self.first);
        let mut stream = StreamCipherCoreWrapper::from_core(core);
        let mut mask = Bytes16::default();
        apply(&mut stream, &mut mask)?;
        Ok((mask, stream))
    }

    fn tag(&self, mask: Bytes16, additional_data: &[u8], ciphertext: &[u8]) -> Bytes16 {
        let mut hash = self.hash.clone();
        hash.update_padded(additional_data);
        hash.update_padded(ciphertext);
        hash.update(&[lengths(additional_data.len(), ciphertext.len())]);
        let mut tag = hash.finalize();
        for (byte, other) in tag.iter_mut().zip(mask) {
            *byte ^= other;
        }
        tag
    }
}

/// Writes two lengths, in bits, into the last block that is hashed.
fn lengths(first: usize, second: usize) -> Bytes16 {
    let bits = |length: usize| u128::try_from(length).unwrap_or(u128::MAX) << 3;
    Bytes16::from(((bits(first) << 64) | bits(second)).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, IV, additional data, plaintext, ciphertext, tag: test cases 2, 4, 5, 6, 8, 12 and 18 of
    /// "The Galois/Counter Mode of Operation (GCM)" (McGrew, Viega, 2005), appendix B.
    const CASES: [[&str; 6]; 7] = [
        [
            "00000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "0388dace60b6a392f328c2b971b2fe78",
            "ab6e47d42cec13bdf53a67b21257bddf",
        ],
        [
            KEY_128,
            "cafebabefacedbaddecaf888",
            AAD,
            PLAIN,
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
            "5bc94fbc3221a5db94fae95ae7121a47",
        ],
        [
            KEY_128,
            "cafebabefacedbad",
            AAD,
            PLAIN,
            "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423\
             73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
            "3612d2e79e3b0785561be14aaca2fccb",
        ],
        [
            KEY_128,
            IV_60,
            AAD,
            PLAIN,
            "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7\
             01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5",
            "619cc5aefffe0bfa462af43c1699d050",
        ],
        [
            "000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "98e7247c07f0fe411c267e4384b0f600",
            "2ff58d80033927ab8ef4d4587514f0fb",
        ],
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c",
            IV_60,
            AAD,
            PLAIN,
            "d27e88681ce3243c4830165a8fdcf9ff1de9a1d8e6b447ef6ef7b79828666e45\
             81e79012af34ddd9e2f037589b292db3e67c036745fa22e7e9b7373b",
            "dcf566ff291c25bbb8568fc3d376a6d9",
        ],
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            IV_60,
            AAD,
            PLAIN,
            "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf4\
             0fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3f",
            "a44a8266ee1c8eb0c8b5d4cf5ae9f19a",
        ],
    ];

    const KEY_128: &str = "feffe9928665731c6d6a8f9467308308";
    const AAD: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    const IV_60: &str = "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728\
                         c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b";
    const PLAIN: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

    #[test]
    fn the_published_cases_come_out_both_ways() {
        for case in CASES {
            let [key, iv, aad, plain, cipher, tag] = case.map(|text| hex::decode(text).unwrap());
            let mut data = plain.clone();
            assert_eq!(seal(&key, &iv, &aad, &mut data).as_ref(), Ok(&tag), "{case:?}");
            assert_eq!(data, cipher);
            for length in TAG_LENGTHS {
                let mut data = cipher.clone();
                assert_eq!(open(&key, &iv, &aad, &mut data, &tag[..length]), Ok(()));
                assert_eq!(data, plain);
            }
        }
    }

    #[test]
    fn a_wrong_tag_leaves_the_data_encrypted() {
        let mut data = vec![1; 20];
        let mut tag = seal(&[2; 16], &[3; 7], b"", &mut data).unwrap();
        let encrypted = data.clone();
        assert_eq!(open(&[2; 16], &[3; 7], b"x", &mut data, &tag), Err(CryptoError::Failed));
        assert_eq!(open(&[2; 16], &[3; 7], b"", &mut data, &[]), Err(CryptoError::Failed));
        tag[15] ^= 1;
        assert_eq!(open(&[2; 16], &[3; 7], b"", &mut data, &tag), Err(CryptoError::Failed));
        assert_eq!(data, encrypted);
        tag.push(0);
        assert_eq!(open(&[2; 16], &[3; 7], b"", &mut data, &tag), Err(CryptoError::Failed));
    }

    #[test]
    fn an_empty_iv_and_a_wrong_key_are_refused() {
        assert!(matches!(seal(&[2; 16], &[], b"", &mut []), Err(CryptoError::BadInput(_))));
        assert!(matches!(seal(&[2; 17], &[3; 12], b"", &mut []), Err(CryptoError::BadKey(_))));
    }
}
