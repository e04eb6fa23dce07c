//! Settings of the audit trail, and the name under which it is written.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// This server among others on the same database.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Node {
    /// What its part of the audit trail is called; each server on a database has a name of its own.
    pub name: String,
}

impl Default for Node {
    fn default() -> Self {
        Self { name: "kmip-app".to_owned() }
    }
}

/// The audit trail. Changes are always in it, with the change.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// What becomes of reads and refusals.
    pub reads: Reads,
    /// How many days events are kept at least; everything if it is not set.
    pub keep_days: Option<NonZeroU32>,
}

/// What becomes of events that belong to no change.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// They are in a queue when the client is answered, and on the disk with the next commit.
    #[default]
    Queued,
    /// They are on the disk when the client is answered.
    Durable,
    /// They are not written.
    Off,
}
