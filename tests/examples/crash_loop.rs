//! Kills servers under load, and looks each time whether anything that was acknowledged is lost.
//!
//! `crash_loop ROUNDS CLIENTS SEED [KILL_DATABASE] [-- ARGUMENT…]`: KILL_DATABASE is a command that
//! kills the database and starts it again; ARGUMENTs are more arguments of the server, as in
//! `-- --set storage.url=postgres://…`. What is in [`kmip_tests::crash`] does the work;
//! `tests/fault/crash_loop.sh` builds everything and calls this.

use std::{
    env,
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use kmip_tests::{
    crash::{self, Plan, Tally},
    program,
};

/// How long a round takes at most.
const LONGEST: Duration = Duration::from_millis(1_500);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crash_loop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut halves = arguments.splitn(2, |argument| argument == "--");
    let own = halves.next().unwrap_or_default();
    let (own, kill_database) = match own {
        [rounds, clients, seed] => ([rounds, clients, seed], None),
        [rounds, clients, seed, command] => ([rounds, clients, seed], Some(command.clone())),
        _ => return Err("ROUNDS CLIENTS SEED [KILL_DATABASE] [-- ARGUMENT…]".into()),
    };
    let [rounds, clients, seed] = own;
    let plan = Plan {
        program: program::path().ok_or("kmip-app is not built beside this program")?,
        rounds: rounds.parse()?,
        clients: clients.parse()?,
        seed: seed.parse()?,
        longest: LONGEST,
        arguments: halves.next().unwrap_or_default().to_vec(),
        kill_database,
    };
    println!("seed {}", plan.seed);
    let begun = Instant::now();
    let tally = crash::run(&plan, &mut |tally| {
        if tally.rounds.is_multiple_of(10) {
            print(tally, begun);
        }
    })?;
    print(&tally, begun);
    println!("0 lost, 0 by halves, 0 twice");
    Ok(())
}

fn print(tally: &Tally, begun: Instant) {
    println!(
        "{} rounds, {} s: {} changes acknowledged; unacknowledged {} happened and {} did not; {} \
         objects read back; killed {} times while it started; root key changed in {} rounds, {} \
         times to the end",
        tally.rounds,
        begun.elapsed().as_secs(),
        tally.acknowledged,
        tally.happened,
        tally.lost,
        tally.read_back,
        tally.killed_at_start,
        tally.rotations,
        tally.rotated
    );
}
