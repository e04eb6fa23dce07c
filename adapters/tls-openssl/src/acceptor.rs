//! The handshake, and who the peer is.

use std::pin::Pin;

use async_trait::async_trait;
use kmip_transport::{Accepted, Acceptor, Failure};
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslCipherRef, SslRef};
use openssl::x509::X509Ref;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::config::OpensslAcceptor;
use crate::failure;

#[async_trait]
impl Acceptor for OpensslAcceptor {
    async fn accept(&self, socket: TcpStream) -> Result<Accepted, Failure> {
        let mut stream = Ssl::new(&self.context)
            .and_then(|ssl| SslStream::new(ssl, socket))
            .map_err(|error| failure::of_openssl(&error))?;
        if let Err(error) = Pin::new(&mut stream).accept().await {
            let verified = stream.ssl().verify_result();
            return Err(failure::of_handshake(&error, verified, self.auth_suite));
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
}

/// Returns the certificates that the peer presented, leaf first.
fn certificates(ssl: &SslRef) -> Result<Vec<Vec<u8>>, ErrorStack> {
    // On the side of the server the chain does not begin with the leaf.
    let leaf = ssl.peer_certificate();
    let issuers = ssl.peer_cert_chain().into_iter().flatten();
    leaf.as_deref().into_iter().chain(issuers).map(X509Ref::to_der).collect()
}
