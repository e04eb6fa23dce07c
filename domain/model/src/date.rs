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

    /// Reads a date as it is written: `2013-06-21T22:18:59Z`, or `2013-06-21` for its first second.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z')?),
            None => (text, "00:00:00"),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = (1..=12).contains(&month).then(|| days(year, month, day))?;
        // A day that its month has not would be one of the next.
        if civil(days) != (year, month, day) {
            return None;
        }
        let seconds = hour.checked_mul(3_600)?.checked_add(minute.checked_mul(60)?)?;
        days.checked_mul(86_400)?.checked_add(seconds)?.checked_add(second).map(Self)
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

/// Turns year, month, day of the Gregorian calendar into days since the epoch.
#[expect(clippy::arithmetic_side_effects, reason = "years have four digits, months and days two")]
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Reads three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut read = |digits: usize| {
        let part = parts.next()?;
        let whole = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if whole { part.parse::<i64>().ok() } else { None }
    };
    let [first, second, third] = digits;
    let read = [read(first)?, read(second)?, read(third)?];
    parts.next().is_none().then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_again() {
        for seconds in (-4_000_000_000..7_000_000_000_i64).step_by(86_399 * 7) {
            let date = DateTime(seconds);
            assert_eq!(DateTime::parse(&date.to_string()), Some(date));
        }
        assert_eq!(DateTime::parse("1970-01-02"), Some(DateTime(86_400)));
        for text in [
            "",
            "1970",
            "1970-1-1",
            "1970-13-01",
            "1970-00-01",
            "1970-02-29",
            "1970-01-00",
            "1970-01-01T00:00:00",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00Z",
            "+970-01-01",
            "1970-01-01-01",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }

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
