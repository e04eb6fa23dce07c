//! The file of accounts: TOML, one `[[account]]` for each user.

use std::collections::HashMap;

use serde::Deserialize;
use thiserror::Error;

use crate::password::{PasswordError, PasswordHash};

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The hash of the password.
    pub hash: PasswordHash,
    /// The user's groups, if the account has any notion of them.
    pub groups: Option<Vec<String>>,
    /// Says whether the account can be used.
    pub enabled: bool,
}

/// All accounts, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    accounts: HashMap<String, Account>,
    /// What is computed for a name that nobody has: it takes as long as for one that somebody has.
    decoy: Option<PasswordHash>,
}

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccountsError {
    /// It is no TOML, or a key is unknown, missing or of the wrong type.
    #[error("{0}")]
    Form(String),
    /// A name would be nobody's.
    #[error("account {0:?} has no usable name")]
    BadName(String),
    /// A name is there twice.
    #[error("account {0:?} is there twice")]
    Twice(String),
    /// A hash cannot be used.
    #[error("account {0:?}: {1}")]
    Hash(String, PasswordError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    hash: String,
    groups: Option<Vec<String>>,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl Accounts {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The first thing that is wrong; never a hash or what may be one.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        // The message alone: the whole error shows the line, which may hold a hash.
        let file: File = toml::from_str(text)
            .map_err(|error| AccountsError::Form(error.message().trim().to_owned()))?;
        let mut accounts = Self::default();
        for Entry { name, hash, groups, enabled } in file.account {
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                return Err(AccountsError::BadName(name));
            }
            let hash = PasswordHash::parse(&hash)
                .map_err(|error| AccountsError::Hash(name.clone(), error))?;
            accounts.decoy.get_or_insert_with(|| hash.clone());
            let account = Account { hash, groups, enabled };
            if accounts.accounts.insert(name.clone(), account).is_some() {
                return Err(AccountsError::Twice(name));
            }
        }
        Ok(accounts)
    }

    /// Returns how many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Says whether there is no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Returns the account that can be used under that name.
    #[must_use]
    pub fn usable(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name).filter(|account| account.enabled)
    }

    /// Returns the hash to compute for a name, and whether matching it means anything.
    pub(crate) fn hash_for(&self, name: &str) -> (Option<&PasswordHash>, bool) {
        match self.accounts.get(name) {
            Some(account) => (Some(&account.hash), account.enabled),
            None => (self.decoy.as_ref(), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::cheap;

    #[test]
    fn accounts_are_read_with_their_defaults() {
        let (first, second) = (cheap("a"), cheap("b"));
        let accounts = Accounts::parse(&format!(
            "[[account]]\nname = \"alice\"\nhash = \"{first}\"\n\
             [[account]]\nname = \"bob\"\nhash = \"{second}\"\ngroups = [\"g\"]\nenabled = false\n"
        ))
        .unwrap();
        assert_eq!(accounts.len(), 2);
        let alice = accounts.usable("alice").unwrap();
        assert_eq!((&alice.groups, alice.enabled), (&None, true));
        assert!(alice.hash.matches(&b"a"[..].into()));
        assert_eq!(accounts.usable("bob"), None);
        assert_eq!(accounts.usable("carol"), None);
        assert!(Accounts::parse("").unwrap().is_empty());
    }

    #[test]
    fn an_unknown_and_a_disabled_name_cost_a_hash_that_means_nothing() {
        let hash = cheap("a");
        let accounts = Accounts::parse(&format!(
            "[[account]]\nname = \"alice\"\nhash = \"{hash}\"\nenabled = false\n"
        ))
        .unwrap();
        for name in ["alice", "nobody"] {
            let (hash, counts) = accounts.hash_for(name);
            assert!(hash.is_some() && !counts, "{name}");
        }
    }

    #[test]
    fn a_wrong_file_is_refused_without_showing_hashes() {
        let hash = cheap("a");
        let one = format!("[[account]]\nname = \"alice\"\nhash = \"{hash}\"\n");
        for (text, expected) in [
            (format!("{one}{one}"), "account \"alice\" is there twice"),
            (one.replace("alice", " "), "account \" \" has no usable name"),
            (one.replace("alice", "a\\n"), "account \"a\\n\" has no usable name"),
            (one.replace("argon2id", "argon2i"), "account \"alice\": the hash is not one"),
            (format!("{one}group = []\n"), "unknown field"),
            (one.replace("name =", "nome ="), "unknown field"),
            (one.replace("name = \"alice\"\n", ""), "missing field `name`"),
            (one.replace("[[account]]", "[account]"), "invalid type"),
            (format!("{one}x"), ""),
        ] {
            let error = Accounts::parse(&text).expect_err(&text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains('$'), "{error}");
        }
    }
}
