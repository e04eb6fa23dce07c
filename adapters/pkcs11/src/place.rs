//! Which module, token and key.

use std::{fmt, path::PathBuf};

use thiserror::Error;

/// How a token is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// By its label; the slot it is in may change.
    Label(String),
    /// By the number of its slot.
    Slot(u64),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "token {label:?}"),
            Self::Slot(number) => write!(f, "the token in slot {number}"),
        }
    }
}

/// Where a root key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The library that speaks to the token.
    pub module: PathBuf,
    /// The token.
    pub token: Token,
    /// The label of the key.
    pub key: String,
}

/// Why a place is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// Neither label nor slot, or both.
    #[error("name the token by its label or by its slot")]
    Token,
    /// The key has no label.
    #[error("name the key by its label")]
    Key,
}

impl Place {
    /// Makes a place from what an operator has written.
    ///
    /// # Errors
    /// Refuses a token that is named by nothing or by both, and a key without label.
    pub fn new(
        module: PathBuf,
        label: Option<String>,
        slot: Option<u64>,
        key: String,
    ) -> Result<Self, PlaceError> {
        let token = match (label, slot) {
            (Some(label), None) => Token::Label(label),
            (None, Some(slot)) => Token::Slot(slot),
            _ => return Err(PlaceError::Token),
        };
        if key.is_empty() { Err(PlaceError::Key) } else { Ok(Self { module, token, key }) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:?} of {} ({})", self.key, self.token, self.module.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_named_in_one_way() {
        let place = |label: Option<&str>, slot, key: &str| {
            Place::new("m.so".into(), label.map(Into::into), slot, key.into()).map(|it| it.token)
        };
        assert_eq!(place(Some("a"), None, "k"), Ok(Token::Label("a".into())));
        assert_eq!(place(None, Some(3), "k"), Ok(Token::Slot(3)));
        assert_eq!(place(None, None, "k"), Err(PlaceError::Token));
        assert_eq!(place(Some("a"), Some(3), "k"), Err(PlaceError::Token));
        assert_eq!(place(None, Some(3), ""), Err(PlaceError::Key));
    }

    #[test]
    fn a_place_is_said_in_words() {
        let place = Place::new("m.so".into(), Some("a".into()), None, "k".into()).unwrap();
        assert_eq!(place.to_string(), "key \"k\" of token \"a\" (m.so)");
    }
}
