//! Keys as text (RFC 7468): clients put PEM where DER belongs, and mean the same key.

use core::str;

use der::pem::Decoder;
use kmip_ports::crypto::CryptoError;
use zeroize::Zeroizing;

use super::number::Secret;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Decodes the first key of a PEM text; `None` if the bytes are no PEM text. The label is not
/// trusted, except where it says that the key cannot be read.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Secret>, CryptoError> {
    if bytes.first() == Some(&0x30) {
        return Ok(None);
    }
    let mut rest = bytes;
    let mut found_any = false;
    while let Some((label, block, after)) = next_block(rest) {
        found_any = true;
        match label {
            // `openssl ecparam -genkey` writes the curve before the key.
            "EC PARAMETERS" => rest = after,
            "ENCRYPTED PRIVATE KEY" => return Err(CryptoError::BadKey("it is encrypted")),
            _ => return decode_block(block).map(Some),
        }
    }
    if found_any { Err(CryptoError::BadKey("its text holds no key")) } else { Ok(None) }
}

/// Finds the next block: its label, all of it, and what follows.
fn next_block(text: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let (_, text) = text.split_at_checked(find(text, BEGIN)?)?;
    let (_, label) = text.split_at_checked(BEGIN.len())?;
    let (label, _) = label.split_at_checked(find(label, DASHES)?)?;
    let end = find(text, &[END, label, DASHES].concat())?;
    let length = end.checked_add(END.len())?.checked_add(label.len())?.checked_add(DASHES.len())?;
    let (block, after) = text.split_at_checked(length)?;
    Some((str::from_utf8(label).ok()?, block, after))
}

fn decode_block(block: &[u8]) -> Result<Secret, CryptoError> {
    let unreadable = |_| CryptoError::BadKey("its text is not well formed");
    let mut decoder = Decoder::new_detect_wrap(block).map_err(unreadable)?;
    // Full size from the start: a vector that grows would leave a secret behind.
    let mut bytes = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        decode(text.as_bytes()).unwrap().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn a_block_is_found_among_other_text() {
        for text in [
            "-----BEGIN A KEY-----\nAQID\n-----END A KEY-----",
            "-----BEGIN A KEY-----\r\nAQID\r\n-----END A KEY-----\r\n\r\n",
            "Words.\n-----BEGIN A KEY-----\nAQID\n-----END A KEY-----\nMore words.\n",
            "-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n\
             -----BEGIN A KEY-----\nAQID\n-----END A KEY-----\n",
        ] {
            assert_eq!(decoded(text), Some(vec![1, 2, 3]), "{text}");
        }
    }

    #[test]
    fn other_bytes_are_no_text() {
        for text in ["", "words", "-----BEGIN A KEY-----\nAQID\n", "0-----BEGIN A KEY-----"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn encrypted_and_broken_blocks_are_refused() {
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----",
            "-----BEGIN A KEY-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A KEY-----",
            "-----BEGIN A KEY-----\n!!!!\n-----END A KEY-----",
            "-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n",
        ] {
            assert!(matches!(decode(text.as_bytes()), Err(CryptoError::BadKey(_))), "{text}");
        }
    }
}
