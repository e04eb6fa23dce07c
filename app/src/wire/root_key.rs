//! The root key: a file, a systemd credential, or, for a store in memory, none that lasts.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kmip_host::FileRootKey;
use kmip_ports::{record::AtRestCipher, root_key::RootKey};

use crate::{config, report::Report};

/// Finds the file of the root key.
pub(crate) fn path(root_key: &config::RootKey) -> Result<Option<PathBuf>, Report> {
    let Some(file) = &root_key.file else { return Ok(None) };
    let Some(name) = file.strip_prefix("credential:") else { return Ok(Some(file.into())) };
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        Report::new(format!(
            "root_key.file is {file:?}, but systemd gave no credentials; see LoadCredential="
        ))
    })?;
    Ok(Some(Path::new(&directory).join(name)))
}

/// Loads the root key.
pub(crate) fn load(path: &Path, cipher: Arc<dyn AtRestCipher>) -> Result<Arc<dyn RootKey>, Report> {
    Ok(Arc::new(FileRootKey::load(path, cipher)?))
}

/// Makes the root key, once.
pub(crate) fn create(
    path: &Path,
    cipher: Arc<dyn AtRestCipher>,
) -> Result<Arc<dyn RootKey>, Report> {
    Ok(Arc::new(FileRootKey::create(path, cipher)?))
}

/// Makes a root key that is gone with the process, as a store in memory is.
#[cfg(feature = "store-sqlite")]
pub(crate) fn ephemeral(cipher: Arc<dyn AtRestCipher>) -> Result<Arc<dyn RootKey>, Report> {
    Ok(Arc::new(FileRootKey::ephemeral(cipher)?))
}
