//! The system's clock, kept from going backwards.
//!
//! State transitions happen by date, so a clock that is set back must not undo one that a
//! client has seen.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use kmip_model::DateTime;
use kmip_ports::clock::Clock;

/// Tells the system's time; while that lies before an earlier answer, repeats the answer.
#[derive(Debug)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl SystemClock {
    /// Makes a clock that has not told any time yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: AtomicI64::new(i64::MIN) }
    }

    /// Remembers a reading and returns the latest of all.
    fn observe(&self, seconds: i64) -> DateTime {
        let before = self.latest.fetch_max(seconds, Ordering::Relaxed);
        DateTime(before.max(seconds))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's only real clock")]
    fn now(&self) -> DateTime {
        self.observe(seconds_since_epoch(SystemTime::now()))
    }
}

/// Counts whole seconds, rounded down; negative before 1970.
fn seconds_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            let part = i64::from(before.subsec_nanos() > 0);
            whole.saturating_neg().saturating_sub(part)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_set_back_stands_still() {
        let clock = SystemClock::new();
        assert_eq!(clock.observe(100), DateTime(100));
        assert_eq!(clock.observe(40), DateTime(100));
        assert_eq!(clock.observe(101), DateTime(101));
    }

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        let half = Duration::from_millis(500);
        assert_eq!(seconds_since_epoch(UNIX_EPOCH + half), 0);
        assert_eq!(seconds_since_epoch(UNIX_EPOCH - half), -1);
        assert_eq!(seconds_since_epoch(UNIX_EPOCH - Duration::from_secs(2)), -2);
    }

    #[test]
    fn now_is_in_this_century() {
        let now = SystemClock::new().now();
        assert!(now > DateTime(1_700_000_000), "{now}");
        assert!(now < DateTime(4_102_444_800), "{now}");
    }
}
