//! Users with passwords, and the groups of users, from files that an operator writes.
//!
//! | File | Gives |
//! |---|---|
//! | [`accounts`] | the file of accounts; pure |
//! | [`password`] | argon2id hashes in the PHC form |
//! | [`credentials`] | the port `Authenticator`: who sends a credential is its account |
//! | [`groups`] | the file of groups, and the port `Authenticator` with them |
//!
//! Both authenticators stand on another one, which knows the client by its certificate. Neither
//! reads a file: they are given its text.

pub mod accounts;
pub mod credentials;
pub mod groups;
pub mod password;

pub use accounts::{Account, Accounts, AccountsError};
pub use credentials::AccountAuthenticator;
pub use groups::{GroupAuthenticator, Groups, GroupsError};
pub use password::{PasswordError, hash};
