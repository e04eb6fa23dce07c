//! The modes of SP 800-108r1 over HMAC: counter (§4.1), feedback (§4.2), double pipeline (§4.3).

use aws_lc_rs::hmac::{self, Context, Key, Tag};
use kmip_model::{enumeration::HashingAlgorithm, object::KeyInUse};
use kmip_ports::crypto::CryptoError;
use zeroize::Zeroizing;

use super::{Derived, unsupported};
use crate::key;

/// Keys an HMAC.
pub(super) fn key(key: &KeyInUse, hash: HashingAlgorithm) -> Result<Key, CryptoError> {
    let algorithm = match hash {
        HashingAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HashingAlgorithm::Sha224 => hmac::HMAC_SHA224,
        HashingAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HashingAlgorithm::Sha384 => hmac::HMAC_SHA384,
        HashingAlgorithm::Sha512 => hmac::HMAC_SHA512,
        other => return Err(unsupported("SP 800-108", other)),
    };
    Ok(Key::new(algorithm, key::bytes(key)?.expose()))
}

fn hmac_of(key: &Key, parts: &[&[u8]]) -> Tag {
    let mut context = Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// Room for a whole last block, so that a secret need not move.
fn empty(key: &Key, length: usize) -> Derived {
    let block = key.algorithm().tag_len();
    Zeroizing::new(Vec::with_capacity(length.saturating_add(block)))
}

/// Counter mode: a counter of 32 bits before the fixed input.
pub(super) fn counter(key: &Key, fixed: &[u8], length: usize) -> Result<Derived, CryptoError> {
    let mut derived = empty(key, length);
    let mut counter = 0_u32;
    while derived.len() < length {
        counter = counter.checked_add(1).ok_or(CryptoError::TooLong)?;
        derived.extend_from_slice(hmac_of(key, &[&counter.to_be_bytes(), fixed]).as_ref());
    }
    derived.truncate(length);
    Ok(derived)
}

/// Feedback mode without a counter.
pub(super) fn feedback(key: &Key, iv: &[u8], fixed: &[u8], length: usize) -> Derived {
    let mut derived = empty(key, length);
    let mut last = hmac_of(key, &[iv, fixed]);
    loop {
        derived.extend_from_slice(last.as_ref());
        if derived.len() >= length {
            break;
        }
        last = hmac_of(key, &[last.as_ref(), fixed]);
    }
    derived.truncate(length);
    derived
}

/// Double pipeline mode without a counter.
pub(super) fn double_pipeline(key: &Key, fixed: &[u8], length: usize) -> Derived {
    let mut derived = empty(key, length);
    let mut pipeline = hmac_of(key, &[fixed]);
    loop {
        derived.extend_from_slice(hmac_of(key, &[pipeline.as_ref(), fixed]).as_ref());
        if derived.len() >= length {
            break;
        }
        pipeline = hmac_of(key, &[pipeline.as_ref()]);
    }
    derived.truncate(length);
    derived
}
