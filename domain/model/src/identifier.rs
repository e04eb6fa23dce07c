//! Unique Identifier (KMIP 2.1 §4.58, 1.4 §3.1) and the names of those who ask.

use core::fmt;
use std::sync::Arc;

use crate::enumeration::Operation;

/// Names one managed object; given out by the server and never again. Its text is shared: each request
/// names its objects in several places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueIdentifier(Arc<str>);

impl UniqueIdentifier {
    /// Takes any text as an identifier; one that was never given out finds nothing.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Formats sixteen random bytes as a UUID of version 4, 36 characters.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0F) | 0x40;
        bytes[8] = (bytes[8] & 0x3F) | 0x80;
        let mut text = String::with_capacity(36);
        for (position, byte) in bytes.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            for digit in [byte >> 4, byte & 0x0F] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a request names an object (KMIP 2.1 §4.58).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum IdentifierRef {
    /// By its identifier.
    Id(UniqueIdentifier),
    /// By the ID Placeholder, also when the field is left out.
    #[default]
    Placeholder,
    /// By the latest operation of that kind in this batch.
    LatestOf(Operation),
    /// By the private key that the latest operation of that kind in this batch made.
    LatestPrivateKeyOf(Operation),
    /// By the public key that the latest operation of that kind in this batch made.
    LatestPublicKeyOf(Operation),
    /// By position among the identifiers of the response so far; negative counts back.
    Nth(i32),
}

impl From<UniqueIdentifier> for IdentifierRef {
    fn from(identifier: UniqueIdentifier) -> Self {
        Self::Id(identifier)
    }
}

/// Who asks: a user and, where the identity source knows them, the user's groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user's name; the owner of what the user creates.
    pub user: String,
    /// The user's groups; `None` where the identity source has no notion of groups.
    pub groups: Option<Vec<String>>,
}

impl Principal {
    /// Names a user without groups.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self { user: name.into(), groups: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_become_a_uuid() {
        let identifier = UniqueIdentifier::from_random([0xFF; 16]);
        assert_eq!(identifier.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
