//! Connections for load: TLS 1.3 with certificates on both sides, no session taken up again. And a
//! bare server that reads 200 bytes and sends 300, which is the least that any server must do.

use std::{
    future::poll_fn, io, net::SocketAddr, path::PathBuf, sync::Arc, task::Poll, time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, ServerName,
    pem::{self, PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::{connection::Target, server::Directory};

/// How long a request of the bare server is, about that of a Get.
pub const ECHO_REQUEST: usize = 200;

/// How long its answer is, about that to a Get.
pub const ECHO_ANSWER: usize = 300;

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1 << 20;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Why the parts of TLS cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// TLS refuses them.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The clients' authority cannot be used.
    #[error("could not use the clients' authority: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// A file is missing or is not PEM.
    #[error("could not read a certificate or key: {0}")]
    Pem(#[from] pem::Error),
    /// The host is no name and no address.
    #[error("could not use the server's name: {0}")]
    Name(#[from] rustls_pki_types::InvalidDnsNameError),
    /// There is no socket to be had.
    #[error("could not listen: {0}")]
    Listen(#[from] io::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Makes connections to one server as one client.
#[derive(Clone)]
pub struct Dialer {
    address: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Dialer {
    /// Says where to connect to, and as whom.
    pub fn new(target: &Target, address: SocketAddr) -> Result<Self, SetUpError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])?
            .with_root_certificates(target.authorities.clone())
            .with_client_auth_cert(target.certificates.clone(), target.key.clone_key())?;
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(target.host.clone())?;
        Ok(Self { address, name, connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Connects, and completes the handshake.
    pub async fn dial(&self) -> io::Result<Wire> {
        let socket = TcpStream::connect(self.address).await?;
        self.secure(socket).await
    }

    /// Completes the handshake on a connection that is there.
    pub async fn secure(&self, socket: TcpStream) -> io::Result<Wire> {
        socket.set_nodelay(true)?;
        let stream = self.connector.connect(self.name.clone(), socket);
        let stream = timeout(PATIENCE, stream).await.map_err(|_| late())??;
        Ok(Wire { stream, answer: Vec::new() })
    }

    /// Returns where it connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing came in time")
}

/// An open connection.
pub struct Wire {
    stream: TlsStream<TcpStream>,
    answer: Vec<u8>,
}

impl Wire {
    /// Sends a request and reads the answer, whose length is in its header.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        let exchange = async {
            self.stream.write_all(request).await?;
            self.stream.flush().await?;
            self.answer.resize(8, 0);
            self.stream.read_exact(&mut self.answer).await?;
            let length = self.answer.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > LONGEST_ANSWER {
                return Err(io::Error::other("the answer is too long"));
            }
            self.answer.resize(length.saturating_add(8), 0);
            let body = self.answer.get_mut(8..).unwrap_or_default();
            self.stream.read_exact(body).await.map(|_| ())
        };
        timeout(PATIENCE, exchange).await.map_err(|_| late())??;
        Ok(&self.answer)
    }

    /// Says whether the connection has ended, as far as is known without waiting. Nothing may be
    /// asked meanwhile: what has come counts as an end, too.
    pub async fn has_ended(&mut self) -> bool {
        let mut byte = [0];
        let mut read = std::pin::pin!(self.stream.read(&mut byte));
        poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_ready())).await
    }

    /// Sends what the bare server expects, and reads what it sends.
    pub async fn echo(&mut self) -> io::Result<()> {
        let mut answer = [0; ECHO_ANSWER];
        self.stream.write_all(&[1; ECHO_REQUEST]).await?;
        self.stream.flush().await?;
        self.stream.read_exact(&mut answer).await.map(|_| ())
    }

    /// Says good-bye and closes.
    pub async fn close(mut self) {
        // The server may have closed first.
        let _ = self.stream.shutdown().await;
    }
}

/// The bare server, in this process, on threads of its own: on those of the client a single request
/// would never change threads, which no server can do.
#[derive(Debug)]
pub struct EchoServer {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl EchoServer {
    /// Serves with the certificates of a development directory.
    pub fn start(directory: &Directory) -> Result<Self, SetUpError> {
        let [_, _, authority] = directory.identity("client");
        let [certificate, key, _] = directory.identity("server");
        let mut authorities = RootCertStore::empty();
        for trusted in read(&authority)? {
            authorities.add(trusted)?;
        }
        let authorities = Arc::new(authorities);
        let clients =
            WebPkiClientVerifier::builder_with_provider(authorities, provider()).build()?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])?
            .with_client_cert_verifier(clients)
            .with_single_cert(read(&certificate)?, PrivateKeyDer::from_pem_file(key)?)?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.spawn(accept(listener, acceptor));
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        // Whoever drops it may be on threads that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_file_iter(path)?.collect()
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((socket, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // It ends with the client; why is the client's business.
            let _ = echo(socket, acceptor).await;
        });
    }
}

async fn echo(socket: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = acceptor.accept(socket).await?;
    let mut request = [0; ECHO_REQUEST];
    loop {
        stream.read_exact(&mut request).await?;
        stream.write_all(&[2; ECHO_ANSWER]).await?;
        stream.flush().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_noticed_before_anything_is_asked() {
        // This has a runtime of its own for a moment.
        let directory = Directory::make();
        let runtime = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = EchoServer::start(&directory).unwrap();
            let target = directory.target(server.address(), "client");
            let dialer = Dialer::new(&target, server.address()).unwrap();
            let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let near = listener.local_addr().unwrap();
            // What is between client and server can be cut.
            let between = tokio::spawn(async move {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut node = TcpStream::connect(server.address()).await.unwrap();
                tokio::io::copy_bidirectional(&mut client, &mut node).await
            });
            let mut wire = dialer.secure(TcpStream::connect(near).await.unwrap()).await.unwrap();
            wire.echo().await.unwrap();
            assert!(!wire.has_ended().await);
            between.abort();
            assert!(between.await.unwrap_err().is_cancelled());
            let noticed = async {
                while !wire.has_ended().await {
                    tokio::task::yield_now().await;
                }
            };
            timeout(PATIENCE, noticed).await.unwrap();
        });
    }
}
