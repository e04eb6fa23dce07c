//! What was in the files, so that it is noticed when something else is, and which directories tell.
//!
//! Files are renamed over, links are turned to other directories, and on some file systems nobody
//! tells. So directories are watched and not files, those of every link on the way too, and what
//! counts is what a file holds, and who may read it.

use std::{
    collections::{BTreeSet, hash_map::RandomState},
    ffi::{OsStr, OsString},
    fs,
    hash::{BuildHasher, Hasher as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::config::Config;

/// How many links are followed from one file.
const LINKS: usize = 16;

/// Makes fingerprints of files, which mean nothing outside this process.
#[derive(Default)]
pub(super) struct Fingerprints(RandomState);

impl Fingerprints {
    /// Returns the fingerprint of what is in these files.
    pub(super) fn of(&self, files: &[PathBuf]) -> u64 {
        let mut hasher = self.0.build_hasher();
        for path in files {
            hasher.write(path.as_os_str().as_encoded_bytes());
            // A file of accounts is of no use while others can read it.
            if let Ok(metadata) = fs::metadata(path) {
                hasher.write_u32(metadata.permissions().mode());
            }
            // Keys are among them.
            match fs::read(path).map(Zeroizing::new) {
                Ok(content) => {
                    hasher.write_u8(1);
                    hasher.write_usize(content.len());
                    hasher.write(&content);
                }
                Err(_) => hasher.write_u8(0),
            }
        }
        hasher.finish()
    }
}

/// Returns the files of the server's certificate.
pub(super) fn certificate(config: &Config) -> Vec<PathBuf> {
    let kmip = &config.listen.kmip;
    [&kmip.certificate, &kmip.key].into_iter().flatten().cloned().collect()
}

/// Returns the files that say whom the server trusts.
pub(super) fn trust(config: &Config) -> Vec<PathBuf> {
    let kmip = &config.listen.kmip;
    kmip.client_ca.iter().chain(&kmip.crls).cloned().collect()
}

/// Returns the files that say who users are.
pub(super) fn access(config: &Config) -> Vec<PathBuf> {
    [&config.auth.accounts_file, &config.auth.groups_file].into_iter().flatten().cloned().collect()
}

/// Returns the files of the admin port.
pub(super) fn admin(config: &Config) -> Vec<PathBuf> {
    let admin = &config.listen.admin;
    let single = [&admin.certificate, &admin.key, &admin.client_ca];
    single.into_iter().flatten().chain(&admin.crls).cloned().collect()
}

/// The ways to files, over every link.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The directories in which a change of a file shows.
    pub(super) directories: BTreeSet<PathBuf>,
    /// The names that the files and the links to them have there.
    pub(super) names: BTreeSet<OsString>,
}

/// Returns the ways to these files.
pub(super) fn ways(files: &[PathBuf]) -> Ways {
    let mut ways = Ways::default();
    for file in files {
        let mut path = file.clone();
        for _ in 0..LINKS {
            let directory = directory_of(&path);
            ways.names.extend(path.file_name().map(OsStr::to_owned));
            // The directory may be reached by links of its own.
            ways.directories.extend(directory.canonicalize());
            ways.directories.insert(directory.clone());
            let Ok(target) = fs::read_link(&path) else { break };
            path = directory.join(target);
        }
    }
    ways
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_fingerprint_is_of_what_is_there() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a");
        let prints = Fingerprints::default();
        let missing = prints.of(std::slice::from_ref(&file));
        fs::write(&file, "").unwrap();
        let empty = prints.of(std::slice::from_ref(&file));
        fs::write(&file, "content").unwrap();
        let full = prints.of(std::slice::from_ref(&file));
        assert!(missing != empty && empty != full && missing != full);
        fs::rename(&file, place.path().join("b")).unwrap();
        fs::write(&file, "content").unwrap();
        assert_eq!(prints.of(&[file]), full);
    }

    #[test]
    fn every_link_on_the_way_is_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for directory in ["etc", "live", "archive"] {
            fs::create_dir(root.join(directory)).unwrap();
        }
        fs::write(root.join("archive/1.crt"), "").unwrap();
        symlink("../archive/1.crt", root.join("live/server.crt")).unwrap();
        symlink(root.join("live/server.crt"), root.join("etc/server.crt")).unwrap();
        let found = ways(&[root.join("etc/server.crt")]);
        for directory in ["etc", "live", "archive"] {
            assert!(found.directories.contains(&root.join(directory)), "{directory}: {found:?}");
        }
        assert_eq!(found.names, ["1.crt", "server.crt"].map(OsString::from).into());
    }

    #[test]
    fn a_loop_of_links_ends() {
        let place = tempfile::tempdir().unwrap();
        symlink("b", place.path().join("a")).unwrap();
        symlink("a", place.path().join("b")).unwrap();
        assert!(!ways(&[place.path().join("a")]).directories.is_empty());
        assert!(ways(&[PathBuf::from("file")]).directories.contains(Path::new(".")));
    }
}
