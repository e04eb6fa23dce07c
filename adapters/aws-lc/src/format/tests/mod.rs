//! What the port promises of key forms, against keys made by OpenSSL and by AWS-LC.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256},
};
use kmip_model::{
    Material,
    enumeration::{Enumeration, RecommendedCurve},
};
use kmip_ports::crypto::{KeyGeneration, KeyPair, KeyPairSpecification};

use super::{number::without_leading_zeros, *};
use crate::{AwsLcKeyGeneration, generate::signing_algorithm};

mod curve25519_keys;
mod curve_keys;
mod fixed_keys;
mod real_form;
mod rsa_keys;
mod secrets;

const PUBLIC: ObjectType = ObjectType::PublicKey;
const PRIVATE: ObjectType = ObjectType::PrivateKey;

/// Made by OpenSSL: `name form hexadecimal`.
const KEYS: &str = include_str!("../../../tests/vectors/keys.txt");
/// Made by OpenSSL, one curve per line.
const CURVES: &str = include_str!("../../../tests/vectors/curves.txt");

/// RFC 8410 §10.3: the same key in version 1, and in version 2 with an attribute and public key.
const RFC_8410_V1: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const RFC_8410_V2: &str = "-----BEGIN PRIVATE KEY-----\n\
    MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
    Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PRIVATE KEY-----\n";

fn bytes(bytes: &[u8]) -> KeyMaterial {
    KeyMaterial::Bytes(Material::from(bytes))
}

fn key(name: &str, form: &str) -> KeyMaterial {
    let line = KEYS.lines().find(|line| line.starts_with(&format!("{name} {form} "))).unwrap();
    bytes(&hex::decode(line.split(' ').nth(2).unwrap()).unwrap())
}

fn der(key: &KeyMaterial) -> &[u8] {
    key.as_bytes().unwrap().expose()
}

fn convert(
    object_type: ObjectType,
    from: &KeyMaterial,
    to: KeyFormatType,
) -> Result<KeyMaterial, CryptoError> {
    DerKeyFormats.convert(object_type, from, to)
}

fn describe(object_type: ObjectType, key: &KeyMaterial) -> Result<KeyDescription, CryptoError> {
    DerKeyFormats.describe(object_type, key)
}

fn is_bad_key<T>(result: &Result<T, CryptoError>) -> bool {
    matches!(result, Err(CryptoError::BadKey(_)))
}

/// Writes bytes as PEM text.
fn text(label: &str, key: &KeyMaterial) -> KeyMaterial {
    let written = der::pem::encode_string(label, der::pem::LineEnding::LF, der(key)).unwrap();
    bytes(written.as_bytes())
}

/// One row of the curves: what OpenSSL wrote.
struct CurveRow {
    curve: RecommendedCurve,
    bits: i32,
    sec1: KeyMaterial,
    pkcs8: KeyMaterial,
    spki: KeyMaterial,
    compressed_sec1: KeyMaterial,
    compressed_spki: KeyMaterial,
}

fn curves() -> Vec<CurveRow> {
    CURVES
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<&str> = line.split(' ').collect();
            let material = |column: usize| bytes(&hex::decode(columns[column]).unwrap());
            CurveRow {
                curve: RecommendedCurve::parse(columns[0]).unwrap(),
                bits: columns[1].parse().unwrap(),
                sec1: material(2),
                pkcs8: material(3),
                spki: material(4),
                compressed_sec1: material(5),
                compressed_spki: material(6),
            }
        })
        .collect()
}

async fn generate(specification: KeyPairSpecification) -> KeyPair {
    AwsLcKeyGeneration::new().key_pair(specification).await.unwrap()
}

/// Converts through every form in turn and checks that each leads to each.
fn forms_agree(object_type: ObjectType, forms: &[(KeyFormatType, KeyMaterial)]) {
    for (from, key) in forms {
        assert_eq!(describe(object_type, key).unwrap().format, *from);
        for (to, expected) in forms {
            let converted = convert(object_type, key, *to);
            assert_eq!(converted.as_ref(), Ok(expected), "{from} to {to}");
        }
    }
}
