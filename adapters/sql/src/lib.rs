//! Records and audit trail in a SQL database.
//!
//! Sees columns, terms and sealed bytes; never an object, never a key in the clear. Statements are
//! built once, with sea-query, and values are always bound. A database is a module that knows how
//! to open, migrate and write; the rest is common.
//!
//! To add a database, add its feature, its folder of migrations and a module beside `sqlite` that
//! implements `RecordStore`, and run the contract suite of `kmip-testkit` on it. To change the
//! schema, add a migration; a migration that was released is never edited.

#[cfg(feature = "sqlite")]
mod batch;
#[cfg(feature = "sqlite")]
mod notes;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod search;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod statement;

#[cfg(feature = "sqlite")]
pub use sqlite::{Location, OpenError, Options, SqliteRecords, UnknownLocation};
