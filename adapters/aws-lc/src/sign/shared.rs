//! RSA keys that several requests use at the same time are read once (RFC 8017 §3.2).
//!
//! Reading a private key, with the checks of its numbers, costs twice as much as a signature by it.
//! A key that was read lives as long as some request uses it or waits to, and not a moment longer.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use aws_lc_rs::{
    hmac,
    rand::{self, SystemRandom},
    rsa::KeyPair,
};
use kmip_model::object::{KeyInUse, KeyMaterial};
use kmip_ports::crypto::CryptoError;

/// A key, once somebody has read it.
type Cell = OnceLock<Result<KeyPair, CryptoError>>;

/// Tells keys apart without holding them: a keyed hash of their bytes.
type Mark = [u8; 32];

/// The keys that are in use now.
pub(super) struct SharedKeys {
    marking: Option<hmac::Key>,
    in_use: Mutex<HashMap<Mark, Weak<Cell>>>,
}

impl SharedKeys {
    /// Begins with none; its marks mean nothing elsewhere.
    pub(super) fn new() -> Self {
        let secret: Option<[u8; 32]> =
            rand::generate(&SystemRandom::new()).ok().map(rand::Random::expose);
        let marking = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, &secret));
        Self { marking, in_use: Mutex::default() }
    }

    /// Takes a part in a key: whoever else uses it now shares it.
    pub(super) fn take(self: &Arc<Self>, key: &KeyInUse) -> Share {
        // Keys in other forms than bytes are rare, and each is read for itself.
        let (Some(marking), KeyMaterial::Bytes(bytes)) = (&self.marking, &key.material) else {
            return Share { cell: Arc::default(), place: None };
        };
        let tag = hmac::sign(marking, bytes.expose());
        let Ok(mark) = Mark::try_from(tag.as_ref()) else {
            return Share { cell: Arc::default(), place: None };
        };
        let mut in_use = self.lock();
        let cell = in_use.get(&mark).and_then(Weak::upgrade).unwrap_or_default();
        in_use.insert(mark, Arc::downgrade(&cell));
        Share { cell, place: Some((Arc::clone(self), mark)) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Mark, Weak<Cell>>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedKeys").finish_non_exhaustive()
    }
}

/// One request's part in a key. When the last part goes, so does the key.
pub(super) struct Share {
    cell: Arc<Cell>,
    place: Option<(Arc<SharedKeys>, Mark)>,
}

impl Share {
    /// Returns the key; whoever comes first reads it, and the others wait for that.
    pub(super) fn key(
        &self,
        read: impl FnOnce() -> Result<KeyPair, CryptoError>,
    ) -> Result<&KeyPair, CryptoError> {
        self.cell.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some((keys, mark)) = &self.place {
            let mut in_use = keys.lock();
            // Parts are taken under the same lock, so nobody else can come in between.
            if Arc::strong_count(&self.cell) == 1 {
                in_use.remove(mark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell as Count;

    use kmip_model::{Material, enumeration::ObjectType};

    use super::*;

    fn key(byte: u8) -> KeyInUse {
        KeyInUse {
            object_type: ObjectType::PrivateKey,
            algorithm: None,
            length: None,
            material: KeyMaterial::Bytes(Material::new(vec![byte; 16])),
        }
    }

    #[test]
    fn a_key_is_read_once_while_it_is_used_and_gone_afterwards() {
        let keys = Arc::new(SharedKeys::new());
        let reads = Count::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            Err(CryptoError::Failed)
        };
        let (first, second) = (keys.take(&key(1)), keys.take(&key(1)));
        assert_eq!(first.key(read).err(), Some(CryptoError::Failed));
        drop(first);
        assert_eq!(second.key(read).err(), Some(CryptoError::Failed));
        assert_eq!(reads.get(), 1);
        let other = keys.take(&key(2));
        assert!(other.key(read).is_err());
        assert_eq!(reads.get(), 2);
        drop((second, other));
        assert!(keys.lock().is_empty());
        assert!(keys.take(&key(1)).key(read).is_err());
        assert_eq!(reads.get(), 3);
    }
}
