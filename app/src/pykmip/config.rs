//! What PyKMIP's settings mean in our configuration.
//!
//! Whatever PyKMIP's clients rely on and other clients are better off without is on here: the
//! algorithms of old, the attributes that they can read, groups that are denied where a policy
//! does not name them.

use std::path::{Path, PathBuf};

use super::{
    database::{self, Place},
    settings::{AuthSuite, Settings, SettingsError},
};
use crate::config::{
    self, Address, Attributes, Auth, Config, Crypto, Listen, ListenAdmin, ListenKmip, Log,
    Operations, Policy, RootKey, Slugs, Storage, Unasked, WithoutSection,
};

/// Where things lie that settings do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The directory that relative paths are relative to: PyKMIP's are so to where it runs.
    pub directory: PathBuf,
    /// The directory for what must last.
    pub state: PathBuf,
}

impl Surroundings {
    /// Asks the environment: the working directory, and systemd's state directory.
    #[must_use]
    pub fn of_process() -> Self {
        let state = std::env::var_os("STATE_DIRECTORY").filter(|state| !state.is_empty());
        Self {
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            state: state.map_or_else(|| PathBuf::from("/var/lib/kmip-app"), PathBuf::from),
        }
    }
}

/// What an operator should know about settings that mean something else here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Something to be aware of.
    Fact(String),
    /// Something to look at.
    Warning(String),
}

impl Note {
    /// Returns the sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Fact(text) | Self::Warning(text) => text,
        }
    }

    /// Writes it to the log.
    pub fn log(&self) {
        match self {
            Self::Fact(text) => tracing::info!("{text}"),
            Self::Warning(text) => tracing::warn!("{text}"),
        }
    }
}

/// A configuration that was another's.
#[derive(Clone, Debug, PartialEq)]
pub struct Translated {
    /// The configuration.
    pub config: Config,
    /// What should be known about it.
    pub notes: Vec<Note>,
    /// Where PyKMIP's objects are, if there are any.
    pub database: PathBuf,
}

/// Says in our configuration what PyKMIP's settings say.
///
/// # Errors
/// If clients could do more than under PyKMIP.
pub fn translate(
    settings: &Settings,
    surroundings: &Surroundings,
) -> Result<Translated, SettingsError> {
    let absolute = |path: &Path| surroundings.directory.join(path);
    let mut notes = Vec::new();
    let auth_suite = suites(settings, &mut notes);
    let (database, place) = place(settings, surroundings, &mut notes);
    let log = Log::default();
    let mut config = Config {
        listen: Listen {
            kmip: ListenKmip {
                address: Address::new(host(&settings.hostname), settings.port),
                certificate: Some(absolute(&settings.certificate_path)),
                key: Some(absolute(&settings.key_path)),
                client_ca: Some(absolute(&settings.ca_path)),
                auth_suite,
                cipher_suites: settings.tls_cipher_suites.clone(),
                ..ListenKmip::default()
            },
            // PyKMIP has no such port, and two of its servers on one computer must not meet there.
            admin: ListenAdmin { enabled: false, ..ListenAdmin::default() },
        },
        storage: Storage { url: format!("sqlite:{}", place.store.display()), ..Storage::default() },
        root_key: RootKey {
            file: Some(place.root_key.display().to_string()),
            ..RootKey::default()
        },
        auth: Auth {
            require_client_auth_usage: settings.enable_tls_client_auth,
            ..Auth::default()
        },
        crypto: Crypto { legacy: true, ..Crypto::default() },
        attributes: Attributes { unasked: Unasked::Conservative },
        operations: Operations {
            interop: false,
            wrapped_key_in_structure: true,
            longest_salt: true,
        },
        log: Log {
            level: settings.logging_level.level().to_owned(),
            file: settings.log_path.as_deref().map(absolute),
            ..log
        },
        ..Config::default()
    };
    notes.push(Note::Fact(
        "crypto.legacy is on, as under PyKMIP: clients may use algorithms that are not safe any \
         more"
            .to_owned(),
    ));
    access(settings, surroundings, &mut config, &mut notes)?;
    Ok(Translated { config, notes, database })
}

/// Says who may do what: policies and groups, as PyKMIP decides, so that no client may do more.
fn access(
    settings: &Settings,
    surroundings: &Surroundings,
    config: &mut Config,
    notes: &mut Vec<Note>,
) -> Result<(), SettingsError> {
    for section in &settings.unknown_plugins {
        notes.push(Note::Warning(format!("Authentication plugin '{section}' is not supported.")));
    }
    if let Some(slugs) = settings.slugs.first()
        && !cfg!(feature = "auth-slugs")
    {
        return Err(SettingsError::NoSlugs(slugs.section.clone()));
    }
    config.auth.slugs = settings.slugs.iter().map(|slugs| Slugs::of(slugs.url.clone())).collect();
    config.policy = Policy {
        path: settings.policy_path.as_deref().map(|path| surroundings.directory.join(path)),
        groups_without_section: WithoutSection::Deny,
        reveal_forbidden: true,
    };
    Ok(())
}

/// An empty host name means every address in Python.
fn host(hostname: &str) -> &str {
    if hostname.is_empty() { "0.0.0.0" } else { hostname }
}

/// Says which kind of TLS is offered: the one that is asked for, if this build has it.
fn suites(settings: &Settings, notes: &mut Vec<Note>) -> Option<config::AuthSuite> {
    if cfg!(feature = "transport-tls-openssl") {
        return Some(match settings.auth_suite {
            AuthSuite::Basic => config::AuthSuite::Basic,
            AuthSuite::Tls12 => config::AuthSuite::Tls12,
        });
    }
    let (name, missing) = match settings.auth_suite {
        AuthSuite::Basic => ("Basic", "TLS 1.0, TLS 1.1 and suites without ECDHE or AEAD"),
        AuthSuite::Tls12 => ("TLS1.2", "suites without ECDHE or AEAD"),
    };
    notes.push(Note::Warning(format!(
        "auth_suite {name}: TLS 1.2 and TLS 1.3 are offered; {missing} need the feature \
         transport-tls-openssl, which this build has not"
    )));
    None
}

/// Finds PyKMIP's database, and the place of ours.
fn place(
    settings: &Settings,
    surroundings: &Surroundings,
    notes: &mut Vec<Note>,
) -> (PathBuf, Place) {
    let given = settings.database_path.as_deref();
    let path = surroundings.directory.join(given.unwrap_or(Path::new(database::DEFAULT)));
    if path != Path::new(database::DEFAULT) {
        let place = Place::beside(&path);
        notes.push(Note::Fact(format!(
            "database_path {}: the sealed store is {}",
            path.display(),
            place.store.display()
        )));
        return (path, place);
    }
    let place = Place::within(&surroundings.state);
    notes.push(Note::Warning(format!(
        "database_path is PyKMIP's default {}, which every user may write beside and a restart \
         of the computer removes: the sealed store is {}",
        path.display(),
        place.store.display()
    )));
    (path, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pykmip::settings::{self, LoggingLevel};

    fn settings() -> Settings {
        Settings {
            hostname: "kmip.example".into(),
            port: 5696,
            certificate_path: "/pki/server.crt".into(),
            key_path: "server.key".into(),
            ca_path: "/pki/ca.crt".into(),
            auth_suite: AuthSuite::Tls12,
            policy_path: None,
            enable_tls_client_auth: false,
            tls_cipher_suites: vec!["AES128-SHA".into()],
            logging_level: LoggingLevel::Warning,
            log_path: Some("server.log".into()),
            database_path: Some("/data/pykmip.db".into()),
            slugs: Vec::new(),
            unknown_plugins: vec!["auth:ldap".into()],
        }
    }

    fn of(settings: &Settings) -> Translated {
        let surroundings =
            Surroundings { directory: "/run/here".into(), state: "/state/kmip-app".into() };
        translate(settings, &surroundings).unwrap()
    }

    fn warnings(translated: &Translated) -> String {
        let warnings = translated.notes.iter().filter(|note| matches!(note, Note::Warning(_)));
        warnings.map(Note::text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_setting_has_its_counterpart() {
        let config = of(&settings()).config;
        assert_eq!(config.listen.kmip.address.to_string(), "kmip.example:5696");
        assert_eq!(config.listen.kmip.certificate, Some("/pki/server.crt".into()));
        assert_eq!(config.listen.kmip.key, Some("/run/here/server.key".into()));
        assert_eq!(config.listen.kmip.client_ca, Some("/pki/ca.crt".into()));
        assert_eq!(config.listen.kmip.cipher_suites, ["AES128-SHA"]);
        assert!(!config.listen.kmip.strict_suites);
        assert!(!config.auth.require_client_auth_usage);
        assert_eq!(config.log.level, "warn");
        assert_eq!(config.log.file, Some("/run/here/server.log".into()));
        assert_eq!((config.log.file_bytes, config.log.files), (1_000_000, 5));
        assert_eq!(config.storage.url, "sqlite:/data/pykmip.db.kmip-app/kmip-app.db");
        assert_eq!(config.root_key.file.as_deref(), Some("/data/pykmip.db.kmip-app/root.key"));
    }

    #[test]
    fn what_pykmips_clients_rely_on_is_on() {
        let translated = of(&settings());
        assert!(translated.config.crypto.legacy);
        assert_eq!(translated.config.attributes.unasked, Unasked::Conservative);
        assert!(!translated.config.operations.interop);
        assert!(!translated.config.development);
        let told = translated.notes.iter().any(|note| note.text().starts_with("crypto.legacy"));
        assert!(told, "{:?}", translated.notes);
    }

    #[test]
    fn the_default_database_is_replaced_with_a_warning() {
        for database_path in [None, Some("/tmp/pykmip.database".into())] {
            let translated = of(&Settings { database_path, ..settings() });
            assert_eq!(translated.config.storage.url, "sqlite:/state/kmip-app/kmip-app.db");
            assert_eq!(translated.database, Path::new("/tmp/pykmip.database"));
            let warnings = warnings(&translated);
            assert!(warnings.contains("default /tmp/pykmip.database"), "{warnings}");
        }
        assert!(!warnings(&of(&settings())).contains("/tmp"));
    }

    #[test]
    fn an_auth_suite_warns_of_what_is_not_offered() {
        for (auth_suite, expected) in
            [(AuthSuite::Basic, "auth_suite Basic"), (AuthSuite::Tls12, "auth_suite TLS1.2")]
        {
            let warnings = warnings(&of(&Settings { auth_suite, ..settings() }));
            assert!(warnings.contains(expected), "{warnings}");
            assert!(warnings.contains("transport-tls-openssl"), "{warnings}");
        }
    }

    #[test]
    fn plugins_are_not_passed_over_in_silence() {
        assert!(warnings(&of(&settings())).contains("'auth:ldap' is not supported."));
    }

    #[cfg(feature = "auth-slugs")]
    #[test]
    fn policies_and_groups_decide_as_under_pykmip() {
        let slugs = vec![settings::Slugs { section: "auth:slugs".into(), url: "http://a".into() }];
        let policy_path = Some("policies".into());
        let translated = of(&Settings { policy_path, slugs, ..settings() });
        let Config { auth, policy, .. } = translated.config;
        assert_eq!(policy.groups_without_section, WithoutSection::Deny);
        assert!(policy.reveal_forbidden);
        assert!(policy.path.is_some_and(|path| path.ends_with("policies")));
        assert_eq!(auth.slugs, [Slugs::of("http://a".to_owned())]);
    }

    #[test]
    fn no_host_name_is_every_address() {
        let config = of(&Settings { hostname: String::new(), ..settings() }).config;
        assert_eq!(config.listen.kmip.address.to_string(), "0.0.0.0:5696");
    }

    #[test]
    fn the_same_configuration_comes_back_from_toml() {
        let config = of(&settings()).config;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kmip-app.toml");
        std::fs::write(&file, config.to_toml()).unwrap();
        assert_eq!(Config::load(Some(&file), &[]).unwrap(), config);
    }
}
