//! From configuration to adapters: one file for each port that can be chosen.

pub(crate) mod admin;
pub(crate) mod answering;
pub(crate) mod crypto;
pub(crate) mod identity;
pub(crate) mod inspection;
mod layered;
pub(crate) mod policies;
pub(crate) mod root_key;
pub(crate) mod storage;
pub(crate) mod target;
pub(crate) mod telemetry;
pub(crate) mod tls;
pub(crate) mod transport;

use crate::{config::Config, report::Report};

/// Checks that this build has everything the configuration names.
pub(crate) fn check(config: &Config) -> Result<(), Report> {
    storage::Url::parse(&config.storage.url)?;
    root_key::check(&config.root_key)?;
    crypto::check(&config.crypto)?;
    identity::check(&config.auth)?;
    transport::check(&config.listen.kmip)?;
    admin::check(&config.listen.admin)?;
    telemetry::check(&config.telemetry)
}

/// Says that a key names an adapter that was not compiled in.
pub(crate) fn missing(key: &str, feature: &str) -> Report {
    Report::new(format!("{key} needs the feature {feature}, which this build has not"))
}
