//! What is in `deploy/`, checked as far as it can be without an engine for containers: the files
//! against the programs that read them, against the configuration, and against each other.

mod compose;
mod examples;
mod figures;
mod image;
mod nodes;
mod promql;
mod units;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kmip_app::{Config, cli};
use serde_json::Value;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the root").join("deploy")
}

fn read(name: &str) -> String {
    let path = deploy().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(name: &str) -> Value {
    kmip_tests::yaml::read(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Finds a value by its keys; what is not there is null.
fn at<'a>(value: &'a Value, keys: &[&str]) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    keys.iter().fold(value, |value, key| value.get(*key).unwrap_or(NOTHING))
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Turns `KMIP_SECTION__KEY` into `section.key`; other variables are none of ours.
fn setting(variable: &str) -> Option<String> {
    let key = variable.strip_prefix("KMIP_")?.to_lowercase().replace("__", ".");
    key.contains('.').then_some(key)
}

/// Loads the sample configuration with settings above it, as a container or a unit does.
fn loaded(settings: &[(String, String)]) -> Config {
    let sample = deploy().join("kmip-app.toml");
    let lines: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Config::load(Some(&sample), &lines).unwrap_or_else(|error| panic!("{lines:?}: {error}"))
}

/// Reads a command line of ours, which begins with the program's path.
fn understood(words: &[String]) {
    cli::read(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Only root can give files away, and enter another root directory.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
