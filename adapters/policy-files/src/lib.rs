//! Operation policies from JSON files, read again whenever they change.
//!
//! | File | Gives |
//! |---|---|
//! | [`parse`] | what one file says; pure |
//! | [`names`] | object types, operations and permissions as the files write them |
//! | [`shelf`] | what all files say together, and what stays when one of them is bad; pure |
//! | [`directory`] | the files of a directory, or a single file |
//! | [`watch`] | the port `PolicySource`, kept up to date by a thread |
//!
//! The format is the one that PyKMIP reads. A file counts whole or not at all: a bad one is
//! reported, and what it said before stays in force.

pub mod directory;
pub mod names;
pub mod parse;
pub mod shelf;
pub mod watch;

pub use parse::{Fault, PolicyFile};
pub use watch::{PolicyFiles, WatchError};
