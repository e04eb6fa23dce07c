//! MACs against published answers.

use kmip_model::enumeration::ObjectType;
use kmip_testkit::key_in_use;

use super::*;
use crate::testing::{bytes, parameters, symmetric};

fn mac(algorithm: CryptographicAlgorithm, key: &str, data: &[u8]) -> String {
    let (protection, processing) = symmetric(algorithm, key);
    let parameters = parameters(algorithm);
    assert!(LegacyMacs.supports(&parameters));
    let mac = LegacyMacs.generate(&protection, &parameters, data).unwrap();
    assert_eq!(LegacyMacs.verify(&processing, &parameters, data, &mac), Ok(true));
    let (_, shorter) = mac.split_last().unwrap();
    assert_eq!(LegacyMacs.verify(&processing, &parameters, data, shorter), Ok(false));
    assert_eq!(LegacyMacs.verify(&processing, &parameters, b"other", &mac), Ok(false));
    hex::encode(mac)
}

#[test]
fn hmac_makes_the_published_macs() {
    let short = "0b".repeat(20);
    let (md5_long, sha_long) = ("aa".repeat(80), "aa".repeat(131));
    let long_text = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let hi: &[u8] = b"Hi There";
    for (algorithm, key, text, expected) in [
        // RFC 2202 §2, cases 1, 2 and 6; §3, case 1.
        (CryptographicAlgorithm::HmacMd5, &short[..32], hi, "9294727a3638bb1c13f48ef8158bfc9d"),
        (
            CryptographicAlgorithm::HmacMd5,
            "4a656665",
            b"what do ya want for nothing?",
            "750c783e6ab0b503eaa86e310a5db738",
        ),
        (CryptographicAlgorithm::HmacMd5, &md5_long, long_text, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
        (CryptographicAlgorithm::HmacSha1, &short, hi, "b617318655057264e28bc0b6fb378c8ef146be00"),
        // RFC 4231 §4.2 and §4.7.
        (
            CryptographicAlgorithm::HmacSha224,
            &short,
            hi,
            "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
        ),
        (
            CryptographicAlgorithm::HmacSha224,
            &sha_long,
            long_text,
            "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
        ),
        (
            CryptographicAlgorithm::HmacSha256,
            &short,
            hi,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            CryptographicAlgorithm::HmacSha384,
            &short,
            hi,
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c\
             faea9ea9076ede7f4af152e8b2fa9cb6",
        ),
        (
            CryptographicAlgorithm::HmacSha512,
            &short,
            hi,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
    ] {
        assert_eq!(mac(algorithm, key, text), expected, "{algorithm}");
    }
}

#[test]
fn hmac_with_sha_3_makes_the_published_macs() {
    // NIST, "Examples with Intermediate Values", HMAC_SHA3, sample 1 of each.
    let sample = hex::encode((0..64).collect::<Vec<u8>>());
    let text = b"Sample message for keylen<blocklen";
    for (algorithm, length, expected) in [
        (
            CryptographicAlgorithm::HmacSha3224,
            56,
            "332cfd59347fdb8e576e77260be4aba2d6dc53117b3bfb52c6d18c04",
        ),
        (
            CryptographicAlgorithm::HmacSha3256,
            64,
            "4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205",
        ),
        (
            CryptographicAlgorithm::HmacSha3384,
            96,
            "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a90b6afe2c5617725\
             bc99987f79b22a557b6520db710b7f42",
        ),
        (
            CryptographicAlgorithm::HmacSha3512,
            128,
            "4efd629d6c71bf86162658f29943b1c308ce27cdfa6db0d9c3ce81763f9cbce5\
             f7ebe9868031db1a8f8eb7b6b95e5c5e3f657a8996c86a2f6527e307f0213196",
        ),
    ] {
        assert_eq!(mac(algorithm, &sample[..length], text), expected, "{algorithm}");
    }
}

#[test]
fn cmac_makes_the_published_macs() {
    let text = hex::decode(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
    )
    .unwrap();
    let aes_128 = "2b7e151628aed2a6abf7158809cf4f3c";
    for (algorithm, key, length, expected) in [
        // NIST SP 800-38B appendix D, also RFC 4493.
        (CryptographicAlgorithm::Aes, aes_128, 0, "bb1d6929e95937287fa37d129b756746"),
        (CryptographicAlgorithm::Aes, aes_128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (CryptographicAlgorithm::Aes, aes_128, 40, "dfa66747de9ae63030ca32611497c827"),
        (
            CryptographicAlgorithm::Aes,
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            0,
            "d17ddf46adaacde531cac483de7a9367",
        ),
        (
            CryptographicAlgorithm::Aes,
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            0,
            "028962f61b7bf89efc6b551f4667d983",
        ),
        (CryptographicAlgorithm::Des3, TDES_3, 0, "b7a688e122ffaf95"),
        (CryptographicAlgorithm::Des3, TDES_3, 8, "8e8f293136283797"),
        (CryptographicAlgorithm::Des3, TDES_3, 20, "743ddbe0ce2dc2ed"),
        (CryptographicAlgorithm::Des3, TDES_3, 32, "33e6b1092400eae5"),
        (CryptographicAlgorithm::Des3, TDES_2, 0, "bd2ebf9a3ba00361"),
        (CryptographicAlgorithm::Des3, TDES_2, 8, "4ff2ab813c53ce83"),
        (CryptographicAlgorithm::Des3, TDES_2, 20, "62dd1b471902bd4e"),
        // draft-kato-ipsec-camellia-cmac96and128.
        (CryptographicAlgorithm::Camellia, aes_128, 0, "ba925782aaa1f5d9a00f89648094fc71"),
        (CryptographicAlgorithm::Camellia, aes_128, 16, "6d962854a3b9fda56d7d45a95ee17993"),
        // Python's cryptography 48 (OpenSSL); there are no published ones.
        (CryptographicAlgorithm::Blowfish, aes_128, 0, "faa5780c1af4dc8a"),
        (CryptographicAlgorithm::Blowfish, aes_128, 8, "e65e9a6adefaed8e"),
        (CryptographicAlgorithm::Blowfish, aes_128, 20, "818e9dbc10dd2409"),
        (CryptographicAlgorithm::Cast5, aes_128, 0, "0604a2676167bf07"),
        (CryptographicAlgorithm::Cast5, aes_128, 8, "73e30014d434c3a8"),
        (CryptographicAlgorithm::Cast5, aes_128, 20, "4a657b44cc55f5a0"),
        (CryptographicAlgorithm::Idea, aes_128, 0, "3cf1b698cb6e5729"),
        (CryptographicAlgorithm::Idea, aes_128, 8, "a04ebf860397713b"),
        (CryptographicAlgorithm::Idea, aes_128, 20, "94a75f5510e04faa"),
    ] {
        assert_eq!(mac(algorithm, key, &text[..length]), expected, "{algorithm} {length}");
    }
}

const TDES_3: &str = "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5";
const TDES_2: &str = "4cf15134a2850dd58a3d10ba80570d38";

#[test]
fn cmac_over_a_stream_cipher_is_refused_with_the_reason() {
    for (algorithm, name) in
        [(CryptographicAlgorithm::Rc4, "RC4"), (CryptographicAlgorithm::ChaCha20, "ChaCha20")]
    {
        let (key, _) = symmetric(algorithm, &"01".repeat(32));
        let parameters = parameters(algorithm);
        assert!(!LegacyMacs.supports(&parameters));
        let refused = LegacyMacs.generate(&key, &parameters, b"x").unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains("needs a block cipher"), "{refused}");
    }
    assert!(!LegacyMacs.supports(&parameters(CryptographicAlgorithm::Rsa)));
}

#[test]
fn a_key_must_be_one_of_the_algorithm() {
    let md5 = parameters(CryptographicAlgorithm::HmacMd5);
    let (aes, _) = symmetric(CryptographicAlgorithm::Aes, &"01".repeat(16));
    assert!(matches!(LegacyMacs.generate(&aes, &md5, b"x"), Err(CryptoError::BadKey(_))));
    let (secret, _) = key_in_use(ObjectType::SecretData, None, bytes(vec![1; 5]));
    assert!(LegacyMacs.generate(&secret, &md5, b"x").is_ok());
    let (public, _) = key_in_use(ObjectType::PublicKey, None, bytes(vec![1; 5]));
    assert!(matches!(LegacyMacs.generate(&public, &md5, b"x"), Err(CryptoError::BadKey(_))));
    let (short, _) = symmetric(CryptographicAlgorithm::Des3, "0101");
    let des3 = parameters(CryptographicAlgorithm::Des3);
    assert!(matches!(LegacyMacs.generate(&short, &des3, b"x"), Err(CryptoError::BadKey(_))));
}
