//! An at-rest cipher made of a hash: it hides nothing from a cryptographer, but notices any change.

use std::sync::atomic::{AtomicU64, Ordering};

use kmip_model::Material;
use kmip_ports::{crypto::Random, record::AtRestCipher, store::StoreError};

use crate::{random::SeededRandom, sha256::sha256};

/// Seals with a key stream and a tag, both from SHA-256.
#[derive(Debug)]
pub struct HashCipher {
    random: SeededRandom,
    nonce: AtomicU64,
}

impl Default for HashCipher {
    fn default() -> Self {
        Self { random: SeededRandom::new(0xDA7A), nonce: AtomicU64::new(0) }
    }
}

impl AtRestCipher for HashCipher {
    fn generate(&self) -> Result<Material, StoreError> {
        self.random.bytes(32).map_err(|_| StoreError::Unavailable)
    }

    fn seal(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let nonce = self.nonce.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let cipher = stream(data_key, context, nonce, plain);
        let tag = of_parts(&[b"tag", data_key.expose(), context, associated, &nonce, &cipher]);
        Ok([nonce.as_slice(), &cipher, &tag].concat())
    }

    fn open(
        &self,
        data_key: &Material,
        context: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Material> {
        let (nonce, rest) = sealed.split_first_chunk::<8>()?;
        let (cipher, tag) = rest.split_last_chunk::<32>()?;
        let expected = of_parts(&[b"tag", data_key.expose(), context, associated, nonce, cipher]);
        (*tag == expected).then(|| Material::new(stream(data_key, context, *nonce, cipher)))
    }

    fn keyed_hash(&self, data_key: &Material, context: &[u8], data: &[u8]) -> [u8; 32] {
        of_parts(&[b"keyed", data_key.expose(), context, data])
    }

    fn hash(&self, data: &[u8]) -> [u8; 32] {
        sha256(data)
    }
}

/// Combines `input` with a key stream; twice gives the input again.
fn stream(data_key: &Material, context: &[u8], nonce: [u8; 8], input: &[u8]) -> Vec<u8> {
    let blocks = (0_u64..).map(|count| {
        of_parts(&[b"stream", data_key.expose(), context, &nonce, &count.to_be_bytes()])
    });
    input.iter().zip(blocks.flatten()).map(|(byte, mask)| byte ^ mask).collect()
}

/// Hashes parts so that no two lists of parts are alike.
fn of_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    sha256(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_and_nothing_else_does() {
        let cipher = HashCipher::default();
        let (key, other) = (cipher.generate().unwrap(), cipher.generate().unwrap());
        let plain = [7; 100];
        let sealed = cipher.seal(&key, b"context", b"associated", &plain).unwrap();
        let open = |key: &Material, context: &[u8], associated: &[u8], sealed: &[u8]| {
            cipher.open(key, context, associated, sealed)
        };
        let opened = open(&key, b"context", b"associated", &sealed);
        assert_eq!(opened.unwrap().expose(), plain);
        assert_eq!(open(&other, b"context", b"associated", &sealed), None);
        assert_eq!(open(&key, b"elsewhere", b"associated", &sealed), None);
        assert_eq!(open(&key, b"context", b"changed", &sealed), None);
        assert_eq!(open(&key, b"context", b"associated", &sealed[1..]), None);
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(open(&key, b"context", b"associated", &changed), None);
        }
        assert_ne!(cipher.seal(&key, b"context", b"associated", &plain).unwrap(), sealed);
    }
}
