//! Signatures (KMIP 2.1 §6.1.54 Sign, §6.1.55 Signature Verify; 1.4 §4.31, §4.32).

use async_trait::async_trait;
use kmip_model::{
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};

use super::CryptoError;

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub enum SignatureInput<'a> {
    /// Data: the message, which is hashed first.
    Message(&'a [u8]),
    /// Digested Data: the message's hash.
    Digest(&'a [u8]),
}

/// Signs and verifies. `parameters` name the Cryptographic Algorithm and, where it needs them,
/// Hashing Algorithm and Padding Method; a Digital Signature Algorithm has been resolved into these.
#[async_trait]
pub trait Signatures: Send + Sync {
    /// Says whether algorithm, hash and padding are offered; a key can still be refused.
    fn supports(&self, parameters: &CryptographicParameters) -> bool;

    /// Signs. RSA: PKCS#1 v1.5 or PSS; ECDSA signatures are DER (X9.62); Ed25519 is 64 bytes.
    /// `Unsupported` if the parameters or this very key are not offered, `BadKey` if the key cannot
    /// be read or does not fit.
    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError>;

    /// Says whether a signature is valid. A PSS salt of any length is accepted unless Salt Length
    /// is given.
    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        signature: &[u8],
    ) -> Result<bool, CryptoError>;
}
