//! PyKMIP, from PyPI, in a virtual environment of its own: a client and a server that are not ours.
//!
//! The environment is made once, under the target directory. Without Python, or without a way to
//! the package index, there is none, and whoever wants it says so and skips.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// What is installed. Its own dependencies are the newest that suit the Python at hand.
const PACKAGE: &str = "PyKMIP==0.11.0";

/// Held while the environment is made: several tests want it.
static PREPARING: Mutex<()> = Mutex::new(());

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

/// Makes the virtual environment, or says why there is none; returns its Python.
pub fn python() -> Result<PathBuf, String> {
    let _one_at_a_time = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Returns a script of `tests/interop`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
}
