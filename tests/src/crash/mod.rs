//! Servers that are killed under load, and a witness outside them.
//!
//! Each round, clients make and change objects until the server is killed, without warning and at
//! a random moment, in some rounds while the root key is changed; sometimes it is killed once more
//! while it starts. Then it starts again, and
//! everything is read back. What was acknowledged is there; what was asked for and not
//! acknowledged is there wholly or not at all; nothing is there twice.

pub mod check;
pub mod witness;

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use kmip_model::enumeration::{ResultReason, ResultStatus};

use self::witness::Client;
use crate::{
    answer::Answer,
    connection::{Connection, ConnectionError, Target, TlsVersions},
    dice::Dice,
    program::Program,
    server::Directory,
};

/// As whom all clients connect.
pub const CLIENT: &str = "client";

/// In one of so many rounds the server is killed while it starts, too.
const KILLED_AT_START: usize = 4;

/// In one of so many rounds the root key is changed meanwhile.
const ROTATED: usize = 4;

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that is killed.
    pub program: PathBuf,
    /// How often.
    pub rounds: u64,
    /// How many clients are at work.
    pub clients: u64,
    /// What decides about everything that chance decides.
    pub seed: u64,
    /// How long a round takes at most.
    pub longest: Duration,
    /// More arguments for the server, as the location of its store.
    pub arguments: Vec<String>,
    /// A command that kills the database and starts it again; every second round has it instead of
    /// the end of the server.
    pub kill_database: Option<String>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Rounds that are done.
    pub rounds: u64,
    /// Changes that were acknowledged.
    pub acknowledged: u64,
    /// Changes that were asked for, not acknowledged, and had happened.
    pub happened: u64,
    /// Changes that were asked for, not acknowledged, and had not happened.
    pub lost: u64,
    /// Objects that were read back and compared.
    pub read_back: u64,
    /// Times that the server was killed while it started.
    pub killed_at_start: u64,
    /// Times that the root key was being changed.
    pub rotations: u64,
    /// Times that this had ended before the server did.
    pub rotated: u64,
}

/// Runs the rounds, and tells of each.
///
/// # Errors
/// Says what was lost, done by halves or done twice, and in which round.
pub fn run(plan: &Plan, tell: &mut dyn FnMut(&Tally)) -> Result<Tally, String> {
    let directory = Directory::make();
    let more: Vec<&str> = plan.arguments.iter().map(String::as_str).collect();
    let mut clients: Vec<Client> =
        (0..plan.clients).map(|number| Client::new(number, plan.seed)).collect();
    let mut dice = Dice::new(plan.seed ^ 0xDEAD);
    let mut tally = Tally::default();
    while tally.rounds < plan.rounds {
        let program = Program::serve(&plan.program, &directory, &more)?;
        let round = round(plan, &mut dice, program, &directory, &mut clients, &mut tally);
        round.map_err(|wrong| format!("round {} of seed {}: {wrong}", tally.rounds, plan.seed))?;
        tally.rounds = tally.rounds.saturating_add(1);
        tell(&tally);
    }
    Ok(tally)
}

fn round(
    plan: &Plan,
    dice: &mut Dice,
    program: Program,
    directory: &Directory,
    clients: &mut [Client],
    tally: &mut Tally,
) -> Result<(), String> {
    let more: Vec<&str> = plan.arguments.iter().map(String::as_str).collect();
    let target = directory.target(program.address(), CLIENT);
    let longest = usize::try_from(plan.longest.as_millis()).unwrap_or(usize::MAX);
    let moment = millis(dice.below(longest));
    let hook = plan.kill_database.as_deref().filter(|_| tally.rounds % 2 == 1);
    let mut rotating = None;
    if dice.below(ROTATED) == 0 {
        rotating = Some(rotate(plan, directory)?);
        tally.rotations = tally.rotations.saturating_add(1);
    }
    let rotated = &mut tally.rotated;
    let done = under_load(&target, clients, moment, || match hook {
        None => {
            if let Some(rotating) = rotating {
                *rotated = rotated.saturating_add(u64::from(end(rotating)));
            }
            program.kill();
        }
        Some(command) => {
            let done = Command::new("sh").args(["-c", command]).status();
            assert!(done.is_ok_and(|status| status.success()), "{command}");
            if let Some(rotating) = rotating {
                *rotated = rotated.saturating_add(u64::from(end(rotating)));
            }
            program.kill();
        }
    })?;
    tally.acknowledged = tally.acknowledged.saturating_add(done);
    if dice.below(KILLED_AT_START) == 0 {
        Program::interrupted(&plan.program, directory, &more, millis(dice.below(60)))?;
        tally.killed_at_start = tally.killed_at_start.saturating_add(1);
    }
    let program = Program::serve(&plan.program, directory, &more)?;
    let target = directory.target(program.address(), CLIENT);
    let connection = Connection::open(&target, TlsVersions::Any);
    let mut connection = connection.map_err(|error| error.to_string())?;
    let settled = check::settle(&mut connection, clients)?;
    tally.happened = tally.happened.saturating_add(settled.happened);
    tally.lost = tally.lost.saturating_add(settled.lost);
    tally.read_back = tally.read_back.saturating_add(check::compare(&mut connection, clients)?);
    drop(connection);
    // The next round begins with a log that is not merged, as this one ended.
    program.kill();
    Ok(())
}

/// Begins to change the root key, beside the server.
fn rotate(plan: &Plan, directory: &Directory) -> Result<Child, String> {
    let mut command = Command::new(&plan.program);
    command.args(["root-key", "rotate", "--config"]).arg(directory.config_file());
    for (setting, value) in plan.arguments.iter().zip(plan.arguments.iter().skip(1)) {
        if setting == "--set" {
            command.args([setting, value]);
        }
    }
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().map_err(|error| error.to_string())
}

/// Kills what changes the root key; says whether it had done so.
fn end(mut rotating: Child) -> bool {
    let done = rotating.try_wait();
    // It may have ended already.
    let _ = rotating.kill();
    let _ = rotating.wait();
    done.is_ok_and(|status| status.is_some_and(|status| status.success()))
}

fn millis(count: usize) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Lets clients work until the moment has come, does what is to be done then, and waits until each
/// client has no server any more. Returns how many changes were acknowledged.
///
/// # Errors
/// Says what a server answered that it must not.
pub fn under_load(
    target: &Target,
    clients: &mut [Client],
    moment: Duration,
    then: impl FnOnce(),
) -> Result<u64, String> {
    let (end, ended) = mpsc::channel::<()>();
    let outcomes: Vec<Result<u64, String>> = thread::scope(|scope| {
        let working: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                let end = end.clone();
                scope.spawn(move || {
                    let done = work(target, client);
                    drop(end);
                    done
                })
            })
            .collect();
        drop(end);
        // Nothing is sent: this waits for the moment, or until no client works any more.
        let early = ended.recv_timeout(moment) != Err(RecvTimeoutError::Timeout);
        then();
        let mut outcomes: Vec<_> = working
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".to_owned())))
            .collect();
        if early && outcomes.iter().all(Result::is_ok) {
            outcomes.push(Err("the server ended by itself".to_owned()));
        }
        outcomes
    });
    outcomes.into_iter().try_fold(0_u64, |all, one| Ok(all.saturating_add(one?)))
}

/// Works until there is no server any more, or until it says that it cannot.
fn work(target: &Target, client: &mut Client) -> Result<u64, String> {
    let mut done = 0_u64;
    let Ok(mut connection) = Connection::open(target, TlsVersions::Any) else {
        // It was killed before it could say hello.
        return Ok(done);
    };
    loop {
        let message = client.step().message();
        let answer = match connection.exchange(&message) {
            Ok(answer) => Answer::to(&message, answer),
            Err(ConnectionError::Broken(_)) => return Ok(done),
            Err(other) => return Err(other.to_string()),
        };
        let failed =
            (0..answer.count()).find(|item| answer.status(*item) == ResultStatus::OperationFailed);
        match failed.map(|item| answer.reason_of(item)) {
            None => client.acknowledged(&answer),
            Some(ResultReason::GeneralFailure) => return Ok(done),
            Some(other) => return Err(format!("{other} for {message:?}")),
        }
        done = done.saturating_add(1);
    }
}
