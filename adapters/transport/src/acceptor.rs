//! What a transport adds to the common part: how a socket becomes a session, or why it does not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use kmip_ports::observe::HandshakeCause;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Makes sessions.
#[async_trait]
pub trait Acceptor: Send + Sync {
    /// Makes a session with whoever is at the other end of a socket.
    ///
    /// It need not look at the time: it is given up when the time for handshakes is over, or when
    /// the server shuts down. A peer that it accepts is one that it has verified.
    ///
    /// # Errors
    ///
    /// Says why there is no session.
    async fn accept(&self, socket: TcpStream) -> Result<Accepted, Failure>;

    /// Returns a number that moves whenever other peers may be trusted than before. It is asked for
    /// before every message, so it costs next to nothing.
    fn trust(&self) -> u64;

    /// Verifies a peer again, by what is trusted now: the certificates that it presented, DER, leaf
    /// first.
    ///
    /// # Errors
    ///
    /// Says why its session would not be accepted any more.
    fn still_trusts(&self, certificates: &[Vec<u8>]) -> Result<(), String>;
}

/// Why a session did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why, to be counted.
    pub cause: HandshakeCause,
    /// Who should look at it.
    pub blame: Blame,
    /// Why, and what to do about it.
    pub reason: String,
}

/// Who should look at a handshake that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody: a scanner, a probe, a network that broke.
    Nobody,
    /// The operator: a client that wanted in and could not.
    Operator,
}

impl Failure {
    /// Says why nobody is to blame.
    #[must_use]
    pub fn noise(cause: HandshakeCause, reason: impl Into<String>) -> Self {
        Self { cause, blame: Blame::Nobody, reason: reason.into() }
    }

    /// Says why a client could not get in, and what the operator can do.
    #[must_use]
    pub fn refused(cause: HandshakeCause, reason: impl Into<String>) -> Self {
        Self { cause, blame: Blame::Operator, reason: reason.into() }
    }
}

/// A session with a verified peer.
pub struct Accepted {
    pub(crate) session: Box<dyn Session>,
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Accepted {
    /// Takes a stream of plain bytes, a way to the socket below it, and the certificates that the
    /// peer presented, DER, leaf first.
    #[must_use]
    pub fn new<S>(
        stream: S,
        socket: fn(&mut S) -> &mut TcpStream,
        certificates: Vec<Vec<u8>>,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self { session: Box::new(OverSocket { stream, socket }), certificates }
    }

    /// Returns the stream of plain bytes, and the certificates that the peer presented, for who
    /// speaks another protocol than KMIP.
    #[must_use]
    pub fn into_parts(self) -> (Box<dyn Stream>, Vec<Vec<u8>>) {
        (self.session, self.certificates)
    }
}

/// A stream of plain bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> Stream for S {}

/// A stream of plain bytes over a socket.
pub(crate) trait Session: Stream {
    /// Returns the socket, for what must be done to it when the session is over.
    fn socket(&mut self) -> &mut TcpStream;
}

struct OverSocket<S> {
    stream: S,
    socket: fn(&mut S) -> &mut TcpStream,
}

impl<S> Session for OverSocket<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    fn socket(&mut self) -> &mut TcpStream {
        (self.socket)(&mut self.stream)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OverSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OverSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
