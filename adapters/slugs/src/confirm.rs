//! Who is in a directory, with the groups it gives.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use kmip_model::Principal;
use kmip_ports::{
    bursts::{Bursts, Lines, Sum},
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};

use crate::directory::Directory;

/// How many lines a user gets in a minute whom the directories do not confirm.
const LINES: Lines = Lines { of_source: 20, of_cause: 1 };

/// Lets those in whom one of the directories knows. The first that does says what the groups are,
/// whatever was known of groups before.
pub struct SlugsAuthenticator {
    beneath: Arc<dyn Authenticator>,
    directories: Vec<Directory>,
    /// By user; what is told is of which directory.
    unconfirmed: Bursts<String, usize>,
    begun: Instant,
}

impl SlugsAuthenticator {
    /// Asks `directories`, in this order, about whom `beneath` finds.
    #[must_use]
    pub fn new(beneath: Arc<dyn Authenticator>, directories: Vec<Directory>) -> Self {
        let unconfirmed = Bursts::new(LINES, tell);
        Self { beneath, directories, unconfirmed, begun: Instant::now() }
    }

    fn may_tell(&self, user: &str, position: usize) -> bool {
        let now = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        self.unconfirmed.may_tell(user.to_owned(), position, now)
    }
}

/// Tells a sum.
fn tell(sum: &Sum<String, usize>) {
    let Sum { source: user, cause: position, more } = sum;
    tracing::warn!(user, position, more, "and more not confirmed by SLUGS");
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
                Err(error) if !self.may_tell(&user, position) => {
                    tracing::debug!(user, position, %error, "not confirmed by SLUGS");
                }
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

    #[test]
    fn what_a_user_is_not_confirmed_by_is_told_once_a_minute() {
        let beneath = Arc::new(FixedAuthenticator::user("alice"));
        let authenticator = SlugsAuthenticator::new(beneath, Vec::new());
        let told: Vec<bool> = [("alice", 0), ("alice", 1), ("alice", 0), ("bob", 0), ("bob", 0)]
            .map(|(user, position)| authenticator.may_tell(user, position))
            .into();
        assert_eq!(told, [true, true, false, true, false]);
    }

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
