//! Keys under wrong names, as text, of the wrong kind, and no keys at all.

use super::*;

#[test]
fn every_kind_of_key_has_these_forms_and_no_other() {
    use KeyFormatType as Form;
    let curve = curves().into_iter().find(|row| row.curve == RecommendedCurve::P256).unwrap();
    let ec_private = [
        Form::Pkcs8,
        Form::EcPrivateKey,
        Form::TransparentEcPrivateKey,
        Form::TransparentEcdsaPrivateKey,
        Form::TransparentEcdhPrivateKey,
        Form::TransparentEcmqvPrivateKey,
    ];
    let ec_public = [
        Form::X509,
        Form::TransparentEcPublicKey,
        Form::TransparentEcdsaPublicKey,
        Form::TransparentEcdhPublicKey,
        Form::TransparentEcmqvPublicKey,
    ];
    let rsa_private = [Form::Pkcs1, Form::Pkcs8, Form::TransparentRsaPrivateKey];
    let rsa_public = [Form::Pkcs1, Form::X509, Form::TransparentRsaPublicKey];
    let secret = [Form::Raw, Form::Opaque, Form::TransparentSymmetricKey];
    let cases: [(ObjectType, KeyMaterial, &[Form]); 9] = [
        (PRIVATE, key("rsa-2048", "pkcs1"), &rsa_private),
        (PUBLIC, key("rsa-2048", "spki"), &rsa_public),
        (PRIVATE, curve.sec1, &ec_private),
        (PUBLIC, curve.spki, &ec_public),
        (PRIVATE, key("ed25519", "pkcs8"), &[Form::Pkcs8, Form::Raw]),
        (PUBLIC, key("ed25519", "spki"), &[Form::X509, Form::Raw]),
        (PRIVATE, key("x25519", "pkcs8"), &[Form::Pkcs8, Form::Raw]),
        (PUBLIC, key("x25519", "spki"), &[Form::X509, Form::Raw]),
        (ObjectType::SymmetricKey, bytes(&[1; 16]), &secret),
    ];
    for (case, (object_type, key, forms)) in cases.iter().enumerate() {
        for member in Form::MEMBERS {
            let to = Form::from_value(member.value);
            let converted = convert(*object_type, key, to);
            if forms.contains(&to) {
                assert!(converted.is_ok(), "case {case} to {to}: {converted:?}");
            } else {
                assert_eq!(converted, Err(CryptoError::NoSuchForm), "case {case} to {to}");
            }
        }
        let vendor = Form::from_value(0x8000_0001);
        assert_eq!(convert(*object_type, key, vendor), Err(CryptoError::NoSuchForm));
    }
}

#[test]
fn text_is_the_key_it_holds() {
    for (object_type, label, held) in [
        (PRIVATE, "RSA PRIVATE KEY", key("rsa-2048", "pkcs1")),
        (PRIVATE, "PRIVATE KEY", key("rsa-2048", "pkcs8")),
        (PUBLIC, "RSA PUBLIC KEY", key("rsa-2048", "public-pkcs1")),
        (PUBLIC, "PUBLIC KEY", key("rsa-2048", "spki")),
        // The label is not trusted either.
        (PRIVATE, "RSA PRIVATE KEY", key("ed25519", "pkcs8")),
    ] {
        let described = describe(object_type, &held).unwrap();
        let written = text(label, &held);
        assert_eq!(describe(object_type, &written), Ok(described), "{label}");
        // Asked for the form it has, it loses its text.
        assert_eq!(convert(object_type, &written, described.format), Ok(held), "{label}");
    }
}

#[test]
fn a_key_is_not_of_the_other_object_type() {
    let curve = curves().into_iter().find(|row| row.curve == RecommendedCurve::P256).unwrap();
    let rsa = KeyFormatType::TransparentRsaPublicKey;
    let rsa = convert(PUBLIC, &key("rsa-2048", "spki"), rsa).unwrap();
    for private in [key("rsa-2048", "pkcs1"), key("rsa-2048", "pkcs8"), curve.sec1, curve.pkcs8] {
        assert!(is_bad_key(&describe(PUBLIC, &private)));
        assert!(is_bad_key(&convert(PUBLIC, &private, KeyFormatType::X509)));
    }
    for public in [key("rsa-2048", "public-pkcs1"), key("rsa-2048", "spki"), curve.spki, rsa] {
        assert!(is_bad_key(&describe(PRIVATE, &public)));
        assert!(is_bad_key(&convert(PRIVATE, &public, KeyFormatType::Pkcs8)));
    }
}

#[test]
fn certificates_and_encrypted_keys_are_refused_for_what_they_are() {
    let certificate = key("rsa-2048", "certificate");
    let refusal = Err(CryptoError::BadKey("it is a certificate"));
    assert_eq!(describe(PUBLIC, &certificate), refusal);
    assert_eq!(describe(PUBLIC, &text("CERTIFICATE", &certificate)), refusal);
    let encrypted = key("rsa-2048", "encrypted");
    let refusal = Err(CryptoError::BadKey("it is encrypted"));
    assert_eq!(describe(PRIVATE, &encrypted), refusal);
    assert_eq!(describe(PRIVATE, &text("ENCRYPTED PRIVATE KEY", &encrypted)), refusal);
}

#[test]
fn other_object_types_are_no_keys() {
    for object_type in [
        ObjectType::Certificate,
        ObjectType::OpaqueObject,
        ObjectType::CertificateRequest,
        ObjectType::Template,
    ] {
        assert!(is_bad_key(&describe(object_type, &key("rsa-2048", "pkcs8"))));
        let converted = convert(object_type, &key("rsa-2048", "pkcs8"), KeyFormatType::Pkcs8);
        assert!(is_bad_key(&converted));
    }
}

#[test]
fn junk_is_a_bad_key_whatever_form_is_asked_for() {
    for junk in [&b""[..], b"junk", &[0; 16], &[0x30; 31], &[0xff; 33], &[4; 65], b"\x30\x00"] {
        for object_type in [PUBLIC, PRIVATE] {
            assert!(is_bad_key(&describe(object_type, &bytes(junk))), "{junk:?}");
            for member in KeyFormatType::MEMBERS {
                let to = KeyFormatType::from_value(member.value);
                assert!(is_bad_key(&convert(object_type, &bytes(junk), to)), "{junk:?}");
            }
        }
    }
}

#[test]
fn cut_or_lengthened_keys_are_bad_keys() {
    for (object_type, name, form) in [
        (PRIVATE, "rsa-1024", "pkcs1"),
        (PRIVATE, "ed25519", "pkcs8"),
        (PUBLIC, "ed25519", "spki"),
        (PUBLIC, "rsa-2048", "public-pkcs1"),
    ] {
        let whole = key(name, form);
        let whole = der(&whole);
        // 32 bytes of anything are an Ed25519 key.
        for length in (0..whole.len()).filter(|length| *length != 32) {
            let cut = describe(object_type, &bytes(&whole[..length]));
            assert!(is_bad_key(&cut), "{name} {form} cut at {length}");
        }
        let longer = [whole, &[0]].concat();
        assert!(is_bad_key(&describe(object_type, &bytes(&longer))), "{name} {form}");
    }
}

#[test]
fn no_changed_byte_makes_reading_panic() {
    let curve = curves().into_iter().find(|row| row.curve == RecommendedCurve::P256).unwrap();
    for (object_type, whole) in [
        (PRIVATE, key("ed25519", "pkcs8")),
        (PRIVATE, curve.sec1),
        (PRIVATE, curve.pkcs8),
        (PUBLIC, curve.spki),
        (PUBLIC, key("rsa-2048", "public-pkcs1")),
    ] {
        for position in 0..der(&whole).len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = der(&whole).to_vec();
                changed[position] ^= change;
                if let Ok(read) = describe(object_type, &bytes(&changed)) {
                    assert!(read.length >= 0);
                }
            }
        }
    }
}
