//! Files with secrets: who may read them. And where the root key comes from, without showing it.

use std::{env, fs, os::unix::fs::MetadataExt as _, path::Path};

use super::{
    finding::{Findings, Status},
    store,
};
use crate::{
    config::Config,
    wire::{
        root_key::{Secret, Source},
        storage::Url,
    },
};

/// How strictly a file is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// For its owner alone: the server refuses it otherwise.
    ByOwner,
    /// A group may read it.
    ByGroup,
}

/// What the file system says of a file or a directory.
#[derive(Clone, Copy, Debug)]
struct Access {
    mode: u32,
    owner: u32,
}

impl Access {
    fn of(path: &Path) -> Result<Self, String> {
        let metadata =
            fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { mode: metadata.mode() & 0o7777, owner: metadata.uid() })
    }
}

/// Looks at private keys, accounts and the root key.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    let user = user_of(config);
    if let Some(key) = &config.listen.kmip.key {
        file("server private key", key, Kept::ByGroup, user, findings);
    }
    if let Some(key) = &config.listen.admin.key {
        file("admin port private key", key, Kept::ByGroup, user, findings);
    }
    if let Some(accounts) = &config.auth.accounts_file {
        file("accounts file", accounts, Kept::ByOwner, user, findings);
    }
    root_key(config, user, findings);
}

/// Returns who runs the server: the owner of its store, if that is in a file.
fn user_of(config: &Config) -> Option<u32> {
    let url = Url::parse(&config.storage.url).ok()?;
    let store = url.file()?;
    let found = fs::metadata(store).ok();
    Some(found.or_else(|| fs::metadata(store.parent()?).ok())?.uid())
}

/// Looks at a file and at its directory.
fn file(what: &str, path: &Path, kept: Kept, user: Option<u32>, findings: &mut Findings) {
    let access = match Access::of(path) {
        Ok(access) => access,
        Err(error) => return findings.failed(what, error),
    };
    let place = path.display();
    let (status, words) = judge(access, kept, user);
    findings.note(status, what, format!("{place}: {words}"));
    let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) else { return };
    // What is in a file that others can exchange is what they want.
    if let Ok(access) = Access::of(directory)
        && let Some((status, words)) = judge_directory(access)
    {
        let detail = format!("{}: {words}", directory.display());
        findings.note(status, format!("directory of {what}"), detail);
    }
}

fn judge(access: Access, kept: Kept, user: Option<u32>) -> (Status, String) {
    let Access { mode, owner } = access;
    let (others, group) = (mode & 0o007, mode & 0o070);
    if others != 0 || group & 0o020 != 0 || (group != 0 && kept == Kept::ByOwner) {
        return (
            Status::Failed,
            format!("other users can read or change it (mode {mode:04o}); close it: chmod 600"),
        );
    }
    if let Some(user) = user {
        if owner != user && owner != 0 {
            let words = format!("it belongs to user {owner}, and the store to user {user}: chown");
            return (Status::Warning, words);
        }
        if owner != user && mode & 0o040 == 0 {
            let words = format!(
                "only root can read it, and the store belongs to user {user}: if the server runs as \
                 that user, chown"
            );
            return (Status::Warning, words);
        }
    }
    if group != 0 {
        return (
            Status::Warning,
            format!("a group can read it (mode {mode:04o}); chmod 600 is safer"),
        );
    }
    (Status::Ok, format!("mode {mode:04o}, user {owner}"))
}

/// Says what is wrong with a directory, if something is.
fn judge_directory(Access { mode, .. }: Access) -> Option<(Status, String)> {
    let sticky = mode & 0o1000 != 0;
    if mode & 0o002 != 0 && !sticky {
        let words = format!("any user can exchange the files in it (mode {mode:04o}); chmod go-w");
        return Some((Status::Failed, words));
    }
    (mode & 0o020 != 0 && !sticky).then(|| {
        let words = format!("a group can exchange the files in it (mode {mode:04o}); chmod g-w");
        (Status::Warning, words)
    })
}

fn root_key(config: &Config, user: Option<u32>, findings: &mut Findings) {
    const WHAT: &str = "root key source";
    if Url::parse(&config.storage.url).is_ok_and(|url| url.is_memory()) {
        return findings.skipped(WHAT, "a store in memory has none that lasts");
    }
    let section = &config.root_key;
    let named = [&section.file, &section.passphrase_file].into_iter().flatten();
    let is_credential = named.into_iter().any(|file| file.starts_with("credential:"));
    if is_credential && env::var_os("CREDENTIALS_DIRECTORY").is_none() {
        return findings.skipped(WHAT, "a systemd credential, which only the service is given");
    }
    let source = match Source::of(section) {
        Ok(Some(source)) => source,
        Ok(None) => {
            return findings.failed(
                WHAT,
                "root_key names none, and a store that lasts needs one: set root_key.file, for \
                 example",
            );
        }
        Err(report) => return findings.failed(WHAT, report.to_string()),
    };
    match &source {
        Source::File(path) if store::is_new(config) => {
            findings.skipped(WHAT, format!("{}: the first start makes it", path.display()));
        }
        Source::File(path) => {
            file(WHAT, path, Kept::ByOwner, user, findings);
            beside_store(config, path, findings);
        }
        Source::Variable(name) | Source::Passphrase(Secret::Variable(name), _) => {
            variable(WHAT, name, findings);
        }
        Source::Passphrase(Secret::File(path), _) => {
            file(WHAT, path, Kept::ByOwner, user, findings);
        }
        Source::Credential(path) if !path.exists() => {
            findings.failed(WHAT, format!("the credential {} is not there", path.display()));
        }
        Source::Descriptor(_) => {
            findings.skipped(WHAT, format!("{source}, which only the server is given"));
        }
        _ => findings.ok(WHAT, source.to_string()),
    }
}

fn variable(what: &str, name: &str, findings: &mut Findings) {
    if env::var_os(name).is_some() {
        findings.ok(what, format!("in the environment variable {name}"));
    } else {
        findings.skipped(
            what,
            format!("the environment variable {name} is set for the server only, as it should be"),
        );
    }
}

/// Who steals a disk, or a backup of a directory, should not have both.
fn beside_store(config: &Config, key: &Path, findings: &mut Findings) {
    let url = Url::parse(&config.storage.url);
    let store = url.as_ref().ok().and_then(Url::file);
    if !config.development && store.is_some_and(|store| store.parent() == key.parent()) {
        findings.warning(
            "root key place",
            format!("{} lies beside the store it seals; keep it elsewhere", key.display()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_for_the_user_that_runs_the_server() {
        let user = Some(7);
        for (mode, owner, kept, expected) in [
            (0o600, 7, Kept::ByOwner, Status::Ok),
            (0o400, 7, Kept::ByOwner, Status::Ok),
            (0o640, 7, Kept::ByOwner, Status::Failed),
            (0o604, 7, Kept::ByOwner, Status::Failed),
            (0o640, 7, Kept::ByGroup, Status::Warning),
            (0o660, 7, Kept::ByGroup, Status::Failed),
            (0o644, 7, Kept::ByGroup, Status::Failed),
            (0o640, 0, Kept::ByGroup, Status::Warning),
            (0o600, 0, Kept::ByOwner, Status::Warning),
            (0o600, 8, Kept::ByOwner, Status::Warning),
        ] {
            let (status, words) = judge(Access { mode, owner }, kept, user);
            assert_eq!(status, expected, "{mode:o} of {owner}: {words}");
        }
        let (status, _) = judge(Access { mode: 0o600, owner: 0 }, Kept::ByOwner, None);
        assert_eq!(status, Status::Ok);
    }

    #[test]
    fn a_directory_lets_nobody_else_exchange_files() {
        for (mode, expected) in [
            (0o700, None),
            (0o755, None),
            (0o1777, None),
            (0o777, Some(Status::Failed)),
            (0o770, Some(Status::Warning)),
        ] {
            let found = judge_directory(Access { mode, owner: 0 }).map(|(status, _)| status);
            assert_eq!(found, expected, "{mode:o}");
        }
    }
}
