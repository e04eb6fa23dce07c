//! Nobody measures; messages have a place in a trace all the same.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kmip_ports::{
    audit::AuditTrail,
    crypto::CryptoSuite,
    observe::{ConnectionObserver, MessageSeen, Observer, OperationSeen, StoreGauge, TraceContext},
    store::ObjectStore,
};
use kmip_tls::Unobserved;

use super::Exposition;
use crate::{config, reload::Reload, report::Report};

/// Measures nothing.
pub(crate) struct Telemetry {
    places: Arc<Places>,
}

impl Telemetry {
    pub(crate) fn start(_: &config::Telemetry) -> Result<Self, Report> {
        let places =
            Places { begun: Instant::now(), next: AtomicU64::new(1), random: RandomState::new() };
        Ok(Self { places: Arc::new(places) })
    }

    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.places) as Arc<_>
    }

    pub(crate) fn connections(&self) -> Arc<dyn ConnectionObserver> {
        Arc::new(Unobserved)
    }

    pub(crate) fn store(
        &self,
        store: Arc<dyn ObjectStore>,
        _: &'static str,
    ) -> Arc<dyn ObjectStore> {
        store
    }

    pub(crate) fn audit(&self, audit: Arc<dyn AuditTrail>, _: &'static str) -> Arc<dyn AuditTrail> {
        audit
    }

    pub(crate) fn crypto(&self, suite: CryptoSuite) -> CryptoSuite {
        suite
    }

    pub(crate) fn watch_reloads(&self, _: Reload) {}

    pub(crate) fn watch(&mut self, _: Arc<dyn StoreGauge>) {}

    pub(crate) fn exposition(&self) -> Exposition {
        Arc::new(String::new)
    }

    pub(crate) fn stop(self) {}
}

/// Gives messages a place in a trace.
struct Places {
    begun: Instant,
    next: AtomicU64,
    random: RandomState,
}

impl Places {
    /// Returns a number that nobody foresees and that is not 0.
    fn fresh(&self) -> u64 {
        self.random.hash_one(self.next.fetch_add(1, Ordering::Relaxed)).max(1)
    }
}

impl Observer for Places {
    fn place(&self, client: Option<TraceContext>) -> TraceContext {
        let trace = client.map_or_else(
            || u128::from(self.fresh()) << 64 | u128::from(self.fresh()),
            |client| client.trace,
        );
        TraceContext { trace, span: self.fresh(), sampled: false }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn operation(&self, _: &OperationSeen) {}

    fn message(&self, _: &MessageSeen) {}
}
