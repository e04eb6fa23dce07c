//! The port of encryption: what is offered, what is refused and how, and RSA against vectors.

use kmip_model::enumeration::{HashingAlgorithm as Hash, MaskGenerator, ObjectType, PaddingMethod};
use kmip_testkit::{SeededRandom, UnchangedFormats, key_in_use};

use super::*;
use crate::testing::{bytes, parameters, rsa, symmetric, vector};

fn ciphers() -> LegacyCiphers {
    LegacyCiphers::new(Arc::new(UnchangedFormats), Arc::new(SeededRandom::new(1)))
}

const fn plain(data: &[u8]) -> CipherInput<'_> {
    CipherInput { data, iv_counter_nonce: None, additional_data: &[], tag: None }
}

const fn with_iv<'a>(data: &'a [u8], iv: &'a [u8]) -> CipherInput<'a> {
    CipherInput { data, iv_counter_nonce: Some(iv), additional_data: &[], tag: None }
}

/// The block ciphers with a key, and the length of their blocks.
const BLOCK_CIPHERS: [(CryptographicAlgorithm, usize, usize); 10] = [
    (CryptographicAlgorithm::Aes, 24, 16),
    (CryptographicAlgorithm::Des, 8, 8),
    (CryptographicAlgorithm::Des3, 8, 8),
    (CryptographicAlgorithm::Des3, 16, 8),
    (CryptographicAlgorithm::Des3, 24, 8),
    (CryptographicAlgorithm::Blowfish, 56, 8),
    (CryptographicAlgorithm::Camellia, 32, 16),
    (CryptographicAlgorithm::Cast5, 16, 8),
    (CryptographicAlgorithm::Idea, 16, 8),
    (CryptographicAlgorithm::Aes, 16, 16),
];

const MODES: [BlockCipherMode; 5] = [
    BlockCipherMode::Ecb,
    BlockCipherMode::Cbc,
    BlockCipherMode::Cfb,
    BlockCipherMode::Ofb,
    BlockCipherMode::Ctr,
];

fn in_mode(algorithm: CryptographicAlgorithm, mode: BlockCipherMode) -> CryptographicParameters {
    CryptographicParameters { block_cipher_mode: Some(mode), ..parameters(algorithm) }
}

#[tokio::test]
async fn every_block_cipher_gives_back_what_it_encrypted_in_every_mode_and_padding() {
    let ciphers = ciphers();
    for (algorithm, key, block) in BLOCK_CIPHERS {
        let (protection, processing) = symmetric(algorithm, &"3c".repeat(key));
        for mode in MODES {
            for padding_method in [PaddingMethod::Pkcs5, PaddingMethod::Ansix923] {
                let parameters = CryptographicParameters {
                    padding_method: Some(padding_method),
                    ..in_mode(algorithm, mode)
                };
                assert!(ciphers.supports(&parameters));
                let iv = vec![7; block];
                let input = with_iv(b"thirteen bytes", &iv);
                let made = ciphers.encrypt(&protection, &parameters, input).await.unwrap();
                let padded = matches!(mode, BlockCipherMode::Ecb | BlockCipherMode::Cbc);
                assert_eq!(made.data.len(), if padded { 16 } else { 14 }, "{algorithm} {mode}");
                assert_eq!(made.tag, None);
                let input = with_iv(&made.data, &iv);
                let back = ciphers.decrypt(&processing, &parameters, input).await.unwrap();
                assert_eq!(back.expose(), b"thirteen bytes", "{algorithm} {mode}");
            }
        }
    }
}

#[tokio::test]
async fn an_iv_of_one_block_is_needed_by_every_mode_but_ecb() {
    let ciphers = ciphers();
    for (algorithm, key, block) in BLOCK_CIPHERS {
        let (protection, processing) = symmetric(algorithm, &"3c".repeat(key));
        for mode in MODES {
            let parameters = in_mode(algorithm, mode);
            let data = vec![1; block];
            let (short, long) = (vec![1; block - 1], vec![1; block + 1]);
            for input in [plain(&data), with_iv(&data, &short), with_iv(&data, &long)] {
                let made = ciphers.encrypt(&protection, &parameters, input).await;
                let answer = ciphers.decrypt(&processing, &parameters, input).await;
                if mode == BlockCipherMode::Ecb {
                    assert!(made.is_ok() && answer.is_ok(), "{algorithm}");
                } else {
                    assert!(matches!(made, Err(CryptoError::BadInput(_))), "{algorithm} {mode}");
                    assert!(matches!(answer, Err(CryptoError::BadInput(_))), "{algorithm} {mode}");
                }
            }
        }
    }
}

#[tokio::test]
async fn wrong_data_keys_and_padding_are_told_apart() {
    let ciphers = ciphers();
    let des3 = CryptographicAlgorithm::Des3;
    let (key, opener) = symmetric(des3, &"3c".repeat(24));
    let ecb = in_mode(des3, BlockCipherMode::Ecb);
    let made = ciphers.encrypt(&key, &ecb, plain(&[1; 7])).await;
    assert!(matches!(made, Err(CryptoError::BadInput(_))));
    let padded =
        CryptographicParameters { padding_method: Some(PaddingMethod::Pkcs5), ..ecb.clone() };
    let answer = ciphers.decrypt(&opener, &padded, plain(&[1; 7])).await;
    assert!(matches!(answer, Err(CryptoError::BadInput(_))));
    let zeros = ciphers.encrypt(&key, &ecb, plain(&[0; 8])).await.unwrap();
    let answer = ciphers.decrypt(&opener, &padded, plain(&zeros.data)).await;
    assert_eq!(answer, Err(CryptoError::Failed));
    for (algorithm, length) in [(des3, 10), (CryptographicAlgorithm::Aes, 16)] {
        let (key, _) = symmetric(algorithm, &"3c".repeat(length));
        let refused = ciphers.encrypt(&key, &ecb, plain(&[])).await;
        assert!(matches!(refused, Err(CryptoError::BadKey(_))), "{algorithm}");
    }
    let (public, _) = key_in_use(ObjectType::PublicKey, None, bytes(vec![1; 24]));
    let refused = ciphers.encrypt(&public, &ecb, plain(&[])).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
    let input = CipherInput { additional_data: b"x", ..plain(&[1; 8]) };
    let refused = ciphers.encrypt(&key, &ecb, input).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
}

#[tokio::test]
async fn gcm_cuts_the_tag_and_checks_it() {
    let ciphers = ciphers();
    let aes = CryptographicAlgorithm::Aes;
    let (key, opener) = symmetric(aes, &"3c".repeat(24));
    let gcm = in_mode(aes, BlockCipherMode::Gcm);
    for (tag_length, expected) in [(None, 16), (Some(12), 12), (Some(15), 15)] {
        let parameters = CryptographicParameters { tag_length, ..gcm.clone() };
        let input = CipherInput { additional_data: b"aad", ..with_iv(b"data", &[9; 16]) };
        let made = ciphers.encrypt(&key, &parameters, input).await.unwrap();
        let tag = made.tag.unwrap();
        assert_eq!(tag.len(), expected);
        let input = CipherInput { data: &made.data, tag: Some(&tag), ..input };
        let back = ciphers.decrypt(&opener, &parameters, input).await.unwrap();
        assert_eq!(back.expose(), b"data");
        let wrong = CipherInput { additional_data: b"AAD", ..input };
        let refused = ciphers.decrypt(&opener, &parameters, wrong).await;
        assert_eq!(refused, Err(CryptoError::Failed));
        for tag in [None, Some(&tag[..11])] {
            let refused = ciphers.decrypt(&opener, &gcm, CipherInput { tag, ..input }).await;
            assert!(matches!(refused, Err(CryptoError::BadInput(_))));
        }
    }
    let parameters = CryptographicParameters { tag_length: Some(4), ..gcm.clone() };
    let refused = ciphers.encrypt(&key, &parameters, with_iv(b"", &[9; 12])).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    assert!(matches!(ciphers.encrypt(&key, &gcm, plain(b"")).await, Err(CryptoError::BadInput(_))));
}

#[tokio::test]
async fn key_wrap_and_stream_ciphers_give_back_what_they_encrypted() {
    let ciphers = ciphers();
    let aes = CryptographicAlgorithm::Aes;
    for (parameters, key, iv) in [
        (in_mode(aes, BlockCipherMode::NistKeyWrap), 24, None),
        (in_mode(aes, BlockCipherMode::AesKeyWrapPadding), 24, None),
        (parameters(CryptographicAlgorithm::Rc4), 16, None),
        (parameters(CryptographicAlgorithm::ChaCha20), 32, Some(&[1; 12][..])),
        (
            CryptographicParameters {
                initial_counter_value: Some(7),
                ..parameters(CryptographicAlgorithm::ChaCha20)
            },
            32,
            Some(&[1; 8]),
        ),
    ] {
        let algorithm = parameters.cryptographic_algorithm.unwrap();
        let (protection, processing) = symmetric(algorithm, &"3c".repeat(key));
        assert!(ciphers.supports(&parameters));
        let input = CipherInput { iv_counter_nonce: iv, ..plain(&[5; 24]) };
        let made = ciphers.encrypt(&protection, &parameters, input).await.unwrap();
        assert_ne!(made.data, [5; 24]);
        let input = CipherInput { data: &made.data, ..input };
        let back = ciphers.decrypt(&processing, &parameters, input).await.unwrap();
        assert_eq!(back.expose(), [5; 24]);
    }
}

#[tokio::test]
async fn long_data_is_encrypted_too() {
    let ciphers = ciphers();
    let (key, opener) = symmetric(CryptographicAlgorithm::Rc4, &"3c".repeat(16));
    let parameters = parameters(CryptographicAlgorithm::Rc4);
    let data = vec![1; 100_000];
    let made = ciphers.encrypt(&key, &parameters, plain(&data)).await.unwrap();
    let back = ciphers.decrypt(&opener, &parameters, plain(&made.data)).await.unwrap();
    assert_eq!(back.expose(), data);
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_name() {
    let ciphers = ciphers();
    let aes = CryptographicAlgorithm::Aes;
    let with =
        |padding_method, parameters| CryptographicParameters { padding_method, ..parameters };
    let rsa = || parameters(CryptographicAlgorithm::Rsa);
    for (parameters, text) in [
        (in_mode(aes, BlockCipherMode::Xts), "AES in the mode XTS"),
        (
            in_mode(CryptographicAlgorithm::Camellia, BlockCipherMode::Gcm),
            "Camellia in the mode GCM",
        ),
        (in_mode(CryptographicAlgorithm::Rc4, BlockCipherMode::Cbc), "RC4 in the mode CBC"),
        (in_mode(CryptographicAlgorithm::Seed, BlockCipherMode::Cbc), "SEED in the mode CBC"),
        (parameters(aes), "AES without a block cipher mode"),
        (
            with(Some(PaddingMethod::Zeros), in_mode(aes, BlockCipherMode::Cbc)),
            "the padding Zeros there",
        ),
        (rsa(), "RSA without a padding method"),
        (with(Some(PaddingMethod::Pss), rsa()), "RSA with the padding PSS"),
    ] {
        assert!(!ciphers.supports(&parameters), "{text}");
        let (key, _) = symmetric(parameters.cryptographic_algorithm.unwrap(), &"3c".repeat(16));
        let refused = ciphers.encrypt(&key, &parameters, plain(b"")).await;
        assert_eq!(refused, Err(CryptoError::Unsupported(text.to_owned())));
    }
}

fn oaep(hash: Option<Hash>, mask: Option<Hash>, label: Option<&[u8]>) -> CryptographicParameters {
    CryptographicParameters {
        padding_method: Some(PaddingMethod::Oaep),
        hashing_algorithm: hash,
        mask_generator: mask.map(|_| MaskGenerator::Mgf1),
        mask_generator_hashing_algorithm: mask,
        p_source: label.map(<[u8]>::to_vec),
        ..parameters(CryptographicAlgorithm::Rsa)
    }
}

#[tokio::test]
async fn rsa_opens_what_others_encrypted() {
    let ciphers = ciphers();
    let (_, key) = rsa(ObjectType::PrivateKey, "private-1024");
    let label: &[u8] = b"Kilroy was here";
    let pkcs1 = CryptographicParameters {
        padding_method: Some(PaddingMethod::Pkcs1V15),
        ..parameters(CryptographicAlgorithm::Rsa)
    };
    for (parameters, name, plaintext) in [
        (oaep(None, None, None), "oaep-sha1", vector("oaep-sha1-plain")),
        (
            oaep(Some(Hash::Sha384), Some(Hash::Sha256), Some(label)),
            "oaep-sha384-sha256-label",
            b"secret".to_vec(),
        ),
        (pkcs1, "pkcs1-encrypted", b"secret".to_vec()),
    ] {
        let answer = ciphers.decrypt(&key, &parameters, plain(&vector(name))).await.unwrap();
        assert_eq!(answer.expose(), plaintext, "{name}");
    }
    let wrong = oaep(Some(Hash::Sha384), Some(Hash::Sha256), Some(b"another"));
    let answer = ciphers.decrypt(&key, &wrong, plain(&vector("oaep-sha384-sha256-label"))).await;
    assert_eq!(answer, Err(CryptoError::Failed));
}

#[tokio::test]
async fn rsa_opens_what_it_encrypted_with_any_two_hashes() {
    let ciphers = ciphers();
    let (key, _) = rsa(ObjectType::PublicKey, "public-1024");
    let (_, opener) = rsa(ObjectType::PrivateKey, "private-1024");
    let hashes = [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384];
    for (hash, mask) in hashes.into_iter().flat_map(|hash| hashes.map(|mask| (hash, mask))) {
        let parameters = oaep(Some(hash), Some(mask), Some(b"label"));
        assert!(ciphers.supports(&parameters));
        let made = ciphers.encrypt(&key, &parameters, plain(b"secret")).await.unwrap();
        let back = ciphers.decrypt(&opener, &parameters, plain(&made.data)).await.unwrap();
        assert_eq!(back.expose(), b"secret", "{hash} {mask}");
    }
    let too_long = oaep(Some(Hash::Sha512), Some(Hash::Sha512), None);
    let refused = ciphers.encrypt(&key, &too_long, plain(b"x")).await;
    assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    assert!(!ciphers.supports(&oaep(Some(Hash::Tiger), None, None)));
}

#[tokio::test]
async fn large_private_keys_are_refused_and_large_public_keys_are_not() {
    let ciphers = ciphers();
    let (_, private) = rsa(ObjectType::PrivateKey, "private-2048");
    let (public, _) = rsa(ObjectType::PublicKey, "public-2048");
    let parameters = oaep(Some(Hash::Sha384), Some(Hash::Sha256), None);
    let made = ciphers.encrypt(&public, &parameters, plain(b"secret")).await.unwrap();
    assert_eq!(made.data.len(), 256);
    let refused = ciphers.decrypt(&private, &parameters, plain(&made.data)).await;
    let reason = "these parameters with an RSA private key of 2048 bits".to_owned();
    assert_eq!(refused, Err(CryptoError::Unsupported(reason)));
}

#[tokio::test]
async fn the_halves_of_a_pair_are_not_exchanged() {
    let ciphers = ciphers();
    let parameters = oaep(None, None, None);
    let (key, _) = rsa(ObjectType::PrivateKey, "private-1024");
    let refused = ciphers.encrypt(&key, &parameters, plain(b"x")).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
    let (key, _) = key_in_use(
        ObjectType::PublicKey,
        Some(CryptographicAlgorithm::Ec),
        bytes(vector("public-1024")),
    );
    let refused = ciphers.encrypt(&key, &parameters, plain(b"x")).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
    let (key, _) = key_in_use(ObjectType::PublicKey, None, bytes(vec![1, 2, 3]));
    let refused = ciphers.encrypt(&key, &parameters, plain(b"x")).await;
    assert!(matches!(refused, Err(CryptoError::BadKey(_))));
}

#[tokio::test]
async fn without_padding_rsa_is_the_number_to_the_exponent() {
    // A signature is its hash, encoded, to the private exponent: to the public one it comes back.
    let ciphers = ciphers();
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::None),
        ..parameters(CryptographicAlgorithm::Rsa)
    };
    let (key, _) = rsa(ObjectType::PublicKey, "public-2048");
    let signature = vector("pkcs1-2048-MD5");
    let made = ciphers.encrypt(&key, &parameters, plain(&signature)).await.unwrap();
    assert_eq!(made.data.len(), 256);
    let end = hex::encode(&made.data[256 - 35..]);
    assert_eq!(end, "003020300c06082a864886f70d020505000410900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(made.data[..3], [0, 1, 0xff]);
    for data in [vec![0xff; 256], vec![1; 257]] {
        let refused = ciphers.encrypt(&key, &parameters, plain(&data)).await;
        assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    }
    let (_, opener) = rsa(ObjectType::PrivateKey, "private-1024");
    let refused = ciphers.decrypt(&opener, &parameters, plain(&[1; 128])).await;
    assert!(matches!(refused, Err(CryptoError::Unsupported(_))));
}
