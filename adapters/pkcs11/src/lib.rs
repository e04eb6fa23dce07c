//! A root key that stays in a PKCS#11 token: a smart card, a security module, SoftHSM.
//!
//! | File | Does |
//! |---|---|
//! | [`place`] | which module, token and key |
//! | `form` | the bytes of a data key that was wrapped |
//! | `token` | the port `RootKey` by a token; finds and makes the key |
//!
//! The token encrypts data keys by AES-GCM under a key that never leaves it. Every call has a
//! session of its own, so that a token that was taken out and put back serves again without a
//! restart. Without the feature `token` nothing here loads a module.

#[cfg(any(feature = "token", test))]
mod form;
pub mod place;
#[cfg(feature = "token")]
mod token;

pub use place::{Place, PlaceError, Token};
#[cfg(feature = "token")]
pub use token::{TokenError, TokenRootKey};
