//! `kmip-telemetry` measures: metrics always, traces where there is a collector.

use std::{sync::Arc, time::Duration};

use kmip_ports::{
    audit::AuditTrail,
    crypto::CryptoSuite,
    observe::{ConnectionObserver, Observer, StoreGauge},
    store::ObjectStore,
};
use kmip_telemetry::{
    Collector, Metrics,
    observed::{self, ObservedAudit, ObservedStore},
};
use tokio::task::JoinHandle;

use super::Exposition;
use crate::{config, reload::Reload, report::Report};

/// How often objects are counted.
const COUNT: Duration = Duration::from_mins(1);

/// Returns the collector of the configuration, if there is one.
///
/// # Errors
/// If its authorities cannot be read.
pub(crate) fn collector(telemetry: &config::Telemetry) -> Result<Option<Collector>, Report> {
    let Some(endpoint) = &telemetry.endpoint else {
        return Ok(None);
    };
    let authorities = match &telemetry.tls_ca {
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            Report::new(format!("telemetry.tls_ca {}: {error}", path.display()))
        })?),
        None => None,
    };
    Ok(Some(Collector {
        endpoint: endpoint.clone(),
        authorities,
        interval: Duration::from_secs(telemetry.metrics_seconds),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

/// Measures.
pub(crate) struct Telemetry {
    metrics: Arc<Metrics>,
    counting: Option<JoinHandle<()>>,
}

impl Telemetry {
    /// Begins to measure, and to send metrics if there is a collector.
    pub(crate) fn start(telemetry: &config::Telemetry) -> Result<Self, Report> {
        let collector = collector(telemetry)?;
        let version = env!("CARGO_PKG_VERSION");
        let metrics = Metrics::new(version, collector.as_ref(), telemetry.sample_ratio)?;
        Ok(Self { metrics: Arc::new(metrics), counting: None })
    }

    /// Returns who is told of messages.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.metrics) as Arc<_>
    }

    /// Returns who is told of connections.
    pub(crate) fn connections(&self) -> Arc<dyn ConnectionObserver> {
        Arc::clone(&self.metrics) as Arc<_>
    }

    /// Observes a store over a database of this name.
    pub(crate) fn store(
        &self,
        store: Arc<dyn ObjectStore>,
        database: &'static str,
    ) -> Arc<dyn ObjectStore> {
        Arc::new(ObservedStore::new(store, Arc::clone(&self.metrics), database))
    }

    /// Observes an audit trail in a database of this name.
    pub(crate) fn audit(
        &self,
        audit: Arc<dyn AuditTrail>,
        database: &'static str,
    ) -> Arc<dyn AuditTrail> {
        Arc::new(ObservedAudit::new(audit, Arc::clone(&self.metrics), database))
    }

    /// Observes cryptography.
    pub(crate) fn crypto(&self, suite: CryptoSuite) -> CryptoSuite {
        observed::suite(suite, &self.metrics)
    }

    /// Shows how many days certificates have left, and how often what was read again.
    pub(crate) fn watch_reloads(&self, reload: Reload) {
        let counted = reload.clone();
        let counts = move || {
            let counts = counted.counts().into_iter();
            counts.map(|(part, outcome, count)| (part.name(), outcome.name(), count)).collect()
        };
        self.metrics.watch_reloads(Arc::new(counts));
        self.metrics.watch_certificates(Arc::new(move || reload.certificate_days_left()));
    }

    /// Shows the figures of a store, and counts its objects now and then.
    pub(crate) fn watch(&mut self, store: Arc<dyn StoreGauge>) {
        self.metrics.watch_store(Arc::clone(&store));
        let metrics = Arc::clone(&self.metrics);
        self.counting = Some(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(COUNT);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // A database that cannot be read says so itself; what was counted stays.
                if let Ok(counts) = store.objects().await {
                    metrics.set_objects(counts);
                }
            }
        }));
    }

    /// Returns what writes every metric as Prometheus reads it.
    pub(crate) fn exposition(&self) -> Exposition {
        let metrics = Arc::clone(&self.metrics);
        Arc::new(move || metrics.exposition())
    }

    /// Sends what is left and stops.
    pub(crate) fn stop(self) {
        if let Some(counting) = self.counting {
            counting.abort();
        }
        self.metrics.shut_down();
    }
}
