//! PyKMIP's configuration, read and obeyed, so that its server can be replaced without a new one.
//!
//! | File | Does |
//! |---|---|
//! | [`ini`] | the syntax of the file |
//! | [`settings`] | the settings and their rules |
//! | [`config`] | what they mean in our [`Config`](crate::Config) |
//! | [`database`] | PyKMIP's database: where ours lies instead, and what is not started upon |

pub mod config;
pub mod database;
pub mod ini;
pub mod settings;

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use settings::{Given, SettingsError};

/// Where PyKMIP looks for its configuration.
pub const SYSTEM_PATH: &str = "/etc/pykmip/server.conf";

/// Where PyKMIP's server logs, if nothing else is said on its command line.
pub const LOG_PATH: &str = "/var/log/pykmip/server.log";

/// Why a PyKMIP configuration cannot be used.
#[derive(Debug, Error)]
pub enum PykmipError {
    /// The file is not there.
    #[error("The server configuration file ('{}') could not be located.", .0.display())]
    NoFile(PathBuf),
    /// The operating system refuses to read it.
    #[error("{} cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// What it says is wrong.
    #[error("{}: {source}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SettingsError,
    },
}

/// Reads a configuration file.
///
/// # Errors
/// Says why there are no settings.
pub fn read(path: &Path) -> Result<Given, PykmipError> {
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => PykmipError::NoFile(path.to_owned()),
        _ => PykmipError::Unreadable { path: path.to_owned(), source },
    })?;
    Given::parse(&text).map_err(|source| PykmipError::Wrong { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_told_in_pykmips_words() {
        assert_eq!(
            read(Path::new("/no/server.conf")).unwrap_err().to_string(),
            "The server configuration file ('/no/server.conf') could not be located."
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_and_one_that_is_wrong_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = read(directory.path()).unwrap_err().to_string();
        assert!(error.contains(&directory.path().display().to_string()), "{error}");
        let file = directory.path().join("server.conf");
        std::fs::write(&file, "[server]\nhots = 1\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.starts_with(&file.display().to_string()), "{error}");
        assert!(error.contains("Setting 'hots' is not a supported setting."), "{error}");
    }
}
