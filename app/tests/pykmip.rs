//! The program in the place of PyKMIP's server: its options, its file, its log.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// What every test sets besides: a port that the system chooses.
const ANY_PORT: [&str; 2] = ["--set", "listen.kmip.address=127.0.0.1:0"];

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kmip-app"));
    // A server runs from any folder.
    program.current_dir("/");
    program
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs what must fail and returns what it says.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// Starts a server and waits for the one line that it prints.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = program()
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("standard output is piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line is printed");
    let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
    (child, address.unwrap_or_else(|| panic!("not an address: {line:?}")))
}

fn terminate(child: &mut Child) -> Option<i32> {
    let sent = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()));
    child.wait().expect("the server ends").code()
}

/// Certificates, and a configuration of PyKMIP's that names them.
struct World {
    directory: tempfile::TempDir,
}

impl World {
    fn make() -> Self {
        let directory = tempfile::tempdir().expect("there is a place for files");
        let made = directory.path().join("kmip").display().to_string();
        let output = run(&["init", &made, "--client", "alice"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let world = Self { directory };
        world.write("logging_level = WARNING\n");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes the configuration, with more lines.
    fn write(&self, more: &str) {
        let text = format!(
            "[server]\nhostname = localhost\nport: 5696\n\
             certificate_path = %(pki)s/server.crt\nkey_path = %(pki)s/server.key\n\
             ca_path = %(pki)s/ca.crt\nauth_suite = TLS1.2\n\
             database_path = {}\n{more}",
            self.name("pykmip.db")
        );
        let text = text.replace("%(pki)s", &self.name("kmip/pki"));
        fs::write(self.path("server.conf"), text).expect("the directory can be written");
    }

    /// Does one thing as a client and returns the answer.
    fn client(&self, address: &str, arguments: &[&str]) -> String {
        let config = self.name("kmip/client.toml");
        let fixed = ["client", "--config", &config, "--address", address, "--json"];
        let output = run(&[&fixed[..], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn the_options_of_pykmip_are_enough_and_the_log_has_no_key() {
    let world = World::make();
    let [certificate, key, authority] =
        ["server.crt", "server.key", "ca.crt"].map(|file| world.name(&format!("kmip/pki/{file}")));
    let (log, database) = (world.name("logs/server.log"), world.name("pykmip.db"));
    let options = [
        "pykmip-server",
        "-n",
        "localhost",
        "-p",
        "5696",
        "-c",
        &certificate,
        "-k",
        &key,
        "-a",
        &authority,
        "-s",
        "Basic",
        "-l",
        &log,
        "-v",
        "debug",
        "-d",
        &database,
    ];
    let (mut server, address) = start(&[&options[..], &ANY_PORT].concat());
    world.client(&address, &["create", "--name", "first"]);
    let located = world.client(&address, &["locate", "--name", "first"]);
    let mut parts = located.split('"');
    let identifier = parts.find(|part| part.len() == 36 && part.matches('-').count() == 4).unwrap();
    let got = world.client(&address, &["get", identifier]);
    let is_material = |part: &&str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let material = got.split('"').find(is_material).unwrap().to_lowercase();
    assert_eq!(terminate(&mut server), Some(0));

    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("the server offers these cipher suites"), "{logged}");
    assert!(logged.contains("the client offers these cipher suites"), "{logged}");
    assert!(logged.contains("connection open") && logged.contains("TLS13_AES"), "{logged}");
    assert!(logged.contains("auth_suite Basic"), "{logged}");
    assert!(logged.contains("a new, empty store is made"), "{logged}");
    // Neither in hex nor as a list of numbers.
    let numbers: Vec<String> = material
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap().to_string())
        .collect();
    assert!(!logged.to_lowercase().contains(&material));
    assert!(!logged.contains(&numbers.join(", ")));
    assert_eq!(mode(Path::new(&log)), 0o600);
    assert_eq!(mode(&world.path("pykmip.db.kmip-app")), 0o700);
}

#[test]
fn options_stand_above_the_file() {
    let world = World::make();
    let (file, log) = (world.name("server.conf"), world.name("server.log"));
    let options = ["pykmip-server", "-f", &file, "-l", &log, "-v", "INFO"];
    let (mut server, address) = start(&[&options[..], &ANY_PORT].concat());
    world.client(&address, &["create", "--name", "first"]);
    assert_eq!(terminate(&mut server), Some(0));
    // The file says WARNING.
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("INFO") && !logged.contains("DEBUG"), "{logged}");
}

#[test]
fn an_explanation_names_every_option() {
    let output = run(&["pykmip-server", "-h"]);
    assert!(output.status.success());
    let printed = text(&output.stdout);
    for option in [
        "-n, --hostname",
        "-p, --port",
        "-c, --certificate_path",
        "-k, --key_path",
        "-a, --ca_path",
        "-s, --auth_suite",
        "-f, --config_path",
        "-l, --log_path",
        "-o, --policy_path",
        "-i, --ignore_tls_client_auth",
        "-v, --logging_level",
        "-d, --database_path",
    ] {
        assert!(printed.contains(option), "{option}: {printed}");
    }
    assert!(printed.contains("/var/log/pykmip/server.log"), "{printed}");
}

#[test]
fn the_file_is_served_from_and_its_mistakes_are_told() {
    let world = World::make();
    let file = world.name("server.conf");
    let serve = ["serve", "--pykmip-config", &file, "--set", "listen.kmip.address=127.0.0.1:0"];
    let (mut server, address) = start(&serve);
    world.client(&address, &["query"]);
    assert_eq!(terminate(&mut server), Some(0));

    world.write("colour = blue\n");
    let told = refusal(&serve);
    assert!(told.contains("Setting 'colour' is not a supported setting."), "{told}");
    assert!(told.contains("server.conf"), "{told}");
}

#[test]
fn the_option_without_a_value_is_the_systems_file() {
    let path = "/etc/pykmip/server.conf";
    if Path::new(path).exists() {
        return println!("skipped: {path} is there, and not ours");
    }
    for arguments in [["serve", "--pykmip-config"], ["config", "from-pykmip"]] {
        let told = refusal(&arguments);
        let expected = format!("The server configuration file ('{path}') could not be located.");
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn a_database_of_pykmip_is_not_started_upon() {
    let world = World::make();
    let database = world.path("pykmip.db");
    fs::write(&database, b"SQLite format 3\0 CREATE TABLE managed_objects (uid INTEGER)").unwrap();
    let file = world.name("server.conf");
    let serve = ["serve", "--pykmip-config", &file, "--set", "listen.kmip.address=127.0.0.1:0"];
    let told = refusal(&serve);
    assert!(told.contains(&format!("kmip-app import pykmip {}", database.display())), "{told}");
    let (mut server, _) = start(&[&serve[..], &["--create-store"]].concat());
    assert_eq!(terminate(&mut server), Some(0));
    // Now there is a store, and the old database is history.
    let (mut server, _) = start(&serve);
    assert_eq!(terminate(&mut server), Some(0));
}

#[test]
fn a_log_that_cannot_be_written_is_named() {
    let world = World::make();
    let (file, log) = (world.name("server.conf"), world.name("kmip/client.toml/server.log"));
    let told = refusal(&["pykmip-server", "-f", &file, "-l", &log]);
    assert!(told.contains(&log), "{told}");
}

#[test]
fn the_configuration_is_printed_in_our_form() {
    let world = World::make();
    let output = run(&["config", "from-pykmip", &world.name("server.conf")]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(printed.contains("address = \"localhost:5696\""), "{printed}");
    assert!(printed.contains("# auth_suite TLS1.2:"), "{printed}");
    let ours = world.name("kmip-app.toml");
    fs::write(&ours, &printed).unwrap();
    let file = world.name("server.conf");
    let [from_ours, from_theirs] = [["--config", &ours], ["--pykmip-config", &file]]
        .map(|place| text(&run(&["check-config", place[0], place[1]]).stdout));
    assert!(from_ours.contains("legacy = true"), "{from_ours}");
    assert_eq!(from_ours, from_theirs);
}
