//! Who is told of connections, and that a session that ends is told of, however it ends.

use std::sync::Arc;
use std::time::Duration;

use kmip_ports::observe::{ConnectionObserver, HandshakeCause};

/// Is told of connections and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl ConnectionObserver for Unobserved {
    fn accepted(&self) {}

    fn refused(&self) {}

    fn opened(&self, _: Duration) {}

    fn closed(&self) {}

    fn failed(&self, _: HandshakeCause) {}
}

/// A session that was told of; when it is dropped, its end is.
pub(crate) struct Opened(Arc<dyn ConnectionObserver>);

impl Opened {
    /// Tells of a session after a handshake of this time.
    pub(crate) fn after(handshake: Duration, observer: &Arc<dyn ConnectionObserver>) -> Self {
        observer.opened(handshake);
        Self(Arc::clone(observer))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.closed();
    }
}
