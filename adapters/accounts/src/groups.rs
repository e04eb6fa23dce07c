//! The file of groups: TOML, `user = ["group", …]`; and who a client is, with these groups.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use kmip_model::Principal;
use kmip_ports::{
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};
use thiserror::Error;

/// The groups of each user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<String, Vec<String>>);

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct GroupsError(String);

impl Groups {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is no TOML, or something in it is no list of names.
    pub fn parse(text: &str) -> Result<Self, GroupsError> {
        toml::from_str(text).map(Self).map_err(|error| GroupsError(error.to_string()))
    }

    /// Returns the groups of a user.
    #[must_use]
    pub fn of(&self, user: &str) -> &[String] {
        self.0.get(user).map_or(&[], Vec::as_slice)
    }
}

/// Adds the groups of a file to those a client has already. Who is not in the file is in none of
/// its groups, and is known to be.
pub struct GroupAuthenticator {
    beneath: Arc<dyn Authenticator>,
    groups: Groups,
}

impl GroupAuthenticator {
    /// Adds `groups` to what `beneath` finds out.
    #[must_use]
    pub fn new(beneath: Arc<dyn Authenticator>, groups: Groups) -> Self {
        Self { beneath, groups }
    }
}

#[async_trait]
impl Authenticator for GroupAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        let Principal { user, groups } = self.beneath.authenticate(peer, credentials).await?;
        let mut groups = groups.unwrap_or_default();
        for group in self.groups.of(&user) {
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        }
        Ok(Principal { user, groups: Some(groups) })
    }
}

#[cfg(test)]
mod tests {
    use kmip_testkit::FixedAuthenticator;

    use super::*;

    const FILE: &str = "alice = [\"a\", \"b\"]\n\"CN=bob,O=x\" = []\n";

    async fn groups_of(beneath: FixedAuthenticator) -> Vec<String> {
        let groups = Groups::parse(FILE).unwrap();
        let peer = Peer { connection: 1, address: None, certificates: Vec::new() };
        let authenticator = GroupAuthenticator::new(Arc::new(beneath), groups);
        authenticator.authenticate(&peer, &[]).await.unwrap().groups.unwrap()
    }

    #[tokio::test]
    async fn groups_of_the_file_join_those_that_are_known() {
        assert_eq!(groups_of(FixedAuthenticator::user("alice")).await, ["a", "b"]);
        let known = FixedAuthenticator::user("alice").with_groups(&["c", "b"]);
        assert_eq!(groups_of(known).await, ["c", "b", "a"]);
    }

    #[tokio::test]
    async fn who_is_not_in_the_file_is_in_no_group() {
        assert_eq!(groups_of(FixedAuthenticator::user("carol")).await, [""; 0]);
        assert_eq!(groups_of(FixedAuthenticator::user("CN=bob,O=x")).await, [""; 0]);
    }

    #[test]
    fn what_is_no_list_of_names_is_refused() {
        for text in ["alice = \"a\"", "alice = [1]", "[alice]\na = 1", "alice"] {
            assert!(Groups::parse(text).is_err(), "{text}");
        }
    }
}
