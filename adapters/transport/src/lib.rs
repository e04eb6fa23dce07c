//! What every KMIP transport does, whatever makes its sessions (KMIP 2.1 §7.1, §10.1).
//!
//! | File | Does |
//! |---|---|
//! | [`limits`] | how much a peer may use, and for how long |
//! | [`listener`] | accepts, counts, isolates, drains |
//! | [`acceptor`] | what a transport adds: how a socket becomes a session, or why it does not |
//! | `connection` | one peer: session, messages in, answers out, in order |
//! | `frame` | where a message ends |
//! | [`dates`] | when what a transport shows and trusts goes out of date |
//! | `observer` | who is told of connections, if nobody else |
//! | [`sparing`] | how much is told of a peer that comes again and again |
//! | [`drain`] | the signal to finish |
//!
//! It knows nothing of TLS, and nothing of KMIP but the eight octets that begin a message. It never
//! answers a message itself. What one peer does costs the others nothing but what the limits allow.

pub mod acceptor;
pub mod dates;
pub mod drain;
pub mod limits;
pub mod listener;
pub mod sparing;

mod connection;
mod frame;
mod observer;

pub use acceptor::{Accepted, Acceptor, Blame, Failure, Stream};
pub use dates::Dates;
pub use drain::Shutdown;
pub use limits::{Limits, LimitsInForce, MessageLimit};
pub use listener::{ListenError, Listener, ServeReport};
pub use observer::Unobserved;
pub use sparing::Sparing;
