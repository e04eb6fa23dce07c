//! RSA keys, whole, partial and contradictory.

use super::*;

fn transparent() -> KeyMaterial {
    convert(PRIVATE, &key("rsa-2048", "pkcs1"), KeyFormatType::TransparentRsaPrivateKey).unwrap()
}

/// The transparent key without some of its numbers, in the order of the specification:
/// private exponent, public exponent, P, Q, prime exponents P and Q, coefficient.
fn with_only(numbers: &str) -> KeyMaterial {
    let KeyMaterial::TransparentRsaPrivateKey {
        modulus,
        private_exponent,
        public_exponent,
        p,
        q,
        prime_exponent_p,
        prime_exponent_q,
        crt_coefficient,
    } = transparent()
    else {
        panic!("not transparent")
    };
    let has = |name: &str| numbers.split(' ').any(|number| number == name);
    KeyMaterial::TransparentRsaPrivateKey {
        modulus,
        private_exponent: private_exponent.filter(|_| has("d")),
        public_exponent: public_exponent.filter(|_| has("e")),
        p: p.filter(|_| has("p")),
        q: q.filter(|_| has("q")),
        prime_exponent_p: prime_exponent_p.filter(|_| has("dp")),
        prime_exponent_q: prime_exponent_q.filter(|_| has("dq")),
        crt_coefficient: crt_coefficient.filter(|_| has("c")),
    }
}

#[test]
fn private_forms_convert_into_each_other() {
    forms_agree(
        PRIVATE,
        &[
            (KeyFormatType::Pkcs1, key("rsa-2048", "pkcs1")),
            (KeyFormatType::Pkcs8, key("rsa-2048", "pkcs8")),
            (KeyFormatType::TransparentRsaPrivateKey, transparent()),
        ],
    );
}

#[test]
fn public_forms_convert_into_each_other() {
    let pkcs1 = key("rsa-2048", "public-pkcs1");
    let to = KeyFormatType::TransparentRsaPublicKey;
    let transparent = convert(PUBLIC, &pkcs1, to).unwrap();
    forms_agree(
        PUBLIC,
        &[
            (KeyFormatType::Pkcs1, pkcs1),
            (KeyFormatType::X509, key("rsa-2048", "spki")),
            (to, transparent),
        ],
    );
}

#[test]
fn a_key_describes_itself() {
    let described = describe(PRIVATE, &key("rsa-1024", "pkcs1"));
    let expected = KeyDescription {
        format: KeyFormatType::Pkcs1,
        algorithm: CryptographicAlgorithm::Rsa,
        length: 1024,
        curve: None,
    };
    assert_eq!(described, Ok(expected));
    let described = describe(PUBLIC, &key("rsa-2048", "spki"));
    let expected = KeyDescription { format: KeyFormatType::X509, length: 2048, ..expected };
    assert_eq!(described, Ok(expected));
}

#[test]
fn transparent_numbers_are_the_shortest_twos_complement() {
    let pkcs1 = key("rsa-2048", "public-pkcs1");
    let to = KeyFormatType::TransparentRsaPublicKey;
    let Ok(KeyMaterial::TransparentRsaPublicKey { modulus, public_exponent }) =
        convert(PUBLIC, &pkcs1, to)
    else {
        panic!("not transparent")
    };
    // The highest bit of a modulus is set, so there is one byte of sign; 65537 needs none.
    assert_eq!(modulus.len(), 257);
    assert_eq!(modulus[0], 0);
    assert_eq!(public_exponent, [1, 0, 1]);
}

#[test]
fn padded_big_integers_are_read() {
    let plain = convert(PUBLIC, &key("rsa-2048", "spki"), KeyFormatType::TransparentRsaPublicKey);
    let Ok(KeyMaterial::TransparentRsaPublicKey { mut modulus, public_exponent }) = plain else {
        panic!("not transparent")
    };
    modulus.splice(0..0, [0; 7]);
    let public_exponent = [&[0; 5], &public_exponent[..]].concat();
    let padded = KeyMaterial::TransparentRsaPublicKey { modulus, public_exponent };
    assert_eq!(convert(PUBLIC, &padded, KeyFormatType::X509), Ok(key("rsa-2048", "spki")));
    assert_eq!(describe(PUBLIC, &padded).unwrap().length, 2048);
}

#[test]
fn missing_numbers_are_computed() {
    for numbers in [
        "e d p q dp dq c",
        "e d",
        "e d p",
        "e d q",
        "e p q",
        "d p q",
        "e p",
        "e q",
        "d q",
        "p q dp dq c",
        "p q dp",
        "e d dp dq c",
        "e p q c",
    ] {
        let converted = convert(PRIVATE, &with_only(numbers), KeyFormatType::Pkcs1);
        assert_eq!(converted, Ok(key("rsa-2048", "pkcs1")), "{numbers}");
    }
}

#[test]
fn a_key_with_too_few_numbers_is_described_and_kept_but_not_converted() {
    for numbers in ["d", "e", "p q", "q", "dp dq c", "d dp dq c", ""] {
        let partial = with_only(numbers);
        assert_eq!(describe(PRIVATE, &partial).unwrap().length, 2048, "{numbers}");
        let kept = convert(PRIVATE, &partial, KeyFormatType::TransparentRsaPrivateKey);
        assert_eq!(kept.as_ref(), Ok(&partial), "{numbers}");
        let converted = convert(PRIVATE, &partial, KeyFormatType::Pkcs8);
        assert!(is_bad_key(&converted), "{numbers}: {converted:?}");
    }
}

#[test]
fn a_private_exponent_modulo_phi_yields_the_primes_too() {
    // OpenSSL takes the inverse modulo λ, others modulo φ: another number, the same key.
    let exponent = key("rsa-2048", "private-exponent-modulo-phi");
    let mut other = with_only("e d");
    if let KeyMaterial::TransparentRsaPrivateKey { private_exponent, .. } = &mut other {
        *private_exponent = Some(Material::from(der(&exponent)));
    }
    assert_ne!(other, with_only("e d"));
    let computed = convert(PRIVATE, &other, KeyFormatType::Pkcs1).unwrap();
    let (computed, expected) = (der(&computed), key("rsa-2048", "pkcs1"));
    let computed = RsaPrivateKeyRef::from_der(computed).unwrap();
    let expected = RsaPrivateKeyRef::from_der(der(&expected)).unwrap();
    assert_eq!(computed.prime1.as_bytes(), expected.prime1.as_bytes());
    assert_eq!(computed.prime2.as_bytes(), expected.prime2.as_bytes());
    assert_eq!(computed.exponent1.as_bytes(), expected.exponent1.as_bytes());
    assert_eq!(computed.coefficient.as_bytes(), expected.coefficient.as_bytes());
    let kept = without_leading_zeros(der(&exponent));
    assert_eq!(computed.private_exponent.as_bytes(), kept);
}

#[test]
fn numbers_that_contradict_each_other_are_refused() {
    for number in 0..8 {
        let mut broken = transparent();
        let KeyMaterial::TransparentRsaPrivateKey {
            modulus,
            private_exponent,
            public_exponent,
            p,
            q,
            prime_exponent_p,
            prime_exponent_q,
            crt_coefficient,
        } = &mut broken
        else {
            panic!("not transparent")
        };
        let change = |number: &mut Option<Material>| {
            let mut digits = number.as_ref().unwrap().expose().to_vec();
            *digits.last_mut().unwrap() ^= 2;
            *number = Some(Material::new(digits));
        };
        match number {
            0 => *modulus.last_mut().unwrap() ^= 2,
            1 => change(private_exponent),
            2 => *public_exponent = Some(vec![1, 0, 3]),
            3 => change(p),
            4 => change(q),
            5 => change(prime_exponent_p),
            6 => change(prime_exponent_q),
            _ => change(crt_coefficient),
        }
        let converted = convert(PRIVATE, &broken, KeyFormatType::Pkcs1);
        assert!(is_bad_key(&converted), "number {number}");
    }
}

#[test]
fn exponents_that_yield_no_primes_are_refused() {
    for d in [&[1][..], &[2], &[0x7f; 200], &[0]] {
        let mut broken = with_only("e d");
        if let KeyMaterial::TransparentRsaPrivateKey { private_exponent, .. } = &mut broken {
            *private_exponent = Some(Material::from(d));
        }
        let converted = convert(PRIVATE, &broken, KeyFormatType::Pkcs1);
        assert!(is_bad_key(&converted), "{converted:?}");
    }
}

#[test]
fn even_negative_and_zero_numbers_are_refused() {
    for (modulus, public_exponent) in [
        (vec![0x0c, 0xa0], vec![17]),
        (vec![0x8c, 0xa1], vec![17]),
        (vec![0], vec![17]),
        (vec![], vec![17]),
        (vec![0x0c, 0xa1], vec![16]),
        (vec![0x0c, 0xa1], vec![0]),
        (vec![0x0c, 0xa1], vec![0xf1]),
    ] {
        let broken = KeyMaterial::TransparentRsaPublicKey { modulus, public_exponent };
        assert!(is_bad_key(&describe(PUBLIC, &broken)), "{broken:?}");
    }
}

#[test]
fn small_and_senseless_numbers_are_refused_or_make_a_key() {
    let number = |number: u8| (number > 0).then(|| Material::new(vec![number]));
    let numbers = 0..8_u8;
    let mut keys = 0;
    for modulus in (1..64).step_by(2) {
        for (d, e) in numbers.clone().flat_map(|d| numbers.clone().map(move |e| (d, e))) {
            for (p, q) in numbers.clone().flat_map(|p| numbers.clone().map(move |q| (p, q))) {
                let senseless = KeyMaterial::TransparentRsaPrivateKey {
                    modulus: vec![modulus],
                    private_exponent: number(d),
                    public_exponent: (e > 0).then(|| vec![e]),
                    p: number(p),
                    q: number(q),
                    prime_exponent_p: None,
                    prime_exponent_q: None,
                    crt_coefficient: None,
                };
                let converted = convert(PRIVATE, &senseless, KeyFormatType::Pkcs1);
                if let Ok(made) = converted {
                    let read = RsaPrivateKeyRef::from_der(der(&made)).unwrap();
                    let [p, q] = [read.prime1, read.prime2].map(|prime| prime.as_bytes()[0]);
                    assert_eq!(p * q, modulus);
                    keys += 1;
                } else {
                    assert!(is_bad_key(&converted));
                }
            }
        }
    }
    assert!(keys > 0);
}

#[test]
fn very_long_numbers_are_not_computed_with() {
    let endless = KeyMaterial::TransparentRsaPrivateKey {
        modulus: vec![0x7f; 100_000],
        private_exponent: Some(Material::new(vec![0x7f; 100_000])),
        public_exponent: Some(vec![1, 0, 1]),
        p: None,
        q: None,
        prime_exponent_p: None,
        prime_exponent_q: None,
        crt_coefficient: None,
    };
    let converted = convert(PRIVATE, &endless, KeyFormatType::Pkcs1);
    assert!(matches!(converted, Err(CryptoError::Unsupported(_))));
}

#[test]
fn three_primes_are_refused() {
    assert!(is_bad_key(&describe(PRIVATE, &key("rsa-three-primes", "pkcs1"))));
}

#[tokio::test]
async fn made_keys_come_back_from_every_form_and_still_sign() {
    let pair = generate(KeyPairSpecification::Rsa { bits: 2048 }).await;
    let private = KeyMaterial::Bytes(pair.private);
    for form in [KeyFormatType::Pkcs1, KeyFormatType::TransparentRsaPrivateKey] {
        let converted = convert(PRIVATE, &private, form).unwrap();
        let back = convert(PRIVATE, &converted, KeyFormatType::Pkcs8);
        assert_eq!(back.as_ref(), Ok(&private), "{form}");
    }
    let pkcs1 = convert(PRIVATE, &private, KeyFormatType::Pkcs1).unwrap();
    let read = rsa::KeyPair::from_der(der(&pkcs1)).unwrap();
    let mut signature = vec![0; read.public_modulus_len()];
    read.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();

    let public = bytes(&pair.public);
    for form in [KeyFormatType::Pkcs1, KeyFormatType::TransparentRsaPublicKey] {
        let converted = convert(PUBLIC, &public, form).unwrap();
        let back = convert(PUBLIC, &converted, KeyFormatType::X509);
        assert_eq!(back.as_ref(), Ok(&public), "{form}");
    }
}
