//! Which of several root keys is the right one: the usual one, or the one that it was changed to.
//!
//! A change of the root key may have ended between the store and the file, and another server on the
//! same database may change it while this one runs. So a data key that does not open is tried with the
//! next root key, and, if root keys are in files, with what is in the files now.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::{
    record::AtRestCipher,
    root_key::{RootKey, RootKeyError},
};

use super::{Source, load, new_beside};
use crate::{config, report::Report};

/// What a root key is in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that is named.
    Current,
    /// The one in the file beside it, which takes its place.
    NewFile,
    /// The one that is named as the next.
    Next,
}

type Candidate = (Role, Arc<dyn RootKey>);

/// Root keys of which one is right.
pub(crate) struct Candidates {
    /// The right one comes first, once something was opened.
    list: RwLock<Vec<Candidate>>,
    /// The file of the root key, if it is in one that is ours.
    file: Option<PathBuf>,
    cipher: Arc<dyn AtRestCipher>,
}

impl Candidates {
    /// Reads the root key, and what may have come after it.
    pub(crate) fn load(
        source: &Source,
        section: &config::RootKey,
        cipher: Arc<dyn AtRestCipher>,
    ) -> Result<Self, Report> {
        let mut list = vec![(Role::Current, source.load(Arc::clone(&cipher))?)];
        let file = match source {
            Source::File(path) => Some(path.clone()),
            _ => None,
        };
        if let Some(new) = file.as_deref().map(new_beside).filter(|new| new.exists()) {
            match load(&new, Arc::clone(&cipher)) {
                Ok(root_key) => list.push((Role::NewFile, root_key)),
                // It was never used: what is used was read back first.
                Err(error) => tracing::warn!(%error, "the new root key cannot be read"),
            }
        }
        if let Some(next) = &section.next {
            match Source::of(next)?.map(|next| next.load(Arc::clone(&cipher))) {
                Some(Ok(root_key)) => list.push((Role::Next, root_key)),
                // Until the root key is changed nothing needs it.
                Some(Err(error)) => tracing::warn!(%error, "root_key.next cannot be read"),
                None => {}
            }
        }
        Ok(Self { list: RwLock::new(list), file, cipher })
    }

    /// Returns what the root key is that opened the last data key.
    pub(crate) fn role(&self) -> Role {
        self.list().first().map_or(Role::Current, |(role, _)| *role)
    }

    fn list(&self) -> Vec<Candidate> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again: what is in them may be newer.
    fn reread(&self) -> Vec<Candidate> {
        let Some(file) = &self.file else { return Vec::new() };
        let files = [(Role::NewFile, new_beside(file)), (Role::Current, file.clone())];
        let read = |(role, path): (Role, PathBuf)| {
            load(&path, Arc::clone(&self.cipher)).ok().map(|root_key| (role, root_key))
        };
        files.into_iter().filter_map(read).collect()
    }

    /// Remembers which one is right.
    fn prefer(&self, right: &Candidate) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        if list.first().is_some_and(|(_, first)| Arc::ptr_eq(first, &right.1)) {
            return;
        }
        list.retain(|(_, root_key)| !Arc::ptr_eq(root_key, &right.1));
        list.insert(0, right.clone());
    }
}

#[async_trait]
impl RootKey for Candidates {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        let list = self.list();
        let (_, first) = list.first().ok_or(RootKeyError::WrongKey)?;
        first.wrap(context, data_key).await
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        // The files are read only if nothing else opens.
        for candidates in [Self::list, Self::reread] {
            for candidate in candidates(self) {
                match candidate.1.unwrap(context, wrapped).await {
                    Err(RootKeyError::WrongKey) => {}
                    Ok(data_key) => {
                        self.prefer(&candidate);
                        return Ok(data_key);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Err(RootKeyError::WrongKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{crypto, root_key};

    fn unwrap(candidates: &Candidates, wrapped: &[u8]) -> Result<Material, RootKeyError> {
        pollster::block_on(candidates.unwrap(b"context", wrapped))
    }

    fn wrap(root_key: &dyn RootKey) -> Vec<u8> {
        pollster::block_on(root_key.wrap(b"context", &Material::new(vec![1; 32]))).unwrap()
    }

    #[test]
    fn what_is_in_the_files_now_opens_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        let old = root_key::create(&path, crypto::at_rest()).unwrap();
        let source = Source::File(path.clone());
        let section = config::RootKey::default();
        let candidates = Candidates::load(&source, &section, crypto::at_rest()).unwrap();
        assert!(unwrap(&candidates, &wrap(&*old)).is_ok());
        assert_eq!(candidates.role(), Role::Current);
        // Another server has made a new one, and put it beside.
        let new = root_key::create(&new_beside(&path), crypto::at_rest()).unwrap();
        let by_new = wrap(&*new);
        assert!(unwrap(&candidates, &by_new).is_ok());
        assert_eq!(candidates.role(), Role::NewFile);
        // From then on it is the one that wraps; the old one still opens what it wrapped.
        assert!(unwrap(&candidates, &wrap(&candidates)).is_ok());
        assert_eq!(candidates.role(), Role::NewFile);
        let stranger = root_key::ephemeral(crypto::at_rest()).unwrap();
        assert_eq!(unwrap(&candidates, &wrap(&*stranger)), Err(RootKeyError::WrongKey));
    }

    #[test]
    fn a_new_root_key_that_was_cut_short_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        root_key::create(&path, crypto::at_rest()).unwrap();
        std::fs::write(new_beside(&path), "kmip-app root key v1\n00").unwrap();
        let source = Source::File(path);
        let loaded = Candidates::load(&source, &config::RootKey::default(), crypto::at_rest());
        assert_eq!(loaded.unwrap().list().len(), 1);
    }
}
