//! The store and the audit trail, observed.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier, locate::Locate, object::ManagedObject, policy::Visibility,
};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail},
    store::{ChangeSet, ObjectStore, Page, StoreError, Stored},
};
use tracing::{Instrument as _, Span};

use super::mark;
use crate::{layer::is_recording, metrics::Metrics};

/// Times the calls to one port.
struct Calls {
    metrics: Arc<Metrics>,
    /// The database, by the name that OpenTelemetry has for it.
    database: &'static str,
}

impl Calls {
    async fn wait<R>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        let span = if is_recording() {
            tracing::trace_span!(
                "kmip.store",
                db.system.name = self.database,
                db.operation.name = call,
                error.type = tracing::field::Empty,
            )
        } else {
            Span::none()
        };
        let begun = Instant::now();
        let result = work.instrument(span.clone()).await;
        self.metrics.store_call(call, begun.elapsed());
        mark(&span, &result);
        result
    }
}

/// A store whose calls are observed.
pub struct ObservedStore {
    inner: Arc<dyn ObjectStore>,
    calls: Calls,
}

impl ObservedStore {
    /// Wraps a store over a database of this name, such as `sqlite` or `postgresql`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, metrics: Arc<Metrics>, database: &'static str) -> Self {
        Self { inner, calls: Calls { metrics, database } }
    }
}

#[async_trait]
impl ObjectStore for ObservedStore {
    async fn load(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<ManagedObject>>, StoreError> {
        self.calls.wait("load", self.inner.load(identifier)).await
    }

    async fn locate(
        &self,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        self.calls.wait("search", self.inner.locate(query, visible, now)).await
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        self.calls.wait("apply", self.inner.apply(changes)).await
    }
}

/// An audit trail whose calls are observed.
pub struct ObservedAudit {
    inner: Arc<dyn AuditTrail>,
    calls: Calls,
}

impl ObservedAudit {
    /// Wraps an audit trail in a database of this name.
    #[must_use]
    pub fn new(inner: Arc<dyn AuditTrail>, metrics: Arc<Metrics>, database: &'static str) -> Self {
        Self { inner, calls: Calls { metrics, database } }
    }
}

#[async_trait]
impl AuditTrail for ObservedAudit {
    async fn note(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        self.calls.wait("note", self.inner.note(events)).await
    }
}
