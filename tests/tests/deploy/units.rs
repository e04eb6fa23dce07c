//! The units, the account and the directories: as systemd reads them, and against each other.

use std::{fs, path::Path, process::Command};

use super::{deploy, is_installed, is_root, loaded, read, setting, understood};

const UNITS: [&str; 3] = ["kmip-app.service", "kmip-app-backup.service", "kmip-app-backup.timer"];

/// The most that systemd may find exposed, in tenths; 10.0 is everything.
const EXPOSURE: &str = "--threshold=15";

/// Returns what a unit says for a key, in its order.
fn said(unit: &str, key: &str) -> Vec<String> {
    let start = format!("{key}=");
    let text = read(unit);
    text.lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

/// Runs a program of systemd that must succeed, and returns everything that it said.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it is installed");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn systemd_understands_the_units() {
    if !is_installed("systemd-analyze") {
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let files = UNITS.map(|unit| {
        // The program need not be installed for it.
        let text = read(unit).replace("/usr/local/bin/kmip-app", "/bin/true");
        let file = directory.path().join(unit);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    });
    let verify = ["verify", "--man=no"];
    let said =
        run("systemd-analyze", &[&verify[..], &files.each_ref().map(String::as_str)].concat());
    // A key that it does not know is a warning to it.
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("kmip-app")).collect();
    assert!(of_ours.is_empty(), "{}", of_ours.join("\n"));
}

#[test]
fn systemd_finds_little_exposed() {
    if !is_installed("systemd-analyze") {
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    for unit in UNITS.iter().filter(|unit| unit.ends_with(".service")) {
        let file = deploy().join(unit).display().to_string();
        run("systemd-analyze", &["security", "--offline=true", EXPOSURE, &file]);
    }
}

#[test]
fn the_commands_of_the_units_are_understood() {
    let serve = said("kmip-app.service", "ExecStart");
    let [serve] = serve.as_slice() else { panic!("{serve:?}") };
    understood(&serve.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let backup = said("kmip-app-backup.service", "ExecStart");
    let [backup] = backup.as_slice() else { panic!("{backup:?}") };
    let script = backup.strip_prefix("/bin/sh -c '").and_then(|it| it.strip_suffix('\''));
    let script = script.expect("a shell makes the name").replace("exec ", "").replace("%%", "%");
    let commands = kmip_tests::markdown::commands(&script);
    let [command] = commands.as_slice() else { panic!("{commands:?}") };
    understood(command);
    let reload = said("kmip-app.service", "ExecReload");
    assert_eq!(reload, ["/bin/kill -HUP $MAINPID"]);
}

/// The credentials are the files that the sample configuration names, under the names that the
/// program is told.
#[test]
fn the_secrets_reach_the_program_as_credentials() {
    let sample = loaded(&[]);
    let key = sample.listen.kmip.key.expect("the sample names a key");
    let root_key = sample.root_key.file.expect("the sample names a root key");
    let credentials = [format!("root.key:{root_key}"), format!("server.key:{}", key.display())];
    assert_eq!(said("kmip-app.service", "LoadCredential"), credentials);
    assert_eq!(said("kmip-app-backup.service", "LoadCredential"), [credentials[0].clone()]);
    for unit in ["kmip-app.service", "kmip-app-backup.service"] {
        let settings: Vec<(String, String)> = said(unit, "Environment")
            .iter()
            .map(|line| {
                let (name, value) = line.split_once('=').expect("a variable has a value");
                (setting(name).expect("it is a setting"), value.replace("%d", "/run/credentials"))
            })
            .collect();
        let config = loaded(&settings);
        assert_eq!(config.root_key.file.as_deref(), Some("credential:root.key"), "{unit}");
    }
}

#[test]
fn the_account_is_the_one_that_runs_the_server_and_owns_the_store() {
    let account = read("kmip-app.sysusers");
    let line = account.lines().find(|line| line.starts_with("u ")).expect("there is an account");
    let name = line.split(' ').nth(1).unwrap_or_default();
    for unit in ["kmip-app.service", "kmip-app-backup.service"] {
        assert_eq!(said(unit, "User"), [name]);
        assert_eq!(said(unit, "Group"), [name]);
        assert_eq!(said(unit, "StateDirectory"), ["kmip-app"]);
    }
    let directories = read("kmip-app.tmpfiles");
    for line in directories.lines().filter(|line| line.contains("/var/lib/kmip-app")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(fields.get(2..), Some(&["0700", name, name, "-"][..]), "{line}");
    }
    // Nothing is ever removed: the last field is an age.
    for line in directories.lines().filter(|line| line.starts_with(|it: char| it.is_alphabetic())) {
        assert!(
            line.ends_with(" -") && (line.starts_with("d ") || line.starts_with("z ")),
            "{line}"
        );
    }
}

#[test]
fn systemd_makes_the_account_and_the_directories() {
    if !is_installed("systemd-sysusers") || !is_root() {
        println!("skipped: needs root, systemd-sysusers and systemd-tmpfiles");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let within = format!("--root={}", root.path().display());
    run("systemd-sysusers", &[&within, &file("kmip-app.sysusers")]);
    let accounts = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(accounts.lines().any(|line| line.starts_with("kmip:x:") && line.ends_with("nologin")));
    run("systemd-tmpfiles", &["--create", &within, &file("kmip-app.tmpfiles")]);
    for directory in ["var/lib/kmip-app/backups", "etc/kmip-app/pki", "etc/kmip-app/policies"] {
        assert!(Path::new(root.path()).join(directory).is_dir(), "{directory}");
    }
}

fn file(name: &str) -> String {
    deploy().join(name).canonicalize().expect("it is there").display().to_string()
}
