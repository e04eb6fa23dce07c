//! One peer: the session, then messages in and answers out, one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kmip_ports::observe::{ConnectionObserver, HandshakeCause};
use kmip_ports::transport::{MessageHandler, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::acceptor::{Accepted, Acceptor, Blame, Failure, Session};
use crate::drain::Shutdown;
use crate::frame::{FrameReader, HEADER_BYTES, Header};
use crate::limits::LimitsInForce;
use crate::observer::Opened;
use crate::sparing::Sparing;

/// How long a connection that cannot go on is still read, so that the peer can read its answer.
const LINGER: Duration = Duration::from_secs(2);

/// What all connections of a listener have in common.
pub(crate) struct Common {
    pub(crate) acceptor: Arc<dyn Acceptor>,
    pub(crate) limits: LimitsInForce,
    pub(crate) handler: Arc<dyn MessageHandler>,
    pub(crate) observer: Arc<dyn ConnectionObserver>,
    pub(crate) shutdown: Shutdown,
    pub(crate) failed_handshakes: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) sparing: Sparing,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer closed it between two messages.
    Closed,
    /// The peer closed it, or the network broke, within a message.
    CutOff,
    /// Nothing came for the idle time.
    Idle,
    /// A message took too long to arrive.
    SlowMessage,
    /// The peer did not read its answer.
    SlowReader,
    /// A message was too long, or of a form that has no end.
    Unreadable,
    /// What came was not KMIP.
    Foreign,
    /// The peer is not trusted any more.
    Untrusted,
    /// The server is shutting down.
    Drained,
}

/// Serves one peer until it goes, or must go.
pub(crate) async fn serve(
    common: Arc<Common>,
    stream: TcpStream,
    address: SocketAddr,
    connection: u64,
) {
    // Answers are small and waited for: holding them back to fill a packet only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not available");
    }
    // Asked for before the handshake: what changes during it is looked at before the first message.
    let trust = common.acceptor.trust();
    let begun = Instant::now();
    let Some(Accepted { mut session, certificates }) = handshake(&common, stream, address).await
    else {
        return;
    };
    let _opened = Opened::after(begun.elapsed(), &common.observer);
    let peer = Peer { connection, address: Some(address), certificates };
    let end = messages(&common, session.as_mut(), &peer, trust).await;
    tell(&common, address, end);
    close(&common, session, end).await;
}

/// Tells how a connection ended.
fn tell(common: &Common, address: SocketAddr, end: End) {
    let cause = match end {
        End::Closed | End::Idle | End::Drained => {
            return tracing::debug!(?end, "connection ended");
        }
        End::CutOff => "cut off",
        End::SlowReader => "slow reader",
        End::SlowMessage => "slow message",
        End::Unreadable => "unreadable",
        End::Foreign => "foreign",
        End::Untrusted => "untrusted",
    };
    if !common.sparing.may_tell(address, cause) {
        tracing::debug!(?end, "connection ended");
    } else if matches!(end, End::CutOff | End::SlowReader) {
        tracing::info!(?end, "connection ended");
    } else {
        tracing::warn!(?end, "connection ended");
    }
}

/// Makes the session, within its time; tells why if there is none.
async fn handshake(common: &Common, stream: TcpStream, address: SocketAddr) -> Option<Accepted> {
    let accept = common.acceptor.accept(stream);
    let result = tokio::select! {
        result = timeout(common.limits.limits().handshake_timeout, accept) => result,
        () = common.shutdown.begun() => return None,
    };
    let failure = match result {
        Ok(Ok(accepted)) => return Some(accepted),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::noise(
            HandshakeCause::Timeout,
            "the handshake took too long; limits.handshake_seconds says how long it may take",
        ),
    };
    common.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    common.observer.failed(failure.cause);
    let (cause, reason) = (failure.cause.name(), failure.reason);
    if !common.sparing.may_tell(address, cause) {
        tracing::debug!(cause, reason, "no TLS session");
        return None;
    }
    match failure.blame {
        Blame::Nobody => tracing::info!(cause, reason, "no TLS session"),
        Blame::Operator => tracing::warn!(cause, reason, "no TLS session"),
    }
    None
}

/// Answers messages in their order until there are no more.
async fn messages(common: &Common, stream: &mut dyn Session, peer: &Peer, mut trust: u64) -> End {
    let first = common.limits.budget();
    let limit = first.limits.maximum_message_bytes;
    let mut reader = FrameReader::new(limit, first.shared_bytes.clone());
    drop(first);
    loop {
        if reader.is_empty() {
            let idle_timeout = common.limits.limits().idle_timeout;
            let begun = tokio::select! {
                begun = timeout(idle_timeout, reader.begin(stream)) => begun,
                () = common.shutdown.begun() => last_call(&mut reader, stream).await,
            };
            match begun {
                Ok(Ok(true)) => {}
                // Many clients close without saying so in TLS, which reads as an error.
                Ok(Ok(false) | Err(_)) => return End::Closed,
                Err(_) if common.shutdown.has_begun() => return End::Drained,
                Err(_) => return End::Idle,
            }
        }
        // The limits may have been exchanged since the last message.
        let budget = common.limits.budget();
        let limits = &budget.limits;
        reader.keep_to(limits.maximum_message_bytes, &budget.shared_bytes);
        let header = match timeout(limits.message_timeout, reader.complete(stream)).await {
            Ok(Ok(header)) => header,
            Ok(Err(_)) => return End::CutOff,
            Err(_) => return End::SlowMessage,
        };
        let length = match header {
            Header::Message(length) => length,
            Header::Unreadable => HEADER_BYTES,
            Header::Foreign => return End::Foreign,
        };
        if !is_trusted(common, peer, &mut trust) {
            return End::Untrusted;
        }
        common.messages.fetch_add(1, Ordering::Relaxed);
        let answer = common.handler.handle(peer, reader.front(length)).await;
        // Answers carry keys too.
        let mut answer = Zeroizing::new(answer);
        reader.consume(length);
        let written = timeout(limits.write_timeout, write(stream, &answer)).await;
        // What is spare is erased as one piece, and not byte by byte.
        answer.clear();
        match written {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::CutOff,
            Err(_) => return End::SlowReader,
        }
        if header == Header::Unreadable {
            return End::Unreadable;
        }
    }
}

/// Verifies the peer again if other peers are trusted than when it was last looked at.
fn is_trusted(common: &Common, peer: &Peer, trust: &mut u64) -> bool {
    let now = common.acceptor.trust();
    if *trust == now {
        return true;
    }
    *trust = now;
    match common.acceptor.still_trusts(&peer.certificates) {
        Ok(()) => true,
        Err(reason) => {
            tracing::warn!(reason, "the client is not trusted any more");
            false
        }
    }
}

/// Takes a message that has arrived but was not noticed yet, without waiting for one.
async fn last_call(
    reader: &mut FrameReader,
    stream: &mut dyn Session,
) -> Result<io::Result<bool>, Elapsed> {
    // The runtime looks at its sockets before it comes back.
    yield_now().await;
    timeout(Duration::ZERO, reader.begin(stream)).await
}

async fn write(stream: &mut dyn Session, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.flush().await
}

/// Says goodbye, if there is somebody to say it to.
async fn close(common: &Common, mut session: Box<dyn Session>, end: End) {
    if matches!(end, End::CutOff | End::SlowReader) {
        return;
    }
    let time = LINGER.min(common.limits.limits().message_timeout);
    let _ = timeout(time, async {
        session.shutdown().await?;
        if end == End::Unreadable {
            // Closing with bytes unread resets the connection, and with it the answer under way.
            let socket = session.socket();
            let mut unread = [0_u8; 4096];
            while socket.read(&mut unread).await? > 0 {}
        }
        Ok::<(), io::Error>(())
    })
    .await;
}
