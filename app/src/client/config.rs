//! Which server, and as whom: `client.toml`. Paths in the file are relative to it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use kmip_ttlv::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is spoken if nobody says what: most servers know it, and none of its messages are newer.
const DEFAULT_VERSION: Version = Version::V1_4;

/// A server and how to reach it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientConfig {
    /// The server: host and port.
    pub(crate) address: String,
    /// The authorities that the server's certificate must come from, PEM.
    pub(crate) ca: PathBuf,
    /// The client's certificate chain, PEM.
    pub(crate) cert: PathBuf,
    /// The client's private key, PEM.
    pub(crate) key: PathBuf,
    /// The protocol version to speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kmip_version: Option<ProtocolVersion>,
}

/// Why there is no usable configuration of the client.
#[derive(Debug, Error)]
pub(crate) enum ClientConfigError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not as it should be.
    #[error("{path}: {}", source.message())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
}

impl ClientConfig {
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self, ClientConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ClientConfigError::Unreadable { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text).map_err(|source| {
            ClientConfigError::Wrong { path: path.to_owned(), source: Box::new(source) }
        })?;
        if let Some(directory) = path.parent() {
            for path in [&mut config.ca, &mut config.cert, &mut config.key] {
                *path = directory.join(&*path);
            }
        }
        Ok(config)
    }

    /// Writes the configuration in the form of its file.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).expect("text and paths that were text have a form in TOML")
    }

    /// Returns the version to speak.
    pub(crate) fn version(&self) -> Version {
        self.kmip_version.map_or(DEFAULT_VERSION, |ProtocolVersion(version)| version)
    }
}

/// A protocol version as it is written: `1.4`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ProtocolVersion(pub(crate) Version);

/// What was written is no protocol version that the client speaks.
#[derive(Debug, Error)]
#[error("versions are {}", known_versions())]
pub(crate) struct UnknownVersion;

fn known_versions() -> String {
    let versions: Vec<String> = Version::ALL.iter().rev().map(ToString::to_string).collect();
    versions.join(", ")
}

impl FromStr for ProtocolVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        Version::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .map(Self)
            .ok_or(UnknownVersion)
    }
}

impl TryFrom<String> for ProtocolVersion {
    type Error = UnknownVersion;

    fn try_from(text: String) -> Result<Self, UnknownVersion> {
        text.parse()
    }
}

impl From<ProtocolVersion> for String {
    fn from(version: ProtocolVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<ClientConfig, ClientConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("client.toml");
        fs::write(&file, text).unwrap();
        ClientConfig::load(&file)
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let config = ClientConfig {
            address: "localhost:5696".to_owned(),
            ca: "/a/ca.crt".into(),
            cert: "/a/client.crt".into(),
            key: "/a/client.key".into(),
            kmip_version: Some(ProtocolVersion(Version::V1_2)),
        };
        assert_eq!(load(&config.to_toml()).unwrap(), config);
        let silent = ClientConfig { kmip_version: None, ..config };
        assert_eq!(load(&silent.to_toml()).unwrap(), silent);
        assert_eq!(silent.version(), Version::V1_4);
    }

    #[test]
    fn unknown_keys_and_versions_are_refused() {
        let four = "address = \"a\"\nca = \"b\"\ncert = \"c\"\nkey = \"d\"\n";
        for (line, part) in
            [("adress = \"a\"\n", "adress"), ("kmip_version = \"3.0\"\n", "versions are 1.0, 1.1,")]
        {
            let error = load(&format!("{four}{line}")).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = ClientConfig::load(Path::new("/nowhere/client.toml")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/client.toml cannot be read");
    }
}
