//! The handshake, by the configuration of the moment, and who the peer is.

use async_trait::async_trait;
use kmip_transport::{Accepted, Acceptor, Failure};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::failure;
use crate::in_force::TlsConfig;

#[async_trait]
impl Acceptor for TlsConfig {
    async fn accept(&self, socket: TcpStream) -> Result<Accepted, Failure> {
        let accept = TlsAcceptor::from(self.current()).accept(socket);
        let stream = accept.await.map_err(|error| failure::of_handshake(&error))?;
        let certificates = certificates(&stream);
        Ok(Accepted::new(stream, |stream| stream.get_mut().0, certificates))
    }

    fn trust(&self) -> u64 {
        self.generation()
    }

    fn still_trusts(&self, certificates: &[Vec<u8>]) -> Result<(), String> {
        self.verify_again(certificates).map_err(|error| error.to_string())
    }
}

fn certificates(stream: &TlsStream<TcpStream>) -> Vec<Vec<u8>> {
    let (_, session) = stream.get_ref();
    tracing::debug!(
        version = ?session.protocol_version(),
        suite = ?session.negotiated_cipher_suite().map(|suite| suite.suite()),
        handshake = ?session.handshake_kind(),
        "connection open"
    );
    session
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.to_vec())
        .collect()
}
