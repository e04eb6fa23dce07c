//! The store: SQLite, sealed under a root key.
//!
//! A lost mount must not look like an empty server: a store that is missing although its root key
//! or its directory is there is made only if the operator says so.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kmip_host::secret_file;
use kmip_ports::root_key::RootKey;
use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
use kmip_sql::{Location, Options, SqliteRecords};
use kmip_ttlv::StoredForm;

use super::{crypto, root_key};
use crate::{
    config::{Config, Reads},
    report::Report,
};

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// In memory.
    Memory,
    /// In a SQLite file.
    File(PathBuf),
}

/// Whether a store may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// Only a root key and a store that both do not exist yet.
    First,
    /// Also a store whose root key exists.
    Asked,
}

/// An open store.
pub(crate) struct Storage {
    /// What the domain sees.
    pub(crate) store: Arc<SealedStore>,
    /// What must be closed in the end.
    records: Arc<SqliteRecords>,
}

impl Url {
    /// Reads `storage.url`.
    pub(crate) fn parse(url: &str) -> Result<Self, Report> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Err(super::missing("storage.url = \"postgres:…\"", "store-postgres"));
        }
        match Location::parse(url) {
            Ok(Location::Memory) => Ok(Self::Memory),
            Ok(Location::File(path)) => Ok(Self::File(path)),
            Err(error) => Err(Report::new(format!("storage.url {url:?}: {error}"))),
        }
    }
}

impl Storage {
    /// Opens the configured store.
    pub(crate) async fn open(config: &Config, creation: Creation) -> Result<Self, Report> {
        match Url::parse(&config.storage.url)? {
            Url::Memory => {
                let root_key = root_key::ephemeral(crypto::at_rest())?;
                Self::start(config, Location::Memory, true, &*root_key).await
            }
            Url::File(path) => {
                let key_path = root_key::path(&config.root_key)?.ok_or_else(|| {
                    Report::new("root_key.file is not set; a store in a file needs a root key")
                })?;
                let plan = Plan::of(&path, &key_path, creation)?;
                if !config.development && beside(&path, &key_path) {
                    tracing::warn!(
                        root_key = %key_path.display(),
                        "the root key lies beside the store it seals; keep it elsewhere"
                    );
                }
                if plan.make_store {
                    make_directories(&path, &key_path)?;
                    if !config.development {
                        tracing::warn!(store = %path.display(), "a new, empty store is made");
                    }
                }
                let cipher = crypto::at_rest();
                let root_key = if plan.make_key {
                    root_key::create(&key_path, cipher)?
                } else {
                    root_key::load(&key_path, cipher)?
                };
                Self::start(config, Location::File(path), plan.make_store, &*root_key).await
            }
        }
    }

    async fn start(
        config: &Config,
        location: Location,
        create: bool,
        root_key: &dyn RootKey,
    ) -> Result<Self, Report> {
        let cache_bytes = config.storage.cache_bytes;
        let options = Options { create, cache_bytes, ..Options::new(location) };
        let records = Arc::new(SqliteRecords::open(&options).await?);
        let when_empty = if create { WhenEmpty::Create } else { WhenEmpty::Refuse };
        let opening =
            Opening { when_empty, node: config.node.name.clone(), audit_reads: reads(config) };
        let store = SealedStore::open(
            Backing::of(&records),
            crypto::at_rest(),
            root_key,
            Arc::new(StoredForm),
            opening,
        )
        .await?;
        Ok(Self { store: Arc::new(store), records })
    }

    /// Writes what waits to be written and lets go of the store.
    pub(crate) async fn close(&self) {
        self.records.close().await;
    }
}

/// Says what becomes of events that belong to no change.
fn reads(config: &Config) -> AuditReads {
    match config.audit.reads {
        Reads::Queued => AuditReads::Queued,
        Reads::Durable => AuditReads::Durable,
        Reads::Off => AuditReads::Off,
    }
}

/// What has to be made before the store can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    make_key: bool,
    make_store: bool,
}

impl Plan {
    fn of(store: &Path, key: &Path, creation: Creation) -> Result<Self, Report> {
        match (store.exists(), key.exists()) {
            (true, true) => Ok(Self { make_key: false, make_store: false }),
            (true, false) => Err(Report::new(format!(
                "the store {} is there, but its root key {} is not; bring the root key back",
                store.display(),
                key.display()
            ))),
            (false, have_key) => {
                let in_use = have_key || directory_is_in_use(store);
                if creation == Creation::Asked || !in_use {
                    return Ok(Self { make_key: !have_key, make_store: true });
                }
                Err(Report::new(format!(
                    "the store {} is missing, although {} is there; if it is not on a disk that \
                     is not mounted, and you want an empty one, say --create-store",
                    store.display(),
                    if have_key { key.display() } else { directory_of(store).display() }
                )))
            }
        }
    }
}

/// Makes the directories of a new store and its root key, as far as they are missing.
fn make_directories(store: &Path, key: &Path) -> Result<(), Report> {
    for directory in [directory_of(store), directory_of(key)] {
        if !directory.exists() {
            secret_file::create_directory(directory)?;
        }
    }
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Says whether something is in the directory already, so that the store was meant to be, too.
fn directory_is_in_use(store: &Path) -> bool {
    std::fs::read_dir(directory_of(store)).is_ok_and(|mut entries| entries.next().is_some())
}

fn beside(store: &Path, key: &Path) -> bool {
    let resolved = |path: &Path| std::fs::canonicalize(directory_of(path)).ok();
    resolved(store).is_some() && resolved(store) == resolved(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(store: bool, key: bool, creation: Creation) -> Result<(bool, bool), ()> {
        let data = tempfile::tempdir().unwrap();
        let keys = tempfile::tempdir().unwrap();
        let (store_path, key_path) = (data.path().join("a.db"), keys.path().join("root.key"));
        for (wanted, path) in [(store, &store_path), (key, &key_path)] {
            if wanted {
                std::fs::write(path, "x").unwrap();
            }
        }
        Plan::of(&store_path, &key_path, creation)
            .map(|plan| (plan.make_key, plan.make_store))
            .map_err(|_| ())
    }

    #[test]
    fn a_lost_store_is_not_replaced_by_an_empty_one() {
        for (store, key, creation, expected) in [
            (true, true, Creation::First, Ok((false, false))),
            (true, false, Creation::First, Err(())),
            (true, false, Creation::Asked, Err(())),
            (false, true, Creation::First, Err(())),
            (false, true, Creation::Asked, Ok((false, true))),
            (false, false, Creation::First, Ok((true, true))),
        ] {
            assert_eq!(plan(store, key, creation), expected, "{store} {key} {creation:?}");
        }
    }

    #[test]
    fn a_directory_in_use_without_its_store_is_refused() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("kmip-app.db.lock"), "").unwrap();
        let (store, key) = (data.path().join("kmip-app.db"), data.path().join("root.key"));
        assert!(Plan::of(&store, &key, Creation::First).is_err());
        assert!(Plan::of(&store, &key, Creation::Asked).is_ok());
    }

    #[test]
    fn another_database_names_its_feature() {
        let error = Url::parse("postgres://a/b").unwrap_err().to_string();
        assert!(error.contains("store-postgres"), "{error}");
    }
}
