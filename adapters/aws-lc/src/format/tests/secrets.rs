//! Symmetric keys, secrets, and what is bytes only.

use super::*;

const SECRETS: [ObjectType; 2] = [ObjectType::SymmetricKey, ObjectType::SecretData];

fn structure(key: &[u8]) -> KeyMaterial {
    KeyMaterial::TransparentSymmetricKey { key: Material::from(key) }
}

#[test]
fn symmetric_keys_and_secrets_are_raw_or_transparent() {
    for object_type in SECRETS {
        for from in [bytes(b"secret"), structure(b"secret")] {
            for to in [KeyFormatType::Raw, KeyFormatType::Opaque] {
                assert_eq!(convert(object_type, &from, to), Ok(bytes(b"secret")));
            }
            let to = KeyFormatType::TransparentSymmetricKey;
            assert_eq!(convert(object_type, &from, to), Ok(structure(b"secret")));
        }
    }
}

#[test]
fn a_secret_that_looks_like_a_key_stays_as_it_is() {
    let pem = text("PRIVATE KEY", &key("ed25519", "pkcs8"));
    let converted = convert(ObjectType::SecretData, &pem, KeyFormatType::Raw);
    assert_eq!(converted, Ok(pem));
}

#[test]
fn a_secret_is_not_the_structure_of_another_key() {
    let d = Material::new(vec![1]);
    let recommended_curve = RecommendedCurve::P256;
    let other = KeyMaterial::TransparentEcPrivateKey { recommended_curve, d };
    for object_type in SECRETS {
        assert!(is_bad_key(&convert(object_type, &other, KeyFormatType::Raw)));
    }
}

#[test]
fn split_and_pgp_keys_are_bytes() {
    for object_type in [ObjectType::SplitKey, ObjectType::PgpKey] {
        for to in [KeyFormatType::Raw, KeyFormatType::Opaque] {
            assert_eq!(convert(object_type, &bytes(b"part"), to), Ok(bytes(b"part")));
        }
        let to = KeyFormatType::TransparentSymmetricKey;
        let refused = convert(object_type, &bytes(b"part"), to);
        assert_eq!(refused, Err(CryptoError::NoSuchForm));
        let broken = convert(object_type, &structure(b"part"), KeyFormatType::Raw);
        assert!(is_bad_key(&broken));
    }
}

#[test]
fn secrets_do_not_describe_themselves() {
    for object_type in SECRETS {
        assert!(is_bad_key(&describe(object_type, &bytes(b"secret"))));
    }
}
