//! The key above all keys: it wraps the data keys that seal records.

use async_trait::async_trait;
use kmip_model::Material;
use thiserror::Error;

/// Why a root key cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RootKeyError {
    /// The key cannot be read at this time.
    #[error("the root key cannot be read: {0}")]
    Unavailable(String),
    /// The wrapped data key was not wrapped by this root key, or was changed since.
    #[error("the data key was sealed under another root key")]
    WrongKey,
}

/// Wraps and unwraps data keys.
#[async_trait]
pub trait RootKey: Send + Sync {
    /// Wraps a data key; `context` is bound to it and must be given again to unwrap it.
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError>;
    /// Unwraps what `wrap` made with the same context.
    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError>;
}
