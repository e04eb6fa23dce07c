//! The section `[policy]`: what clients may do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What clients may do.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A directory of operation policies, or one file, in the format of PyKMIP; read again when it
    /// changes. Without it there are only the policies `default` and `public`.
    pub path: Option<PathBuf>,
    /// What a policy without groups says to users who have groups.
    pub groups_without_section: WithoutSection,
    /// Says whether an object that the client may not know is refused as forbidden, which tells
    /// that it exists, and not as unknown.
    pub reveal_forbidden: bool,
}

/// What a policy without groups says to users who have groups.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutSection {
    /// What it says to everybody else.
    #[default]
    Preset,
    /// No.
    Deny,
}
