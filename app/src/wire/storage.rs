//! The store: SQLite or PostgreSQL, sealed under a root key.
//!
//! A lost mount must not look like an empty server: a store that is missing although its root key
//! or its directory is there is made only if the operator says so.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kmip_host::secret_file;
#[cfg(feature = "store-postgres")]
use kmip_ports::record::DataKeys as _;
use kmip_ports::{observe::StoreGauge, root_key::RootKey};
use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
#[cfg(feature = "store-sqlite")]
use kmip_sql::{Location, Options, SqliteRecords};
#[cfg(feature = "store-postgres")]
use kmip_sql::{PostgresOpenError, PostgresOptions, PostgresRecords};
use kmip_ttlv::StoredForm;

use super::{
    crypto,
    root_key::{self, Candidates, Role, Source},
};
use crate::{
    config::{Config, Reads},
    report::Report,
};

/// Where the store is.
#[derive(Clone, Debug)]
pub(crate) enum Url {
    /// In memory.
    #[cfg(feature = "store-sqlite")]
    Memory,
    /// In a SQLite file.
    #[cfg(feature = "store-sqlite")]
    File(PathBuf),
    /// In a PostgreSQL database.
    #[cfg(feature = "store-postgres")]
    Postgres(Box<PostgresOptions>),
}

/// Whether a store may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// Only a root key and a store that both do not exist yet.
    First,
    /// Also a store whose root key exists.
    Asked,
    /// None: whoever comes wants what is there.
    Never,
}

/// An open store; every clone is the same.
#[derive(Clone)]
pub(crate) struct Storage {
    /// What the domain sees.
    pub(crate) store: Arc<SealedStore>,
    /// Where the root key comes from; `None` for a store in memory.
    pub(crate) root_key: Option<Source>,
    /// What must be closed in the end.
    database: Database,
}

/// Why a store can write no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFailure {
    /// A commit has failed, and nobody knows what is on the disk.
    #[cfg(feature = "store-sqlite")]
    Disk,
    /// Another program has changed the schema under this one.
    #[cfg(feature = "store-postgres")]
    OtherSchema,
}

impl StoreFailure {
    /// Says in a few words what has happened.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            #[cfg(feature = "store-sqlite")]
            Self::Disk => "a change could not be put on disk",
            #[cfg(feature = "store-postgres")]
            Self::OtherSchema => "the database has a schema that this program may not write in",
        }
    }

    /// Says what has happened, and what to do.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            #[cfg(feature = "store-sqlite")]
            Self::Disk => {
                "the store could not be written, and nothing was acknowledged after that; see the \
                 log for the reason, check the disk, and start again: what was acknowledged is there"
            }
            #[cfg(feature = "store-postgres")]
            Self::OtherSchema => {
                "another program has changed the schema of the database, and nothing was \
                 acknowledged after that: start the program that did it, or a later one; what was \
                 acknowledged is there"
            }
        }
    }
}

/// An open database.
#[derive(Clone)]
pub(super) enum Database {
    #[cfg(feature = "store-sqlite")]
    Sqlite(Arc<SqliteRecords>),
    #[cfg(feature = "store-postgres")]
    Postgres(Arc<PostgresRecords>),
}

impl Url {
    /// Reads `storage.url`.
    pub(crate) fn parse(url: &str) -> Result<Self, Report> {
        if ["postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            Self::of_postgres(url)
        } else {
            Self::of_sqlite(url)
        }
    }

    #[cfg(feature = "store-postgres")]
    fn of_postgres(url: &str) -> Result<Self, Report> {
        // There may be a password in it.
        let unusable = |error| Report::new(format!("storage.url: {error}"));
        PostgresOptions::parse(url).map(Box::new).map(Self::Postgres).map_err(unusable)
    }

    #[cfg(not(feature = "store-postgres"))]
    fn of_postgres(_: &str) -> Result<Self, Report> {
        Err(super::missing("storage.url = \"postgres:…\"", "store-postgres"))
    }

    #[cfg(feature = "store-sqlite")]
    fn of_sqlite(url: &str) -> Result<Self, Report> {
        match Location::parse(url) {
            Ok(Location::Memory) => Ok(Self::Memory),
            Ok(Location::File(path)) => Ok(Self::File(path)),
            Err(error) => Err(Report::new(format!("storage.url {url:?}: {error}"))),
        }
    }

    #[cfg(not(feature = "store-sqlite"))]
    fn of_sqlite(_: &str) -> Result<Self, Report> {
        Err(super::missing("storage.url = \"sqlite:…\"", "store-sqlite"))
    }

    /// Returns the file that the store is in, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            #[cfg(feature = "store-sqlite")]
            Self::File(path) => Some(path),
            #[cfg(feature = "store-sqlite")]
            Self::Memory => None,
            #[cfg(feature = "store-postgres")]
            Self::Postgres(_) => None,
        }
    }

    /// Says whether the store is gone with the process.
    pub(crate) fn is_memory(&self) -> bool {
        match self {
            #[cfg(feature = "store-sqlite")]
            Self::Memory => true,
            #[cfg(feature = "store-sqlite")]
            Self::File(_) => false,
            #[cfg(feature = "store-postgres")]
            Self::Postgres(_) => false,
        }
    }
}

impl Storage {
    /// Opens the configured store.
    pub(crate) async fn open(config: &Config, creation: Creation) -> Result<Self, Report> {
        match Url::parse(&config.storage.url)? {
            #[cfg(feature = "store-sqlite")]
            Url::Memory => {
                let root_key = root_key::ephemeral(crypto::at_rest())?;
                let options = Options { create: true, ..Options::new(Location::Memory) };
                Self::start_sqlite(config, options, root_key).await
            }
            #[cfg(feature = "store-sqlite")]
            Url::File(path) => Self::open_file(config, path, creation).await,
            #[cfg(feature = "store-postgres")]
            Url::Postgres(options) => Self::open_postgres(config, *options, creation).await,
        }
    }

    #[cfg(feature = "store-sqlite")]
    async fn open_file(config: &Config, path: PathBuf, creation: Creation) -> Result<Self, Report> {
        let source = source(config)?;
        let plan = Plan::of(&path, &source, creation)?;
        if let Some(key_path) = source.file()
            && !config.development
            && beside(&path, key_path)
        {
            tracing::warn!(
                root_key = %key_path.display(),
                "the root key lies beside the store it seals; keep it elsewhere"
            );
        }
        if plan.make_store {
            make_directories([Some(path.as_path()), source.file()])?;
            if !config.development {
                tracing::warn!(store = %path.display(), "a new, empty store is made");
            }
        }
        let candidates = plan.candidates(config, &source)?;
        let create = plan.make_store;
        let options = Options { create, ..Options::new(Location::File(path)) };
        let root_key = Arc::clone(&candidates) as Arc<_>;
        let opened = Self::start_sqlite(config, options, root_key).await?;
        Ok(opened.under(source, &candidates))
    }

    #[cfg(feature = "store-sqlite")]
    async fn start_sqlite(
        config: &Config,
        options: Options,
        root_key: Arc<dyn RootKey>,
    ) -> Result<Self, Report> {
        let options = Options { cache_bytes: config.storage.cache_bytes, ..options };
        let records = Arc::new(SqliteRecords::open(&options).await?);
        let backing = Backing::of(&records);
        Self::start(config, backing, Database::Sqlite(records), options.create, root_key).await
    }

    #[cfg(feature = "store-postgres")]
    async fn open_postgres(
        config: &Config,
        mut options: PostgresOptions,
        creation: Creation,
    ) -> Result<Self, Report> {
        let (source, place) = (source(config)?, options.place());
        options.cache_bytes = config.storage.cache_bytes;
        options.connections = config.storage.connections;
        // A database without tables next to a root key is one that was lost, or another one.
        options.create = match creation {
            Creation::First => source.missing().is_some(),
            Creation::Asked => true,
            Creation::Never => false,
        };
        let records = match PostgresRecords::open(&options).await {
            Err(PostgresOpenError::Missing { .. }) => return Err(lost(&place, &source)),
            opened => Arc::new(opened?),
        };
        let filled = !records.load_keys().await?.is_empty();
        let plan = Plan::of_database(&place, filled, &source, creation)?;
        if plan.make_store {
            make_directories([None, source.file()])?;
            if !config.development {
                tracing::warn!(store = %place, "a new, empty store is made");
            }
        }
        let candidates = plan.candidates(config, &source)?;
        let backing = Backing::of(&records);
        let database = Database::Postgres(records);
        let root_key = Arc::clone(&candidates) as Arc<_>;
        let opened = Self::start(config, backing, database, plan.make_store, root_key).await?;
        Ok(opened.under(source, &candidates))
    }

    async fn start(
        config: &Config,
        backing: Backing,
        database: Database,
        create: bool,
        root_key: Arc<dyn RootKey>,
    ) -> Result<Self, Report> {
        let when_empty = if create { WhenEmpty::Create } else { WhenEmpty::Refuse };
        let opening =
            Opening { when_empty, node: config.node.name.clone(), audit_reads: reads(config) };
        let encoding = Arc::new(StoredForm);
        let opened =
            SealedStore::open(backing, crypto::at_rest(), root_key, encoding, opening).await;
        match opened {
            Ok(store) => Ok(Self { store: Arc::new(store), root_key: None, database }),
            Err(error) => {
                // Whoever tries again at once finds the database free.
                database.close().await;
                Err(error.into())
            }
        }
    }

    /// Says under which root key the store was found, and ends a change of it that had not ended.
    fn under(mut self, source: Source, candidates: &Candidates) -> Self {
        match (candidates.role(), &source) {
            (Role::NewFile, Source::File(path)) => match root_key::swap(path) {
                Ok(old) => tracing::info!(
                    old = %old.display(),
                    "a change of the root key has ended: the new one is in its place"
                ),
                // The new one lies where it is found again.
                Err(error) => tracing::warn!(%error, "a change of the root key has not ended"),
            },
            (Role::Next, _) => tracing::warn!(
                "the store is under root_key.next: make that the root key in the configuration"
            ),
            _ => {}
        }
        self.root_key = Some(source);
        self
    }

    /// Seals anew, in the background, what an earlier change of the root key has left under older
    /// data keys. Only a store with several data keys can have such.
    pub(crate) fn go_on_sealing(&self) -> Option<tokio::task::JoinHandle<()>> {
        if self.store.data_key_count() < 2 {
            return None;
        }
        let store = Arc::clone(&self.store);
        Some(tokio::spawn(async move {
            match store.seal_anew(&mut |_| {}).await {
                Ok(anew) if anew.sealed > 0 || !anew.damaged.is_empty() => tracing::info!(
                    sealed = anew.sealed,
                    left = anew.left,
                    damaged = anew.damaged.len(),
                    "records were sealed anew under the newest data key"
                ),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "records could not be sealed anew"),
            }
        }))
    }

    /// Waits until the store can write no more; for ever, if that does not happen.
    pub(crate) async fn failed(&self) {
        match &self.database {
            #[cfg(feature = "store-sqlite")]
            Database::Sqlite(records) => records.failed().await,
            // What becomes of a commit there can be found out, and is.
            #[cfg(feature = "store-postgres")]
            Database::Postgres(records) => records.outdated().await,
        }
    }

    /// Says why the store can write no more, if it cannot.
    pub(crate) fn failure(&self) -> Option<StoreFailure> {
        match &self.database {
            #[cfg(feature = "store-sqlite")]
            Database::Sqlite(records) => records.has_failed().then_some(StoreFailure::Disk),
            #[cfg(feature = "store-postgres")]
            Database::Postgres(records) => {
                records.is_outdated().then_some(StoreFailure::OtherSchema)
            }
        }
    }

    /// Returns who tells the figures of the database.
    pub(crate) fn gauge(&self) -> Arc<dyn StoreGauge> {
        match &self.database {
            #[cfg(feature = "store-sqlite")]
            Database::Sqlite(records) => Arc::clone(records) as Arc<_>,
            #[cfg(feature = "store-postgres")]
            Database::Postgres(records) => Arc::clone(records) as Arc<_>,
        }
    }

    /// Returns the name that OpenTelemetry has for the database.
    pub(crate) fn database_name(&self) -> &'static str {
        match &self.database {
            #[cfg(feature = "store-sqlite")]
            Database::Sqlite(_) => "sqlite",
            #[cfg(feature = "store-postgres")]
            Database::Postgres(_) => "postgresql",
        }
    }

    /// Writes what waits to be written and lets go of the store.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

impl Database {
    /// Writes what waits to be written and lets go of the database.
    pub(super) async fn close(&self) {
        match self {
            #[cfg(feature = "store-sqlite")]
            Self::Sqlite(records) => records.close().await,
            #[cfg(feature = "store-postgres")]
            Self::Postgres(records) => records.close().await,
        }
    }
}

/// Finds the root key, without which there is no store that lasts.
fn source(config: &Config) -> Result<Source, Report> {
    Source::of(&config.root_key)?.ok_or_else(|| {
        Report::new(
            "root_key names no source, and a store that lasts needs a root key: set root_key.file, \
             for example",
        )
    })
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
    /// Decides for a database that is there, and holds something or nothing.
    #[cfg(feature = "store-postgres")]
    fn of_database(
        place: &str,
        filled: bool,
        source: &Source,
        creation: Creation,
    ) -> Result<Self, Report> {
        match (filled, source.missing()) {
            (true, None) => Ok(Self { make_key: false, make_store: false }),
            (true, Some(key)) => Err(Report::new(format!(
                "the database {place} holds a store, but its root key {} is not there; bring the \
                 root key, from the first server if there are several",
                key.display()
            ))),
            (false, _) if creation == Creation::Never => {
                Err(Report::new(format!("there is no store in {place}; correct storage.url")))
            }
            (false, None) if creation == Creation::First => Err(lost(place, source)),
            (false, missing) => Ok(Self { make_key: missing.is_some(), make_store: true }),
        }
    }

    /// Makes the root key if it is to be made, and reads it and what may have come after it.
    fn candidates(self, config: &Config, source: &Source) -> Result<Arc<Candidates>, Report> {
        if let Some(path) = source.file().filter(|_| self.make_key) {
            root_key::create(path, crypto::at_rest())?;
        }
        let candidates = Candidates::load(source, &config.root_key, crypto::at_rest())?;
        Ok(Arc::new(candidates))
    }

    #[cfg(feature = "store-sqlite")]
    fn of(store: &Path, source: &Source, creation: Creation) -> Result<Self, Report> {
        match (store.exists(), source.missing()) {
            (true, None) => Ok(Self { make_key: false, make_store: false }),
            (true, Some(key)) => Err(Report::new(format!(
                "the store {} is there, but its root key {} is not; bring the root key back",
                store.display(),
                key.display()
            ))),
            (false, _) if creation == Creation::Never => Err(Report::new(format!(
                "there is no store at {}; correct storage.url",
                store.display()
            ))),
            (false, missing) => {
                let in_use = missing.is_none() || directory_is_in_use(store);
                if creation == Creation::Asked || !in_use {
                    return Ok(Self { make_key: missing.is_some(), make_store: true });
                }
                let there = if missing.is_none() {
                    format!("its root key, {source},")
                } else {
                    directory_of(store).display().to_string()
                };
                Err(Report::new(format!(
                    "the store {} is missing, although {there} is there; if it is not on a disk that \
                     is not mounted, and you want an empty one, say --create-store",
                    store.display(),
                )))
            }
        }
    }
}

/// Says that an empty database is not what its root key is for.
#[cfg(feature = "store-postgres")]
fn lost(place: &str, source: &Source) -> Report {
    Report::new(format!(
        "the database {place} is empty, although its root key, {source}, is there; if it is the right \
         one, and you want an empty store in it, say --create-store"
    ))
}

/// Makes the directories of files that are made, as far as they are missing.
pub(super) fn make_directories(files: [Option<&Path>; 2]) -> Result<(), Report> {
    for directory in files.into_iter().flatten().map(directory_of) {
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
#[cfg(feature = "store-sqlite")]
fn directory_is_in_use(store: &Path) -> bool {
    std::fs::read_dir(directory_of(store)).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(feature = "store-sqlite")]
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
        Plan::of(&store_path, &Source::File(key_path), creation)
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
            (true, true, Creation::Never, Ok((false, false))),
            (false, true, Creation::Never, Err(())),
            (false, false, Creation::Never, Err(())),
        ] {
            assert_eq!(plan(store, key, creation), expected, "{store} {key} {creation:?}");
        }
    }

    #[test]
    fn a_directory_in_use_without_its_store_is_refused() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("kmip-app.db.lock"), "").unwrap();
        let (store, key) = (data.path().join("kmip-app.db"), data.path().join("root.key"));
        let source = Source::File(key);
        assert!(Plan::of(&store, &source, Creation::First).is_err());
        assert!(Plan::of(&store, &source, Creation::Asked).is_ok());
    }

    #[test]
    fn a_root_key_from_elsewhere_does_not_tell_a_first_start_from_a_lost_store() {
        let data = tempfile::tempdir().unwrap();
        let (store, source) = (data.path().join("kmip-app.db"), Source::Variable("ROOT".into()));
        let error = Plan::of(&store, &source, Creation::First).unwrap_err().to_string();
        let expected = "although its root key, in the environment variable ROOT, is there";
        assert!(error.contains(expected) && error.contains("--create-store"), "{error}");
        let plan = Plan::of(&store, &source, Creation::Asked).unwrap();
        assert_eq!(plan, Plan { make_key: false, make_store: true });
    }

    #[cfg(not(feature = "store-postgres"))]
    #[test]
    fn another_database_names_its_feature() {
        let error = Url::parse("postgres://a/b").unwrap_err().to_string();
        assert!(error.contains("store-postgres"), "{error}");
    }

    #[cfg(feature = "store-postgres")]
    #[test]
    fn an_unprotected_database_is_refused_without_its_password() {
        let url = "postgres://kmip:hunter2@db.example/kmip?sslmode=disable";
        let error = Url::parse(url).unwrap_err().to_string();
        assert!(error.contains("sslmode") && !error.contains("hunter2"), "{error}");
    }

    #[cfg(feature = "store-postgres")]
    #[test]
    fn a_lost_database_is_not_replaced_by_an_empty_one() {
        let keys = tempfile::tempdir().unwrap();
        let (there, missing) = (keys.path().join("root.key"), keys.path().join("none.key"));
        std::fs::write(&there, "x").unwrap();
        for (filled, key, creation, expected) in [
            (true, &there, Creation::First, Ok((false, false))),
            (true, &missing, Creation::First, Err(())),
            (true, &missing, Creation::Asked, Err(())),
            (false, &there, Creation::First, Err(())),
            (false, &there, Creation::Asked, Ok((false, true))),
            (false, &missing, Creation::First, Ok((true, true))),
            (true, &there, Creation::Never, Ok((false, false))),
            (false, &there, Creation::Never, Err(())),
            (false, &missing, Creation::Never, Err(())),
        ] {
            let plan = Plan::of_database("db", filled, &Source::File(key.clone()), creation);
            let plan = plan.map(|plan| (plan.make_key, plan.make_store)).map_err(|_| ());
            assert_eq!(plan, expected, "{filled} {key:?} {creation:?}");
        }
    }
}
