//! Conflicting changes by many clients on one or more servers, and a judge of what they were told.
//!
//! Clients change a few objects at the same time and write down when each request was sent, when
//! its answer was there, and what it said. Afterwards the judge looks for an order that explains
//! everything: states as the state machine has them, notes and marks of which none is lost, uses
//! that are within their limits and are counted, names that one live object has at a time.

pub mod client;
pub mod judge;
pub mod linear;

use std::{
    fmt,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use self::client::{Client, Shared};
use crate::connection::{Connection, Target, TlsVersions};

/// What to do.
#[derive(Debug)]
pub struct Plan {
    /// The servers, each as the client that all connect as.
    pub targets: Vec<Target>,
    /// How many clients each server has.
    pub clients: usize,
    /// For how long.
    pub time: Duration,
    /// What decides what clients do.
    pub seed: u64,
}

/// What was done, if nothing was wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Requests that were answered.
    pub answered: usize,
    /// Those among them that did what they were to do.
    pub done: usize,
    /// Requests of which nobody knows what became.
    pub unknown: usize,
    /// Objects that clients have fought for.
    pub objects: usize,
    /// Uses that were counted.
    pub uses: usize,
    /// Names that several wanted.
    pub names: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, done, unknown, objects, uses, names } = self;
        write!(
            f,
            "{answered} answers, {done} of them successes, {unknown} requests without an answer; \
             {objects} objects, {uses} uses, {names} names"
        )
    }
}

/// Lets the clients fight, then judges.
///
/// # Errors
/// Says what nothing can explain.
pub fn run(plan: &Plan) -> Result<Tally, String> {
    let shared = Shared::new(Instant::now());
    let first = plan.targets.first().ok_or("there is no server")?;
    let mut connection =
        Connection::open(first, TlsVersions::Any).map_err(|error| error.to_string())?;
    for slot in 0..client::SLOTS {
        shared.put(slot, client::fresh(&mut connection)?);
    }
    let wrong = Mutex::new(Vec::new());
    let end = Instant::now().checked_add(plan.time).ok_or("that is too long")?;
    thread::scope(|scope| {
        for number in 0..plan.clients.saturating_mul(plan.targets.len()) {
            let target = plan.targets.get(number.checked_rem(plan.targets.len()).unwrap_or(0));
            let (shared, wrong) = (&shared, &wrong);
            scope.spawn(move || {
                let target = target.expect("there is a server");
                let outcome = Client::new(number, plan.seed, shared).work(target, end);
                if let Err(error) = outcome {
                    wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(error);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    // The last word: every object is read once more, from every server.
    for target in &plan.targets {
        let mut connection =
            Connection::open(target, TlsVersions::Any).map_err(|error| error.to_string())?;
        for id in shared.ids() {
            client::read(&mut connection, &shared, &id)?;
        }
    }
    judge::judge(&shared.history())
}
