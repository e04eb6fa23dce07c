//! Reads a backup as the snapshot that it was made from.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read},
    sync::Arc,
};

use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::{Entry, Snapshot},
    record::{AtRestCipher, WrappedKey},
    store::StoreError,
};

use super::{Backup, BackupError, Contents, layout::Chunk, writer::Sealing};
use crate::store::SealedStore;

/// Gives what is in a backup, in the order in which it is there: anchors, blocks, records. Ends only
/// where the backup says that it does, with as much as it says there was.
pub struct BackupReader<R> {
    input: R,
    keys: Vec<WrappedKey>,
    cipher: Arc<dyn AtRestCipher>,
    key: Material,
    sealing: Sealing,
    parts: u64,
    anchors: Option<Vec<Anchor>>,
    blocks: VecDeque<AuditBlock>,
    records: VecDeque<Entry>,
    contents: Contents,
    whole: bool,
    fault: Option<BackupError>,
}

impl SealedStore {
    /// Returns the snapshot that a backup of a store with the same data keys is.
    pub fn reader<R: Read>(&self, backup: Backup<R>) -> BackupReader<R> {
        let Backup { id, keys, beginning, input, .. } = backup;
        let (cipher, key) = self.sealing();
        BackupReader {
            input,
            sealing: Sealing::new(cipher, id, &beginning),
            cipher: self.cipher(),
            key: key.clone(),
            parts: 0,
            anchors: None,
            blocks: VecDeque::new(),
            records: VecDeque::new(),
            contents: Contents {
                keys: u64::try_from(keys.len()).unwrap_or(u64::MAX),
                ..Contents::default()
            },
            keys,
            whole: false,
            fault: None,
        }
    }
}

impl<R: Read> BackupReader<R> {
    /// Says whether everything was read, to the end that it has.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Returns how much was read.
    #[must_use]
    pub fn contents(&self) -> Contents {
        self.contents
    }

    /// Returns why reading failed, if it did.
    pub fn fault(&mut self) -> Option<BackupError> {
        self.fault.take()
    }

    /// Reads the next chunk; says whether there was one that is not the last.
    fn advance(&mut self) -> Result<bool, StoreError> {
        if self.whole {
            return Ok(false);
        }
        match self.next_chunk() {
            Ok(more) => Ok(more),
            Err(fault) => {
                // The port has no word for it; who wants to know asks for the fault.
                self.fault = Some(fault);
                Err(StoreError::Unavailable)
            }
        }
    }

    fn next_chunk(&mut self) -> Result<bool, BackupError> {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        self.parts = self.parts.saturating_add(1);
        let damaged = BackupError::Damaged { part: self.parts };
        let mut length = [0; 4];
        self.input.read_exact(&mut length).map_err(cut)?;
        let length = u64::from(u32::from_be_bytes(length));
        let mut sealed = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut sealed)?;
        if count(sealed.len()) != length {
            return Err(BackupError::Cut);
        }
        let plain = self.sealing.open(&*self.cipher, &self.key, self.parts, &sealed);
        let chunk = plain.and_then(|plain| Chunk::read(plain.expose())).ok_or(damaged)?;
        let contents = &mut self.contents;
        match chunk {
            Chunk::Anchors(anchors) => {
                contents.anchors = contents.anchors.saturating_add(count(anchors.len()));
                self.anchors.get_or_insert_default().extend(anchors);
            }
            Chunk::Blocks(blocks) => {
                contents.blocks = contents.blocks.saturating_add(count(blocks.len()));
                self.blocks.extend(blocks);
            }
            Chunk::Records(records) => {
                contents.records = contents.records.saturating_add(count(records.len()));
                self.records.extend(records);
            }
            Chunk::End(said) => {
                if said != *contents {
                    return Err(BackupError::Damaged { part: self.parts });
                }
                if self.input.by_ref().take(1).read_to_end(&mut Vec::new())? != 0 {
                    return Err(BackupError::Longer);
                }
                self.whole = true;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn cut(error: std::io::Error) -> BackupError {
    match error.kind() {
        ErrorKind::UnexpectedEof => BackupError::Cut,
        _ => error.into(),
    }
}

fn first<T>(queue: &mut VecDeque<T>, limit: u32) -> Vec<T> {
    let count = usize::try_from(limit).unwrap_or(usize::MAX).min(queue.len());
    queue.drain(..count).collect()
}

#[async_trait]
impl<R: Read + Send> Snapshot for BackupReader<R> {
    async fn records(&mut self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        while self.records.is_empty() && self.advance()? {}
        Ok(first(&mut self.records, limit))
    }

    async fn blocks(&mut self, limit: u32) -> Result<Vec<AuditBlock>, StoreError> {
        // Records come after every block.
        while self.blocks.is_empty() && self.records.is_empty() && self.advance()? {}
        Ok(first(&mut self.blocks, limit))
    }

    async fn anchors(&mut self) -> Result<Vec<Anchor>, StoreError> {
        while self.anchors.is_none() && self.advance()? {}
        Ok(self.anchors.clone().unwrap_or_default())
    }

    async fn keys(&mut self) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(self.keys.clone())
    }
}
