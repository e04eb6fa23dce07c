//! A long run at half the peak, while files change, nodes are told to read them again, and nodes
//! end and begin: behind a TCP balancer, on one database.
//!
//! | File | Holds |
//! |---|---|
//! | [`schedule`] | what happens when |
//! | [`balancer`] | the balancer, which knows with whom each connection was |
//! | [`client`] | clients that know what every answer must be |
//! | [`ask`] | their messages |
//! | [`drive`] | many of them at a pace, and what became of their requests |
//! | [`nodes`] | the processes |
//! | [`changes`] | the files that change, and whether each node goes by them |
//! | [`memory`] | what the processes have, and whether that stays the same |
//! | [`report`] | what came of it |

pub mod ask;
pub mod balancer;
pub mod changes;
pub mod client;
pub mod drive;
pub mod memory;
pub mod nodes;
pub mod report;
pub mod schedule;
mod told;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use self::{
    balancer::Balancer,
    changes::{Changes, STRANGER},
    client::{Client, Settled},
    drive::{Load, Tally, lock},
    nodes::Nodes,
    report::Report,
    schedule::{Act, Restarts},
};
use crate::{
    load::{drive::as_number, wire::Dialer},
    postgres::Cluster,
    server::Directory,
};

/// As whom the load is made.
const CLIENT: &str = "client";

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What is longer than this between two looks is told: the computer had something else to do.
const STILL: Duration = Duration::from_secs(5);

/// Fewer requests a second show nothing.
const SLOWEST: f64 = 1.0;

/// How much of the peak the load is.
const SHARE: f64 = 0.5;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Two nodes on one PostgreSQL of the test's own; they end and begin.
    Postgres,
    /// One node on SQLite, which goes on from the beginning to the end.
    Sqlite,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program of the nodes.
    pub program: PathBuf,
    /// Which nodes, on what.
    pub set: Set,
    /// For how long.
    pub time: Duration,
    /// How long the peak is measured before.
    pub peak: Duration,
    /// How many requests a second; half of the peak if none is said.
    pub pace: Option<f64>,
    /// How many clients.
    pub clients: usize,
    /// How many bytes of records each node keeps in memory. Less than what comes by in the warm-up,
    /// so that memory that is still being filled is not taken for a leak.
    pub cache: u64,
    /// What decides what clients do.
    pub seed: u64,
}

/// Does it, and tells what happens as it does.
///
/// # Errors
/// Why there is nothing to be reported.
pub fn run(plan: &Plan, tell: &mut dyn FnMut(&str)) -> Result<Report, String> {
    let said = |error: std::io::Error| error.to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(said)?;
    let (restarts, count) = match plan.set {
        Set::Postgres => (Restarts::Yes, 2),
        Set::Sqlite => (Restarts::No, 1),
    };
    let acts = schedule::schedule(plan.time, restarts);
    let directory = Arc::new(make_directory(&acts));
    let mut arguments = Changes::arguments(&directory);
    arguments.extend(["--set".to_owned(), format!("storage.cache_bytes={}", plan.cache)]);
    // It is dropped last: nodes that have lost their database end with an error.
    let cluster = if plan.set == Set::Postgres { Some(Cluster::start()?) } else { None };
    if let Some(cluster) = &cluster {
        let url = runtime.block_on(cluster.database());
        arguments.extend(["--set".to_owned(), format!("storage.url={url}")]);
    }
    let balancer = Arc::new(runtime.block_on(Balancer::start()).map_err(said)?);
    let changes = Changes::new(plan.program.clone(), Arc::clone(&directory), CLIENT)?;
    let mut nodes =
        Nodes::new(plan.program.clone(), Arc::clone(&directory), arguments, Arc::clone(&balancer));
    for node in 1..=count {
        nodes.start(node)?;
    }
    let target = directory.target(balancer.address(), CLIENT);
    let dialer = Dialer::new(&target, balancer.address()).map_err(|error| error.to_string())?;
    let load = Load {
        dialer,
        balancer,
        time: plan.peak,
        pace: None,
        tally: Arc::new(Mutex::new(Tally::new())),
    };
    let clients = (0..plan.clients).map(|number| Client::new(number, plan.seed)).collect();
    let course = Course { plan, acts, runtime, nodes, changes };
    let report = course.run(load, clients, tell);
    drop(cluster);
    report
}

/// Makes a directory with a certificate for every client.
fn make_directory(acts: &[(Duration, Act)]) -> Directory {
    let guests = acts.iter().filter(|(_, act)| *act == Act::Reload).count() / 3;
    let guests: Vec<String> = (0..=guests).map(changes::guest).collect();
    let mut names = vec![CLIENT, STRANGER];
    names.extend(guests.iter().map(String::as_str));
    Directory::of(&names)
}

/// A run that has its parts.
struct Course<'a> {
    plan: &'a Plan,
    acts: Vec<(Duration, Act)>,
    runtime: Runtime,
    nodes: Nodes,
    changes: Changes,
}

impl Course<'_> {
    fn run(
        mut self,
        mut load: Load,
        clients: Vec<Client>,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Report, String> {
        let said = |error: std::io::Error| error.to_string();
        let begun = Instant::now();
        let clients = self.runtime.block_on(drive::run(&load, clients)).map_err(said)?;
        let measured = lock(&load.tally).clone();
        let answers = as_number(measured.latencies().count());
        let peak = answers / begun.elapsed().as_secs_f64();
        let pace = self.plan.pace.unwrap_or(peak * SHARE);
        if pace < SLOWEST {
            return Err(format!("a pace of {pace} is none: {:?}", measured.complaints));
        }
        tell(&format!("peak {peak:.0} a second; from now on {pace:.0}"));

        (load.time, load.pace) = (self.plan.time, Some(pace));
        load.tally = Arc::new(Mutex::new(Tally::new()));
        self.nodes.begin();
        let working = {
            let load = load.clone();
            self.runtime.spawn(async move { drive::run(&load, clients).await })
        };
        let mut report = Report::new(self.plan, peak, pace);
        self.conduct(&mut report, tell);
        let clients = self.runtime.block_on(working).map_err(|error| error.to_string())?;
        let clients = clients.map_err(said)?;
        report.tally = std::mem::take(&mut *lock(&load.tally));
        let clients = self.runtime.block_on(drive::read_back(&load, clients)).map_err(said)?;
        if let Err(fault) = self.nodes.stop_all() {
            report.faults.push(fault);
        }
        report.settled = settled(&clients);
        report.tally.add_failures(&measured);
        report.tally.add_failures(&lock(&load.tally));
        report.errors = self.nodes.errors();
        report.memory = self.nodes.memory;
        Ok(report)
    }

    /// Does everything when it is time, and looks at memory meanwhile.
    fn conduct(&mut self, report: &mut Report, tell: &mut dyn FnMut(&str)) {
        let (begun, mut looked) = (Instant::now(), Duration::ZERO);
        let mut acts = std::mem::take(&mut self.acts).into_iter().peekable();
        loop {
            let passed = begun.elapsed();
            if passed >= self.plan.time {
                break;
            }
            if let Some((_, act)) = acts.next_if(|(at, _)| *at <= passed) {
                let outcome = self.act(act, report);
                looked = begun.elapsed();
                let line = outcome.as_ref().unwrap_or_else(|fault| fault);
                tell(&format!("{} {line}", minutes(passed)));
                match outcome {
                    Ok(event) => report.events.push((passed, event)),
                    Err(fault) => report.faults.push(format!("{} {fault}", minutes(passed))),
                }
                continue;
            }
            if let Some(still) = passed.checked_sub(looked).filter(|still| *still > STILL) {
                let event = format!("nothing moved for {} s", still.as_secs());
                report.events.push((looked, event));
            }
            looked = passed;
            if let Err(fault) = self.nodes.look()
                && !report.faults.contains(&fault)
            {
                report.faults.push(fault);
            }
            let next = acts.peek().map_or(self.plan.time, |(at, _)| *at);
            let left = next.min(self.plan.time).saturating_sub(begun.elapsed());
            nodes::wait(left.min(LOOK));
        }
    }

    /// Does one thing, and says what it was.
    fn act(&mut self, act: Act, report: &mut Report) -> Result<String, String> {
        match act {
            Act::Reload => {
                let lives = self.nodes.lives();
                let change = self.changes.make(&lives)?;
                let told = self.nodes.hang_up()?;
                report.hang_ups = report.hang_ups.saturating_add(told);
                for life in &lives {
                    self.changes.until_in_force(&change, life)?;
                }
                report.changes = report.changes.saturating_add(1);
                Ok(change.name())
            }
            Act::Kill(node) => self.nodes.kill(node).map(|()| format!("node {node} killed")),
            Act::Stop(node) => self.nodes.stop(node).map(|()| format!("node {node} stopped")),
            Act::Start(node) => self.nodes.start(node).map(|()| format!("node {node} started")),
        }
    }
}

fn settled(clients: &[Client]) -> Settled {
    let mut all = Settled::default();
    for client in clients {
        all.happened = all.happened.saturating_add(client.settled.happened);
        all.not = all.not.saturating_add(client.settled.not);
    }
    all
}

/// Writes a time as minutes and seconds.
fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}
