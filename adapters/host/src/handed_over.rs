//! Secrets that the process is given when it starts: in its environment, or behind a descriptor.
//!
//! Both are read once. A variable stays where it is: taking it out of the environment of a process
//! that has threads is not safe, and whoever may read `/proc/PID/environ` may read the memory too.
//! A descriptor is opened again by its name in `/proc/self/fd`, read to its end and closed; the
//! number that was inherited stays open, and of a pipe nothing is left in it.

use std::{
    env,
    fs::File,
    io::{self, Read},
};

use kmip_model::Material;
use thiserror::Error;
use zeroize::Zeroizing;

/// More than any secret that is handed over.
const MAXIMUM_BYTES: usize = 64 * 1024;

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum HandedOverError {
    /// The variable is not set, or is empty.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// The variable is no text.
    #[error("the environment variable {0} is not text")]
    NotText(String),
    /// The descriptor cannot be read.
    #[error("file descriptor {number} cannot be read")]
    Unreadable {
        /// The descriptor.
        number: u32,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is more behind the descriptor than any secret.
    #[error("file descriptor {0} gives more than {MAXIMUM_BYTES} bytes, which no secret has")]
    TooLong(u32),
}

/// Reads a variable.
///
/// # Errors
///
/// Reports one that is missing, empty or no text; never what is in it.
pub fn variable(name: &str) -> Result<Material, HandedOverError> {
    match env::var(name) {
        Ok(text) if text.is_empty() => Err(HandedOverError::NoVariable(name.to_owned())),
        Ok(text) => Ok(Material::new(text.into_bytes())),
        Err(env::VarError::NotPresent) => Err(HandedOverError::NoVariable(name.to_owned())),
        Err(env::VarError::NotUnicode(_)) => Err(HandedOverError::NotText(name.to_owned())),
    }
}

/// Reads what is behind a descriptor, to its end.
///
/// # Errors
///
/// Reports one that is not open or cannot be read, and one that gives too much.
pub fn descriptor(number: u32) -> Result<Material, HandedOverError> {
    let unreadable = |source| HandedOverError::Unreadable { number, source };
    // What is inherited as standard input may be a socket, which has no name to be opened by.
    let read = if number == 0 {
        read(io::stdin().lock())
    } else {
        File::open(format!("/proc/self/fd/{number}")).and_then(read)
    };
    read.map_err(unreadable)?.ok_or(HandedOverError::TooLong(number))
}

/// Reads to the end; `None` if that is too far.
fn read(mut source: impl Read) -> io::Result<Option<Material>> {
    // Room for all of it at once: growing would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(vec![0; MAXIMUM_BYTES.saturating_add(1)]);
    let mut length = 0_usize;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => return Ok(bytes.get(..length).map(Material::from)),
            Ok(count) => length = length.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = variable("KMIP_APP_TEST_NOBODY_SETS_THIS").unwrap_err().to_string();
        assert!(error.contains("KMIP_APP_TEST_NOBODY_SETS_THIS"), "{error}");
        assert!(!variable("PATH").unwrap().is_empty());
    }

    #[test]
    fn a_descriptor_is_read_to_its_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"secret").unwrap();
        let number = u32::try_from(file.as_raw_fd()).unwrap();
        assert_eq!(descriptor(number).unwrap(), Material::from(b"secret".as_slice()));
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"piped").unwrap();
        drop(writer);
        let number = u32::try_from(reader.as_raw_fd()).unwrap();
        assert_eq!(descriptor(number).unwrap(), Material::from(b"piped".as_slice()));
    }

    #[test]
    fn too_much_and_nothing_are_refused() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; MAXIMUM_BYTES + 1]).unwrap();
        let number = u32::try_from(file.as_raw_fd()).unwrap();
        assert!(matches!(descriptor(number), Err(HandedOverError::TooLong(_))));
        assert!(matches!(descriptor(999_999), Err(HandedOverError::Unreadable { .. })));
    }
}
