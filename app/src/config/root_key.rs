//! Settings of the root key: where it comes from, and what comes after it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The key that seals the store. Exactly one of the sources is named.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RootKey {
    /// The file that holds it, mode 0600. `credential:NAME` takes it from systemd.
    pub file: Option<String>,
    /// The environment variable that holds it, as text of a root key file or 64 hexadecimal digits.
    pub env: Option<String>,
    /// The file descriptor that it is read from, the same text.
    pub fd: Option<u32>,
    /// The file that holds a passphrase, mode 0600. `credential:NAME` takes it from systemd.
    pub passphrase_file: Option<String>,
    /// The environment variable that holds a passphrase.
    pub passphrase_env: Option<String>,
    /// What it costs to try a passphrase.
    pub passphrase_cost: PassphraseCost,
    /// A key in a PKCS#11 token.
    pub pkcs11: Option<Pkcs11>,
    /// The root key that `kmip-app root-key rotate` changes to; a root key in a file needs none.
    pub next: Option<Box<RootKey>>,
}

/// What it costs to try a passphrase. What was wrapped at another cost still opens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// How often all of it is gone over.
    pub passes: u32,
    /// In how many lanes.
    pub lanes: u32,
}

impl Default for PassphraseCost {
    fn default() -> Self {
        let kmip_host::Cost { memory_kib, passes, lanes } = kmip_host::Cost::default();
        Self { memory_kib, passes, lanes }
    }
}

/// A key in a PKCS#11 token.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pkcs11 {
    /// The library that speaks to the token.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The number of the token's slot, if it is not named by its label.
    pub slot: Option<u64>,
    /// The key's label.
    pub key: String,
    /// The file that holds the PIN, mode 0600. Without one the token asks for the PIN itself.
    pub pin_file: Option<String>,
    /// The environment variable that holds the PIN.
    pub pin_env: Option<String>,
}

impl RootKey {
    /// Makes relative paths relative to the configuration file.
    pub(super) fn resolve_paths(&mut self, directory: &Path) {
        let pin = self.pkcs11.as_mut().map(|pkcs11| &mut pkcs11.pin_file);
        let files = [Some(&mut self.file), Some(&mut self.passphrase_file), pin];
        for file in files.into_iter().flatten().flatten() {
            if !file.starts_with("credential:") {
                *file = directory.join(&*file).display().to_string();
            }
        }
        if let Some(next) = &mut self.next {
            next.resolve_paths(directory);
        }
    }
}
