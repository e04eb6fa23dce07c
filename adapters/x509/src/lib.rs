//! X.509: what certificates say, who a client is, and a small authority.
//!
//! | File | Gives |
//! |---|---|
//! | [`parse`] | the port `Certificates` |
//! | [`principal`] | the port `Authenticator` from the client certificate |
//! | [`inspect`] | what an operator should know of certificates and revocation lists |
//! | [`issue`] | a small certificate authority |
//! | [`request`] | requests for its certificates |
//! | [`revocation`] | its lists of those that are revoked |
//!
//! It trusts nothing by itself: whether a chain is valid was decided by the transport before a
//! peer comes here.

pub mod inspect;
pub mod issue;
pub mod parse;
pub mod principal;
pub mod request;
pub mod revocation;

mod signature;
mod text;

pub use issue::{CertificateAuthority, Certified, Client, Described, IssueError, Issued, KeyKind};
pub use parse::X509Certificates;
pub use principal::CertificateAuthenticator;
pub use request::CertificationRequest;
pub use revocation::{LIST_DAYS, RevocationList, Revoked};
