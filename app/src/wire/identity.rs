//! Who clients are, and how that is exchanged while the server runs.
//!
//! Each source of identity stands on the one before it: the certificate; an account, if the request
//! has a credential and there are accounts; the file of groups; SLUGS, whose word is the last.

use std::{fs, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use kmip_accounts::{AccountAuthenticator, Accounts, GroupAuthenticator, Groups};
use kmip_host::secret_file;
use kmip_model::Principal;
use kmip_ports::{
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};
use kmip_x509::{
    CertificateAuthenticator,
    principal::{self, ClientUsage, Reading},
};

use crate::{
    config::{Auth, GroupsFrom, UserFrom},
    report::Report,
};

/// Checks what can be checked without reading files.
pub(crate) fn check(auth: &Auth) -> Result<(), Report> {
    slugs::check(auth)
}

/// Finds out who clients are, by what was last taken of the configuration.
pub(crate) struct CurrentAuthenticator(ArcSwap<Arc<dyn Authenticator>>);

impl CurrentAuthenticator {
    /// Reads the files that the configuration names.
    pub(crate) fn new(auth: &Auth) -> Result<Self, Report> {
        Ok(Self(ArcSwap::from_pointee(authenticator(auth)?)))
    }

    /// Reads them again; if one is of no use, everything stays as it is.
    pub(crate) fn exchange(&self, auth: &Auth) -> Result<(), Report> {
        self.0.store(Arc::new(authenticator(auth)?));
        Ok(())
    }
}

#[async_trait]
impl Authenticator for CurrentAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        // One message is one client, whatever is exchanged meanwhile.
        let current = self.0.load_full();
        current.authenticate(peer, credentials).await
    }
}

/// Checks that the files can be read, and what they say.
pub(crate) fn check_files(auth: &Auth) -> Result<(), Report> {
    authenticator(auth).map(drop)
}

fn authenticator(auth: &Auth) -> Result<Arc<dyn Authenticator>, Report> {
    let mut authenticator: Arc<dyn Authenticator> =
        Arc::new(CertificateAuthenticator::reading(reading(auth)));
    if let Some(path) = &auth.accounts_file {
        let accounts = accounts(path)?;
        authenticator = Arc::new(AccountAuthenticator::new(authenticator, accounts));
    }
    if let Some(path) = &auth.groups_file {
        let wrong = |error: &dyn std::fmt::Display| {
            Report::new(format!("auth.groups_file: {}: {error}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let groups = Groups::parse(&text).map_err(|error| wrong(&error))?;
        authenticator = Arc::new(GroupAuthenticator::new(authenticator, groups));
    }
    slugs::confirm(auth, authenticator)
}

/// Says how certificates are read.
pub(crate) fn reading(auth: &Auth) -> Reading {
    Reading {
        usage: if auth.require_client_auth_usage {
            ClientUsage::Required
        } else {
            ClientUsage::Ignored
        },
        user_from: match auth.user_from {
            UserFrom::Cn => principal::UserFrom::CommonName,
            UserFrom::SanDns => principal::UserFrom::DnsName,
            UserFrom::SanEmail => principal::UserFrom::MailAddress,
            UserFrom::Subject => principal::UserFrom::Subject,
            UserFrom::Fingerprint => principal::UserFrom::Fingerprint,
        },
        groups_from: match auth.groups_from {
            GroupsFrom::None => principal::GroupsFrom::Nothing,
            GroupsFrom::Ou => principal::GroupsFrom::OrganizationalUnits,
        },
    }
}

fn accounts(path: &Path) -> Result<Accounts, Report> {
    let wrong = |error: &dyn std::fmt::Display| {
        Report::new(format!("auth.accounts_file: {}: {error}", path.display()))
    };
    let file = secret_file::read(path)
        .map_err(|error| Report::new(format!("auth.accounts_file: {}", Report::from(error))))?;
    let text = str::from_utf8(file.expose()).map_err(|error| wrong(&error))?;
    let accounts = Accounts::parse(text).map_err(|error| wrong(&error))?;
    tracing::info!(accounts = accounts.len(), "accounts read");
    Ok(accounts)
}

#[cfg(feature = "auth-slugs")]
mod slugs {
    use std::{sync::Arc, time::Duration};

    use kmip_ports::identity::Authenticator;
    use kmip_slugs::{Base, Directory, SlugsAuthenticator};

    use crate::{config::Auth, report::Report};

    /// The longest that what a directory said may count, in milliseconds.
    const LONGEST_CACHE: u64 = 1_000;

    pub(super) fn check(auth: &Auth) -> Result<(), Report> {
        directories(auth).map(|_| ())
    }

    pub(super) fn confirm(
        auth: &Auth,
        beneath: Arc<dyn Authenticator>,
    ) -> Result<Arc<dyn Authenticator>, Report> {
        let directories = directories(auth)?;
        if directories.is_empty() {
            return Ok(beneath);
        }
        Ok(Arc::new(SlugsAuthenticator::new(beneath, directories)))
    }

    fn directories(auth: &Auth) -> Result<Vec<Directory>, Report> {
        let directory = |slugs: &crate::config::Slugs| {
            let base = Base::parse(&slugs.url)
                .map_err(|error| Report::new(format!("auth.slugs.url: {error}")))?;
            if slugs.cache_milliseconds > LONGEST_CACHE {
                return Err(Report::new(format!(
                    "auth.slugs.cache_milliseconds is at most {LONGEST_CACHE}, and not {}",
                    slugs.cache_milliseconds
                )));
            }
            let timeout = Duration::from_secs(slugs.timeout_seconds);
            Ok(Directory::new(base, timeout, Duration::from_millis(slugs.cache_milliseconds)))
        };
        auth.slugs.iter().map(directory).collect()
    }
}

#[cfg(not(feature = "auth-slugs"))]
mod slugs {
    use std::sync::Arc;

    use kmip_ports::identity::Authenticator;

    use crate::{config::Auth, report::Report};

    pub(super) fn check(auth: &Auth) -> Result<(), Report> {
        if auth.slugs.is_empty() {
            return Ok(());
        }
        Err(crate::wire::missing("auth.slugs", "auth-slugs"))
    }

    pub(super) fn confirm(
        auth: &Auth,
        beneath: Arc<dyn Authenticator>,
    ) -> Result<Arc<dyn Authenticator>, Report> {
        check(auth).map(|()| beneath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(auth: &Auth) -> String {
        match authenticator(auth) {
            Ok(_) => panic!("{auth:?} is accepted"),
            Err(report) => report.to_string(),
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file.toml");
        fs::write(&file, "x = 1\n").unwrap();
        let groups = Auth { groups_file: Some(file.clone()), ..Auth::default() };
        assert!(refusal(&groups).starts_with("auth.groups_file: "), "{}", refusal(&groups));

        let accounts = Auth { accounts_file: Some(file.clone()), ..Auth::default() };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&accounts).contains("chmod 600"), "{}", refusal(&accounts));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(refusal(&accounts).starts_with("auth.accounts_file: "), "{}", refusal(&accounts));
        fs::write(&file, "").unwrap();
        assert!(authenticator(&accounts).is_ok());
    }

    #[cfg(feature = "auth-slugs")]
    #[test]
    fn a_directory_of_users_that_cannot_be_asked_is_refused() {
        let slugs = |url: &str, cache_milliseconds| Auth {
            slugs: vec![crate::config::Slugs {
                url: url.to_owned(),
                timeout_seconds: 10,
                cache_milliseconds,
            }],
            ..Auth::default()
        };
        for (auth, expected) in [
            (slugs("https://slugs", 500), "auth.slugs.url: \"https://slugs\" wants TLS"),
            (slugs("slugs", 500), "auth.slugs.url: \"slugs\" is no URL"),
            (slugs("http://slugs", 1_001), "auth.slugs.cache_milliseconds is at most 1000"),
        ] {
            let report = check(&auth).unwrap_err().to_string();
            assert!(report.starts_with(expected), "{report}");
            assert_eq!(refusal(&auth), report);
        }
        assert!(check(&slugs("http://slugs", 1_000)).is_ok());
    }
}
