//! One mutual TLS connection that carries one message at a time in each direction.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kmip_model::enumeration::Tag;
use rustls::crypto::aws_lc_rs;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version,
};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::answer::Answer;
use crate::request::Request;
use crate::tree::{DecodeError, EncodeError, Item};

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 32 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No connection, or no handshake.
    #[error("could not connect: {0}")]
    Connect(io::Error),
    /// The certificates or the name cannot be used.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The connection ended, or nothing came.
    #[error("the connection failed: {0}")]
    Broken(io::Error),
    /// Something came that is no response message.
    #[error("the answer does not begin with ResponseMessage but with {0}")]
    NotAResponse(String),
    /// The answer is too long to be read.
    #[error("the answer claims {0} bytes")]
    TooLong(usize),
    /// The answer is not well-formed.
    #[error("could not read the answer: {0}")]
    Decode(#[from] DecodeError),
    /// The request has no binary form.
    #[error("could not write the request: {0}")]
    Encode(#[from] EncodeError),
}

/// What is wrong with the files of an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is missing, or is not PEM.
    #[error("could not read {0}: {1}")]
    Pem(String, pem::Error),
    /// An authority is no certificate.
    #[error("could not use the authority in {0}: {1}")]
    Authority(String, rustls::Error),
}

/// Where a server is, and as whom to talk to it.
#[derive(Debug)]
pub struct Target {
    /// A host name or address, which the server's certificate must name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The client's certificate chain.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The client's key.
    pub key: PrivateKeyDer<'static>,
    /// The authorities that may have issued the server's certificate.
    pub authorities: RootCertStore,
}

impl Target {
    /// Reads the PEM files of certificate, key and authority.
    pub fn new(
        host: &str,
        port: u16,
        [certificate, key, authority]: [&Path; 3],
    ) -> Result<Self, IdentityError> {
        let mut authorities = RootCertStore::empty();
        for trusted in certificates(authority)? {
            authorities.add(trusted).map_err(|error| {
                IdentityError::Authority(authority.display().to_string(), error)
            })?;
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            certificates: certificates(certificate)?,
            key: PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?,
            authorities,
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: pem::Error) -> IdentityError {
    IdentityError::Pem(path.display().to_string(), error)
}

/// Which versions of TLS a client admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersions {
    /// The newest that both sides have.
    Any,
    /// TLS 1.2, as older clients have.
    OnlyTls12,
    /// TLS 1.3, which the Quantum Safe profile asks for (Profiles 2.1 §5.15).
    OnlyTls13,
}

impl TlsVersions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Any => vec![&version::TLS13, &version::TLS12],
            Self::OnlyTls12 => vec![&version::TLS12],
            Self::OnlyTls13 => vec![&version::TLS13],
        }
    }
}

/// An open connection.
pub struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Connection {
    /// Opens a connection and completes the handshake.
    pub fn open(target: &Target, versions: TlsVersions) -> Result<Self, ConnectionError> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&versions.list())?
            .with_root_certificates(target.authorities.clone())
            .with_client_auth_cert(target.certificates.clone(), target.key.clone_key())?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|error| ConnectionError::Connect(io::Error::other(error)))?;
        let mut session = ClientConnection::new(Arc::new(config), name)?;
        let mut socket = connect(target).map_err(ConnectionError::Connect)?;
        session.complete_io(&mut socket).map_err(ConnectionError::Connect)?;
        Ok(Self { stream: StreamOwned::new(session, socket) })
    }

    /// Returns the certificate that the server has shown, DER.
    pub fn server_certificate(&self) -> Vec<u8> {
        let shown = self.stream.conn.peer_certificates().and_then(<[_]>::first);
        shown.map(|certificate| certificate.to_vec()).unwrap_or_default()
    }

    /// Sends a request and reads the answer.
    pub fn exchange(&mut self, request: &Item) -> Result<Item, ConnectionError> {
        self.send(&request.encode()?)?;
        Ok(Item::decode(&self.receive()?)?)
    }

    /// Sends bytes, a message or not.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.stream.write_all(bytes).map_err(ConnectionError::Broken)?;
        self.stream.flush().map_err(ConnectionError::Broken)
    }

    /// Receives the bytes of one response message.
    pub fn receive(&mut self) -> Result<Vec<u8>, ConnectionError> {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header).map_err(ConnectionError::Broken)?;
        let [t0, t1, t2, item_type, l0, l1, l2, l3] = header;
        if Tag(u32::from_be_bytes([0, t0, t1, t2])) != Tag::ResponseMessage || item_type != 1 {
            return Err(ConnectionError::NotAResponse(hex::encode(header)));
        }
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if length > LONGEST_ANSWER {
            return Err(ConnectionError::TooLong(length));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).map_err(ConnectionError::Broken)?;
        Ok([&header[..], &body].concat())
    }

    /// Receives everything until the end, which may be a broken connection, as text.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // What came before it broke is what is asked for.
        let _ = self.stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Asks, and insists on a well-formed answer of the same version to every item.
    pub fn ask(&mut self, request: &Request) -> Answer {
        let message = request.message();
        let answer = self.exchange(&message);
        let answer = answer.unwrap_or_else(|error| panic!("{error}; the request was {message:?}"));
        Answer::to(&message, answer)
    }

    /// Sends the bytes of a request, and insists on a well-formed answer of that version.
    pub fn ask_bytes(&mut self, version: (i32, i32), bytes: &[u8]) -> Answer {
        let answer = self.send(bytes).and_then(|()| self.receive());
        let answer = answer.unwrap_or_else(|error| panic!("{error}"));
        let answer = Item::decode(&answer).unwrap_or_else(|error| panic!("{error}"));
        Answer::of(version, answer)
    }

    /// Cuts the connection off, as a client does that does not say good-bye.
    pub fn cut(&mut self) {
        // It may be cut off already.
        let _ = self.stream.sock.shutdown(Shutdown::Both);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stream.conn.send_close_notify();
        // The server may have closed first; there is nobody left to tell.
        let _ = self.stream.flush();
    }
}

fn connect(target: &Target) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host has no address");
    for address in (target.host.as_str(), target.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.set_write_timeout(Some(PATIENCE))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let missing = Path::new("/nonexistent/client.crt");
        let error = Target::new("localhost", 5696, [missing; 3]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/client.crt"), "{error}");
    }
}
