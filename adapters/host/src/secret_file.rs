//! Files that hold secrets: nobody but their owner may read them.
//!
//! Reading refuses a file that others could have read; writing never replaces a file and
//! returns when the bytes and the directory entry are on disk.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use kmip_model::Material;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::together;

/// More than any secret that belongs into a file, less than what would hurt.
const MAXIMUM_BYTES: u64 = 256 * 1024;

/// Why a secret file was not read or made.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// There is no such file.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses to read it.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is a directory, a device or the like.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error("{path} is open to other users (mode {mode:04o}); close it with: chmod 600 {path}")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others than its owner may exchange what is in the directory.
    #[error("other users may write to {path} (mode {mode:04o}); close it with: chmod go-w {path}")]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is larger than any secret.
    #[error("{path} is larger than {MAXIMUM_BYTES} bytes, which no secret file is")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Another process is making it.
    #[error("{path} is being written by another process")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A file of that name is there already.
    #[error("{path} exists already and is never replaced; move it away first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses to write it.
    #[error("{path} cannot be written")]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Reads a secret file.
///
/// # Errors
///
/// Refuses a file that is missing, no regular file, too large, or open to other users. Files in
/// the service manager's `CREDENTIALS_DIRECTORY` may have group bits: there they show an access
/// list that the service manager has set.
pub fn read(path: &Path) -> Result<Material, SecretFileError> {
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    read_with(path, credentials.as_deref())
}

/// Writes a new secret file with mode 0600 and waits until it is on disk. Until then nothing has
/// its name; see [`together`].
///
/// # Errors
///
/// Refuses to replace a file.
pub fn create(path: &Path, secret: &Material) -> Result<(), SecretFileError> {
    together::create(&[(path, secret)])
}

/// Makes a directory for secrets, and those above it, with mode 0700; keeps one that is there.
///
/// # Errors
///
/// Refuses one that is there and that other users may write to: they could exchange the files.
pub fn create_directory(path: &Path) -> Result<(), SecretFileError> {
    let unwritable = |source| SecretFileError::Unwritable { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable)?;
    let mode = fs::metadata(path).map_err(unwritable)?.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(SecretFileError::WritableByOthers { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Reads a secret file; `credentials` is the service manager's directory, if there is one.
fn read_with(path: &Path, credentials: Option<&Path>) -> Result<Material, SecretFileError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SecretFileError::Missing { path: path.to_owned() },
        _ => SecretFileError::Unreadable { path: path.to_owned(), source },
    };
    // Looked at before it is opened, because opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretFileError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.len() > MAXIMUM_BYTES {
        return Err(SecretFileError::TooLarge { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o777;
    let credential = credentials.is_some_and(|directory| path.starts_with(directory));
    let forbidden = if credential { 0o007 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(SecretFileError::OpenToOthers { path: path.to_owned(), mode });
    }
    // Room for all of it at once: growing would leave copies of the secret behind.
    let room = usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(MAXIMUM_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Material::from(bytes.as_slice()))
}

/// Returns the directory that has the entry of `path`.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secret() -> Material {
        Material::from(b"secret".as_slice())
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_created_file_is_private_and_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create(&path, &secret()).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(read(&path).unwrap(), secret());
    }

    #[test]
    fn a_file_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create(&path, &secret()).unwrap();
        let error = create(&path, &Material::from(b"other".as_slice())).unwrap_err();
        assert!(matches!(error, SecretFileError::Exists { .. }), "{error}");
        assert_eq!(read(&path).unwrap(), secret());
    }

    #[test]
    fn a_file_open_to_others_is_refused_with_the_command_that_closes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create(&path, &secret()).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let text = read(&path).unwrap_err().to_string();
            let command = format!("chmod 600 {}", path.display());
            assert!(text.ends_with(&command), "{text}");
            assert!(text.contains(&format!("mode {mode:04o}")), "{text}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read(&path).unwrap(), secret());
    }

    #[test]
    fn a_credential_may_have_group_bits_but_not_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create(&path, &secret()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        assert_eq!(read_with(&path, Some(directory.path())).unwrap(), secret());
        assert!(read_with(&path, Some(Path::new("/elsewhere"))).is_err());
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(read_with(&path, Some(directory.path())).is_err());
    }

    #[test]
    fn what_is_no_secret_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        assert!(matches!(read(&missing), Err(SecretFileError::Missing { .. })));
        assert!(matches!(read(directory.path()), Err(SecretFileError::NotAFile { .. })));
        assert!(matches!(read(Path::new("/dev/zero")), Err(SecretFileError::NotAFile { .. })));
        let large = directory.path().join("large");
        create(&large, &Material::new(vec![0; 256 * 1024 + 1])).unwrap();
        assert!(matches!(read(&large), Err(SecretFileError::TooLarge { .. })));
    }

    #[test]
    fn a_created_directory_is_private_and_may_be_there_already() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        assert_eq!(mode_of(&path), 0o700);
        assert_eq!(mode_of(path.parent().unwrap()), 0o700);
        let file = path.join("key");
        create(&file, &secret()).unwrap();
        assert!(matches!(create_directory(&file), Err(SecretFileError::Unwritable { .. })));
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, refused) in [(0o755, false), (0o775, true), (0o777, true)] {
            fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
            let result = create_directory(directory.path());
            let is_refused = matches!(result, Err(SecretFileError::WritableByOthers { .. }));
            assert_eq!(is_refused, refused, "{mode:o}: {result:?}");
        }
    }
}
