//! One peer: the session, then messages in and answers out, one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmip_ports::transport::{MessageHandler, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::acceptor::{Accepted, Acceptor, Failure, Session};
use crate::drain::Shutdown;
use crate::frame::{FrameReader, HEADER_BYTES, Header, SharedBytes};
use crate::limits::Limits;

/// How long a connection that cannot go on is still read, so that the peer can read its answer.
const LINGER: Duration = Duration::from_secs(2);

/// What all connections of a listener have in common.
pub(crate) struct Common {
    pub(crate) acceptor: Arc<dyn Acceptor>,
    pub(crate) limits: Limits,
    pub(crate) handler: Arc<dyn MessageHandler>,
    pub(crate) shutdown: Shutdown,
    pub(crate) shared_bytes: SharedBytes,
    pub(crate) failed_handshakes: AtomicU64,
    pub(crate) messages: AtomicU64,
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
    let Some(Accepted { mut session, certificates }) = handshake(&common, stream).await else {
        return;
    };
    let peer = Peer { connection, address: Some(address), certificates };
    let end = messages(&common, session.as_mut(), &peer).await;
    match end {
        End::Closed | End::Idle | End::Drained => tracing::debug!(?end, "connection ended"),
        End::CutOff | End::SlowReader => tracing::info!(?end, "connection ended"),
        End::SlowMessage | End::Unreadable | End::Foreign => {
            tracing::warn!(?end, "connection ended");
        }
    }
    close(&common, session, end).await;
}

/// Makes the session, within its time; tells why if there is none.
async fn handshake(common: &Common, stream: TcpStream) -> Option<Accepted> {
    let accept = common.acceptor.accept(stream);
    let result = tokio::select! {
        result = timeout(common.limits.handshake_timeout, accept) => result,
        () = common.shutdown.begun() => return None,
    };
    let failure = match result {
        Ok(Ok(accepted)) => return Some(accepted),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Noise("the handshake took too long".to_owned()),
    };
    common.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    match failure {
        Failure::Noise(reason) => tracing::info!(reason, "no TLS session"),
        Failure::Refused(reason) => tracing::warn!(reason, "no TLS session"),
    }
    None
}

/// Answers messages in their order until there are no more.
async fn messages(common: &Common, stream: &mut dyn Session, peer: &Peer) -> End {
    let limits = &common.limits;
    let mut reader = FrameReader::new(limits.maximum_message_bytes, common.shared_bytes.clone());
    loop {
        if reader.is_empty() {
            let begun = tokio::select! {
                begun = timeout(limits.idle_timeout, reader.begin(stream)) => begun,
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
        common.messages.fetch_add(1, Ordering::Relaxed);
        let answer = common.handler.handle(peer, reader.front(length)).await;
        // Answers carry keys too.
        let answer = Zeroizing::new(answer);
        reader.consume(length);
        match timeout(limits.write_timeout, write(stream, &answer)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::CutOff,
            Err(_) => return End::SlowReader,
        }
        if header == Header::Unreadable {
            return End::Unreadable;
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
    let time = LINGER.min(common.limits.message_timeout);
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
