//! Keys on named curves.

use super::*;

const PRIVATE_FORMS: [KeyFormatType; 4] = [
    KeyFormatType::TransparentEcPrivateKey,
    KeyFormatType::TransparentEcdsaPrivateKey,
    KeyFormatType::TransparentEcdhPrivateKey,
    KeyFormatType::TransparentEcmqvPrivateKey,
];
const PUBLIC_FORMS: [KeyFormatType; 4] = [
    KeyFormatType::TransparentEcPublicKey,
    KeyFormatType::TransparentEcdsaPublicKey,
    KeyFormatType::TransparentEcdhPublicKey,
    KeyFormatType::TransparentEcmqvPublicKey,
];

fn row(curve: RecommendedCurve) -> CurveRow {
    curves().into_iter().find(|row| row.curve == curve).unwrap()
}

fn d(curve: RecommendedCurve, value: &[u8]) -> KeyMaterial {
    KeyMaterial::TransparentEcPrivateKey { recommended_curve: curve, d: Material::from(value) }
}

#[test]
fn private_forms_convert_into_each_other_on_every_curve() {
    let rows = curves();
    assert_eq!(rows.len(), 32);
    for row in rows {
        let to_pkcs8 = convert(PRIVATE, &row.sec1, KeyFormatType::Pkcs8);
        assert_eq!(to_pkcs8.as_ref(), Ok(&row.pkcs8), "{}", row.curve);
        let to_sec1 = convert(PRIVATE, &row.pkcs8, KeyFormatType::EcPrivateKey);
        assert_eq!(to_sec1.as_ref(), Ok(&row.sec1), "{}", row.curve);
        for form in PRIVATE_FORMS {
            let transparent = convert(PRIVATE, &row.pkcs8, form).unwrap();
            assert_eq!(convert(PRIVATE, &row.sec1, form).as_ref(), Ok(&transparent));
            // Without the public point, which only some curves can compute.
            for back in [KeyFormatType::Pkcs8, KeyFormatType::EcPrivateKey] {
                let back = convert(PRIVATE, &transparent, back).unwrap();
                assert_eq!(convert(PRIVATE, &back, form).as_ref(), Ok(&transparent));
            }
        }
    }
}

#[test]
fn the_public_point_is_computed_where_the_curve_is_known() {
    for curve in [
        RecommendedCurve::P256,
        RecommendedCurve::P384,
        RecommendedCurve::P521,
        RecommendedCurve::Secp256K1,
    ] {
        let row = row(curve);
        let transparent =
            convert(PRIVATE, &row.pkcs8, KeyFormatType::TransparentEcPrivateKey).unwrap();
        forms_agree(
            PRIVATE,
            &[
                (KeyFormatType::Pkcs8, row.pkcs8),
                (KeyFormatType::EcPrivateKey, row.sec1),
                (KeyFormatType::TransparentEcPrivateKey, transparent),
            ],
        );
    }
}

#[test]
fn public_forms_convert_into_each_other_on_every_curve() {
    for row in curves() {
        for form in PUBLIC_FORMS {
            let transparent = convert(PUBLIC, &row.spki, form).unwrap();
            let back = convert(PUBLIC, &transparent, KeyFormatType::X509);
            assert_eq!(back.as_ref(), Ok(&row.spki), "{} {form}", row.curve);
            let again = convert(PUBLIC, &transparent, PUBLIC_FORMS[0]);
            assert_eq!(again.as_ref(), Ok(&transparent), "{} {form}", row.curve);
        }
    }
}

#[test]
fn the_older_transparent_forms_are_the_same_structure() {
    let row = row(RecommendedCurve::P256);
    for form in PRIVATE_FORMS {
        let converted = convert(PRIVATE, &row.sec1, form).unwrap();
        assert_eq!(converted, convert(PRIVATE, &row.sec1, PRIVATE_FORMS[0]).unwrap());
        let again = convert(PRIVATE, &converted, form);
        assert_eq!(again, Ok(converted));
    }
}

#[test]
fn every_curve_describes_itself() {
    for row in curves() {
        for (object_type, material, format) in [
            (PRIVATE, &row.sec1, KeyFormatType::EcPrivateKey),
            (PRIVATE, &row.pkcs8, KeyFormatType::Pkcs8),
            (PRIVATE, &row.compressed_sec1, KeyFormatType::EcPrivateKey),
            (PUBLIC, &row.spki, KeyFormatType::X509),
            (PUBLIC, &row.compressed_spki, KeyFormatType::X509),
        ] {
            let expected = KeyDescription {
                format,
                algorithm: CryptographicAlgorithm::Ec,
                length: row.bits,
                curve: Some(row.curve),
            };
            assert_eq!(describe(object_type, material), Ok(expected));
        }
    }
}

#[test]
fn compressed_points_come_out_uncompressed_where_the_curve_is_known() {
    for row in curves() {
        let form = KeyFormatType::TransparentEcPublicKey;
        let full = convert(PUBLIC, &row.spki, form).unwrap();
        let compressed = convert(PUBLIC, &row.compressed_spki, form).unwrap();
        assert_eq!(full == compressed, signing_algorithm(row.curve).is_some(), "{}", row.curve);
        // Asked for the form it has, it stays as it is.
        let same = convert(PUBLIC, &row.compressed_spki, KeyFormatType::X509);
        assert_eq!(same.as_ref(), Ok(&row.compressed_spki));
    }
}

#[test]
fn a_private_value_may_be_short_or_padded() {
    let one =
        convert(PRIVATE, &d(RecommendedCurve::P256, &[1]), KeyFormatType::EcPrivateKey).unwrap();
    let read = EcPrivateKey::from_der(der(&one)).unwrap();
    assert_eq!(read.private_key, [&[0; 31][..], &[1]].concat());
    // SEC 2: the base point of P-256, which is once itself.
    let base = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    assert_eq!(hex::encode(read.public_key.unwrap()), base);
    let padded = d(RecommendedCurve::P256, &[&[0; 39][..], &[1]].concat());
    assert_eq!(convert(PRIVATE, &padded, KeyFormatType::EcPrivateKey), Ok(one));
}

#[test]
fn private_values_outside_the_curve_are_refused() {
    // The order of P-256, and longer and lesser values than there are.
    let order = "00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order = hex::decode(order).unwrap();
    for value in [&order[..], &[0], &[], &[0xff], &[0x7f; 33], &[0x7f; 4000]] {
        let described = describe(PRIVATE, &d(RecommendedCurve::P256, value));
        assert!(is_bad_key(&described), "{described:?}");
    }
    let described = describe(PRIVATE, &d(RecommendedCurve::P224, &[0x7f; 29]));
    assert!(is_bad_key(&described));
}

#[test]
fn points_off_the_curve_are_refused() {
    let row = row(RecommendedCurve::P256);
    for position in [0, 1, 64] {
        let mut point = der(&row.spki)[26..].to_vec();
        point[position] ^= 1;
        let broken =
            KeyMaterial::TransparentEcPublicKey { recommended_curve: row.curve, q_string: point };
        assert!(is_bad_key(&describe(PUBLIC, &broken)), "byte {position}");
    }
    for point in [&[][..], &[4], &[0], &[2; 32], &[4; 64], &[4; 66]] {
        for recommended_curve in [RecommendedCurve::P256, RecommendedCurve::P224] {
            let q_string = point.to_vec();
            let broken = KeyMaterial::TransparentEcPublicKey { recommended_curve, q_string };
            assert!(is_bad_key(&describe(PUBLIC, &broken)), "{point:?}");
        }
    }
}

#[test]
fn a_point_of_another_key_is_refused() {
    let row = row(RecommendedCurve::P256);
    let mut changed = der(&row.sec1).to_vec();
    // The private value begins behind six bytes of headers.
    changed[7] ^= 1;
    assert!(is_bad_key(&describe(PRIVATE, &bytes(&changed))));
}

#[test]
fn curves_without_a_name_are_refused() {
    assert!(is_bad_key(&describe(PRIVATE, &key("explicit-curve", "pkcs8"))));
    let row = row(RecommendedCurve::P256);
    let named = EcPrivateKey::from_der(der(&row.sec1)).unwrap();
    let nameless = EcPrivateKey { parameters: None, ..named };
    let nameless = der::Encode::to_der(&nameless).unwrap();
    assert!(is_bad_key(&describe(PRIVATE, &bytes(&nameless))));
}

#[test]
fn other_curves_are_not_supported() {
    for curve in [RecommendedCurve::Curve448, RecommendedCurve::Sect113R1] {
        let described = describe(PRIVATE, &d(curve, &[1]));
        let reason = format!("keys on the curve {curve}");
        assert_eq!(described, Err(CryptoError::Unsupported(reason)));
    }
}

#[test]
fn the_identifier_of_ecdh_says_ecdh() {
    let row = row(RecommendedCurve::P256);
    let mut read = SubjectPublicKeyInfoRef::try_from(der(&row.spki)).unwrap();
    read.algorithm.oid = der::asn1::ObjectIdentifier::new_unwrap("1.3.132.1.12");
    let ecdh = bytes(&der::Encode::to_der(&read).unwrap());
    let described = describe(PUBLIC, &ecdh).unwrap();
    assert_eq!(described.algorithm, CryptographicAlgorithm::Ecdh);
}

#[tokio::test]
async fn made_keys_come_back_from_every_form_and_are_still_keys() {
    for curve in [
        RecommendedCurve::P256,
        RecommendedCurve::P384,
        RecommendedCurve::P521,
        RecommendedCurve::Secp256K1,
    ] {
        let pair = generate(KeyPairSpecification::EllipticCurve { curve }).await;
        let private = KeyMaterial::Bytes(pair.private);
        assert_eq!(describe(PRIVATE, &private).unwrap().curve, Some(curve));
        for form in [KeyFormatType::EcPrivateKey, KeyFormatType::TransparentEcPrivateKey] {
            let converted = convert(PRIVATE, &private, form).unwrap();
            let back = convert(PRIVATE, &converted, KeyFormatType::Pkcs8).unwrap();
            assert_eq!(back, private, "{curve} {form}");
            let algorithm = signing_algorithm(curve).unwrap();
            assert!(EcdsaKeyPair::from_pkcs8(algorithm, der(&back)).is_ok());
        }
        let public = bytes(&pair.public);
        let form = KeyFormatType::TransparentEcPublicKey;
        let converted = convert(PUBLIC, &public, form).unwrap();
        assert_eq!(convert(PUBLIC, &converted, KeyFormatType::X509), Ok(public));
    }
}
