//! Key derivation: PBKDF2 (RFC 8018), HKDF (RFC 5869), the three modes of NIST SP 800-108, each
//! with the HMAC of any hash; Diffie-Hellman on secp256k1.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    enumeration::HashingAlgorithm,
    object::{KeyInUse, KeyMaterial, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, Derivation, KeyDerivation, KeyFormats};
use zeroize::Zeroizing;

use crate::{
    agreement,
    hash::{Prf, hmac},
    key::secret_bytes,
    offload::{Cost, run},
};

/// Derives keys with the hashes, and on the curve, that AWS-LC has not.
#[derive(Clone)]
pub struct LegacyDerivation {
    formats: Arc<dyn KeyFormats>,
}

impl LegacyDerivation {
    /// Reads elliptic curve keys by `formats`.
    #[must_use]
    pub fn new(formats: Arc<dyn KeyFormats>) -> Self {
        Self { formats }
    }
}

/// A copy of what is derived from, for another thread.
enum Method {
    Pbkdf2 { salt: Vec<u8>, iterations: u32 },
    Hkdf { salt: Vec<u8>, info: Vec<u8> },
    Counter { fixed: Vec<u8> },
    Feedback { iv: Vec<u8>, fixed: Vec<u8> },
    DoublePipeline { fixed: Vec<u8> },
}

/// What is to be computed: with an HMAC, or on a curve.
enum Recipe {
    Hmac(HashingAlgorithm, Method),
    Agreement(KeyMaterial),
}

impl Recipe {
    fn copy(derivation: Derivation<'_>) -> Self {
        let (hash, method) = match derivation {
            Derivation::Pbkdf2 { hash, salt, iterations } => {
                (hash, Method::Pbkdf2 { salt: salt.to_vec(), iterations })
            }
            Derivation::Hkdf { hash, salt, info } => {
                (hash, Method::Hkdf { salt: salt.to_vec(), info: info.to_vec() })
            }
            Derivation::CounterMode { hash, fixed } => {
                (hash, Method::Counter { fixed: fixed.to_vec() })
            }
            Derivation::FeedbackMode { hash, iv, fixed } => {
                (hash, Method::Feedback { iv: iv.to_vec(), fixed: fixed.to_vec() })
            }
            Derivation::DoublePipelineMode { hash, fixed } => {
                (hash, Method::DoublePipeline { fixed: fixed.to_vec() })
            }
            Derivation::Agreement { public_key } => return Self::Agreement(public_key.clone()),
        };
        Self::Hmac(hash, method)
    }
}

impl Method {
    fn derive(
        &self,
        hash: HashingAlgorithm,
        key: &[u8],
        length: usize,
    ) -> Result<Material, CryptoError> {
        match self {
            Self::Pbkdf2 { salt, iterations } => {
                if *iterations == 0 {
                    return Err(CryptoError::BadInput("there are no iterations"));
                }
                let prf = hmac(hash, key)?;
                blocks(length, u32::MAX, &[], |number, _| {
                    iterated(&prf, &[salt, &number.to_be_bytes()], *iterations)
                })
            }
            Self::Hkdf { salt, info } => {
                let prf = hmac(hash, &hmac(hash, salt)?(&[key]))?;
                let limit = u32::from(u8::MAX);
                blocks(length, limit, &[], |number, last| {
                    prf(&[last, info, &number.to_be_bytes()[3..]])
                })
            }
            Self::Counter { fixed } => {
                let prf = hmac(hash, key)?;
                blocks(length, u32::MAX, &[], |number, _| prf(&[&number.to_be_bytes(), fixed]))
            }
            Self::Feedback { iv, fixed } => {
                let prf = hmac(hash, key)?;
                blocks(length, u32::MAX, iv, |_, last| prf(&[last, fixed]))
            }
            Self::DoublePipeline { fixed } => {
                let prf = hmac(hash, key)?;
                let mut first = Zeroizing::new(fixed.clone());
                blocks(length, u32::MAX, &[], |_, _| {
                    first = prf(&[&first]);
                    prf(&[&first, fixed])
                })
            }
        }
    }
}

/// Puts blocks one after the other until there are enough bytes. A block is made from its number,
/// counted from 1, and the block before it.
fn blocks(
    length: usize,
    limit: u32,
    before: &[u8],
    mut next: impl FnMut(u32, &[u8]) -> Zeroizing<Vec<u8>>,
) -> Result<Material, CryptoError> {
    // Full size from the start: a vector that grows would leave a secret behind.
    let mut derived = Zeroizing::new(Vec::with_capacity(length));
    let mut last = Zeroizing::new(before.to_vec());
    let mut number = 0_u32;
    while derived.len() < length {
        number =
            number.checked_add(1).filter(|number| *number <= limit).ok_or(CryptoError::TooLong)?;
        last = next(number, &last);
        let missing = length.saturating_sub(derived.len());
        derived.extend(last.iter().take(missing));
    }
    Ok(Material::new(std::mem::take(&mut *derived)))
}

/// Makes a block of PBKDF2: the sum of a chain of MACs.
fn iterated(prf: &Prf, first: &[&[u8]], iterations: u32) -> Zeroizing<Vec<u8>> {
    let mut last = prf(first);
    let mut sum = last.clone();
    for _ in 1..iterations {
        last = prf(&[&last]);
        for (byte, other) in sum.iter_mut().zip(last.iter()) {
            *byte ^= other;
        }
    }
    sum
}

fn derive(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
    recipe: &Recipe,
    length: usize,
) -> Result<Material, CryptoError> {
    match recipe {
        Recipe::Hmac(hash, method) => method.derive(*hash, secret_bytes(key)?.expose(), length),
        Recipe::Agreement(public_key) => agreement::derive(formats, key, public_key, length),
    }
}

#[async_trait]
impl KeyDerivation for LegacyDerivation {
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError> {
        let formats = Arc::clone(&self.formats);
        let (key, recipe) = (key.key().clone(), Recipe::copy(derivation));
        run(Cost::Pooled, move || derive(formats.as_ref(), &key, &recipe, length)).await
    }
}

#[cfg(test)]
mod tests;
