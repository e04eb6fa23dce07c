//! What the port promises of ciphers, against published vectors and against OpenSSL.

use kmip_model::{
    enumeration::{Enumeration, HashingAlgorithm, ObjectType, PaddingMethod},
    object::KeyMaterial,
};
use kmip_ports::crypto::{KeyGeneration, KeyPair, KeyPairSpecification};
use kmip_testkit::contract::ciphers;

use super::*;
use crate::{
    AwsLcKeyGeneration,
    testing::{self, processing, protection, secret},
};

const CIPHERS: &str = include_str!("../../tests/vectors/ciphers.txt");
const RSA_CIPHERS: &str = include_str!("../../tests/vectors/rsa-ciphers.txt");
const KEYS: &str = include_str!("../../tests/vectors/keys.txt");

const AES: CryptographicAlgorithm = CryptographicAlgorithm::Aes;
const DES3: CryptographicAlgorithm = CryptographicAlgorithm::Des3;
const CHACHA: CryptographicAlgorithm = CryptographicAlgorithm::ChaCha20Poly1305;

fn named<E: Enumeration>(name: &str) -> E {
    let member = E::MEMBERS.iter().find(|member| member.name == name);
    E::from_value(member.unwrap_or_else(|| panic!("{name}")).value)
}

fn bytes(field: &str) -> Vec<u8> {
    hex::decode(field.trim_matches('-')).unwrap()
}

fn parameters(
    algorithm: CryptographicAlgorithm,
    mode: BlockCipherMode,
    padding: PaddingMethod,
) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(algorithm),
        block_cipher_mode: Some(mode),
        padding_method: Some(padding),
        ..CryptographicParameters::EMPTY
    }
}

/// One published encryption.
struct Vector {
    parameters: CryptographicParameters,
    key: KeyInUse,
    iv: Vec<u8>,
    additional_data: Vec<u8>,
    tag: Vec<u8>,
    plain: Vec<u8>,
    cipher: Vec<u8>,
}

impl Vector {
    fn all() -> impl Iterator<Item = Self> {
        CIPHERS.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let algorithm = named(fields[0]);
            let mut key = secret(&bytes(fields[3]));
            key.algorithm = Some(algorithm);
            Self {
                parameters: parameters(algorithm, named(fields[1]), named(fields[2])),
                key,
                iv: bytes(fields[4]),
                additional_data: bytes(fields[5]),
                tag: bytes(fields[6]),
                plain: bytes(fields[7]),
                cipher: bytes(fields[8]),
            }
        })
    }

    fn has_tag(&self) -> bool {
        !self.tag.is_empty()
    }

    fn input<'a>(&'a self, data: &'a [u8]) -> CipherInput<'a> {
        CipherInput {
            data,
            iv_counter_nonce: (!self.iv.is_empty()).then_some(self.iv.as_slice()),
            additional_data: &self.additional_data,
            tag: None,
        }
    }

    async fn encrypt(&self) -> Result<CipherOutput, CryptoError> {
        encrypt(&self.key, &self.parameters, self.input(&self.plain)).await
    }

    async fn decrypt(&self, tag: &[u8]) -> Result<Material, CryptoError> {
        let tag = self.has_tag().then_some(tag);
        let input = CipherInput { tag, ..self.input(&self.cipher) };
        decrypt(&self.key, &self.parameters, input).await
    }
}

async fn encrypt(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    input: CipherInput<'_>,
) -> Result<CipherOutput, CryptoError> {
    AwsLcCiphers::new().encrypt(&protection(key), parameters, input).await
}

async fn decrypt(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    input: CipherInput<'_>,
) -> Result<Material, CryptoError> {
    AwsLcCiphers::new().decrypt(&processing(key), parameters, input).await
}

fn input<'a>(data: &'a [u8], iv: Option<&'a [u8]>) -> CipherInput<'a> {
    CipherInput { data, iv_counter_nonce: iv, additional_data: &[], tag: None }
}

fn is_bad_key<T>(result: &Result<T, CryptoError>) -> bool {
    matches!(result, Err(CryptoError::BadKey(_)))
}

fn is_bad_input<T>(result: &Result<T, CryptoError>) -> bool {
    matches!(result, Err(CryptoError::BadInput(_)))
}

fn is_unsupported<T>(result: &Result<T, CryptoError>) -> bool {
    matches!(result, Err(CryptoError::Unsupported(_)))
}

#[tokio::test]
async fn every_promise_of_the_port_is_kept() {
    ciphers::every_promise(&AwsLcCiphers::new()).await;
}

#[tokio::test]
async fn published_ciphertexts_come_out_and_open() {
    for vector in Vector::all() {
        let label = format!("{:?}", vector.parameters);
        assert!(AwsLcCiphers::new().supports(&vector.parameters), "{label}");
        let output = vector.encrypt().await.unwrap();
        assert_eq!(hex::encode(output.data), hex::encode(&vector.cipher), "{label}");
        let tag = vector.has_tag().then(|| hex::encode(&vector.tag));
        assert_eq!(output.tag.map(hex::encode), tag, "{label}");
        let plain = vector.decrypt(&vector.tag).await.unwrap();
        assert_eq!(hex::encode(plain.expose()), hex::encode(&vector.plain), "{label}");
    }
}

#[tokio::test]
async fn transparent_keys_are_keys() {
    let vector = Vector::all().next().unwrap();
    let KeyMaterial::Bytes(key) = vector.key.material.clone() else { panic!() };
    let key =
        KeyInUse { material: KeyMaterial::TransparentSymmetricKey { key }, ..vector.key.clone() };
    let output = encrypt(&key, &vector.parameters, vector.input(&vector.plain)).await.unwrap();
    assert_eq!(output.data, vector.cipher);
}

#[tokio::test]
async fn every_length_comes_back_in_every_mode() {
    let modes = [
        (AES, BlockCipherMode::Ecb),
        (AES, BlockCipherMode::Cbc),
        (AES, BlockCipherMode::Cfb),
        (AES, BlockCipherMode::Ofb),
        (AES, BlockCipherMode::Ctr),
        (AES, BlockCipherMode::Gcm),
        (CHACHA, BlockCipherMode::Aead),
        (DES3, BlockCipherMode::Ecb),
        (DES3, BlockCipherMode::Cbc),
    ];
    for (algorithm, mode) in modes {
        let iv = match (algorithm, mode) {
            (DES3, _) => vec![1; 8],
            (_, BlockCipherMode::Gcm | BlockCipherMode::Aead) => vec![1; 12],
            _ => vec![1; 16],
        };
        let lengths: &[usize] = match algorithm {
            AES => &[16, 24, 32],
            DES3 => &[16, 24],
            _ => &[32],
        };
        for key_length in lengths {
            let key: Vec<u8> = (1..=32).take(*key_length).collect();
            for padding in [PaddingMethod::Pkcs5, PaddingMethod::Ansix923] {
                let parameters = parameters(algorithm, mode, padding);
                for length in [0, 1, 7, 8, 15, 16, 17, 100, 65_537] {
                    let plain = vec![7; length];
                    let key = secret(&key);
                    let sealed =
                        encrypt(&key, &parameters, input(&plain, Some(&iv))).await.unwrap();
                    let opening = CipherInput {
                        tag: sealed.tag.as_deref(),
                        ..input(&sealed.data, Some(&iv))
                    };
                    let opened = decrypt(&key, &parameters, opening).await.unwrap();
                    assert_eq!(opened.expose(), plain, "{algorithm} {mode} {length}");
                }
            }
        }
    }
}

#[tokio::test]
async fn without_padding_only_whole_blocks_go() {
    for (algorithm, mode, block) in [
        (AES, BlockCipherMode::Ecb, 16),
        (AES, BlockCipherMode::Cbc, 16),
        (DES3, BlockCipherMode::Cbc, 8),
    ] {
        let (iv, key) = (vec![0; block], secret(&(1..=24).collect::<Vec<u8>>()));
        let parameters = CryptographicParameters {
            padding_method: None,
            ..parameters(algorithm, mode, PaddingMethod::None)
        };
        let data = vec![0; block + 1];
        assert!(is_bad_input(&encrypt(&key, &parameters, input(&data, Some(&iv))).await));
        assert!(is_bad_input(&decrypt(&key, &parameters, input(&data, Some(&iv))).await));
        let whole = encrypt(&key, &parameters, input(&data[1..], Some(&iv))).await.unwrap();
        assert_eq!(whole.data.len(), block);
    }
}

#[tokio::test]
async fn an_iv_must_be_there_and_have_the_length_of_a_block() {
    for (algorithm, mode, wrong) in [
        (AES, BlockCipherMode::Cbc, 12),
        (AES, BlockCipherMode::Ctr, 8),
        (AES, BlockCipherMode::Cfb, 17),
        (AES, BlockCipherMode::Ofb, 0),
        (DES3, BlockCipherMode::Cbc, 16),
        (AES, BlockCipherMode::Gcm, 0),
        (CHACHA, BlockCipherMode::Aead, 8),
    ] {
        let key = secret(&(1..=if algorithm == DES3 { 24 } else { 32 }).collect::<Vec<u8>>());
        let parameters = parameters(algorithm, mode, PaddingMethod::Pkcs5);
        for iv in [None, Some(vec![0; wrong])] {
            let asked = input(&[0; 16], iv.as_deref());
            assert!(is_bad_input(&encrypt(&key, &parameters, asked).await), "{mode} {iv:?}");
            let asked = CipherInput { tag: Some(&[0; 16]), ..asked };
            assert!(is_bad_input(&decrypt(&key, &parameters, asked).await), "{mode} {iv:?}");
        }
    }
}

#[tokio::test]
async fn wrong_padding_fails_and_says_no_more() {
    let (key, iv) = (secret(&[1; 16]), [2; 16]);
    let padded = parameters(AES, BlockCipherMode::Cbc, PaddingMethod::Pkcs5);
    let plain = parameters(AES, BlockCipherMode::Cbc, PaddingMethod::None);
    for last in [0, 2, 17, 255] {
        let mut block = [9; 16];
        block[15] = last;
        let sealed = encrypt(&key, &plain, input(&block, Some(&iv))).await.unwrap();
        let opened = decrypt(&key, &padded, input(&sealed.data, Some(&iv))).await;
        assert_eq!(opened, Err(CryptoError::Failed), "{last}");
    }
}

#[tokio::test]
async fn tags_cut_to_a_legal_length_are_made_and_checked() {
    for vector in Vector::all().filter(Vector::has_tag) {
        for length in 12_u8..=16 {
            let cut = Vector {
                parameters: CryptographicParameters {
                    tag_length: Some(i32::from(length)),
                    ..vector.parameters.clone()
                },
                key: vector.key.clone(),
                iv: vector.iv.clone(),
                additional_data: vector.additional_data.clone(),
                tag: vector.tag[..usize::from(length)].to_vec(),
                plain: vector.plain.clone(),
                cipher: vector.cipher.clone(),
            };
            assert_eq!(cut.encrypt().await.unwrap().tag.as_deref(), Some(cut.tag.as_slice()));
            assert_eq!(cut.decrypt(&cut.tag).await.unwrap().expose(), cut.plain);
            for wrong in 0..cut.tag.len() {
                let mut tag = cut.tag.clone();
                tag[wrong] ^= 0x80;
                assert_eq!(cut.decrypt(&tag).await, Err(CryptoError::Failed));
            }
            let shorter = cut.decrypt(&cut.tag[1..]).await;
            assert_eq!(shorter, Err(CryptoError::Failed));
        }
    }
}

#[tokio::test]
async fn wrong_data_nonce_and_additional_data_fail() {
    let original = Vector::all().find(|vector| !vector.additional_data.is_empty()).unwrap();
    for tag_length in [12, 16] {
        let parameters =
            CryptographicParameters { tag_length: Some(tag_length), ..original.parameters.clone() };
        let tag = &original.tag[..usize::try_from(tag_length).unwrap()];
        let (mut cipher, mut iv, mut additional) =
            (original.cipher.clone(), original.iv.clone(), original.additional_data.clone());
        for wrong in 0..4 {
            match wrong {
                1 => cipher[0] ^= 1,
                2 => iv[0] ^= 1,
                3 => additional[0] ^= 1,
                _ => {}
            }
            let input = CipherInput {
                data: &cipher,
                iv_counter_nonce: Some(&iv),
                additional_data: &additional,
                tag: Some(tag),
            };
            let opened = decrypt(&original.key, &parameters, input).await;
            assert_eq!(opened.is_ok(), wrong == 0);
            if wrong > 0 {
                assert_eq!(opened, Err(CryptoError::Failed));
            }
        }
    }
}

#[tokio::test]
async fn other_tag_lengths_are_refused_by_name() {
    for vector in Vector::all().filter(Vector::has_tag) {
        for tag_length in [-1, 0, 1, 11, 17, 32] {
            let parameters = CryptographicParameters {
                tag_length: Some(tag_length),
                ..vector.parameters.clone()
            };
            let refused = encrypt(&vector.key, &parameters, vector.input(&vector.plain)).await;
            assert_eq!(refused, Err(CryptoError::BadTagLength));
            let input = CipherInput { tag: Some(&[0]), ..vector.input(&vector.cipher) };
            let refused = decrypt(&vector.key, &parameters, input).await;
            assert_eq!(refused, Err(CryptoError::BadTagLength));
        }
    }
}

#[tokio::test]
async fn a_tag_must_be_there() {
    let vector = Vector::all().find(Vector::has_tag).unwrap();
    let opened = decrypt(&vector.key, &vector.parameters, vector.input(&vector.cipher)).await;
    assert!(is_bad_input(&opened));
}

#[tokio::test]
async fn a_key_of_another_algorithm_or_length_is_refused() {
    for vector in Vector::all() {
        for algorithm in [AES, DES3, CHACHA, CryptographicAlgorithm::Des] {
            if vector.key.algorithm == Some(algorithm) {
                continue;
            }
            let key = KeyInUse { algorithm: Some(algorithm), ..vector.key.clone() };
            let refused = encrypt(&key, &vector.parameters, vector.input(&vector.plain)).await;
            assert!(is_bad_key(&refused), "{algorithm}");
        }
        for length in [0, 15, 33] {
            let key = secret(&vec![1; length]);
            let refused = encrypt(&key, &vector.parameters, vector.input(&vector.plain)).await;
            assert!(is_bad_key(&refused), "{length}");
        }
        let key = KeyInUse { object_type: ObjectType::PublicKey, ..vector.key.clone() };
        let refused = encrypt(&key, &vector.parameters, vector.input(&vector.plain)).await;
        assert!(is_bad_key(&refused));
    }
}

#[tokio::test]
async fn weak_triple_des_keys_are_left_to_others() {
    let parameters = parameters(DES3, BlockCipherMode::Ecb, PaddingMethod::Pkcs5);
    let (first, second): (Vec<u8>, Vec<u8>) = ((1..9).collect(), (9..17).collect());
    for key in [
        first.clone(),
        [first.clone(), first.clone()].concat(),
        [first.clone(), first.clone(), second.clone()].concat(),
        [first.clone(), second.clone(), second.clone()].concat(),
        vec![1; 24],
    ] {
        let refused = encrypt(&secret(&key), &parameters, input(b"data", None)).await;
        assert!(is_unsupported(&refused), "{key:?}");
    }
}

#[tokio::test]
async fn two_triple_des_keys_are_three() {
    let parameters = parameters(DES3, BlockCipherMode::Ecb, PaddingMethod::Pkcs5);
    let two: Vec<u8> = (1..17).collect();
    let three = [&two[..], &two[..8]].concat();
    let sealed = encrypt(&secret(&two), &parameters, input(b"data", None)).await.unwrap();
    assert_eq!(encrypt(&secret(&three), &parameters, input(b"data", None)).await, Ok(sealed));
}

#[tokio::test]
async fn key_wrap_takes_what_its_standard_allows() {
    let nist = parameters(AES, BlockCipherMode::NistKeyWrap, PaddingMethod::None);
    let padded = parameters(AES, BlockCipherMode::AesKeyWrapPadding, PaddingMethod::None);
    let key = secret(&[3; 32]);
    for length in [0, 8, 15, 17] {
        let data = vec![1; length];
        assert!(is_bad_input(&encrypt(&key, &nist, input(&data, None)).await), "{length}");
    }
    assert!(is_bad_input(&encrypt(&key, &padded, input(&[], None)).await));
    for length in [1, 7, 8, 9, 16, 24, 31, 1000] {
        let data = vec![1; length];
        let wrapped = encrypt(&key, &padded, input(&data, None)).await.unwrap();
        let unwrapped = decrypt(&key, &padded, input(&wrapped.data, None)).await.unwrap();
        assert_eq!(unwrapped.expose(), data);
    }
    for parameters in [&nist, &padded] {
        let mut wrapped = encrypt(&key, parameters, input(&[5; 16], None)).await.unwrap();
        wrapped.data[0] ^= 1;
        let failed = decrypt(&key, parameters, input(&wrapped.data, None)).await;
        assert_eq!(failed, Err(CryptoError::Failed));
        assert!(is_bad_input(&decrypt(&key, parameters, input(&wrapped.data[1..], None)).await));
        assert!(is_bad_input(&decrypt(&key, parameters, input(&[], None)).await));
    }
}

#[tokio::test]
async fn key_wrap_knows_the_published_initial_value_only() {
    let nist = parameters(AES, BlockCipherMode::NistKeyWrap, PaddingMethod::None);
    let key = secret(&[3; 16]);
    let with = async |iv: &[u8]| encrypt(&key, &nist, input(&[5; 16], Some(iv))).await;
    assert!(with(&[0xA6; 8]).await.is_ok());
    assert!(is_unsupported(&with(&[0; 8]).await));
    let refused = encrypt(&secret(&[3; 24]), &nist, input(&[5; 16], None)).await;
    assert!(is_unsupported(&refused));
}

#[tokio::test]
async fn gcm_with_another_length_of_nonce_is_left_to_others() {
    let parameters = parameters(AES, BlockCipherMode::Gcm, PaddingMethod::None);
    let refused = encrypt(&secret(&[1; 16]), &parameters, input(&[], Some(&[1; 8]))).await;
    assert!(is_unsupported(&refused));
}

#[test]
fn the_offer_is_this() {
    let ciphers = AwsLcCiphers::new();
    let modes = |algorithm| -> Vec<&str> {
        let offered = |value| {
            let mode = BlockCipherMode::from_value(value);
            ciphers.supports(&parameters(algorithm, mode, PaddingMethod::None))
        };
        let members = BlockCipherMode::MEMBERS.iter().filter(|member| offered(member.value));
        members.map(|member| member.name).collect()
    };
    let aes = ["CBC", "ECB", "CFB", "OFB", "CTR", "GCM", "AESKeyWrapPadding", "NISTKeyWrap"];
    assert_eq!(modes(AES), aes);
    assert_eq!(modes(DES3), ["CBC", "ECB"]);
    assert_eq!(modes(CHACHA), ["AEAD"]);
    for member in CryptographicAlgorithm::MEMBERS {
        let algorithm = CryptographicAlgorithm::from_value(member.value);
        if ![AES, DES3, CHACHA].contains(&algorithm) {
            assert_eq!(modes(algorithm), Vec::<&str>::new(), "{algorithm}");
        }
    }
    let zeros = parameters(AES, BlockCipherMode::Cbc, PaddingMethod::Zeros);
    assert!(!ciphers.supports(&zeros));
    assert!(!ciphers.supports(&CryptographicParameters::EMPTY));
    let modeless = CryptographicParameters {
        cryptographic_algorithm: Some(AES),
        ..CryptographicParameters::EMPTY
    };
    assert!(!ciphers.supports(&modeless));
}

fn rsa(padding: PaddingMethod, hash: Option<HashingAlgorithm>) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Rsa),
        padding_method: Some(padding),
        hashing_algorithm: hash,
        ..CryptographicParameters::EMPTY
    }
}

fn rsa_key(object_type: ObjectType, der: &[u8]) -> KeyInUse {
    let material = KeyMaterial::Bytes(Material::from(der));
    testing::key(object_type, Some(CryptographicAlgorithm::Rsa), material)
}

fn stored(object_type: ObjectType, name: &str, form: &str) -> KeyInUse {
    let line = KEYS.lines().find(|line| line.starts_with(&format!("{name} {form} "))).unwrap();
    rsa_key(object_type, &bytes(line.split(' ').nth(2).unwrap()))
}

#[tokio::test]
async fn what_openssl_encrypted_opens_with_every_form_of_the_key() {
    for line in RSA_CIPHERS.lines().skip(1) {
        let fields: Vec<&str> = line.split(' ').collect();
        let hash = (fields[1] != "-").then(|| named(fields[1]));
        let parameters = CryptographicParameters {
            p_source: (fields[2] != "-").then(|| bytes(fields[2])),
            ..rsa(named(fields[0]), hash)
        };
        for form in ["pkcs1", "pkcs8"] {
            let key = stored(ObjectType::PrivateKey, "rsa-2048", form);
            let cipher = bytes(fields[4]);
            let plain = decrypt(&key, &parameters, input(&cipher, None)).await.unwrap();
            assert_eq!(hex::encode(plain.expose()), fields[3], "{line}");
            if fields[0] == "OAEP" {
                let other = CryptographicParameters {
                    p_source: Some(b"another label".to_vec()),
                    ..parameters.clone()
                };
                let failed = decrypt(&key, &other, input(&cipher, None)).await;
                assert_eq!(failed, Err(CryptoError::Failed));
            }
        }
    }
}

#[tokio::test]
async fn rsa_comes_back_with_the_other_half() {
    let KeyPair { private, public } =
        AwsLcKeyGeneration::new().key_pair(KeyPairSpecification::Rsa { bits: 2048 }).await.unwrap();
    let private = rsa_key(ObjectType::PrivateKey, private.expose());
    let public = rsa_key(ObjectType::PublicKey, &public);
    let hashes = [
        (None, 214),
        (Some(HashingAlgorithm::Sha1), 214),
        (Some(HashingAlgorithm::Sha256), 190),
        (Some(HashingAlgorithm::Sha384), 158),
        (Some(HashingAlgorithm::Sha512), 126),
    ];
    let oaep = hashes.map(|(hash, room)| (rsa(PaddingMethod::Oaep, hash), room));
    for (parameters, room) in oaep.into_iter().chain([(rsa(PaddingMethod::Pkcs1V15, None), 245)]) {
        assert!(AwsLcCiphers::new().supports(&parameters));
        for length in [0, 1, room] {
            let data = vec![7; length];
            let sealed = encrypt(&public, &parameters, input(&data, None)).await.unwrap();
            let opened = decrypt(&private, &parameters, input(&sealed.data, None)).await.unwrap();
            assert_eq!(opened.expose(), data);
        }
        let data = vec![7; room + 1];
        assert!(is_bad_input(&encrypt(&public, &parameters, input(&data, None)).await));
        let data = vec![7; 256];
        let failed = decrypt(&private, &parameters, input(&data, None)).await;
        assert_eq!(failed, Err(CryptoError::Failed));
        assert!(is_bad_input(&decrypt(&private, &parameters, input(&data[1..], None)).await));
        assert!(is_bad_key(&encrypt(&private, &parameters, input(&[], None)).await));
        assert!(is_bad_key(&decrypt(&public, &parameters, input(&data, None)).await));
    }
}

#[tokio::test]
async fn small_rsa_keys_and_other_paddings_are_left_to_others() {
    let small = stored(ObjectType::PrivateKey, "rsa-1024", "pkcs1");
    let refused = decrypt(&small, &rsa(PaddingMethod::Oaep, None), input(&[0; 128], None)).await;
    assert!(is_unsupported(&refused));
    let ciphers = AwsLcCiphers::new();
    assert!(!ciphers.supports(&rsa(PaddingMethod::None, None)));
    assert!(!ciphers.supports(&rsa(PaddingMethod::Oaep, Some(HashingAlgorithm::Md5))));
    assert!(!ciphers.supports(&CryptographicParameters {
        mask_generator_hashing_algorithm: Some(HashingAlgorithm::Sha1),
        ..rsa(PaddingMethod::Oaep, Some(HashingAlgorithm::Sha256))
    }));
}

#[tokio::test]
async fn a_key_that_is_not_rsa_is_refused() {
    let line = KEYS.lines().find(|line| line.starts_with("ed25519 spki ")).unwrap();
    let key = rsa_key(ObjectType::PublicKey, &bytes(line.split(' ').nth(2).unwrap()));
    let refused = encrypt(&key, &rsa(PaddingMethod::Oaep, None), input(&[1], None)).await;
    assert!(is_bad_key(&refused));
    let key = rsa_key(ObjectType::PublicKey, b"no key");
    let refused = encrypt(&key, &rsa(PaddingMethod::Oaep, None), input(&[1], None)).await;
    assert!(is_bad_key(&refused));
}

#[test]
fn rsa_decryption_and_large_data_leave_the_callers_thread() {
    let key = stored(ObjectType::PrivateKey, "rsa-2048", "pkcs8");
    let padding = rsa(PaddingMethod::Oaep, None);
    let prepared = Decryption::prepare(&key, &padding, input(&[], None)).unwrap();
    assert_eq!(prepared.cost(1), Cost::Pooled);
    let ecb = parameters(AES, BlockCipherMode::Ecb, PaddingMethod::None);
    let prepared = Decryption::prepare(&secret(&[1; 16]), &ecb, input(&[], None)).unwrap();
    assert_eq!(prepared.cost(1024), Cost::Inline);
    assert_eq!(prepared.cost(1 << 20), Cost::Pooled);
}
