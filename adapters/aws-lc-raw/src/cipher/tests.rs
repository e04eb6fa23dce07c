//! OAEP: what OpenSSL encrypted, and what is wrong with everything else.

use kmip_model::enumeration::{HashingAlgorithm as Name, ObjectType};
use kmip_testkit::UnchangedFormats;

use super::*;
use crate::testing::{keys, parameters, vector};

const LABEL: &[u8] = b"label";

/// Hash and mask of the vectors, and whether they are offered without weak hashes.
const PAIRS: [(Name, Name, bool); 5] = [
    (Name::Sha384, Name::Sha256, true),
    (Name::Sha256, Name::Sha1, true),
    (Name::Sha1, Name::Sha512, true),
    (Name::Sha512, Name::Sha384, true),
    (Name::Md5, Name::Sha224, false),
];

fn ciphers(weak: Weak) -> RawCiphers {
    RawCiphers::new(Arc::new(UnchangedFormats), weak)
}

fn way(hash: Name, mask: Name, label: Option<&[u8]>) -> CryptographicParameters {
    CryptographicParameters {
        padding_method: Some(PaddingMethod::Oaep),
        hashing_algorithm: Some(hash),
        mask_generator: Some(MaskGenerator::Mgf1),
        mask_generator_hashing_algorithm: Some(mask),
        p_source: label.map(<[u8]>::to_vec),
        ..parameters()
    }
}

const fn input(data: &[u8]) -> CipherInput<'_> {
    CipherInput { data, iv_counter_nonce: None, additional_data: &[], tag: None }
}

async fn decrypt(
    key: &str,
    parameters: &CryptographicParameters,
    data: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (_, key) = keys(ObjectType::PrivateKey, key);
    let plain = ciphers(Weak::Offered).decrypt(&key, parameters, input(data)).await;
    plain.map(|plain| plain.expose().to_vec())
}

async fn encrypt(
    parameters: &CryptographicParameters,
    data: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (key, _) = keys(ObjectType::PublicKey, "public-2048");
    let output = ciphers(Weak::Offered).encrypt(&key, parameters, input(data)).await?;
    assert_eq!(output.tag, None);
    Ok(output.data)
}

#[tokio::test]
async fn what_openssl_encrypted_is_decrypted() {
    for (hash, mask, _) in PAIRS {
        let name = format!("oaep-{hash}-{mask}");
        let plain = decrypt("private-2048", &way(hash, mask, None), &vector(&name)).await;
        assert_eq!(plain, Ok(b"secret".to_vec()), "{name}");
        let labelled = vector(&format!("{name}-label"));
        let plain = decrypt("private-2048", &way(hash, mask, Some(LABEL)), &labelled).await;
        assert_eq!(plain, Ok(b"secret".to_vec()), "{name}");
    }
}

#[tokio::test]
async fn data_of_every_length_that_fits_goes_there_and_back() {
    for (hash, mask, overhead) in [(Name::Sha384, Name::Sha256, 98), (Name::Md5, Name::Sha1, 34)] {
        for label in [None, Some(LABEL)] {
            let parameters = way(hash, mask, label);
            for length in [0, 1, 100, 256 - overhead] {
                let data = vec![7; length];
                let encrypted = encrypt(&parameters, &data).await.unwrap();
                assert_eq!(encrypted.len(), 256);
                assert_ne!(encrypt(&parameters, &data).await.unwrap(), encrypted);
                assert_eq!(decrypt("private-2048", &parameters, &encrypted).await, Ok(data));
            }
            for length in [257 - overhead, 256, 10_000] {
                let refused = encrypt(&parameters, &vec![7; length]).await;
                assert!(matches!(refused, Err(CryptoError::BadInput(_))), "{length}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let good = vector("oaep-SHA_384-SHA_256-label");
    let right = way(Name::Sha384, Name::Sha256, Some(LABEL));
    let failed = Err(CryptoError::Failed);
    for parameters in [
        way(Name::Sha384, Name::Sha256, None),
        way(Name::Sha384, Name::Sha256, Some(b"Label")),
        way(Name::Sha384, Name::Sha384, Some(LABEL)),
        way(Name::Sha256, Name::Sha256, Some(LABEL)),
        way(Name::Sha256, Name::Sha384, Some(LABEL)),
    ] {
        assert_eq!(decrypt("private-2048", &parameters, &good).await, failed);
    }
    assert_eq!(decrypt("other-2048", &right, &good).await, failed);
    for at in [0, 1, 100, 255] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert_eq!(decrypt("private-2048", &right, &changed).await, failed, "{at}");
    }
    // Zero, one, and numbers that are not below the modulus.
    for byte in [0, 0xFF] {
        assert_eq!(decrypt("private-2048", &right, &[byte; 256]).await, failed);
    }
    let one = [&[0; 255][..], &[1]].concat();
    assert_eq!(decrypt("private-2048", &right, &one).await, failed);
}

#[tokio::test]
async fn data_of_another_length_than_the_keys_is_refused() {
    let good = vector("oaep-SHA_384-SHA_256");
    let right = way(Name::Sha384, Name::Sha256, None);
    let longer = [&good[..], &[0]].concat();
    for data in [&good[..255], &good[1..], &longer, &[]] {
        let refused = decrypt("private-2048", &right, data).await;
        assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    }
}

#[tokio::test]
async fn keys_that_are_none_or_small_are_refused() {
    let parameters = way(Name::Sha384, Name::Sha256, None);
    for name in ["stripped-2048", "wrong-coefficient-2048", "public-2048"] {
        let refused = decrypt(name, &parameters, &vector("oaep-SHA_384-SHA_256")).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{name}");
    }
    let reason = "this with RSA keys of 1024 bits".to_owned();
    let refused = decrypt("private-1024", &parameters, &[1; 128]).await;
    assert_eq!(refused, Err(CryptoError::Unsupported(reason)));
    let (key, _) = keys(ObjectType::PrivateKey, "private-2048");
    let refused = ciphers(Weak::Offered).encrypt(&key, &parameters, input(b"secret")).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
}

#[test]
fn the_offer_is_this() {
    let offers = |weak, parameters: &CryptographicParameters| ciphers(weak).supports(parameters);
    for (hash, mask, unasked) in PAIRS {
        for (hash, mask) in [(hash, mask), (mask, hash)] {
            let parameters = way(hash, mask, None);
            assert!(offers(Weak::Offered, &parameters));
            assert_eq!(offers(Weak::Refused, &parameters), unasked, "{hash} {mask}");
        }
    }
    let right = way(Name::Sha384, Name::Sha256, None);
    for parameters in [
        way(Name::Sha512256, Name::Sha256, None),
        way(Name::Sha256, Name::Sha3256, None),
        CryptographicParameters {
            mask_generator: Some(MaskGenerator(0x8000_0001)),
            ..right.clone()
        },
        CryptographicParameters { cryptographic_algorithm: None, ..right.clone() },
        CryptographicParameters { padding_method: Some(PaddingMethod::Pkcs1V15), ..right.clone() },
        CryptographicParameters { padding_method: None, ..right },
    ] {
        assert!(!offers(Weak::Offered, &parameters), "{parameters:?}");
    }
}

#[tokio::test]
async fn hashes_that_are_not_named_are_sha_1() {
    let named = way(Name::Sha1, Name::Sha512, None);
    let unnamed = CryptographicParameters { hashing_algorithm: None, ..named };
    let plain = decrypt("private-2048", &unnamed, &vector("oaep-SHA_1-SHA_512")).await;
    assert_eq!(plain, Ok(b"secret".to_vec()));
    let named = way(Name::Sha256, Name::Sha1, None);
    let unnamed = CryptographicParameters { mask_generator_hashing_algorithm: None, ..named };
    let plain = decrypt("private-2048", &unnamed, &vector("oaep-SHA_256-SHA_1")).await;
    assert_eq!(plain, Ok(b"secret".to_vec()));
}
