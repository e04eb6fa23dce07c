//! The section `[auth]`: how clients are identified.

use std::{fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

/// How clients are identified.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Says whether a client certificate must carry the extended key usage clientAuth.
    pub require_client_auth_usage: bool,
    /// What of the client certificate is the user's name.
    pub user_from: UserFrom,
    /// What of the client certificate is the user's groups.
    pub groups_from: GroupsFrom,
    /// The groups of users, TOML: `user = ["group", …]`; read again when it changes.
    pub groups_file: Option<PathBuf>,
    /// Accounts with passwords, TOML, mode 0600; read again when it changes. Without it, credentials
    /// in requests are ignored.
    pub accounts_file: Option<PathBuf>,
    /// SLUGS directories, asked in this order; with any, only users that one of them knows get in.
    #[serde(deserialize_with = "one_or_many")]
    pub slugs: Vec<Slugs>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            require_client_auth_usage: true,
            user_from: UserFrom::default(),
            groups_from: GroupsFrom::default(),
            groups_file: None,
            accounts_file: None,
            slugs: Vec::new(),
        }
    }
}

/// What of the client certificate is the user's name.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserFrom {
    /// The one Common Name.
    #[default]
    Cn,
    /// The one DNS name among the alternative names.
    SanDns,
    /// The one mail address among the alternative names.
    SanEmail,
    /// The whole subject, as RFC 4514 writes it.
    Subject,
    /// The SHA-256 of the certificate, in hexadecimal.
    Fingerprint,
}

/// What of the client certificate is the user's groups.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsFrom {
    /// Nothing.
    #[default]
    None,
    /// The Organizational Units of the subject.
    Ou,
}

/// A SLUGS directory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slugs {
    /// The URL below which it has `/users`; `http://` only.
    pub url: String,
    /// Time for each answer.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// How long what it says counts, at most 1000.
    #[serde(default = "cache_milliseconds")]
    pub cache_milliseconds: u64,
}

impl Slugs {
    /// Asks a service with the usual time-out.
    #[must_use]
    pub fn of(url: String) -> Self {
        Self { url, timeout_seconds: timeout_seconds(), cache_milliseconds: cache_milliseconds() }
    }
}

fn timeout_seconds() -> u64 {
    10
}

fn cache_milliseconds() -> u64 {
    500
}

/// Takes `[auth.slugs]` for a list of one.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Slugs>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<Slugs>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table, or several")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Slugs>, A::Error> {
            Slugs::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<Slugs>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }

    deserializer.deserialize_any(OneOrMany)
}
