//! What the log says of refusals: who, what, by which rule; and no more lines than can be read.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use kmip_model::enumeration::{Operation, ResultReason, RevocationReasonCode, Tag};
use kmip_tests::connection::TlsVersions;
use kmip_tests::program::{self, Program};
use kmip_tests::request::{bytes, identifier};
use kmip_tests::server::Directory;
use kmip_tests::{Connection, Request};

use crate::common::{new_key, on, revoke};

const VERSION: (i32, i32) = (1, 4);

/// A server that logs to a file everything from information on.
fn serve(directory: &Directory, log: &Path) -> Option<Program> {
    let Some(program) = program::path() else {
        println!("skipped: refusals in the log: the program kmip-app is not built");
        return None;
    };
    let more = ["--set", "log.level=info"];
    Some(Program::serve_logging(&program, directory, &more, log).expect("it starts"))
}

fn connect(server: &Program, directory: &Directory, client: &str) -> Connection {
    let target = directory.target(server.address(), client);
    Connection::open(&target, TlsVersions::Any).unwrap_or_else(|error| panic!("{error}"))
}

/// Ends the server, and returns the lines of its log with that text.
fn lines(server: Program, log: &Path, with: &str) -> Vec<String> {
    assert!(server.signal("TERM").success());
    let text = fs::read_to_string(log).expect("the log is there");
    text.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
}

#[test]
fn each_line_says_who_was_refused_what_by_which_rule() {
    let directory = Directory::make();
    let log = directory.path().join("log");
    let Some(server) = serve(&directory, &log) else { return };
    let mut alice = connect(&server, &directory, "alice");
    let mut bob = connect(&server, &directory, "bob");
    let key = new_key(&mut alice, Vec::new());
    let secret = b"nobody reads this in a log";
    let answer = bob.ask(&on(VERSION, Operation::Get, &key));
    assert_eq!(answer.reason(), ResultReason::ItemNotFound);
    let encrypt = vec![identifier(&key), bytes(Tag::Data, secret)];
    alice.ask(&Request::one(VERSION, Operation::Encrypt, encrypt));
    alice.ask(&on(VERSION, Operation::Activate, &key));
    alice.ask(&on(VERSION, Operation::Destroy, &key));
    let mac = vec![identifier(&key), bytes(Tag::Data, secret)];
    alice.ask(&Request::one(VERSION, Operation::Mac, mac));
    alice.ask(&on(VERSION, Operation::Get, "not\nthere"));
    let done = revoke(&key, RevocationReasonCode::CessationOfOperation);
    alice.ask(&Request::one(VERSION, Operation::Revoke, done));
    drop((alice, bob));

    let refused = lines(server, &log, "item refused");
    let of = format!("object=\"{key}\"");
    let preset = "policy \\\"default\\\": Get of SymmetricKey is for the owner (preset)";
    for (operation, parts) in [
        ("Get", ["user=\"bob\"", of.as_str(), preset]),
        ("Encrypt", ["user=\"alice\"", &of, "rule=\"state\""]),
        ("Destroy", ["user=\"alice\"", &of, "rule=\"state\""]),
        ("MAC", ["user=\"alice\"", &of, "rule=\"Cryptographic Usage Mask\""]),
        ("Get", ["user=\"alice\"", "object=\"not\\\\nthere\"", "rule=\"existence\""]),
    ] {
        let found = refused.iter().filter(|line| {
            line.to_lowercase().contains(&format!("operation={}", operation.to_lowercase()))
                && parts.iter().all(|part| line.contains(part))
        });
        assert_eq!(found.count(), 1, "{operation} {parts:?}: {refused:#?}");
    }
    assert_eq!(refused.len(), 5, "{refused:#?}");
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains("nobody reads this"));
}

#[test]
fn who_is_refused_again_and_again_does_not_fill_the_log() {
    let directory = Directory::make();
    let log = directory.path().join("log");
    let Some(server) = serve(&directory, &log) else { return };
    let mut alice = connect(&server, &directory, "alice");
    for _ in 0..300 {
        alice.ask(&on(VERSION, Operation::Get, "nothing"));
    }
    drop(alice);
    let about = lines(server, &log, "refused");
    let told = about.iter().filter(|line| line.contains("item refused")).count();
    assert!(told < 100, "{told} lines");
    // What was not told is summed up, at the latest when the server ends.
    assert_eq!(told + more(&about), 300, "{about:#?}");
}

/// Adds up what lines say was left out.
fn more(lines: &[String]) -> usize {
    let more = lines.iter().filter_map(|line| {
        let (_, rest) = line.split_once(" more=")?;
        rest.split_whitespace().next()?.parse::<usize>().ok()
    });
    more.sum()
}

#[test]
fn who_connects_again_and_again_does_not_fill_the_log() {
    let directory = Directory::make();
    let log = directory.path().join("log");
    let Some(server) = serve(&directory, &log) else { return };
    for _ in 0..60 {
        // A message that no version can be read from, on a connection of its own.
        let mut alice = connect(&server, &directory, "alice");
        let unreadable = [0x42, 0x00, 0x78, 0x01, 0, 0, 0, 8, 0x42, 0x00, 0x77, 0x01, 0, 0, 0, 0];
        alice.send(&unreadable).expect("the server reads it");
        let _ = alice.receive();
        // What is no handshake; the server closes when it has seen it.
        let mut socket = TcpStream::connect(server.address()).expect("the server listens");
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("the server reads it");
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let about = lines(server, &log, "");
    let of = |text: &str| about.iter().filter(|line| line.contains(text)).cloned().collect();
    // A slow computer may take more than one minute.
    for (text, sums, most) in [
        ("message refused", "more messages refused", 40),
        ("no TLS session", "more of this kind", 3),
    ] {
        let (told, summed): (Vec<String>, Vec<String>) = (of(text), of(sums));
        assert!(told.len() <= most, "{told:#?}");
        assert_eq!(told.len() + more(&summed), 60, "{told:#?} {summed:#?}");
    }
}
