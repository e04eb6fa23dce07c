//! Padding of block ciphers in ECB and CBC: PKCS#5 (RFC 8018, RFC 5652), ANSI X9.23, none.

use kmip_model::enumeration::PaddingMethod;
use kmip_ports::crypto::CryptoError;
use subtle::{ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

/// How data is filled up to whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Not at all: the data must be whole blocks.
    None,
    /// Bytes that all say how many they are.
    Pkcs5,
    /// Zeros, and a last byte that says how many bytes they are with it.
    Ansix923,
}

impl Padding {
    /// Finds the padding; a method that is absent is none.
    pub(crate) fn find(method: Option<PaddingMethod>) -> Result<Self, CryptoError> {
        match method {
            None | Some(PaddingMethod::None) => Ok(Self::None),
            Some(PaddingMethod::Pkcs5) => Ok(Self::Pkcs5),
            Some(PaddingMethod::Ansix923) => Ok(Self::Ansix923),
            Some(other) => Err(CryptoError::Unsupported(format!("the padding {other} there"))),
        }
    }

    /// Copies the data, filled up to blocks of at most 255 bytes.
    pub(crate) fn add(self, data: &[u8], block: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        // Full size from the start: a vector that grows would leave plaintext behind.
        let mut padded = Zeroizing::new(Vec::with_capacity(data.len().saturating_add(block)));
        padded.extend_from_slice(data);
        if self == Self::None {
            check_whole(&padded, block)?;
            return Ok(padded);
        }
        let used = data.len().checked_rem(block).unwrap_or_default();
        let length = u8::try_from(block.saturating_sub(used)).map_err(|_| CryptoError::Failed)?;
        let filler = if self == Self::Pkcs5 { length } else { 0 };
        padded.extend((1..length).map(|_| filler));
        padded.push(length);
        Ok(padded)
    }

    /// Takes the padding off, in a time that does not depend on it. `Failed` if it is not right.
    pub(crate) fn remove(
        self,
        mut data: Zeroizing<Vec<u8>>,
        block: usize,
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if self == Self::None {
            return Ok(data);
        }
        let last = *data.last().ok_or(CryptoError::Failed)?;
        let longest = u8::try_from(block.min(data.len())).map_err(|_| CryptoError::Failed)?;
        let filler = if self == Self::Pkcs5 { last } else { 0 };
        let mut wrong = last.ct_eq(&0) | last.ct_gt(&longest);
        for (position, byte) in (1..longest).zip(data.iter().rev().skip(1)) {
            wrong |= position.ct_lt(&last) & !byte.ct_eq(&filler);
        }
        if wrong.into() {
            return Err(CryptoError::Failed);
        }
        let left = data.len().saturating_sub(usize::from(last));
        data.truncate(left);
        Ok(data)
    }
}

/// Checks that data is whole blocks.
pub(crate) fn check_whole(data: &[u8], block: usize) -> Result<(), CryptoError> {
    if data.len().is_multiple_of(block) {
        Ok(())
    } else {
        Err(CryptoError::BadInput("the data is not whole blocks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remove(padding: Padding, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        padding.remove(Zeroizing::new(data.to_vec()), 8).map(|data| data.to_vec())
    }

    #[test]
    fn every_length_is_filled_up_and_comes_back() {
        for padding in [Padding::Pkcs5, Padding::Ansix923] {
            for length in 0..=17 {
                let data = vec![7; length];
                let padded = padding.add(&data, 8).unwrap();
                assert!(padded.len() > length && padded.len().is_multiple_of(8));
                assert_eq!(remove(padding, &padded), Ok(data));
            }
        }
    }

    #[test]
    fn the_fillers_differ() {
        assert_eq!(Padding::Pkcs5.add(&[9; 5], 8).unwrap().as_slice(), [9, 9, 9, 9, 9, 3, 3, 3]);
        let zeros = Padding::Ansix923.add(&[9; 5], 8).unwrap();
        assert_eq!(zeros.as_slice(), [9, 9, 9, 9, 9, 0, 0, 3]);
    }

    #[test]
    fn without_padding_data_must_be_whole_blocks() {
        assert_eq!(Padding::None.add(&[9; 16], 8).unwrap().as_slice(), [9; 16]);
        assert!(matches!(Padding::None.add(&[9; 15], 8), Err(CryptoError::BadInput(_))));
    }

    #[test]
    fn wrong_padding_fails_and_says_no_more() {
        for (padding, data) in [
            (Padding::Pkcs5, &[1, 1, 1, 1, 1, 1, 1, 0][..]),
            (Padding::Pkcs5, &[9; 8]),
            (Padding::Pkcs5, &[8, 8, 8, 8, 8, 8, 2, 3]),
            (Padding::Pkcs5, &[7, 8, 8, 8, 8, 8, 8, 8]),
            (Padding::Pkcs5, &[]),
            (Padding::Ansix923, &[0, 0, 0, 0, 0, 1, 0, 3]),
            (Padding::Ansix923, &[0; 8]),
        ] {
            assert_eq!(remove(padding, data), Err(CryptoError::Failed), "{data:?}");
        }
    }

    #[test]
    fn a_whole_block_of_padding_leaves_nothing() {
        assert_eq!(remove(Padding::Pkcs5, &[8; 8]), Ok(Vec::new()));
        assert_eq!(remove(Padding::Ansix923, &[0, 0, 0, 0, 0, 0, 0, 8]), Ok(Vec::new()));
    }

    #[test]
    fn other_paddings_are_refused_by_name() {
        let refused = Padding::find(Some(PaddingMethod::Zeros));
        assert_eq!(refused, Err(CryptoError::Unsupported("the padding Zeros there".to_owned())));
    }
}
