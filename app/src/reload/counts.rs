//! How often each part of the configuration was read again, and with what result.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// A part of the configuration that is judged by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The configuration file.
    Configuration,
    /// The server's certificate and its key.
    Certificate,
    /// The authorities of clients and their revocation lists.
    Trust,
    /// Accounts, groups and directories of users.
    Access,
    /// Operation policies; each file counts.
    Policies,
    /// How much is logged.
    LogLevel,
    /// What a client may use up.
    Limits,
    /// The files of the admin port.
    Admin,
}

impl Part {
    /// Returns its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Certificate => "certificate",
            Self::Trust => "trust",
            Self::Access => "access",
            Self::Policies => "policies",
            Self::LogLevel => "log_level",
            Self::Limits => "limits",
            Self::Admin => "admin",
        }
    }
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The new one is in force.
    Taken,
    /// The new one is of no use, so the old one is in force.
    Kept,
}

impl Outcome {
    /// Returns its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Kept => "kept",
        }
    }
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<BTreeMap<(Part, Outcome), u64>>);

impl Counts {
    pub(super) fn add(&self, part: Part, outcome: Outcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((part, outcome)).or_default();
        *count = count.saturating_add(1);
    }

    /// Returns what was counted, in order.
    pub(super) fn all(&self) -> BTreeMap<(Part, Outcome), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
