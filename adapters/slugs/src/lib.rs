//! Users and groups from SLUGS, a small directory that is asked over HTTP.
//!
//! | File | Gives |
//! |---|---|
//! | [`base`] | the address of a directory, and of what is asked about a user |
//! | `fetch` | one question over HTTP/1.1 |
//! | [`directory`] | what one directory says about a user |
//! | [`confirm`] | the port `Authenticator`: who is in a directory, with the groups it gives |
//!
//! Every failure refuses the client: a directory that does not answer must not open doors. The
//! questions are those of PyKMIP's plugin. Only plain HTTP is spoken; a directory that is not on
//! the same host or network needs a tunnel.

pub mod base;
pub mod confirm;
pub mod directory;
mod fetch;

pub use base::{Base, BaseError};
pub use confirm::SlugsAuthenticator;
pub use directory::{Directory, LookupError};
