//! A clock that stands still until it is set.

use std::sync::atomic::{AtomicI64, Ordering};

use kmip_model::{DateTime, Interval};
use kmip_ports::clock::Clock;

/// Tells the time it was told.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Makes a clock that shows `now`.
    #[must_use]
    pub const fn new(now: DateTime) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets the clock forward to `now`.
    ///
    /// # Panics
    /// If `now` is earlier than what the clock shows: the port promises that it never goes back.
    pub fn set(&self, now: DateTime) {
        let before = self.0.swap(now.0, Ordering::SeqCst);
        assert!(before <= now.0, "a clock never goes back");
    }

    /// Sets the clock forward by `interval`.
    pub fn advance(&self, interval: Interval) {
        self.set(self.now().plus(interval));
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime {
        DateTime(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_told() {
        let clock = FixedClock::new(DateTime(5));
        assert_eq!(clock.now(), DateTime(5));
        clock.advance(Interval(3));
        assert_eq!(clock.now(), DateTime(8));
    }
}
