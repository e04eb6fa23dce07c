//! The configuration: a TOML file, `KMIP_SECTION__KEY` in the environment, `--set`, in rising order.
//!
//! Unknown keys are refused with the nearest known name. Paths in the file are relative to it.

pub mod address;
pub mod admin;
pub mod audit;
pub mod auth;
mod database;
pub(crate) mod nearest;
pub mod policy;
pub mod root_key;
pub mod telemetry;

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::{
    address::Address,
    admin::ListenAdmin,
    audit::{Audit, Node, Reads},
    auth::{Auth, GroupsFrom, Slugs, UserFrom},
    policy::{Policy, WithoutSection},
    root_key::{PassphraseCost, Pkcs11, RootKey},
    telemetry::Telemetry,
};

/// Where `serve` looks for its configuration if none is named.
pub const SYSTEM_PATH: &str = "/etc/kmip-app/kmip-app.toml";

/// Everything that an operator can decide.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Says that this is a development server: some warnings are left out.
    pub development: bool,
    /// Where the server listens.
    pub listen: Listen,
    /// What a client may use up.
    pub limits: Limits,
    /// Where objects are kept.
    pub storage: Storage,
    /// The key that seals the store.
    pub root_key: RootKey,
    /// This server among others.
    pub node: Node,
    /// The audit trail.
    pub audit: Audit,
    /// How clients are identified.
    pub auth: Auth,
    /// What clients may do.
    pub policy: Policy,
    /// Cryptography.
    pub crypto: Crypto,
    /// What names may be.
    pub names: Names,
    /// What is shown of objects.
    pub attributes: Attributes,
    /// Which operations are offered.
    pub operations: Operations,
    /// Logging.
    pub log: Log,
    /// Traces and metrics.
    pub telemetry: Telemetry,
}

/// Where the server listens.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// KMIP over mutual TLS.
    pub kmip: ListenKmip,
    /// Health, version and metrics over HTTP.
    pub admin: ListenAdmin,
}

/// KMIP over mutual TLS.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenKmip {
    /// Host name or address, and port.
    pub address: Address,
    /// The server's certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// The server's private key, PEM.
    pub key: Option<PathBuf>,
    /// The authorities whose client certificates are accepted, PEM.
    pub client_ca: Option<PathBuf>,
    /// The older kinds of TLS, by OpenSSL; without it TLS 1.2 and 1.3 with modern suites only.
    pub auth_suite: Option<AuthSuite>,
    /// Certificate revocation lists, PEM or DER; read again when they change.
    pub crls: Vec<PathBuf>,
    /// How many session tickets a TLS 1.3 client is sent; 0 for clients that choke on them.
    pub tls13_tickets: usize,
    /// The cipher suites to offer, by IANA's or OpenSSL's names; none named is all there are.
    /// Names of TLS 1.2 alone leave those of TLS 1.3 as they are.
    pub cipher_suites: Vec<String>,
    /// Says whether a named suite that this build has not stops the start, instead of a warning.
    pub strict_suites: bool,
}

/// The older kinds of TLS, by the names that PyKMIP gives them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum AuthSuite {
    /// TLS 1.0 and later.
    Basic,
    /// TLS 1.2 and later.
    #[serde(rename = "TLS1.2")]
    Tls12,
}

impl Default for ListenKmip {
    fn default() -> Self {
        Self {
            address: Address::new("127.0.0.1", 5696),
            certificate: None,
            key: None,
            client_ca: None,
            auth_suite: None,
            crls: Vec::new(),
            tls13_tickets: 2,
            cipher_suites: Vec::new(),
            strict_suites: false,
        }
    }
}

/// What a client may use up. Times are in seconds, sizes in bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// The longest request.
    pub message_bytes: usize,
    /// All requests that are being received, together.
    pub buffered_bytes: usize,
    /// The longest response if the client sets no limit.
    pub response_bytes: usize,
    /// Time for a TLS handshake.
    pub handshake_seconds: u64,
    /// Time between two requests.
    pub idle_seconds: u64,
    /// Time from the first byte of a request to its last.
    pub message_seconds: u64,
    /// Time to take an answer.
    pub write_seconds: u64,
    /// Time for requests in progress to end at shutdown.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            message_bytes: 1_048_576,
            buffered_bytes: 33_554_432,
            response_bytes: 1_048_576,
            handshake_seconds: 10,
            idle_seconds: 3_600,
            message_seconds: 30,
            write_seconds: 30,
            drain_seconds: 10,
        }
    }
}

/// Where objects are kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// `sqlite:PATH`; `postgres://USER@HOST/DATABASE?sslrootcert=PATH`; or `sqlite::memory:` for
    /// tests of clients.
    pub url: String,
    /// How many bytes of sealed records are kept in memory, beside those of the database; 0 for
    /// none.
    pub cache_bytes: u64,
    /// How many connections read a PostgreSQL database; two more write and confirm.
    pub connections: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            url: "sqlite:/var/lib/kmip-app/kmip-app.db".to_owned(),
            cache_bytes: 67_108_864,
            connections: 8,
        }
    }
}

/// Cryptography.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crypto {
    /// Who computes; `aws-lc` is the only one so far.
    pub provider: String,
    /// Says whether old algorithms, which the provider does not offer, are offered too.
    pub legacy: bool,
}

impl Default for Crypto {
    fn default() -> Self {
        Self { provider: "aws-lc".to_owned(), legacy: false }
    }
}

/// What names may be.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// Says whether 1.x clients, too, are refused a Name that another of their objects has.
    pub unique: bool,
}

/// What is shown of objects.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// What Get Attributes returns if the client names none.
    pub unasked: Unasked,
}

/// What Get Attributes returns if the client names none.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unasked {
    /// Every attribute of the client's version.
    #[default]
    All,
    /// What clients that stop at attributes they do not know are known to read.
    Conservative,
}

/// Which operations are offered.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Says whether Interop, which conformance tests use, is offered.
    pub interop: bool,
    /// Says whether a key that Get wraps comes in a Key Value that is a structure, as PyKMIP sends
    /// and reads it, and not as bytes alone, as the specification has it.
    pub wrapped_key_in_structure: bool,
    /// Says whether Sign makes the salt of PSS as long as the key has room for, which is the only
    /// one that PyKMIP's verifier takes, and not as long as the hash.
    pub longest_salt: bool,
}

/// Logging.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Text or JSON.
    pub format: LogFormat,
    /// A level, or directives like `info,kmip_tls=debug`.
    pub level: String,
    /// A file to write to; standard error then has warnings and errors only.
    pub file: Option<PathBuf>,
    /// When the file is put aside for a new one, in bytes; 0 for never.
    pub file_bytes: u64,
    /// How many files that were put aside are kept.
    pub files: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            file: None,
            file_bytes: 1_000_000,
            files: 5,
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Why there is no usable configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("there is no configuration file at {0}; make one with 'kmip-app init DIR'")]
    NoFile(PathBuf),
    /// A key or a value is wrong.
    #[error("configuration: {0}")]
    Wrong(String),
    /// `--set` has not the form `KEY=VALUE`.
    #[error("--set takes KEY=VALUE, as in --set log.level=debug, and not {0:?}")]
    BadSetting(String),
}

impl Config {
    /// Reads the configuration: file, environment, settings.
    pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let mut config = Self::extract(figment, settings)?;
        if let Some(directory) = file.and_then(Path::parent) {
            config.resolve_paths(directory);
        }
        Ok(config)
    }

    /// Lays the environment and settings above a configuration that is whole.
    pub(crate) fn layer(below: &Self, settings: &[String]) -> Result<Self, ConfigError> {
        Self::extract(Figment::from(Serialized::defaults(below)), settings)
    }

    fn extract(mut figment: Figment, settings: &[String]) -> Result<Self, ConfigError> {
        // Variables of other purposes begin with KMIP_ too; a setting names its section.
        let environment = Env::prefixed("KMIP_").filter(|key| key.as_str().contains("__"));
        figment = figment.merge(environment.split("__"));
        for setting in settings {
            let (key, value) =
                setting.split_once('=').ok_or_else(|| ConfigError::BadSetting(setting.clone()))?;
            figment = figment.merge(Toml::string(&set_as_toml(key.trim(), value.trim())));
        }
        figment.extract().map_err(|error| ConfigError::Wrong(explain(error)))
    }

    /// Makes relative paths relative to the configuration file.
    fn resolve_paths(&mut self, directory: &Path) {
        let kmip = &mut self.listen.kmip;
        let admin = &mut self.listen.admin;
        let single = [
            &mut kmip.certificate,
            &mut kmip.key,
            &mut kmip.client_ca,
            &mut admin.certificate,
            &mut admin.key,
            &mut admin.client_ca,
        ];
        let lists = kmip.crls.iter_mut().chain(&mut admin.crls);
        for path in single.into_iter().flatten().chain(lists).chain(&mut self.log.file) {
            *path = directory.join(&*path);
        }
        let access =
            [&mut self.auth.groups_file, &mut self.auth.accounts_file, &mut self.policy.path];
        for path in access.into_iter().flatten().chain(&mut self.telemetry.tls_ca) {
            *path = directory.join(&*path);
        }
        if let Some(path) = self.storage.url.strip_prefix("sqlite:")
            && path != ":memory:"
        {
            self.storage.url = format!("sqlite:{}", directory.join(path).display());
        }
        self.storage.url = database::with_paths_from(directory, &self.storage.url);
        self.root_key.resolve_paths(directory);
    }

    /// Prints the configuration in the form of its file. It holds paths of secrets, no secrets.
    ///
    /// # Panics
    /// Never: every setting has a form in TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut shown = self.clone();
        shown.storage.url = database::without_password(&self.storage.url);
        toml::to_string(&shown).expect("every setting has a form in TOML")
    }
}

/// Writes one setting as a line of TOML; what is no TOML value is taken as text.
fn set_as_toml(key: &str, value: &str) -> String {
    let line = format!("{key} = {value}");
    if toml::from_str::<toml::Table>(&line).is_ok() {
        line
    } else {
        format!("{key} = {}", toml::Value::String(value.to_owned()))
    }
}

/// Says what is wrong, where, and what may have been meant.
fn explain(error: figment::Error) -> String {
    error.into_iter().map(|error| explain_one(&error)).collect::<Vec<_>>().join("; ")
}

fn explain_one(error: &figment::Error) -> String {
    let last_is_unknown = match &error.kind {
        Kind::UnknownField(name, _) => error.path.last() == Some(name),
        _ => false,
    };
    let section = error.path.len().saturating_sub(usize::from(last_is_unknown));
    let path = error.path.get(..section).unwrap_or_default().join(".");
    let from = error
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.source.as_ref())
        .map_or_else(String::new, |source| format!(" ({source})"));
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let hint = nearest::nearest(name, known)
                .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            let within = if path.is_empty() { String::new() } else { format!(" in {path:?}") };
            format!("there is no key {name:?}{within}{hint}{from}")
        }
        kind if path.is_empty() => format!("{kind}{from}"),
        kind => format!("{path}: {kind}{from}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, settings: &[&str]) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kmip-app.toml");
        std::fs::write(&file, text).unwrap();
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        Config::load(Some(&file), &settings)
    }

    #[test]
    fn settings_rise_above_the_file() {
        let config =
            load("[log]\nlevel = \"warn\"\n", &["log.level=debug", "names.unique=true"]).unwrap();
        assert_eq!(config.log.level, "debug");
        assert!(config.names.unique);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        let error = load("[listen.kmip]\ncertificat = \"a\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("certificat") && error.contains("\"certificate\""), "{error}");
        let error = load("[storag]\nurl = \"a\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("\"storage\""), "{error}");
    }

    #[test]
    fn relative_paths_are_relative_to_the_file() {
        let text = "[storage]\nurl = \"sqlite:a.db\"\n[policy]\npath = \"policies\"\n";
        let config = load(text, &[]).unwrap();
        assert!(config.policy.path.unwrap().is_absolute());
        assert!(config.storage.url.ends_with("/a.db"));
        assert!(config.storage.url.len() > "sqlite:/a.db".len());
    }

    #[test]
    fn an_authentication_suite_has_the_name_that_pykmip_gives_it() {
        for (text, auth_suite) in [("Basic", AuthSuite::Basic), ("TLS1.2", AuthSuite::Tls12)] {
            let config = load("", &[&format!("listen.kmip.auth_suite={text}")]).unwrap();
            assert_eq!(config.listen.kmip.auth_suite, Some(auth_suite));
        }
        let error = load("", &["listen.kmip.auth_suite=TLS1.3"]).unwrap_err().to_string();
        assert!(error.contains("TLS1.3") && error.contains("Basic"), "{error}");
    }

    #[test]
    fn the_sample_configuration_is_a_configuration() {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kmip-app.toml");
        let config = Config::load(Some(Path::new(sample)), &[]).unwrap();
        assert!(!config.development);
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let given = load(
            "[auth]\naccounts_file = \"a\"\n[[auth.slugs]]\nurl = \"http://a\"\n\
             [[auth.slugs]]\nurl = \"http://b\"\n[policy]\npath = \"p\"\n",
            &[],
        );
        for config in [Config::default(), given.unwrap()] {
            let read: Config = toml::from_str(&config.to_toml()).unwrap();
            assert_eq!(read, config);
        }
    }

    #[test]
    fn a_root_key_may_come_from_elsewhere_and_have_another_after_it() {
        let text = "[root_key]\nfile = \"root.key\"\n[root_key.next]\npassphrase_file = \"p\"\n\
                    [root_key.next.passphrase_cost]\npasses = 4\n";
        let root_key = load(text, &[]).unwrap().root_key;
        assert!(root_key.file.unwrap().ends_with("/root.key"));
        let next = root_key.next.unwrap();
        assert!(next.passphrase_file.unwrap().ends_with("/p"));
        assert_eq!((next.passphrase_cost.passes, next.passphrase_cost.memory_kib), (4, 65_536));
        let text = "[root_key.pkcs11]\nmodule = \"m.so\"\ntoken = \"t\"\nkey = \"k\"\n";
        let pkcs11 = load(text, &["root_key.pkcs11.pin_env=PIN"]).unwrap().root_key.pkcs11.unwrap();
        assert_eq!((pkcs11.token.as_deref(), pkcs11.pin_env.as_deref()), (Some("t"), Some("PIN")));
        assert_eq!(load("", &["root_key.fd=3"]).unwrap().root_key.fd, Some(3));
    }

    #[test]
    fn one_directory_of_users_or_several_can_be_named() {
        let one = "[auth.slugs]\nurl = \"http://a\"\n";
        let several = "[[auth.slugs]]\nurl = \"http://a\"\ntimeout_seconds = 1\n\
                       [[auth.slugs]]\nurl = \"http://b\"\n";
        let slugs = |text: &str, settings: &[&str]| {
            let slugs = load(text, settings).unwrap().auth.slugs.into_iter();
            let fields =
                |it: Slugs| format!("{} {} {}", it.url, it.timeout_seconds, it.cache_milliseconds);
            slugs.map(fields).collect::<Vec<_>>()
        };
        assert_eq!(slugs("", &[]), [""; 0]);
        assert_eq!(slugs(one, &[]), ["http://a 10 500"]);
        assert_eq!(slugs(several, &[]), ["http://a 1 500", "http://b 10 500"]);
        assert_eq!(slugs("", &["auth.slugs.url=http://c"]), ["http://c 10 500"]);
        for wrong in
            [one.replace("url", "uri"), several.replace("timeout_seconds", "timeout_second")]
        {
            let error = load(&wrong, &[]).unwrap_err().to_string();
            assert!(error.contains("auth.slugs") && error.contains("did you mean"), "{error}");
        }
    }

    #[test]
    fn who_clients_are_is_said_in_words() {
        let text = "[auth]\nuser_from = \"san_dns\"\ngroups_from = \"ou\"\n\
                    [policy]\ngroups_without_section = \"deny\"\n";
        let config = load(text, &[]).unwrap();
        assert_eq!(config.auth.user_from, UserFrom::SanDns);
        assert_eq!(config.auth.groups_from, GroupsFrom::Ou);
        assert_eq!(config.policy.groups_without_section, WithoutSection::Deny);
        assert!(load("[auth]\nuser_from = \"uid\"\n", &[]).is_err());
    }

    #[test]
    fn an_address_may_be_a_name() {
        let config = load("[listen.kmip]\naddress = \"kmip.example:5696\"\n", &[]).unwrap();
        assert_eq!(config.listen.kmip.address, Address::new("kmip.example", 5696));
        let error = load("[listen.kmip]\naddress = \"kmip\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("listen.kmip.address") && error.contains("HOST:PORT"), "{error}");
    }

    #[test]
    fn a_setting_without_value_is_refused() {
        assert!(matches!(load("", &["log.level"]), Err(ConfigError::BadSetting(_))));
    }
}
