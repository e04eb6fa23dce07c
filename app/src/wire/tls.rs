//! TLS by rustls from files, and what stays when a file goes bad.
//!
//! Each file of authorities or revocation lists counts by itself: where one cannot be used, what it
//! said when it was last good is used, so that it does not hold up a revocation in another.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use kmip_model::DateTime;
use kmip_tls::{
    Source, TlsConfig, TlsFiles, TlsSettings, TlsSources, check_authorities, check_revocation_lists,
};

use crate::report::Report;

/// A configuration of rustls, and the files that it trusts as they last were good.
pub(crate) struct Modern {
    pub(crate) config: Arc<TlsConfig>,
    good: Mutex<BTreeMap<PathBuf, Source>>,
}

impl Modern {
    /// Reads the files, which must all be good.
    pub(crate) fn new(
        files: &TlsFiles,
        settings: TlsSettings,
        now: DateTime,
    ) -> Result<Self, Report> {
        let sources = TlsSources::read(files)?;
        let config = Arc::new(TlsConfig::new(&sources, settings, now)?);
        let paths = files.client_authorities.iter().chain(&files.revocation_lists);
        let read = sources.client_authorities.into_iter().chain(sources.revocation_lists);
        Ok(Self { config, good: Mutex::new(paths.cloned().zip(read).collect()) })
    }

    /// Reads the server's certificate and key.
    pub(crate) fn identity(&self, files: &TlsFiles, now: DateTime) -> Result<(), Report> {
        let (certificates, key) = (Source::read(&files.certificates)?, Source::read(&files.key)?);
        Ok(self.config.exchange_identity(&certificates, &key, now)?)
    }

    /// Reads the authorities and revocation lists; returns what could not be used of them.
    pub(crate) fn trust(&self, files: &TlsFiles, now: DateTime) -> Result<Vec<Report>, Report> {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bad = Vec::new();
        let mut next = BTreeMap::new();
        let mut take = |path: &Path, check: &dyn Fn(&Source) -> Result<(), Report>| {
            let read = Source::read(path).map_err(Report::from);
            let source = match read.and_then(|source| check(&source).map(|()| source)) {
                Ok(source) => source,
                Err(report) => {
                    let Some(before) = good.get(path).cloned() else { return Err(report) };
                    bad.push(report);
                    before
                }
            };
            next.insert(path.to_owned(), source.clone());
            Ok(source)
        };
        let mut authorities = Vec::new();
        for path in &files.client_authorities {
            authorities.push(take(path, &|source| Ok(check_authorities(source)?))?);
        }
        let mut lists = Vec::new();
        for path in &files.revocation_lists {
            let check = |source: &Source| Ok(check_revocation_lists(source, &authorities)?);
            lists.push(take(path, &check)?);
        }
        self.config.exchange_trust(&authorities, &lists, now)?;
        *good = next;
        Ok(bad)
    }
}
