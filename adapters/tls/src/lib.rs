//! KMIP over mutual TLS (KMIP 2.1 §7.1; profiles 2.1 §3; TLS 1.2 and 1.3).
//!
//! | File | Does |
//! |---|---|
//! | [`config`] | certificates, keys, revocation lists: read, checked, exchanged at run time |
//! | [`limits`] | how much a peer may use, and for how long |
//! | [`listener`] | accepts, counts, isolates, drains |
//! | `connection` | one peer: handshake, messages in, answers out, in order |
//! | `frame` | where a message ends |
//! | [`drain`] | the signal to finish |
//! | `failure` | why a handshake failed, in words |
//!
//! It knows nothing of KMIP but the eight octets that begin a message, and never answers a
//! message itself. A client without a certificate of a trusted authority never reaches the
//! handler. What one peer does costs the others nothing but what the limits allow.

pub mod config;
pub mod drain;
pub mod limits;
pub mod listener;

mod connection;
mod failure;
mod frame;

pub use config::{Source, TlsConfig, TlsConfigError, TlsFiles, TlsSettings, TlsSources};
pub use drain::Shutdown;
pub use limits::{Limits, MessageLimit};
pub use listener::{ListenError, Listener, ServeReport};
