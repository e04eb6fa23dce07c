//! Key derivation: PBKDF2 (RFC 8018), HKDF (RFC 5869), the modes of SP 800-108, Diffie-Hellman on
//! curves.
//!
//! Deliberately absent: PBKDF2 and HKDF over SHA-224 and SHA-3, and Diffie-Hellman on secp256k1 and
//! in prime fields, which the library does not have.

use std::num::NonZeroU32;

use async_trait::async_trait;
use aws_lc_rs::{hkdf, pbkdf2};
use kmip_model::{
    Material,
    enumeration::HashingAlgorithm,
    object::{KeyInUse, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, Derivation, KeyDerivation};
use zeroize::Zeroizing;

use crate::{
    key,
    offload::{Cost, Offload},
};

mod agreement;
mod feedback;

#[cfg(test)]
mod tests;

/// Bytes that are erased unless they become the answer.
type Derived = Zeroizing<Vec<u8>>;

/// Derives keys with AWS-LC.
#[derive(Clone, Debug)]
pub struct AwsLcDerivation {
    offload: Offload,
}

impl AwsLcDerivation {
    /// Makes as many slow derivations at a time as the cores can do.
    #[must_use]
    pub fn new() -> Self {
        Self::sharing(Offload::new())
    }

    pub(crate) const fn sharing(offload: Offload) -> Self {
        Self { offload }
    }
}

impl Default for AwsLcDerivation {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl KeyDerivation for AwsLcDerivation {
    async fn derive(
        &self,
        key: &ProtectionKey,
        derivation: Derivation<'_>,
        length: usize,
    ) -> Result<Material, CryptoError> {
        let key = key.key();
        let mut derived = match derivation {
            Derivation::Pbkdf2 { hash, salt, iterations } => {
                self.pbkdf2(key, hash, salt, iterations, length).await?
            }
            Derivation::Hkdf { hash, salt, info } => hkdf(key, hash, salt, info, length)?,
            Derivation::CounterMode { hash, fixed } => {
                feedback::counter(&feedback::key(key, hash)?, fixed, length)?
            }
            Derivation::FeedbackMode { hash, iv, fixed } => {
                feedback::feedback(&feedback::key(key, hash)?, iv, fixed, length)
            }
            Derivation::DoublePipelineMode { hash, fixed } => {
                feedback::double_pipeline(&feedback::key(key, hash)?, fixed, length)
            }
            Derivation::Agreement { public_key } => agreement::agree(key, public_key, length)?,
        };
        Ok(Material::new(core::mem::take(&mut *derived)))
    }
}

fn unsupported(method: &str, hash: HashingAlgorithm) -> CryptoError {
    CryptoError::Unsupported(format!("{method} with {hash}"))
}

/// A PBKDF2 that costs at most so many rounds is not worth a thread.
const MOST_INLINE_ROUNDS: u64 = 500;

/// A PBKDF2 that costs more rounds than this takes a tenth of a second and more.
const MOST_POOLED_ROUNDS: u64 = 200_000;

/// The bytes of the shortest hash, to count rounds by.
const SHORTEST_HASH: usize = 20;

fn pbkdf2_cost(iterations: u32, length: usize) -> Cost {
    let blocks = u64::try_from(length.div_ceil(SHORTEST_HASH)).unwrap_or(u64::MAX);
    match blocks.saturating_mul(u64::from(iterations)) {
        0..=MOST_INLINE_ROUNDS => Cost::Inline,
        rounds if rounds <= MOST_POOLED_ROUNDS => Cost::Pooled,
        _ => Cost::Long,
    }
}

impl AwsLcDerivation {
    async fn pbkdf2(
        &self,
        key: &KeyInUse,
        hash: HashingAlgorithm,
        salt: &[u8],
        iterations: u32,
        length: usize,
    ) -> Result<Derived, CryptoError> {
        let algorithm = match hash {
            HashingAlgorithm::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            HashingAlgorithm::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            HashingAlgorithm::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            HashingAlgorithm::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
            other => return Err(unsupported("PBKDF2", other)),
        };
        let cost = pbkdf2_cost(iterations, length);
        let iterations =
            NonZeroU32::new(iterations).ok_or(CryptoError::BadInput("the Iteration Count is 0"))?;
        // The method counts its blocks in 32 bits; nobody asks for so much.
        if u32::try_from(length).is_err() {
            return Err(CryptoError::TooLong);
        }
        let password = key::bytes(key)?.clone();
        let salt = salt.to_vec();
        let work = move || {
            let mut derived = Zeroizing::new(vec![0; length]);
            pbkdf2::derive(algorithm, iterations, &salt, password.expose(), &mut derived);
            Ok(derived)
        };
        self.offload.run(cost, work).await
    }
}

/// How many bytes to expand to.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn hkdf(
    key: &KeyInUse,
    hash: HashingAlgorithm,
    salt: &[u8],
    info: &[u8],
    length: usize,
) -> Result<Derived, CryptoError> {
    let algorithm = match hash {
        HashingAlgorithm::Sha1 => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        HashingAlgorithm::Sha256 => hkdf::HKDF_SHA256,
        HashingAlgorithm::Sha384 => hkdf::HKDF_SHA384,
        HashingAlgorithm::Sha512 => hkdf::HKDF_SHA512,
        other => return Err(unsupported("HKDF", other)),
    };
    let extracted = hkdf::Salt::new(algorithm, salt).extract(key::bytes(key)?.expose());
    let info = [info];
    let expanded = extracted.expand(&info, Length(length)).map_err(|_| CryptoError::TooLong)?;
    let mut derived = Zeroizing::new(vec![0; length]);
    expanded.fill(&mut derived).map_err(|_| CryptoError::Failed)?;
    Ok(derived)
}
