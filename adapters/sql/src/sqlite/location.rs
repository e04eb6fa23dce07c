//! Where a database is, and what can be wrong with that place.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory, until the store is dropped.
    Memory,
    /// In a file.
    File(PathBuf),
}

/// The text is no location of a SQLite database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a location is written sqlite:path/to/file or sqlite::memory:")]
pub struct UnknownLocation;

/// How to open a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where it is.
    pub location: Location,
    /// Makes the file if there is none.
    pub create: bool,
    /// How many may look single records up at a time, and how many may search.
    pub readers: u32,
    /// How many bytes of sealed records are kept in memory; 0 for none.
    pub cache_bytes: u64,
}

/// Why a store cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no database at {}: correct the location, or create one", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A later program has changed the schema.
    #[error(
        "the database {} has schema {found} and this program knows schemas up to {known}: \
         run the program that wrote it, or a later one", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The latest schema this program knows.
        known: i64,
    },
    /// Another process has it open.
    #[error(
        "another process uses the database {}: stop that process, or give each its own database",
        .path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Something else keeps its tables there.
    #[error("the database {} belongs to another program: correct the location", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error(
        "the file {} cannot be read and written: check that it and its directory belong to the \
         user that runs this program", .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// SQLite refuses.
    #[error(
        "the file {} cannot be used as a database: check for a full disk, or restore it from a \
         backup", .path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Location {
    /// Reads `sqlite:path`, `sqlite://path` or `sqlite::memory:`.
    pub fn parse(text: &str) -> Result<Self, UnknownLocation> {
        let place = text.strip_prefix("sqlite:").ok_or(UnknownLocation)?;
        if place == ":memory:" {
            return Ok(Self::Memory);
        }
        match place.strip_prefix("//").unwrap_or(place) {
            "" => Err(UnknownLocation),
            path => Ok(Self::File(path.into())),
        }
    }

    /// Returns what messages call it.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Memory => PathBuf::from(":memory:"),
            Self::File(path) => path.clone(),
        }
    }
}

/// The system of files that SQLite keeps in memory, where all connections of a process that name
/// the same file share it.
const IN_MEMORY: &str = "memdb";

/// Where connections of this process find a database.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    in_memory: bool,
}

impl Place {
    /// Names a file, or something in memory that nobody else has.
    pub(super) fn of(location: &Location) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        match location {
            Location::Memory => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                Self { file: format!("/kmip-{number}").into(), in_memory: true }
            }
            Location::File(path) => Self { file: path.clone(), in_memory: false },
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the system of files, where it is not the usual one.
    pub(super) const fn vfs(&self) -> Option<&'static str> {
        if self.in_memory { Some(IN_MEMORY) } else { None }
    }

    /// Connects to it without sqlx; nothing is made.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self.vfs() {
            Some(vfs) => Connection::open_with_flags_and_vfs(&self.file, flags, vfs),
            None => Connection::open_with_flags(&self.file, flags),
        }
    }

    pub(super) const fn is_in_memory(&self) -> bool {
        self.in_memory
    }
}

impl Options {
    /// Opens what is there, with four readers and a cache of 32 MiB.
    #[must_use]
    pub const fn new(location: Location) -> Self {
        Self { location, create: false, readers: 4, cache_bytes: 32 << 20 }
    }
}

/// Makes sure of the file: that it exists and that nobody else uses it. What it returns holds the
/// lock, which the operating system takes back when the process ends, however it ends.
pub(super) fn claim(path: &Path, create: bool) -> Result<File, OpenError> {
    let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
    if !create && !path.try_exists().map_err(unreadable)? {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let lock = private().open(Path::new(&beside)).map_err(unreadable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::Locked { path: path.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(unreadable(source)),
    }
    private().create(create).open(path).map_err(unreadable)?;
    Ok(lock)
}

/// Opens for reading and writing; a new file is for its owner only. SQLite gives its side files
/// the mode of the database.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_from_text() {
        for (text, expected) in [
            ("sqlite::memory:", Ok(Location::Memory)),
            ("sqlite:kmip.db", Ok(Location::File("kmip.db".into()))),
            ("sqlite:///var/lib/kmip.db", Ok(Location::File("/var/lib/kmip.db".into()))),
            ("sqlite:/var/lib/kmip.db", Ok(Location::File("/var/lib/kmip.db".into()))),
            ("sqlite:", Err(UnknownLocation)),
            ("postgres://host/kmip", Err(UnknownLocation)),
            ("kmip.db", Err(UnknownLocation)),
        ] {
            assert_eq!(Location::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn databases_in_memory_are_strangers() {
        let [one, other] = [(); 2].map(|()| Place::of(&Location::Memory));
        assert_ne!(one.file(), other.file());
    }
}
