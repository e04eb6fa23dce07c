//! Verifying PSS with a salt of any length (RFC 8017 §8.1.2 and §9.1.2).
//!
//! The library verifies a salt whose length is known before; whoever made the signature may have
//! chosen another, and the message tells which. Everything here is public, so that nothing needs
//! constant time.

use aws_lc_rs::digest::{Algorithm, Context, Digest};
use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use der::Decode;
use kmip_ports::crypto::CryptoError;
use pkcs1::RsaPublicKeyRef;

/// Longer public exponents are refused: the time to compute grows with them.
const MOST_EXPONENT_BITS: u32 = 64;

/// The last byte of an encoded message.
const TRAILER: u8 = 0xBC;
/// What stands before the salt.
const MARK: u8 = 1;
/// What stands before the digest when all is hashed.
const ZEROS: [u8; 8] = [0; 8];

const BAD_KEY: CryptoError = CryptoError::BadKey("its numbers are none of an RSA key");

/// Says whether a signature is right for a digest, under a public key in PKCS#1.
pub(super) fn verify(
    key: &[u8],
    salt_length: Option<usize>,
    digest: &Digest,
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let key = RsaPublicKeyRef::from_der(key).map_err(|_| BAD_KEY)?;
    let Some((encoded, unused)) =
        open(key.modulus.as_bytes(), key.public_exponent.as_bytes(), signature)?
    else {
        return Ok(false);
    };
    Ok(is_encoding(&encoded, unused, salt_length, digest).unwrap_or(false))
}

/// Undoes the signature: returns the encoded message, and how many bits of it are not used. `None`
/// if the signature is no number below the modulus.
fn open(
    modulus: &[u8],
    exponent: &[u8],
    signature: &[u8],
) -> Result<Option<(Vec<u8>, u32)>, CryptoError> {
    let read = |digits: &[u8]| BoxedUint::from_be_slice_vartime(digits);
    let modulus_number = read(modulus);
    let bits = modulus_number.bit_width_vartime();
    let exponent = read(exponent);
    if exponent.bit_width_vartime() > MOST_EXPONENT_BITS {
        return Err(CryptoError::Unsupported("RSA keys with so large an exponent".to_owned()));
    }
    let precision = modulus_number.bits_precision();
    let Ok(signature_number) = BoxedUint::from_be_slice(signature, precision) else {
        return Ok(None);
    };
    if signature.len() != modulus.len() || signature_number >= modulus_number {
        return Ok(None);
    }
    let odd: Odd<BoxedUint> = modulus_number.to_odd().into_option().ok_or(BAD_KEY)?;
    let parameters = BoxedMontyParams::new_vartime(odd);
    let opened = BoxedMontyForm::new(signature_number, &parameters)
        .pow_bounded_exp(&exponent, exponent.bit_width_vartime())
        .retrieve()
        .to_be_bytes();
    // The encoded message is one bit shorter than the modulus: one byte shorter, if the first byte
    // of the modulus has a single bit.
    let used = bits.checked_sub(1).ok_or(BAD_KEY)?;
    let length = usize::try_from(used.div_ceil(8)).map_err(|_| BAD_KEY)?;
    let start = opened.len().checked_sub(length).ok_or(BAD_KEY)?;
    let (above, encoded) = opened.split_at(start);
    if above.iter().any(|byte| *byte != 0) {
        return Ok(None);
    }
    let unused = used.next_multiple_of(8).saturating_sub(used);
    Ok(Some((encoded.to_vec(), unused)))
}

/// Says whether this is the encoding of the digest; `None` if it is too short for any.
fn is_encoding(
    encoded: &[u8],
    unused: u32,
    salt_length: Option<usize>,
    digest: &Digest,
) -> Option<bool> {
    let algorithm = digest.algorithm();
    let (trailer, encoded) = encoded.split_last()?;
    let (masked, hash) =
        encoded.split_at_checked(encoded.len().checked_sub(algorithm.output_len())?)?;
    let highest = 0xFF_u8.checked_shr(unused)?;
    let mut block = mask(algorithm, hash, masked.len());
    for (byte, masked) in block.iter_mut().zip(masked) {
        *byte ^= masked;
    }
    let above = *masked.first()? & !highest;
    *block.first_mut()? &= highest;
    let mark = block.iter().position(|byte| *byte != 0)?;
    let (mark, salt) = block.get(mark..)?.split_first()?;
    if *trailer != TRAILER || above != 0 || *mark != MARK {
        return Some(false);
    }
    if salt_length.is_some_and(|given| given != salt.len()) {
        return Some(false);
    }
    let mut all = Context::new(algorithm);
    for part in [&ZEROS, digest.as_ref(), salt] {
        all.update(part);
    }
    Some(all.finish().as_ref() == hash)
}

/// Makes the mask MGF1 (RFC 8017 appendix B.2.1).
fn mask(algorithm: &'static Algorithm, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length.saturating_add(algorithm.output_len()));
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        let mut block = Context::new(algorithm);
        block.update(seed);
        block.update(&counter.to_be_bytes());
        mask.extend_from_slice(block.finish().as_ref());
    }
    mask.truncate(length);
    mask
}
