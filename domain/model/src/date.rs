//! Date-Time and Interval (KMIP 2.1 §10.1, 1.4 §9.1.1).

use core::fmt;

/// Seconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub i64);

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub u32);

impl DateTime {
    /// The last representable instant; in a Locate it stands for "not set".
    pub const MAX: Self = Self(i64::MAX);

    /// Adds an interval; stops at the last representable instant.
    #[must_use]
    pub const fn plus(self, interval: Interval) -> Self {
        Self(self.0.saturating_add(interval.0 as i64))
    }

    /// Returns the seconds from `earlier` to `self`, negative if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for DateTime {
    /// Writes the date as ISO 8601 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400);
        let seconds = self.0.rem_euclid(86_400);
        let (year, month, day) = civil(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// Turns days since the epoch into year, month, day of the Gregorian calendar.
#[expect(clippy::arithmetic_side_effects, reason = "days are at most 2^63/86400 in size")]
const fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day is the last of the year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_as_iso_8601() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_371_853_139, "2013-06-21T22:18:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(DateTime(seconds).to_string(), text);
        }
    }

    #[test]
    fn adding_stops_at_the_end_of_time() {
        assert_eq!(DateTime::MAX.plus(Interval(1)), DateTime::MAX);
    }
}
