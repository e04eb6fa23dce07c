//! Derivation against published answers.

use kmip_model::enumeration::{CryptographicAlgorithm, ObjectType, RecommendedCurve};
use kmip_testkit::{UnchangedFormats, key_in_use};

use super::*;
use crate::testing::bytes;

async fn derived(key: &[u8], derivation: Derivation<'_>, length: usize) -> String {
    let (key, _) = key_in_use(ObjectType::SecretData, None, bytes(key.to_vec()));
    let adapter = LegacyDerivation::new(Arc::new(UnchangedFormats));
    hex::encode(adapter.derive(&key, derivation, length).await.unwrap().expose())
}

async fn failure(key: &ProtectionKey, derivation: Derivation<'_>, length: usize) -> CryptoError {
    let adapter = LegacyDerivation::new(Arc::new(UnchangedFormats));
    adapter.derive(key, derivation, length).await.unwrap_err()
}

#[tokio::test]
async fn pbkdf2_makes_the_published_keys() {
    let long: (&[u8], &[u8]) =
        (b"passwordPASSWORDpassword", b"saltSALTsaltSALTsaltSALTsaltSALTsalt");
    let short: (&[u8], &[u8]) = (b"password", b"salt");
    for (hash, (password, salt), iterations, expected) in [
        // RFC 6070.
        (HashingAlgorithm::Sha1, short, 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        (HashingAlgorithm::Sha1, short, 4096, "4b007901b765489abead49d926f721d065a429c1"),
        (HashingAlgorithm::Sha1, long, 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
        // Python's hashlib; there are no published ones.
        (
            HashingAlgorithm::Md5,
            short,
            1000,
            "8d189946a32d883622a16ae18af0632f5791d5e7b1abb0ab1757d28ce3405614\
             0335105994495f91",
        ),
        (
            HashingAlgorithm::Sha224,
            short,
            2,
            "93200ffa96c5776d38fa10abdf8f5bfc0054b9718513df472d2331d2",
        ),
    ] {
        let derivation = Derivation::Pbkdf2 { hash, salt, iterations };
        let made = derived(password, derivation, expected.len() / 2).await;
        assert_eq!(made, expected, "{hash} {iterations}");
    }
}

#[tokio::test]
async fn hkdf_makes_the_published_keys() {
    // RFC 5869 appendix A, cases 1, 3 and 4.
    let key = [0x0b; 22];
    let salt: Vec<u8> = (0..13).collect();
    let info: Vec<u8> = (0xf0..0xfa).collect();
    for (hash, key, salt, info, expected) in [
        (
            HashingAlgorithm::Sha256,
            &key[..],
            &salt[..],
            &info[..],
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            HashingAlgorithm::Sha256,
            &key,
            &[],
            &[],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
        (
            HashingAlgorithm::Sha1,
            &key[..11],
            &salt,
            &info,
            "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896",
        ),
    ] {
        let made = derived(key, Derivation::Hkdf { hash, salt, info }, 42).await;
        assert_eq!(made, expected, "{hash}");
    }
}

#[tokio::test]
async fn the_modes_of_sp_800_108_make_the_known_keys() {
    // NIST CAVS, KDFCTR_gen, HMAC_SHA256, counter of 32 bits before the fixed data.
    let key = hex::decode("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0");
    let fixed = hex::decode(
        "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b8\
         64a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac",
    )
    .unwrap();
    let counter = Derivation::CounterMode { hash: HashingAlgorithm::Sha256, fixed: &fixed };
    let made = derived(&key.unwrap(), counter, 16).await;
    assert_eq!(made, "10621342bfb0fd40046c0e29f2cfdbf0");
    // With MD5: computed with Python's hmac from the definitions in SP 800-108 §5.
    let (hash, fixed, iv) = (HashingAlgorithm::Md5, b"fixed input", [0x0a; 16]);
    let key: Vec<u8> = (0..16).collect();
    for (derivation, expected) in [
        (
            Derivation::CounterMode { hash, fixed },
            "0cbb85258e21754afa29c08f951a725dea94d78540bba2fa79e3790d0012831458\
             4be332f764087d",
        ),
        (
            Derivation::FeedbackMode { hash, iv: &iv, fixed },
            "c3abe0c217d09777bce02c197f850dd16dd1c59801be7506616940a6cb06328146\
             881c88ed54c514",
        ),
        (
            Derivation::DoublePipelineMode { hash, fixed },
            "892992db2c4d996cfe7d604f2711cb35e8519f88f3f14381834b1b9d6395f2b05b\
             e2c82bf40e42bb",
        ),
    ] {
        assert_eq!(derived(&key, derivation, 40).await, expected, "{derivation:?}");
        assert_eq!(derived(&key, derivation, 3).await, expected[..6], "{derivation:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_derived_is_refused() {
    let (key, _) = key_in_use(ObjectType::SecretData, None, bytes(vec![1; 16]));
    let hash = HashingAlgorithm::Md5;
    let hkdf = Derivation::Hkdf { hash, salt: b"", info: b"" };
    assert_eq!(failure(&key, hkdf, 255 * 16 + 1).await, CryptoError::TooLong);
    let none = Derivation::Pbkdf2 { hash, salt: b"", iterations: 0 };
    assert!(matches!(failure(&key, none, 16).await, CryptoError::BadInput(_)));
    let unknown = HashingAlgorithm(0x8000_0001);
    let unknown = Derivation::CounterMode { hash: unknown, fixed: b"" };
    assert!(matches!(failure(&key, unknown, 16).await, CryptoError::Unsupported(_)));
    let (public, _) = key_in_use(ObjectType::PublicKey, None, bytes(vec![1; 16]));
    assert!(matches!(failure(&public, hkdf, 16).await, CryptoError::BadKey(_)));
}

const SCALAR: &str = "0102030405060708091011121314151617181920212223242526272829303132";
const OTHER_POINT: &str = "047962414450c76c1689c7b48f8202ec37fb224cf5ac0bfa1570328a8a3d7c77ab\
                           100b610ec4ffb4760d5c1fc133ef6f6b12507a051f04ac5760afa5b29db83437";

fn private(recommended_curve: RecommendedCurve, d: &str) -> ProtectionKey {
    let d = Material::new(hex::decode(d).unwrap());
    let material = KeyMaterial::TransparentEcPrivateKey { recommended_curve, d };
    key_in_use(ObjectType::PrivateKey, Some(CryptographicAlgorithm::Ec), material).0
}

fn public(recommended_curve: RecommendedCurve, point: &str) -> KeyMaterial {
    let q_string = hex::decode(point).unwrap();
    KeyMaterial::TransparentEcPublicKey { recommended_curve, q_string }
}

#[tokio::test]
async fn both_sides_agree_on_secp256k1() {
    // Keys and secret of Python's cryptography 48 (OpenSSL): the other side is 0x55 times the base.
    let curve = RecommendedCurve::Secp256K1;
    let secret = "694804db0d2d0e5ce8499580c8742740acd8ba8793cf66042db7df2103421cc4";
    let own_point = "04bb1cf34f3fac7833abfc9f09fa99974ab3d649761634ba1503f5534b5daaf824\
                     155db0e67c1a70479bd50309d23b3a3ae3f84695b640f6790e4881132732f9a9";
    let adapter = LegacyDerivation::new(Arc::new(UnchangedFormats));
    for (d, point) in [
        (SCALAR, OTHER_POINT),
        (&format!("00{SCALAR}"), OTHER_POINT),
        ("55", own_point),
        (&format!("{}55", "00".repeat(39)), own_point),
    ] {
        let point = public(curve, point);
        let derivation = Derivation::Agreement { public_key: &point };
        let made = adapter.derive(&private(curve, d), derivation, 32).await.unwrap();
        assert_eq!(hex::encode(made.expose()), secret);
        let made = adapter.derive(&private(curve, d), derivation, 16).await.unwrap();
        assert_eq!(hex::encode(made.expose()), secret[..32]);
    }
}

#[tokio::test]
async fn agreement_is_refused_where_it_cannot_be() {
    let curve = RecommendedCurve::Secp256K1;
    let point = public(curve, OTHER_POINT);
    let derivation = Derivation::Agreement { public_key: &point };
    let key = private(curve, SCALAR);
    assert_eq!(failure(&key, derivation, 33).await, CryptoError::TooLong);
    let other = failure(&private(RecommendedCurve::P256, SCALAR), derivation, 32).await;
    assert!(matches!(other, CryptoError::Unsupported(_)));
    for d in ["00", &"ff".repeat(32), &"01".repeat(33)] {
        let other = failure(&private(curve, d), derivation, 32).await;
        assert!(matches!(other, CryptoError::BadKey(_)), "{d}");
    }
    for point in [public(curve, "04"), public(RecommendedCurve::P256, OTHER_POINT)] {
        let derivation = Derivation::Agreement { public_key: &point };
        let other = failure(&key, derivation, 32).await;
        assert!(matches!(other, CryptoError::BadKey(_)));
    }
    let (not_private, _) = key_in_use(ObjectType::PublicKey, None, point.clone());
    let other = failure(&not_private, derivation, 32).await;
    assert!(matches!(other, CryptoError::BadKey(_)));
}
