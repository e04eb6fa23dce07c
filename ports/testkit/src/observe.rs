//! An observer that remembers what it was told.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kmip_ports::observe::{MessageSeen, Observer, OperationSeen, TraceContext};

use crate::lock;

/// Remembers messages and operations, records what clients record, and counts where others draw
/// lots.
#[derive(Debug, Default)]
pub struct RememberingObserver {
    operations: Mutex<Vec<OperationSeen>>,
    messages: Mutex<Vec<MessageSeen>>,
    next: AtomicU64,
}

impl RememberingObserver {
    /// Returns the operations in the order in which they were told.
    #[must_use]
    pub fn operations(&self) -> Vec<OperationSeen> {
        lock(&self.operations).clone()
    }

    /// Returns the messages in the order in which they were told.
    #[must_use]
    pub fn messages(&self) -> Vec<MessageSeen> {
        lock(&self.messages).clone()
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

impl Observer for RememberingObserver {
    fn place(&self, client: Option<TraceContext>) -> TraceContext {
        let span = self.next();
        client.map_or(TraceContext { trace: u128::from(span), span, sampled: false }, |client| {
            TraceContext { span, ..client }
        })
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.next())
    }

    fn operation(&self, seen: &OperationSeen) {
        lock(&self.operations).push(*seen);
    }

    fn message(&self, seen: &MessageSeen) {
        lock(&self.messages).push(*seen);
    }
}
