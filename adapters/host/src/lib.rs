//! What the operating system gives: the time, secrets, and root keys made of them.
//!
//! | File | Gives |
//! |---|---|
//! | [`clock`] | the port `Clock` from the system's clock |
//! | [`secret_file`] | files that nobody else may read |
//! | [`together`] | such files, made all or none |
//! | [`handed_over`] | secrets in the environment or behind a file descriptor |
//! | [`root_key_file`] | the port `RootKey` from a key of 32 bytes |
//! | [`passphrase`] | the port `RootKey` from a passphrase |
//! | [`disk`] | what a file system has room for |
//! | [`process`] | what the process may do |
//!
//! It never makes a decision of the domain. It has no cipher of its own: root keys seal through the
//! at-rest cipher that they are given. Another root key source is a file beside these that implements
//! the port.

pub mod clock;
pub mod disk;
pub mod handed_over;
pub mod passphrase;
pub mod process;
pub mod root_key_file;
pub mod secret_file;
pub mod together;

pub use clock::SystemClock;
pub use handed_over::HandedOverError;
pub use passphrase::{Cost, CostError, PassphraseRootKey};
pub use root_key_file::{FileRootKey, RootKeyFileError};
pub use secret_file::SecretFileError;
