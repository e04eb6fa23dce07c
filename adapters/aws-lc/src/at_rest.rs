//! The cipher under which records rest: AES-256-GCM with a key of its own for every sealing.
//!
//! Sealed bytes are salt (32 bytes), nonce (12 bytes), ciphertext, tag (16 bytes). The key is derived
//! from the data key by HKDF-SHA-256 (RFC 5869) with that salt, from the context and from a hash of
//! what is bound. It seals once, so no nonce is ever used twice under one key; and a random source
//! that repeated itself would repeat a key only for the same place of the same record.
//!
//! The first layout had no salt, and one key for each context; it is still read. Layouts and labels
//! are frozen: a change would leave every earlier record closed.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
    error::Unspecified,
    hkdf, hmac, rand,
};
use kmip_model::Material;
use kmip_ports::{record::AtRestCipher, store::StoreError};
use zeroize::Zeroizing;

const SEAL_LABEL: &[u8] = b"kmip-app seal v2";
const FIRST_SEAL_LABEL: &[u8] = b"kmip-app seal v1";
const TERM_LABEL: &[u8] = b"kmip-app term v1";
const KEY_LENGTH: usize = 32;
const TAG_LENGTH: usize = 16;
const SALT_LENGTH: usize = 32;

/// AES-256-GCM, HKDF, HMAC and SHA-256 of AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcAtRest;

impl AtRestCipher for AwsLcAtRest {
    fn generate(&self) -> Result<Material, StoreError> {
        let mut key = Zeroizing::new(vec![0; KEY_LENGTH]);
        rand::fill(&mut key).map_err(|_| StoreError::Unavailable)?;
        Ok(Material::new(core::mem::take(&mut *key)))
    }

    fn seal(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let (mut salt, mut nonce) = ([0; SALT_LENGTH], [0; NONCE_LEN]);
        rand::fill(&mut salt)
            .and_then(|()| rand::fill(&mut nonce))
            .and_then(|()| {
                let key = derive_once(data_key.expose(), &salt, context, associated);
                seal_with(&key, &salt, nonce, associated, plain)
            })
            .map_err(|_| StoreError::Unavailable)
    }

    fn open(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Material> {
        let salted = sealed.split_at_checked(SALT_LENGTH).and_then(|(salt, rest)| {
            let key = derive_once(data_key.expose(), salt, context, associated);
            open_with(&key, associated, rest)
        });
        salted.or_else(|| {
            let key = derive_key(data_key.expose(), FIRST_SEAL_LABEL, context);
            open_with(&key, associated, sealed)
        })
    }

    fn keyed_hash(&self, data_key: &Material, context: &[u8], data: &[u8]) -> [u8; 32] {
        let key = derive_key(data_key.expose(), TERM_LABEL, context);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        thirty_two(hmac::sign(&key, data).as_ref())
    }

    fn hash(&self, data: &[u8]) -> [u8; 32] {
        thirty_two(digest::digest(&digest::SHA256, data).as_ref())
    }
}

/// Derives the key for one purpose and context. The labels are of one length, so that no label
/// and context read like another label and context.
fn derive_key(data_key: &[u8], label: &[u8], context: &[u8]) -> Zeroizing<[u8; KEY_LENGTH]> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    derive(&[], data_key, &[label, context], &mut *key)
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    key
}

/// Derives the key of one sealing. What is bound comes as a hash, which has always one length, so
/// that the context after it can be of any.
fn derive_once(
    data_key: &[u8],
    salt: &[u8],
    context: &[u8],
    associated: &[u8],
) -> Zeroizing<[u8; KEY_LENGTH]> {
    let bound = digest::digest(&digest::SHA256, associated);
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    derive(salt, data_key, &[SEAL_LABEL, bound.as_ref(), context], &mut *key)
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    key
}

/// Fills `output` by HKDF-SHA-256.
fn derive(
    salt: &[u8],
    secret: &[u8],
    information: &[&[u8]],
    output: &mut [u8],
) -> Result<(), Unspecified> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(information, Length(output.len()))?
        .fill(output)
}

/// Seals with this key and nonce, after the salt; never call it twice with both.
fn seal_with(
    key: &[u8; KEY_LENGTH],
    salt: &[u8],
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?);
    // Full size from the start: a vector that grows would leave plaintext behind.
    let head = salt.len().saturating_add(NONCE_LEN);
    let size = head.saturating_add(plain.len()).saturating_add(TAG_LENGTH);
    let mut sealed = Zeroizing::new(Vec::with_capacity(size));
    sealed.extend_from_slice(salt);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let (_, body) = sealed.split_at_mut(head);
    let tag = key.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(associated),
        body,
    )?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(core::mem::take(&mut *sealed))
}

/// Opens what `seal_with` made under this key.
fn open_with(key: &[u8; KEY_LENGTH], associated: &[u8], sealed: &[u8]) -> Option<Material> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(body.to_vec());
    let length = key.open_in_place(nonce, Aad::from(associated), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(Material::new(core::mem::take(&mut *plain)))
}

fn thirty_two(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_key() -> Material {
        Material::new(vec![7; 32])
    }

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    fn open(context: &[u8], associated: &[u8], sealed: &[u8]) -> Option<Material> {
        AwsLcAtRest.open(&data_key(), context, associated, sealed)
    }

    #[test]
    fn derivation_agrees_with_rfc_5869() {
        // Test case 1.
        let mut output = [0; 42];
        let (salt, information) =
            (bytes("000102030405060708090a0b0c"), bytes("f0f1f2f3f4f5f6f7f8f9"));
        derive(&salt, &[0x0b; 22], &[&information], &mut output).unwrap();
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf\
                        34007208d5b887185865";
        assert_eq!(hex::encode(output), expected);
        // Test case 3: neither salt nor information.
        derive(&[], &[0x0b; 22], &[], &mut output).unwrap();
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d\
                        9d201395faa4b61a96c8";
        assert_eq!(hex::encode(output), expected);
    }

    #[test]
    fn a_long_context_counts_to_its_last_byte() {
        let mut long = vec![1; 5000];
        let first = derive_key(&[7; 32], FIRST_SEAL_LABEL, &long);
        *long.last_mut().unwrap() = 2;
        assert_ne!(first, derive_key(&[7; 32], FIRST_SEAL_LABEL, &long));
    }

    #[test]
    fn sealing_agrees_with_the_gcm_specification() {
        // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 14 and 16.
        let sealed = seal_with(&[0; 32], &[], [0; 12], &[], &[0; 16]).unwrap();
        let expected = "000000000000000000000000\
                        cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919";
        assert_eq!(hex::encode(sealed), expected);

        let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let key: [u8; 32] = key.try_into().unwrap();
        let nonce: [u8; 12] = bytes("cafebabefacedbaddecaf888").try_into().unwrap();
        let associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let sealed = seal_with(&key, &[], nonce, &associated, &plain).unwrap();
        let expected = "cafebabefacedbaddecaf888\
                        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                        8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
                        76fc6ece0f4e1768cddf8853bb2d551b";
        assert_eq!(hex::encode(&sealed), expected);
        assert_eq!(open_with(&key, &associated, &sealed), Some(Material::new(plain)));
    }

    #[test]
    fn what_was_sealed_before_still_opens() {
        // Sealed by an independent program (pyca/cryptography) from the description above.
        let sealed = bytes(
            "000102030405060708090a0bfb85faf8f97c0c1c\
             ce01d0a10bd0cfad94da2deb16b508f83c",
        );
        let opened = open(b"record 1", b"beside", &sealed).unwrap();
        assert_eq!(opened.expose(), b"plaintext");
        // The same in the layout with a salt.
        let sealed = bytes(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
             000102030405060708090a0b\
             0c360c1ccfb2c334ce7c0db88cb8c52d2dae13117c9e9d4fba",
        );
        let opened = open(b"record 1", b"beside", &sealed).unwrap();
        assert_eq!(opened.expose(), b"plaintext");
    }

    #[test]
    fn every_sealing_has_a_key_of_its_own() {
        let key = |salt: &[u8], associated: &[u8]| derive_once(&[7; 32], salt, b"c", associated);
        let first = key(&[1; 32], b"revision 1");
        assert_ne!(first, key(&[2; 32], b"revision 1"));
        // Also if the random source repeats itself.
        assert_ne!(first, key(&[1; 32], b"revision 2"));
        let seal = || AwsLcAtRest.seal(&data_key(), b"c", b"a", b"plain").unwrap();
        assert_ne!(seal()[..SALT_LENGTH], seal()[..SALT_LENGTH]);
    }

    #[test]
    fn sealed_bytes_open_again() {
        for plain in [&b""[..], b"x", &[9; 4096]] {
            let sealed = AwsLcAtRest.seal(&data_key(), b"c", b"a", plain).unwrap();
            assert_eq!(sealed.len(), 32 + 12 + plain.len() + 16);
            assert_eq!(open(b"c", b"a", &sealed).unwrap().expose(), plain);
        }
    }

    #[test]
    fn another_key_context_or_associated_data_opens_nothing() {
        let sealed = AwsLcAtRest.seal(&data_key(), b"c", b"a", b"plain").unwrap();
        assert!(open(b"c", b"a", &sealed).is_some());
        assert!(open(b"d", b"a", &sealed).is_none());
        assert!(open(b"", b"a", &sealed).is_none());
        assert!(open(b"c", b"b", &sealed).is_none());
        assert!(open(b"c", b"", &sealed).is_none());
        let other = Material::new(vec![8; 32]);
        assert!(AwsLcAtRest.open(&other, b"c", b"a", &sealed).is_none());
    }

    #[test]
    fn any_changed_or_missing_byte_opens_nothing() {
        let sealed = AwsLcAtRest.seal(&data_key(), b"c", b"a", b"plain").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(open(b"c", b"a", &changed).is_none(), "byte {position} changed");
            assert!(open(b"c", b"a", &sealed[..position]).is_none(), "cut at {position}");
        }
        let longer = [&sealed[..], &[0]].concat();
        assert!(open(b"c", b"a", &longer).is_none());
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let seal = || AwsLcAtRest.seal(&data_key(), b"c", b"a", b"plain").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn keyed_hashes_depend_on_key_context_and_data() {
        let hash = AwsLcAtRest.keyed_hash(&data_key(), b"c", b"data");
        assert_eq!(hash, AwsLcAtRest.keyed_hash(&data_key(), b"c", b"data"));
        assert_ne!(hash, AwsLcAtRest.keyed_hash(&Material::new(vec![8; 32]), b"c", b"data"));
        assert_ne!(hash, AwsLcAtRest.keyed_hash(&data_key(), b"d", b"data"));
        assert_ne!(hash, AwsLcAtRest.keyed_hash(&data_key(), b"c", b"date"));
        // Computed by an independent program (pyca/cryptography) from the description above.
        assert_eq!(
            hex::encode(hash),
            "6a2583998cf7451d1eb8d628e398bb9240e67940af62cb9fcac85d78c05cc7a5"
        );
    }

    #[test]
    fn hashing_is_sha_256() {
        assert_eq!(
            hex::encode(AwsLcAtRest.hash(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn data_keys_are_fresh_and_of_32_bytes() {
        let key = AwsLcAtRest.generate().unwrap();
        assert_eq!(key.len(), 32);
        assert_ne!(key, AwsLcAtRest.generate().unwrap());
    }
}
