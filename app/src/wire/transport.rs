//! Transports: KMIP over mutual TLS, by rustls or, for the older kinds, by OpenSSL.

use std::{path::PathBuf, sync::Arc, time::Duration};

use kmip_model::DateTime;
use kmip_ports::transport::MessageHandler;
use kmip_tls::{
    Dates, Limits, LimitsInForce, Listener, MessageLimit, Suites, TlsFiles, TlsSettings,
};

use crate::{
    config,
    report::Report,
    wire::{self, tls::Modern},
};

/// Checks that this build has the TLS that is asked for.
pub(crate) fn check(kmip: &config::ListenKmip) -> Result<(), Report> {
    if !cfg!(feature = "transport-tls-openssl") && kmip.auth_suite.is_some() {
        return Err(wire::missing("listen.kmip.auth_suite", "transport-tls-openssl"));
    }
    Ok(())
}

/// Binds the listener for KMIP over mutual TLS, and returns what of it can be exchanged.
pub(crate) fn listen(
    config: &config::Config,
    now: DateTime,
    handler: Arc<dyn MessageHandler>,
) -> Result<(Listener, Exchange), Report> {
    let kmip = &config.listen.kmip;
    let files = files(kmip)?;
    let limits = limits(&config.limits)?;
    let address = kmip
        .address
        .resolve()
        .map_err(|error| Report::new(format!("listen.kmip.address {}: {error}", kmip.address)))?;
    #[cfg(feature = "transport-tls-openssl")]
    if let Some(auth_suite) = kmip.auth_suite {
        let acceptor = Arc::new(older(files, auth_suite, kmip, now)?);
        let listener = Listener::bind(address, Arc::clone(&acceptor), limits, handler)?;
        let exchange = Exchange { tls: Tls::Older(acceptor), limits: listener.limits() };
        return Ok((listener, exchange));
    }
    let settings = TlsSettings {
        send_tls13_tickets: kmip.tls13_tickets,
        suites: suites(kmip)?,
        ..TlsSettings::default()
    };
    let tls = Modern::new(&files, settings, now)?;
    let listener = Listener::bind(address, Arc::clone(&tls.config), limits, handler)?;
    let exchange = Exchange { tls: Tls::Modern(tls), limits: listener.limits() };
    Ok((listener, exchange))
}

/// What of a listener can be exchanged while it serves.
pub(crate) struct Exchange {
    tls: Tls,
    limits: LimitsInForce,
}

enum Tls {
    Modern(Modern),
    #[cfg(feature = "transport-tls-openssl")]
    Older(Arc<kmip_tls_openssl::OpensslAcceptor>),
}

impl Exchange {
    /// Takes other limits for new connections and next messages.
    pub(crate) fn limits(&self, limits: &config::Limits) -> Result<(), Report> {
        self.limits.exchange(self::limits(limits)?);
        Ok(())
    }

    /// Reads the server's certificate and key for new connections.
    pub(crate) fn identity(&self, kmip: &config::ListenKmip, now: DateTime) -> Result<(), Report> {
        let files = files(kmip)?;
        match &self.tls {
            Tls::Modern(tls) => tls.identity(&files, now),
            #[cfg(feature = "transport-tls-openssl")]
            Tls::Older(acceptor) => Ok(acceptor.exchange(&of_openssl(files), now)?),
        }
    }

    /// Reads the authorities of clients and their revocation lists. Returns what could not be used
    /// of them, for which the last good content stays in force.
    pub(crate) fn trust(
        &self,
        kmip: &config::ListenKmip,
        now: DateTime,
    ) -> Result<Vec<Report>, Report> {
        let files = files(kmip)?;
        match &self.tls {
            Tls::Modern(tls) => tls.trust(&files, now),
            #[cfg(feature = "transport-tls-openssl")]
            Tls::Older(acceptor) => {
                acceptor.exchange(&of_openssl(files), now)?;
                Ok(Vec::new())
            }
        }
    }

    /// Returns the dates of what is in force.
    pub(crate) fn dates(&self) -> Dates {
        match &self.tls {
            Tls::Modern(tls) => tls.config.dates(),
            #[cfg(feature = "transport-tls-openssl")]
            Tls::Older(acceptor) => acceptor.dates(),
        }
    }
}

fn files(kmip: &config::ListenKmip) -> Result<TlsFiles, Report> {
    Ok(TlsFiles {
        certificates: required(kmip.certificate.as_ref(), "certificate")?,
        key: required(kmip.key.as_ref(), "key")?,
        client_authorities: vec![required(kmip.client_ca.as_ref(), "client_ca")?],
        revocation_lists: kmip.crls.clone(),
    })
}

/// Checks that the files can be used, as a start would, without listening.
pub(crate) fn check_files(kmip: &config::ListenKmip, now: DateTime) -> Result<(), Report> {
    let files = files(kmip)?;
    #[cfg(feature = "transport-tls-openssl")]
    if let Some(auth_suite) = kmip.auth_suite {
        return older(files, auth_suite, kmip, now).map(drop);
    }
    let settings = TlsSettings { suites: suites(kmip)?, ..TlsSettings::default() };
    Modern::new(&files, settings, now).map(drop)
}

/// Chooses among the cipher suites; tells of all that are named and not there at once.
fn suites(kmip: &config::ListenKmip) -> Result<Suites, Report> {
    let (suites, left_out) = Suites::select(&kmip.cipher_suites);
    if left_out.is_empty() {
        return Ok(suites);
    }
    let names = left_out.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let missing = format!(
        "cipher suites are named that this build does not offer: {names}; the feature \
         transport-tls-openssl would bring those that exist"
    );
    if kmip.strict_suites {
        return Err(Report::new(format!("{missing}; listen.kmip.strict_suites forbids that")));
    }
    tracing::warn!("{missing}");
    Ok(suites)
}

/// Configures the older kinds of TLS.
#[cfg(feature = "transport-tls-openssl")]
fn older(
    files: TlsFiles,
    auth_suite: config::AuthSuite,
    kmip: &config::ListenKmip,
    now: DateTime,
) -> Result<kmip_tls_openssl::OpensslAcceptor, Report> {
    use kmip_tls_openssl::{AuthSuite, OpensslAcceptor, Suites};

    let auth_suite = match auth_suite {
        config::AuthSuite::Basic => AuthSuite::Basic,
        config::AuthSuite::Tls12 => AuthSuite::Tls12,
    };
    let names = &kmip.cipher_suites;
    let suites = if kmip.strict_suites {
        Suites::named(auth_suite, names)
            .map_err(|error| Report::new(format!("listen.kmip.cipher_suites: {error}")))?
    } else {
        Suites::narrowed(auth_suite, names)
    };
    Ok(OpensslAcceptor::new(&of_openssl(files), &suites, now)?)
}

#[cfg(feature = "transport-tls-openssl")]
fn of_openssl(files: TlsFiles) -> kmip_tls_openssl::OpensslFiles {
    kmip_tls_openssl::OpensslFiles {
        certificates: files.certificates,
        key: files.key,
        client_authorities: files.client_authorities,
        revocation_lists: files.revocation_lists,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str], strict_suites: bool) -> Result<Suites, Report> {
        suites(&config::ListenKmip {
            cipher_suites: names.iter().map(|name| (*name).to_owned()).collect(),
            strict_suites,
            ..config::ListenKmip::default()
        })
    }

    #[test]
    fn suites_that_are_not_there_stop_the_start_only_where_that_is_asked_for() {
        let names = ["TLS_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "NONE-SUCH"];
        assert!(named(&names, false).is_ok());
        let error = named(&names, true).unwrap_err().to_string();
        assert!(error.contains("TLS_RSA_WITH_AES_128_CBC_SHA256"), "{error}");
        assert!(error.contains("NONE-SUCH") && error.contains("transport-tls-openssl"), "{error}");
        assert!(!error.contains("ECDHE-RSA-AES128-GCM-SHA256"), "{error}");
        assert!(named(&["ECDHE-RSA-AES128-GCM-SHA256"], true).is_ok());
    }
}
