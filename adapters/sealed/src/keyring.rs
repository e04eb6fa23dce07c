//! The data keys of a store: the newest seals, any opens, the first hides the search terms.

use std::collections::BTreeMap;

use kmip_model::Material;
use kmip_ports::{
    record::{AtRestCipher, DataKeys, WrappedKey},
    root_key::{RootKey, RootKeyError},
    store::StoreError,
};
use thiserror::Error;

use crate::canonical::Canonical;

/// The number of the first data key.
const FIRST: u32 = 1;

/// What to do with a store that has no data key yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenEmpty {
    /// Make the first one.
    Create,
    /// Refuse to open it.
    Refuse,
}

/// Why a sealed store cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealedError {
    /// A data key does not unwrap.
    #[error("the store was sealed under another root key (data key {number} does not unwrap)")]
    WrongRootKey {
        /// The number of that data key.
        number: u32,
    },
    /// The root key cannot serve.
    #[error("the root key cannot be used")]
    RootKey(#[source] RootKeyError),
    /// There is no data key, and none may be made.
    #[error("the store has no data key")]
    NoDataKey,
    /// The new root key cannot serve; the old one still does.
    #[error("the new root key cannot be used")]
    NewRootKey(#[source] RootKeyError),
    /// The new root key does not give back what it was given; the old one still serves.
    #[error("the new root key does not open what it has wrapped")]
    NewRootKeyForgets,
    /// The root key is being changed already.
    #[error("the root key is being changed already")]
    ChangeRuns,
    /// Somebody else changed data keys during a change of the root key.
    #[error("the data keys were changed by another server at the same time; look at their status")]
    ChangedMeanwhile,
    /// There are later data keys, but not the first.
    #[error("the store has lost its first data key, without which nothing is found")]
    NoFirstDataKey,
    /// The record store cannot serve.
    #[error("the data keys cannot be read or written")]
    Store(#[from] StoreError),
}

/// The unwrapped data keys, by number; the first is among them.
#[derive(Clone)]
pub(crate) struct Keyring {
    keys: BTreeMap<u32, Material>,
    first: Material,
    newest: (u32, Material),
}

impl Keyring {
    /// Unwraps every data key of the store, and makes the first if there is none and it may.
    pub(crate) async fn open(
        records: &dyn DataKeys,
        cipher: &dyn AtRestCipher,
        root_key: &dyn RootKey,
        when_empty: WhenEmpty,
    ) -> Result<Self, SealedError> {
        let mut wrapped = records.load_keys().await?;
        if wrapped.is_empty() {
            match when_empty {
                WhenEmpty::Refuse => return Err(SealedError::NoDataKey),
                WhenEmpty::Create => create_first(records, cipher, root_key).await?,
            }
            // Read again, so that what will be used is what is stored.
            wrapped = records.load_keys().await?;
        }
        Self::unwrapped(&wrapped, root_key).await
    }

    /// Unwraps these data keys.
    pub(crate) async fn unwrapped(
        wrapped: &[WrappedKey],
        root_key: &dyn RootKey,
    ) -> Result<Self, SealedError> {
        let mut keys = BTreeMap::new();
        for WrappedKey { number, wrapped } in wrapped {
            keys.insert(*number, unwrap(root_key, *number, wrapped).await?);
        }
        Self::of(keys)
    }

    /// Unwraps those of these data keys that are not in the ring yet.
    pub(crate) async fn with(
        &self,
        wrapped: &[WrappedKey],
        root_key: &dyn RootKey,
    ) -> Result<Self, SealedError> {
        let mut keys = self.keys.clone();
        for WrappedKey { number, wrapped } in wrapped {
            if !keys.contains_key(number) {
                keys.insert(*number, unwrap(root_key, *number, wrapped).await?);
            }
        }
        Self::of(keys)
    }

    /// Puts one more key into the ring, which is newer than all others.
    pub(crate) fn and(mut self, number: u32, key: Material) -> Self {
        self.keys.insert(number, key.clone());
        self.newest = (number, key);
        self
    }

    fn of(keys: BTreeMap<u32, Material>) -> Result<Self, SealedError> {
        let first = keys.get(&FIRST).cloned().ok_or(SealedError::NoFirstDataKey)?;
        let newest = keys.last_key_value().map(|(number, key)| (*number, key.clone()));
        Ok(Self { keys, newest: newest.unwrap_or_else(|| (FIRST, first.clone())), first })
    }

    /// Returns the key that hides the search terms and chains the audit trail.
    pub(crate) fn first(&self) -> &Material {
        &self.first
    }

    /// Returns the key to seal with, and its number.
    pub(crate) fn newest(&self) -> (u32, &Material) {
        (self.newest.0, &self.newest.1)
    }

    /// Returns the key of that number.
    pub(crate) fn key(&self, number: u32) -> Option<&Material> {
        self.keys.get(&number)
    }

    /// Returns every key with its number, oldest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (u32, &Material)> {
        self.keys.iter().map(|(number, key)| (*number, key))
    }
}

/// Says whether a root key opens every one of these data keys, and that there are some; nothing is
/// kept.
///
/// # Errors
///
/// The first data key that does not open, or what is missing.
pub async fn try_root_key(
    root_key: &dyn RootKey,
    wrapped: &[WrappedKey],
) -> Result<(), SealedError> {
    if wrapped.is_empty() {
        return Err(SealedError::NoDataKey);
    }
    Keyring::unwrapped(wrapped, root_key).await.map(drop)
}

/// Unwraps the data key of that number.
pub(crate) async fn unwrap(
    root_key: &dyn RootKey,
    number: u32,
    wrapped: &[u8],
) -> Result<Material, SealedError> {
    root_key.unwrap(&context(number), wrapped).await.map_err(|error| match error {
        RootKeyError::WrongKey => SealedError::WrongRootKey { number },
        other @ RootKeyError::Unavailable(_) => SealedError::RootKey(other),
    })
}

/// Wraps the data key of that number.
pub(crate) async fn wrap(
    root_key: &dyn RootKey,
    number: u32,
    key: &Material,
) -> Result<WrappedKey, RootKeyError> {
    let wrapped = root_key.wrap(&context(number), key).await?;
    Ok(WrappedKey { number, wrapped })
}

async fn create_first(
    records: &dyn DataKeys,
    cipher: &dyn AtRestCipher,
    root_key: &dyn RootKey,
) -> Result<(), SealedError> {
    let data_key = cipher.generate()?;
    let wrapped = wrap(root_key, FIRST, &data_key).await.map_err(SealedError::RootKey)?;
    match records.add_key(wrapped).await {
        // Somebody else was faster: theirs is the first.
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Binds a wrapped data key to its number.
fn context(number: u32) -> Vec<u8> {
    Canonical::of("data key").number(number).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kmip_testkit::{FixedRootKey, HashCipher, MemoryRecords};

    fn open(
        records: &MemoryRecords,
        cipher: &HashCipher,
        root_key: u64,
        when_empty: WhenEmpty,
    ) -> Result<Keyring, SealedError> {
        let root_key = FixedRootKey::new(root_key);
        pollster::block_on(Keyring::open(records, cipher, &root_key, when_empty))
    }

    fn add(records: &MemoryRecords, cipher: &HashCipher, number: u32) -> Material {
        let key = cipher.generate().unwrap();
        let wrapped = pollster::block_on(FixedRootKey::new(1).wrap(&context(number), &key));
        let wrapped = WrappedKey { number, wrapped: wrapped.unwrap() };
        pollster::block_on(records.add_key(wrapped)).unwrap();
        key
    }

    #[test]
    fn the_first_key_is_made_once_and_only_if_allowed() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        let refused = open(&records, &cipher, 1, WhenEmpty::Refuse);
        assert_eq!(refused.err(), Some(SealedError::NoDataKey));
        let made = open(&records, &cipher, 1, WhenEmpty::Create).unwrap();
        let again = open(&records, &cipher, 1, WhenEmpty::Create).unwrap();
        assert_eq!(made.first(), again.first());
        assert_eq!(pollster::block_on(records.load_keys()).unwrap().len(), 1);
    }

    #[test]
    fn another_root_key_is_named_as_the_reason() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        open(&records, &cipher, 1, WhenEmpty::Create).unwrap();
        let error = open(&records, &cipher, 2, WhenEmpty::Create).err().unwrap();
        assert_eq!(error, SealedError::WrongRootKey { number: 1 });
        assert!(error.to_string().contains("sealed under another root key"));
    }

    #[test]
    fn a_root_key_is_tried_and_nothing_is_made() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        let wrapped = || pollster::block_on(records.load_keys()).unwrap();
        let try_key =
            |number| pollster::block_on(try_root_key(&FixedRootKey::new(number), &wrapped()));
        assert_eq!(try_key(1), Err(SealedError::NoDataKey));
        assert_eq!(wrapped(), []);
        add(&records, &cipher, 1);
        add(&records, &cipher, 2);
        assert_eq!(try_key(1), Ok(()));
        assert_eq!(try_key(2), Err(SealedError::WrongRootKey { number: 1 }));
    }

    #[test]
    fn the_newest_key_seals_and_every_key_opens() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        let first = add(&records, &cipher, 1);
        let third = add(&records, &cipher, 3);
        let second = add(&records, &cipher, 2);
        let keyring = open(&records, &cipher, 1, WhenEmpty::Refuse).unwrap();
        assert_eq!(keyring.first(), &first);
        assert_eq!(keyring.newest(), (3, &third));
        assert_eq!(keyring.key(1), Some(&first));
        assert_eq!(keyring.key(2), Some(&second));
        assert_eq!(keyring.key(4), None);
    }

    #[test]
    fn a_data_key_under_another_number_does_not_unwrap() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        let wrapped =
            pollster::block_on(FixedRootKey::new(1).wrap(&context(2), &cipher.generate().unwrap()));
        let moved = WrappedKey { number: 1, wrapped: wrapped.unwrap() };
        pollster::block_on(records.add_key(moved)).unwrap();
        let error = open(&records, &cipher, 1, WhenEmpty::Refuse).err();
        assert_eq!(error, Some(SealedError::WrongRootKey { number: 1 }));
    }

    #[test]
    fn a_store_without_its_first_key_does_not_open() {
        let (records, cipher) = (MemoryRecords::default(), HashCipher::default());
        add(&records, &cipher, 2);
        let error = open(&records, &cipher, 1, WhenEmpty::Create).err();
        assert_eq!(error, Some(SealedError::NoFirstDataKey));
    }
}
