//! Many clients at once, each one request at a time, behind a balancer; and what became of each
//! request.
//!
//! With a pace a client asks when it is time, and the time of an answer counts from then on. A
//! connection is renewed after some hundreds of requests, so that each client meets every node. A
//! client notices before it asks that its connection has ended, as clients with open connections do.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, task::JoinSet, time::Instant};

use super::{
    balancer::{Balancer, Ending},
    client::{Asked, Client},
};
use crate::{
    load::{
        drive::paced,
        latency::Latencies,
        wire::{Dialer, Wire},
    },
    tree::Item,
};

/// After how many requests a connection is renewed; each client adds its number.
const RENEWED: usize = 500;

/// How often a request is asked again at most before it counts as failed.
const PERSISTENCE: usize = 8;

/// How many failures are told in words.
const TOLD: usize = 20;

/// What to do.
#[derive(Clone)]
pub struct Load {
    /// As whom.
    pub dialer: Dialer,
    /// Through whom.
    pub balancer: Arc<Balancer>,
    /// For how long.
    pub time: Duration,
    /// How many requests a second, all together; as many as there can be if none is said.
    pub pace: Option<f64>,
    /// Where it is noted what became of it.
    pub tally: Arc<Mutex<Tally>>,
}

/// What became of all requests.
#[derive(Clone, Debug)]
pub struct Tally {
    begun: Instant,
    /// The times of the answers, by minute.
    pub minutes: Vec<Latencies>,
    /// Requests without an answer whose connection was with a node that was killed, by node and life.
    pub killed: BTreeMap<(usize, usize), u64>,
    /// Requests that crossed with the good-bye of a node that was stopped, and were asked again.
    pub crossed: u64,
    /// Requests that failed otherwise, and answers that were wrong.
    pub wrong: u64,
    /// What the first of these said.
    pub complaints: Vec<String>,
    /// Connections that were opened.
    pub connections: u64,
    /// Objects and facts that were read once more in the end.
    pub read_back: u64,
}

impl Tally {
    /// Begins to count.
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            minutes: Vec::new(),
            killed: BTreeMap::new(),
            crossed: 0,
            wrong: 0,
            complaints: Vec::new(),
            connections: 0,
            read_back: 0,
        }
    }

    /// Returns the times of all answers.
    pub fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        for minute in &self.minutes {
            all.merge(minute);
        }
        all
    }

    /// Adds what went wrong elsewhere, and what was read back there.
    pub fn add_failures(&mut self, other: &Self) {
        self.wrong = self.wrong.saturating_add(other.wrong);
        self.read_back = self.read_back.saturating_add(other.read_back);
        self.complaints.extend(other.complaints.iter().cloned());
    }

    fn answered(&mut self, due: Instant) {
        let now = Instant::now();
        let minute = now.saturating_duration_since(self.begun).as_secs() / 60;
        let minute = usize::try_from(minute).unwrap_or_default();
        if self.minutes.len() <= minute {
            self.minutes.resize_with(minute.saturating_add(1), Latencies::default);
        }
        if let Some(latencies) = self.minutes.get_mut(minute) {
            latencies.add(now.saturating_duration_since(due));
        }
    }

    fn wrong(&mut self, complaint: &str) {
        self.wrong = self.wrong.saturating_add(1);
        if self.complaints.len() < TOLD {
            let at = self.begun.elapsed().as_secs();
            self.complaints.push(format!("{}:{:02} {complaint}", at / 60, at % 60));
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes a lock, whoever has panicked with it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the clients work until the time is over, then returns them.
pub async fn run(load: &Load, clients: Vec<Client>) -> io::Result<Vec<Client>> {
    let count = clients.len();
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        let worker = Worker { load: load.clone(), number, client, link: None };
        tasks.spawn(worker.work(count));
    }
    let mut clients = Vec::with_capacity(count);
    while let Some(ended) = tasks.join_next().await {
        clients.push(ended.map_err(io::Error::other)?);
    }
    Ok(clients)
}

/// Reads everything once more that the clients know.
pub async fn read_back(load: &Load, clients: Vec<Client>) -> io::Result<Vec<Client>> {
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        let mut worker = Worker { load: load.clone(), number, client, link: None };
        tasks.spawn(async move {
            worker.settle().await;
            for asked in worker.client.everything() {
                worker.step(Some(asked), Instant::now()).await;
                let mut tally = lock(&worker.load.tally);
                tally.read_back = tally.read_back.saturating_add(1);
            }
            worker.end().await
        });
    }
    let mut clients = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        clients.push(ended.map_err(io::Error::other)?);
    }
    Ok(clients)
}

/// A connection, and how much it was used.
struct Link {
    wire: Wire,
    local: SocketAddr,
    asked: usize,
}

/// A request without an answer.
struct Lost {
    ending: Option<Ending>,
    node: (usize, usize),
    complaint: String,
}

struct Worker {
    load: Load,
    number: usize,
    client: Client,
    link: Option<Link>,
}

impl Worker {
    async fn work(mut self, clients: usize) -> Client {
        let begin = Instant::now();
        let end = begin.checked_add(self.load.time).unwrap_or(begin);
        let mut ticks = self.load.pace.map(|pace| paced(pace, self.number, clients, begin));
        loop {
            let due = match &mut ticks {
                Some(ticks) => ticks.tick().await,
                None => Instant::now(),
            };
            if due >= end {
                return self.end().await;
            }
            self.step(None, due).await;
        }
    }

    async fn end(mut self) -> Client {
        if let Some(link) = self.link.take() {
            self.load.balancer.whose(link.local);
            link.wire.close().await;
        }
        self.client
    }

    /// Finds out what is in doubt, so that the client knows what it has.
    async fn settle(&mut self) {
        for _ in 0..PERSISTENCE {
            if self.client.is_in_doubt() {
                self.step(None, Instant::now()).await;
            }
        }
    }

    /// Has one request answered. One that has crossed with a good-bye is asked again.
    async fn step(&mut self, mut first: Option<Asked>, due: Instant) {
        for _ in 0..PERSISTENCE {
            let asked = first.take().unwrap_or_else(|| self.client.choose());
            let answer = self.ask(&self.client.message(&asked)).await;
            let mut tally = lock(&self.load.tally);
            match answer {
                Ok(answer) => {
                    tally.answered(due);
                    if let Err(complaint) = self.client.hear(asked, &answer) {
                        tally.wrong(&complaint);
                    }
                    if !self.client.is_in_doubt() {
                        return;
                    }
                }
                Err(Lost { ending: Some(Ending::Stopped), .. }) => {
                    tally.crossed = tally.crossed.saturating_add(1);
                    self.client.unanswered(asked, Ending::Stopped);
                }
                Err(Lost { ending: Some(Ending::Killed), node, .. }) => {
                    let count = tally.killed.entry(node).or_default();
                    *count = count.saturating_add(1);
                    self.client.unanswered(asked, Ending::Killed);
                    return;
                }
                Err(Lost { ending: None, complaint, .. }) => {
                    tally.wrong(&complaint);
                    self.client.unanswered(asked, Ending::Killed);
                    return;
                }
            }
        }
        lock(&self.load.tally).wrong("a request was never answered");
    }

    /// Sends a message and reads the answer, on a new connection if there has to be one.
    async fn ask(&mut self, message: &[u8]) -> Result<Item, Lost> {
        let mut link = match self.link.take() {
            Some(link) => self.keep_or_renew(link).await?,
            None => self.dial().await?,
        };
        link.asked = link.asked.saturating_add(1);
        let answer = match link.wire.ask(message).await {
            Ok(bytes) => Item::decode(bytes).map_err(|error| error.to_string()),
            Err(error) => return Err(self.lost(link.local, &error)),
        };
        self.link = Some(link);
        answer.map_err(|complaint| Lost { ending: None, node: (0, 0), complaint })
    }

    async fn keep_or_renew(&mut self, mut link: Link) -> Result<Link, Lost> {
        if link.wire.has_ended().await {
            let lost = self.lost(link.local, &io::Error::other("it was closed between requests"));
            // Nothing was asked on it: nothing has failed, if it had a reason to end.
            if lost.ending.is_none() {
                return Err(lost);
            }
        } else if link.asked < RENEWED.saturating_add(self.number) {
            return Ok(link);
        } else {
            self.load.balancer.whose(link.local);
            link.wire.close().await;
        }
        self.dial().await
    }

    async fn dial(&self) -> Result<Link, Lost> {
        let unconnected = |error: io::Error| Lost {
            ending: None,
            node: (0, 0),
            complaint: format!("the balancer: {error}"),
        };
        let address = self.load.balancer.address();
        let socket = TcpStream::connect(address).await.map_err(unconnected)?;
        let local = socket.local_addr().map_err(unconnected)?;
        match self.load.dialer.secure(socket).await {
            Ok(wire) => {
                let mut tally = lock(&self.load.tally);
                tally.connections = tally.connections.saturating_add(1);
                Ok(Link { wire, local, asked: 0 })
            }
            Err(error) => Err(self.lost(local, &error)),
        }
    }

    /// Finds out with whom a connection was that has broken.
    fn lost(&self, local: SocketAddr, error: &io::Error) -> Lost {
        match self.load.balancer.whose(local) {
            Some(life) => Lost {
                ending: life.ending(),
                node: (life.node, life.number),
                complaint: format!("node {}, life {}: {error}", life.node, life.number),
            },
            None => Lost { ending: None, node: (0, 0), complaint: format!("no node: {error}") },
        }
    }
}
