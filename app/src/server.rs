//! The server as a value: start it, ask its address, shut it down.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use kmip_host::SystemClock;
use kmip_operations::Ports;
use kmip_ports::clock::Clock;
use kmip_tls::{Listener, ServeReport, Shutdown};
use kmip_ttlv::objects::KeyValueForm;
use kmip_x509::X509Certificates;

use crate::{
    builder::Builder,
    config::Config,
    control::{Control, Place, Retention},
    open_admin::OpenAdmin,
    reload::{Beginning, Reload, Reloading, Targets},
    report::Report,
    wire::{
        self,
        answering::Answering,
        crypto,
        identity::CurrentAuthenticator,
        policies::CurrentPolicies,
        storage::{Creation, Storage, Url},
        telemetry::Telemetry,
        transport,
    },
};

/// A server that has bound its address.
pub struct Server {
    listener: Listener,
    storage: Storage,
    shutdown: Shutdown,
    control: Option<Control>,
    retention: Option<Retention>,
    reloading: Reloading,
    admin: OpenAdmin,
    telemetry: Telemetry,
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
        let beginning = Beginning::of(config);
        let creation = if create_store { Creation::Asked } else { Creation::First };
        let storage = Storage::open(config, creation).await?;
        match Self::over(config, beginning, storage.clone()).await {
            Ok(server) => Ok(server),
            Err(report) => {
                // Whoever starts next finds it free.
                storage.close().await;
                Err(report)
            }
        }
    }

    /// Puts everything else over an open store.
    async fn over(config: &Config, beginning: Beginning, storage: Storage) -> Result<Self, Report> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let authenticator = Arc::new(CurrentAuthenticator::new(&config.auth)?);
        let policies = Arc::new(CurrentPolicies::new(&config.policy)?);
        let mut telemetry = Telemetry::start(&config.telemetry)?;
        let database = storage.database_name();
        let ports = Ports {
            store: telemetry.store(Arc::clone(&storage.store) as Arc<_>, database),
            clock: Arc::clone(&clock),
            key_values: Arc::new(KeyValueForm),
            crypto: telemetry.crypto(crypto::suite(&config.crypto)),
            certificates: Arc::new(X509Certificates),
            authenticator: Arc::clone(&authenticator) as Arc<_>,
            policies: Arc::clone(&policies) as Arc<_>,
            audit: telemetry.audit(Arc::clone(&storage.store) as Arc<_>, database),
            observer: telemetry.observer(),
        };
        let answering = Arc::new(Answering::new(ports, config));
        let (listener, transport) =
            transport::listen(config, clock.now(), Arc::clone(&answering) as Arc<_>)?;
        let listener = listener.observed_by(telemetry.connections());
        let transport = Arc::new(transport);
        let shutdown = Shutdown::new();
        let metrics = cfg!(feature = "otel").then(|| telemetry.exposition());
        let admin =
            OpenAdmin::start(config, &storage, &transport, &clock, &shutdown, metrics).await?;
        let targets = Targets {
            transport,
            answering,
            authenticator,
            policies,
            admin: admin.tls(),
            clock: Arc::clone(&clock),
        };
        let reloading = Reloading::start(config, beginning, targets)?;
        telemetry.watch_reloads(reloading.handle());
        telemetry.watch(storage.gauge());
        let place = Place::of(config, &storage, clock);
        let days = config.audit.keep_days;
        let retention = days.map(|days| Retention::start(place.clone(), days.get()));
        let control =
            Url::parse(&config.storage.url)?.file().and_then(|file| Control::start(file, place));
        Ok(Self { listener, storage, shutdown, control, retention, reloading, admin, telemetry })
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Returns where the admin port is, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.address()
    }

    /// Returns the handle that has certificates, accounts and limits read again. Files that change
    /// are read again without it.
    #[must_use]
    pub fn reload(&self) -> Reload {
        self.reloading.handle()
    }

    /// Returns the handle that ends [`Server::serve`].
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Returns what writes every metric as Prometheus reads it; it may be called from anywhere, for
    /// as long as the program runs.
    #[must_use]
    pub fn exposition(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        self.telemetry.exposition()
    }

    /// Serves until the handle says stop; requests in progress are answered first.
    ///
    /// # Errors
    /// If the store can write no more: then it stops by itself. Either nobody knows what is on the
    /// disk, and only a start finds out, or another program has changed the schema.
    pub async fn serve(self) -> Result<ServeReport, Report> {
        let Self { listener, storage, shutdown, control, retention, reloading, admin, telemetry } =
            self;
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
        drop(reloading);
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
        // It has told until now that the server is not ready.
        admin.end().await;
        storage.close().await;
        telemetry.stop();
        if let Some(failure) = storage.failure() {
            return Err(Report::new(failure.advice()));
        }
        Ok(report)
    }
}
