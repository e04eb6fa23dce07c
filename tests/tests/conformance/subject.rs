//! The server that the cases are played against.

use std::env;
use std::path::Path;

use kmip_tests::TestServer;
use kmip_tests::connection::{IdentityError, Target};

/// A running server and an identity to use it with.
pub(crate) struct Subject {
    pub(crate) target: Target,
    /// Whether the server exists for this run alone, so that all its objects may be destroyed.
    pub(crate) own: bool,
    /// Keeps a server alive that runs inside this process.
    _running: Option<TestServer>,
}

/// What is wrong with the description of a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubjectError {
    #[error("{0} is not HOST:PORT")]
    Address(String),
    #[error("KMIP_SUBJECT is set, but {0} is not")]
    Missing(&'static str),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Finds the server: the one that the environment names, or else one started for this run.
pub(crate) fn subject() -> Result<Subject, SubjectError> {
    match env::var("KMIP_SUBJECT") {
        Ok(address) => from_environment(&address),
        Err(_) => Ok(started_here()),
    }
}

/// Starts the server inside this process.
fn started_here() -> Subject {
    let running = TestServer::with(|config| {
        "sqlite::memory:".clone_into(&mut config.storage.url);
        config.operations.interop = true;
        config.crypto.legacy = true;
    });
    let target = running.directory().target(running.address(), "client");
    Subject { target, own: true, _running: Some(running) }
}

fn from_environment(address: &str) -> Result<Subject, SubjectError> {
    let file = |name: &'static str| env::var(name).map_err(|_| SubjectError::Missing(name));
    let certificate = file("KMIP_SUBJECT_CERT")?;
    let key = file("KMIP_SUBJECT_KEY")?;
    let authority = file("KMIP_SUBJECT_CA")?;
    let (host, port) = address_parts(address)?;
    let files: [&Path; 3] = [certificate.as_ref(), key.as_ref(), authority.as_ref()];
    Ok(Subject { target: Target::new(&host, port, files)?, own: false, _running: None })
}

fn address_parts(address: &str) -> Result<(String, u16), SubjectError> {
    let wrong = || SubjectError::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(address_parts("127.0.0.1:5696").unwrap(), ("127.0.0.1".to_owned(), 5696));
        assert_eq!(address_parts("[::1]:5696").unwrap(), ("::1".to_owned(), 5696));
        assert!(address_parts("localhost").is_err());
        assert!(address_parts(":5696").is_err());
        assert!(address_parts("localhost:kmip").is_err());
    }
}
