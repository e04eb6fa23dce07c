//! Ports, wrapped: every call is timed, and has a span if its message is recorded.
//!
//! What is wrapped knows nothing of it. The spans are of the level trace, so that log lines do not
//! have them; what is recorded is recorded whatever the level.

mod crypto;
mod store;

use std::{sync::Arc, time::Instant};

use tracing::{Instrument as _, Span};

use crate::{layer::is_recording, metrics::Metrics};

pub use crypto::suite;
pub use store::{ObservedAudit, ObservedStore};

/// A port, and who is told of its calls.
struct Observed<T: ?Sized> {
    inner: Arc<T>,
    metrics: Arc<Metrics>,
}

impl<T: ?Sized> Observed<T> {
    fn new(inner: Arc<T>, metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { inner, metrics: Arc::clone(metrics) })
    }

    /// Runs a cryptographic call that waits.
    async fn wait<R, E>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<R, E>>,
    ) -> Result<R, E> {
        let (span, begun) = (crypto_span(call), Instant::now());
        let result = work.instrument(span.clone()).await;
        self.metrics.crypto_call(call, begun.elapsed());
        mark(&span, &result);
        result
    }

    /// Runs a cryptographic call that does not wait.
    fn run<R, E>(&self, call: &'static str, work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        let (span, begun) = (crypto_span(call), Instant::now());
        let result = span.in_scope(work);
        self.metrics.crypto_call(call, begun.elapsed());
        mark(&span, &result);
        result
    }
}

fn crypto_span(call: &'static str) -> Span {
    if !is_recording() {
        return Span::none();
    }
    tracing::trace_span!("kmip.crypto", kmip.crypto.call = call, error.type = tracing::field::Empty)
}

/// Says that a call failed, and nothing of why: what is inside an error may name an object.
fn mark<R, E>(span: &Span, result: &Result<R, E>) {
    if result.is_err() {
        span.record("error.type", "refused");
    }
}
