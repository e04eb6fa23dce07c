//! The server as a value: start it, ask its address, shut it down.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use kmip_host::SystemClock;
use kmip_model::Interval;
use kmip_operations::{ForbiddenObjects, Ports, Processor, PssSalt, Settings, WrappedKeyValue};
use kmip_ports::clock::Clock;
use kmip_tls::{Listener, ServeReport, Shutdown};
use kmip_ttlv::{Endpoint, endpoint::protocol_versions, objects::KeyValueForm};
use kmip_x509::X509Certificates;

use crate::{
    builder::Builder,
    config::{Config, Unasked},
    control::{Control, Place, Retention},
    report::Report,
    wire::{
        self, crypto, identity,
        storage::{Creation, Storage, Url},
        transport,
    },
};

/// How many items of TTLV a request may have; the largest real ones have some hundreds.
const MAXIMUM_ELEMENTS: usize = 16_384;

/// A server that has bound its address.
pub struct Server {
    listener: Listener,
    storage: Storage,
    shutdown: Shutdown,
    control: Option<Control>,
    retention: Option<Retention>,
}

impl Server {
    /// Collects settings in the terms of PyKMIP's server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens the store and binds the address. `create_store` makes a store that is missing although
    /// its root key or directory exists.
    ///
    /// # Errors
    /// Whatever keeps the server from working, in words for an operator.
    pub async fn start(config: &Config, create_store: bool) -> Result<Self, Report> {
        wire::check(config)?;
        let creation = if create_store { Creation::Asked } else { Creation::First };
        let storage = Storage::open(config, creation).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let ports = Ports {
            store: Arc::clone(&storage.store) as Arc<_>,
            clock: Arc::clone(&clock),
            key_values: Arc::new(KeyValueForm),
            crypto: crypto::suite(&config.crypto),
            certificates: Arc::new(X509Certificates),
            authenticator: identity::authenticator(&config.auth)?,
            policies: identity::policies(&config.policy)?,
            audit: Arc::clone(&storage.store) as Arc<_>,
        };
        let processor = Arc::new(Processor::new(ports, settings(config)));
        let limits = kmip_ttlv::Limits {
            length: config.limits.message_bytes,
            elements: MAXIMUM_ELEMENTS,
            ..kmip_ttlv::Limits::default()
        };
        let endpoint = Arc::new(Endpoint::new(processor, limits));
        let listener = transport::listen(config, clock.now(), endpoint)?;
        let place = Place::of(config, &storage, clock);
        let days = config.audit.keep_days;
        let retention = days.map(|days| Retention::start(place.clone(), days.get()));
        let control =
            Url::parse(&config.storage.url)?.file().and_then(|file| Control::start(file, place));
        Ok(Self { listener, storage, shutdown: Shutdown::new(), control, retention })
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Returns the handle that ends [`Server::serve`].
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves until the handle says stop; requests in progress are answered first.
    ///
    /// # Errors
    /// If the store could not be written, so that nobody knows what is on the disk: then it stops by
    /// itself, and only a start finds out.
    pub async fn serve(self) -> Result<ServeReport, Report> {
        let Self { listener, storage, shutdown, control, retention } = self;
        let sealing = storage.go_on_sealing();
        let mut serving = pin!(listener.serve(shutdown.clone()));
        let report = tokio::select! {
            report = &mut serving => report,
            () = storage.failed() => {
                tracing::error!("the store has failed: draining");
                shutdown.begin();
                serving.await
            }
        };
        if let Some(control) = control {
            control.end().await;
        }
        if let Some(retention) = retention {
            retention.end().await;
        }
        if let Some(sealing) = sealing {
            // It goes on at the next start.
            sealing.abort();
        }
        storage.close().await;
        if storage.has_failed() {
            return Err(Report::new(
                "the store could not be written, and nothing was acknowledged after that; see the \
                 log for the reason, check the disk, and start again: what was acknowledged is there",
            ));
        }
        Ok(report)
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        protocol_versions: protocol_versions(),
        names_unique: config.names.unique,
        forbidden_objects: if config.policy.reveal_forbidden {
            ForbiddenObjects::Revealed
        } else {
            ForbiddenObjects::Unknown
        },
        interop: config.operations.interop,
        pss_salt: if config.operations.longest_salt { PssSalt::Longest } else { PssSalt::Hash },
        wrapped_key_value: if config.operations.wrapped_key_in_structure {
            WrappedKeyValue::Structure
        } else {
            WrappedKeyValue::Bytes
        },
        lease_time: Interval(3_600),
        maximum_response_size: config.limits.response_bytes,
        conservative_attributes: config.attributes.unasked == Unasked::Conservative,
        ..Settings::default()
    }
}
