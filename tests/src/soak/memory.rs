//! The memory of each process in the course of its life, and whether it stays the same.
//!
//! A life has a warm-up, in which caches fill. After it the first five minutes are compared with the
//! last five. Where a life is too short for that, shorter windows are shown and nothing is asked of
//! them.

use std::{ops::Range, time::Duration};

/// How long a process fills its caches; a life shorter than ten minutes has a fifth of itself.
pub const WARM_UP: Duration = Duration::from_mins(2);

/// What is compared.
pub const WINDOW: Duration = Duration::from_mins(5);

/// Less than this shows nothing.
const SHORTEST: Duration = Duration::from_secs(10);

/// By how many in a hundred the last minutes may exceed the first.
pub const ALLOWED: u64 = 10;

/// What one process had, from its start to its end.
#[derive(Clone, Debug)]
pub struct Course {
    /// The number of the node.
    pub node: usize,
    /// The number of its life.
    pub life: usize,
    /// When it began, from the beginning of the load on.
    pub begun: Duration,
    /// When each figure was taken, and what it was in KiB.
    pub samples: Vec<(Duration, u64)>,
}

/// Two windows of one life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The number of the node.
    pub node: usize,
    /// The number of its life.
    pub life: usize,
    /// When the first window is.
    pub first: Range<Duration>,
    /// When the last window is.
    pub last: Range<Duration>,
    /// What the process had in the first, in KiB: the mean.
    pub before: u64,
    /// What it had in the last.
    pub after: u64,
}

impl Comparison {
    /// Says whether the windows are long enough to be judged by.
    pub fn counts(&self) -> bool {
        self.first.end.saturating_sub(self.first.start) >= WINDOW
    }

    /// Says whether memory is flat: it has grown by no more than is allowed. Less is no leak.
    pub fn is_flat(&self) -> bool {
        let allowed = self.before.saturating_mul(ALLOWED.saturating_add(100)) / 100;
        self.after <= allowed
    }
}

impl Course {
    /// Returns the mean of a time, in KiB.
    pub fn mean(&self, time: &Range<Duration>) -> Option<u64> {
        let chosen: Vec<u64> =
            self.samples.iter().filter(|(at, _)| time.contains(at)).map(|(_, kib)| *kib).collect();
        let sum = chosen.iter().fold(0_u64, |sum, kib| sum.saturating_add(*kib));
        sum.checked_div(u64::try_from(chosen.len()).unwrap_or(u64::MAX))
    }

    /// Compares the first window after the warm-up with the last.
    pub fn compare(&self) -> Option<Comparison> {
        let (end, _) = self.samples.last()?;
        // The last figure belongs to the last window.
        let end = end.saturating_add(Duration::from_millis(1));
        let length = end.saturating_sub(self.begun);
        let start = self.begun.saturating_add(WARM_UP.min(part(length, 5)));
        let window = WINDOW.min(part(end.saturating_sub(start), 2));
        if window < SHORTEST {
            return None;
        }
        let first = start..start.saturating_add(window);
        let last = end.saturating_sub(window)..end;
        let (before, after) = (self.mean(&first)?, self.mean(&last)?);
        Some(Comparison { node: self.node, life: self.life, first, last, before, after })
    }
}

/// Returns one of so many parts of a time.
fn part(time: Duration, parts: u32) -> Duration {
    time.checked_div(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process whose memory follows from the time.
    fn course(begun: u64, end: u64, memory: impl Fn(u64) -> u64) -> Course {
        let samples =
            (begun..end).map(|second| (Duration::from_secs(second), memory(second))).collect();
        Course { node: 2, life: 1, begun: Duration::from_secs(begun), samples }
    }

    #[test]
    fn the_warm_up_does_not_count_and_the_windows_are_five_minutes() {
        let filled = |second: u64| 20_000 + second.saturating_sub(360).min(110) * 100;
        let compared = course(360, 1800, filled).compare().unwrap();
        assert_eq!(compared.first, Duration::from_mins(8)..Duration::from_mins(13));
        assert_eq!(compared.last.start.as_secs(), 1499);
        assert_eq!((compared.before, compared.after), (31_000, 31_000));
        assert!(compared.counts() && compared.is_flat());
    }

    #[test]
    fn a_leak_is_found_and_less_is_none() {
        let grows = course(0, 1800, |second| 30_000 + second * 5).compare().unwrap();
        assert!(grows.counts() && !grows.is_flat(), "{grows:?}");
        let slow = course(0, 1800, |second| 30_000 + second).compare().unwrap();
        assert!(slow.is_flat(), "{slow:?}");
        let shrinks = course(0, 1800, |second| 90_000 - second * 20).compare().unwrap();
        assert!(shrinks.is_flat(), "{shrinks:?}");
    }

    #[test]
    fn a_short_life_is_shown_and_not_judged() {
        let compared = course(0, 290, |_| 10).compare().unwrap();
        assert!(!compared.counts());
        assert_eq!(compared.first.start.as_secs(), 57);
        assert_eq!(course(0, 20, |_| 10).compare(), None);
        assert_eq!(course(0, 0, |_| 10).compare(), None);
    }
}
