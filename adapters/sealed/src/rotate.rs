//! Another root key, another data key, and every record sealed anew under it.
//!
//! The root key changes in one transaction: before it the old root key opens every data key, after
//! it the new one does, and never some and some. Sealing anew goes page by page beside everything
//! else and can end anywhere: each data key opens what it sealed, and what is left is left for the
//! next time. The first data key stays, because search terms and the audit trail are made with it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use kmip_model::{Material, UniqueIdentifier};
use kmip_ports::{
    maintenance::Resealed,
    record::{Record, Sealed, WrappedKey},
    root_key::RootKey,
    store::{StoreError, Stored},
};

use crate::{
    keyring::{self, Keyring, SealedError},
    store::{SealedStore, context},
};

/// How many records are sealed anew in one transaction.
const TOGETHER: u32 = 256;

/// How often everything is read again because something changed meanwhile.
const PASSES: u32 = 16;

/// What sealing anew has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedAnew {
    /// How many records were read in the pass that runs or was the last.
    pub read: u64,
    /// How many were sealed anew in all.
    pub sealed: u64,
    /// How many of the last pass are under an older data key still, because they were being changed.
    pub left: u64,
    /// Which could not be sealed anew, because they do not open.
    pub damaged: Vec<UniqueIdentifier>,
}

/// A data key and what it is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Its number.
    pub number: u32,
    /// How many records are sealed under it.
    pub records: u64,
    /// Says whether the root key opens it.
    pub opens: bool,
}

/// The data keys of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRing {
    /// Every data key, oldest first.
    pub keys: Vec<KeyUse>,
    /// How many records name a data key that is not there.
    pub homeless: u64,
}

impl KeyRing {
    /// Returns the number of the data key that seals.
    #[must_use]
    pub fn newest(&self) -> Option<u32> {
        self.keys.last().map(|key| key.number)
    }

    /// Counts the records that are not under the newest data key.
    #[must_use]
    pub fn left(&self) -> u64 {
        let older = self.keys.iter().rev().skip(1).map(|key| key.records);
        older.fold(self.homeless, u64::saturating_add)
    }

    /// Says whether the root key opens every data key.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.keys.iter().all(|key| key.opens)
    }
}

/// Ends a change of the root key, however it ends.
struct Change<'a>(&'a AtomicBool);

impl<'a> Change<'a> {
    fn begin(changing: &'a AtomicBool) -> Result<Self, SealedError> {
        let free = changing.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire);
        free.map(|_| Self(changing)).map_err(|_| SealedError::ChangeRuns)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl SealedStore {
    /// Counts the data keys that are known.
    #[must_use]
    pub fn data_key_count(&self) -> usize {
        self.keyring().keys().count()
    }

    /// Makes sure that a data key is known, if the store has it: another server may have made it.
    pub(crate) async fn know(&self, number: u32) -> Result<(), StoreError> {
        if self.keyring().key(number).is_some() {
            return Ok(());
        }
        let wrapped = self.data_keys.load_keys().await?;
        if !wrapped.iter().any(|key| key.number == number) {
            return Ok(());
        }
        for root_key in self.root_keys() {
            match self.keyring().with(&wrapped, &*root_key).await {
                Ok(keyring) => {
                    self.keep(keyring);
                    return Ok(());
                }
                Err(SealedError::WrongRootKey { .. }) => {}
                Err(_) => return Err(StoreError::Unavailable),
            }
        }
        Err(StoreError::Unavailable)
    }

    fn root_keys(&self) -> Vec<Arc<dyn RootKey>> {
        self.root_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a data key and puts every data key under another root key. Records are sealed under
    /// the new data key from then on. Returns its number.
    ///
    /// # Errors
    /// Unless it says [`SealedError::Store`], the root key that opened the store opens it as before;
    /// after that it may be either. [`SealedError::ChangedMeanwhile`] says that another server was
    /// faster, so that it may be that server's.
    pub async fn change_root_key(&self, new: Arc<dyn RootKey>) -> Result<u32, SealedError> {
        let _change = Change::begin(&self.changing)?;
        let (before, keyring) = self.current().await?;
        let number = keyring.newest().0.checked_add(1).ok_or(SealedError::ChangedMeanwhile)?;
        let keyring = keyring.and(number, self.cipher.generate()?);
        let after = wrap_all(&keyring, &*new).await?;
        self.data_keys.replace_keys(&before, after).await.map_err(|error| match error {
            StoreError::Conflict => SealedError::ChangedMeanwhile,
            error => error.into(),
        })?;
        let roots = &self.root_keys;
        roots.write().unwrap_or_else(PoisonError::into_inner).insert(0, Arc::clone(&new));
        self.keep(keyring);
        Ok(number)
    }

    /// Returns the data keys as they are kept, and opened.
    async fn current(&self) -> Result<(Vec<WrappedKey>, Keyring), SealedError> {
        let wrapped = self.data_keys.load_keys().await?;
        let mut wrong = SealedError::NoDataKey;
        for root_key in self.root_keys() {
            match Keyring::unwrapped(&wrapped, &*root_key).await {
                Ok(keyring) => return Ok((wrapped, keyring)),
                Err(error @ SealedError::WrongRootKey { .. }) => wrong = error,
                Err(error) => return Err(error),
            }
        }
        Err(wrong)
    }

    /// Seals every record under the newest data key that is not yet. May be dropped at any time and
    /// begun again; `progress` is told after every page.
    pub async fn seal_anew(
        &self,
        progress: &mut (dyn FnMut(&SealedAnew) + Send),
    ) -> Result<SealedAnew, StoreError> {
        let mut anew = SealedAnew::default();
        for _ in 0..PASSES {
            // What was being sealed when the key changed may come after the first pass.
            if self.pass(&mut anew, progress).await? == 0 {
                break;
            }
        }
        Ok(anew)
    }

    /// Reads every record once; returns how many were under older keys, damaged ones left out.
    async fn pass(
        &self,
        anew: &mut SealedAnew,
        progress: &mut (dyn FnMut(&SealedAnew) + Send),
    ) -> Result<u64, StoreError> {
        let mut found = 0_u64;
        (anew.read, anew.left) = (0, 0);
        anew.damaged.clear();
        let mut snapshot = self.maintenance.snapshot().await?;
        for WrappedKey { number, .. } in snapshot.keys().await? {
            self.know(number).await?;
        }
        let keyring = self.keyring();
        loop {
            let page = snapshot.records(TOGETHER).await?;
            if page.is_empty() {
                return Ok(found);
            }
            let mut resealed = Vec::new();
            for (identifier, stored) in &page {
                anew.read = anew.read.saturating_add(1);
                if stored.value.sealed.key == keyring.newest().0 {
                    continue;
                }
                match self.sealed_anew(&keyring, identifier, stored)? {
                    Some(sealed) => resealed.push(sealed),
                    None => anew.damaged.push(identifier.clone()),
                }
            }
            if !resealed.is_empty() {
                let asked = resealed.len() as u64;
                found = found.saturating_add(asked);
                let done = self.maintenance.reseal(resealed).await?;
                anew.sealed = anew.sealed.saturating_add(done);
                anew.left = anew.left.saturating_add(asked.saturating_sub(done));
            }
            progress(anew);
        }
    }

    /// Seals one record under the newest data key, at the same revision; `None` if it does not open.
    fn sealed_anew(
        &self,
        keyring: &Keyring,
        identifier: &UniqueIdentifier,
        stored: &Stored<Record>,
    ) -> Result<Option<Resealed>, StoreError> {
        let Record { columns, terms, sealed, .. } = stored.value.as_ref();
        let place = self.place(identifier, stored.revision, columns, terms);
        let context = context(identifier);
        let opens = |key: &Material| self.cipher.open(key, &context, &place, &sealed.bytes);
        let Some(plain) = keyring.key(sealed.key).and_then(opens) else {
            return Ok(None);
        };
        let (key, data_key) = keyring.newest();
        let bytes = self.cipher.seal(data_key, &context, &place, plain.expose())?;
        Ok(Some(Resealed {
            identifier: identifier.clone(),
            revision: stored.revision,
            sealed: Sealed { key, bytes },
            state: columns.state,
            next_change_at: columns.next_change_at,
        }))
    }

    /// Reads which data keys there are, whether the root key opens them, and how much is under each.
    ///
    /// # Errors
    /// Says that the store or the root key is not to be had.
    pub async fn inspect_keys(&self) -> Result<KeyRing, SealedError> {
        // Counted first: what another server seals meanwhile may be under a new data key.
        let counts = self.data_keys.count_records().await?;
        let mut counts: BTreeMap<u32, u64> = counts.into_iter().collect();
        let wrapped = self.data_keys.load_keys().await?;
        let mut keys = Vec::new();
        for WrappedKey { number, wrapped } in wrapped {
            let mut opens = false;
            for root_key in self.root_keys() {
                match keyring::unwrap(&*root_key, number, &wrapped).await {
                    Ok(_) => opens = true,
                    Err(SealedError::WrongRootKey { .. }) => continue,
                    Err(error) => return Err(error),
                }
                break;
            }
            keys.push(KeyUse { number, records: counts.remove(&number).unwrap_or(0), opens });
        }
        Ok(KeyRing { keys, homeless: counts.values().copied().fold(0, u64::saturating_add) })
    }
}

/// Wraps every data key under a root key, and sees that it opens them again.
async fn wrap_all(keyring: &Keyring, new: &dyn RootKey) -> Result<Vec<WrappedKey>, SealedError> {
    let mut all = Vec::new();
    for (number, key) in keyring.keys() {
        let wrapped = keyring::wrap(new, number, key).await.map_err(SealedError::NewRootKey)?;
        match keyring::unwrap(new, number, &wrapped.wrapped).await {
            Ok(again) if again == *key => all.push(wrapped),
            Ok(_) | Err(SealedError::WrongRootKey { .. }) => {
                return Err(SealedError::NewRootKeyForgets);
            }
            Err(SealedError::RootKey(error)) => return Err(SealedError::NewRootKey(error)),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
