//! New secret files that appear under their names complete, and all of them or none.
//!
//! Each is written under a name of its own beside it, `.NAME.unfinished`, and gets its name by a
//! hard link when all are on disk. A process that dies in between leaves unfinished files, which the
//! next one takes away: what has a name already is told by being the same file as an unfinished one.
//! So nothing is ever taken away that came from elsewhere. Who writes holds a lock on what it
//! writes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use kmip_model::Material;

use crate::secret_file::{SecretFileError, directory_of};

/// A file that is to be made, and what is in it.
pub type NewFile<'a> = (&'a Path, &'a Material);

/// Writes new secret files with mode 0600 and waits until they are on disk. The last one is the one
/// that says that all are there.
///
/// # Errors
///
/// Refuses to replace a file. None of them is there after an error.
pub fn create(files: &[NewFile<'_>]) -> Result<(), SecretFileError> {
    let paths: Vec<&Path> = files.iter().map(|(path, _)| *path).collect();
    clear(&paths)?;
    if let Some(taken) = paths.iter().find(|path| fs::symlink_metadata(path).is_ok()) {
        return Err(SecretFileError::Exists { path: (*taken).to_owned() });
    }
    let mut held = Vec::new();
    let made = stage(files, &mut held).and_then(|()| publish(&paths));
    if made.is_err() {
        // Half of it is worse than nothing. If it cannot be removed either, the first error is
        // still the one to report, and the next one who comes removes it.
        let begun = held.len();
        let _ = take_back(paths.get(..begun).unwrap_or_default(), &held);
    }
    made
}

/// Takes away what a process has left that died while it made these files; with the last one's
/// name, they are finished and stay.
///
/// # Errors
///
/// Says that it cannot be removed, or that it is being written.
pub fn clear(paths: &[&Path]) -> Result<(), SecretFileError> {
    let mut held = Vec::new();
    for path in paths {
        held.extend(hold_unfinished(path)?);
    }
    if held.is_empty() {
        return Ok(());
    }
    let finished = paths.last().is_some_and(|last| held.iter().any(|file| is_named(file, last)));
    if finished {
        remove_all(paths, |path| Some(unfinished(path)))
    } else {
        take_back(paths, &held)
    }
}

/// Writes everything under unfinished names, and keeps hold of it.
fn stage(files: &[NewFile<'_>], held: &mut Vec<File>) -> Result<(), SecretFileError> {
    for (path, secret) in files {
        let unfinished = unfinished(path);
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(&unfinished);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(SecretFileError::Exists { path: unfinished });
            }
            Err(error) => return Err(unwritable(path)(error)),
        };
        if !hold(&file, &unfinished) {
            return Err(busy(path));
        }
        let written = file.write_all(secret.expose()).and_then(|()| file.sync_all());
        held.push(file);
        written.map_err(unwritable(path))?;
    }
    Ok(())
}

/// Gives every file its name, then takes the other one away.
fn publish(paths: &[&Path]) -> Result<(), SecretFileError> {
    for path in paths {
        match link(&unfinished(path), path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(SecretFileError::Exists { path: (*path).to_owned() });
            }
            linked => linked.map_err(unwritable(path))?,
        }
    }
    for path in paths {
        sync(path)?;
    }
    remove_all(paths, |path| Some(unfinished(path)))
}

/// Gives a file a second name, or another one where no file has two; never one that is taken.
fn link(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, path) {
        Err(error)
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) =>
        {
            if fs::symlink_metadata(path).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(unfinished, path)
        }
        linked => linked,
    }
}

/// Takes away what was made, which is what is held: first under its names.
fn take_back(paths: &[&Path], held: &[File]) -> Result<(), SecretFileError> {
    let is_held = |path: &Path| held.iter().any(|file| is_named(file, path));
    remove_all(paths, |path| is_held(path).then(|| path.to_owned()))?;
    remove_all(paths, |path| Some(unfinished(path)))
}

/// Removes the files that go with these, in their order.
fn remove_all(
    paths: &[&Path],
    which: impl Fn(&Path) -> Option<PathBuf>,
) -> Result<(), SecretFileError> {
    for path in paths {
        let Some(removed) = which(path) else { continue };
        match fs::remove_file(&removed) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(unwritable(&removed)(error));
            }
            _ => sync(path)?,
        }
    }
    Ok(())
}

/// Takes hold of an unfinished file, if there is one that nobody writes.
fn hold_unfinished(path: &Path) -> Result<Option<File>, SecretFileError> {
    let unfinished = unfinished(path);
    // Nothing else is opened: it might be a pipe.
    if !fs::symlink_metadata(&unfinished).is_ok_and(|it| it.is_file()) {
        return Ok(None);
    }
    match OpenOptions::new().write(true).open(&unfinished) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unwritable(&unfinished)(error)),
        Ok(file) if hold(&file, &unfinished) => Ok(Some(file)),
        Ok(_) => Err(busy(path)),
    }
}

/// Locks a file that has this name still; a file system without locks has no say in it.
fn hold(file: &File, path: &Path) -> bool {
    let locked = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    locked && is_named(file, path)
}

/// Says whether a file has this name.
fn is_named(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let held = file.metadata().map(identity).ok();
    held.is_some() && held == fs::symlink_metadata(path).map(identity).ok()
}

/// Waits until the directory of a file is on disk.
fn sync(path: &Path) -> Result<(), SecretFileError> {
    File::open(directory_of(path)).and_then(|it| it.sync_all()).map_err(unwritable(path))
}

/// Returns the name that a file has until all are there.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".unfinished");
    path.with_file_name(name)
}

fn busy(path: &Path) -> SecretFileError {
    SecretFileError::Busy { path: path.to_owned() }
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> SecretFileError {
    let path = path.to_owned();
    move |source| SecretFileError::Unwritable { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory in which a key and its certificate are made.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn paths(&self) -> [PathBuf; 2] {
            ["a.key", "a.pem"].map(|name| self.0.path().join(name))
        }

        fn make(&self, secrets: [&str; 2]) -> Result<(), SecretFileError> {
            let [key, certificate] = self.paths();
            let [first, second] = secrets.map(|it| Material::from(it.as_bytes()));
            create(&[(&key, &first), (&certificate, &second)])
        }

        fn clear(&self) -> Result<(), SecretFileError> {
            let [key, certificate] = self.paths();
            clear(&[&key, &certificate])
        }

        /// Leaves what a process leaves that dies when so much is done.
        fn interrupted(&self, written: usize, named: usize) {
            let paths = self.paths();
            for path in paths.iter().take(written) {
                fs::write(unfinished(path), "hal").unwrap();
            }
            for path in paths.iter().take(named) {
                fs::hard_link(unfinished(path), path).unwrap();
            }
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }

        fn contents(&self) -> [String; 2] {
            self.paths().map(|path| fs::read_to_string(path).unwrap())
        }
    }

    #[test]
    fn all_appear_private_and_nothing_else_does() {
        let place = Place::new();
        place.make(["key", "certificate"]).unwrap();
        assert_eq!(place.contents(), ["key", "certificate"]);
        assert_eq!(place.names(), ["a.key", "a.pem"]);
        for path in place.paths() {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_an_interruption_left_before_all_had_their_names_does_not_block() {
        for (written, named) in [(1, 0), (2, 0), (2, 1), (1, 1)] {
            let place = Place::new();
            place.interrupted(written, named);
            place.make(["key", "certificate"]).unwrap();
            assert_eq!(place.contents(), ["key", "certificate"], "{written} {named}");
            assert_eq!(place.names(), ["a.key", "a.pem"], "{written} {named}");
        }
    }

    #[test]
    fn what_was_interrupted_with_all_names_given_stays() {
        let place = Place::new();
        place.interrupted(2, 2);
        let refused = place.make(["key", "certificate"]);
        assert!(matches!(refused, Err(SecretFileError::Exists { .. })), "{refused:?}");
        assert_eq!(place.contents(), ["hal", "hal"]);
        assert_eq!(place.names(), ["a.key", "a.pem"]);
        // It may be interrupted while it takes the other names away, too.
        fs::hard_link(&place.paths()[1], unfinished(&place.paths()[1])).unwrap();
        place.clear().unwrap();
        assert_eq!(place.names(), ["a.key", "a.pem"]);
    }

    #[test]
    fn a_file_from_elsewhere_is_never_taken_away() {
        for taken in 0..2 {
            let place = Place::new();
            place.interrupted(2, 0);
            fs::write(&place.paths()[taken], "theirs").unwrap();
            let refused = place.make(["key", "certificate"]);
            assert!(matches!(refused, Err(SecretFileError::Exists { .. })), "{refused:?}");
            assert_eq!(fs::read_to_string(&place.paths()[taken]).unwrap(), "theirs");
            assert_eq!(place.names().len(), 1, "{:?}", place.names());
        }
        let place = Place::new();
        symlink("nowhere", &place.paths()[1]).unwrap();
        assert!(place.make(["key", "certificate"]).is_err());
        assert_eq!(place.names(), ["a.pem"]);
    }

    #[test]
    fn nothing_is_there_after_an_error() {
        let place = Place::new();
        let key = place.0.path().join("a.key");
        let elsewhere = place.0.path().join("missing/a.pem");
        let secret = Material::from(b"key".as_slice());
        let refused = create(&[(&key, &secret), (&elsewhere, &secret)]);
        assert!(matches!(refused, Err(SecretFileError::Unwritable { .. })), "{refused:?}");
        assert!(place.names().is_empty(), "{:?}", place.names());
    }

    #[test]
    fn what_another_process_is_writing_is_left_to_it() {
        let place = Place::new();
        place.interrupted(1, 0);
        let [key, _] = place.paths();
        let other = File::open(unfinished(&key)).unwrap();
        other.lock().unwrap();
        for refused in [place.make(["key", "certificate"]), place.clear()] {
            assert!(matches!(refused, Err(SecretFileError::Busy { .. })), "{refused:?}");
        }
        assert_eq!(place.names(), [".a.key.unfinished"]);
        drop(other);
        place.make(["key", "certificate"]).unwrap();
        assert_eq!(place.contents(), ["key", "certificate"]);
    }
}
