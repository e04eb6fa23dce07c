//! Transports: KMIP over mutual TLS.

use std::{path::PathBuf, sync::Arc, time::Duration};

use kmip_model::DateTime;
use kmip_ports::transport::MessageHandler;
use kmip_tls::{Limits, Listener, MessageLimit, TlsConfig, TlsFiles, TlsSettings, TlsSources};

use crate::{config, report::Report};

/// Binds the listener for KMIP over mutual TLS.
pub(crate) fn listen(
    config: &config::Config,
    now: DateTime,
    handler: Arc<dyn MessageHandler>,
) -> Result<Listener, Report> {
    let kmip = &config.listen.kmip;
    let files = TlsFiles {
        certificates: required(kmip.certificate.as_ref(), "certificate")?,
        key: required(kmip.key.as_ref(), "key")?,
        client_authorities: vec![required(kmip.client_ca.as_ref(), "client_ca")?],
        revocation_lists: kmip.crls.clone(),
    };
    let settings = TlsSettings { send_tls13_tickets: kmip.tls13_tickets, ..TlsSettings::default() };
    let tls = TlsConfig::new(&TlsSources::read(&files)?, settings, now)?;
    let limits = limits(&config.limits)?;
    Ok(Listener::bind(kmip.address, Arc::new(tls), limits, handler)?)
}

fn required(path: Option<&PathBuf>, key: &str) -> Result<PathBuf, Report> {
    path.cloned().ok_or_else(|| Report::new(format!("listen.kmip.{key} is not set")))
}

fn limits(limits: &config::Limits) -> Result<Limits, Report> {
    let maximum_message_bytes = MessageLimit::parse(limits.message_bytes)
        .map_err(|error| Report::new(format!("limits.message_bytes: {error}")))?;
    Ok(Limits {
        maximum_connections: limits.connections,
        maximum_message_bytes,
        maximum_buffered_bytes: limits.buffered_bytes,
        handshake_timeout: Duration::from_secs(limits.handshake_seconds),
        idle_timeout: Duration::from_secs(limits.idle_seconds),
        message_timeout: Duration::from_secs(limits.message_seconds),
        write_timeout: Duration::from_secs(limits.write_seconds),
        drain_timeout: Duration::from_secs(limits.drain_seconds),
    })
}
