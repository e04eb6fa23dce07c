//! A TCP balancer: each connection goes to the next node, and afterwards it is known which life of
//! which node it was with.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How the life of a node ends before the load does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By SIGKILL.
    Killed,
    /// By SIGTERM, after it had answered what it was asked.
    Stopped,
}

/// A node from its start to its end.
#[derive(Debug)]
pub struct Life {
    /// The number of the node, from 1 on.
    pub node: usize,
    /// The number of the life, from 1 on.
    pub number: usize,
    /// Where it listens.
    pub address: SocketAddr,
    ending: OnceLock<Ending>,
}

impl Life {
    /// Begins a life.
    pub fn new(node: usize, number: usize, address: SocketAddr) -> Self {
        Self { node, number, address, ending: OnceLock::new() }
    }

    /// Says how it ends. This is said before the signal is sent: what breaks after that is due to it.
    pub fn ends(&self, ending: Ending) {
        // A life ends once; the first ending counts.
        let _ = self.ending.set(ending);
    }

    /// Returns how it has ended, or is about to.
    pub fn ending(&self) -> Option<Ending> {
        self.ending.get().copied()
    }
}

/// The balancer; it ends when it is dropped.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    routes: Arc<Routes>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Routes {
    lives: Mutex<Vec<Arc<Life>>>,
    turn: AtomicUsize,
    /// With whom each client is, or was, by the client's address.
    with: Mutex<HashMap<SocketAddr, Arc<Life>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Balancer {
    /// Listens on a spare port of this computer.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let routes = Arc::new(Routes::default());
        let task = tokio::spawn(accept(listener, Arc::clone(&routes)));
        Ok(Self { address, routes, task })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends connections to a node, too; an earlier life of the same node gets no more.
    pub fn add(&self, life: Arc<Life>) {
        let mut lives = lock(&self.routes.lives);
        lives.retain(|other| other.node != life.node);
        lives.push(life);
    }

    /// Sends no more connections to a node; those that are there stay.
    pub fn remove(&self, node: usize) {
        lock(&self.routes.lives).retain(|life| life.node != node);
    }

    /// Says with whom a client's connection was. The client asks once, when it has ended.
    pub fn whose(&self, client: SocketAddr) -> Option<Arc<Life>> {
        lock(&self.routes.with).remove(&client)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Routes {
    fn next(&self) -> Option<Arc<Life>> {
        let lives = lock(&self.lives);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        lives.get(turn.checked_rem(lives.len())?).cloned()
    }

    /// Connects a client to the next node that takes it, and carries bytes until both have ended.
    async fn carry(&self, mut client: TcpStream, address: SocketAddr) -> io::Result<()> {
        client.set_nodelay(true)?;
        let tries = lock(&self.lives).len();
        for _ in 0..tries {
            let Some(life) = self.next() else { break };
            let at = life.address;
            // Noted first: a node may be killed while it takes the connection.
            lock(&self.with).insert(address, life);
            // One that refuses is dead and was not taken out yet: the next has its turn.
            if let Ok(mut node) = TcpStream::connect(at).await {
                node.set_nodelay(true)?;
                return copy_bidirectional(&mut client, &mut node).await.map(|_| ());
            }
        }
        Err(io::Error::other("there is no node"))
    }
}

async fn accept(listener: TcpListener, routes: Arc<Routes>) {
    while let Ok((client, address)) = listener.accept().await {
        let routes = Arc::clone(&routes);
        tokio::spawn(async move {
            // Why it has ended is found out by the client, who asks with whom it was.
            let _ = routes.carry(client, address).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A node that says its number and then waits for the client to go.
    async fn node(number: u8) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                socket.write_all(&[number]).await.unwrap();
                open.push(socket);
            }
        });
        (address, task)
    }

    async fn connect(balancer: &Balancer) -> (u8, TcpStream) {
        let mut socket = TcpStream::connect(balancer.address()).await.unwrap();
        (socket.read_u8().await.unwrap(), socket)
    }

    #[tokio::test]
    async fn connections_take_turns_and_it_is_known_with_whom_they_were() {
        let balancer = Balancer::start().await.unwrap();
        let (first, _one) = node(1).await;
        let (second, _two) = node(2).await;
        balancer.add(Arc::new(Life::new(1, 1, first)));
        balancer.add(Arc::new(Life::new(2, 1, second)));
        for expected in [1, 2, 1, 2] {
            let (said, socket) = connect(&balancer).await;
            assert_eq!(said, expected);
            let client = socket.local_addr().unwrap();
            assert_eq!(balancer.whose(client).unwrap().node, usize::from(expected));
            assert!(balancer.whose(client).is_none(), "it is asked once");
        }
    }

    #[tokio::test]
    async fn a_dead_node_is_passed_over_and_its_connections_end() {
        let balancer = Balancer::start().await.unwrap();
        let (first, one) = node(1).await;
        let (second, _two) = node(2).await;
        let dead = Arc::new(Life::new(1, 1, first));
        balancer.add(Arc::clone(&dead));
        balancer.add(Arc::new(Life::new(2, 1, second)));
        let (said, mut socket) = connect(&balancer).await;
        assert_eq!(said, 1);
        dead.ends(Ending::Killed);
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
        assert!(!matches!(socket.read(&mut [0]).await, Ok(1..)));
        let life = balancer.whose(socket.local_addr().unwrap()).unwrap();
        assert_eq!(life.ending(), Some(Ending::Killed));
        for _ in 0..3 {
            assert_eq!(connect(&balancer).await.0, 2);
        }
    }

    #[tokio::test]
    async fn a_node_that_was_taken_out_keeps_what_it_has() {
        let balancer = Balancer::start().await.unwrap();
        let (first, _one) = node(1).await;
        balancer.add(Arc::new(Life::new(1, 1, first)));
        let (_, open) = connect(&balancer).await;
        balancer.remove(1);
        let mut refused = TcpStream::connect(balancer.address()).await.unwrap();
        assert!(!matches!(refused.read(&mut [0]).await, Ok(1..)));
        assert!(balancer.whose(refused.local_addr().unwrap()).is_none());
        assert_eq!(balancer.whose(open.local_addr().unwrap()).unwrap().ending(), None);
    }
}
