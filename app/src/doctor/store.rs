//! The store: it is there, this program knows its schema, and the root key opens it.

use kmip_host::process;
use kmip_model::DateTime;

use super::{finding::Findings, host};
use crate::{
    config::Config,
    control::inspection::{self as control, Running},
    wire::{
        inspection::{self, Inspection},
        root_key::{Role, Source},
        storage::Url,
    },
};

/// What was found out about the store.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// When the newest event of the audit trail happened, if that was to be seen.
    pub(super) newest_event: Option<DateTime>,
}

/// Looks at the store: asks the server that has it, or looks into it.
pub(super) async fn check(config: &Config, findings: &mut Findings) -> Found {
    const WHAT: &str = "store";
    let url = match Url::parse(&config.storage.url) {
        Ok(url) => url,
        Err(report) => {
            findings.failed(WHAT, report.to_string());
            return Found::default();
        }
    };
    if url.is_memory() {
        findings.warning(WHAT, "it is in memory: every key is gone when the server ends");
        return Found::default();
    }
    if let Some(file) = url.file() {
        if is_new(config) {
            findings.warning(
                WHAT,
                format!(
                    "there is none at {} yet, nor its root key: the first start makes both; if \
                     there was one, its disk is not mounted",
                    file.display()
                ),
            );
            return Found::default();
        }
        host::locality(file, findings);
        host::room("store disk", file, findings);
        match control::ask(config).await {
            Ok(Some(running)) => {
                told(config, &running, findings);
                return Found::default();
            }
            Ok(None) => {}
            Err(report) => {
                findings.failed(WHAT, report.to_string());
                return Found::default();
            }
        }
    }
    host::open_files(config, process::open_files(), "this command", findings);
    match inspection::inspect(config).await {
        Ok(Some(found)) => looked_at(config, &found, findings).await,
        Ok(None) => Found::default(),
        Err(report) => {
            findings.failed(WHAT, report.to_string());
            Found::default()
        }
    }
}

/// Says whether neither the store nor its root key were made yet.
pub(super) fn is_new(config: &Config) -> bool {
    let url = Url::parse(&config.storage.url);
    let is_missing = url.is_ok_and(|url| url.file().is_some_and(|file| !file.exists()));
    let source = Source::of(&config.root_key).ok().flatten();
    is_missing && source.is_some_and(|source| source.missing().is_some())
}

/// Tells what a running server says of itself.
fn told(config: &Config, running: &Running, findings: &mut Findings) {
    let Running { version, open_files, data_keys, root_key } = running;
    findings.ok("store", "a server runs, and has it open");
    let own = env!("CARGO_PKG_VERSION");
    if version == own {
        findings.ok("program", format!("the server is of version {version}, as this program"));
    } else {
        findings.warning(
            "program",
            format!("the server is of version {version}, and this program of {own}; restart it"),
        );
    }
    let source = root_key.as_deref().unwrap_or("in memory");
    let told = format!("the server has opened every data key ({data_keys}) with the one {source}");
    findings.ok("root key", told);
    host::open_files(config, *open_files, "the server", findings);
}

/// Tells what was seen in a store that no server was asked about.
async fn looked_at(config: &Config, found: &Inspection, findings: &mut Findings) -> Found {
    let Inspection { schema, known, keys, newest_event, durable } = found;
    let described = format!("schema {schema}, data keys: {}", keys.len());
    if schema < known {
        findings.ok("store", format!("{described}; the next start brings it to schema {known}"));
    } else {
        findings.ok("store", described);
    }
    if !durable {
        findings.warning(
            "store durability",
            "the database does not wait for the disk (fsync = off): a power failure loses keys",
        );
    }
    match inspection::try_root_key(config, keys).await {
        Ok(Role::Current) => findings.ok("root key", "it opens every data key of the store"),
        Ok(Role::NewFile) => findings.warning(
            "root key",
            "the store is under the new root key in the file beside it; the next start ends the \
             change",
        ),
        Ok(Role::Next) => findings.warning(
            "root key",
            "the store is under root_key.next: make that the root key in the configuration",
        ),
        Err(report) => findings.failed("root key", report.to_string()),
    }
    Found { newest_event: *newest_event }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Manner, Status},
        *,
    };

    #[test]
    fn a_server_of_another_version_is_told() {
        let own = env!("CARGO_PKG_VERSION");
        for (version, expected) in [(own, Status::Ok), ("0.0.1", Status::Warning)] {
            let running = Running {
                version: version.to_owned(),
                open_files: None,
                data_keys: 2,
                root_key: None,
            };
            let mut findings = Findings::new(Manner::Quiet);
            told(&Config::default(), &running, &mut findings);
            let found = findings.list().iter().find(|finding| finding.check == "program");
            assert_eq!(found.unwrap().status, expected, "{version}");
        }
    }

    #[tokio::test]
    async fn a_store_in_memory_is_one_that_does_not_last() {
        let mut config = Config::default();
        "sqlite::memory:".clone_into(&mut config.storage.url);
        let mut findings = Findings::new(Manner::Quiet);
        assert_eq!(check(&config, &mut findings).await.newest_event, None);
        assert_eq!(findings.list()[0].status, Status::Warning);
    }
}
