//! KMIP over mutual TLS of the older kinds, by the system's OpenSSL (profiles 1.0 §3.1, §3.2).
//!
//! | File | Does |
//! |---|---|
//! | [`suites`] | the authentication suites, and the cipher suites that each may offer |
//! | `config` | certificates, keys, revocation lists: read and checked |
//! | `acceptor` | the configuration in force, the handshake, and who the peer is |
//! | `trust` | whom the server trusts, asked again for sessions that are open |
//! | `failure` | why a handshake failed, in words |
//!
//! For clients that have neither TLS 1.3 nor ECDHE with an AEAD suite, which is all that
//! `kmip-tls` speaks. Listening, frames, limits and draining are `kmip-transport`'s. A client
//! without a certificate of a trusted authority never reaches the handler.
//!
//! Sessions are not resumed: every connection shows its certificate, and every certificate is
//! looked up in the revocation lists.
//!
//! Without the feature `openssl` there is only the table of suites, so that the workspace builds
//! where OpenSSL is not installed.

pub mod suites;

#[cfg(feature = "openssl")]
mod acceptor;
#[cfg(feature = "openssl")]
mod config;
#[cfg(feature = "openssl")]
mod failure;
#[cfg(feature = "openssl")]
mod trust;

#[cfg(feature = "openssl")]
pub use acceptor::OpensslAcceptor;
#[cfg(feature = "openssl")]
pub use config::{OpensslConfigError, OpensslFiles};
pub use suites::{AuthSuite, Suites, UnusableSuite};
