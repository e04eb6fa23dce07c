//! What happens: use cases, one file per KMIP operation, and the processor that runs batches.
//!
//! Nothing here knows a tag's bytes, a protocol version, a clock or a database. Handlers get an
//! [`processor::Item`] and nothing else: it is the only way to an object, and it checks access.
//!
//! To add an operation, see `ops/mod.rs`.

pub mod admin;
pub mod error;
pub mod import;
pub mod message;
pub mod ops;
pub mod processor;
pub mod reason;
pub mod shared;
#[cfg(test)]
mod testing;

pub use error::OperationError;
pub use processor::{ForbiddenObjects, Ports, Processor, PssSalt, Settings, WrappedKeyValue};
