//! What the port promises of signatures, against those made by OpenSSL and by AWS-LC itself.

use der::{
    Decode, Encode,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef},
};
use kmip_model::{
    Material,
    enumeration::{Enumeration, ObjectType, RecommendedCurve},
    object::KeyMaterial,
};
use kmip_ports::crypto::{Digests, KeyGeneration, KeyPair, KeyPairSpecification};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;

use super::*;
use crate::{
    AwsLcDigests, AwsLcKeyGeneration,
    testing::{self, processing, protection},
};

const SIGNATURES: &str = include_str!("../../tests/vectors/signatures.txt");
const KEYS: &str = include_str!("../../tests/vectors/keys.txt");

const RSA: CryptographicAlgorithm = CryptographicAlgorithm::Rsa;
const ECDSA: CryptographicAlgorithm = CryptographicAlgorithm::Ecdsa;
const ED25519: CryptographicAlgorithm = CryptographicAlgorithm::Ed25519;
const SHA256: HashingAlgorithm = HashingAlgorithm::Sha256;

fn named<E: Enumeration>(name: &str) -> E {
    let member = E::MEMBERS.iter().find(|member| member.name == name);
    E::from_value(member.unwrap_or_else(|| panic!("{name}")).value)
}

fn parameters(
    algorithm: CryptographicAlgorithm,
    padding: Option<PaddingMethod>,
    hash: Option<HashingAlgorithm>,
) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(algorithm),
        padding_method: padding,
        hashing_algorithm: hash,
        ..CryptographicParameters::EMPTY
    }
}

fn key(object_type: ObjectType, der: &[u8]) -> KeyInUse {
    testing::key(object_type, None, KeyMaterial::Bytes(Material::from(der)))
}

fn stored(object_type: ObjectType, name: &str, form: &str) -> KeyInUse {
    let line = KEYS.lines().find(|line| line.starts_with(&format!("{name} {form} "))).unwrap();
    key(object_type, &hex::decode(line.split(' ').nth(2).unwrap()).unwrap())
}

async fn make(specification: KeyPairSpecification) -> (KeyInUse, KeyInUse) {
    let KeyPair { private, public } =
        AwsLcKeyGeneration::new().key_pair(specification).await.unwrap();
    (key(ObjectType::PrivateKey, private.expose()), key(ObjectType::PublicKey, &public))
}

async fn sign(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    input: SignatureInput<'_>,
) -> Result<Vec<u8>, CryptoError> {
    AwsLcSignatures::new().sign(&protection(key), parameters, input).await
}

async fn verify(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    input: SignatureInput<'_>,
    signature: &[u8],
) -> Result<bool, CryptoError> {
    AwsLcSignatures::new().verify(&processing(key), parameters, input, signature).await
}

/// One signature of OpenSSL.
struct Row {
    parameters: CryptographicParameters,
    key: KeyInUse,
    message: Vec<u8>,
    signature: Vec<u8>,
}

fn rows() -> impl Iterator<Item = Row> {
    SIGNATURES.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let given = |field: usize| Some(fields[field]).filter(|field| *field != "-");
        let bytes = |field: usize| hex::decode(fields[field]).unwrap();
        Row {
            parameters: parameters(named(fields[0]), given(1).map(named), given(2).map(named)),
            key: key(ObjectType::PublicKey, &bytes(3)),
            message: bytes(4),
            signature: bytes(5),
        }
    })
}

#[tokio::test]
async fn what_openssl_signed_verifies_as_message_and_as_digest() {
    for Row { parameters, key, message, signature } in rows() {
        assert!(AwsLcSignatures::new().supports(&parameters), "{parameters:?}");
        let input = SignatureInput::Message(&message);
        assert_eq!(verify(&key, &parameters, input, &signature).await, Ok(true), "{parameters:?}");
        if let Some(hash) = parameters.hashing_algorithm {
            let digest = AwsLcDigests.digest(hash, &message).unwrap();
            let input = SignatureInput::Digest(&digest);
            assert_eq!(verify(&key, &parameters, input, &signature).await, Ok(true));
        }
    }
}

#[tokio::test]
async fn other_messages_and_broken_signatures_do_not_verify() {
    for Row { parameters, key, message, signature } in rows() {
        let message = SignatureInput::Message(&message);
        let other = SignatureInput::Message(b"another message");
        assert_eq!(verify(&key, &parameters, other, &signature).await, Ok(false));
        let mut broken = signature.clone();
        *broken.last_mut().unwrap() ^= 1;
        let longer = [&signature[..], &[0]].concat();
        for wrong in [&broken[..], &longer[..], &signature[1..], &[0xFF; 256][..], &[]] {
            assert_eq!(verify(&key, &parameters, message, wrong).await, Ok(false));
        }
    }
}

#[tokio::test]
async fn a_given_salt_length_is_insisted_on() {
    for Row { parameters, key, message, signature } in rows() {
        if parameters.padding_method != Some(PaddingMethod::Pss) {
            continue;
        }
        let mut accepted = 0;
        for salt_length in [0, 1, 20, 28, 32, 48, 64, 94, 190, 222] {
            let parameters =
                CryptographicParameters { salt_length: Some(salt_length), ..parameters.clone() };
            let input = SignatureInput::Message(&message);
            accepted += u32::from(verify(&key, &parameters, input, &signature).await.unwrap());
        }
        assert_eq!(accepted, 1, "{parameters:?}");
    }
}

#[tokio::test]
async fn rsa_signs_with_every_padding_and_hash() {
    let private = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs1");
    let public = stored(ObjectType::PublicKey, "rsa-2048", "public-pkcs1");
    for padding in [PaddingMethod::Pkcs1V15, PaddingMethod::Pss] {
        for hash in [SHA256, HashingAlgorithm::Sha384, HashingAlgorithm::Sha512] {
            let parameters = parameters(RSA, Some(padding), Some(hash));
            let message = SignatureInput::Message(b"message");
            let digest = AwsLcDigests.digest(hash, b"message").unwrap();
            for input in [message, SignatureInput::Digest(&digest)] {
                let signature = sign(&private, &parameters, input).await.unwrap();
                assert_eq!(verify(&public, &parameters, message, &signature).await, Ok(true));
            }
        }
    }
}

#[tokio::test]
async fn salts_have_the_length_of_the_hash_or_the_given_one() {
    let private = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs8");
    let public = stored(ObjectType::PublicKey, "rsa-2048", "spki");
    let usual = parameters(RSA, Some(PaddingMethod::Pss), Some(SHA256));
    let with = |length| CryptographicParameters { salt_length: Some(length), ..usual.clone() };
    let message = SignatureInput::Message(b"message");
    let signature = sign(&private, &usual, message).await.unwrap();
    assert_eq!(verify(&public, &with(32), message, &signature).await, Ok(true));
    for length in [0, 1, 20, 222] {
        let signature = sign(&private, &with(length), message).await.unwrap();
        assert_eq!(verify(&public, &with(length), message, &signature).await, Ok(true));
        assert_eq!(verify(&public, &usual, message, &signature).await, Ok(true));
    }
    for length in [-1, 223] {
        let refused = sign(&private, &with(length), message).await;
        assert!(matches!(refused, Err(CryptoError::BadInput(_))), "{length}");
    }
    let refused = sign(&private, &with(100_000), message).await;
    assert!(matches!(refused, Err(CryptoError::Unsupported(_))));
}

#[tokio::test]
async fn curves_sign_over_every_hash() {
    let hashes = [
        HashingAlgorithm::Sha224,
        SHA256,
        HashingAlgorithm::Sha384,
        HashingAlgorithm::Sha512,
        HashingAlgorithm::Sha512256,
        HashingAlgorithm::Sha3256,
        HashingAlgorithm::Sha3384,
        HashingAlgorithm::Sha3512,
    ];
    for curve in [
        RecommendedCurve::P256,
        RecommendedCurve::P384,
        RecommendedCurve::P521,
        RecommendedCurve::Secp256K1,
    ] {
        let (private, public) = make(KeyPairSpecification::EllipticCurve { curve }).await;
        for hash in hashes {
            let parameters = parameters(ECDSA, None, Some(hash));
            let message = SignatureInput::Message(b"message");
            let digest = AwsLcDigests.digest(hash, b"message").unwrap();
            for input in [message, SignatureInput::Digest(&digest)] {
                let signature = sign(&private, &parameters, input).await.unwrap();
                let verified = verify(&public, &parameters, message, &signature).await;
                assert_eq!(verified, Ok(true), "{curve} {hash}");
            }
        }
    }
}

#[tokio::test]
async fn ed25519_signs_messages_only() {
    let (private, public) = make(KeyPairSpecification::Ed25519).await;
    let parameters = parameters(ED25519, None, None);
    let message = SignatureInput::Message(b"message");
    let signature = sign(&private, &parameters, message).await.unwrap();
    assert_eq!(signature.len(), 64);
    assert_eq!(verify(&public, &parameters, message, &signature).await, Ok(true));
    let large = vec![7; 100_000];
    let large = SignatureInput::Message(&large);
    let of_large = sign(&private, &parameters, large).await.unwrap();
    assert_eq!(verify(&public, &parameters, large, &of_large).await, Ok(true));
    assert_eq!(verify(&public, &parameters, large, &signature).await, Ok(false));
    let digest = SignatureInput::Digest(&[0; 32]);
    let refused = sign(&private, &parameters, digest).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    let refused = verify(&public, &parameters, digest, &signature).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
}

#[tokio::test]
async fn large_messages_are_hashed_elsewhere_with_the_same_outcome() {
    let curve = RecommendedCurve::P256;
    let (private, public) = make(KeyPairSpecification::EllipticCurve { curve }).await;
    let parameters = parameters(ECDSA, None, Some(SHA256));
    let message = vec![7; 100_000];
    let digest = AwsLcDigests.digest(SHA256, &message).unwrap();
    let message = SignatureInput::Message(&message);
    let signature = sign(&private, &parameters, message).await.unwrap();
    let digest = SignatureInput::Digest(&digest);
    assert_eq!(verify(&public, &parameters, digest, &signature).await, Ok(true));
}

#[tokio::test]
async fn keys_that_do_not_fit_are_refused() {
    let rsa_private = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs8");
    let rsa_public = stored(ObjectType::PublicKey, "rsa-2048", "spki");
    let pss = parameters(RSA, Some(PaddingMethod::Pss), Some(SHA256));
    let ecdsa = parameters(ECDSA, None, Some(SHA256));
    let ed25519 = parameters(ED25519, None, None);
    let message = SignatureInput::Message(b"message");
    let (ec_private, ec_public) =
        make(KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::P256 }).await;
    for (key, parameters) in [
        (&rsa_public, &pss),
        (&rsa_private, &ecdsa),
        (&ec_private, &pss),
        (&ec_private, &ed25519),
        (&testing::secret(&[1; 32]), &pss),
        (&key(ObjectType::PrivateKey, b"no key"), &ecdsa),
    ] {
        let refused = sign(key, parameters, message).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{parameters:?}");
    }
    for (key, parameters) in
        [(&rsa_private, &pss), (&rsa_public, &ecdsa), (&ec_public, &pss), (&ec_public, &ed25519)]
    {
        let refused = verify(key, parameters, message, &[0; 64]).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{parameters:?}");
    }
}

#[tokio::test]
async fn digests_must_have_the_length_of_their_hash() {
    let private = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs8");
    let parameters = parameters(RSA, Some(PaddingMethod::Pkcs1V15), Some(SHA256));
    for length in [0, 20, 31, 33] {
        let digest = vec![1; length];
        let refused = sign(&private, &parameters, SignatureInput::Digest(&digest)).await;
        assert!(matches!(refused, Err(CryptoError::BadInput(_))), "{length}");
    }
}

#[tokio::test]
async fn rsa_keys_whose_numbers_are_not_right_sign_nothing_in_either_form() {
    let KeyMaterial::Bytes(der) = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs1").material
    else {
        panic!("PKCS#1 is bytes");
    };
    let right = RsaPrivateKeyRef::from_der(der.expose()).unwrap();
    let zero = UintRef::new(&[0]).unwrap();
    let swapped = RsaPrivateKeyRef { prime1: right.prime2, prime2: right.prime1, ..right.clone() };
    // Without a public exponent the library would compute unblinded.
    let stripped = RsaPrivateKeyRef {
        public_exponent: zero,
        prime1: zero,
        prime2: zero,
        exponent1: zero,
        exponent2: zero,
        coefficient: zero,
        ..right.clone()
    };
    let parameters = parameters(RSA, Some(PaddingMethod::Pkcs1V15), Some(SHA256));
    for (numbers, signs) in [(&right, true), (&swapped, false), (&stripped, false)] {
        let pkcs1 = numbers.to_der().unwrap();
        let algorithm = AlgorithmIdentifierRef {
            oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
            parameters: Some(AnyRef::NULL),
        };
        let inside = OctetStringRef::new(&pkcs1).unwrap();
        let pkcs8 = PrivateKeyInfoRef::new(algorithm, inside).to_der().unwrap();
        for der in [pkcs1, pkcs8] {
            let key = key(ObjectType::PrivateKey, &der);
            let made = sign(&key, &parameters, SignatureInput::Message(b"message")).await;
            assert_eq!(made.is_ok(), signs);
            assert!(signs || matches!(made, Err(CryptoError::BadKey(_))));
        }
    }
}

#[tokio::test]
async fn old_hashes_and_small_keys_sign_nothing() {
    let message = SignatureInput::Message(b"message");
    let private = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs8");
    let small = stored(ObjectType::PrivateKey, "rsa-1024", "pkcs1");
    let (ec_private, _) =
        make(KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::P256 }).await;
    let (pkcs1, pss) = (Some(PaddingMethod::Pkcs1V15), Some(PaddingMethod::Pss));
    for (key, parameters) in [
        (&private, parameters(RSA, pkcs1, Some(HashingAlgorithm::Sha1))),
        (&private, parameters(RSA, pkcs1, Some(HashingAlgorithm::Md5))),
        (&private, parameters(RSA, pss, Some(HashingAlgorithm::Sha224))),
        (&private, parameters(RSA, Some(PaddingMethod::Oaep), Some(SHA256))),
        (&private, parameters(RSA, None, Some(SHA256))),
        (&small, parameters(RSA, pkcs1, Some(SHA256))),
        (&ec_private, parameters(ECDSA, None, Some(HashingAlgorithm::Sha1))),
        (&ec_private, parameters(ECDSA, None, Some(HashingAlgorithm::Md5))),
        (&private, parameters(CryptographicAlgorithm::Dsa, None, Some(SHA256))),
    ] {
        let refused = sign(key, &parameters, message).await;
        assert!(matches!(refused, Err(CryptoError::Unsupported(_))), "{parameters:?}");
    }
}

#[test]
fn the_offer_is_this() {
    let offers = |algorithm, padding| -> Vec<&str> {
        let offered = |value| {
            let hash = Some(HashingAlgorithm::from_value(value));
            AwsLcSignatures::new().supports(&parameters(algorithm, padding, hash))
        };
        let members = HashingAlgorithm::MEMBERS.iter().filter(|member| offered(member.value));
        members.map(|member| member.name).collect()
    };
    let pkcs1 = offers(RSA, Some(PaddingMethod::Pkcs1V15));
    assert_eq!(pkcs1, ["SHA_1", "SHA_256", "SHA_384", "SHA_512"]);
    let all = [
        "SHA_1",
        "SHA_224",
        "SHA_256",
        "SHA_384",
        "SHA_512",
        "SHA_512_256",
        "SHA3_256",
        "SHA3_384",
        "SHA3_512",
    ];
    assert_eq!(offers(RSA, Some(PaddingMethod::Pss)), all);
    assert_eq!(offers(ECDSA, None), all);
    assert!(AwsLcSignatures::new().supports(&parameters(ED25519, None, None)));
    let mask = CryptographicParameters {
        mask_generator_hashing_algorithm: Some(HashingAlgorithm::Sha1),
        ..parameters(RSA, Some(PaddingMethod::Pss), Some(SHA256))
    };
    assert!(!AwsLcSignatures::new().supports(&mask));
    assert!(!AwsLcSignatures::new().supports(&CryptographicParameters::EMPTY));
}
