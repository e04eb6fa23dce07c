//! Encryption and decryption, key wrapping included (KMIP 2.1 §6.1.18, §6.1.13; 1.4 §4.29, §4.30).

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    object::{ProcessingKey, ProtectionKey},
};

use super::CryptoError;

/// What is encrypted or decrypted.
#[derive(Clone, Copy, Debug)]
pub struct CipherInput<'a> {
    /// The plaintext, or the ciphertext.
    pub data: &'a [u8],
    /// IV/Counter/Nonce; modes that need one refuse to go without.
    pub iv_counter_nonce: Option<&'a [u8]>,
    /// Authenticated Encryption Additional Data; empty if there is none.
    pub additional_data: &'a [u8],
    /// Authenticated Encryption Tag, for decryption.
    pub tag: Option<&'a [u8]>,
}

/// What encryption results in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CipherOutput {
    /// The ciphertext.
    pub data: Vec<u8>,
    /// Authenticated Encryption Tag, of Tag Length bytes, for modes that have one.
    pub tag: Option<Vec<u8>>,
}

/// Encrypts and decrypts. `parameters` always name the Cryptographic Algorithm; key wrapping is the
/// Block Cipher Mode NIST Key Wrap (RFC 3394) or AES Key Wrap Padding (RFC 5649), and asymmetric
/// encryption the algorithm RSA with its Padding Method. A Padding Method that is absent is None.
#[async_trait]
pub trait Ciphers: Send + Sync {
    /// Says whether algorithm, mode and padding are offered; a key can still be refused.
    fn supports(&self, parameters: &CryptographicParameters) -> bool;

    /// Encrypts. `Unsupported` if algorithm, mode, padding or this very key is not offered;
    /// `BadKey` if the key does not fit the algorithm; `BadInput` if data or IV do not fit, and
    /// `BadTagLength` if the Tag Length does not.
    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError>;

    /// Decrypts what `encrypt` made. `Failed`, and nothing more, if padding or tag are not right.
    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError>;
}
