//! Lets many clients fight for the same objects on servers of one store, and judges what they are told.
//!
//! `history DIRECTORY SECONDS CLIENTS SEED ADDRESS…`: DIRECTORY was made by `kmip-app init` with the
//! client `client`, and each ADDRESS is that of a server with its certificates. CLIENTS connect to
//! each. [`kmip_tests::history`] does the work.

use std::{env, error::Error, path::Path, process::ExitCode, time::Duration};

use kmip_tests::{
    history::{self, Plan},
    server::Directory,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("history: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [directory, seconds, clients, seed, addresses @ ..] = arguments.as_slice() else {
        return Err("DIRECTORY SECONDS CLIENTS SEED ADDRESS…".into());
    };
    let directory = Directory::at(Path::new(directory));
    let mut targets = Vec::new();
    for address in addresses {
        targets.push(directory.target(address.parse()?, "client"));
    }
    let plan = Plan {
        targets,
        clients: clients.parse()?,
        time: Duration::from_secs(seconds.parse()?),
        seed: seed.parse()?,
    };
    println!("seed {}", plan.seed);
    println!("{}", history::run(&plan)?);
    println!("no violation");
    Ok(())
}
