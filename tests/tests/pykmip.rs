//! Journeys with a client that is not ours: PyKMIP. Without it, they are skipped and say so.

use std::path::{Path, PathBuf};
use std::process::Command;

use kmip_tests::server::Directory;
use kmip_tests::{TestServer, program, pykmip};

/// The life of objects and their attributes.
const JOURNEY: &str = "pykmip_journey.py";

/// Encryption, signatures, MACs, derivation, wrapping.
const CRYPTOGRAPHY: &str = "pykmip_cryptography.py";

/// Who may do what: policies, groups, SLUGS.
const POLICIES: &str = "pykmip_policies.py";

/// The users of [`POLICIES`].
const USERS: [&str; 6] = ["john_doe", "jane_doe", "john_smith", "jane_smith", "mary", "stranger"];

/// Runs a journey against a server and returns what it printed and whether it passed.
fn journey(python: &Path, script: &str, server: &TestServer, more: &[&str]) -> (String, bool) {
    let address = server.address();
    let output = Command::new(python)
        .arg(pykmip::script(script))
        .arg(address.ip().to_string())
        .arg(address.port().to_string())
        .args(server.identity("client"))
        .args(more)
        .output()
        .expect("the Python of the environment runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    (format!("{printed}{complaints}"), output.status.success())
}

/// Returns the environment's Python, or says why the test is skipped.
fn python() -> Option<PathBuf> {
    let ready = pykmip::python();
    ready.inspect_err(|why| println!("skipped: the journey with PyKMIP: {why}")).ok()
}

#[test]
fn pykmip_can_compute_with_keys_of_the_server() {
    let Some(python) = python() else { return };
    let server = TestServer::with(|config| {
        "sqlite::memory:".clone_into(&mut config.storage.url);
        config.crypto.legacy = true;
        // This client cannot read a wrapped key as the specification has it.
        config.operations.wrapped_key_in_structure = true;
        // Its own server signs like this, and verifies nothing else.
        config.operations.longest_salt = true;
    });
    let (printed, passed) = journey(&python, CRYPTOGRAPHY, &server, &[]);
    println!("{printed}");
    assert!(passed, "{printed}");
}

#[test]
fn pykmip_can_use_the_server() {
    let Some(python) = python() else { return };
    let server = TestServer::in_memory();
    let (printed, passed) = journey(&python, JOURNEY, &server, &[]);
    println!("{printed}");
    assert!(passed, "{printed}");

    // This client stops at attributes that it does not know, so it cannot ask for all of them
    // unless the server is told to be considerate.
    let server = TestServer::with(|config| {
        "sqlite::memory:".clone_into(&mut config.storage.url);
        config.attributes.unasked = kmip_app::config::Unasked::Conservative;
    });
    let (printed, passed) = journey(&python, JOURNEY, &server, &["--unasked"]);
    println!("{printed}");
    assert!(passed, "{printed}");
}

#[test]
fn pykmip_may_do_what_policies_and_slugs_say() {
    let Some(python) = python() else { return };
    let Some(program) = program::path() else {
        return println!("skipped: the journey with PyKMIP: the program is not built");
    };
    let directory = Directory::of(&USERS);
    let place = tempfile::tempdir().expect("there is a place for temporary files");
    // The script runs the program itself: it is SLUGS, whose address stands in the configuration.
    let output = Command::new(python)
        .args(["-W", "ignore"])
        .arg(pykmip::script(POLICIES))
        .args([place.path(), &directory.path().join("pki"), &program])
        .output()
        .expect("the Python of the environment runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    let log = std::fs::read_to_string(place.path().join("output.log")).unwrap_or_default();
    println!("{printed}");
    assert!(output.status.success(), "{printed}{complaints}{log}");
}
