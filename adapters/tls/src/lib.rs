//! KMIP over mutual TLS 1.2 and 1.3, by rustls (KMIP 2.1 §7.1; profiles 2.1 §3).
//!
//! | File | Does |
//! |---|---|
//! | [`config`] | the sources of certificates, keys and revocation lists, and why they are of no use |
//! | [`in_force`] | the configuration of new connections, exchanged at run time |
//! | `trust` | whom the server trusts |
//! | `validity` | where dates lie |
//! | `acceptor` | the handshake, and who the peer is |
//! | [`suites`] | cipher suites by name |
//! | `self_signed` | clients whose certificate is itself the authority |
//! | `remembered` | signatures of certificates that are known to be good |
//! | `failure` | why a handshake failed, in words |
//!
//! Listening, frames, limits and draining are `kmip-transport`'s; what a user of this crate needs of
//! it is named here too. A client without a certificate of a trusted authority never reaches the
//! handler.

pub mod config;
pub mod in_force;
pub mod suites;

mod acceptor;
mod failure;
mod remembered;
mod self_signed;
mod trust;
mod validity;

pub use config::{Source, TlsConfigError, TlsFiles, TlsSettings, TlsSources};
pub use in_force::TlsConfig;
pub use kmip_transport::{
    Acceptor, Dates, Limits, LimitsInForce, ListenError, Listener, MessageLimit, ServeReport,
    Shutdown, Unobserved,
};
pub use suites::{LeftOut, Suites};
pub use trust::{check_authorities, check_revocation_lists};
