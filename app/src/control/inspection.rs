//! What a running server says of itself, to a command that looks at it from beside.

use kmip_host::process;
use serde::{Deserialize, Serialize};

use super::{
    Place, asking,
    verb::{Finding, Teller, Verb},
};
use crate::{config::Config, report::Report};

/// How a running server is. Whoever reads it may be of another version.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    /// The version of its program.
    pub(crate) version: String,
    /// How many files it may have open; `None` is without limit.
    pub(crate) open_files: Option<u64>,
    /// How many data keys its root key has opened.
    pub(crate) data_keys: usize,
    /// Where its root key comes from.
    pub(crate) root_key: Option<String>,
}

/// Tells how this server is.
pub(super) async fn tell(place: &Place, teller: &Teller) -> Result<Finding, Report> {
    let running = Running {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        open_files: process::open_files(),
        data_keys: place.store.data_key_count(),
        root_key: place.root_key.as_ref().map(ToString::to_string),
    };
    teller.line(serde_json::to_string(&running)?).await?;
    Ok(Finding::Sound)
}

/// Asks the server that has the store; `None` if none runs.
pub(crate) async fn ask(config: &Config) -> Result<Option<Running>, Report> {
    let Some(lines) = asking::quietly(config, Verb::Inspect).await? else { return Ok(None) };
    let line = lines.first().ok_or_else(|| Report::new("the server says nothing of itself"))?;
    Ok(Some(serde_json::from_str(line)?))
}
