//! How much a peer may use, and for how long.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error;

use crate::frame::SharedBytes;

/// A message size that no server should take or that no message fits into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the largest message must have between {SMALLEST} and {LARGEST} bytes")]
pub struct BadMessageLimit;

const SMALLEST: usize = 1024;
const LARGEST: usize = 16 * 1024 * 1024;

/// The size of the largest message that is read, its header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageLimit(usize);

impl MessageLimit {
    /// Takes a number of bytes from 1 KiB to 16 MiB.
    ///
    /// # Errors
    ///
    /// Refuses any other number.
    pub const fn parse(bytes: usize) -> Result<Self, BadMessageLimit> {
        if bytes < SMALLEST || bytes > LARGEST { Err(BadMessageLimit) } else { Ok(Self(bytes)) }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }
}

impl Default for MessageLimit {
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

/// What one listener allows its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time, handshakes included; one more is closed at once.
    pub maximum_connections: usize,
    /// The largest message; a larger one is answered, unread, and its connection closed.
    pub maximum_message_bytes: MessageLimit,
    /// Bytes of messages being read or answered, over all connections, beyond what each connection
    /// has for itself; who needs more waits for others to finish. Never less than one message, and
    /// one message more while all of them wait for each other.
    pub maximum_buffered_bytes: usize,
    /// From accepting to the end of the handshake.
    pub handshake_timeout: Duration,
    /// From an answer, or the handshake, to the first byte of the next message.
    pub idle_timeout: Duration,
    /// From the first byte of a message to its last.
    pub message_timeout: Duration,
    /// For writing one answer.
    pub write_timeout: Duration,
    /// For requests in progress, after a shutdown has begun.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    /// Suits a server of 256 MiB: connections idle for most of an hour are normal among clients.
    fn default() -> Self {
        Self {
            maximum_connections: 1024,
            maximum_message_bytes: MessageLimit::default(),
            maximum_buffered_bytes: 32 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_hours(1),
            message_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// The limits of a listener, which may be exchanged while it serves; every clone is the same.
///
/// New connections and next messages keep to the new ones. What is under way ends by the old ones,
/// so for that long both sums of buffered bytes may be in use.
#[derive(Clone, Debug)]
pub struct LimitsInForce(Arc<ArcSwap<Budget>>);

/// Limits, and the bytes that they allow all connections together.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    pub(crate) shared_bytes: SharedBytes,
}

impl LimitsInForce {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Budget::new(limits))))
    }

    /// Exchanges the limits.
    pub fn exchange(&self, limits: Limits) {
        // The same limits again must not allow more bytes than they say.
        if self.limits() != limits {
            self.0.store(Arc::new(Budget::new(limits)));
        }
    }

    /// Returns the limits of now.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.load().limits
    }

    pub(crate) fn budget(&self) -> Arc<Budget> {
        self.0.load_full()
    }
}

impl Budget {
    fn new(limits: Limits) -> Self {
        // Less than one message would make the largest ones wait for ever.
        let bytes = limits.maximum_buffered_bytes.max(limits.maximum_message_bytes.bytes());
        Self { limits, shared_bytes: SharedBytes::new(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_of_the_same_limits_allows_nothing_more() {
        let in_force = LimitsInForce::new(Limits::default());
        let before = in_force.budget();
        in_force.exchange(Limits::default());
        assert!(Arc::ptr_eq(&before, &in_force.budget()));
        let fewer = Limits { maximum_connections: 3, ..Limits::default() };
        in_force.clone().exchange(fewer);
        assert_eq!(in_force.limits(), fewer);
        assert!(!Arc::ptr_eq(&before, &in_force.budget()));
    }

    #[test]
    fn a_message_limit_is_between_one_kibibyte_and_sixteen_mebibytes() {
        for (bytes, good) in [
            (0, false),
            (1023, false),
            (1024, true),
            (16_777_216, true),
            (16_777_217, false),
            (usize::MAX, false),
        ] {
            assert_eq!(MessageLimit::parse(bytes).is_ok(), good, "{bytes}");
        }
    }
}
