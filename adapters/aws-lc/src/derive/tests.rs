//! What the port promises of derivation, against published vectors and against OpenSSL.

use kmip_model::{
    enumeration::{CryptographicAlgorithm, Enumeration, ObjectType, RecommendedCurve},
    object::KeyMaterial,
};
use kmip_ports::crypto::{KeyGeneration, KeyPairSpecification};

use super::*;
use crate::{
    AwsLcKeyGeneration,
    testing::{self, protection, secret},
};

const DERIVATIONS: &str = include_str!("../../tests/vectors/derivations.txt");
const AGREEMENTS: &str = include_str!("../../tests/vectors/agreements.txt");
const SHA256: HashingAlgorithm = HashingAlgorithm::Sha256;

fn bytes(field: &str) -> Vec<u8> {
    hex::decode(field.trim_matches('-')).unwrap()
}

fn hash(name: &str) -> HashingAlgorithm {
    let member = HashingAlgorithm::MEMBERS.iter().find(|member| member.name == name).unwrap();
    HashingAlgorithm::from_value(member.value)
}

async fn derive(
    key: &KeyInUse,
    derivation: Derivation<'_>,
    length: usize,
) -> Result<Material, CryptoError> {
    AwsLcDerivation::new().derive(&protection(key), derivation, length).await
}

#[tokio::test]
async fn published_bytes_come_out_and_shorter_ones_are_the_leftmost() {
    for line in DERIVATIONS.lines().skip(1) {
        let fields: Vec<&str> = line.split(' ').collect();
        let (hash, key) = (hash(fields[1]), secret(&bytes(fields[2])));
        let salt = bytes(fields[3]);
        let info = match fields[0] {
            "PBKDF2" => Vec::new(),
            _ => bytes(fields[4]),
        };
        let derivation = match fields[0] {
            "PBKDF2" => {
                Derivation::Pbkdf2 { hash, salt: &salt, iterations: fields[4].parse().unwrap() }
            }
            "HKDF" => Derivation::Hkdf { hash, salt: &salt, info: &info },
            "Counter" => Derivation::CounterMode { hash, fixed: &info },
            "Feedback" => Derivation::FeedbackMode { hash, iv: &salt, fixed: &info },
            _ => Derivation::DoublePipelineMode { hash, fixed: &info },
        };
        let expected = bytes(fields[5]);
        for length in [1, 16, expected.len()] {
            let derived = derive(&key, derivation, length).await.unwrap();
            assert_eq!(derived.expose(), &expected[..length], "{line}");
        }
    }
}

#[tokio::test]
async fn hkdf_ends_after_255_blocks() {
    let derivation = Derivation::Hkdf { hash: SHA256, salt: &[], info: &[] };
    let key = secret(&[1; 32]);
    assert_eq!(derive(&key, derivation, 255 * 32).await.unwrap().len(), 255 * 32);
    assert_eq!(derive(&key, derivation, 255 * 32 + 1).await, Err(CryptoError::TooLong));
}

#[tokio::test]
async fn pbkdf2_needs_an_iteration() {
    let derivation = Derivation::Pbkdf2 { hash: SHA256, salt: b"salt", iterations: 0 };
    let refused = derive(&secret(b"password"), derivation, 16).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
}

#[test]
fn many_iterations_leave_the_callers_thread() {
    assert_eq!(pbkdf2_cost(100, 32), Cost::Inline);
    assert_eq!(pbkdf2_cost(1_000, 16), Cost::Pooled);
    assert_eq!(pbkdf2_cost(1, 1 << 20), Cost::Pooled);
    assert_eq!(pbkdf2_cost(1_000_000, 16), Cost::Long);
}

#[tokio::test]
async fn hashes_that_the_library_lacks_are_refused() {
    let (hash, key) = (HashingAlgorithm::Md5, secret(b"key"));
    for derivation in [
        Derivation::Pbkdf2 { hash, salt: b"salt", iterations: 1 },
        Derivation::Hkdf { hash, salt: &[], info: &[] },
        Derivation::CounterMode { hash, fixed: &[] },
        Derivation::FeedbackMode { hash, iv: &[], fixed: &[] },
        Derivation::DoublePipelineMode { hash, fixed: &[] },
    ] {
        let refused = derive(&key, derivation, 16).await;
        assert!(matches!(refused, Err(CryptoError::Unsupported(_))), "{derivation:?}");
    }
}

fn private(der: &[u8]) -> KeyInUse {
    let material = KeyMaterial::Bytes(Material::from(der));
    testing::key(ObjectType::PrivateKey, Some(CryptographicAlgorithm::Ecdh), material)
}

fn public(der: &[u8]) -> KeyMaterial {
    KeyMaterial::Bytes(Material::from(der))
}

#[tokio::test]
async fn the_secrets_that_openssl_shares_come_out() {
    for line in AGREEMENTS.lines().skip(1) {
        let fields: Vec<&str> = line.split(' ').collect();
        let (key, other) = (private(&bytes(fields[1])), public(&bytes(fields[2])));
        let secret = bytes(fields[3]);
        let agreement = Derivation::Agreement { public_key: &other };
        for length in [1, 16, secret.len()] {
            let derived = derive(&key, agreement, length).await.unwrap();
            assert_eq!(derived.expose(), &secret[..length], "{}", fields[0]);
        }
        let longer = derive(&key, agreement, secret.len() + 1).await;
        assert_eq!(longer, Err(CryptoError::TooLong), "{}", fields[0]);
    }
}

#[tokio::test]
async fn the_two_keys_must_be_on_one_curve_and_of_the_right_kind() {
    let lines: Vec<Vec<&str>> =
        AGREEMENTS.lines().skip(1).map(|line| line.split(' ').collect()).collect();
    let (key, other) = (private(&bytes(lines[0][1])), public(&bytes(lines[1][2])));
    for public_key in [&other, &key.material, &public(b"no key")] {
        let refused = derive(&key, Derivation::Agreement { public_key }, 16).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))));
    }
    let own = public(&bytes(lines[0][2]));
    let symmetric = derive(&secret(&[1; 32]), Derivation::Agreement { public_key: &own }, 16).await;
    assert!(matches!(symmetric, Err(CryptoError::BadKey(_))));
}

#[tokio::test]
async fn secp256k1_is_left_to_others() {
    let curve = RecommendedCurve::Secp256K1;
    let specification = KeyPairSpecification::EllipticCurve { curve };
    let pair = AwsLcKeyGeneration::new().key_pair(specification).await.unwrap();
    let other = public(&pair.public);
    let key = private(pair.private.expose());
    let refused = derive(&key, Derivation::Agreement { public_key: &other }, 16).await;
    assert!(matches!(refused, Err(CryptoError::Unsupported(_))));
}
