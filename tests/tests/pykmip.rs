//! A journey with a client that is not ours: PyKMIP, from PyPI, in a virtual environment of its own.
//!
//! The environment is made once, under the target directory. Without Python, or without a way to
//! the package index, the journey is skipped and says so.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use kmip_tests::TestServer;

/// What is installed. The client's own dependencies are the newest that suit the Python at hand.
const PACKAGE: &str = "PyKMIP==0.11.0";

/// The life of objects and their attributes.
const JOURNEY: &str = "pykmip_journey.py";

/// Encryption, signatures, MACs, derivation, wrapping.
const CRYPTOGRAPHY: &str = "pykmip_cryptography.py";

/// How long pip waits for the package index, in seconds.
const PATIENCE: &str = "10";

/// Returns the directory of the virtual environment: beside what cargo built.
fn environment() -> PathBuf {
    let test = env::current_exe().expect("a test knows its file");
    let target = test.ancestors().nth(3).expect("target/debug/deps/pykmip");
    target.join("pykmip")
}

fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output: Output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
    Err(format!("{}: {}", program.display(), last.unwrap_or("it failed")))
}

/// Makes the virtual environment, or says why there is none.
fn prepare() -> Result<PathBuf, String> {
    let environment = environment();
    let python = environment.join("bin/python");
    let complete = environment.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|package| package == PACKAGE) {
        return Ok(python);
    }
    let place = environment.to_string_lossy().into_owned();
    run(Path::new("python3"), &["-m", "venv", "--clear", &place])?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let patience = ["--timeout", PATIENCE, "--retries", "1", PACKAGE];
    run(&python, &[&install[..], &patience].concat())?;
    fs::write(&complete, PACKAGE).map_err(|error| error.to_string())?;
    Ok(python)
}

/// Runs the journey against a server and returns what it printed and whether it passed.
fn journey(python: &Path, script: &str, server: &TestServer, more: &[&str]) -> (String, bool) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(script);
    let address = server.address();
    let output = Command::new(python)
        .arg(script)
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

/// The environment is made by one test at a time.
static PREPARING: Mutex<()> = Mutex::new(());

/// Returns the environment's Python, or says why the test is skipped.
fn python() -> Option<PathBuf> {
    let _one = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    prepare().inspect_err(|why| println!("skipped: the journey with PyKMIP: {why}")).ok()
}

#[test]
fn pykmip_can_compute_with_keys_of_the_server() {
    let Some(python) = python() else { return };
    let server = TestServer::with(|config| {
        "sqlite::memory:".clone_into(&mut config.storage.url);
        config.crypto.legacy = true;
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
