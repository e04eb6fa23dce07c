//! Who is in a directory, with the groups it gives.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::Principal;
use kmip_ports::{
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};

use crate::directory::Directory;

/// Lets those in whom one of the directories knows. The first that does says what the groups are,
/// whatever was known of groups before.
pub struct SlugsAuthenticator {
    beneath: Arc<dyn Authenticator>,
    directories: Vec<Directory>,
}

impl SlugsAuthenticator {
    /// Asks `directories`, in this order, about whom `beneath` finds.
    #[must_use]
    pub fn new(beneath: Arc<dyn Authenticator>, directories: Vec<Directory>) -> Self {
        Self { beneath, directories }
    }
}

#[async_trait]
impl Authenticator for SlugsAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        let user = self.beneath.authenticate(peer, credentials).await?.user;
        for (position, directory) in self.directories.iter().enumerate() {
            match directory.groups(&user).await {
                Ok(groups) => return Ok(Principal { user, groups: Some(groups) }),
                Err(error) => tracing::warn!(user, position, %error, "not confirmed by SLUGS"),
            }
        }
        Err(AuthenticationError::NotInDirectory)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kmip_testkit::FixedAuthenticator;

    use super::*;
    use crate::directory::tests::{OK, StandIn, json};

    async fn ask(
        beneath: FixedAuthenticator,
        directories: &[&StandIn],
    ) -> Result<Principal, AuthenticationError> {
        let directories = directories.iter().map(|it| it.directory(Duration::ZERO)).collect();
        let authenticator = SlugsAuthenticator::new(Arc::new(beneath), directories);
        let peer = Peer { connection: 1, address: None, certificates: Vec::new() };
        authenticator.authenticate(&peer, &[]).await
    }

    fn alice_in(groups: &[&str]) -> Principal {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Principal { user: "alice".into(), groups: Some(groups) }
    }

    #[tokio::test]
    async fn the_first_directory_that_knows_the_user_says_the_groups() {
        let (one, two) = (json(r#"{"groups": ["1"]}"#), json(r#"{"groups": ["2"]}"#));
        let empty = StandIn::start(&[]).await;
        let first =
            StandIn::start(&[("/slugs/users/alice", OK), ("/slugs/users/alice/groups", &one)])
                .await;
        let second =
            StandIn::start(&[("/slugs/users/alice", OK), ("/slugs/users/alice/groups", &two)])
                .await;
        let alice = || FixedAuthenticator::user("alice").with_groups(&["before"]);
        assert_eq!(ask(alice(), &[&empty, &first, &second]).await, Ok(alice_in(&["1"])));
        assert_eq!(ask(alice(), &[&second, &first]).await, Ok(alice_in(&["2"])));
        assert_eq!(ask(alice(), &[&empty]).await, Err(AuthenticationError::NotInDirectory));
        assert_eq!(
            ask(FixedAuthenticator::user("bob"), &[&first, &second]).await,
            Err(AuthenticationError::NotInDirectory)
        );
    }

    #[tokio::test]
    async fn who_is_nobody_is_not_asked_about() {
        let directory = StandIn::start(&[]).await;
        let nobody = ask(FixedAuthenticator::default(), &[&directory]).await;
        assert_eq!(nobody, Err(AuthenticationError::NoCertificate));
        assert_eq!(directory.asked(), [""; 0]);
    }
}
