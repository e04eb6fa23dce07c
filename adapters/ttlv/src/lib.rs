//! TTLV bytes to values of the domain and back, for every protocol version.
//!
//! Bytes are hostile: nothing is allocated before lengths, nesting and counts have been checked,
//! and nothing panics. What a version does not have is never written in it.
//!
//! To add a structure, add a table: see [`schema`].

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

pub mod attributes;
pub mod dialect;
pub mod endpoint;
pub mod fault;
pub mod item;
pub mod message;
pub mod objects;
mod payloads;
pub mod reader;
pub mod schema;
pub mod stored;
pub mod text;
mod values;
pub mod version;
pub mod writer;

pub use endpoint::Endpoint;
pub use fault::{Fault, FaultKind};
pub use reader::{Element, Fields, Limits};
pub use schema::{Context, Decode, Encode, Shape};
pub use stored::StoredForm;
pub use values::BigInteger;
pub use version::Version;
pub use writer::Writer;
