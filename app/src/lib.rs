//! Which adapters: configuration, command line and wiring of the program `kmip-app`.
//!
//! This is the only crate with feature flags. Each compiles one adapter in; the configuration
//! chooses among those that are there, and naming one that is not is an error that names the
//! feature.

#[cfg(not(any(feature = "store-sqlite", feature = "store-postgres")))]
compile_error!(
    "kmip-app needs at least one store: enable the feature store-sqlite or store-postgres"
);
#[cfg(not(feature = "crypto-aws-lc"))]
compile_error!(
    "kmip-app needs at least one provider of cryptography: enable the feature crypto-aws-lc"
);
#[cfg(not(feature = "transport-tls"))]
compile_error!("kmip-app needs at least one transport: enable the feature transport-tls");

mod account;
pub mod builder;
pub mod cli;
mod client;
mod client_cert;
pub mod config;
mod control;
mod decode;
mod dev;
mod doctor;
#[cfg(feature = "admin-http")]
mod health;
#[cfg(feature = "import-pykmip")]
pub mod import;
pub mod init;
mod log;
mod log_file;
mod open_admin;
mod progress;
pub mod pykmip;
mod pykmip_server;
pub mod reload;
pub mod report;
mod root_key_verbs;
mod serve;
pub mod server;
mod wire;

pub use builder::{Builder, Prepared};
pub use config::Config;
pub use log::Logging;
pub use pykmip::settings::{AuthSuite, LoggingLevel};
pub use reload::Reload;
pub use report::Report;
pub use server::Server;
