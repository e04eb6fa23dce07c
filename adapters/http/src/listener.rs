//! Accepts connections, bounds what each may use, and ends them.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use kmip_transport::{Acceptor, Blame, Failure, ListenError, Shutdown, Sparing, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::routes::Routes;
use crate::trusted::{OfTrusted, Peer};

/// How many connections there may be; one more is closed at once.
const CONNECTIONS: usize = 32;

/// How long a TLS handshake, and then the head of a request, may take to arrive.
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may live; who scrapes makes a new one now and then.
const LIFETIME: Duration = Duration::from_mins(10);

/// How long an answer that is under way may take when the connection must end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The longest head of a request, and how many lines it may have.
const HEAD_BYTES: usize = 8_192;
const HEAD_LINES: usize = 64;

/// How long accepting rests after a failure.
const REST: Duration = Duration::from_millis(200);

/// An open admin port: it answers until it is ended or dropped.
pub struct AdminListener {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

/// What all connections have in common.
struct Common {
    acceptor: Option<Arc<dyn Acceptor>>,
    router: Router,
    shutdown: Shutdown,
    sparing: Sparing,
}

impl AdminListener {
    /// Takes the address and begins to answer, in the clear or in the sessions that an acceptor
    /// makes.
    ///
    /// # Errors
    /// Says which address cannot be had.
    pub async fn start(
        address: SocketAddr,
        acceptor: Option<Arc<dyn Acceptor>>,
        routes: Routes,
    ) -> Result<Self, ListenError> {
        let refused = |source| ListenError::of(address, source);
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        let shutdown = Shutdown::new();
        let common = Arc::new(Common {
            acceptor,
            router: routes.router(),
            shutdown: shutdown.clone(),
            sparing: Sparing::default(),
        });
        Ok(Self { address, shutdown, task: tokio::spawn(accept(socket, common)) })
    }

    /// Returns the address, with the port that was chosen if it was asked for as 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port; answers that are under way are given a moment.
    pub async fn end(mut self) {
        self.shutdown.begin();
        // A panic has been printed, and nobody is left to ask.
        let _ = timeout(FAREWELL.saturating_mul(2), &mut self.task).await;
    }
}

impl Drop for AdminListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(socket: TcpListener, common: Arc<Common>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = common.shutdown.begun() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                common.sparing.settle();
                if let Ok(place) = Arc::clone(&free).try_acquire_owned() {
                    connections.spawn(serve(Arc::clone(&common), stream, peer, place));
                } else {
                    tracing::debug!(%peer, "too many connections to the admin port");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no connection to the admin port could be accepted");
                tokio::select! {
                    () = sleep(REST) => {}
                    () = common.shutdown.begun() => break,
                }
            }
        }
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

/// Serves one peer, for as long as it has its place.
async fn serve(
    common: Arc<Common>,
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
) {
    let Some(acceptor) = &common.acceptor else {
        return answer(&common, stream, None).await;
    };
    // What is trusted later than this is looked at again.
    let trust = acceptor.trust();
    let accepted = tokio::select! {
        accepted = timeout(HEAD, acceptor.accept(stream)) => accepted,
        () = common.shutdown.begun() => return,
    };
    match accepted {
        Ok(Ok(accepted)) => {
            let (stream, certificates) = accepted.into_parts();
            let peer = Peer::new(Arc::clone(acceptor), certificates, trust);
            answer(&common, stream, Some(peer)).await;
        }
        Ok(Err(Failure { reason, blame: Blame::Operator, cause }))
            if common.sparing.may_tell(peer, cause.name()) =>
        {
            tracing::warn!(%peer, reason, "no TLS session on the admin port");
        }
        Ok(Err(Failure { reason, .. })) => {
            tracing::debug!(%peer, reason, "no TLS session on the admin port");
        }
        Err(_) => tracing::debug!(%peer, "a handshake on the admin port took too long"),
    }
}

async fn answer(common: &Common, stream: impl Stream + 'static, peer: Option<Peer>) {
    let inner = TowerToHyperService::new(common.router.clone());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(TokioIo::new(stream), OfTrusted { inner, peer });
    let mut connection = pin!(connection);
    // Who went away, or talks another protocol, is none of ours.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = sleep(LIFETIME) => {}
        () = common.shutdown.begun() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(FAREWELL, connection).await;
}
