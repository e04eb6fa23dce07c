//! Records and audit trail in a SQL database.
//!
//! Sees columns, terms and sealed bytes; never an object, never a key in the clear. Statements are
//! built once, with sea-query, and values are always bound. A database is a module that knows how
//! to open, migrate and write; the rest is common.
//!
//! To add a database, add its feature, its folder of migrations and a module beside `sqlite` that
//! implements `RecordStore`, and run the contract suite of `kmip-testkit` on it. To change the
//! schema, add a migration; a migration that was released is never edited.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod batch;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod branches;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod cache;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod figures;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inspection;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod jobs;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod listing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod notes;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod row;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod schema;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod seals;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod search;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod statement;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use inspection::Inspection;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOpenError, PostgresOptions, PostgresRecords, PostgresUrlError};
#[cfg(feature = "sqlite")]
pub use sqlite::{Location, OpenError, Options, SqliteRecords, UnknownLocation};
