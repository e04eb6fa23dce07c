//! The time of day, as a client knows it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the seconds since 1970 began.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are clients: they compare the server's dates with their own time of day"
)]
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}
