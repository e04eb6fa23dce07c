//! What can be said of a database without opening it for work.

use kmip_model::DateTime;
use kmip_ports::record::WrappedKey;

/// What was found in a database that was only looked at: nothing was made, changed or claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The number of its schema; 0 if it has none.
    pub schema: i64,
    /// The number of the latest schema that this program knows.
    pub known: i64,
    /// The wrapped data keys.
    pub keys: Vec<WrappedKey>,
    /// When the newest event happened that this node has noted.
    pub newest_event: Option<DateTime>,
    /// Says whether what is committed waits for the disk.
    pub durable: bool,
}

/// Finds the time of a node's newest event.
pub(crate) const NEWEST_EVENT: &str =
    "SELECT last_at FROM audit_block WHERE node = $1 ORDER BY number DESC LIMIT 1";
