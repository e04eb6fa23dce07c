//! The admin port of a server, or that it has none.

use std::{net::SocketAddr, sync::Arc};

use kmip_ports::clock::Clock;
use kmip_tls::Shutdown;

use crate::{
    config::Config,
    report::Report,
    wire::{storage::Storage, telemetry::Exposition, tls::Modern, transport::Exchange},
};

/// The admin port, if the configuration and the build have one.
#[derive(Default)]
pub(crate) struct OpenAdmin {
    #[cfg(feature = "admin-http")]
    port: Option<crate::wire::admin::Admin>,
    tls: Option<Arc<Modern>>,
}

#[cfg(feature = "admin-http")]
impl OpenAdmin {
    /// Opens the port, if the configuration has one.
    pub(crate) async fn start(
        config: &Config,
        storage: &Storage,
        transport: &Arc<Exchange>,
        clock: &Arc<dyn Clock>,
        shutdown: &Shutdown,
        metrics: Option<Exposition>,
    ) -> Result<Self, Report> {
        let health = Arc::new(crate::health::Readiness {
            storage: storage.clone(),
            transport: Arc::clone(transport),
            clock: Arc::clone(clock),
            shutdown: shutdown.clone(),
        });
        let admin = &config.listen.admin;
        let opened = crate::wire::admin::Admin::start(admin, clock.now(), health, metrics).await?;
        Ok(match opened {
            Some((port, tls)) => Self { port: Some(port), tls },
            None => Self::default(),
        })
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.port.as_ref().map(crate::wire::admin::Admin::address)
    }

    /// Closes it.
    pub(crate) async fn end(self) {
        if let Some(port) = self.port {
            port.end().await;
        }
    }
}

#[cfg(not(feature = "admin-http"))]
#[expect(clippy::unused_async, clippy::unused_self, reason = "the other build has what to do")]
impl OpenAdmin {
    pub(crate) async fn start(
        _: &Config,
        _: &Storage,
        _: &Arc<Exchange>,
        _: &Arc<dyn Clock>,
        _: &Shutdown,
        _: Option<Exposition>,
    ) -> Result<Self, Report> {
        Ok(Self::default())
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        None
    }

    pub(crate) async fn end(self) {}
}

impl OpenAdmin {
    /// Returns its TLS, if it has any.
    pub(crate) fn tls(&self) -> Option<Arc<Modern>> {
        self.tls.clone()
    }
}
