//! A server under hostile input, and what a client that means well notices of it.
//!
//! `hostile DIRECTORY ADDRESS PID MESSAGES CONNECTIONS SLOW SEED NICE RATE`, where DIRECTORY was made by
//! `kmip-app init` with the clients `client` and `mallory`. `tests/bench/hostile.sh` starts the
//! server and calls this. It talks to this machine only, and it ends by itself: each of MESSAGES
//! is sent once.

mod mutation;
mod storm;

use std::env;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use kmip_model::enumeration::{CryptographicAlgorithm, ObjectType, Operation, Tag};
use kmip_tests::Request;
use kmip_tests::connection::{Connection, Target, TlsVersions};
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, template_attribute,
};
use kmip_tests::tree::Value;

use crate::mutation::Messages;
use crate::storm::{Toll, Trickle};

/// Messages that are in order; one of their objects is this.
const SEEDS: &str = include_str!("../../fuzz/seeds/requests.txt");
const OBJECT: &str = "11111111-2222-4333-8444-555555555555";

const VERSION: (i32, i32) = (1, 2);

/// How often the client that means well asks: each answer is followed by a rest.
const REST: Duration = Duration::from_millis(2);

/// How often it asks while the server has nothing else to do.
const IDLE: usize = 4000;

/// What must not be exceeded.
const MEMORY_KIB: u64 = 256 * 1024;
const SLOWER: f64 = 5.0;

/// What to do, from the command line.
struct Plan {
    directory: PathBuf,
    address: SocketAddr,
    process: u32,
    messages: u64,
    connections: u64,
    slow: usize,
    seed: u64,
    /// How far those who mean no good stand back for the server, as `nice` counts it: on a machine
    /// of their own they would not be in its way, nor in that of the client that means well.
    yields: i32,
    /// Messages a second, all connections together; 0 for as many as the server takes.
    rate: u32,
}

impl Plan {
    /// Returns how long one connection takes for each message at least.
    fn pace(&self) -> Duration {
        let connections = u32::try_from(self.connections).unwrap_or(u32::MAX);
        let second = Duration::from_secs(1).saturating_mul(connections);
        second.checked_div(self.rate).unwrap_or_default()
    }
}

fn main() -> ExitCode {
    match plan().and_then(|plan| run(&plan)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::from(2)
        }
    }
}

fn plan() -> Result<Plan, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [directory, address, process, messages, connections, slow, seed, yields, rate] =
        arguments.as_slice()
    else {
        return Err("DIRECTORY ADDRESS PID MESSAGES CONNECTIONS SLOW SEED NICE RATE".into());
    };
    let address: SocketAddr = address.parse()?;
    if !address.ip().is_loopback() {
        return Err("that is not this machine".into());
    }
    Ok(Plan {
        directory: directory.into(),
        address,
        process: process.parse()?,
        messages: messages.parse()?,
        connections: connections.parse()?,
        slow: slow.parse()?,
        seed: seed.parse()?,
        yields: yields.parse()?,
        rate: rate.parse()?,
    })
}

fn target(plan: &Plan, client: &str) -> Result<Target, Box<dyn Error>> {
    let pki = plan.directory.join("pki");
    let files = [format!("{client}.crt"), format!("{client}.key"), "ca.crt".to_owned()]
        .map(|f| pki.join(f));
    let [certificate, key, authority] = &files;
    let files: [&Path; 3] = [certificate, key, authority];
    Ok(Target::new(&plan.address.ip().to_string(), plan.address.port(), files)?)
}

fn run(plan: &Plan) -> Result<bool, Box<dyn Error>> {
    let good = target(plan, "client")?;
    let bad = target(plan, "mallory")?;
    let key = create(&good)?;
    let prey = create(&bad)?;
    let messages = Messages::read(SEEDS, OBJECT, &prey);
    let memory_before = memory(plan.process)?;

    let (_keep, never) = mpsc::channel();
    let idle = Latencies::of(&good, &key, IDLE, &never)?;

    let begun = Instant::now();
    let (storm, trickle, during) = thread::scope(|scope| {
        let (stop_good, told_good) = mpsc::channel();
        let (stop_slow, told_slow) = mpsc::channel();
        let (good, bad, key, messages) = (&good, &bad, &key, &messages);
        let watch = scope.spawn(move || {
            Latencies::of(good, key, usize::MAX, &told_good).map_err(|error| error.to_string())
        });
        let slow = scope.spawn(move || {
            stand_back(plan.yields);
            storm::trickle(bad, messages, plan.slow, &told_slow)
        });
        let share = plan.messages.div_ceil(plan.connections.max(1));
        let attackers: Vec<_> = (0..plan.connections)
            .map(|number| {
                let seed = plan.seed.wrapping_mul(1 << 20).wrapping_add(number);
                scope.spawn(move || {
                    stand_back(plan.yields);
                    storm::attack(bad, messages, share, seed, plan.pace())
                })
            })
            .collect();
        let mut toll = Toll::default();
        for attacker in attackers {
            toll.add(attacker.join().expect("an attacker does not panic"));
        }
        drop((stop_good, stop_slow));
        let during = watch.join().expect("the client does not panic");
        (toll, slow.join().expect("a slow writer does not panic"), during)
    });
    let seconds = begun.elapsed().as_secs_f64();
    let during = during?;
    let memory_after = memory(plan.process)?;
    let after = Latencies::of(&good, &key, IDLE, &never)?;

    report(plan, &storm, &trickle, seconds);
    println!("good client      {:>12} {:>12} {:>12}", "p50", "p99", "Gets");
    for (name, latencies) in [("idle", &idle), ("during", &during), ("after", &after)] {
        latencies.print(name);
    }
    let slower = during.at(99) / idle.at(99);
    println!("p99 during / idle        {slower:>12.1}  (below {SLOWER})");
    println!("memory before, MiB       {:>12.1}", mebibytes(memory_before));
    println!(
        "memory at most, MiB      {:>12.1}  (below {})",
        mebibytes(memory_after),
        MEMORY_KIB / 1024
    );
    Ok(storm.lost == 0
        && storm.malformed == 0
        && storm.refused == 0
        && memory_after < MEMORY_KIB
        && slower < SLOWER)
}

/// Gives this thread a lower priority.
fn stand_back(yields: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, yields) {
        eprintln!("hostile: the priority stays as it is: {error}");
    }
}

fn report(plan: &Plan, storm: &Toll, trickle: &Trickle, seconds: f64) {
    let rate = count(storm.sent) / seconds;
    println!("messages sent            {:>12}  of {}", storm.sent, plan.messages);
    println!("bytes sent, MiB          {:>12.1}", count(storm.bytes) / 1_048_576.0);
    println!("seconds                  {seconds:>12.1}  {rate:.0} messages a second");
    println!("connections at a time    {:>12}", plan.connections);
    println!("answers                  {:>12}", storm.answers);
    println!("longest answer, bytes    {:>12}", storm.longest);
    println!("connections ended        {:>12}  as they had to", storm.ended);
    println!("connections lost         {:>12}", storm.lost);
    println!("connections refused      {:>12}", storm.refused);
    println!("malformed answers        {:>12}", storm.malformed);
    if let Some(first) = &storm.first {
        println!("first of these: {first}");
    }
    println!("slow writers             {:>12}", plan.slow);
    println!("  bytes, one at a time   {:>12}", trickle.bytes);
    println!("  ended by the server    {:>12}", trickle.ended);
    println!("  refused                {:>12}", trickle.refused);
}

/// Creates an AES-256 key and returns its identifier.
fn create(target: &Target) -> Result<String, Box<dyn Error>> {
    let mut connection = Connection::open(target, TlsVersions::Any)?;
    let attributes = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(256)),
        attribute("Cryptographic Usage Mask", Value::Integer(12)),
    ];
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
    ];
    Ok(connection.ask(&Request::one(VERSION, Operation::Create, payload)).identifier())
}

/// How long answers took, in microseconds, shortest first.
struct Latencies(Vec<f64>);

impl Latencies {
    /// Asks for a key again and again on one connection, so often or until it is told to stop.
    fn of(
        target: &Target,
        key: &str,
        times: usize,
        stop: &Receiver<()>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut connection = Connection::open(target, TlsVersions::Any)?;
        let request = Request::one(VERSION, Operation::Get, vec![identifier(key)]);
        let mut latencies = Vec::new();
        while latencies.len() < times && stop.recv_timeout(REST) == Err(RecvTimeoutError::Timeout) {
            let begun = Instant::now();
            let answer = connection.exchange(&request.message())?;
            latencies.push(begun.elapsed().as_secs_f64() * 1e6);
            kmip_tests::Answer::of(VERSION, answer).key_material();
        }
        latencies.sort_by(f64::total_cmp);
        Ok(Self(latencies))
    }

    /// Returns what so many in a hundred do not exceed.
    fn at(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let position = last.saturating_mul(percent).checked_div(100).unwrap_or_default();
        self.0.get(position).copied().unwrap_or(f64::NAN)
    }

    fn print(&self, name: &str) {
        println!(
            "  {name:<14} {:>9.0} µs {:>9.0} µs {:>12}",
            self.at(50),
            self.at(99),
            self.0.len()
        );
    }
}

/// Reads the most memory that the process has ever had, in KiB.
fn memory(process: u32) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the process does not say how much memory it has")?.parse()?)
}

fn mebibytes(kibibytes: u64) -> f64 {
    count(kibibytes) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "these are figures to look at")]
fn count(number: u64) -> f64 {
    number as f64
}
