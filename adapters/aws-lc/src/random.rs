//! Randomness from the generator of AWS-LC.

use aws_lc_rs::rand;
use kmip_model::Material;
use kmip_ports::crypto::{CryptoError, Random};
use zeroize::Zeroizing;

/// The operating system's seed through AWS-LC's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcRandom;

impl Random for AwsLcRandom {
    fn bytes(&self, length: usize) -> Result<Material, CryptoError> {
        let mut bytes = Zeroizing::new(vec![0; length]);
        rand::fill(&mut bytes).map_err(|_| CryptoError::Failed)?;
        Ok(Material::new(core::mem::take(&mut *bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_come_as_were_asked_for() {
        for length in [0, 1, 16, 32, 1000] {
            assert_eq!(AwsLcRandom.bytes(length).unwrap().len(), length);
        }
    }

    #[test]
    fn two_keys_differ_and_are_not_zero() {
        let first = AwsLcRandom.bytes(32).unwrap();
        assert_ne!(first, AwsLcRandom.bytes(32).unwrap());
        assert_ne!(first.expose(), [0; 32]);
    }
}
