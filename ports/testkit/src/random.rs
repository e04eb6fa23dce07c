//! Random bytes that are the same in every run.

use std::sync::Mutex;

use kmip_model::Material;
use kmip_ports::crypto::{CryptoError, Random};

use crate::lock;

/// Makes the same bytes from the same seed, and never the same bytes twice.
#[derive(Debug)]
pub struct SeededRandom(Mutex<Sequence>);

impl SeededRandom {
    /// Starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(Sequence::new(seed)))
    }
}

impl Random for SeededRandom {
    fn bytes(&self, length: usize) -> Result<Material, CryptoError> {
        let mut sequence = lock(&self.0);
        let bytes = std::iter::repeat_with(|| sequence.next().to_be_bytes());
        Ok(Material::new(bytes.flatten().take(length).collect()))
    }
}

/// A sequence of numbers that look random (`SplitMix64`).
#[derive(Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// Starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Says yes `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Picks one of `items`.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let position = self.below(items.len() as u64);
        usize::try_from(position)
            .ok()
            .and_then(|position| items.get(position))
            .expect("there is something to pick from")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_goes_on() {
        let (one, two) = (SeededRandom::new(7), SeededRandom::new(7));
        let first = one.bytes(20).unwrap();
        assert_eq!(first.len(), 20);
        assert_eq!(first, two.bytes(20).unwrap());
        assert_ne!(first, one.bytes(20).unwrap());
    }
}
