//! Accepts connections, counts them, keeps them apart, and ends them in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmip_ports::{observe::ConnectionObserver, transport::MessageHandler};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use crate::acceptor::Acceptor;
use crate::connection::{self, Common};
use crate::drain::Shutdown;
use crate::limits::{Limits, LimitsInForce};
use crate::observer::Unobserved;
use crate::sparing::Sparing;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long accepting rests after a failure, at first and at most.
const SHORTEST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Numbers connections over all listeners of the process.
static NEXT_CONNECTION: AtomicU64 = AtomicU64::new(1);

/// Why nothing can be accepted.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another program, or another listener of this one, has the address.
    #[error("{address} is in use by another program")]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refuses the address.
    #[error("{address} cannot be listened on")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
}

impl ListenError {
    /// Says why an address cannot be had, by what the operating system says.
    #[must_use]
    pub fn of(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            _ => Self::Refused { address, source },
        }
    }
}

/// What a listener has done in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeReport {
    /// Connections accepted, those without a handshake included.
    pub accepted: u64,
    /// Connections closed at once because there were too many.
    pub refused: u64,
    /// Connections that ended without a session.
    pub failed_handshakes: u64,
    /// Messages handed to the handler.
    pub messages: u64,
    /// Connections that were cut off because draining took too long.
    pub cut_off: u64,
}

/// Listens for KMIP over the sessions that an acceptor makes.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    acceptor: Arc<dyn Acceptor>,
    limits: LimitsInForce,
    handler: Arc<dyn MessageHandler>,
    observer: Arc<dyn ConnectionObserver>,
}

impl Listener {
    /// Takes the address; connections wait until [`Listener::serve`] accepts them.
    ///
    /// # Errors
    ///
    /// Says which address cannot be had.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime.
    pub fn bind<A>(
        address: SocketAddr,
        acceptor: Arc<A>,
        limits: Limits,
        handler: Arc<dyn MessageHandler>,
    ) -> Result<Self, ListenError>
    where
        A: Acceptor + 'static,
    {
        let (socket, address) =
            listen(address).map_err(|source| ListenError::of(address, source))?;
        Ok(Self {
            socket,
            address,
            acceptor,
            limits: LimitsInForce::new(limits),
            handler,
            observer: Arc::new(Unobserved),
        })
    }

    /// Lets somebody be told of connections.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn ConnectionObserver>) -> Self {
        Self { observer, ..self }
    }

    /// Returns the limits, so that they can be exchanged while the listener serves.
    #[must_use]
    pub fn limits(&self) -> LimitsInForce {
        self.limits.clone()
    }

    /// Returns the address, with the port that was chosen if it was asked for as 0.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until `shutdown` begins, then waits until the requests in progress are
    /// answered, within the time for draining.
    pub async fn serve(self, shutdown: Shutdown) -> ServeReport {
        let Self { socket, .. } = self;
        let common = Arc::new(Common {
            acceptor: self.acceptor,
            limits: self.limits,
            handler: self.handler,
            observer: self.observer,
            shutdown: shutdown.clone(),
            failed_handshakes: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            sparing: Sparing::default(),
        });
        let mut connections = Connections::new(Arc::clone(&common));
        let mut rest = SHORTEST_REST;
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                Some(ended) = connections.tasks.join_next() => {
                    report_panic(ended);
                    continue;
                }
                () = shutdown.begun() => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    rest = SHORTEST_REST;
                    common.sparing.settle();
                    connections.add(stream, address);
                }
                Err(error) => {
                    // Mostly the process has too many open files: connections that end help.
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::select! {
                        () = sleep(rest) => {}
                        () = shutdown.begun() => break,
                    }
                    rest = rest.saturating_mul(2).min(LONGEST_REST);
                }
            }
        }
        drop(socket);
        connections.drain().await
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server takes its address back at once.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it: peers that vanished are found out in the end.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The connections of a listener, each a task of its own.
struct Connections {
    common: Arc<Common>,
    tasks: JoinSet<()>,
    report: ServeReport,
}

impl Connections {
    fn new(common: Arc<Common>) -> Self {
        Self { common, tasks: JoinSet::new(), report: ServeReport::default() }
    }

    /// Serves a connection, unless there are too many.
    fn add(&mut self, stream: TcpStream, address: SocketAddr) {
        while let Some(ended) = self.tasks.try_join_next() {
            report_panic(ended);
        }
        let maximum = self.common.limits.limits().maximum_connections;
        if self.tasks.len() >= maximum {
            self.report.refused = self.report.refused.saturating_add(1);
            self.common.observer.refused();
            // Whoever floods the server must not flood its log.
            if self.report.refused.is_power_of_two() {
                tracing::warn!(
                    peer = %address,
                    refused = self.report.refused,
                    maximum,
                    "too many connections"
                );
            }
            return;
        }
        self.report.accepted = self.report.accepted.saturating_add(1);
        self.common.observer.accepted();
        let connection = NEXT_CONNECTION.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!("connection", connection, peer = %address);
        let common = Arc::clone(&self.common);
        self.tasks.spawn(connection::serve(common, stream, address, connection).instrument(span));
    }

    /// Waits for the connections to end; cuts off those that do not.
    async fn drain(mut self) -> ServeReport {
        tracing::info!(connections = self.tasks.len(), "draining");
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                report_panic(ended);
            }
        };
        if timeout(self.common.limits.limits().drain_timeout, all).await.is_err() {
            self.report.cut_off = u64::try_from(self.tasks.len()).unwrap_or(u64::MAX);
            tracing::warn!(connections = self.report.cut_off, "requests did not end in time");
            self.tasks.shutdown().await;
        }
        ServeReport {
            failed_handshakes: self.common.failed_handshakes.load(Ordering::Relaxed),
            messages: self.common.messages.load(Ordering::Relaxed),
            ..self.report
        }
    }
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended in a panic");
    }
}
