//! What adapters promise: one function for each promise of a port; a broken one panics.
#![expect(clippy::missing_panics_doc, reason = "a broken promise panics; that is the point")]

pub mod ciphers;
mod generated;
pub mod inventory;
pub mod object_store;
pub mod record_store;
