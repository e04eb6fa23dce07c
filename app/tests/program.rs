//! The program as an operator runs it: commands, output, exit status.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kmip-app"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

/// Makes a server's directory on a port that the system chooses.
fn init(directory: &Path) -> String {
    let made = path(directory, "kmip");
    let output = run(&["init", &made, "--address", "127.0.0.1:0", "--client", "alice"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    made
}

/// Starts `serve` and waits for the one line that it prints.
fn serve(made: &str) -> (Child, String) {
    start(&["serve", "--config", &format!("{made}/kmip-app.toml")])
}

/// Starts a server and waits for the one line that it prints.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = program()
        .args(arguments)
        // A server runs from any folder.
        .current_dir("/")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("standard output is piped");
    let mut reader = BufReader::new(stdout);
    reader.read_line(&mut line).expect("a line is printed");
    // Who prints more must find somebody there.
    child.stdout = Some(reader.into_inner());
    let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
    (child, address.unwrap_or_else(|| panic!("not an address: {line:?}")))
}

/// Creates a key as the client of a directory, and returns its material in hex.
fn create_and_get(made: &str, address: &str) -> String {
    let client = |arguments: &[&str]| {
        let config = format!("{made}/client.toml");
        let fixed = ["client", "--config", &config, "--address", address, "--json"];
        let output =
            program().args(fixed).args(arguments).output().expect("the program can be started");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let answer = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        answer.expect("the answer is JSON").to_string()
    };
    client(&["create", "--name", "first"]);
    let located = client(&["locate", "--name", "first"]);
    let identifier = located
        .split('"')
        .find(|part| part.len() == 36 && part.matches('-').count() == 4)
        .expect("an identifier is printed");
    let got = client(&["get", identifier]);
    let is_material = |part: &&str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
    got.split('"').find(is_material).expect("material is printed").to_owned()
}

fn terminate(child: &mut Child) -> Option<i32> {
    let sent = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()));
    child.wait().expect("the server ends").code()
}

#[test]
fn a_key_is_created_and_got_back_by_the_command_line() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let (mut server, address) = serve(&made);
    create_and_get(&made, &address);
    assert_eq!(terminate(&mut server), Some(0));
}

#[test]
fn dev_shows_a_first_key() {
    let parent = tempfile::tempdir().unwrap();
    let made = path(parent.path(), "dev");
    let output = run(&["dev", &made, "--address", "127.0.0.1:0", "--once"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(printed.starts_with("listening on 127.0.0.1:"), "{printed}");
    assert!(printed.contains("AES 256"), "{printed}");
}

#[test]
#[cfg(feature = "admin-http")]
fn two_development_servers_run_side_by_side_and_a_taken_admin_port_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("listen.admin.address={}", free.local_addr().unwrap());
    let [one, two] = ["one", "two"].map(|name| path(parent.path(), name));
    let (mut first, _) = start(&["dev", &one, "--address", "127.0.0.1:0"]);
    let (mut second, _) = start(&["dev", &two, "--address", "127.0.0.1:0"]);
    let config = format!("{one}/kmip-app.toml");
    assert_eq!([terminate(&mut first), terminate(&mut second)], [Some(0), Some(0)]);
    let output = run(&["serve", "--config", &config, "--set", &taken]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("the admin port") && error.contains("in use"), "{error}");
}

#[cfg(unix)]
#[test]
fn init_makes_files_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    for name in ["kmip-app.toml", "root.key", "kmip-app.db", "pki/alice.key", "pki/ca.crt"] {
        let file = std::fs::metadata(Path::new(&made).join(name)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let again = run(&["init", &made]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn an_unknown_key_ends_with_the_nearest_name() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let config = format!("{made}/kmip-app.toml");
    let output = run(&["check-config", "--config", &config, "--set", "limits.conections=1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("\"connections\""), "{}", text(&output.stderr));
    let output = run(&["check-config", "--config", &config]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("[listen.kmip]"));
}

#[test]
#[cfg(feature = "store-postgres")]
fn a_database_that_is_not_verified_is_refused_and_its_password_not_shown() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let config = format!("{made}/kmip-app.toml");
    let check = |url: &str| {
        let setting = format!("storage.url={url}");
        run(&["check-config", "--config", &config, "--set", &setting])
    };
    let refused = check("postgres://kmip:hunter2@db.example/kmip?sslmode=require");
    assert_eq!(refused.status.code(), Some(1));
    let error = text(&refused.stderr);
    assert!(error.contains("sslmode=require") && !error.contains("hunter2"), "{error}");
    let shown = check("postgres://kmip:hunter2@db.example/kmip");
    assert!(shown.status.success());
    let output = text(&shown.stdout);
    assert!(output.contains("postgres://kmip:***@db.example/kmip"), "{output}");
}

#[test]
#[cfg(not(feature = "store-postgres"))]
fn an_adapter_that_is_not_there_is_named_with_its_feature() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let config = format!("{made}/kmip-app.toml");
    let setting = "storage.url=postgres://127.0.0.1/kmip";
    let output = run(&["serve", "--config", &config, "--set", setting]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("store-postgres"), "{}", text(&output.stderr));
}

#[test]
#[cfg(not(feature = "transport-tls-openssl"))]
fn an_authentication_suite_is_named_with_the_feature_that_has_it() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let config = format!("{made}/kmip-app.toml");
    let output = run(&["serve", "--config", &config, "--set", "listen.kmip.auth_suite=TLS1.2"]);
    assert!(!output.status.success());
    let error = text(&output.stderr);
    let expected = "listen.kmip.auth_suite needs the feature transport-tls-openssl";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_lost_store_and_a_wrong_root_key_are_refused_with_a_sentence() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let other = init(tempfile::tempdir_in(parent.path()).unwrap().keep().as_path());
    let config = format!("{made}/kmip-app.toml");
    std::fs::copy(format!("{other}/root.key"), format!("{made}/root.key")).unwrap();
    let output = run(&["serve", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("another root key"), "{}", text(&output.stderr));
    std::fs::remove_file(format!("{made}/kmip-app.db")).unwrap();
    let output = run(&["serve", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--create-store"), "{}", text(&output.stderr));
}

/// Gives the program a password and returns what it makes of it.
fn hash(password: &[u8]) -> Output {
    let mut child = program()
        .args(["account", "hash"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    child.stdin.take().expect("standard input is piped").write_all(password).expect("it is read");
    child.wait_with_output().expect("the program ends")
}

#[test]
fn a_password_becomes_a_line_for_the_file_of_accounts() {
    let output = hash(b"correct horse\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line = text(&output.stdout);
    assert!(line.starts_with("$argon2id$v=19$") && line.ends_with('\n'), "{line}");
    for password in [&b""[..], b"\n", b"a\nb\n", &[b'x'; 4_097]] {
        let output = hash(password);
        assert_eq!(output.status.code(), Some(1), "{password:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_directory_of_users_behind_tls_is_refused_with_a_sentence() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let config = format!("{made}/kmip-app.toml");
    let setting = "auth.slugs.url=https://slugs.example";
    for command in ["check-config", "serve"] {
        let output = run(&[command, "--config", &config, "--set", setting]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("wants TLS"), "{}", text(&output.stderr));
    }
}

#[test]
fn an_import_without_its_database_says_so_and_makes_no_file() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path());
    let (database, config) = (path(parent.path(), "missing.db"), format!("{made}/kmip-app.toml"));
    let output = run(&["import", "pykmip", &database, "--config", &config]);
    assert!(!output.status.success());
    let complaint = text(&output.stderr);
    assert!(complaint.contains(&format!("there is no file {database}")), "{complaint}");
    assert!(!Path::new(&database).exists());
}
