//! Encryption, signatures, MACs and derivation without cryptography: every answer is text or a hash
//! that shows what went in. Keys are opened by the keys that locked, and by no other.

use async_trait::async_trait;
use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm},
    object::{KeyInUse, KeyMaterial, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{
    CipherInput, CipherOutput, Ciphers, CryptoError, Derivation, KeyDerivation, Macs,
    SignatureInput, Signatures,
};

use crate::sha256::sha256;

/// The bytes of a tag or MAC.
const TAG: usize = 16;

/// Adds a stream of hashes of key, parameters and IV to the data; tags hash everything.
///
/// Offers AES and RSA: AES in every mode, and the mode GCM alone has a tag. Data under ECB and CBC
/// without padding must be whole blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainCiphers;

/// Signs with a hash of the key's words and the data; a public key verifies what the private key of
/// the same fixture signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSignatures;

/// Makes MACs that are hashes of key and data; offers AES and HMAC-SHA256.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainMacs;

/// Derives the bytes of a hash of everything, at most 64.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainDerivation;

/// What a key and its other half have in common.
fn key_bytes(key: &KeyInUse) -> Vec<u8> {
    match &key.material {
        KeyMaterial::Bytes(bytes) | KeyMaterial::TransparentSymmetricKey { key: bytes } => {
            match std::str::from_utf8(bytes.expose()) {
                // "PrivateKey PKCS_8 RSA 2048 " and "PublicKey X_509 RSA 2048 " end the same.
                Ok(text) if text.contains("Key ") => {
                    text.splitn(3, ' ').nth(2).unwrap_or_default().as_bytes().to_vec()
                }
                _ => bytes.expose().to_vec(),
            }
        }
        other => format!("{other:?}").into_bytes(),
    }
}

fn hash_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&part.len().to_be_bytes());
        all.extend_from_slice(part);
    }
    sha256(&all)
}

fn label(parameters: &CryptographicParameters) -> Vec<u8> {
    format!("{:?} {:?}", parameters.cryptographic_algorithm, parameters.block_cipher_mode)
        .into_bytes()
}

fn with_stream(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
    input: CipherInput<'_>,
) -> Vec<u8> {
    let iv = input.iv_counter_nonce.unwrap_or_default();
    let (key, label) = (key_bytes(key), label(parameters));
    let mut output = Vec::with_capacity(input.data.len());
    for (number, block) in input.data.chunks(32).enumerate() {
        let stream = hash_of(&[&key, &label, iv, &number.to_be_bytes()]);
        output.extend(block.iter().zip(stream).map(|(byte, other)| byte ^ other));
    }
    output
}

fn tag_of(key: &KeyInUse, input: CipherInput<'_>, plain: &[u8]) -> Vec<u8> {
    let iv = input.iv_counter_nonce.unwrap_or_default();
    hash_of(&[&key_bytes(key), iv, input.additional_data, plain])[..TAG].to_vec()
}

fn check(parameters: &CryptographicParameters, input: CipherInput<'_>) -> Result<(), CryptoError> {
    if !PlainCiphers.supports(parameters) {
        return Err(CryptoError::Unsupported(format!("{parameters:?}")));
    }
    let whole = input.data.len().is_multiple_of(16);
    let blocks =
        matches!(parameters.block_cipher_mode, Some(BlockCipherMode::Ecb | BlockCipherMode::Cbc));
    if blocks && parameters.padding_method.is_none() && !whole {
        return Err(CryptoError::BadInput("the data is not whole blocks"));
    }
    Ok(())
}

#[async_trait]
impl Ciphers for PlainCiphers {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        matches!(
            parameters.cryptographic_algorithm,
            Some(CryptographicAlgorithm::Aes | CryptographicAlgorithm::Rsa)
        )
    }

    async fn encrypt(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<CipherOutput, CryptoError> {
        check(parameters, input)?;
        let data = with_stream(key.key(), parameters, input);
        let tag = (parameters.block_cipher_mode == Some(BlockCipherMode::Gcm)).then(|| {
            let mut tag = tag_of(key.key(), input, input.data);
            let length = parameters.tag_length.and_then(|length| usize::try_from(length).ok());
            tag.truncate(length.unwrap_or(TAG));
            tag
        });
        Ok(CipherOutput { data, tag })
    }

    async fn decrypt(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: CipherInput<'_>,
    ) -> Result<Material, CryptoError> {
        check(parameters, input)?;
        let plain = with_stream(key.key(), parameters, input);
        if parameters.block_cipher_mode == Some(BlockCipherMode::Gcm) {
            let given = input.tag.ok_or(CryptoError::BadInput("there is no tag"))?;
            if !tag_of(key.key(), input, &plain).starts_with(given) {
                return Err(CryptoError::Failed);
            }
        }
        Ok(Material::new(plain))
    }
}

fn signature(key: &KeyInUse, input: SignatureInput<'_>) -> Vec<u8> {
    let digest = match input {
        SignatureInput::Message(message) => sha256(message).to_vec(),
        SignatureInput::Digest(digest) => digest.to_vec(),
    };
    hash_of(&[b"signature", &key_bytes(key), &digest]).to_vec()
}

#[async_trait]
impl Signatures for PlainSignatures {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        matches!(
            parameters.cryptographic_algorithm,
            Some(CryptographicAlgorithm::Rsa | CryptographicAlgorithm::Ecdsa)
        )
    }

    async fn sign(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        if !self.supports(parameters) {
            return Err(CryptoError::Unsupported(format!("{parameters:?}")));
        }
        Ok(signature(key.key(), input))
    }

    async fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        input: SignatureInput<'_>,
        given: &[u8],
    ) -> Result<bool, CryptoError> {
        if !self.supports(parameters) {
            return Err(CryptoError::Unsupported(format!("{parameters:?}")));
        }
        Ok(signature(key.key(), input) == given)
    }
}

impl Macs for PlainMacs {
    fn supports(&self, parameters: &CryptographicParameters) -> bool {
        matches!(
            parameters.cryptographic_algorithm,
            Some(CryptographicAlgorithm::Aes | CryptographicAlgorithm::HmacSha256)
        )
    }

    fn generate(
        &self,
        key: &ProtectionKey,
        parameters: &CryptographicParameters,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        if !self.supports(parameters) {
            return Err(CryptoError::Unsupported(format!("{parameters:?}")));
        }
        Ok(hash_of(&[b"mac", &key_bytes(key.key()), data]).to_vec())
    }

    fn verify(
        &self,
        key: &ProcessingKey,
        parameters: &CryptographicParameters,
        data: &[u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError> {
        if !self.supports(parameters) {
            return Err(CryptoError::Unsupported(format!("{parameters:?}")));
        }
        Ok(hash_of(&[b"mac", &key_bytes(key.key()), data]) == mac)
    }
}

#[async_trait]
impl KeyDerivation for PlainDerivation {
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError> {
        let label = format!("{derivation:?}");
        let mut bytes = hash_of(&[b"1", &key_bytes(key.key()), label.as_bytes()]).to_vec();
        bytes.extend(hash_of(&[b"2", &key_bytes(key.key()), label.as_bytes()]));
        if length > bytes.len() {
            return Err(CryptoError::TooLong);
        }
        bytes.truncate(length);
        Ok(Material::new(bytes))
    }
}
