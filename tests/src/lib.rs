//! What the tests of this crate share: a server to test and a client of its own.
//!
//! | File | Holds |
//! |---|---|
//! | [`tree`] | messages as trees, and their binary form |
//! | [`request`] | request messages, field by field |
//! | [`answer`] | response messages, read as strictly as the strictest client does |
//! | [`connection`] | mutual TLS, one message at a time in each direction |
//! | [`server`] | the server inside this process, on a directory and a port of its own |
//! | [`postgres`] | a PostgreSQL of the tests' own |
//! | [`program`] | the server as a process, to be killed |
//! | [`clock`] | the client's time of day |
//! | [`dice`] | chance that can be repeated |
//! | [`crash`] | a witness of what was acknowledged, and servers that are killed |
//! | [`faults`] | disks that fail |
//! | [`history`] | clients that fight for objects, and a judge |
//! | [`markdown`] | the project's documents: headings, links, commands |
//! | [`yaml`] | the YAML of `deploy/` |
//! | [`load`] | many clients at once, and what a server uses up for them |
//! | [`soak`] | a long run at half the peak, with reloads and restarts |
//! | [`population`] | a store full of objects, for benchmarks |
//! | [`pykmip`] | a client and a server that are not ours |
//!
//! None of it uses the server's codec, so that one cannot hide a mistake of the other.

#![expect(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "only tests call this, and what goes wrong ends a test"
)]

pub mod answer;
pub mod clock;
pub mod connection;
pub mod crash;
pub mod dice;
pub mod faults;
pub mod history;
pub mod load;
pub mod markdown;
pub mod population;
pub mod postgres;
pub mod program;
pub mod pykmip;
pub mod request;
pub mod server;
pub mod soak;
pub mod tree;
pub mod yaml;

pub use answer::Answer;
pub use connection::Connection;
pub use request::Request;
pub use server::TestServer;
