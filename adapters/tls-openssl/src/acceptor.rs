//! The configuration in force, the handshake, and who the peer is.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use kmip_model::DateTime;
use kmip_transport::{Accepted, Acceptor, Dates, Failure};
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslCipherRef, SslRef};
use openssl::x509::X509Ref;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::config::{Made, OpensslConfigError, OpensslFiles};
use crate::failure;
use crate::suites::Suites;

/// Makes TLS sessions with OpenSSL.
pub struct OpensslAcceptor {
    suites: Suites,
    current: ArcSwap<Made>,
    /// Counts how often other clients came to be trusted.
    generation: AtomicU64,
}

impl OpensslAcceptor {
    /// Reads the files; warns of what is out of date at `now`.
    ///
    /// # Errors
    ///
    /// Says which file or cipher suite is of no use, and why.
    pub fn new(
        files: &OpensslFiles,
        suites: &Suites,
        now: DateTime,
    ) -> Result<Self, OpensslConfigError> {
        let current = ArcSwap::from_pointee(Made::of(files, suites, now)?);
        Ok(Self { suites: suites.clone(), current, generation: AtomicU64::new(0) })
    }

    /// Reads the files for new connections. Open ones hear of it if others are trusted.
    ///
    /// # Errors
    ///
    /// Says which file is of no use, and why; everything is then what it was.
    pub fn exchange(&self, files: &OpensslFiles, now: DateTime) -> Result<(), OpensslConfigError> {
        let made = Made::of(files, &self.suites, now)?;
        let is_as_before = made.trust.is_as(&self.current.load().trust);
        self.current.store(made.into());
        if !is_as_before {
            // After the store: who sees the new number verifies by the new configuration.
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// Returns the dates of what is in force.
    #[must_use]
    pub fn dates(&self) -> Dates {
        self.current.load().dates
    }
}

#[async_trait]
impl Acceptor for OpensslAcceptor {
    async fn accept(&self, socket: TcpStream) -> Result<Accepted, Failure> {
        let made = self.current.load_full();
        let mut stream = Ssl::new(&made.context)
            .and_then(|ssl| SslStream::new(ssl, socket))
            .map_err(|error| failure::of_openssl(&error))?;
        if let Err(error) = Pin::new(&mut stream).accept().await {
            let verified = stream.ssl().verify_result();
            return Err(failure::of_handshake(&error, verified, self.suites.auth_suite()));
        }
        let ssl = stream.ssl();
        tracing::debug!(
            version = ssl.version_str(),
            suite = ssl.current_cipher().map(SslCipherRef::name),
            "connection open"
        );
        let certificates = certificates(ssl).map_err(|error| failure::of_openssl(&error))?;
        Ok(Accepted::new(stream, SslStream::get_mut, certificates))
    }

    fn trust(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn still_trusts(&self, certificates: &[Vec<u8>]) -> Result<(), String> {
        self.current.load_full().trust.verify(certificates)
    }
}

/// Returns the certificates that the peer presented, leaf first.
fn certificates(ssl: &SslRef) -> Result<Vec<Vec<u8>>, ErrorStack> {
    // On the side of the server the chain does not begin with the leaf.
    let leaf = ssl.peer_certificate();
    let issuers = ssl.peer_cert_chain().into_iter().flatten();
    leaf.as_deref().into_iter().chain(issuers).map(X509Ref::to_der).collect()
}
