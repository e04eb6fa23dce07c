//! Puts a running server under load, and prints one line of what came of it.
//!
//! `load WORKLOAD DIRECTORY [--address A] [--connections N] [--seconds S] [--warm-up S] [--pace R]
//! [--objects N] [--process PID]`, where DIRECTORY was made by `kmip-app init` with the client
//! `client` and a server with its certificates listens at A. The keys that it makes stay in the
//! store. The workloads `echo` and `bare-connect` need no server: they are what a bare one does,
//! and `limit-rsa`, `limit-ecdsa` what the processors do without one. The exit status is 1 if a request
//! failed, and 2 if there is nothing to say.

mod limit;

use std::{
    env, error::Error, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration,
};

use kmip_tests::{
    load::{
        drive::{self, Outcome, Plan},
        wire::{Dialer, EchoServer},
        workload::Workload,
    },
    server::Directory,
};

/// What may be said beside the workload and the directory.
struct Options {
    address: Option<SocketAddr>,
    connections: usize,
    time: Duration,
    warm_up: Duration,
    pace: Option<f64>,
    objects: usize,
    process: Option<u32>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(2)
        }
    }
}

/// Does what the arguments say, and returns how many requests failed.
fn run(arguments: &[String]) -> Result<u64, Box<dyn Error>> {
    let [name, directory, more @ ..] = arguments else {
        return Err("WORKLOAD DIRECTORY [--OPTION VALUE]…".into());
    };
    let options = options(more)?;
    if let Some(limit) = limit::Limit::parse(name) {
        let measured = limit.measure(options.time)?;
        println!(
            "workload={name} per_second={:.0} by_the_clock={:.0} errors=0 client_cpu_us={:.1}",
            measured.per_second, measured.by_the_clock, measured.cpu_micros
        );
        return Ok(0);
    }
    let workload = Workload::parse(name).ok_or("there is no such workload")?;
    let directory = Directory::at(Path::new(directory));
    let target = directory.target(options.address.unwrap_or(([127, 0, 0, 1], 0).into()), "client");
    let requests = if workload.is_bare() {
        Vec::new()
    } else {
        options.address.ok_or("--address is missing")?;
        workload.prepare(&target, &directory.path(), options.objects)?
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if !(workload.is_bare() || workload.connects()) {
        // One is enough for what a server answers on open connections, and two get in its way. The bare
        // server answers more than one thread asks.
        runtime.worker_threads(1);
    }
    let runtime = runtime.enable_all().build()?;
    let outcome = runtime.block_on(async {
        let echo = if workload.is_bare() { Some(EchoServer::start(&directory)?) } else { None };
        let address = echo.as_ref().map(EchoServer::address).or(options.address);
        let dialer = Dialer::new(&target, address.ok_or("--address is missing")?)?;
        let plan = Plan {
            dialer,
            requests: Arc::new(requests),
            connects: workload.connects(),
            connections: options.connections,
            warm_up: options.warm_up,
            time: options.time,
            pace: options.pace,
            process: options.process,
        };
        Ok::<_, Box<dyn Error>>(drive::run(&plan).await?)
    })?;
    print(name, options.connections, &outcome);
    if outcome.latencies.count() == 0 {
        return Err("no request was answered in the time that counts".into());
    }
    Ok(outcome.errors)
}

fn options(mut arguments: &[String]) -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        address: None,
        connections: 16,
        time: Duration::from_secs(5),
        warm_up: Duration::from_secs(1),
        pace: None,
        objects: 100_000,
        process: None,
    };
    while let [option, value, rest @ ..] = arguments {
        match option.as_str() {
            "--address" => options.address = Some(value.parse()?),
            "--connections" => options.connections = value.parse()?,
            "--seconds" => options.time = Duration::try_from_secs_f64(value.parse()?)?,
            "--warm-up" => options.warm_up = Duration::try_from_secs_f64(value.parse()?)?,
            "--pace" => options.pace = Some(value.parse()?),
            "--objects" => options.objects = value.parse()?,
            "--process" => options.process = Some(value.parse()?),
            _ => return Err(format!("there is no option {option}").into()),
        }
        arguments = rest;
    }
    match arguments {
        [] => Ok(options),
        [option, ..] => Err(format!("{option} has no value").into()),
    }
}

fn print(name: &str, connections: usize, outcome: &Outcome) {
    let times = &outcome.latencies;
    let server =
        outcome.server_cpu.map(|cpu| format!(" server_cpu_us={:.1}", outcome.micros_each(cpu)));
    println!(
        "workload={name} connections={connections} per_second={:.0} p50_us={} p99_us={} max_us={} \
         errors={} client_cpu_us={:.1}{}",
        outcome.per_second(),
        times.of_thousand(500),
        times.of_thousand(990),
        times.longest(),
        outcome.errors,
        outcome.micros_each(outcome.client_cpu),
        server.unwrap_or_default(),
    );
    for complaint in &outcome.complaints {
        eprintln!("load: {complaint}");
    }
}
