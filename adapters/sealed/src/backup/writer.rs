//! Writes a backup.

use std::io::Write;

use kmip_model::Material;
use kmip_ports::{maintenance::Entry, record::AtRestCipher};

use super::{About, BEGINNING, BackupError, Contents, TOGETHER, VERSION, layout, layout::Chunk};
use crate::{canonical::Canonical, store::SealedStore};

/// How many bytes of records a chunk has, more or less: what is held in memory at a time.
const CHUNK: usize = 1 << 20;

/// Seals the chunks of one backup, or opens them.
pub(super) struct Sealing {
    id: Vec<u8>,
    /// A hash of everything before the first chunk.
    bound: [u8; 32],
}

impl Sealing {
    pub(super) fn new(cipher: &dyn AtRestCipher, id: Vec<u8>, beginning: &[u8]) -> Self {
        Self { id, bound: cipher.hash(beginning) }
    }

    fn context(&self, part: u64) -> Vec<u8> {
        Canonical::of("backup").bytes(&self.id).long(part).finish()
    }

    pub(super) fn seal(
        &self,
        cipher: &dyn AtRestCipher,
        key: &Material,
        part: u64,
        plain: &[u8],
    ) -> Result<Vec<u8>, BackupError> {
        Ok(cipher.seal(key, &self.context(part), &self.bound, plain)?)
    }

    pub(super) fn open(
        &self,
        cipher: &dyn AtRestCipher,
        key: &Material,
        part: u64,
        sealed: &[u8],
    ) -> Option<Material> {
        cipher.open(key, &self.context(part), &self.bound, sealed)
    }
}

struct Writer<'a, W> {
    store: &'a SealedStore,
    out: W,
    sealing: Sealing,
    parts: u64,
}

impl<W: Write> Writer<'_, W> {
    fn chunk(&mut self, chunk: &Chunk) -> Result<(), BackupError> {
        self.parts = self.parts.saturating_add(1);
        let (cipher, key) = self.store.sealing();
        let sealed = self.sealing.seal(cipher, key, self.parts, &chunk.write())?;
        let length = u32::try_from(sealed.len()).map_err(std::io::Error::other)?;
        self.out.write_all(&length.to_be_bytes())?;
        Ok(self.out.write_all(&sealed)?)
    }

    /// Writes records, a new chunk whenever one is full.
    fn records(&mut self, records: Vec<Entry>) -> Result<(), BackupError> {
        let mut some = Vec::new();
        let mut bytes = 0_usize;
        for entry in records {
            bytes = bytes.saturating_add(entry.1.value.sealed.bytes.len());
            some.push(entry);
            if bytes >= CHUNK {
                self.chunk(&Chunk::Records(std::mem::take(&mut some)))?;
                bytes = 0;
            }
        }
        if some.is_empty() { Ok(()) } else { self.chunk(&Chunk::Records(some)) }
    }
}

impl SealedStore {
    /// Writes a backup of the store as it is at this instant; clients go on meanwhile. `progress` is
    /// told how many records and blocks were written so far.
    ///
    /// # Errors
    /// See [`BackupError`]; what was written by then is no backup.
    pub async fn back_up<W: Write + Send>(
        &self,
        out: W,
        about: &About,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Contents, BackupError> {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let mut snapshot = self.maintenance.snapshot().await?;
        let keys = snapshot.keys().await?;
        let (cipher, _) = self.sealing();
        // Nobody knows what the cipher makes up, and nobody has made it up before.
        let id = cipher.generate()?.expose().to_vec();
        let header = layout::write_header(about, &id, &keys);
        let mut beginning = BEGINNING.to_vec();
        beginning.extend_from_slice(&VERSION.to_be_bytes());
        beginning.extend_from_slice(&count(header.len()).to_be_bytes());
        beginning.extend_from_slice(&header);
        let sealing = Sealing::new(cipher, id, &beginning);
        let mut writer = Writer { store: self, out, sealing, parts: 0 };
        writer.out.write_all(&beginning)?;
        let mut contents = Contents { keys: count(keys.len()), ..Contents::default() };
        let anchors = snapshot.anchors().await?;
        contents.anchors = count(anchors.len());
        writer.chunk(&Chunk::Anchors(anchors))?;
        loop {
            let blocks = snapshot.blocks(TOGETHER).await?;
            if blocks.is_empty() {
                break;
            }
            contents.blocks = contents.blocks.saturating_add(count(blocks.len()));
            writer.chunk(&Chunk::Blocks(blocks))?;
            progress(contents.blocks);
        }
        loop {
            let records = snapshot.records(TOGETHER).await?;
            if records.is_empty() {
                break;
            }
            contents.records = contents.records.saturating_add(count(records.len()));
            writer.records(records)?;
            progress(contents.blocks.saturating_add(contents.records));
        }
        writer.chunk(&Chunk::End(contents))?;
        writer.out.flush()?;
        Ok(contents)
    }
}
