//! The database that a backup is restored into: one that is made, or one that is empty.

use std::sync::Arc;
#[cfg(feature = "store-sqlite")]
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use kmip_ports::root_key::RootKey;
use kmip_sealed::Backing;
#[cfg(feature = "store-postgres")]
use kmip_sql::PostgresRecords;
#[cfg(feature = "store-sqlite")]
use kmip_sql::{Location, Options, SqliteRecords};

use super::{
    crypto,
    root_key::{Candidates, Source},
    storage::{Database, Url},
};
use crate::{config::Config, report::Report};

/// An open database that nothing is in, with the root key of what will be.
pub(crate) struct Target {
    /// The database.
    pub(crate) backing: Backing,
    /// The root key.
    pub(crate) root_key: Arc<dyn RootKey>,
    database: Database,
    /// What messages call it.
    place: String,
    /// The file that is removed in the end: it was made here, and nothing has come of it.
    #[cfg(feature = "store-sqlite")]
    fleeting: Option<PathBuf>,
}

impl Target {
    /// Loads the configured root key.
    pub(crate) fn root_key(config: &Config) -> Result<Arc<dyn RootKey>, Report> {
        let source = Source::of(&config.root_key)?.ok_or_else(|| {
            Report::new("root_key names no source; a backup opens with the root key of its store")
        })?;
        Ok(Arc::new(Candidates::load(&source, &config.root_key, crypto::at_rest())?))
    }

    /// Opens the configured database, or makes it.
    pub(crate) async fn open(config: &Config) -> Result<Self, Report> {
        let url = Url::parse(&config.storage.url)?;
        if url.is_memory() {
            return Err(Report::new("the store is in memory, and would be gone after the restore"));
        }
        let root_key = Self::root_key(config)?;
        match url {
            #[cfg(feature = "store-sqlite")]
            Url::Memory => Err(Report::new("the store is in memory")),
            #[cfg(feature = "store-sqlite")]
            Url::File(path) => {
                let create = !path.exists();
                if create {
                    super::storage::make_directories([Some(path.as_path()), None])?;
                }
                let options = Options { create, ..Options::new(Location::File(path.clone())) };
                let records = Arc::new(SqliteRecords::open(&options).await?);
                if create {
                    give(&path)?;
                }
                Ok(Self {
                    backing: Backing::of(&records),
                    root_key,
                    database: Database::Sqlite(records),
                    place: path.display().to_string(),
                    fleeting: create.then_some(path),
                })
            }
            #[cfg(feature = "store-postgres")]
            Url::Postgres(mut options) => {
                options.create = true;
                options.connections = config.storage.connections;
                let place = options.place();
                let records = Arc::new(PostgresRecords::open(&options).await?);
                Ok(Self {
                    backing: Backing::of(&records),
                    root_key,
                    database: Database::Postgres(records),
                    place,
                    #[cfg(feature = "store-sqlite")]
                    fleeting: None,
                })
            }
        }
    }

    /// Refuses a database with something in it.
    pub(crate) async fn refuse_unless_empty(&self) -> Result<(), Report> {
        let mut snapshot = self.backing.maintenance.snapshot().await?;
        let place = &self.place;
        if !snapshot.keys().await?.is_empty() {
            return Err(Report::new(format!(
                "{place} is a store already, and a restore overwrites nothing; move it away, or \
                 restore into another place"
            )));
        }
        if !snapshot.records(1).await?.is_empty() || !snapshot.blocks(1).await?.is_empty() {
            return Err(Report::new(format!(
                "{place} is what a restore that was interrupted left behind; remove it and try again"
            )));
        }
        Ok(())
    }

    /// Leaves the database where it is.
    pub(crate) fn keep(&mut self) {
        #[cfg(feature = "store-sqlite")]
        {
            self.fleeting = None;
        }
    }

    /// Lets go of the database, and removes it if it is not to be kept.
    pub(crate) async fn close(self) {
        self.database.close().await;
        #[cfg(feature = "store-sqlite")]
        if let Some(path) = self.fleeting {
            for suffix in ["", "-wal", "-shm"] {
                // What was never made cannot be removed.
                let _ = fs::remove_file(with_suffix(&path, suffix));
            }
        }
    }
}

/// Gives a new database to the owner of its directory: root may restore it, another may serve it.
#[cfg(feature = "store-sqlite")]
fn give(path: &Path) -> Result<(), Report> {
    let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    let owner = fs::metadata(directory)?;
    for suffix in ["", ".lock"] {
        let file = with_suffix(path, suffix);
        if fs::metadata(&file)?.uid() != owner.uid() {
            chown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

#[cfg(feature = "store-sqlite")]
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
