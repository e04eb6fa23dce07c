//! A connection to a server over mutual TLS, one request at a time.
//!
//! Everything blocks: there is one connection and nothing else to do meanwhile.

use std::{
    fs,
    io::{self, Read, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use kmip_host::secret_file;
use kmip_model::{Material, enumeration::ResultStatus};
use kmip_operations::ops::{Request, Response};
use kmip_ttlv::{
    Limits, Version,
    message::{
        request::{self, Outgoing},
        response::{self, Answer, AnswerItem},
    },
};
use rustls::{ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use zeroize::Zeroizing;

use super::{config::ClientConfig, output::printable};
use crate::report::Report;

/// The port of KMIP.
const PORT: u16 = 5696;

/// Tag, type and length of a message.
const HEADER: usize = 8;

/// How much an answer may be: more than any server is known to send.
const LIMITS: Limits = Limits { length: 1 << 26, depth: 32, elements: 1 << 21 };

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To take the connection.
    pub(crate) connect: Duration,
    /// To send or take something.
    pub(crate) answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_mins(1) }
    }
}

/// A connection after its handshake.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    version: Version,
    address: String,
    patience: Patience,
}

impl Connection {
    /// Connects, and checks that the server is the one that is meant.
    pub(super) fn open(config: &ClientConfig, patience: Patience) -> Result<Self, Report> {
        let (host, port) = split_address(&config.address)?;
        let tls = tls_config(config)?;
        let version = config.version();
        Self::over(tls, (&host, port), &host, version, patience)
    }

    /// Connects to a host and a port by a TLS that is at hand, as to a server of that name.
    pub(crate) fn over(
        tls: rustls::ClientConfig,
        (host, port): (&str, u16),
        name: &str,
        version: Version,
        patience: Patience,
    ) -> Result<Self, Report> {
        let address =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Report::new(format!("{name:?} is neither a name nor an IP address")))?;
        let mut tls = ClientConnection::new(Arc::new(tls), name)?;
        let mut socket = connect(host, port, patience)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).map_err(|error| {
                Report::new(format!("TLS with {address}: {}", explain(&error, patience)))
            })?;
        }
        Ok(Self { stream: StreamOwned::new(tls, socket), version, address, patience })
    }

    /// Returns what was agreed on: the version of TLS, the cipher suite, the server's certificates.
    pub(crate) fn agreed(&self) -> &ClientConnection {
        &self.stream.conn
    }

    /// Sends a request and returns the answer, if it is a success.
    pub(super) fn ask(&mut self, request: Request) -> Result<Response, Report> {
        let message = Material::new(request::write(self.version, &Outgoing::default(), &[request]));
        success(self.exchange(message.expose())?)
    }

    /// Sends a message as it is and returns the answer, whatever that says.
    pub(crate) fn exchange(&mut self, message: &[u8]) -> Result<Answer, Report> {
        let sent = self.stream.write_all(message).and_then(|()| self.stream.flush());
        let received = sent.and_then(|()| read_message(&mut self.stream));
        let bytes = received.map_err(|error| {
            Report::new(format!("{}: {}", self.address, explain(&error, self.patience)))
        })?;
        response::read(&bytes, &LIMITS).map_err(|fault| {
            Report::new(format!("the answer of {} cannot be read: {fault}", self.address))
        })
    }
}

impl Drop for Connection {
    /// Says goodbye, so that the server need not wonder.
    fn drop(&mut self) {
        self.stream.conn.send_close_notify();
        let _ = self.stream.flush();
    }
}

/// Splits a host from its port; an IPv6 address with a port stands in brackets.
pub(crate) fn split_address(address: &str) -> Result<(String, u16), Report> {
    let wrong = || Report::new(format!("{address:?} is not of the form HOST:PORT"));
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        rest.split_once(']').ok_or_else(wrong)?
    } else if address.parse::<Ipv6Addr>().is_ok() {
        (address, "")
    } else {
        address.find(':').map_or((address, ""), |colon| address.split_at(colon))
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| wrong())?,
        None if port.is_empty() => PORT,
        None => return Err(wrong()),
    };
    // Where a server listens on every address, this machine is one of them.
    let host = match host.parse() {
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.to_string(),
        Ok(_) | Err(_) => host.to_owned(),
    };
    Ok((host, port))
}

/// Connects to the first address of a host that takes the connection.
fn connect(host: &str, port: u16, patience: Patience) -> Result<TcpStream, Report> {
    let failed = |error: &io::Error| {
        Report::new(format!("no connection to {host} port {port}: {}", explain(error, patience)))
    };
    let addresses = (host, port).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, patience.connect) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(patience.answer))?;
                socket.set_write_timeout(Some(patience.answer))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(&last))
}

fn tls_config(config: &ClientConfig) -> Result<rustls::ClientConfig, Report> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&config.ca)? {
        roots
            .add(certificate)
            .map_err(|error| Report::new(format!("{}: {error}", config.ca.display())))?;
    }
    let chain = certificates(&config.cert)?;
    let key = PrivateKeyDer::from_pem_slice(secret_file::read(&config.key)?.expose())
        .map_err(|error| Report::new(format!("{}: {error}", config.key.display())))?;
    rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| {
            let (cert, key) = (config.cert.display(), config.key.display());
            Report::new(format!("{cert} and {key} cannot be used: {error}"))
        })
}

/// Reads the certificates of a PEM file; there must be one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Report> {
    let wrong = |what: String| Report::new(format!("{}: {what}", path.display()));
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

/// Reads one message: its header says how long it is.
fn read_message(stream: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let [_, _, _, _, length @ ..] = header;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let total = length.saturating_add(HEADER);
    if total > LIMITS.length {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "what comes is no KMIP message, or a very long one",
        ));
    }
    // All of it at once: growing would leave copies of keys behind.
    let mut message = Zeroizing::new(vec![0; total]);
    let (start, rest) = message.split_at_mut(HEADER);
    start.copy_from_slice(&header);
    stream.read_exact(rest)?;
    Ok(message)
}

/// Says what went wrong on the wire, in words for someone who cannot see the server.
fn explain(error: &io::Error, patience: Patience) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    if let Some(rustls::Error::AlertReceived(alert)) = cause {
        return format!("the server refuses the connection ({alert:?}); its log says why");
    }
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            format!("no answer within {} seconds (--timeout)", patience.answer.as_secs())
        }
        io::ErrorKind::TimedOut => {
            format!("not there within {} seconds (--connect-timeout)", patience.connect.as_secs())
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "the server closed the connection before it answered; its log says why".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Returns the payload of a success; tells a failure in the server's words.
fn success(answer: Answer) -> Result<Response, Report> {
    let item = answer.items.into_iter().next().ok_or_else(|| Report::new("the answer is empty"))?;
    payload(item)
}

/// Returns the payload of an item that is a success.
pub(crate) fn payload(item: AnswerItem) -> Result<Response, Report> {
    let operation = item.operation.map_or("the request".to_owned(), |name| name.to_string());
    if item.result_status != ResultStatus::Success {
        let mut text = format!("{operation}: {}", item.result_status);
        if let Some(reason) = item.result_reason {
            text = format!("{text}: {reason}");
        }
        if let Some(message) = item.result_message {
            text = format!("{text}: {}", printable(&message));
        }
        return Err(Report::new(text));
    }
    item.payload.ok_or_else(|| Report::new(format!("the answer to {operation} has no payload")))
}

#[cfg(test)]
mod tests {
    use kmip_model::{DateTime, UniqueIdentifier, enumeration::Operation};
    use kmip_operations::{
        OperationError,
        message::{Outcome, ResponseItem, ResponseMessage},
        ops::activate,
    };

    use super::*;

    fn answer(version: Version, outcome: Outcome) -> Result<Response, Report> {
        let message = ResponseMessage {
            measured: Vec::new(),
            time_stamp: DateTime(0),
            client_correlation_value: None,
            server_correlation_value: None,
            items: vec![ResponseItem {
                operation: Some(Operation::Activate),
                unique_batch_item_id: None,
                outcome,
            }],
        };
        let mut bytes = response::write(version, &message);
        let length = bytes.len();
        bytes.extend(b"the next message");
        let read = read_message(&mut bytes.as_slice()).unwrap();
        assert_eq!(read.len(), length);
        success(response::read(&read, &LIMITS).unwrap())
    }

    #[test]
    fn the_answer_of_a_server_is_read() {
        for version in Version::ALL {
            let payload = || {
                Response::Activate(activate::Response {
                    unique_identifier: UniqueIdentifier::new("id"),
                })
            };
            let read = answer(version, Outcome::Success(Box::new(payload()))).unwrap();
            assert_eq!(read, payload(), "{version}");
        }
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_server() {
        let error = answer(Version::V1_4, Outcome::Failed(OperationError::IllegalObjectType))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("Activate: OperationFailed: "), "{error}");
        assert_eq!(error.matches(": ").count(), 3, "{error}");
    }

    #[test]
    fn canned_bytes_of_a_failed_request_are_told() {
        let bytes: Vec<u8> = [
            "42007b0100000088",
            "42007a0100000048",
            "4200690100000020",
            "42006a02000000040000000100000000",
            "42006b02000000040000000400000000",
            "4200920900000008000000004af9d2b0",
            "42000d02000000040000000100000000",
            "42000f0100000030",
            "42007f05000000040000000100000000",
            "42007e05000000040000000400000000",
            "42007d07000000036261640000000000",
        ]
        .concat()
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
        let read = read_message(&mut bytes.as_slice()).unwrap();
        let error = success(response::read(&read, &LIMITS).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the request: OperationFailed: InvalidMessage: bad");
    }

    #[test]
    fn something_else_than_kmip_is_not_waited_for() {
        let error = read_message(&mut b"HTTP/1.1 400 Bad Request\r\n".as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = read_message(&mut [0x42, 0, 0x7B, 1, 0, 0, 0, 8].as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn addresses_have_a_host_and_perhaps_a_port() {
        for (address, host, port) in [
            ("localhost", "localhost", 5696),
            ("kmip.example:9000", "kmip.example", 9000),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:5697", "::1", 5697),
            ("[::1]", "::1", 5696),
            ("::1", "::1", 5696),
            ("0.0.0.0:5696", "127.0.0.1", 5696),
            ("[::]:5696", "::1", 5696),
        ] {
            assert_eq!(split_address(address).unwrap(), (host.to_owned(), port), "{address}");
        }
        for address in ["h:", "h:x", "h:1:2", "[::1", "[::1]x", "h:65536"] {
            assert!(split_address(address).is_err(), "{address}");
        }
    }
}
