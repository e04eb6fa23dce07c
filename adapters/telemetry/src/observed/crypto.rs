//! Cryptography, observed: one capability after the other.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{HashingAlgorithm, KeyFormatType, ObjectType},
    object::{KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{
    CipherInput, CipherOutput, Ciphers, CryptoError, CryptoSuite, Derivation, Digests,
    KeyDerivation, KeyDescription, KeyFormats, KeyGeneration, KeyPair, KeyPairSpecification, Macs,
    Random, SignatureInput, Signatures,
};

use super::Observed;
use crate::metrics::Metrics;

/// Wraps every capability of a suite. What only answers a question is not timed.
#[must_use]
pub fn suite(suite: CryptoSuite, metrics: &Arc<Metrics>) -> CryptoSuite {
    CryptoSuite {
        generate: Observed::new(suite.generate, metrics),
        cipher: Observed::new(suite.cipher, metrics),
        sign: Observed::new(suite.sign, metrics),
        mac: Observed::new(suite.mac, metrics),
        derive: Observed::new(suite.derive, metrics),
        digest: Observed::new(suite.digest, metrics),
        format: Observed::new(suite.format, metrics),
        random: Observed::new(suite.random, metrics),
    }
}

#[async_trait]
impl KeyGeneration for Observed<dyn KeyGeneration> {
    fn supports(&self, specification: KeyPairSpecification) -> bool {
        self.inner.supports(specification)
    }

    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
        self.wait("generate", self.inner.key_pair(specification)).await
    }
}

#[async_trait]
impl Ciphers for Observed<dyn Ciphers> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.inner.supports(parameters)
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        self.wait("encrypt", self.inner.encrypt(key, parameters, input)).await
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        self.wait("decrypt", self.inner.decrypt(key, parameters, input)).await
    }
}

#[async_trait]
impl Signatures for Observed<dyn Signatures> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.inner.supports(parameters)
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        self.wait("sign", self.inner.sign(key, parameters, input)).await
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        self.wait("verify", self.inner.verify(key, parameters, input, signature)).await
    }
}

impl Macs for Observed<dyn Macs> {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        self.inner.supports(parameters)
    }

    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.run("mac", || self.inner.generate(key, parameters, data))
    }

    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError> {
        self.run("mac_verify", || self.inner.verify(key, parameters, data, mac))
    }
}

#[async_trait]
impl KeyDerivation for Observed<dyn KeyDerivation> {
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError> {
        self.wait("derive", self.inner.derive(key, derivation, length)).await
    }
}

impl Digests for Observed<dyn Digests> {
    fn supports(&self, algorithm: HashingAlgorithm) -> bool {
        self.inner.supports(algorithm)
    }

    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run("digest", || self.inner.digest(algorithm, data))
    }
}

impl KeyFormats for Observed<dyn KeyFormats> {
    fn describe(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        self.run("describe", || self.inner.describe(object_type, material))
    }

    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        self.run("convert", || self.inner.convert(object_type, material, to))
    }
}

impl Random for Observed<dyn Random> {
    fn bytes(&self, length: usize) -> Result<Material, CryptoError> {
        self.run("random", || self.inner.bytes(length))
    }
}
