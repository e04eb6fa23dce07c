//! X.509: what certificates say, who a client is, and certificates for development.
//!
//! | File | Gives |
//! |---|---|
//! | [`parse`] | the port `Certificates` |
//! | [`principal`] | the port `Authenticator` from the client certificate |
//! | [`inspect`] | what an operator should know of certificates and revocation lists |
//! | [`issue`] | a small certificate authority for development and tests |
//!
//! It trusts nothing by itself: whether a chain is valid was decided by the transport before a
//! peer comes here.

pub mod inspect;
pub mod issue;
pub mod parse;
pub mod principal;

mod text;

pub use issue::{CertificateAuthority, IssueError, Issued};
pub use parse::X509Certificates;
pub use principal::CertificateAuthenticator;
