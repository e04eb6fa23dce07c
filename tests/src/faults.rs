//! Disks that fail for one process: a library that is loaded before the others.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A disk that can be made to fail and to work again.
#[derive(Debug)]
pub struct Disk {
    /// Holds the library and the file that says what fails.
    place: TempDir,
    directory: PathBuf,
}

impl Disk {
    /// Makes the library with the system's C compiler. `directory` is what fails.
    ///
    /// # Errors
    /// That there is no compiler, or what it says.
    pub fn make(directory: &Path) -> Result<Self, String> {
        let place = tempfile::tempdir().map_err(|error| error.to_string())?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fault/preload.c");
        let disk = Self { place, directory: directory.to_owned() };
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&disk.library(), &source])
            .arg("-ldl")
            .output()
            .map_err(|error| format!("no C compiler: {error}"))?;
        if made.status.success() {
            Ok(disk)
        } else {
            Err(String::from_utf8_lossy(&made.stderr).into_owned())
        }
    }

    /// Lets a command use this disk.
    pub fn under(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", self.library())
            .env("KMIP_FAULT_DIRECTORY", &self.directory)
            .env("KMIP_FAULT_FILE", self.word());
    }

    /// Makes it fail, in a way that `tests/fault/preload.c` lists.
    pub fn fail(&self, how: &str) {
        fs::write(self.word(), how).expect("the place is ours");
    }

    /// Makes it work again.
    pub fn mend(&self) {
        fs::remove_file(self.word()).expect("it fails now");
    }

    /// Counts what was synced after something could not be.
    pub fn synced_again(&self) -> usize {
        match fs::read_to_string(self.place.path().join("word.again")) {
            Ok(lines) => lines.lines().count(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => panic!("{error}"),
        }
    }

    fn library(&self) -> PathBuf {
        self.place.path().join("preload.so")
    }

    fn word(&self) -> PathBuf {
        self.place.path().join("word")
    }
}
