//! Reads the SQLite database of PyKMIP's server, versions 0.9 to 0.11.
//!
//! | File | Does |
//! |---|---|
//! | [`database`] | opens the file for reading only and hands out records, some hundred at a time |
//! | [`record`] | which tables and columns there are, and what a cell may hold |
//! | [`mapping`] | from a record to an object of the model; pure |
//! | [`wrapping`] | the columns that tell how a key is wrapped; pure |
//!
//! Nothing is written, and nothing is decided: what becomes of the objects is the caller's
//! business. A row that cannot be read is named with its reason, and the others are read.

mod database;
mod mapping;
mod record;
#[cfg(test)]
mod tests;
mod wrapping;

pub use database::{Contents, ReadError, Skipped, read};
pub use mapping::{FoundObject, Remark, Unreadable};
