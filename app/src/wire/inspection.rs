//! A look at the store from beside: nothing is made, migrated, claimed or written.

use std::sync::Arc;

use kmip_ports::record::WrappedKey;
pub(crate) use kmip_sql::Inspection;
#[cfg(feature = "store-postgres")]
use kmip_sql::PostgresRecords;
#[cfg(feature = "store-sqlite")]
use kmip_sql::{OpenError, SqliteRecords};

use super::{
    crypto,
    root_key::{Candidates, Role, Source},
    storage::Url,
};
use crate::{config::Config, report::Report};

/// Looks at the store; `None` if it is in memory, where nobody but its server sees it.
pub(crate) async fn inspect(config: &Config) -> Result<Option<Inspection>, Report> {
    let node = &config.node.name;
    Ok(match Url::parse(&config.storage.url)? {
        #[cfg(feature = "store-sqlite")]
        Url::Memory => None,
        #[cfg(feature = "store-sqlite")]
        Url::File(path) => match SqliteRecords::inspect(&path, node).await {
            // Whoever serves it is asked first, and did not answer.
            Err(OpenError::Locked { path }) => {
                return Err(Report::new(format!(
                    "a process has {} open, and there is no control socket beside it: if that is \
                     the server, its log says why; otherwise stop it",
                    path.display()
                )));
            }
            looked => Some(looked?),
        },
        #[cfg(feature = "store-postgres")]
        Url::Postgres(options) => Some(PostgresRecords::inspect(&options, node).await?),
    })
}

/// Says which of the configured root keys opens these data keys.
pub(crate) async fn try_root_key(config: &Config, keys: &[WrappedKey]) -> Result<Role, Report> {
    let source =
        Source::of(&config.root_key)?.ok_or_else(|| Report::new("root_key names no source"))?;
    let candidates = Candidates::load(&source, &config.root_key, crypto::at_rest())?;
    let candidates = Arc::new(candidates);
    kmip_sealed::try_root_key(&*candidates, keys).await?;
    Ok(candidates.role())
}
