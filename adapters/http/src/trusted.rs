//! Looks at a peer again before each of its requests, if others are trusted than when it came.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::service::Service;
use kmip_transport::Acceptor;
use thiserror::Error;

/// A peer that was let in by its certificates.
pub(crate) struct Peer {
    acceptor: Arc<dyn Acceptor>,
    certificates: Vec<Vec<u8>>,
    /// What was trusted when it was last looked at.
    trust: AtomicU64,
}

impl Peer {
    /// Remembers who was let in when that was trusted.
    pub(crate) fn new(acceptor: Arc<dyn Acceptor>, certificates: Vec<Vec<u8>>, trust: u64) -> Self {
        Self { acceptor, certificates, trust: AtomicU64::new(trust) }
    }

    fn is_trusted(&self) -> bool {
        let now = self.acceptor.trust();
        if self.trust.load(Ordering::Acquire) == now {
            return true;
        }
        match self.acceptor.still_trusts(&self.certificates) {
            Ok(()) => {
                self.trust.store(now, Ordering::Release);
                true
            }
            Err(reason) => {
                tracing::warn!(reason, "who asks the admin port is not trusted any more");
                false
            }
        }
    }
}

/// The peer was let in and would not be any more; its connection ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the peer is not trusted any more")]
pub(crate) struct Untrusted;

/// Answers requests for as long as their peer is trusted; without one, all.
pub(crate) struct OfTrusted<S> {
    pub(crate) inner: S,
    pub(crate) peer: Option<Peer>,
}

impl<R, S> Service<R> for OfTrusted<S>
where
    S: Service<R, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Untrusted;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Untrusted>> + Send>>;

    fn call(&self, request: R) -> Self::Future {
        let is_trusted = self.peer.as_ref().is_none_or(Peer::is_trusted);
        let answer = is_trusted.then(|| self.inner.call(request));
        Box::pin(async {
            match answer {
                Some(answer) => answer.await.map_err(|never| match never {}),
                None => Err(Untrusted),
            }
        })
    }
}
