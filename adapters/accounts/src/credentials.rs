//! Who sends a credential: the account whose name and password it has (KMIP 2.1 §9.4, §3.1).
//!
//! A client is known by its certificate unless its request has an Authentication; then it is whom
//! the credential names. The certificate must be good all the same, except that it need not name
//! anybody. Checking a password takes long on purpose, so it is done on threads for such work, a
//! few at a time, and once for each connection and credential.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use kmip_model::{Material, Principal};
use kmip_ports::{
    bursts::{Bursts, Lines, Source, Sum},
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::accounts::Accounts;

/// How many passwords are checked at the same time.
const AT_ONCE: usize = 2;

/// How many checks are remembered.
const REMEMBERED: usize = 4_096;

/// How many credentials a message may have.
const MAXIMUM_CREDENTIALS: usize = 4;

/// How long a refusal takes, at least.
const DELAY: Duration = Duration::from_secs(1);

/// How many lines whoever sends wrong credentials gets in a minute.
const LINES: Lines = Lines { of_source: 5, of_cause: 5 };

/// Stands for a connection and a credential; says nothing about either to who has not the key.
type Mark = [u8; 32];

/// Names clients by the accounts whose credentials they send, and all others as before.
pub struct AccountAuthenticator {
    beneath: Arc<dyn Authenticator>,
    accounts: Accounts,
    key: hmac::Key,
    /// Whether the credential was the account's: neither changes while the server runs.
    checked: Cache<Mark, bool>,
    permits: Arc<Semaphore>,
    refused: Refused,
}

impl AccountAuthenticator {
    /// Checks credentials against `accounts`; clients without any are whom `beneath` says.
    ///
    /// # Panics
    /// If the system has no random bytes.
    #[must_use]
    pub fn new(beneath: Arc<dyn Authenticator>, accounts: Accounts) -> Self {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).expect("the system has random bytes");
        Self {
            beneath,
            accounts,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            checked: Cache::new(REMEMBERED),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            refused: Refused::default(),
        }
    }

    /// Returns the one account that all credentials are of.
    async fn holder(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        if credentials.len() > MAXIMUM_CREDENTIALS {
            return Err(AuthenticationError::WrongCredential);
        }
        let mut user: Option<&str> = None;
        for credential in credentials {
            let Credential::UsernameAndPassword { username, password } = credential else {
                return Err(AuthenticationError::UncheckedCredential);
            };
            if !self.holds(peer, username, password.as_ref()).await {
                return Err(AuthenticationError::WrongCredential);
            }
            if user.is_some_and(|user| user != username) {
                return Err(AuthenticationError::NoUniqueName);
            }
            user = Some(username);
        }
        let user = user.ok_or(AuthenticationError::WrongCredential)?;
        let account = self.accounts.usable(user).ok_or(AuthenticationError::WrongCredential)?;
        Ok(Principal { user: user.to_owned(), groups: account.groups.clone() })
    }

    async fn holds(&self, peer: &Peer, username: &str, password: Option<&Material>) -> bool {
        let empty = Material::new(Vec::new());
        let password = password.unwrap_or(&empty);
        let mark = self.mark(peer.connection, username, password);
        if let Some(known) = self.checked.get(&mark) {
            return known;
        }
        let (Some(hash), counts) = self.accounts.hash_for(username) else {
            return false;
        };
        // Kept by the thread: who goes away while it works must not make room for another.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return false;
        };
        let (hash, password) = (hash.clone(), password.clone());
        let check = tokio::task::spawn_blocking(move || {
            let matches = hash.matches(&password);
            drop(permit);
            matches
        });
        match check.await {
            Ok(matches) => {
                let holds = matches && counts;
                self.checked.insert(mark, holds);
                holds
            }
            Err(error) => {
                tracing::error!(%error, "a password could not be checked");
                false
            }
        }
    }

    fn mark(&self, connection: u64, username: &str, password: &Material) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&connection.to_be_bytes());
        context.update(&u64::try_from(username.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(username.as_bytes());
        context.update(password.expose());
        let mut mark = [0; 32];
        for (to, from) in mark.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        mark
    }
}

/// Tells of credentials that were refused, and no more of them than somebody can read.
struct Refused {
    bursts: Bursts<Source, String>,
    begun: Instant,
}

impl Default for Refused {
    fn default() -> Self {
        Self { bursts: Bursts::new(LINES, tell), begun: Instant::now() }
    }
}

impl Refused {
    fn tell(&self, peer: &Peer, certificate: &str, error: AuthenticationError) {
        if self.may_tell(peer, certificate, error) {
            let connection = peer.connection;
            tracing::warn!(connection, certificate, %error, "credential refused");
        }
    }

    /// Counts for whomever the certificate names; where it names nobody, for whoever is there.
    fn may_tell(&self, peer: &Peer, certificate: &str, error: AuthenticationError) -> bool {
        let source = match certificate {
            "" => Source::of(peer),
            user => Source::User(user.to_owned()),
        };
        let now = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        self.bursts.may_tell(source, error.to_string(), now)
    }
}

/// Tells a sum.
fn tell(sum: &Sum<Source, String>) {
    let Sum { source, cause, more } = sum;
    let source = source.as_ref().map(tracing::field::display);
    tracing::warn!(source, error = cause, more, "and more credentials refused");
}

#[async_trait]
impl Authenticator for AccountAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        let by_certificate = self.beneath.authenticate(peer, &[]).await;
        if credentials.is_empty() {
            return by_certificate;
        }
        match &by_certificate {
            Ok(_) | Err(AuthenticationError::NoUniqueName) => {}
            Err(error) => return Err(*error),
        }
        let holder = self.holder(peer, credentials).await;
        if let Err(error) = holder {
            let certificate = by_certificate.map(|principal| principal.user).unwrap_or_default();
            self.refused.tell(peer, &certificate, error);
            tokio::time::sleep(DELAY).await;
        }
        holder
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::CredentialType;
    use kmip_testkit::FixedAuthenticator;
    use tokio::time::Instant;

    use super::*;
    use crate::password::cheap;

    #[test]
    fn who_connects_again_gets_no_more_lines() {
        let refused = Refused::default();
        let told = |certificate: &str| {
            let peers = (0..50).map(|connection| Peer {
                connection,
                address: Some(([192, 0, 2, 1], 1_024).into()),
                certificates: Vec::new(),
            });
            let wrong = AuthenticationError::WrongCredential;
            peers.filter(|peer| refused.may_tell(peer, certificate, wrong)).count()
        };
        assert_eq!([told(""), told("alice"), told("bob"), told("bob")], [5, 5, 5, 0]);
    }

    struct Nobody(AuthenticationError);

    #[async_trait]
    impl Authenticator for Nobody {
        async fn authenticate(
            &self,
            _: &Peer,
            _: &[Credential],
        ) -> Result<Principal, AuthenticationError> {
            Err(self.0)
        }
    }

    fn on(beneath: impl Authenticator + 'static) -> AccountAuthenticator {
        let accounts =
            [("alice", "a", ""), ("bob", "b", "groups = [\"g\"]"), ("eve", "e", "enabled = false")]
                .map(|(name, password, more)| {
                    let hash = cheap(password);
                    format!("[[account]]\nname = \"{name}\"\nhash = \"{hash}\"\n{more}\n")
                });
        AccountAuthenticator::new(Arc::new(beneath), Accounts::parse(&accounts.concat()).unwrap())
    }

    fn on_carol() -> AccountAuthenticator {
        on(FixedAuthenticator::user("carol").with_groups(&["c"]))
    }

    fn peer(connection: u64) -> Peer {
        Peer { connection, address: None, certificates: Vec::new() }
    }

    fn credential(username: &str, password: &str) -> Credential {
        Credential::UsernameAndPassword {
            username: username.into(),
            password: Some(password.as_bytes().into()),
        }
    }

    async fn ask(
        authenticator: &AccountAuthenticator,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        authenticator.authenticate(&peer(1), credentials).await
    }

    #[tokio::test]
    async fn who_sends_a_credential_is_its_account_with_its_groups_alone() {
        let authenticator = on_carol();
        let groups = |groups: &[&str]| Some(groups.iter().map(|&group| group.into()).collect());
        for (credentials, user, expected) in [
            (vec![], "carol", groups(&["c"])),
            (vec![credential("alice", "a")], "alice", None),
            (vec![credential("bob", "b")], "bob", groups(&["g"])),
            (vec![credential("bob", "b"), credential("bob", "b")], "bob", groups(&["g"])),
        ] {
            let principal = ask(&authenticator, &credentials).await;
            assert_eq!(principal, Ok(Principal { user: user.into(), groups: expected }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_refusal_is_the_same_and_takes_its_time() {
        use AuthenticationError::{NoUniqueName, UncheckedCredential, WrongCredential};
        let authenticator = on_carol();
        let without_password =
            Credential::UsernameAndPassword { username: "alice".into(), password: None };
        for (credentials, expected) in [
            (vec![credential("alice", "b")], WrongCredential),
            (vec![credential("alice", "")], WrongCredential),
            (vec![without_password], WrongCredential),
            (vec![credential("nobody", "a")], WrongCredential),
            (vec![credential("eve", "e")], WrongCredential),
            (vec![credential("alice", "a"), credential("bob", "x")], WrongCredential),
            (vec![credential("alice", "a"), credential("bob", "b")], NoUniqueName),
            (vec![Credential::Other(CredentialType::Device)], UncheckedCredential),
            (
                vec![credential("alice", "a"), Credential::Other(CredentialType::Device)],
                UncheckedCredential,
            ),
            (vec![credential("alice", "a"); 5], WrongCredential),
        ] {
            // The second answer comes from memory, and takes as long.
            for _ in 0..2 {
                let begin = Instant::now();
                assert_eq!(ask(&authenticator, &credentials).await, Err(expected));
                assert!(begin.elapsed() >= DELAY, "{credentials:?}");
            }
        }
    }

    #[tokio::test]
    async fn the_certificate_must_be_good_but_need_not_name_anybody() {
        let credentials = [credential("alice", "a")];
        let nameless = on(Nobody(AuthenticationError::NoUniqueName));
        assert_eq!(ask(&nameless, &credentials).await, Ok(Principal::user("alice")));
        assert_eq!(ask(&nameless, &[]).await, Err(AuthenticationError::NoUniqueName));
        for error in [AuthenticationError::NoCertificate, AuthenticationError::NotForClients] {
            assert_eq!(ask(&on(Nobody(error)), &credentials).await, Err(error));
        }
    }

    #[tokio::test]
    async fn a_password_is_checked_once_for_each_connection() {
        let authenticator = on_carol();
        let credentials = [credential("alice", "a")];
        for (connection, checks) in [(1, 1), (1, 1), (2, 2), (1, 2)] {
            let principal = authenticator.authenticate(&peer(connection), &credentials).await;
            assert_eq!(principal, Ok(Principal::user("alice")));
            assert_eq!(authenticator.checked.len(), checks);
        }
    }

    #[test]
    fn marks_tell_connections_names_and_passwords_apart() {
        let authenticator = on_carol();
        let mark = |connection, username, password: &str| {
            authenticator.mark(connection, username, &password.as_bytes().into())
        };
        let first = mark(1, "alice", "a");
        assert_eq!(mark(1, "alice", "a"), first);
        for other in [mark(2, "alice", "a"), mark(1, "alic", "ea"), mark(1, "alicea", "")] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let authenticator = on_carol();
        for connection in 0..u64::try_from(REMEMBERED * 2).unwrap() {
            let mark = authenticator.mark(connection, "alice", &b"a"[..].into());
            authenticator.checked.insert(mark, true);
        }
        assert!(authenticator.checked.len() <= REMEMBERED);
    }
}
