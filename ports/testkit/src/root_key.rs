//! A root key that is a number.

use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::{
    record::AtRestCipher,
    root_key::{RootKey, RootKeyError},
};

use crate::at_rest::HashCipher;

/// Wraps under a key made from a number; another number is another root key.
#[derive(Debug)]
pub struct FixedRootKey {
    key: Material,
    cipher: HashCipher,
}

impl FixedRootKey {
    /// Makes the root key of that number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self { key: Material::new(number.to_be_bytes().to_vec()), cipher: HashCipher::default() }
    }
}

#[async_trait]
impl RootKey for FixedRootKey {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        self.cipher
            .seal(&self.key, context, b"", data_key.expose())
            .map_err(|error| RootKeyError::Unavailable(error.to_string()))
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        self.cipher.open(&self.key, context, b"", wrapped).ok_or(RootKeyError::WrongKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_root_key_and_context_unwrap() {
        pollster::block_on(async {
            let data_key = Material::new(vec![1; 32]);
            let wrapped = FixedRootKey::new(1).wrap(b"a", &data_key).await.unwrap();
            let unwrap = async |number, context: &[u8]| {
                FixedRootKey::new(number).unwrap(context, &wrapped).await
            };
            assert_eq!(unwrap(1, b"a").await, Ok(data_key));
            assert_eq!(unwrap(2, b"a").await, Err(RootKeyError::WrongKey));
            assert_eq!(unwrap(1, b"b").await, Err(RootKeyError::WrongKey));
        });
    }
}
