//! The file of the next root key, and how it takes the place of the other.
//!
//! The old root key is kept under another name: it opens the backups that were made under it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::report::Report;

/// How many old root keys can lie beside each other.
const OLD: u32 = 10_000;

/// Returns where the next root key lies until it takes its place.
pub(crate) fn new_beside(path: &Path) -> PathBuf {
    named(path, "new")
}

fn named(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    name.into()
}

/// Puts the next root key into the place of the other, and returns where that one is kept. There is a
/// root key in that place at every moment, and it may be done again after it ended anywhere.
pub(crate) fn swap(path: &Path) -> Result<PathBuf, Report> {
    let new = new_beside(path);
    let failed = |error: io::Error| {
        Report::new(format!(
            "the store is under the new root key {}, which could not take the place of {}: {error}; \
             it will at the next start",
            new.display(),
            path.display()
        ))
    };
    let old = keep(path).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let synced = File::open(directory.unwrap_or(Path::new("."))).and_then(|it| it.sync_all());
    synced.map_err(failed)?;
    Ok(old)
}

/// Gives the root key a second name, the first of `….old-1`, `….old-2` and so on that is free.
fn keep(path: &Path) -> io::Result<PathBuf> {
    for number in 1..OLD {
        let old = named(path, &format!("old-{number}"));
        match fs::hard_link(path, &old) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked.map(|()| old),
        }
    }
    Err(io::Error::other("too many old root keys lie beside it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_one_takes_the_place_and_the_old_ones_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        fs::write(&path, "first").unwrap();
        for (new, number, before) in [("second", 1, "first"), ("third", 2, "second")] {
            fs::write(new_beside(&path), new).unwrap();
            let old = swap(&path).unwrap();
            assert_eq!(old, directory.path().join(format!("root.key.old-{number}")));
            assert_eq!(fs::read_to_string(&old).unwrap(), before);
            assert_eq!(fs::read_to_string(&path).unwrap(), new);
            assert!(!new_beside(&path).exists());
        }
    }

    #[test]
    fn without_a_new_one_the_other_stays_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        fs::write(&path, "first").unwrap();
        assert!(swap(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
    }
}
