//! The promises of [`Ciphers`], with AES: every adapter that has it must keep them.

use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm, ObjectType, PaddingMethod},
    object::{KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, Ciphers, CryptoError};

use crate::key_in_use;

const KEY: [u8; 16] = [1; 16];
static DATA: [u8; 100] = [7; 100];
const NONCE: [u8; 12] = [3; 12];

/// Checks every promise.
pub async fn every_promise(ciphers: &dyn Ciphers) {
    what_is_encrypted_opens_with_the_same_key(ciphers).await;
    data_without_padding_is_whole_blocks(ciphers).await;
    a_tag_has_the_length_that_was_asked_for(ciphers).await;
    what_was_changed_fails_and_says_no_more(ciphers).await;
    a_tag_must_be_there(ciphers).await;
    what_is_not_offered_is_unsupported(ciphers).await;
}

/// Data comes back under the same key, and under no other.
pub async fn what_is_encrypted_opens_with_the_same_key(ciphers: &dyn Ciphers) {
    for (mode, iv) in [
        (BlockCipherMode::Ecb, &[][..]),
        (BlockCipherMode::Cbc, &[3; 16]),
        (BlockCipherMode::Ctr, &[3; 16]),
        (BlockCipherMode::Gcm, &NONCE),
    ] {
        let parameters = parameters(mode, Some(PaddingMethod::Pkcs5));
        assert!(ciphers.supports(&parameters), "{mode}");
        for length in [0, 1, 15, 16, 100] {
            let plain = first(length);
            let sealed = ciphers.encrypt(&protection(KEY), &parameters, input(plain, iv)).await;
            let sealed = sealed.expect("AES is offered");
            assert_eq!(sealed.tag.is_some(), mode == BlockCipherMode::Gcm, "{mode}");
            let opening = CipherInput { tag: sealed.tag.as_deref(), ..input(&sealed.data, iv) };
            let opened = ciphers.decrypt(&processing(KEY), &parameters, opening).await;
            assert_eq!(opened, Ok(Material::from(plain)), "{mode} {length}");
            if length == 100 {
                let other = ciphers.decrypt(&processing([2; 16]), &parameters, opening).await;
                assert_ne!(other, Ok(Material::from(plain)), "{mode}");
            }
        }
    }
}

/// A Padding Method that is absent is None.
pub async fn data_without_padding_is_whole_blocks(ciphers: &dyn Ciphers) {
    let parameters = parameters(BlockCipherMode::Cbc, None);
    for (length, fits) in [(15, false), (16, true), (17, false), (32, true)] {
        let input = input(first(length), &[3; 16]);
        let sealed = ciphers.encrypt(&protection(KEY), &parameters, input).await;
        assert_eq!(sealed.is_ok(), fits, "{length}");
        assert_eq!(matches!(sealed, Err(CryptoError::BadInput(_))), !fits, "{length}");
    }
}

/// Tags are cut to Tag Length, and still checked.
pub async fn a_tag_has_the_length_that_was_asked_for(ciphers: &dyn Ciphers) {
    for tag_length in [12, 16] {
        let parameters = with_tag(Some(tag_length));
        let sealed = ciphers.encrypt(&protection(KEY), &parameters, input(&DATA, &NONCE)).await;
        let sealed = sealed.expect("AES is offered");
        let tag = sealed.tag.expect("GCM has a tag");
        assert_eq!(i32::try_from(tag.len()), Ok(tag_length));
        let opening = CipherInput { tag: Some(&tag), ..input(&sealed.data, &NONCE) };
        let opened = ciphers.decrypt(&processing(KEY), &parameters, opening).await;
        assert_eq!(opened, Ok(Material::from(&DATA[..])));
    }
}

/// A change of ciphertext, nonce, additional data or tag is one and the same failure.
pub async fn what_was_changed_fails_and_says_no_more(ciphers: &dyn Ciphers) {
    let parameters = with_tag(None);
    let original = CipherInput { additional_data: b"header", ..input(&DATA, &NONCE) };
    let sealed = ciphers.encrypt(&protection(KEY), &parameters, original).await;
    let sealed = sealed.expect("AES is offered");
    let data = changed(&sealed.data);
    let tag = changed(&sealed.tag.clone().expect("GCM has a tag"));
    let right = CipherInput { data: &sealed.data, tag: sealed.tag.as_deref(), ..original };
    let opened = ciphers.decrypt(&processing(KEY), &parameters, right).await;
    assert_eq!(opened, Ok(Material::from(&DATA[..])));
    for other in [
        CipherInput { data: &data, ..right },
        CipherInput { iv_counter_nonce: Some(&[4; 12]), ..right },
        CipherInput { additional_data: b"Header", ..right },
        CipherInput { tag: Some(&tag), ..right },
    ] {
        let opened = ciphers.decrypt(&processing(KEY), &parameters, other).await;
        assert_eq!(opened, Err(CryptoError::Failed));
    }
}

/// Nothing authenticated is opened without a tag.
pub async fn a_tag_must_be_there(ciphers: &dyn Ciphers) {
    let opened = ciphers.decrypt(&processing(KEY), &with_tag(None), input(&DATA, &NONCE)).await;
    assert!(matches!(opened, Err(CryptoError::BadInput(_))));
}

/// What `supports` denies is refused.
pub async fn what_is_not_offered_is_unsupported(ciphers: &dyn Ciphers) {
    let parameters = CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Mars),
        ..parameters(BlockCipherMode::Ecb, None)
    };
    assert!(!ciphers.supports(&parameters));
    let sealed = ciphers.encrypt(&protection(KEY), &parameters, input(&DATA, &[])).await;
    assert!(matches!(sealed, Err(CryptoError::Unsupported(_))));
    let opened = ciphers.decrypt(&processing(KEY), &parameters, input(&DATA, &[])).await;
    assert!(matches!(opened, Err(CryptoError::Unsupported(_))));
}

fn first(length: usize) -> &'static [u8] {
    DATA.get(..length).expect("no test needs more")
}

fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    if let Some(byte) = changed.first_mut() {
        *byte ^= 1;
    }
    changed
}

fn input<'a>(data: &'a [u8], iv: &'a [u8]) -> CipherInput<'a> {
    let iv_counter_nonce = (!iv.is_empty()).then_some(iv);
    CipherInput { data, iv_counter_nonce, additional_data: &[], tag: None }
}

fn with_tag(tag_length: Option<i32>) -> CryptographicParameters {
    CryptographicParameters { tag_length, ..parameters(BlockCipherMode::Gcm, None) }
}

fn parameters(
    mode: BlockCipherMode,
    padding_method: Option<PaddingMethod>,
) -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        padding_method,
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        ..CryptographicParameters::EMPTY
    }
}

fn keys(key: [u8; 16]) -> (ProtectionKey, ProcessingKey) {
    let material = KeyMaterial::Bytes(Material::from(&key[..]));
    key_in_use(ObjectType::SymmetricKey, Some(CryptographicAlgorithm::Aes), material)
}

fn protection(key: [u8; 16]) -> ProtectionKey {
    keys(key).0
}

fn processing(key: [u8; 16]) -> ProcessingKey {
    keys(key).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainCiphers;

    #[test]
    fn the_fake_keeps_every_promise() {
        pollster::block_on(every_promise(&PlainCiphers));
    }
}
