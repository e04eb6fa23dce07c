//! HMAC (RFC 2104) over any hash.
//!
//! Written out, because the general form of the `hmac` crate, which SHA-3 needs, neither erases the
//! outer key nor keeps it hashed: a million iterations of PBKDF2 would take twice as long.

use sha2::{Digest, digest::common::BlockSizeUser};
use zeroize::{Zeroize, Zeroizing};

/// An HMAC with its key: two hashes that have taken in the two pads, and erase themselves.
#[derive(Clone)]
pub(crate) struct Hmac<D> {
    inner: D,
    outer: D,
}

impl<D: Digest + BlockSizeUser + Clone> Hmac<D> {
    /// Puts in a key, of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new(vec![0; D::block_size()]);
        if key.len() > block.len() {
            let mut hashed = D::digest(key);
            fill(&mut block, &hashed);
            hashed.as_mut_slice().zeroize();
        } else {
            fill(&mut block, key);
        }
        Self { inner: begin(&mut block, 0x36), outer: begin(&mut block, 0x36 ^ 0x5c) }
    }

    /// Returns the MAC of the pieces, one after the other.
    pub(crate) fn of(&self, pieces: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let mut inner = self.inner.clone();
        for piece in pieces {
            inner.update(piece);
        }
        let mut hashed = inner.finalize();
        let mut mac = self.outer.clone().chain_update(&hashed).finalize();
        let output = Zeroizing::new(mac.to_vec());
        hashed.as_mut_slice().zeroize();
        mac.as_mut_slice().zeroize();
        output
    }
}

/// Copies bytes to the beginning of a block.
fn fill(block: &mut [u8], bytes: &[u8]) {
    for (place, byte) in block.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

/// Adds a pad to the block, and begins a hash with it.
fn begin<D: Digest>(block: &mut [u8], pad: u8) -> D {
    for byte in block.iter_mut() {
        *byte ^= pad;
    }
    D::new().chain_update(block)
}
