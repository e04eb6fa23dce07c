//! Backups: a whole store as one stream of bytes, sealed, that only its root key opens.
//!
//! | Part | Bytes |
//! |---|---|
//! | beginning | 16 bytes that say what it is; the version of the format, 4 |
//! | header | its length, 8; date, program, node, a random number, the wrapped data keys |
//! | chunks | length, 4; sealed: anchors, then blocks, then records |
//! | last chunk | how many of each there were; nothing follows it |
//!
//! Chunks are sealed under a key derived from the first data key, the random number of this backup
//! and the number of the chunk; a hash of everything before the first chunk is bound to each. So a
//! backup that was cut, changed, or put together from two is noticed while it is read. Records in
//! it are as sealed as they are in the store. Numbers are big-endian. The layout is frozen by golden
//! files, and every version stays readable.

mod layout;
mod only_keys;
mod reader;
mod writer;

use std::io::{self, Read};

use kmip_model::DateTime;
use kmip_ports::{
    maintenance::{Part, Snapshot},
    record::WrappedKey,
    store::StoreError,
};
use thiserror::Error;

pub use self::{only_keys::OnlyKeys, reader::BackupReader};
use crate::store::{Backing, SealedStore};

/// What every backup begins with.
const BEGINNING: &[u8; 16] = b"kmip-app backup\n";

/// The version of the format that is written.
const VERSION: u32 = 1;

/// More than any header has.
const LONGEST_HEADER: u64 = 16 << 20;

/// How many records or blocks are read at a time.
const TOGETHER: u32 = 256;

/// What a backup says of itself in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// When it was begun.
    pub created: DateTime,
    /// The program that wrote it, with its version.
    pub program: String,
    /// The node that wrote it.
    pub node: String,
}

/// How much is in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Records.
    pub records: u64,
    /// Blocks of the audit trail.
    pub blocks: u64,
    /// Nodes whose oldest blocks were removed.
    pub anchors: u64,
    /// Wrapped data keys.
    pub keys: u64,
}

/// Why a backup is not written or not read.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The bytes cannot be written or read.
    #[error("the backup cannot be written or read")]
    Stream(#[from] io::Error),
    /// It begins with something else.
    #[error("this is no backup of kmip-app")]
    NotABackup,
    /// A later program has written it.
    #[error(
        "the backup has format {found} and this program knows formats up to {VERSION}: use the \
         program that wrote it, or a later one"
    )]
    Newer {
        /// The version of its format.
        found: u32,
    },
    /// It ends too early.
    #[error("the backup ends in the middle: it was cut, or was not written to its end")]
    Cut,
    /// A part of it does not open.
    #[error("part {part} of the backup was changed, moved or damaged")]
    Damaged {
        /// Counts the chunks from 1; 0 is the header.
        part: u64,
    },
    /// Something follows the last part.
    #[error("something was put behind the end of the backup")]
    Longer,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The beginning of a backup that was read, and what follows it.
#[derive(Debug)]
pub struct Backup<R> {
    about: About,
    /// Tells this backup from every other.
    id: Vec<u8>,
    keys: Vec<WrappedKey>,
    /// Everything up to the first chunk, as it was read.
    beginning: Vec<u8>,
    input: R,
}

impl<R: Read> Backup<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn read(mut input: R) -> Result<Self, BackupError> {
        let mut beginning = Vec::new();
        let mut read = |count: u64| -> Result<Vec<u8>, BackupError> {
            let mut part = Vec::new();
            input.by_ref().take(count).read_to_end(&mut part)?;
            if u64::try_from(part.len()) != Ok(count) {
                let none = beginning.is_empty();
                return Err(if none { BackupError::NotABackup } else { BackupError::Cut });
            }
            beginning.extend_from_slice(&part);
            Ok(part)
        };
        if read(16)? != BEGINNING {
            return Err(BackupError::NotABackup);
        }
        let damaged = BackupError::Damaged { part: 0 };
        let version: [u8; 4] = read(4)?.try_into().map_err(|_| BackupError::Cut)?;
        match u32::from_be_bytes(version) {
            VERSION => {}
            0 => return Err(damaged),
            found => return Err(BackupError::Newer { found }),
        }
        let length: [u8; 8] = read(8)?.try_into().map_err(|_| BackupError::Cut)?;
        let length = u64::from_be_bytes(length);
        if length > LONGEST_HEADER {
            return Err(damaged);
        }
        let header = read(length)?;
        let (about, id, keys) = layout::header(&header).ok_or(damaged)?;
        Ok(Self { about, id, keys, beginning, input })
    }

    /// Returns what it says of itself. That is not checked before the first part is opened.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns a database in which nothing is but the data keys of the backup: a store opened on it
    /// can read the backup.
    #[must_use]
    pub fn alone(&self) -> Backing {
        Backing::of(&std::sync::Arc::new(OnlyKeys::of(self.keys.clone())))
    }

    /// Returns a database with the data keys of the backup in place of its own, which are to come: a
    /// store opened on it can restore the backup into it.
    #[must_use]
    pub fn over(&self, target: &Backing) -> Backing {
        Backing { keys: self.alone().keys, ..target.clone() }
    }
}

impl SealedStore {
    /// Puts a snapshot into the database, which must be empty. The data keys come last: until then
    /// nothing opens it. `progress` is told how many records and blocks were put so far.
    ///
    /// # Errors
    /// `Conflict` if something is there already; what the snapshot fails with.
    pub async fn restore(
        &self,
        snapshot: &mut dyn Snapshot,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Contents, StoreError> {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let mut contents = Contents::default();
        let anchors = snapshot.anchors().await?;
        contents.anchors = count(anchors.len());
        loop {
            let blocks = snapshot.blocks(TOGETHER).await?;
            if blocks.is_empty() {
                break;
            }
            contents.blocks = contents.blocks.saturating_add(count(blocks.len()));
            self.maintenance.restore(Part::Blocks(blocks)).await?;
            progress(contents.blocks);
        }
        loop {
            let records = snapshot.records(TOGETHER).await?;
            if records.is_empty() {
                break;
            }
            contents.records = contents.records.saturating_add(count(records.len()));
            self.maintenance.restore(Part::Records(records)).await?;
            progress(contents.blocks.saturating_add(contents.records));
        }
        if !anchors.is_empty() {
            self.maintenance.restore(Part::Anchors(anchors)).await?;
        }
        let keys = snapshot.keys().await?;
        contents.keys = count(keys.len());
        self.maintenance.restore(Part::Keys(keys)).await?;
        Ok(contents)
    }
}

#[cfg(test)]
mod tests;
