//! DSA and DH keys, which have one form.

use super::*;

fn dsa_private() -> KeyMaterial {
    KeyMaterial::TransparentDsaPrivateKey {
        p: [&[0, 0x80][..], &[1; 127]].concat(),
        q: vec![7],
        g: vec![2],
        x: Material::new(vec![3]),
    }
}

fn dsa_public() -> KeyMaterial {
    let p = [&[0, 0x80][..], &[1; 127]].concat();
    KeyMaterial::TransparentDsaPublicKey { p, q: vec![7], g: vec![2], y: vec![3] }
}

fn dh_private() -> KeyMaterial {
    let x = Material::new(vec![3]);
    KeyMaterial::TransparentDhPrivateKey { p: vec![1; 256], q: None, g: vec![2], j: None, x }
}

fn dh_public() -> KeyMaterial {
    let y = vec![3];
    KeyMaterial::TransparentDhPublicKey { p: vec![1; 256], q: None, g: vec![2], j: None, y }
}

#[test]
fn dsa_and_dh_keys_have_their_transparent_form_only() {
    let (dsa, dh) = (CryptographicAlgorithm::Dsa, CryptographicAlgorithm::Dh);
    for (object_type, key, format, algorithm, length) in [
        (PRIVATE, dsa_private(), KeyFormatType::TransparentDsaPrivateKey, dsa, 1024),
        (PUBLIC, dsa_public(), KeyFormatType::TransparentDsaPublicKey, dsa, 1024),
        (PRIVATE, dh_private(), KeyFormatType::TransparentDhPrivateKey, dh, 2041),
        (PUBLIC, dh_public(), KeyFormatType::TransparentDhPublicKey, dh, 2041),
    ] {
        let expected = KeyDescription { format, algorithm, length, curve: None };
        assert_eq!(describe(object_type, &key), Ok(expected));
        for member in KeyFormatType::MEMBERS {
            let to = KeyFormatType::from_value(member.value);
            let expected =
                if to == format { Ok(key.clone()) } else { Err(CryptoError::NoSuchForm) };
            assert_eq!(convert(object_type, &key, to), expected, "{format} to {to}");
        }
    }
}

#[test]
fn zero_is_no_number_of_a_key() {
    let broken =
        KeyMaterial::TransparentDsaPublicKey { p: vec![7], q: vec![0], g: vec![2], y: vec![3] };
    assert!(is_bad_key(&describe(PUBLIC, &broken)));
}

#[test]
fn other_forms_of_dsa_are_not_supported() {
    for (object_type, form) in [(PRIVATE, "pkcs8"), (PUBLIC, "spki")] {
        let described = describe(object_type, &key("dsa-1024", form));
        let reason = "keys of the algorithm 1.2.840.10040.4.1".to_owned();
        assert_eq!(described, Err(CryptoError::Unsupported(reason)));
    }
}
