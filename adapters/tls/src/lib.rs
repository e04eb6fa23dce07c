//! KMIP over mutual TLS 1.2 and 1.3, by rustls (KMIP 2.1 §7.1; profiles 2.1 §3).
//!
//! | File | Does |
//! |---|---|
//! | [`config`] | certificates, keys, revocation lists: read, checked, exchanged at run time |
//! | `acceptor` | the handshake, and who the peer is |
//! | [`suites`] | cipher suites by name |
//! | `self_signed` | clients whose certificate is itself the authority |
//! | `failure` | why a handshake failed, in words |
//!
//! Listening, frames, limits and draining are `kmip-transport`'s; what a user of this crate needs of
//! it is named here too. A client without a certificate of a trusted authority never reaches the
//! handler.

pub mod config;
pub mod suites;

mod acceptor;
mod failure;
mod self_signed;

pub use config::{Source, TlsConfig, TlsConfigError, TlsFiles, TlsSettings, TlsSources};
pub use kmip_transport::{Limits, ListenError, Listener, MessageLimit, ServeReport, Shutdown};
pub use suites::{LeftOut, Suites};
