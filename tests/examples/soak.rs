//! A long run at half the peak, with reloads, kill -9 and a soft stop, and what came of it.
//!
//! `soak PROGRAM postgres|sqlite MINUTES PEAK_SECONDS CLIENTS CACHE_BYTES SEED [PACE]`: PACE is how
//! many requests are sent a second, if that is not to be half of the peak.
//! [`kmip_tests::soak`] does the work; `tests/bench/soak.sh` builds everything and calls this.

use std::{env, error::Error, process::ExitCode, time::Duration};

use kmip_tests::soak::{self, Plan, Set};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, set, minutes, peak, clients, cache, seed, pace @ ..] = arguments.as_slice()
    else {
        return Err("there are too few arguments".into());
    };
    let plan = Plan {
        program: program.into(),
        set: match set.as_str() {
            "postgres" => Set::Postgres,
            "sqlite" => Set::Sqlite,
            _ => return Err(format!("there is no store {set}").into()),
        },
        time: Duration::try_from_secs_f64(minutes.parse::<f64>()? * 60.0)?,
        peak: Duration::from_secs(peak.parse()?),
        pace: pace.first().map(|pace| pace.parse()).transpose()?,
        clients: clients.parse()?,
        cache: cache.parse()?,
        seed: seed.parse()?,
    };
    let report = soak::run(&plan, &mut |line| eprintln!("{line}"))?;
    println!("{report}");
    Ok(report.is_good())
}
