//! Benches of the cryptography behind its ports: what is done at once and what is handed to another
//! thread, on both sides of the threshold of 64 KiB.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{
        BlockCipherMode, CryptographicAlgorithm, HashingAlgorithm, ObjectType, PaddingMethod,
        RecommendedCurve,
    },
    object::{KeyMaterial, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CryptoSuite, KeyPairSpecification, SignatureInput};
use kmip_testkit::key_in_use;
use tokio::runtime::Runtime;

fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(algorithm),
        ..CryptographicParameters::EMPTY
    }
}

/// Makes a key that may be used.
fn key(
    object_type: ObjectType,
    algorithm: CryptographicAlgorithm,
    material: Material,
) -> ProtectionKey {
    key_in_use(object_type, Some(algorithm), KeyMaterial::Bytes(material)).0
}

fn encrypt(criterion: &mut Criterion, runtime: &Runtime, suite: &CryptoSuite) {
    let aes = CryptographicAlgorithm::Aes;
    let key = key(ObjectType::SymmetricKey, aes, Material::new(vec![7; 32]));
    let mut cbc = parameters(aes);
    cbc.block_cipher_mode = Some(BlockCipherMode::Cbc);
    cbc.padding_method = Some(PaddingMethod::Pkcs5);
    let mut gcm = parameters(aes);
    gcm.block_cipher_mode = Some(BlockCipherMode::Gcm);
    gcm.tag_length = Some(16);
    for (name, parameters, nonce, length) in [
        ("AES-256-CBC of 1 KiB", &cbc, 16, 1 << 10),
        ("AES-256-GCM of 1 KiB", &gcm, 12, 1 << 10),
        ("AES-256-GCM of 64 KiB, inline", &gcm, 12, 64 << 10),
        ("AES-256-GCM of 65 KiB, pooled", &gcm, 12, 65 << 10),
    ] {
        let (data, nonce) = (vec![1; length], vec![2; nonce]);
        criterion.bench_function(&format!("crypto/{name}"), |bencher| {
            bencher.iter(|| {
                let input = CipherInput {
                    data: black_box(&data),
                    iv_counter_nonce: Some(&nonce),
                    additional_data: &[],
                    tag: None,
                };
                let encrypted = runtime.block_on(suite.cipher.encrypt(&key, parameters, input));
                encrypted.expect("AES is there")
            });
        });
    }
}

fn sign(criterion: &mut Criterion, runtime: &Runtime, suite: &CryptoSuite) {
    let mut rsa = parameters(CryptographicAlgorithm::Rsa);
    rsa.padding_method = Some(PaddingMethod::Pkcs1V15);
    rsa.hashing_algorithm = Some(HashingAlgorithm::Sha256);
    let mut ecdsa = parameters(CryptographicAlgorithm::Ecdsa);
    ecdsa.hashing_algorithm = Some(HashingAlgorithm::Sha256);
    let p256 = KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::P256 };
    for (name, specification, parameters) in [
        ("sign, RSA-2048, pooled, reading the key", KeyPairSpecification::Rsa { bits: 2048 }, &rsa),
        ("sign, ECDSA on P-256, reading the key", p256, &ecdsa),
    ] {
        let pair = runtime.block_on(suite.generate.key_pair(specification));
        let private = pair.expect("both kinds can be made").private;
        let algorithm = parameters.cryptographic_algorithm.expect("it was set above");
        let key = key(ObjectType::PrivateKey, algorithm, private);
        criterion.bench_function(&format!("crypto/{name}"), |bencher| {
            bencher.iter(|| {
                let input = SignatureInput::Message(black_box(&[1; 64]));
                runtime.block_on(suite.sign.sign(&key, parameters, input)).expect("it can sign")
            });
        });
    }
}

fn crypto(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let suite = kmip_aws_lc::suite();
    encrypt(criterion, &runtime, &suite);
    sign(criterion, &runtime, &suite);
}

criterion_group!(benches, crypto);
criterion_main!(benches);
