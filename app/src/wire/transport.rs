//! Transports: KMIP over mutual TLS, by rustls or, for the older kinds, by OpenSSL.

use std::{path::PathBuf, sync::Arc, time::Duration};

use kmip_model::DateTime;
use kmip_ports::transport::MessageHandler;
use kmip_tls::{
    Limits, Listener, MessageLimit, Suites, TlsConfig, TlsFiles, TlsSettings, TlsSources,
};

use crate::{config, report::Report, wire};

/// Checks that this build has the TLS that is asked for.
pub(crate) fn check(kmip: &config::ListenKmip) -> Result<(), Report> {
    if !cfg!(feature = "transport-tls-openssl") && kmip.auth_suite.is_some() {
        return Err(wire::missing("listen.kmip.auth_suite", "transport-tls-openssl"));
    }
    Ok(())
}

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
    let limits = limits(&config.limits)?;
    let address = kmip
        .address
        .resolve()
        .map_err(|error| Report::new(format!("listen.kmip.address {}: {error}", kmip.address)))?;
    #[cfg(feature = "transport-tls-openssl")]
    if let Some(auth_suite) = kmip.auth_suite {
        let acceptor = older(files, auth_suite, kmip, now)?;
        return Ok(Listener::bind(address, Arc::new(acceptor), limits, handler)?);
    }
    let settings = TlsSettings {
        send_tls13_tickets: kmip.tls13_tickets,
        suites: suites(kmip)?,
        ..TlsSettings::default()
    };
    let tls = TlsConfig::new(&TlsSources::read(&files)?, settings, now)?;
    Ok(Listener::bind(address, Arc::new(tls), limits, handler)?)
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
    use kmip_tls_openssl::{AuthSuite, OpensslAcceptor, OpensslFiles, Suites};

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
    let files = OpensslFiles {
        certificates: files.certificates,
        key: files.key,
        client_authorities: files.client_authorities,
        revocation_lists: files.revocation_lists,
    };
    Ok(OpensslAcceptor::new(&files, &suites, now)?)
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
