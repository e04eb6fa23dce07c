//! The admin port: where it may listen, and what it answers from.
//!
//! In the clear only on a loopback address; anywhere else, and wherever its files are set, by mutual
//! TLS with the same code as KMIP.

use std::path::PathBuf;

use kmip_tls::TlsFiles;

use crate::{config::ListenAdmin, report::Report};

/// Checks what can be checked without looking an address up.
pub(crate) fn check(admin: &ListenAdmin) -> Result<(), Report> {
    if !admin.enabled {
        return Ok(());
    }
    if !cfg!(feature = "admin-http") {
        return Err(super::missing("listen.admin.enabled", "admin-http"));
    }
    let is_secured = files(admin)?.is_some();
    match admin.address.host().parse::<std::net::IpAddr>() {
        Ok(host) if !host.is_loopback() && !is_secured => Err(exposed(admin)),
        _ => Ok(()),
    }
}

/// Returns the files of mutual TLS, if it is asked for.
pub(crate) fn files(admin: &ListenAdmin) -> Result<Option<TlsFiles>, Report> {
    let ListenAdmin { certificate, key, client_ca, crls, .. } = admin;
    let is_set = |path: &Option<PathBuf>| path.is_some();
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), Some(client_ca)) => Ok(Some(TlsFiles {
            certificates: certificate.clone(),
            key: key.clone(),
            client_authorities: vec![client_ca.clone()],
            revocation_lists: crls.clone(),
        })),
        _ if [certificate, key, client_ca].into_iter().any(is_set) => Err(Report::new(
            "listen.admin: certificate, key and client_ca are set together, or not at all",
        )),
        _ if !crls.is_empty() => Err(Report::new(
            "listen.admin.crls revokes certificates, and without certificate, key and client_ca the \
             admin port asks for none: set them, or take the lists out",
        )),
        _ => Ok(None),
    }
}

fn exposed(admin: &ListenAdmin) -> Report {
    Report::new(format!(
        "listen.admin.address {} can be reached from elsewhere, so listen.admin.certificate, key and \
         client_ca must be set: the admin port then asks for client certificates",
        admin.address
    ))
}

#[cfg(feature = "admin-http")]
pub(crate) use port::Admin;

#[cfg(feature = "admin-http")]
mod port {
    use std::{net::SocketAddr, sync::Arc};

    use kmip_http::{AdminListener, Health, ListenError, Metrics, Routes};
    use kmip_model::DateTime;
    use kmip_tls::{Acceptor, TlsSettings};

    use crate::{config::ListenAdmin, report::Report, wire::tls::Modern};

    /// An open admin port.
    pub(crate) struct Admin {
        listener: AdminListener,
    }

    impl Admin {
        /// Opens the port, if the configuration has one. Returns its TLS too, if it has any.
        pub(crate) async fn start(
            admin: &ListenAdmin,
            now: DateTime,
            health: Arc<dyn Health>,
            metrics: Option<Metrics>,
        ) -> Result<Option<(Self, Option<Arc<Modern>>)>, Report> {
            if !admin.enabled {
                return Ok(None);
            }
            let address = admin.address.resolve().map_err(|error| {
                Report::new(format!("listen.admin.address {}: {error}", admin.address))
            })?;
            let tls = match super::files(admin)? {
                Some(files) => Some(Arc::new(Modern::new(&files, TlsSettings::default(), now)?)),
                None if address.ip().is_loopback() => None,
                None => return Err(super::exposed(admin)),
            };
            let acceptor = tls.as_ref().map(|tls| Arc::clone(&tls.config) as Arc<dyn Acceptor>);
            let routes =
                Routes { health, metrics, name: "kmip-app", version: env!("CARGO_PKG_VERSION") };
            let listener =
                AdminListener::start(address, acceptor, routes).await.map_err(refusal)?;
            tracing::info!(address = %listener.address(), tls = tls.is_some(), "admin port open");
            Ok(Some((Self { listener }, tls)))
        }

        /// Returns where it listens.
        pub(crate) fn address(&self) -> SocketAddr {
            self.listener.address()
        }

        /// Closes it.
        pub(crate) async fn end(self) {
            self.listener.end().await;
        }
    }

    fn refusal(error: ListenError) -> Report {
        let is_taken = matches!(error, ListenError::InUse { .. });
        let hint = if is_taken {
            "; give this server another listen.admin.address, or set listen.admin.enabled = false"
        } else {
            ""
        };
        Report::new(format!("the admin port: {}{hint}", Report::from(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Address;

    fn at(host: &str, files: [bool; 3]) -> ListenAdmin {
        let [certificate, key, client_ca] = files.map(|is_set| is_set.then(|| "file".into()));
        let address = Address::new(host, 0);
        ListenAdmin { enabled: true, address, certificate, key, client_ca, crls: Vec::new() }
    }

    #[test]
    #[cfg(feature = "admin-http")]
    fn what_can_be_reached_from_elsewhere_asks_for_certificates() {
        for host in ["127.0.0.1", "127.0.0.2", "::1", "localhost"] {
            assert!(check(&at(host, [false; 3])).is_ok(), "{host}");
            assert!(check(&at(host, [true; 3])).is_ok(), "{host}");
        }
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            let error = check(&at(host, [false; 3])).unwrap_err().to_string();
            assert!(error.contains(host) && error.contains("client_ca"), "{error}");
            assert!(check(&at(host, [true; 3])).is_ok(), "{host}");
        }
        let part = check(&at("127.0.0.1", [true, true, false])).unwrap_err().to_string();
        assert!(part.contains("together"), "{part}");
        let crls = vec!["file".into()];
        let lists = ListenAdmin { crls: crls.clone(), ..at("127.0.0.1", [false; 3]) };
        let lists = check(&lists).unwrap_err().to_string();
        assert!(lists.contains("listen.admin.crls"), "{lists}");
        assert!(check(&ListenAdmin { crls, ..at("192.0.2.1", [true; 3]) }).is_ok());
        let off = ListenAdmin { enabled: false, ..at("0.0.0.0", [false; 3]) };
        assert!(check(&off).is_ok());
    }

    #[test]
    #[cfg(not(feature = "admin-http"))]
    fn a_port_that_is_not_there_is_named_with_its_feature() {
        let error = check(&at("127.0.0.1", [false; 3])).unwrap_err().to_string();
        assert!(error.contains("admin-http"), "{error}");
    }
}
