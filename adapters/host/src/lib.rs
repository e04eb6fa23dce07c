//! What the operating system gives: the time, secret files, and a root key kept in one.
//!
//! | File | Gives |
//! |---|---|
//! | [`clock`] | the port `Clock` from the system's clock |
//! | [`secret_file`] | files that nobody else may read |
//! | [`root_key_file`] | the port `RootKey` from such a file |
//!
//! It never makes a decision of the domain, and it has no cryptography of its own: the root key
//! seals through the at-rest cipher that it is given. Another root key source is a file beside
//! [`root_key_file`] that implements the port.

pub mod clock;
pub mod process;
pub mod root_key_file;
pub mod secret_file;

pub use clock::SystemClock;
pub use root_key_file::{FileRootKey, RootKeyFileError};
pub use secret_file::SecretFileError;
