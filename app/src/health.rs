//! Whether the server can do its work: what `/readyz` answers from.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_http::{Check, Health};
use kmip_model::UniqueIdentifier;
use kmip_ports::{clock::Clock, store::ObjectStore as _};
use kmip_tls::Shutdown;

use crate::wire::{storage::Storage, transport::Exchange};

/// An identifier that no object has, so that the store must look and finds nothing.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// What must be in order.
pub(crate) struct Readiness {
    pub(crate) storage: Storage,
    pub(crate) transport: Arc<Exchange>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: Shutdown,
}

#[async_trait]
impl Health for Readiness {
    async fn checks(&self) -> Vec<Check> {
        vec![self.serving(), self.store().await, self.root_key(), self.certificate()]
    }
}

impl Readiness {
    fn serving(&self) -> Check {
        let is_good = !self.shutdown.has_begun();
        let words = if is_good { "requests are answered" } else { "the server is shutting down" };
        Check { name: "serving", is_good, words: words.to_owned() }
    }

    async fn store(&self) -> Check {
        let check =
            |is_good, words: &str| Check { name: "store", is_good, words: words.to_owned() };
        if let Some(failure) = self.storage.failure() {
            return check(false, failure.words());
        }
        match self.storage.store.load(&UniqueIdentifier::new(NOBODY)).await {
            Ok(_) => check(true, "the store answers"),
            Err(error) => {
                // The reason may name hosts and files, so it is for the log.
                tracing::warn!(%error, "the store does not answer");
                check(false, "the store does not answer; the log says why")
            }
        }
    }

    /// A store is opened by its root key, and what that opened stays open.
    fn root_key(&self) -> Check {
        let words = match self.storage.root_key {
            Some(_) => "the store was opened with its root key",
            None => "a store in memory has a key of its own",
        };
        Check { name: "root_key", is_good: true, words: words.to_owned() }
    }

    fn certificate(&self) -> Check {
        let dates = self.transport.dates();
        let now = self.clock.now();
        let (is_good, words) = match (dates.server_from, dates.server_until) {
            (Some(from), _) if now < from => (false, format!("not valid before {from}")),
            (_, Some(until)) if now > until => (false, format!("expired at {until}")),
            (_, Some(until)) => (true, format!("valid until {until}")),
            (_, None) => (true, "no date can be read".to_owned()),
        };
        Check { name: "certificate", is_good, words }
    }
}
