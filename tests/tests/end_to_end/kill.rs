//! A power failure in the middle of work: kill -9 while eight clients create and register keys.
//!
//! Every key that was acknowledged is there after a restart, readable, and once. One more for each
//! connection may be there: it was written and its answer was lost.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kmip_model::enumeration::Operation;
use kmip_tests::Request;
use kmip_tests::connection::{Connection, ConnectionError, TlsVersions};
use kmip_tests::crash::{self, Plan};
use kmip_tests::program::{self, Program};
use kmip_tests::request::name;
use kmip_tests::server::Directory;
use kmip_tests::tree::Item;

use crate::common::{create_aes, material, on, register_aes};

const VERSION: (i32, i32) = (1, 4);
const CONNECTIONS: u8 = 8;
const LOAD: Duration = Duration::from_secs(1);

/// A key that the server has acknowledged.
struct Acknowledged {
    identifier: String,
    name: String,
    /// The bytes, if the client made them.
    material: Option<Vec<u8>>,
}

/// Makes keys until the connection ends; every second one is registered.
fn work(mut connection: Connection, client: u8, told: &mpsc::Sender<Acknowledged>) {
    for number in 0_u32.. {
        let key_name = format!("key-{client}-{number}");
        let named = vec![name(&key_name)];
        let seed = number.to_le_bytes()[0] ^ client.rotate_left(4);
        let own = (number % 2 == 1).then(|| material(32, seed));
        let request = match &own {
            Some(key) => Request::one(VERSION, Operation::Register, register_aes(key, named)),
            None => Request::one(VERSION, Operation::Create, create_aes(named)),
        };
        match connection.exchange(&request.message()) {
            Ok(answer) => {
                let path = "BatchItem/ResponsePayload/UniqueIdentifier";
                let id = answer.at(path).and_then(Item::as_text).expect("a key is made");
                let acknowledged =
                    Acknowledged { identifier: id.to_owned(), name: key_name, material: own };
                told.send(acknowledged).expect("the test hears everything");
            }
            Err(ConnectionError::Broken(_)) => return,
            Err(other) => panic!("not the end of a connection: {other}"),
        }
    }
}

/// Puts a program under load, kills it, and returns what it had acknowledged.
fn load_and_kill(program: Program, directory: &Directory) -> Vec<Acknowledged> {
    let (tell, told) = mpsc::channel();
    let target = directory.target(program.address(), "client");
    thread::scope(|scope| {
        for client in 0..CONNECTIONS {
            let connection = Connection::open(&target, TlsVersions::Any).expect("it serves");
            let tell = tell.clone();
            scope.spawn(move || work(connection, client, &tell));
        }
        drop(tell);
        let begun = Instant::now();
        let mut acknowledged = Vec::new();
        while let Some(left) = LOAD.checked_sub(begun.elapsed()) {
            match told.recv_timeout(left) {
                Ok(one) => acknowledged.push(one),
                Err(_) => break,
            }
        }
        program.kill();
        acknowledged.extend(told.iter());
        acknowledged
    })
}

#[test]
fn every_acknowledged_key_survives_kill_9_once() {
    let Some(path) = program::path() else {
        println!("skipped: kill -9: the program kmip-app is not built; cargo build builds it");
        return;
    };
    let directory = Directory::make();
    let program = Program::serve(&path, &directory, &[]).unwrap();
    let acknowledged = load_and_kill(program, &directory);
    assert!(acknowledged.len() >= usize::from(CONNECTIONS), "{}", acknowledged.len());

    let program = Program::serve(&path, &directory, &[]).unwrap();
    let target = directory.target(program.address(), "client");
    let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
    let locate = |filters| Request::one(VERSION, Operation::Locate, filters);
    let all = connection.ask(&locate(Vec::new())).identifiers();
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    let in_flight = all.len().checked_sub(acknowledged.len()).expect("no key is lost");
    assert!(in_flight <= usize::from(CONNECTIONS), "{in_flight}");

    for one in &acknowledged {
        assert!(distinct.contains(&one.identifier), "{} is lost", one.name);
        let found = connection.ask(&locate(vec![name(&one.name)])).identifiers();
        assert_eq!(found, [one.identifier.as_str()], "{}", one.name);
        let got = connection.ask(&on(VERSION, Operation::Get, &one.identifier));
        assert_eq!(got.key_material().len(), 32);
        if let Some(material) = &one.material {
            assert_eq!(got.key_material(), material);
        }
    }
    // What was in flight is whole, or is not there.
    let told: BTreeSet<&String> = acknowledged.iter().map(|one| &one.identifier).collect();
    for id in distinct.difference(&told) {
        let got = connection.ask(&on(VERSION, Operation::Get, id));
        assert_eq!(got.key_material().len(), 32);
    }
    println!(
        "kill -9: {} keys acknowledged, all there; {in_flight} more were written",
        acknowledged.len()
    );
}

#[test]
fn nothing_acknowledged_is_lost_in_a_few_rounds_of_kill_9() {
    let Some(program) = program::path() else {
        println!("skipped: kill -9: the program kmip-app is not built; cargo build builds it");
        return;
    };
    // tests/fault/crash_loop.sh does it 200 times.
    let plan = Plan {
        program,
        rounds: 5,
        clients: 4,
        seed: u64::from(std::process::id()),
        longest: Duration::from_millis(600),
        arguments: Vec::new(),
        kill_database: None,
    };
    let tally = crash::run(&plan, &mut |_| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("kill -9: {tally:?} with seed {}", plan.seed);
    assert!(tally.acknowledged > 0 && tally.read_back > 0, "{tally:?}");
}
