//! RSA signatures: those of others, and our own.

use kmip_model::enumeration::{HashingAlgorithm as Hash, MaskGenerator, ObjectType, PaddingMethod};
use kmip_ports::crypto::Digests;
use kmip_testkit::{SeededRandom, UnchangedFormats};

use super::*;
use crate::{
    hash::LegacyDigests,
    testing::{parameters, rsa, vector},
};

fn signatures() -> LegacySignatures {
    LegacySignatures::new(Arc::new(UnchangedFormats), Arc::new(SeededRandom::new(1)))
}

fn way(padding_method: PaddingMethod, hash: Hash) -> CryptographicParameters {
    CryptographicParameters {
        padding_method: Some(padding_method),
        hashing_algorithm: Some(hash),
        ..parameters(CryptographicAlgorithm::Rsa)
    }
}

/// Says whether the signature of "abc" is right, and that of something else, and a changed one.
async fn verdicts(key: &str, parameters: &CryptographicParameters, signature: &[u8]) -> [bool; 3] {
    let (_, key) = rsa(ObjectType::PublicKey, key);
    let signatures = signatures();
    assert!(signatures.supports(parameters));
    let mut changed = signature.to_vec();
    changed[9] ^= 1;
    let mut verdicts = Vec::new();
    for (text, signature) in [("abc", signature), ("abd", signature), ("abc", &changed)] {
        let input = SignatureInput::Message(text.as_bytes());
        verdicts.push(signatures.verify(&key, parameters, input, signature).await.unwrap());
    }
    verdicts.try_into().unwrap()
}

const RIGHT: [bool; 3] = [true, false, false];

#[tokio::test]
async fn signatures_of_others_verify() {
    for key in ["1024", "2048"] {
        for hash in [
            Hash::Md5,
            Hash::Sha1,
            Hash::Sha224,
            Hash::Sha256,
            Hash::Sha512,
            Hash::Sha3256,
            Hash::Sha512256,
        ] {
            let signature = vector(&format!("pkcs1-{key}-{hash}"));
            let parameters = way(PaddingMethod::Pkcs1V15, hash);
            let found = verdicts(&format!("public-{key}"), &parameters, &signature).await;
            assert_eq!(found, RIGHT, "{key} {hash}");
        }
    }
}

#[tokio::test]
async fn pss_verifies_with_any_salt_unless_its_length_is_given() {
    for hash in [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha3256] {
        let parameters = way(PaddingMethod::Pss, hash);
        for salt in ["digest", "max", "0"] {
            let signature = vector(&format!("pss-2048-{hash}-{salt}"));
            let found = verdicts("public-2048", &parameters, &signature).await;
            assert_eq!(found, RIGHT, "{hash} {salt}");
            let none = CryptographicParameters { salt_length: Some(0), ..parameters.clone() };
            let found = verdicts("public-2048", &none, &signature).await;
            assert_eq!(found[0], salt == "0", "{hash} {salt}");
        }
    }
}

#[tokio::test]
async fn small_keys_sign_as_others_do() {
    let (key, _) = rsa(ObjectType::PrivateKey, "private-1024");
    for hash in [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha512, Hash::Sha3256] {
        let parameters = way(PaddingMethod::Pkcs1V15, hash);
        let input = SignatureInput::Message(b"abc");
        let made = signatures().sign(&key, &parameters, input).await.unwrap();
        assert_eq!(made, vector(&format!("pkcs1-1024-{hash}")), "{hash}");
        let digest = LegacyDigests.digest(hash, b"abc").unwrap();
        let input = SignatureInput::Digest(&digest);
        assert_eq!(signatures().sign(&key, &parameters, input).await, Ok(made), "{hash}");
    }
}

#[tokio::test]
async fn small_keys_sign_with_salts_of_the_given_length() {
    let (key, _) = rsa(ObjectType::PrivateKey, "private-1024");
    let default = way(PaddingMethod::Pss, Hash::Sha1);
    for (asked, length) in [(None, 20), (Some(0), 0), (Some(5), 5), (Some(106), 106)] {
        let parameters = CryptographicParameters { salt_length: asked, ..default.clone() };
        let input = SignatureInput::Message(b"abc");
        let made = signatures().sign(&key, &parameters, input).await.unwrap();
        let exact = CryptographicParameters { salt_length: Some(length), ..default.clone() };
        assert_eq!(verdicts("public-1024", &exact, &made).await, RIGHT, "{length}");
        let other = CryptographicParameters { salt_length: Some(length + 1), ..default.clone() };
        assert!(!verdicts("public-1024", &other, &made).await[0], "{length}");
    }
    for salt in [107, 1_000_000] {
        let parameters = CryptographicParameters { salt_length: Some(salt), ..default.clone() };
        let made = signatures().sign(&key, &parameters, SignatureInput::Message(b"abc")).await;
        assert!(matches!(made, Err(CryptoError::BadInput(_) | CryptoError::Failed)), "{salt}");
    }
}

#[tokio::test]
async fn large_private_keys_never_sign_here() {
    let (key, _) = rsa(ObjectType::PrivateKey, "private-2048");
    for padding in [PaddingMethod::Pkcs1V15, PaddingMethod::Pss] {
        let input = SignatureInput::Message(b"abc");
        let made = signatures().sign(&key, &way(padding, Hash::Sha1), input).await;
        let reason = "these parameters with an RSA private key of 2048 bits".to_owned();
        assert_eq!(made, Err(CryptoError::Unsupported(reason)));
    }
}

#[tokio::test]
async fn a_digest_of_another_length_is_refused() {
    let (key, _) = rsa(ObjectType::PrivateKey, "private-1024");
    let (_, public) = rsa(ObjectType::PublicKey, "public-1024");
    let parameters = way(PaddingMethod::Pkcs1V15, Hash::Sha1);
    let input = SignatureInput::Digest(&[1; 16]);
    let made = signatures().sign(&key, &parameters, input).await;
    assert!(matches!(made, Err(CryptoError::BadInput(_))));
    let found = signatures().verify(&public, &parameters, input, &[1; 128]).await;
    assert!(matches!(found, Err(CryptoError::BadInput(_))));
}

#[tokio::test]
async fn signatures_of_another_length_are_wrong() {
    let (_, key) = rsa(ObjectType::PublicKey, "public-1024");
    for padding in [PaddingMethod::Pkcs1V15, PaddingMethod::Pss] {
        for length in [0, 127, 129] {
            let input = SignatureInput::Message(b"abc");
            let signature = vec![1; length];
            let found =
                signatures().verify(&key, &way(padding, Hash::Sha1), input, &signature).await;
            assert_eq!(found, Ok(false), "{padding} {length}");
        }
    }
}

#[test]
fn what_is_not_offered_is_known_before() {
    let signatures = signatures();
    let pss = way(PaddingMethod::Pss, Hash::Sha1);
    let other_mask = CryptographicParameters {
        mask_generator_hashing_algorithm: Some(Hash::Sha256),
        ..pss.clone()
    };
    let other_generator =
        CryptographicParameters { mask_generator: Some(MaskGenerator(0x8000_0001)), ..pss.clone() };
    let ecdsa = CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Ecdsa),
        ..pss.clone()
    };
    for parameters in [
        other_mask,
        other_generator,
        ecdsa,
        way(PaddingMethod::Oaep, Hash::Sha1),
        way(PaddingMethod::Pss, Hash::Tiger),
        CryptographicParameters { hashing_algorithm: None, ..pss.clone() },
        CryptographicParameters { padding_method: None, ..pss.clone() },
        CryptographicParameters { cryptographic_algorithm: None, ..pss.clone() },
    ] {
        assert!(!signatures.supports(&parameters), "{parameters:?}");
    }
    assert!(signatures.supports(&pss));
}
