//! An object store over any record store: encoding, envelope encryption, search terms.
//!
//! Objects go in and come out; the record store below sees columns, blind terms and sealed bytes.
//! A record is bound to its identifier, its revision, and the columns and terms beside it, so that
//! a row cannot be moved, an old revision relabelled, or two names swapped without notice. What is
//! opened lives as long as the request that asked for it; nothing in clear is kept here. Not
//! promised: noticing that the whole database was put back to an earlier day.
//!
//! To make another attribute searchable without opening objects, change its row in the model's
//! attribute table to `Term` before the first store is made: terms are written when an object is.

mod audit;
mod backup;
mod canonical;
mod inventory;
mod keyring;
mod locate;
mod reading;
mod rotate;
mod store;
mod terms;
mod trail;
mod verify;

pub use audit::decode as decode_events;
pub use backup::{About, Backup, BackupError, BackupReader, Contents, OnlyKeys};
pub use keyring::{SealedError, WhenEmpty, try_root_key};
pub use rotate::{KeyRing, KeyUse, SealedAnew};
pub use store::{AuditReads, Backing, Opening, SealedStore};
pub use trail::DurableTrail;
pub use verify::{Break, Damage, Verification};
