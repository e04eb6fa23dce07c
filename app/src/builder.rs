//! A server from settings in code, in the terms of PyKMIP's server.
//!
//! The same settings come from PyKMIP's configuration file and its command line; what is set here
//! or there stands above the file. What PyKMIP has no setting for is set by
//! [`Builder::change`], in the terms of our own [`Config`].

use std::{fmt, path::PathBuf};

use crate::{
    config::Config,
    pykmip::{
        self,
        config::{Note, Surroundings, Translated},
        database,
        settings::{AuthSuite, Given, LoggingLevel},
    },
    report::Report,
    server::Server,
    wire::storage,
};

/// Collects settings and starts a server from them.
///
/// ```no_run
/// # async fn example() -> Result<(), kmip_app::Report> {
/// use kmip_app::{AuthSuite, Server};
///
/// let server = Server::builder()
///     .hostname("localhost")
///     .port(5696)
///     .certificate_path("/etc/pykmip/server.crt")
///     .key_path("/etc/pykmip/server.key")
///     .ca_path("/etc/pykmip/ca.crt")
///     .auth_suite(AuthSuite::Tls12)
///     .database_path("/var/lib/pykmip/pykmip.db")
///     .start()
///     .await?;
/// let shutdown = server.shutdown();
/// // shutdown.begin(), from wherever it is to end, ends it:
/// server.serve().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "nothing happens until it is started"]
pub struct Builder {
    file: Option<ConfigFile>,
    given: Given,
    settings: Vec<String>,
    changes: Vec<Change>,
    create_store: bool,
}

/// A configuration file of PyKMIP's.
enum ConfigFile {
    Required(PathBuf),
    IfThere(PathBuf),
}

type Change = Box<dyn FnOnce(&mut Config) + Send>;

/// A configuration, and what should be known about it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// What should be known about it.
    pub notes: Vec<Note>,
    /// PyKMIP's database, which a server does not start beside without its objects.
    database: Option<PathBuf>,
}

impl Builder {
    /// Reads PyKMIP's configuration file, which must be there.
    pub fn config_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(ConfigFile::Required(path.into()));
        self
    }

    /// Reads PyKMIP's configuration file if there is one.
    pub fn config_path_if_there(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(ConfigFile::IfThere(path.into()));
        self
    }

    /// Sets the host name or address to listen on.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.given.hostname = Some(hostname.into());
        self
    }

    /// Sets the port to listen on; 0 leaves the choice to the system.
    pub fn port(mut self, port: u16) -> Self {
        self.given.port = Some(port);
        self
    }

    /// Sets the file of the server's certificate chain, PEM.
    pub fn certificate_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.certificate_path = Some(path.into());
        self
    }

    /// Sets the file of the server's private key, PEM.
    pub fn key_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.key_path = Some(path.into());
        self
    }

    /// Sets the file of the authorities that clients' certificates must come from, PEM.
    pub fn ca_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.ca_path = Some(path.into());
        self
    }

    /// Sets the versions and suites of TLS.
    pub fn auth_suite(mut self, auth_suite: AuthSuite) -> Self {
        self.given.auth_suite = Some(auth_suite);
        self
    }

    /// Sets where operation policies are.
    pub fn policy_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.policy_path = Some(path.into());
        self
    }

    /// Says whether clients' certificates must carry the extended key usage clientAuth.
    pub fn enable_tls_client_auth(mut self, enable: bool) -> Self {
        self.given.enable_tls_client_auth = Some(enable);
        self
    }

    /// Sets the cipher suites, by IANA's or OpenSSL's names.
    pub fn tls_cipher_suites<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.given.tls_cipher_suites = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how much is logged, once [`Logging`](crate::Logging) starts from the configuration.
    pub fn logging_level(mut self, level: LoggingLevel) -> Self {
        self.given.logging_level = Some(level);
        self
    }

    /// Sets the log file, for once [`Logging`](crate::Logging) starts from the configuration.
    pub fn log_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.log_path = Some(path.into());
        self
    }

    /// Sets where PyKMIP's database is or would be; the store lies beside it.
    pub fn database_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.database_path = Some(path.into());
        self
    }

    /// Takes settings that were given in another way; those set before this stand above them.
    pub(crate) fn given(mut self, given: Given) -> Self {
        self.given = self.given.above(given);
        self
    }

    /// Sets one key of our own configuration, as in `limits.connections=10`.
    pub fn set(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// Changes the configuration after everything else has been set.
    pub fn change(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Makes the store if it is missing, even though its root key or its directory, or a database
    /// of PyKMIP's, is there.
    pub fn create_store(mut self, create: bool) -> Self {
        self.create_store = create;
        self
    }

    /// Returns the configuration that the settings come to.
    ///
    /// # Errors
    /// Says which setting is missing or wrong.
    pub fn prepare(self) -> Result<Prepared, Report> {
        let file = match self.file {
            Some(ConfigFile::Required(path)) => pykmip::read(&path)?,
            Some(ConfigFile::IfThere(path)) if path.exists() => pykmip::read(&path)?,
            None | Some(ConfigFile::IfThere(_)) => Given::default(),
        };
        let settings = self.given.above(file).complete()?;
        let surroundings = Surroundings::of_process();
        let Translated { config, notes, database } =
            pykmip::config::translate(&settings, &surroundings)?;
        let mut config = Config::layer(&config, &self.settings)?;
        for change in self.changes {
            change(&mut config);
        }
        Ok(Prepared { config, notes, database: Some(database) })
    }

    /// Opens the store and binds the address. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Says which setting is missing or wrong, or what else keeps the server from working.
    pub async fn start(self) -> Result<Server, Report> {
        let create_store = self.create_store;
        let prepared = self.prepare()?;
        prepared.check_database(create_store)?;
        for note in &prepared.notes {
            note.log();
        }
        Server::start(&prepared.config, create_store).await
    }
}

impl Prepared {
    /// Refuses a PyKMIP database whose objects have not been brought over, unless an empty store
    /// is asked for.
    pub(crate) fn check_database(&self, create_store: bool) -> Result<(), Report> {
        let Some(database) = self.database.as_deref().filter(|_| !create_store) else {
            return Ok(());
        };
        storage::Url::parse(&self.config.storage.url)?
            .file()
            .map_or(Ok(()), |store| database::refuse_unimported(database, store))
    }
}

impl From<Config> for Prepared {
    fn from(config: Config) -> Self {
        Self { config, notes: Vec::new(), database: None }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("given", &self.given).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Builder {
        Server::builder()
            .hostname("127.0.0.1")
            .port(0)
            .certificate_path("/")
            .key_path("/")
            .ca_path("/")
            .auth_suite(AuthSuite::Basic)
            .database_path("/data/pykmip.db")
    }

    #[test]
    fn settings_in_code_make_a_configuration() {
        let prepared = whole()
            .tls_cipher_suites(["AES128-SHA"])
            .logging_level(LoggingLevel::Debug)
            .log_path("/var/log/kmip.log")
            .enable_tls_client_auth(false)
            .policy_path("/policies")
            .set("limits.connections=7")
            .change(|config| config.names.unique = true)
            .prepare()
            .unwrap();
        let config = prepared.config;
        assert_eq!(config.listen.kmip.cipher_suites, ["AES128-SHA"]);
        assert_eq!(config.log.level, "debug");
        assert_eq!(config.log.file, Some("/var/log/kmip.log".into()));
        assert!(!config.auth.require_client_auth_usage);
        assert_eq!(config.limits.connections, 7);
        assert!(config.names.unique && config.crypto.legacy);
    }

    #[test]
    fn settings_in_code_stand_above_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("server.conf");
        std::fs::write(&file, "[server]\nhostname = kmip\nport = 1\nlogging_level = ERROR\n")
            .unwrap();
        let prepared = whole().config_path(&file).prepare().unwrap();
        assert_eq!(prepared.config.listen.kmip.address.to_string(), "127.0.0.1:0");
        assert_eq!(prepared.config.log.level, "error");
    }

    #[test]
    fn a_file_need_not_be_there_if_nothing_is_missed() {
        assert!(whole().config_path_if_there("/no/server.conf").prepare().is_ok());
        let error = whole().config_path("/no/server.conf").prepare().unwrap_err().to_string();
        assert!(error.contains("'/no/server.conf') could not be located."), "{error}");
        let empty = Server::builder().config_path_if_there("/no/server.conf");
        let error = empty.prepare().unwrap_err().to_string();
        assert_eq!(error, "Setting 'hostname' is missing from the configuration file.");
    }
}
