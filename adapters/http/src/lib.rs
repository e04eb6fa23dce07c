//! The admin port: whether the server lives, is ready, which version it is, and what it counts.
//!
//! | File | Does |
//! |---|---|
//! | [`routes`] | `/livez`, `/readyz`, `/version`, `/metrics`; what they ask of the server |
//! | [`listener`] | accepts, bounds and ends connections |
//! | `trusted` | looks at a peer again before each request |
//!
//! It knows nothing of keys and has no way to ask for one. Who may connect is decided by where it
//! listens, or by an acceptor that makes mutual TLS sessions.

pub mod listener;
pub mod routes;
mod trusted;

pub use kmip_transport::ListenError;
pub use listener::AdminListener;
pub use routes::{Check, Health, Metrics, Routes};
