//! Ed25519 and X25519 keys.

use super::*;

#[test]
fn keys_describe_themselves() {
    for (name, algorithm) in
        [("ed25519", CryptographicAlgorithm::Ed25519), ("x25519", CryptographicAlgorithm::Ecdh)]
    {
        for (object_type, form, format) in
            [(PRIVATE, "pkcs8", KeyFormatType::Pkcs8), (PUBLIC, "spki", KeyFormatType::X509)]
        {
            let curve = Some(RecommendedCurve::Curve25519);
            let expected = KeyDescription { format, algorithm, length: 256, curve };
            assert_eq!(describe(object_type, &key(name, form)), Ok(expected), "{name}");
        }
    }
}

#[test]
fn ed25519_forms_convert_into_each_other() {
    let pkcs8 = key("ed25519", "pkcs8");
    let raw = bytes(&der(&pkcs8)[16..]);
    forms_agree(PRIVATE, &[(KeyFormatType::Pkcs8, pkcs8), (KeyFormatType::Raw, raw)]);
    let spki = key("ed25519", "spki");
    let raw = bytes(&der(&spki)[12..]);
    forms_agree(PUBLIC, &[(KeyFormatType::X509, spki), (KeyFormatType::Raw, raw)]);
}

#[test]
fn x25519_keys_convert_to_their_32_bytes() {
    let pkcs8 = key("x25519", "pkcs8");
    let raw = convert(PRIVATE, &pkcs8, KeyFormatType::Raw);
    assert_eq!(raw, Ok(bytes(&der(&pkcs8)[16..])));
    let spki = key("x25519", "spki");
    let raw = convert(PUBLIC, &spki, KeyFormatType::Raw);
    assert_eq!(raw, Ok(bytes(&der(&spki)[12..])));
}

#[test]
fn version_2_of_pkcs_8_is_read_and_kept() {
    let version_1 = bytes(RFC_8410_V1.as_bytes());
    let version_2 = bytes(RFC_8410_V2.as_bytes());
    let form = KeyFormatType::Raw;
    assert_eq!(convert(PRIVATE, &version_2, form), convert(PRIVATE, &version_1, form));
    // Byte for byte, with its attribute.
    let kept = convert(PRIVATE, &version_2, KeyFormatType::Pkcs8).unwrap();
    assert_eq!(der(&kept).len(), 116);
}

#[tokio::test]
async fn made_keys_come_back_and_still_sign() {
    let pair = generate(KeyPairSpecification::Ed25519).await;
    let private = KeyMaterial::Bytes(pair.private);
    let raw = convert(PRIVATE, &private, KeyFormatType::Raw).unwrap();
    let back = convert(PRIVATE, &raw, KeyFormatType::Pkcs8).unwrap();
    assert_eq!(back, private);
    let public = convert(PUBLIC, &bytes(&pair.public), KeyFormatType::Raw).unwrap();
    Ed25519KeyPair::from_seed_and_public_key(der(&raw), der(&public)).unwrap();
}

#[test]
fn curve448_is_not_supported() {
    for (object_type, form) in [(PRIVATE, "pkcs8"), (PUBLIC, "spki")] {
        let described = describe(object_type, &key("ed448", form));
        let reason = "keys of the algorithm 1.3.101.113".to_owned();
        assert_eq!(described, Err(CryptoError::Unsupported(reason)));
    }
}
