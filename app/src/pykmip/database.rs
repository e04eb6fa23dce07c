//! PyKMIP's database: where our store lies instead of it, and what is not started upon.
//!
//! PyKMIP keeps its objects, keys in clear, in one SQLite file. Our store is another one, sealed,
//! in a directory `<database_path>.kmip-app` beside it, with its root key. A PyKMIP database whose
//! objects have not been brought over stops the start: an empty server would look like lost keys.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::report::Report;

/// Where PyKMIP keeps its database if nobody says otherwise: where every user may write.
pub const DEFAULT: &str = "/tmp/pykmip.database";

/// What every SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The first table of PyKMIP's, as SQLite writes it down.
const FIRST_TABLE: &[u8] = b"CREATE TABLE managed_objects";

/// How much of a file is looked at; the tables are written down before the objects.
const LOOKED_AT: u64 = 1 << 20;

/// Where our store and its root key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The store.
    pub store: PathBuf,
    /// The key that seals it.
    pub root_key: PathBuf,
}

impl Place {
    /// Returns the place that belongs to a `database_path`: a directory beside it.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        let mut directory = database.as_os_str().to_owned();
        directory.push(".kmip-app");
        Self::within(Path::new(&directory))
    }

    /// Returns the place in a directory of our own.
    #[must_use]
    pub fn within(directory: &Path) -> Self {
        Self { store: directory.join("kmip-app.db"), root_key: directory.join("root.key") }
    }
}

/// Refuses to start on a PyKMIP database whose objects have not been brought over.
///
/// # Errors
/// Says how to bring them over, or that the file cannot be read.
pub fn refuse_unimported(database: &Path, store: &Path) -> Result<(), Report> {
    if store.exists() {
        return Ok(());
    }
    let found = is_pykmip(database).map_err(|error| {
        Report::new(format!("database_path {} cannot be read: {error}", database.display()))
    })?;
    if !found {
        return Ok(());
    }
    let database = database.display();
    Err(Report::new(format!(
        "{database} is a PyKMIP database, which this server does not write to. Bring its objects \
         into the store {} with 'kmip-app import pykmip {database}' and the configuration that you \
         serve with, or begin with an empty store by --create-store",
        store.display()
    )))
}

/// Says whether a file is a database of PyKMIP's. One that is not there is none.
fn is_pykmip(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut bytes)?;
    let names_it = |bytes: &[u8]| bytes.windows(FIRST_TABLE.len()).any(|part| part == FIRST_TABLE);
    Ok(bytes.starts_with(SQLITE) && names_it(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_lies_in_a_directory_beside_the_database() {
        let place = Place::beside(Path::new("/var/lib/pykmip/pykmip.db"));
        assert_eq!(place.store, Path::new("/var/lib/pykmip/pykmip.db.kmip-app/kmip-app.db"));
        assert_eq!(place.root_key, Path::new("/var/lib/pykmip/pykmip.db.kmip-app/root.key"));
    }

    #[test]
    fn a_pykmip_database_is_refused_until_there_is_a_store() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("pykmip.db");
        let place = Place::beside(&database);
        assert!(refuse_unimported(&database, &place.store).is_ok());
        let mut bytes = SQLITE.to_vec();
        bytes.resize(5_000, 0);
        std::fs::write(&database, &bytes).unwrap();
        assert!(refuse_unimported(&database, &place.store).is_ok());
        bytes.extend(FIRST_TABLE);
        std::fs::write(&database, &bytes).unwrap();
        let error = refuse_unimported(&database, &place.store).unwrap_err().to_string();
        assert!(error.contains("kmip-app import pykmip"), "{error}");
        assert!(error.contains(&database.display().to_string()), "{error}");
        std::fs::create_dir(place.store.parent().unwrap()).unwrap();
        std::fs::write(&place.store, "").unwrap();
        assert!(refuse_unimported(&database, &place.store).is_ok());
    }
}
