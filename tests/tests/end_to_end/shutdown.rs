//! The end of a server: what it acknowledged is there, nobody is answered by half.

use std::process::Command;
use std::sync::mpsc;
use std::thread;

use kmip_model::enumeration::Operation;
use kmip_tests::connection::{Connection, ConnectionError, TlsVersions};
use kmip_tests::program::{self, Program};
use kmip_tests::server::Directory;
use kmip_tests::tree::Item;
use kmip_tests::{Request, TestServer};

use crate::common::{create_aes, new_key, on};

const VERSION: (i32, i32) = (1, 4);

/// Creates keys until the connection ends, and tells of each that was acknowledged.
pub(crate) fn create_until_cut(mut connection: Connection, told: &mpsc::Sender<String>) {
    let request = Request::one(VERSION, Operation::Create, create_aes(Vec::new()));
    loop {
        match connection.exchange(&request.message()) {
            Ok(answer) => {
                let path = "BatchItem/ResponsePayload/UniqueIdentifier";
                let id = answer.at(path).and_then(Item::as_text).expect("a Create succeeds");
                // The test may have heard enough.
                let _ = told.send(id.to_owned());
            }
            Err(ConnectionError::Broken(_)) => return,
            Err(other) => panic!("not the end of a connection: {other}"),
        }
    }
}

#[test]
fn what_was_acknowledged_before_the_end_is_there_after_it() {
    let server = TestServer::start();
    let (tell, told) = mpsc::channel();
    let shutdown = server.shutdown();
    let acknowledged: Vec<String> = thread::scope(|scope| {
        for _ in 0..4 {
            let connection = server.connect("client");
            let tell = tell.clone();
            scope.spawn(move || create_until_cut(connection, &tell));
        }
        drop(tell);
        let mut first: Vec<String> = told.iter().take(40).collect();
        shutdown.begin();
        first.extend(told.iter());
        first
    });
    assert!(acknowledged.len() >= 40);
    let directory = server.stopped();

    let server = TestServer::on(directory, |_| {});
    let mut connection = server.connect("client");
    let locate = Request::one(VERSION, Operation::Locate, Vec::new());
    let mut found = connection.ask(&locate).identifiers();
    let mut expected = acknowledged;
    found.sort();
    expected.sort();
    // A drained server has told of everything that it did.
    assert_eq!(found, expected);
}

#[test]
fn an_idle_connection_does_not_hold_the_end_up() {
    let server = TestServer::in_memory();
    let mut idle = server.connect("client");
    let id = new_key(&mut idle, Vec::new());
    let address = server.address();
    let target = server.directory().target(address, "client");
    server.shutdown().begin();
    let report = server.ended();
    assert_eq!(report.cut_off, 0);
    assert_eq!(report.messages, 1);
    let asked = idle.exchange(&on(VERSION, Operation::Get, &id).message());
    assert!(matches!(asked, Err(ConnectionError::Broken(_))), "{asked:?}");
    assert!(Connection::open(&target, TlsVersions::Any).is_err());
}

/// Finds the program, or says what is not tested without it.
fn program_or_skip(what: &str) -> Option<std::path::PathBuf> {
    let found = program::path();
    if found.is_none() {
        println!("skipped: {what}: the program kmip-app is not built; cargo build builds it");
    }
    found
}

#[test]
fn a_signal_ends_the_program_with_status_0() {
    let Some(path) = program_or_skip("signals") else { return };
    for signal in ["TERM", "INT"] {
        let directory = Directory::make();
        let program = Program::serve(&path, &directory, &[]).unwrap();
        let target = directory.target(program.address(), "client");
        let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
        let id = new_key(&mut connection, Vec::new());
        let status = program.signal(signal);
        assert_eq!(status.code(), Some(0), "{signal}");

        let again = Program::serve(&path, &directory, &[]).unwrap();
        let target = directory.target(again.address(), "client");
        let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
        assert_eq!(connection.ask(&on(VERSION, Operation::Get, &id)).identifier(), id);
    }
}

#[test]
fn the_program_says_why_it_does_not_start() {
    let Some(path) = program_or_skip("refusals") else { return };
    let directory = Directory::make();
    let running = Program::serve(&path, &directory, &[]).unwrap();
    let second = Program::serve(&path, &directory, &[]).unwrap_err();
    assert!(second.contains("another process uses the database"), "{second}");
    drop(running);

    let missing = directory.path().join("none.toml");
    let output = Command::new(&path).arg("serve").arg("--config").arg(missing).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("kmip-app init"), "{sentence}");
}
