//! The time of day.

use kmip_model::DateTime;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the current time; never earlier than what it returned before.
    fn now(&self) -> DateTime;
}
