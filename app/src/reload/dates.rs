//! How many days certificates have left, and what is said of it once a day.

use std::time::{Duration, Instant};

use kmip_model::DateTime;
use kmip_tls::Dates;

/// The length of a day in seconds.
const DAY: i64 = 86_400;

/// From when on a certificate that expires is a warning.
const NOTICE: i64 = 30;

/// How long nothing is said after something was.
const REST: Duration = Duration::from_hours(24);

/// Returns how many whole days each certificate has left, by the name that the metric gives it;
/// negative after its end.
#[must_use]
pub(crate) fn days_left(dates: &Dates, now: DateTime) -> Vec<(&'static str, i64)> {
    [("server", dates.server_until), ("client_ca", dates.authorities_until)]
        .into_iter()
        .filter_map(|(certificate, until)| Some((certificate, days(until?, now))))
        .collect()
}

fn days(until: DateTime, now: DateTime) -> i64 {
    until.0.saturating_sub(now.0).div_euclid(DAY)
}

/// Warns of what goes out of date, once a day.
#[derive(Default)]
pub(super) struct Reminder(Option<Instant>);

impl Reminder {
    /// Warns, if it is a day since it did.
    pub(super) fn remind(&mut self, dates: &Dates, now: DateTime) {
        if self.0.is_some_and(|last| last.elapsed() < REST) {
            return;
        }
        self.0 = Some(Instant::now());
        for (certificate, days) in days_left(dates, now) {
            if days < 0 {
                tracing::warn!(certificate, days, "a certificate has expired");
            } else if days < NOTICE {
                tracing::warn!(certificate, days, "a certificate expires soon");
            }
        }
        if let Some(due) = dates.lists_due.filter(|due| *due < now) {
            tracing::warn!(
                due = %due,
                "a certificate revocation list is out of date: what was revoked since is not known"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_negative_after_the_end() {
        let now = DateTime(1_000 * DAY);
        for (until, expected) in [
            (now.0, 0),
            (now.0 + DAY - 1, 0),
            (now.0 + DAY, 1),
            (now.0 + 30 * DAY, 30),
            (now.0 - 1, -1),
            (now.0 - 2 * DAY, -2),
        ] {
            let dates = Dates { server_until: Some(DateTime(until)), ..Dates::default() };
            assert_eq!(days_left(&dates, now), [("server", expected)]);
        }
        assert!(days_left(&Dates::default(), now).is_empty());
    }
}
