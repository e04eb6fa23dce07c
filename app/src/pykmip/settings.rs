//! PyKMIP's settings: what a file, a command line or code gives, and the rules they must keep.
//!
//! Where PyKMIP has a sentence for what is wrong, ours begins with it, so that who knows it finds
//! it again.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ini::{Ini, IniError};
use crate::config::nearest::nearest;

/// The section of the server's settings.
const SERVER: &str = "server";

/// The settings that must be given.
const REQUIRED: [&str; 6] =
    ["hostname", "port", "certificate_path", "key_path", "ca_path", "auth_suite"];

/// The settings that may be given.
const OPTIONAL: [&str; 5] = [
    "policy_path",
    "enable_tls_client_auth",
    "tls_cipher_suites",
    "logging_level",
    "database_path",
];

/// Why settings cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The text is no INI file.
    #[error(transparent)]
    Ini(#[from] IniError),
    /// There is no section of the server.
    #[error("The server configuration file does not have a 'server' section.")]
    NoServerSection,
    /// There is no such setting.
    #[error(
        "Setting '{name}' is not a supported setting. Please remove it from the configuration \
         file.{hint}"
    )]
    Unsupported {
        /// The setting.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// A setting is not given, neither in the file nor beside it.
    #[error("Setting '{0}' is missing from the configuration file.")]
    Missing(&'static str),
    /// The port is no port.
    #[error("The port value must be an integer in the range 0 - 65535. It is {0:?}.")]
    Port(String),
    /// The file of the server's certificate is not there.
    #[error(
        "The certificate path value, if specified, must be a valid string path to a certificate \
         file. There is no file {}.", .0.display()
    )]
    Certificate(PathBuf),
    /// The file of the server's key is not there.
    #[error(
        "The key path value, if specified, must be a valid string path to a certificate key file. \
         There is no file {}.", .0.display()
    )]
    Key(PathBuf),
    /// The file of the authorities is not there.
    #[error(
        "The certificate authority (CA) path value, if specified, must be a valid string path to \
         a CA certificate file. There is no file {}.", .0.display()
    )]
    Authority(PathBuf),
    /// The authentication suite is none of PyKMIP's.
    #[error("The authentication suite must be one of: Basic, TLS1.2. It is {0:?}.")]
    AuthSuite(String),
    /// A flag is neither yes nor no.
    #[error(
        "Setting '{name}' must be one of: 1, yes, true, on, 0, no, false, off. It is {value:?}."
    )]
    Flag {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: String,
    },
    /// The logging level is none of Python's.
    #[error(
        "The logging level must be one of: DEBUG, INFO, WARNING, ERROR, CRITICAL. It is {0:?}."
    )]
    LoggingLevel(String),
    /// A plugin is enabled that asks nobody.
    #[error("Section [{0}] is enabled, but has no 'url'.")]
    NoUrl(String),
    /// A plugin decides who clients are, and this program cannot ask it.
    #[error(
        "Section [{0}] is enabled, and this build cannot ask SLUGS for groups. Without them \
         clients could do more than they may, so the server does not start."
    )]
    NoSlugs(String),
}

/// PyKMIP's families of protocol versions and cipher suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthSuite {
    /// TLS 1.0 and later.
    Basic,
    /// TLS 1.2 and later.
    Tls12,
}

/// How much is logged, in Python's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggingLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What somebody should look at.
    Warning,
    /// What failed.
    Error,
    /// What stops the server.
    Critical,
}

impl LoggingLevel {
    /// Returns the level of our own logs, which have none above errors.
    #[must_use]
    pub fn level(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error | Self::Critical => "error",
        }
    }
}

/// A SLUGS server, which knows the groups of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slugs {
    /// The section that names it.
    pub section: String,
    /// Where it is.
    pub url: String,
}

/// The settings that one place gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Host name or address to listen on.
    pub hostname: Option<String>,
    /// Port to listen on.
    pub port: Option<u16>,
    /// The server's certificate.
    pub certificate_path: Option<PathBuf>,
    /// The server's key.
    pub key_path: Option<PathBuf>,
    /// The authorities of clients' certificates.
    pub ca_path: Option<PathBuf>,
    /// Versions and suites of TLS.
    pub auth_suite: Option<AuthSuite>,
    /// Where operation policies are.
    pub policy_path: Option<PathBuf>,
    /// Says whether clients' certificates must be for clients.
    pub enable_tls_client_auth: Option<bool>,
    /// Cipher suites by name.
    pub tls_cipher_suites: Option<Vec<String>>,
    /// How much is logged.
    pub logging_level: Option<LoggingLevel>,
    /// The log file; no setting of the file.
    pub log_path: Option<PathBuf>,
    /// Where PyKMIP keeps its objects.
    pub database_path: Option<PathBuf>,
    /// The SLUGS servers that are enabled, in their order.
    pub slugs: Vec<Slugs>,
    /// Sections that are about plugins that nobody knows.
    pub unknown_plugins: Vec<String>,
}

/// All settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Host name or address to listen on.
    pub hostname: String,
    /// Port to listen on.
    pub port: u16,
    /// The server's certificate.
    pub certificate_path: PathBuf,
    /// The server's key.
    pub key_path: PathBuf,
    /// The authorities of clients' certificates.
    pub ca_path: PathBuf,
    /// Versions and suites of TLS.
    pub auth_suite: AuthSuite,
    /// Where operation policies are.
    pub policy_path: Option<PathBuf>,
    /// Says whether clients' certificates must be for clients.
    pub enable_tls_client_auth: bool,
    /// Cipher suites by name.
    pub tls_cipher_suites: Vec<String>,
    /// How much is logged.
    pub logging_level: LoggingLevel,
    /// The log file.
    pub log_path: Option<PathBuf>,
    /// Where PyKMIP keeps its objects; none is its default.
    pub database_path: Option<PathBuf>,
    /// The SLUGS servers that are enabled, in their order.
    pub slugs: Vec<Slugs>,
    /// Sections that are about plugins that nobody knows.
    pub unknown_plugins: Vec<String>,
}

impl Given {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// Says which setting is wrong.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let ini = Ini::parse(text)?;
        if !ini.sections().any(|section| section == SERVER) {
            return Err(SettingsError::NoServerSection);
        }
        for name in ini.keys(SERVER) {
            check_name(name)?;
        }
        let value = |name: &str| ini.value(SERVER, name);
        let (slugs, unknown_plugins) = plugins(&ini)?;
        Ok(Self {
            hostname: value("hostname")?,
            port: value("port")?.as_deref().map(port).transpose()?,
            certificate_path: value("certificate_path")?.map(PathBuf::from),
            key_path: value("key_path")?.map(PathBuf::from),
            ca_path: value("ca_path")?.map(PathBuf::from),
            auth_suite: value("auth_suite")?.as_deref().map(auth_suite).transpose()?,
            policy_path: value("policy_path")?.and_then(path_unless_empty),
            enable_tls_client_auth: value("enable_tls_client_auth")?
                .map(|text| flag("enable_tls_client_auth", &text))
                .transpose()?,
            tls_cipher_suites: value("tls_cipher_suites")?.map(|text| names(&text)),
            logging_level: value("logging_level")?.as_deref().map(logging_level).transpose()?,
            log_path: None,
            database_path: value("database_path")?.and_then(path_unless_empty),
            slugs,
            unknown_plugins,
        })
    }

    /// Returns these settings where they are given, and `below` where they are not.
    #[must_use]
    pub fn above(self, below: Self) -> Self {
        Self {
            hostname: self.hostname.or(below.hostname),
            port: self.port.or(below.port),
            certificate_path: self.certificate_path.or(below.certificate_path),
            key_path: self.key_path.or(below.key_path),
            ca_path: self.ca_path.or(below.ca_path),
            auth_suite: self.auth_suite.or(below.auth_suite),
            policy_path: self.policy_path.or(below.policy_path),
            enable_tls_client_auth: self.enable_tls_client_auth.or(below.enable_tls_client_auth),
            tls_cipher_suites: self.tls_cipher_suites.or(below.tls_cipher_suites),
            logging_level: self.logging_level.or(below.logging_level),
            log_path: self.log_path.or(below.log_path),
            database_path: self.database_path.or(below.database_path),
            slugs: if self.slugs.is_empty() { below.slugs } else { self.slugs },
            unknown_plugins: below.unknown_plugins,
        }
    }

    /// Checks that everything is there that must be, the files included.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn complete(self) -> Result<Settings, SettingsError> {
        let [hostname, port, certificate_path, key_path, ca_path, auth_suite] =
            REQUIRED.map(SettingsError::Missing);
        let settings = Settings {
            hostname: self.hostname.ok_or(hostname)?,
            port: self.port.ok_or(port)?,
            certificate_path: self.certificate_path.ok_or(certificate_path)?,
            key_path: self.key_path.ok_or(key_path)?,
            ca_path: self.ca_path.ok_or(ca_path)?,
            auth_suite: self.auth_suite.ok_or(auth_suite)?,
            policy_path: self.policy_path,
            enable_tls_client_auth: self.enable_tls_client_auth.unwrap_or(true),
            tls_cipher_suites: self.tls_cipher_suites.unwrap_or_default(),
            logging_level: self.logging_level.unwrap_or(LoggingLevel::Info),
            log_path: self.log_path,
            database_path: self.database_path,
            slugs: self.slugs,
            unknown_plugins: self.unknown_plugins,
        };
        let there = |path: &Path, error: fn(PathBuf) -> SettingsError| {
            if path.exists() { Ok(()) } else { Err(error(path.to_owned())) }
        };
        there(&settings.certificate_path, SettingsError::Certificate)?;
        there(&settings.key_path, SettingsError::Key)?;
        there(&settings.ca_path, SettingsError::Authority)?;
        Ok(settings)
    }
}

fn check_name(name: &str) -> Result<(), SettingsError> {
    let known: Vec<&str> = REQUIRED.into_iter().chain(OPTIONAL).collect();
    if known.contains(&name) {
        return Ok(());
    }
    let hint = nearest(name, &known)
        .map_or_else(String::new, |near| format!(" Perhaps '{near}' was meant."));
    Err(SettingsError::Unsupported { name: name.to_owned(), hint })
}

/// Reads the sections of plugins: the SLUGS servers that are enabled, and what nobody knows.
fn plugins(ini: &Ini) -> Result<(Vec<Slugs>, Vec<String>), SettingsError> {
    let mut slugs = Vec::new();
    let mut unknown = Vec::new();
    for section in ini.sections().filter(|section| section.starts_with("auth:")) {
        if !section.starts_with("auth:slugs") {
            unknown.push(section.to_owned());
        } else if ini.value(section, "enabled")?.as_deref() == Some("True") {
            let url = ini.value(section, "url")?.filter(|url| !url.is_empty());
            let url = url.ok_or_else(|| SettingsError::NoUrl(section.to_owned()))?;
            slugs.push(Slugs { section: section.to_owned(), url });
        }
    }
    Ok((slugs, unknown))
}

/// Reads a port. PyKMIP refuses 65535, which is one.
pub(crate) fn port(text: &str) -> Result<u16, SettingsError> {
    let port = text.trim().parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| SettingsError::Port(text.to_owned()))
}

/// Reads an authentication suite.
pub(crate) fn auth_suite(text: &str) -> Result<AuthSuite, SettingsError> {
    match text {
        "Basic" => Ok(AuthSuite::Basic),
        "TLS1.2" => Ok(AuthSuite::Tls12),
        other => Err(SettingsError::AuthSuite(other.to_owned())),
    }
}

/// Reads a logging level, in any case. Python has two of them under two names.
pub(crate) fn logging_level(text: &str) -> Result<LoggingLevel, SettingsError> {
    match text.to_uppercase().as_str() {
        "DEBUG" => Ok(LoggingLevel::Debug),
        "INFO" => Ok(LoggingLevel::Info),
        "WARNING" | "WARN" => Ok(LoggingLevel::Warning),
        "ERROR" => Ok(LoggingLevel::Error),
        "CRITICAL" | "FATAL" => Ok(LoggingLevel::Critical),
        _ => Err(SettingsError::LoggingLevel(text.to_owned())),
    }
}

fn flag(name: &'static str, text: &str) -> Result<bool, SettingsError> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(SettingsError::Flag { name, value: text.to_owned() }),
    }
}

/// Splits a list at white space and commas.
pub(crate) fn names(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| letter.is_whitespace() || letter == ',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn path_unless_empty(text: String) -> Option<PathBuf> {
    if text.is_empty() { None } else { Some(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole file; `/` is there everywhere.
    const WHOLE: &str = "[server]\nhostname = kmip\nport = 5696\ncertificate_path = /\n\
                         key_path = /\nca_path = /\nauth_suite = TLS1.2\n";

    fn with(more: &str) -> Result<Settings, SettingsError> {
        Given::parse(&format!("{WHOLE}{more}\n")).and_then(Given::complete)
    }

    fn changed(from: &str, to: &str) -> String {
        assert!(WHOLE.contains(from), "{from}");
        let text = WHOLE.replace(from, to);
        Given::parse(&text).and_then(Given::complete).unwrap_err().to_string()
    }

    #[test]
    fn the_required_settings_are_enough() {
        let settings = with("").unwrap();
        assert_eq!(settings.hostname, "kmip");
        assert_eq!(settings.port, 5696);
        assert_eq!(settings.auth_suite, AuthSuite::Tls12);
        assert!(settings.enable_tls_client_auth);
        assert_eq!(settings.logging_level, LoggingLevel::Info);
        assert!(settings.tls_cipher_suites.is_empty());
        assert_eq!(settings.database_path, None);
    }

    #[test]
    fn each_required_setting_is_missed() {
        for name in REQUIRED {
            let lines = WHOLE.lines().filter(|line| !line.starts_with(name));
            let text = lines.collect::<Vec<_>>().join("\n");
            let error = Given::parse(&text).and_then(Given::complete).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Setting '{name}' is missing from the configuration file.")
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_pykmips_words() {
        for (from, to, expected) in [
            ("[server]", "[servers]", "The server configuration file does not have a 'server'"),
            ("hostname", "hostnam", "Setting 'hostnam' is not a supported setting. Please remove"),
            ("hostname", "hostnam", "Perhaps 'hostname' was meant."),
            ("= 5696", "= 0", "The port value must be an integer in the range 0 - 65535."),
            ("= 5696", "= 65536", "The port value must be an integer in the range 0 - 65535."),
            ("= 5696", "= kmip", "The port value must be an integer in the range 0 - 65535."),
            ("= TLS1.2", "= tls1.2", "The authentication suite must be one of: Basic, TLS1.2."),
            ("= TLS1.2", "= TLS1.3", "It is \"TLS1.3\"."),
            (
                "certificate_path = /",
                "certificate_path = /no/file",
                "The certificate path value, if specified, must be a valid string path to a \
                 certificate file. There is no file /no/file.",
            ),
            ("key_path = /", "key_path =", "The key path value, if specified, must be a valid"),
            (
                "ca_path = /",
                "ca_path = /no/ca",
                "The certificate authority (CA) path value, if specified",
            ),
            ("[server]", "[server]\nlogging_level = LOUD", "The logging level must be one of:"),
            ("[server]", "[server]\nenable_tls_client_auth = 2", "'enable_tls_client_auth' must"),
            ("[server]", "[auth:slugs]\nenabled = True\n[server]", "has no 'url'"),
        ] {
            let error = changed(from, to);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn optional_settings_are_read() {
        for (text, expected) in
            [("1", true), ("YES", true), ("true", true), ("on", true), ("0", false), ("No", false)]
        {
            let settings = with(&format!("enable_tls_client_auth = {text}")).unwrap();
            assert_eq!(settings.enable_tls_client_auth, expected, "{text}");
        }
        for (text, expected) in [
            ("DEBUG", "debug"),
            ("info", "info"),
            ("Warning", "warn"),
            ("error", "error"),
            ("CRITICAL", "error"),
        ] {
            let settings = with(&format!("logging_level = {text}")).unwrap();
            assert_eq!(settings.logging_level.level(), expected, "{text}");
        }
        let suites = with("tls_cipher_suites =\n  A-B\n  C_D, E\n").unwrap().tls_cipher_suites;
        assert_eq!(suites, ["A-B", "C_D", "E"]);
        let settings = with("policy_path =\ndatabase_path = /x/y\n").unwrap();
        assert_eq!(settings.policy_path, None);
        assert_eq!(settings.database_path, Some("/x/y".into()));
    }

    #[test]
    fn the_highest_port_is_a_port() {
        assert_eq!(port("65535"), Ok(65535));
    }

    #[test]
    fn plugins_are_read_in_their_order() {
        let settings = with(
            "[auth:slugs]\nenabled = True\nurl = http://a/slugs\n\
             [auth:slugs:off]\nenabled = true\n\
             [auth:ldap]\nenabled = True\n\
             [auth:slugs:second]\nenabled = True\nurl = http://b/slugs",
        )
        .unwrap();
        let urls: Vec<&str> = settings.slugs.iter().map(|slugs| slugs.url.as_str()).collect();
        assert_eq!(urls, ["http://a/slugs", "http://b/slugs"]);
        assert_eq!(settings.unknown_plugins, ["auth:ldap"]);
    }

    #[test]
    fn what_is_given_above_counts() {
        let file = Given::parse(WHOLE).unwrap();
        let above = Given { port: Some(1), hostname: Some("other".into()), ..Given::default() };
        let settings = above.above(file).complete().unwrap();
        assert_eq!((settings.hostname.as_str(), settings.port), ("other", 1));
        assert_eq!(settings.auth_suite, AuthSuite::Tls12);
    }
}
