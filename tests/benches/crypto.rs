//! Benches of the cryptography behind its ports: what is done at once and what is handed to another
//! thread, on both sides of the threshold of 64 KiB.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, CryptographicParameters},
    enumeration::{
        BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm,
        KeyFormatType, PaddingMethod, RecommendedCurve,
    },
    object::{KeyBlock, KeyMaterial, KeyValue, Life, Object, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CryptoSuite, KeyPairSpecification, SignatureInput};
use tokio::runtime::Runtime;

const NOW: DateTime = DateTime(1_700_000_000);

fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: None,
        padding_method: None,
        hashing_algorithm: None,
        key_role_type: None,
        digital_signature_algorithm: None,
        cryptographic_algorithm: Some(algorithm),
        random_iv: None,
        iv_length: None,
        tag_length: None,
        fixed_field_length: None,
        invocation_field_length: None,
        counter_length: None,
        initial_counter_value: None,
        salt_length: None,
        mask_generator: None,
        mask_generator_hashing_algorithm: None,
        p_source: None,
        trailer_field: None,
    }
}

/// Makes an Active key that may do one thing.
fn key(
    held: impl FnOnce(KeyBlock) -> Object,
    algorithm: CryptographicAlgorithm,
    material: Material,
    usage: CryptographicUsageMask,
) -> ProtectionKey {
    let object = held(KeyBlock {
        key_format_type: KeyFormatType::Raw,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain {
            key_material: KeyMaterial::Bytes(material),
            attributes: Vec::new(),
        }),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    });
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::CryptographicUsageMask(usage));
    attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    let identifier = UniqueIdentifier::new("a");
    ManagedObject::restore(identifier, "alice".to_owned(), attributes, Life::Active(object))
        .protection_key(usage, NOW)
        .expect("it is Active and may be used for that")
}

fn encrypt(criterion: &mut Criterion, runtime: &Runtime, suite: &CryptoSuite) {
    let aes = CryptographicAlgorithm::Aes;
    let usage = CryptographicUsageMask::ENCRYPT;
    let key = key(Object::SymmetricKey, aes, Material::new(vec![7; 32]), usage);
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
        ("sign, RSA-2048, pooled", KeyPairSpecification::Rsa { bits: 2048 }, &rsa),
        ("sign, ECDSA on P-256", p256, &ecdsa),
    ] {
        let pair = runtime.block_on(suite.generate.key_pair(specification));
        let private = pair.expect("both kinds can be made").private;
        let algorithm = parameters.cryptographic_algorithm.expect("it was set above");
        let usage = CryptographicUsageMask::SIGN;
        let key = key(Object::PrivateKey, algorithm, private, usage);
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
