//! RSA signatures: those that OpenSSL makes, and our own read by other people's code.

use kmip_model::enumeration::{HashingAlgorithm as Name, ObjectType};
use kmip_testkit::UnchangedFormats;
use rsa::{Pss, PublicKey, pkcs1::DecodeRsaPublicKey};
use sha2::Digest;

use super::*;
use crate::testing::{keys, keys_of, parameters, vector};

const WEAK: [Name; 3] = [Name::Md5, Name::Sha1, Name::Sha224];

fn signatures(weak: Weak) -> RawSignatures {
    RawSignatures::new(Arc::new(UnchangedFormats), weak)
}

fn way(padding: PaddingMethod, hash: Option<Name>) -> CryptographicParameters {
    CryptographicParameters {
        padding_method: Some(padding),
        hashing_algorithm: hash,
        ..parameters()
    }
}

async fn sign(
    key: &str,
    parameters: &CryptographicParameters,
    input: SignatureInput<'_>,
) -> Result<Vec<u8>, CryptoError> {
    let (key, _) = keys(ObjectType::PrivateKey, key);
    signatures(Weak::Offered).sign(&key, parameters, input).await
}

async fn verify(
    parameters: &CryptographicParameters,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let (_, key) = keys(ObjectType::PublicKey, "public-2048");
    let input = SignatureInput::Digest(digest);
    signatures(Weak::Offered).verify(&key, parameters, input, signature).await
}

fn digest_of(hash: Name, data: &[u8]) -> Vec<u8> {
    match hash {
        Name::Md5 => md5::Md5::digest(data).to_vec(),
        Name::Sha1 => sha1::Sha1::digest(data).to_vec(),
        _ => sha2::Sha224::digest(data).to_vec(),
    }
}

/// Lets the crate rsa verify PSS with a salt of exactly that length.
fn is_pss(hash: Name, salt: usize, signature: &[u8]) -> bool {
    let key = PublicKey::from_pkcs1_der(&vector("public-2048")).unwrap();
    let digest = digest_of(hash, b"abc");
    match hash {
        Name::Md5 => key.verify(Pss::<md5::Md5>::new_with_salt(salt), &digest, signature),
        Name::Sha1 => key.verify(Pss::<sha1::Sha1>::new_with_salt(salt), &digest, signature),
        _ => key.verify(Pss::<sha2::Sha224>::new_with_salt(salt), &digest, signature),
    }
    .is_ok()
}

#[tokio::test]
async fn pkcs1_signatures_are_those_of_openssl_for_message_and_digest() {
    for hash in WEAK {
        let parameters = way(PaddingMethod::Pkcs1V15, Some(hash));
        let expected = vector(&format!("pkcs1-{hash}"));
        let made = sign("private-2048", &parameters, SignatureInput::Message(b"abc")).await;
        assert_eq!(made.as_ref(), Ok(&expected), "{hash}");
        let digest = digest_of(hash, b"abc");
        let made = sign("private-2048", &parameters, SignatureInput::Digest(&digest)).await;
        assert_eq!(made, Ok(expected), "{hash}");
    }
}

#[tokio::test]
async fn pss_signatures_have_the_usual_salt_or_the_given_one() {
    for hash in WEAK {
        let usual = digest_of(hash, b"").len();
        let longest = 254 - usual;
        for (asked, length) in [(None, usual), (Some(0), 0), (Some(5), 5), (Some(longest), longest)]
        {
            let salt_length = asked.map(|length| i32::try_from(length).unwrap());
            let parameters =
                CryptographicParameters { salt_length, ..way(PaddingMethod::Pss, Some(hash)) };
            let digest = digest_of(hash, b"abc");
            for input in [SignatureInput::Message(b"abc"), SignatureInput::Digest(&digest)] {
                let made = sign("private-2048", &parameters, input).await.unwrap();
                assert!(is_pss(hash, length, &made), "{hash} {length}");
                assert!(!is_pss(hash, length + 1, &made), "{hash} {length}");
                let again = sign("private-2048", &parameters, input).await.unwrap();
                assert_eq!(again == made, length == 0, "{hash} {length}");
            }
        }
        for salt in [-1, -2, i32::MIN, i32::try_from(longest).unwrap() + 1, 65_536, i32::MAX] {
            let parameters = CryptographicParameters {
                salt_length: Some(salt),
                ..way(PaddingMethod::Pss, Some(hash))
            };
            let refused = sign("private-2048", &parameters, SignatureInput::Message(b"abc")).await;
            assert!(matches!(refused, Err(CryptoError::BadInput(_))), "{hash} {salt}");
        }
    }
}

#[tokio::test]
async fn a_digest_without_a_name_is_signed_as_it_is() {
    let parameters = way(PaddingMethod::Pkcs1V15, None);
    let digest = hex::decode("01020304050607080910111213141516").unwrap();
    let made = sign("private-2048", &parameters, SignatureInput::Digest(&digest)).await.unwrap();
    assert_eq!(made, vector("unnamed"));
    assert_eq!(verify(&parameters, &digest, &made).await, Ok(true));
    assert_eq!(verify(&parameters, &digest[1..], &made).await, Ok(false));
    assert_eq!(verify(&parameters, &[&digest[..], &[0]].concat(), &made).await, Ok(false));
    let mut changed = made.clone();
    changed[9] ^= 1;
    let longer = [&made[..], &[0]].concat();
    for wrong in [&changed[..], &made[1..], &longer, &[], &[0xFF; 256], &[0; 256]] {
        assert_eq!(verify(&parameters, &digest, wrong).await, Ok(false));
    }
    // Whoever writes the name himself has a signature over that hash.
    let prefix = hex::decode("3031300d060960864801650304020105000420").unwrap();
    let named = [&prefix[..], &sha2::Sha256::digest(b"abc")[..]].concat();
    let made = sign("private-2048", &parameters, SignatureInput::Digest(&named)).await;
    assert_eq!(made, Ok(vector("pkcs1-SHA_256")));
}

#[tokio::test]
async fn digests_that_do_not_fit_are_refused() {
    let unnamed = way(PaddingMethod::Pkcs1V15, None);
    for (length, fits) in [(0, false), (1, true), (245, true), (246, false), (10_000, false)] {
        let digest = vec![1; length];
        let made = sign("private-2048", &unnamed, SignatureInput::Digest(&digest)).await;
        match made {
            Ok(signature) => {
                assert!(fits, "{length}");
                assert_eq!(verify(&unnamed, &digest, &signature).await, Ok(true));
            }
            Err(refused) => {
                assert!(!fits && matches!(refused, CryptoError::BadInput(_)), "{length}");
            }
        }
    }
    assert_eq!(verify(&unnamed, &[1; 246], &[1; 256]).await, Ok(false));
    for padding in [PaddingMethod::Pkcs1V15, PaddingMethod::Pss] {
        for length in [0, 15, 17, 21, 64] {
            let digest = vec![1; length];
            let input = SignatureInput::Digest(&digest);
            let made = sign("private-2048", &way(padding, Some(Name::Md5)), input).await;
            assert!(matches!(made, Err(CryptoError::BadInput(_))), "{length}");
        }
    }
    let message = sign("private-2048", &unnamed, SignatureInput::Message(b"abc")).await;
    assert!(matches!(message, Err(CryptoError::Unsupported(_))));
}

#[tokio::test]
async fn keys_that_are_none_or_contradict_themselves_are_refused() {
    let parameters = way(PaddingMethod::Pkcs1V15, Some(Name::Sha1));
    let message = SignatureInput::Message(b"abc");
    for name in ["stripped-2048", "wrong-coefficient-2048", "public-2048"] {
        let refused = sign(name, &parameters, message).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{name}");
    }
    let whole = vector("private-2048");
    for length in [0, 1, 4, whole.len() / 2, whole.len() - 1] {
        let bytes = whole[..length].to_vec();
        let (key, _) = keys_of(ObjectType::PrivateKey, CryptographicAlgorithm::Rsa, bytes);
        let refused = signatures(Weak::Offered).sign(&key, &parameters, message).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{length}");
    }
    let (key, _) = keys_of(ObjectType::PrivateKey, CryptographicAlgorithm::Ec, whole);
    let refused = signatures(Weak::Offered).sign(&key, &parameters, message).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
    let (key, _) = keys(ObjectType::PublicKey, "public-2048");
    let refused = signatures(Weak::Offered).sign(&key, &parameters, message).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
}

#[tokio::test]
async fn small_keys_are_left_to_others() {
    for parameters in
        [way(PaddingMethod::Pkcs1V15, Some(Name::Sha1)), way(PaddingMethod::Pkcs1V15, None)]
    {
        let refused = sign("private-1024", &parameters, SignatureInput::Digest(&[1; 20])).await;
        let reason = "this with RSA keys of 1024 bits".to_owned();
        assert_eq!(refused, Err(CryptoError::Unsupported(reason)));
    }
}

#[tokio::test]
async fn signatures_over_a_named_hash_are_verified_by_others() {
    let parameters = way(PaddingMethod::Pkcs1V15, Some(Name::Sha1));
    let refused = verify(&parameters, &[1; 20], &[1; 256]).await;
    assert!(matches!(refused, Err(CryptoError::Unsupported(_))));
}

#[test]
fn the_offer_is_this_and_nothing_without_weak_hashes() {
    let with_mask = |mask| CryptographicParameters {
        mask_generator_hashing_algorithm: Some(mask),
        ..way(PaddingMethod::Pss, Some(Name::Sha1))
    };
    let mut offered = vec![way(PaddingMethod::Pkcs1V15, None), with_mask(Name::Sha1)];
    for padding in [PaddingMethod::Pkcs1V15, PaddingMethod::Pss] {
        offered.extend(WEAK.map(|hash| way(padding, Some(hash))));
    }
    for parameters in offered {
        assert!(signatures(Weak::Offered).supports(&parameters), "{parameters:?}");
        assert!(!signatures(Weak::Refused).supports(&parameters), "{parameters:?}");
    }
    let sha1 = way(PaddingMethod::Pss, Some(Name::Sha1));
    for parameters in [
        with_mask(Name::Sha256),
        CryptographicParameters {
            mask_generator: Some(MaskGenerator(0x8000_0001)),
            ..sha1.clone()
        },
        CryptographicParameters { padding_method: None, ..sha1.clone() },
        CryptographicParameters { cryptographic_algorithm: None, ..sha1 },
        way(PaddingMethod::Oaep, Some(Name::Sha1)),
        way(PaddingMethod::Pss, None),
        way(PaddingMethod::Pss, Some(Name::Sha256)),
        way(PaddingMethod::Pkcs1V15, Some(Name::Sha512)),
        way(PaddingMethod::Pkcs1V15, Some(Name::Md4)),
    ] {
        assert!(!signatures(Weak::Offered).supports(&parameters), "{parameters:?}");
    }
}

#[tokio::test]
async fn without_weak_hashes_nothing_is_signed() {
    let (key, _) = keys(ObjectType::PrivateKey, "private-2048");
    for hash in [None, Some(Name::Sha1)] {
        let parameters = way(PaddingMethod::Pkcs1V15, hash);
        let input = SignatureInput::Digest(&[1; 20]);
        let refused = signatures(Weak::Refused).sign(&key, &parameters, input).await;
        assert!(matches!(refused, Err(CryptoError::Unsupported(_))));
    }
}
