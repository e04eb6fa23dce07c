//! The section `[listen.admin]`: health, version and metrics over HTTP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Address;

/// Health, version and metrics over HTTP: in the clear on a loopback address, by mutual TLS
/// elsewhere.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenAdmin {
    /// Says whether the port is opened.
    pub enabled: bool,
    /// Host name or address, and port. One that is not loopback needs the three files below.
    pub address: Address,
    /// The port's certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// The port's private key, PEM.
    pub key: Option<PathBuf>,
    /// The authorities of those who may ask, PEM.
    pub client_ca: Option<PathBuf>,
    /// Certificate revocation lists, PEM or DER, of those who may ask.
    pub crls: Vec<PathBuf>,
}

impl Default for ListenAdmin {
    fn default() -> Self {
        Self {
            // A build that has no such port has none to miss.
            enabled: cfg!(feature = "admin-http"),
            address: Address::new("127.0.0.1", 5697),
            certificate: None,
            key: None,
            client_ca: None,
            crls: Vec::new(),
        }
    }
}
