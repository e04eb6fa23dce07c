//! How long each request took, in little room: counts in buckets that grow with the time.
//!
//! Below 64 µs a bucket is a microsecond, above it a sixty-fourth of the next lower power of two, so
//! that a percentile is at most two in a hundred too high.

use std::time::Duration;

/// How many buckets a power of two has.
const PARTS: usize = 64;

/// How many buckets there are: up to 2^40 µs, twelve days.
const BUCKETS: usize = 40 * PARTS;

/// The times of many requests.
#[derive(Clone, Debug)]
pub struct Latencies {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, longest: 0 }
    }
}

impl Latencies {
    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count = count.saturating_add(1);
        }
        self.total = self.total.saturating_add(1);
        self.longest = self.longest.max(micros);
    }

    /// Adds the times of somebody else.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total = self.total.saturating_add(other.total);
        self.longest = self.longest.max(other.longest);
    }

    /// Returns how many there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Returns the longest, in microseconds.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// Returns the time that so many of a thousand do not exceed, in microseconds.
    pub fn of_thousand(&self, share: u64) -> u64 {
        let wanted = self.total.saturating_mul(share).div_ceil(1_000).max(1);
        let mut passed = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            passed = passed.saturating_add(*count);
            if passed >= wanted {
                return upper_end(bucket).min(self.longest);
            }
        }
        self.longest
    }
}

fn bucket(micros: u64) -> usize {
    let parts = PARTS as u64;
    if micros < parts {
        return usize::try_from(micros).unwrap_or_default();
    }
    // 64 to 127 are power 0, 128 to 255 power 1.
    let power = micros.ilog2().saturating_sub(parts.ilog2());
    let part = (micros >> power).saturating_sub(parts);
    let bucket = u64::from(power).saturating_add(1).saturating_mul(parts).saturating_add(part);
    usize::try_from(bucket).unwrap_or(usize::MAX).min(BUCKETS.saturating_sub(1))
}

/// Returns the longest time that is counted in a bucket.
fn upper_end(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let (power, part) = ((bucket / PARTS).saturating_sub(1), bucket % PARTS);
    let next = PARTS.saturating_add(part).saturating_add(1) as u64;
    next.checked_shl(u32::try_from(power).unwrap_or(u32::MAX)).unwrap_or(u64::MAX).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_the_bucket_whose_end_is_next_above_it() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 3_600_000_000]) {
            let end = upper_end(bucket(micros));
            assert!(end >= micros, "{micros} in a bucket that ends at {end}");
            assert!(end - micros <= micros / 64, "{micros} in a bucket that ends at {end}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_times() {
        let (mut first, mut second) = (Latencies::default(), Latencies::default());
        for micros in 1..=1_000 {
            let half = if micros % 2 == 0 { &mut first } else { &mut second };
            half.add(Duration::from_micros(micros));
        }
        first.merge(&second);
        assert_eq!(first.count(), 1_000);
        assert_eq!(first.longest(), 1_000);
        assert!((500..=508).contains(&first.of_thousand(500)), "{}", first.of_thousand(500));
        assert!((990..=1_000).contains(&first.of_thousand(990)), "{}", first.of_thousand(990));
        assert_eq!(Latencies::default().of_thousand(500), 0);
    }
}
