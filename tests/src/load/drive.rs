//! Many connections at once, each one request at a time, for some seconds.
//!
//! Without a pace each connection sends its next request when it has the answer. With a pace it
//! sends when it is time, and the time of an answer counts from then on, however late the request
//! was sent: who waits for a slow server waits from the moment he wanted something.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{
    check,
    latency::Latencies,
    process,
    wire::{Dialer, Wire},
};

/// How many connections are opened at the same time.
const OPENING: usize = 32;

/// How many failures are told in words.
const TOLD: usize = 3;

/// What to do.
#[derive(Clone)]
pub struct Plan {
    /// To whom, and as whom.
    pub dialer: Dialer,
    /// The requests to be sent in turn; none if only the bare server is asked.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// Whether each request has a connection of its own.
    pub connects: bool,
    /// How many connections.
    pub connections: usize,
    /// How long before it counts.
    pub warm_up: Duration,
    /// How long it counts.
    pub time: Duration,
    /// How many requests a second, all together; as many as there can be if none is said.
    pub pace: Option<f64>,
    /// Whose process to look at.
    pub process: Option<u32>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The times of the requests that succeeded.
    pub latencies: Latencies,
    /// How many failed.
    pub errors: u64,
    /// What the first of them said.
    pub complaints: Vec<String>,
    /// How long it was counted.
    pub time: Duration,
    /// How much time the server's process had on processors meanwhile.
    pub server_cpu: Option<Duration>,
    /// How much time this process had: the client, and the bare server if that is asked.
    pub client_cpu: Duration,
}

impl Outcome {
    /// Returns how many requests succeeded in a second.
    pub fn per_second(&self) -> f64 {
        as_number(self.latencies.count()) / self.time.as_secs_f64()
    }

    /// Returns how many microseconds each request takes of a time.
    pub fn micros_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / as_number(self.latencies.count().max(1))
    }

    /// Adds a failure.
    pub fn fail(&mut self, complaint: String) {
        self.errors = self.errors.saturating_add(1);
        if self.complaints.len() < TOLD {
            self.complaints.push(complaint);
        }
    }

    /// Adds what came of it elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.errors = self.errors.saturating_add(other.errors);
        let room = TOLD.saturating_sub(self.complaints.len());
        self.complaints.extend(other.complaints.into_iter().take(room));
    }
}

/// Returns a count as a number to calculate with.
pub fn as_number(count: u64) -> f64 {
    // A count that does not fit is longer than anybody waits.
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Says when one of several clients, which are counted from 0, is to ask, so that all of them
/// together ask so often a second and none at the moment of another.
pub fn paced(per_second: f64, number: usize, clients: usize, begin: Instant) -> Interval {
    let clients = as_number(clients as u64);
    let period = Duration::from_secs_f64(clients / per_second.max(f64::MIN_POSITIVE));
    let part = as_number(number as u64) / clients;
    let first = begin.checked_add(period.mul_f64(part)).unwrap_or(begin);
    let mut ticks = interval_at(first, period);
    // What is late is asked at once: the time counts from when it was due.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks
}

/// Does it.
///
/// # Errors
/// If a connection cannot be opened to begin with.
pub async fn run(plan: &Plan) -> io::Result<Outcome> {
    let ready = Arc::new(Barrier::new(plan.connections.saturating_add(1)));
    let opening = Arc::new(Semaphore::new(OPENING));
    let refused = Arc::new(Mutex::new(None));
    let mut tasks = JoinSet::new();
    for number in 0..plan.connections {
        let (plan, ready, opening) = (plan.clone(), Arc::clone(&ready), Arc::clone(&opening));
        let refused = Arc::clone(&refused);
        tasks.spawn(async move {
            let permit = opening.acquire_owned().await;
            let wire = if plan.connects { Ok(None) } else { plan.dialer.dial().await.map(Some) };
            drop(permit);
            ready.wait().await;
            match wire {
                Ok(wire) => Worker::new(&plan, number, wire).work().await,
                Err(error) => {
                    *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Outcome::default()
                }
            }
        });
    }
    ready.wait().await;
    pass(plan.warm_up).await;
    let before = cpu(plan.process)?;
    pass(plan.time).await;
    let after = cpu(plan.process)?;
    let mut outcome = Outcome { time: plan.time, ..Outcome::default() };
    while let Some(ended) = tasks.join_next().await {
        outcome.merge(ended.map_err(io::Error::other)?);
    }
    outcome.server_cpu = after.0.zip(before.0).map(|(after, before)| after.saturating_sub(before));
    outcome.client_cpu = after.1.saturating_sub(before.1);
    match refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}

/// Returns the time that the server's process and this one have had on processors.
fn cpu(server: Option<u32>) -> io::Result<(Option<Duration>, Duration)> {
    Ok((server.map(process::cpu).transpose()?, process::cpu(std::process::id())?))
}

struct Worker<'a> {
    plan: &'a Plan,
    number: usize,
    wire: Option<Wire>,
    next: usize,
    outcome: Outcome,
}

impl<'a> Worker<'a> {
    fn new(plan: &'a Plan, number: usize, wire: Option<Wire>) -> Self {
        // Each begins elsewhere, so that together they ask for everything.
        let share = plan.requests.len().checked_div(plan.connections).unwrap_or_default();
        let next = share.saturating_mul(number);
        Self { plan, number, wire, next, outcome: Outcome::default() }
    }

    async fn work(mut self) -> Outcome {
        let begin = Instant::now();
        let counts_from = begin.checked_add(self.plan.warm_up).unwrap_or(begin);
        let end = counts_from.checked_add(self.plan.time).unwrap_or(begin);
        let pace = self.plan.pace;
        let mut ticks = pace.map(|pace| paced(pace, self.number, self.plan.connections, begin));
        loop {
            let due = match &mut ticks {
                Some(ticks) => ticks.tick().await,
                None => Instant::now(),
            };
            if due >= end {
                return self.outcome;
            }
            let answered = self.step().await;
            let now = Instant::now();
            let counts = now >= counts_from && now < end;
            match answered {
                Ok(()) if counts => {
                    self.outcome.latencies.add(now.saturating_duration_since(due));
                }
                Ok(()) => {}
                Err(complaint) => {
                    self.outcome.fail(complaint);
                    // The next has a new connection.
                    self.wire = None;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<(), String> {
        let said = |error: io::Error| error.to_string();
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => self.plan.dialer.dial().await.map_err(said)?,
        };
        if let Some(request) = self.plan.requests.get(self.next) {
            check::success(wire.ask(request).await.map_err(said)?)?;
            self.next = self.next.saturating_add(1);
            if self.next >= self.plan.requests.len() {
                self.next = 0;
            }
        } else {
            wire.echo().await.map_err(said)?;
        }
        if self.plan.connects {
            wire.close().await;
        } else {
            self.wire = Some(wire);
        }
        Ok(())
    }
}

/// Lets time pass: a load lasts as long as it is asked to.
async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
