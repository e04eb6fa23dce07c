//! AES key wrap: RFC 3394 (SP 800-38F KW) and RFC 5649 (KWP).
//!
//! Deliberately absent: keys of 192 bits, and other initial values than the published one.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap, KeyWrapPadded};
use kmip_model::{enumeration::CryptographicAlgorithm, object::KeyInUse};
use kmip_ports::crypto::{CipherOutput, CryptoError};
use zeroize::Zeroizing;

use super::Buffer;
use crate::key;

/// The half block that both methods compute with.
const HALF_BLOCK: usize = 8;
/// The initial value of RFC 3394 §2.2.3.1.
const INITIAL_VALUE: [u8; HALF_BLOCK] = [0xA6; HALF_BLOCK];
/// The first half of the initial value of RFC 5649 §3.
const ALTERNATIVE_INITIAL_VALUE: [u8; 4] = [0xA6, 0x59, 0x59, 0xA6];

/// Which method.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrap {
    /// RFC 3394: whole half blocks, at least two.
    Nist,
    /// RFC 5649: any length but none.
    Padded,
}

/// A computation that needs only the data.
pub(super) struct Prepared {
    method: Wrap,
    key: AesKek,
}

impl Wrap {
    /// Prepares wrapping or unwrapping.
    pub(super) fn prepare(
        self,
        key: &KeyInUse,
        iv: Option<&[u8]>,
    ) -> Result<Prepared, CryptoError> {
        let bytes = key::of_cipher(key, CryptographicAlgorithm::Aes)?.expose();
        let cipher = match bytes.len() {
            16 => &AES_128,
            32 => &AES_256,
            24 => return Err(CryptoError::Unsupported("key wrap with 192 bits".to_owned())),
            _ => return Err(CryptoError::BadKey("it is not of 16, 24 or 32 bytes")),
        };
        let published = match self {
            Self::Nist => INITIAL_VALUE.as_slice(),
            Self::Padded => ALTERNATIVE_INITIAL_VALUE.as_slice(),
        };
        if iv.is_some_and(|iv| !iv.is_empty() && iv != published) {
            return Err(CryptoError::Unsupported("key wrap with an initial value".to_owned()));
        }
        let key = AesKek::new(cipher, bytes).map_err(|_| CryptoError::Failed)?;
        Ok(Prepared { method: self, key })
    }
}

impl Prepared {
    /// Wraps.
    pub(super) fn wrap(self, data: &Buffer) -> Result<CipherOutput, CryptoError> {
        let most = data.len().saturating_add(HALF_BLOCK.saturating_mul(2));
        let mut wrapped = vec![0; most];
        let length = match self.method {
            Wrap::Nist => {
                if data.len() < HALF_BLOCK.saturating_mul(2)
                    || !data.len().is_multiple_of(HALF_BLOCK)
                {
                    return Err(CryptoError::BadInput("the key is not of 16, 24, 32 ... bytes"));
                }
                self.key.wrap(data, &mut wrapped)
            }
            Wrap::Padded => {
                if data.is_empty() {
                    return Err(CryptoError::BadInput("there is no key"));
                }
                self.key.wrap_with_padding(data, &mut wrapped)
            }
        }
        .map_err(|_| CryptoError::Failed)?
        .len();
        wrapped.truncate(length);
        Ok(CipherOutput { data: wrapped, tag: None })
    }

    /// Unwraps.
    pub(super) fn unwrap(self, data: &Buffer) -> Result<Buffer, CryptoError> {
        let least = match self.method {
            Wrap::Nist => HALF_BLOCK.saturating_mul(3),
            Wrap::Padded => HALF_BLOCK.saturating_mul(2),
        };
        if data.len() < least || !data.len().is_multiple_of(HALF_BLOCK) {
            return Err(CryptoError::BadInput("the data has no length of a wrapped key"));
        }
        let mut key = Zeroizing::new(vec![0; data.len()]);
        let length = match self.method {
            Wrap::Nist => self.key.unwrap(data, &mut key),
            Wrap::Padded => self.key.unwrap_with_padding(data, &mut key),
        }
        .map_err(|_| CryptoError::Failed)?
        .len();
        key.truncate(length);
        Ok(key)
    }
}
