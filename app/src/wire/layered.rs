//! Two providers of cryptography as one: the first is asked for everything, the second for what the
//! first does not offer.
//!
//! Only `Unsupported` moves a request on: any other answer of the first is the answer. So the second
//! never sees a key or parameters that the first found wrong. If neither offers it, the second's
//! refusal is given, because it had the last word.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::HashingAlgorithm,
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{
    CipherInput, CipherOutput, Ciphers, CryptoError, CryptoSuite, Derivation, Digests,
    KeyDerivation, KeyGeneration, KeyPair, KeyPairSpecification, Macs, SignatureInput, Signatures,
};

/// Lays a suite over two capabilities. Everything else is the suite's.
pub(super) fn over(
    first: CryptoSuite,
    cipher: Arc<dyn Ciphers>,
    sign: Arc<dyn Signatures>,
) -> CryptoSuite {
    CryptoSuite {
        cipher: Arc::new(Layered { first: first.cipher, second: cipher }),
        sign: Arc::new(Layered { first: first.sign, second: sign }),
        ..first
    }
}

/// Lays one suite over another. Key forms and randomness are the first's.
#[cfg(any(feature = "crypto-legacy", test))]
pub(super) fn suite(first: CryptoSuite, second: CryptoSuite) -> CryptoSuite {
    CryptoSuite {
        generate: Arc::new(Layered { first: first.generate, second: second.generate }),
        cipher: Arc::new(Layered { first: first.cipher, second: second.cipher }),
        sign: Arc::new(Layered { first: first.sign, second: second.sign }),
        mac: Arc::new(Layered { first: first.mac, second: second.mac }),
        derive: Arc::new(Layered { first: first.derive, second: second.derive }),
        digest: Arc::new(Layered { first: first.digest, second: second.digest }),
        format: first.format,
        random: first.random,
    }
}

/// One capability, of two.
struct Layered<T: ?Sized> {
    first: Arc<T>,
    second: Arc<T>,
}

/// Says whether the second is to be asked.
const fn moves_on<T>(answer: &Result<T, CryptoError>) -> bool {
    matches!(answer, Err(CryptoError::Unsupported(_)))
}

#[async_trait]
impl KeyGeneration for Layered<dyn KeyGeneration> {
    fn supports(&self, specification: KeyPairSpecification) -> bool {
        self.first.supports(specification) || self.second.supports(specification)
    }

    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
        let answer = self.first.key_pair(specification).await;
        if moves_on(&answer) { self.second.key_pair(specification).await } else { answer }
    }
}

#[async_trait]
impl Ciphers for Layered<dyn Ciphers> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.first.supports(parameters) || self.second.supports(parameters)
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        let answer = self.first.encrypt(key, parameters, input).await;
        if moves_on(&answer) { self.second.encrypt(key, parameters, input).await } else { answer }
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        let answer = self.first.decrypt(key, parameters, input).await;
        if moves_on(&answer) { self.second.decrypt(key, parameters, input).await } else { answer }
    }
}

#[async_trait]
impl Signatures for Layered<dyn Signatures> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.first.supports(parameters) || self.second.supports(parameters)
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        let answer = self.first.sign(key, parameters, input).await;
        if moves_on(&answer) { self.second.sign(key, parameters, input).await } else { answer }
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        let answer = self.first.verify(key, parameters, input, signature).await;
        if moves_on(&answer) {
            self.second.verify(key, parameters, input, signature).await
        } else {
            answer
        }
    }
}

impl Macs for Layered<dyn Macs> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.first.supports(parameters) || self.second.supports(parameters)
    }

    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let answer = self.first.generate(key, parameters, data);
        if moves_on(&answer) { self.second.generate(key, parameters, data) } else { answer }
    }

    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError> {
        let answer = self.first.verify(key, parameters, data, mac);
        if moves_on(&answer) { self.second.verify(key, parameters, data, mac) } else { answer }
    }
}

#[async_trait]
impl KeyDerivation for Layered<dyn KeyDerivation> {
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError> {
        let answer = self.first.derive(key, derivation, length).await;
        if moves_on(&answer) { self.second.derive(key, derivation, length).await } else { answer }
    }
}

impl Digests for Layered<dyn Digests> {
    fn supports(&self, algorithm: HashingAlgorithm) -> bool {
        self.first.supports(algorithm) || self.second.supports(algorithm)
    }

    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let answer = self.first.digest(algorithm, data);
        if moves_on(&answer) { self.second.digest(algorithm, data) } else { answer }
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        enumeration::{CryptographicAlgorithm, ObjectType, RecommendedCurve},
        object::KeyMaterial,
    };
    use kmip_testkit::{SeededRandom, fixture_suite, key_in_use};
    use pollster::block_on;

    use super::*;

    /// Offers nothing, and says that it was asked.
    struct Nothing(&'static str);

    impl Nothing {
        fn refusal<T>(&self) -> Result<T, CryptoError> {
            Err(CryptoError::Unsupported(self.0.to_owned()))
        }
    }

    #[async_trait]
    impl KeyGeneration for Nothing {
        fn supports(&self, _: KeyPairSpecification) -> bool {
            false
        }

        async fn key_pair(&self, _: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
            self.refusal()
        }
    }

    #[async_trait]
    impl Ciphers for Nothing {
        fn supports(&self, _: &CryptographicParameters) -> bool {
            false
        }

        async fn encrypt(
            &self,
            _: &ProtectionKey,
            _: &CryptographicParameters,
            _: CipherInput<'_>,
        ) -> Result<CipherOutput, CryptoError> {
            self.refusal()
        }

        async fn decrypt(
            &self,
            _: &ProcessingKey,
            _: &CryptographicParameters,
            _: CipherInput<'_>,
        ) -> Result<Material, CryptoError> {
            self.refusal()
        }
    }

    #[async_trait]
    impl Signatures for Nothing {
        fn supports(&self, _: &CryptographicParameters) -> bool {
            false
        }

        async fn sign(
            &self,
            _: &ProtectionKey,
            _: &CryptographicParameters,
            _: SignatureInput<'_>,
        ) -> Result<Vec<u8>, CryptoError> {
            self.refusal()
        }

        async fn verify(
            &self,
            _: &ProcessingKey,
            _: &CryptographicParameters,
            _: SignatureInput<'_>,
            _: &[u8],
        ) -> Result<bool, CryptoError> {
            self.refusal()
        }
    }

    impl Macs for Nothing {
        fn supports(&self, _: &CryptographicParameters) -> bool {
            false
        }

        fn generate(
            &self,
            _: &ProtectionKey,
            _: &CryptographicParameters,
            _: &[u8],
        ) -> Result<Vec<u8>, CryptoError> {
            self.refusal()
        }

        fn verify(
            &self,
            _: &ProcessingKey,
            _: &CryptographicParameters,
            _: &[u8],
            _: &[u8],
        ) -> Result<bool, CryptoError> {
            self.refusal()
        }
    }

    #[async_trait]
    impl KeyDerivation for Nothing {
        async fn derive(
            &self,
            _: &ProtectionKey,
            _: Derivation<'_>,
            _: usize,
        ) -> Result<Material, CryptoError> {
            self.refusal()
        }
    }

    impl Digests for Nothing {
        fn supports(&self, _: HashingAlgorithm) -> bool {
            false
        }

        fn digest(&self, _: HashingAlgorithm, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
            self.refusal()
        }
    }

    fn nothing(name: &'static str) -> CryptoSuite {
        CryptoSuite {
            generate: Arc::new(Nothing(name)),
            cipher: Arc::new(Nothing(name)),
            sign: Arc::new(Nothing(name)),
            mac: Arc::new(Nothing(name)),
            derive: Arc::new(Nothing(name)),
            digest: Arc::new(Nothing(name)),
            format: fixture_suite(1).format,
            random: Arc::new(SeededRandom::new(1)),
        }
    }

    fn key() -> (ProtectionKey, ProcessingKey) {
        let material = KeyMaterial::Bytes(Material::new(vec![1; 16]));
        key_in_use(ObjectType::SymmetricKey, None, material)
    }

    fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
        CryptographicParameters {
            cryptographic_algorithm: Some(algorithm),
            ..CryptographicParameters::EMPTY
        }
    }

    const INPUT: CipherInput<'static> =
        CipherInput { data: b"data", iv_counter_nonce: None, additional_data: &[], tag: None };
    const COUNTER: Derivation<'static> =
        Derivation::CounterMode { hash: HashingAlgorithm::Sha256, fixed: b"x" };

    /// Asks every capability for what the fakes offer, and lists the refusals.
    fn refusals(suite: &CryptoSuite) -> Vec<CryptoError> {
        let (protection, processing) = key();
        let cipher = parameters(CryptographicAlgorithm::Aes);
        let sign = parameters(CryptographicAlgorithm::Rsa);
        let message = SignatureInput::Message(b"data");
        let pair = KeyPairSpecification::Ed25519;
        [
            block_on(suite.generate.key_pair(pair)).err(),
            block_on(suite.cipher.encrypt(&protection, &cipher, INPUT)).err(),
            block_on(suite.cipher.decrypt(&processing, &cipher, INPUT)).err(),
            block_on(suite.sign.sign(&protection, &sign, message)).err(),
            block_on(suite.sign.verify(&processing, &sign, message, b"x")).err(),
            suite.mac.generate(&protection, &cipher, b"data").err(),
            suite.mac.verify(&processing, &cipher, b"data", b"x").err(),
            block_on(suite.derive.derive(&protection, COUNTER, 16)).err(),
            suite.digest.digest(HashingAlgorithm::Sha256, b"data").err(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Says of every capability whether it offers what the fakes offer.
    fn offers(suite: &CryptoSuite) -> [bool; 5] {
        [
            suite.generate.supports(KeyPairSpecification::Ed25519),
            suite.cipher.supports(&parameters(CryptographicAlgorithm::Aes)),
            suite.sign.supports(&parameters(CryptographicAlgorithm::Rsa)),
            suite.mac.supports(&parameters(CryptographicAlgorithm::Aes)),
            suite.digest.supports(HashingAlgorithm::Sha256),
        ]
    }

    #[test]
    fn what_either_offers_is_offered_and_done() {
        for layered in
            [suite(fixture_suite(1), nothing("second")), suite(nothing("first"), fixture_suite(1))]
        {
            assert_eq!(offers(&layered), [true; 5]);
            assert_eq!(refusals(&layered), []);
        }
    }

    #[test]
    fn what_neither_offers_is_refused_by_the_second() {
        let layered = suite(nothing("first"), nothing("second"));
        assert_eq!(offers(&layered), [false; 5]);
        assert_eq!(refusals(&layered), vec![CryptoError::Unsupported("second".to_owned()); 9]);
    }

    #[test]
    fn the_first_answers_for_both_where_it_offers() {
        let curve = KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::Secp256K1 };
        let layered = suite(fixture_suite(1), nothing("second"));
        let refused = block_on(layered.generate.key_pair(curve));
        assert_eq!(refused, Err(CryptoError::Unsupported("second".to_owned())));
        // Half a block in ECB is wrong: the second, which would refuse it by name, is not asked.
        let (key, _) = key();
        let ecb = CryptographicParameters {
            block_cipher_mode: Some(kmip_model::enumeration::BlockCipherMode::Ecb),
            ..parameters(CryptographicAlgorithm::Aes)
        };
        let refused = block_on(layered.cipher.encrypt(&key, &ecb, INPUT));
        assert!(matches!(refused, Err(CryptoError::BadInput(_))));
    }
}
