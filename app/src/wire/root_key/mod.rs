//! The root key: where it comes from, which of two is the right one, and where the next one goes.
//!
//! A file, a systemd credential, the environment, a descriptor, a passphrase, a PKCS#11 token, or, for
//! a store in memory, none that lasts.

mod candidates;
mod files;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use kmip_host::{
    Cost, FileRootKey, PassphraseRootKey, handed_over,
    secret_file::{self, SecretFileError},
};
use kmip_model::Material;
use kmip_ports::{record::AtRestCipher, root_key::RootKey};

pub(crate) use self::{
    candidates::{Candidates, Role},
    files::{new_beside, swap},
};
use crate::{config, report::Report};

/// Where a root key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of ours.
    File(PathBuf),
    /// A file of the service manager's, which is never written.
    Credential(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A file descriptor.
    Descriptor(u32),
    /// A passphrase and its cost.
    Passphrase(Secret, Cost),
    /// A key in a token.
    #[cfg(feature = "root-key-pkcs11")]
    Token(kmip_pkcs11::Place, Option<Secret>),
}

/// Where a passphrase or a PIN comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// A file that nobody else may read.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl Secret {
    fn of(file: Option<&str>, variable: Option<&str>) -> Result<Option<Self>, Report> {
        Ok(match (file, variable) {
            (Some(file), _) => Some(Self::File(resolve(file)?.0)),
            (None, Some(variable)) => Some(Self::Variable(variable.to_owned())),
            (None, None) => None,
        })
    }

    fn read(&self) -> Result<Material, Report> {
        Ok(match self {
            Self::File(path) => secret_file::read(path)?,
            Self::Variable(name) => handed_over::variable(name)?,
        })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Variable(name) => write!(f, "in the environment variable {name}"),
        }
    }
}

impl Source {
    /// Reads which source is named; `None` if there is none.
    pub(crate) fn of(section: &config::RootKey) -> Result<Option<Self>, Report> {
        let passphrase = [
            ("passphrase_file", section.passphrase_file.is_some()),
            ("passphrase_env", section.passphrase_env.is_some()),
        ];
        let others = [
            ("file", section.file.is_some()),
            ("env", section.env.is_some()),
            ("fd", section.fd.is_some()),
            ("pkcs11", section.pkcs11.is_some()),
        ];
        let named: Vec<&str> =
            others.into_iter().chain(passphrase).filter(|it| it.1).map(|it| it.0).collect();
        if named.len() > 1 {
            return Err(Report::new(format!(
                "root_key names several sources ({}); leave the one that the store was sealed under",
                named.join(", ")
            )));
        }
        if let Some(file) = &section.file {
            let (path, credential) = resolve(file)?;
            return Ok(Some(if credential { Self::Credential(path) } else { Self::File(path) }));
        }
        if let Some(name) = &section.env {
            return Ok(Some(Self::Variable(name.clone())));
        }
        if let Some(number) = section.fd {
            return Ok(Some(Self::Descriptor(number)));
        }
        if let Some(pkcs11) = &section.pkcs11 {
            return Self::token(pkcs11).map(Some);
        }
        let (file, variable) = (&section.passphrase_file, &section.passphrase_env);
        let config::PassphraseCost { memory_kib, passes, lanes } = section.passphrase_cost;
        let cost = Cost { memory_kib, passes, lanes };
        let secret = Secret::of(file.as_deref(), variable.as_deref())?;
        Ok(secret.map(|secret| Self::Passphrase(secret, cost)))
    }

    #[cfg(feature = "root-key-pkcs11")]
    fn token(pkcs11: &config::Pkcs11) -> Result<Self, Report> {
        let config::Pkcs11 { module, token, slot, key, pin_file, pin_env } = pkcs11;
        if pin_file.is_some() && pin_env.is_some() {
            return Err(Report::new("root_key.pkcs11 names both pin_file and pin_env; leave one"));
        }
        let place = kmip_pkcs11::Place::new(module.clone(), token.clone(), *slot, key.clone())?;
        Ok(Self::Token(place, Secret::of(pin_file.as_deref(), pin_env.as_deref())?))
    }

    #[cfg(not(feature = "root-key-pkcs11"))]
    fn token(_: &config::Pkcs11) -> Result<Self, Report> {
        Err(super::missing("root_key.pkcs11", "root-key-pkcs11"))
    }

    /// Returns the file that it is in, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Credential(path) => Some(path),
            _ => None,
        }
    }

    /// Returns the file that it should be in and is not.
    pub(crate) fn missing(&self) -> Option<&Path> {
        self.file().filter(|path| !path.exists())
    }

    /// Reads the root key.
    pub(crate) fn load(&self, cipher: Arc<dyn AtRestCipher>) -> Result<Arc<dyn RootKey>, Report> {
        Ok(match self {
            Self::File(path) | Self::Credential(path) => load(path, cipher)?,
            Self::Variable(name) => {
                let text = handed_over::variable(name)?;
                let name = format!("the environment variable {name}");
                Arc::new(FileRootKey::from_text(&text, &name, cipher)?)
            }
            Self::Descriptor(number) => {
                let text = handed_over::descriptor(*number)?;
                let name = format!("file descriptor {number}");
                Arc::new(FileRootKey::from_text(&text, &name, cipher)?)
            }
            Self::Passphrase(secret, cost) => {
                Arc::new(PassphraseRootKey::new(&secret.read()?, *cost, cipher)?)
            }
            #[cfg(feature = "root-key-pkcs11")]
            Self::Token(place, pin) => {
                let pin = pin.as_ref().map(Secret::read).transpose()?;
                Arc::new(kmip_pkcs11::TokenRootKey::new(place.clone(), pin.as_ref())?)
            }
        })
    }

    /// Makes the root key where it is to be; what cannot be made by a program is refused.
    pub(crate) fn create(&self, cipher: Arc<dyn AtRestCipher>) -> Result<(), Report> {
        match self {
            Self::File(path) => {
                make_directory(path)?;
                create(path, cipher).map(drop)
            }
            #[cfg(feature = "root-key-pkcs11")]
            Self::Token(place, pin) => {
                let pin = pin.as_ref().map(Secret::read).transpose()?;
                let token = kmip_pkcs11::TokenRootKey::new(place.clone(), pin.as_ref())?;
                Ok(token.create()?)
            }
            Self::Credential(_)
            | Self::Variable(_)
            | Self::Descriptor(_)
            | Self::Passphrase(..) => Err(Report::new(format!(
                "the root key is {self}, which this program only reads; put it there yourself"
            ))),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in the file {}", path.display()),
            Self::Credential(path) => write!(f, "in the credential {}", path.display()),
            Self::Variable(name) => write!(f, "in the environment variable {name}"),
            Self::Descriptor(number) => write!(f, "behind file descriptor {number}"),
            Self::Passphrase(secret, cost) => write!(
                f,
                "made from a passphrase {secret} (argon2id, {} KiB, {} passes, {} lanes)",
                cost.memory_kib, cost.passes, cost.lanes
            ),
            #[cfg(feature = "root-key-pkcs11")]
            Self::Token(place, _) => place.fmt(f),
        }
    }
}

/// Finds a file, and says whether it is the service manager's.
fn resolve(file: &str) -> Result<(PathBuf, bool), Report> {
    let Some(name) = file.strip_prefix("credential:") else { return Ok((file.into(), false)) };
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        Report::new(format!(
            "root_key names {file:?}, but systemd gave no credentials; see LoadCredential="
        ))
    })?;
    Ok((Path::new(&directory).join(name), true))
}

/// Checks that this build has the sources that are named, without reading them.
pub(crate) fn check(section: &config::RootKey) -> Result<(), Report> {
    // Where credentials are is known only to a process that the service manager has started.
    let named = |section: &config::RootKey| {
        let files = [&section.file, &section.passphrase_file];
        let credential = files.into_iter().flatten().any(|file| file.starts_with("credential:"));
        if credential { Ok(()) } else { Source::of(section).map(drop) }
    };
    named(section)?;
    let Some(next) = &section.next else { return Ok(()) };
    if next.next.is_some() {
        return Err(Report::new("root_key.next.next is one too many: root keys change one by one"));
    }
    named(next)
}

/// Loads the root key of a file.
fn load(path: &Path, cipher: Arc<dyn AtRestCipher>) -> Result<Arc<dyn RootKey>, Report> {
    match FileRootKey::load(path, cipher) {
        Ok(root_key) => Ok(Arc::new(root_key)),
        Err(kmip_host::RootKeyFileError::File(SecretFileError::Missing { path })) => {
            Err(Report::new(format!("the root key {} is not there; bring it back", path.display())))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the root key, once.
pub(crate) fn create(
    path: &Path,
    cipher: Arc<dyn AtRestCipher>,
) -> Result<Arc<dyn RootKey>, Report> {
    Ok(Arc::new(FileRootKey::create(path, cipher)?))
}

/// Loads the root key of a file, and makes it if it is not there.
pub(crate) fn load_or_create(
    path: &Path,
    cipher: Arc<dyn AtRestCipher>,
) -> Result<Arc<dyn RootKey>, Report> {
    if path.exists() {
        return load(path, cipher);
    }
    make_directory(path)?;
    create(path, cipher)
}

fn make_directory(path: &Path) -> Result<(), Report> {
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty() && !it.exists()) {
        secret_file::create_directory(directory)?;
    }
    Ok(())
}

/// Makes a root key that is gone with the process, as a store in memory is.
#[cfg(feature = "store-sqlite")]
pub(crate) fn ephemeral(cipher: Arc<dyn AtRestCipher>) -> Result<Arc<dyn RootKey>, Report> {
    Ok(Arc::new(FileRootKey::ephemeral(cipher)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<Source>, String> {
        let section: config::RootKey = toml::from_str(text).unwrap();
        Source::of(&section).map_err(|report| report.to_string())
    }

    #[test]
    fn one_source_is_named() {
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("file = \"/a\""), Ok(Some(Source::File("/a".into()))));
        assert_eq!(of("env = \"A\""), Ok(Some(Source::Variable("A".into()))));
        assert_eq!(of("fd = 3"), Ok(Some(Source::Descriptor(3))));
        let passphrase = |secret| Ok(Some(Source::Passphrase(secret, Cost::default())));
        assert_eq!(of("passphrase_file = \"/a\""), passphrase(Secret::File("/a".into())));
        assert_eq!(of("passphrase_env = \"A\""), passphrase(Secret::Variable("A".into())));
    }

    #[test]
    fn several_sources_are_refused_by_name() {
        let error = of("file = \"/a\"\nfd = 3\npassphrase_env = \"A\"").unwrap_err();
        assert!(error.contains("several sources (file, fd, passphrase_env)"), "{error}");
    }

    #[test]
    #[cfg(not(feature = "root-key-pkcs11"))]
    fn a_token_is_refused_with_the_feature_that_has_it() {
        let error = of("[pkcs11]\nmodule = \"m.so\"\ntoken = \"t\"\nkey = \"k\"").unwrap_err();
        assert!(error.contains("the feature root-key-pkcs11"), "{error}");
    }

    #[test]
    #[cfg(feature = "root-key-pkcs11")]
    fn a_token_is_named_by_label_or_slot_and_has_one_pin() {
        let token = "[pkcs11]\nmodule = \"m.so\"\nkey = \"k\"\n";
        assert!(of(&format!("{token}token = \"t\"\npin_env = \"PIN\"")).is_ok());
        assert!(of(&format!("{token}slot = 1")).is_ok());
        let error = of(token).unwrap_err();
        assert!(error.contains("by its label or by its slot"), "{error}");
        let error =
            of(&format!("{token}slot = 1\npin_file = \"/a\"\npin_env = \"A\"")).unwrap_err();
        assert!(error.contains("pin_file and pin_env"), "{error}");
    }

    #[test]
    fn the_next_root_key_has_no_next() {
        let section: config::RootKey =
            toml::from_str("file = \"/a\"\n[next]\nfd = 3\n[next.next]\nfd = 4\n").unwrap();
        assert!(check(&section).unwrap_err().to_string().contains("next.next"));
    }
}
