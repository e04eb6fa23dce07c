//! The files of a directory, or a single file: which there are, and what is in them.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{parse::MAXIMUM_BYTES, shelf::Contents};

/// Reads every policy file at `path`: those of a directory whose names end in `.json`, or the one
/// file that it is. What is not there holds nothing.
///
/// # Errors
/// The directory is there and cannot be listed. A file that cannot be read is no error of all.
pub fn read(path: &Path) -> io::Result<Contents> {
    let files = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => list(path)?,
        Ok(_) => vec![path.to_owned()],
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut contents = Contents::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match read_file(&file) {
            // It went while the directory was being read.
            Err(error) if is_absent(&error) => {}
            content => {
                contents.insert(name, content);
            }
        }
    }
    Ok(contents)
}

fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") && !path.is_dir() {
            files.push(path);
        }
    }
    Ok(files)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // Looked at before it is opened, because opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there are too many.
    File::open(path)?.take(MAXIMUM_BYTES.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What must be watched to learn of changes: a directory, and which one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The directory: of the files, or of the single file, or in which either may appear.
    pub directory: PathBuf,
    device: u64,
    inode: u64,
}

impl Target {
    /// Finds what to watch for `path`; nothing if not even the directory above it is there.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let above = || match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let directory = if path.is_dir() { path } else { above() };
        let metadata = fs::metadata(directory).ok()?;
        metadata.is_dir().then(|| Self {
            directory: directory.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_its_json_files_and_a_file_itself() {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in [("b.json", "b"), ("a.json", "a"), ("c.txt", "c"), ("json", "d")] {
            fs::write(place.path().join(name), text).unwrap();
        }
        fs::create_dir(place.path().join("d.json")).unwrap();
        let names = |path: &Path| read(path).unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(names(place.path()), ["a.json", "b.json"]);
        assert_eq!(names(&place.path().join("c.txt")), ["c.txt"]);
        assert_eq!(names(&place.path().join("none")), [""; 0]);
        assert_eq!(names(&place.path().join("c.txt/none")), [""; 0]);
    }

    #[test]
    fn what_appears_later_is_watched_for_in_the_directory_above() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("policies");
        let above = Target::of(&path).unwrap();
        assert_eq!(above.directory, place.path());
        fs::create_dir(&path).unwrap();
        let first = Target::of(&path).unwrap();
        assert_eq!(first.directory, path);
        // Another directory of the same name is another target.
        fs::rename(&path, place.path().join("old")).unwrap();
        fs::create_dir(&path).unwrap();
        assert_ne!(Target::of(&path).unwrap(), first);
        assert_eq!(Target::of(&path.join("a/b")), None);
    }
}
