//! Padding of the last block: PKCS#5 (RFC 8018 §6.1.1; for larger blocks PKCS#7) and ANSI X9.23.

use core::hint::black_box;

use kmip_model::enumeration::PaddingMethod;
use kmip_ports::crypto::CryptoError;

/// How data becomes whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// It must be whole blocks already.
    None,
    /// As many bytes as are missing, each of that value.
    Pkcs5,
    /// As many bytes as are missing: zeros, and at last their number.
    AnsiX923,
}

impl Padding {
    /// Finds a Padding Method of block ciphers; absent is None.
    pub(super) fn find(method: Option<PaddingMethod>) -> Result<Self, CryptoError> {
        match method {
            None | Some(PaddingMethod::None) => Ok(Self::None),
            Some(PaddingMethod::Pkcs5) => Ok(Self::Pkcs5),
            Some(PaddingMethod::Ansix923) => Ok(Self::AnsiX923),
            Some(other) => Err(CryptoError::Unsupported(format!("block ciphers with {other}"))),
        }
    }

    /// Appends padding up to a multiple of `block`, a power of two.
    pub(super) fn add(self, data: &mut Vec<u8>, block: u8) -> Result<(), CryptoError> {
        let over = over(data, block);
        let missing = block.saturating_sub(over);
        let filler = match self {
            Self::None if over == 0 => return Ok(()),
            Self::None => return Err(CryptoError::BadInput("the data is not whole blocks")),
            Self::Pkcs5 => missing,
            Self::AnsiX923 => 0,
        };
        data.resize(data.len().saturating_add(usize::from(missing)).saturating_sub(1), filler);
        data.push(missing);
        Ok(())
    }

    /// Checks that data is whole blocks, as ciphertext must be.
    pub(super) fn check_blocks(data: &[u8], block: u8) -> Result<(), CryptoError> {
        match over(data, block) {
            0 => Ok(()),
            _ => Err(CryptoError::BadInput("the data is not whole blocks")),
        }
    }

    /// Removes the padding. Every byte of the last block is looked at, whatever it holds, so that
    /// only right or wrong can be learnt from the time this takes.
    pub(super) fn remove(self, data: &mut Vec<u8>, block: u8) -> Result<(), CryptoError> {
        if self == Self::None {
            return Ok(());
        }
        let start = data.len().checked_sub(usize::from(block)).ok_or(CryptoError::Failed)?;
        let last = data.get(start..).unwrap_or_default();
        let count = last.last().copied().unwrap_or_default();
        let mut wrong = u8::from(count == 0) | u8::from(count > block);
        for (behind, byte) in (0..block).zip(last.iter().rev()) {
            let inside = u8::from(behind < count).wrapping_neg();
            let expected = match self {
                Self::AnsiX923 if behind > 0 => 0,
                _ => count,
            };
            wrong |= inside & (byte ^ expected);
        }
        if black_box(wrong) != 0 {
            return Err(CryptoError::Failed);
        }
        data.truncate(data.len().saturating_sub(usize::from(count)));
        Ok(())
    }
}

/// Counts the bytes beyond whole blocks.
fn over(data: &[u8], block: u8) -> u8 {
    let below = block.saturating_sub(1);
    // Only the lowest bits of the length matter, as blocks are powers of two.
    let [.., lowest] = data.len().to_be_bytes();
    lowest & below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(padding: Padding, data: &[u8], block: u8) -> Vec<u8> {
        let mut data = data.to_vec();
        padding.add(&mut data, block).unwrap();
        data
    }

    #[test]
    fn every_length_comes_back() {
        for padding in [Padding::Pkcs5, Padding::AnsiX923] {
            for block in [8, 16] {
                for length in 0..40 {
                    let plain = vec![7; length];
                    let mut data = padded(padding, &plain, block);
                    assert!(data.len() > plain.len());
                    assert_eq!(data.len() % usize::from(block), 0);
                    padding.remove(&mut data, block).unwrap();
                    assert_eq!(data, plain, "{padding:?} {block} {length}");
                }
            }
        }
    }

    #[test]
    fn padding_looks_as_published() {
        assert_eq!(padded(Padding::Pkcs5, &[1; 5], 8), [1, 1, 1, 1, 1, 3, 3, 3]);
        assert_eq!(padded(Padding::AnsiX923, &[1; 5], 8), [1, 1, 1, 1, 1, 0, 0, 3]);
        assert_eq!(padded(Padding::Pkcs5, &[], 8), [8; 8]);
    }

    #[test]
    fn without_padding_only_whole_blocks_go() {
        assert_eq!(padded(Padding::None, &[1; 16], 8), [1; 16]);
        let refused = Padding::None.add(&mut vec![1; 15], 8);
        assert!(matches!(refused, Err(CryptoError::BadInput(_))));
        assert!(Padding::check_blocks(&[0; 24], 8).is_ok());
        assert!(Padding::check_blocks(&[0; 24], 16).is_err());
    }

    #[test]
    fn wrong_padding_fails() {
        for (padding, last) in [
            (Padding::Pkcs5, [1, 1, 1, 1, 1, 1, 1, 0]),
            (Padding::Pkcs5, [1, 1, 1, 1, 1, 1, 1, 9]),
            (Padding::Pkcs5, [1, 1, 1, 1, 1, 2, 3, 3]),
            (Padding::Pkcs5, [7, 8, 8, 8, 8, 8, 8, 8]),
            (Padding::AnsiX923, [1, 1, 1, 1, 1, 1, 0, 3]),
            (Padding::AnsiX923, [1, 1, 1, 1, 1, 0, 0, 0]),
            (Padding::AnsiX923, [0, 0, 0, 0, 0, 0, 0, 9]),
        ] {
            assert_eq!(padding.remove(&mut last.to_vec(), 8), Err(CryptoError::Failed), "{last:?}");
        }
        assert_eq!(Padding::Pkcs5.remove(&mut Vec::new(), 8), Err(CryptoError::Failed));
    }
}
