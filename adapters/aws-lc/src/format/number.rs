//! Numbers: magnitudes, as DER's readers give them, and Big Integers (KMIP 2.1 §9.1.2), which are
//! two's complement. Both are big-endian.

use kmip_model::Material;
use kmip_ports::crypto::CryptoError;
use zeroize::Zeroizing;

/// Bytes that are erased when they are dropped.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Reads a Big Integer: its magnitude, without leading zeros. Keys have no negative numbers.
pub(super) fn magnitude(big_integer: &[u8]) -> Result<&[u8], CryptoError> {
    match big_integer.first() {
        Some(first) if first & 0x80 == 0 => Ok(without_leading_zeros(big_integer)),
        Some(_) => Err(CryptoError::BadKey("one of its numbers is negative")),
        None => Err(CryptoError::BadKey("one of its numbers is empty")),
    }
}

/// Reads a Big Integer that must stay secret.
pub(super) fn secret_magnitude(big_integer: &Material) -> Result<Secret, CryptoError> {
    magnitude(big_integer.expose()).map(secret)
}

/// Writes a magnitude as the shortest Big Integer.
pub(super) fn big_integer(magnitude: &[u8]) -> Vec<u8> {
    let digits = without_leading_zeros(magnitude);
    let needs_sign = digits.first().is_none_or(|first| first & 0x80 != 0);
    // Full size from the start: a vector that grows would leave a secret behind.
    let mut number = Vec::with_capacity(digits.len().saturating_add(1));
    if needs_sign {
        number.push(0);
    }
    number.extend_from_slice(digits);
    number
}

/// Writes a magnitude that must stay secret.
pub(super) fn secret_big_integer(magnitude: &[u8]) -> Material {
    Material::new(big_integer(magnitude))
}

/// Copies bytes that must be erased.
pub(super) fn secret(bytes: &[u8]) -> Secret {
    Zeroizing::new(bytes.to_vec())
}

/// Hands secret bytes over without copying them.
pub(super) fn material(mut bytes: Secret) -> Material {
    Material::new(core::mem::take(&mut *bytes))
}

pub(super) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Counts the bits of a magnitude, for Cryptographic Length.
pub(super) fn bits(magnitude: &[u8]) -> Result<i32, CryptoError> {
    let digits = without_leading_zeros(magnitude);
    let zeros = digits.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(digits.len())
        .ok()
        .and_then(|bytes| bytes.checked_mul(8))
        .and_then(|bits| i32::try_from(bits.saturating_sub(zeros)).ok())
        .ok_or(CryptoError::BadKey("one of its numbers is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_integers_are_the_shortest_with_a_sign() {
        for (magnitude, number) in [
            (&[][..], &[0][..]),
            (&[0, 0], &[0]),
            (&[0x7f], &[0x7f]),
            (&[0x80], &[0, 0x80]),
            (&[0, 0, 0x80, 1], &[0, 0x80, 1]),
            (&[0, 1, 0], &[1, 0]),
        ] {
            assert_eq!(big_integer(magnitude), number);
        }
    }

    #[test]
    fn padding_of_a_big_integer_does_not_count() {
        assert_eq!(magnitude(&[0, 0, 0, 0, 0, 0, 0x80, 1]), Ok(&[0x80, 1][..]));
        assert_eq!(magnitude(&[0]), Ok(&[][..]));
    }

    #[test]
    fn negative_and_empty_numbers_are_refused() {
        assert!(matches!(magnitude(&[0x80]), Err(CryptoError::BadKey(_))));
        assert!(matches!(magnitude(&[]), Err(CryptoError::BadKey(_))));
    }

    #[test]
    fn bits_count_from_the_highest_one() {
        assert_eq!(bits(&[]), Ok(0));
        assert_eq!(bits(&[0, 1]), Ok(1));
        assert_eq!(bits(&[0x80, 0]), Ok(16));
        assert_eq!(bits(&[1, 0, 0]), Ok(17));
    }
}
