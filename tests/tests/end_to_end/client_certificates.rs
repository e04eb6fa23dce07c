//! The life of a client's certificate: issued or signed, used, revoked, listed; with the program, over
//! TLS, and seen by OpenSSL.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use kmip_model::enumeration::{Operation, ResultStatus};
use kmip_tests::connection::{Target, TlsVersions};
use kmip_tests::program::{self, Program};
use kmip_tests::server::Directory;
use kmip_tests::{Connection, Request};

use crate::common::new_key;

const VERSION: (i32, i32) = (1, 4);

/// Far more than a list takes to come into force.
const GENEROUS: Duration = Duration::from_mins(1);

/// Returns the program, or says that the journey is skipped.
fn built() -> Option<PathBuf> {
    let path = program::path();
    if path.is_none() {
        println!("skipped: client-cert: the program kmip-app is not built");
    }
    path
}

/// Runs a command; returns what it said, and whether it succeeded.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the command can be started");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Runs `kmip-app client-cert` with the configuration of a directory.
fn client_cert(program: &Path, directory: &Directory, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program);
    command.arg("client-cert").args(arguments).arg("--config").arg(directory.config_file());
    run(&mut command)
}

/// Runs it, and insists on success.
fn done(program: &Path, directory: &Directory, arguments: &[&str]) -> String {
    let (success, said) = client_cert(program, directory, arguments);
    assert!(success, "{arguments:?}: {said}");
    said
}

/// Runs it, and insists on a refusal.
fn refused(program: &Path, directory: &Directory, arguments: &[&str]) -> String {
    let (success, said) = client_cert(program, directory, arguments);
    assert!(!success, "{arguments:?}: {said}");
    said
}

/// Runs openssl; `None` if there is none.
fn openssl(arguments: &[&str]) -> Option<(bool, String)> {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: what OpenSSL says: the program openssl is not installed");
        return None;
    }
    Some(run(Command::new("openssl").args(arguments)))
}

fn text(path: &Path) -> String {
    path.to_str().expect("the path is text").to_owned()
}

/// Opens a connection with the files of a client; a server may refuse it only when it is used.
fn served(server: &Program, directory: &Directory, files: [&str; 2]) -> Option<Connection> {
    let pki = directory.path().join("pki");
    let [certificate, key] = files.map(|file| pki.join(file));
    let address = server.address();
    let files: [&Path; 3] = [&certificate, &key, &pki.join("ca.crt")];
    let target = Target::new(&address.ip().to_string(), address.port(), files)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut connection = Connection::open(&target, TlsVersions::Any).ok()?;
    let request = Request::one(VERSION, Operation::Query, Vec::new());
    connection.exchange(&request.message()).ok()?;
    Some(connection)
}

/// Returns the serial number that a certificate was issued with.
fn serial(said: &str) -> String {
    let (_, rest) = said.split_once("serial number ").expect("it is said");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn a_client_is_served_until_its_certificate_is_revoked() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let pki = directory.path().join("pki");
    let said = done(&program, &directory, &["issue", "carol", "dave"]);
    assert!(said.contains("issued to user \"carol\"") && said.contains("\"dave\""), "{said}");
    assert_eq!(fs::metadata(pki.join("carol.key")).unwrap().mode() & 0o777, 0o600);

    let server = Program::serve(&program, &directory, &[]).unwrap();
    let mut carol = served(&server, &directory, ["carol.pem", "carol.key"]).expect("it is valid");
    new_key(&mut carol, Vec::new());
    assert!(served(&server, &directory, ["client.crt", "client.key"]).is_some());
    drop(carol);
    assert!(server.signal("TERM").success());

    let said = done(&program, &directory, &["revoke", "carol", "--reason", "key-compromise"]);
    assert!(
        said.contains("it takes effect when the server reads its revocation lists again"),
        "{said}"
    );
    // What init has issued is recorded, too.
    done(&program, &directory, &["revoke", "client"]);

    let server = Program::serve(&program, &directory, &[]).unwrap();
    assert!(served(&server, &directory, ["carol.pem", "carol.key"]).is_none());
    assert!(served(&server, &directory, ["client.crt", "client.key"]).is_none());
    assert!(served(&server, &directory, ["dave.pem", "dave.key"]).is_some());

    let table = done(&program, &directory, &["list"]);
    for (name, state) in [("carol", "revoked"), ("client", "revoked"), ("dave", "valid")] {
        let row = table.lines().find(|line| line.starts_with(name)).expect("it has a row");
        assert_eq!(row.split_whitespace().nth(1), Some(state), "{table}");
    }
    let again = done(&program, &directory, &["revoke", "carol"]);
    assert!(again.contains("is revoked since"), "{again}");
}

#[test]
fn a_running_server_shuts_out_whom_the_list_names() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    done(&program, &directory, &["issue", "carol", "dave"]);
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let carol = || served(&server, &directory, ["carol.pem", "carol.key"]);
    assert!(carol().is_some());
    done(&program, &directory, &["revoke", "carol"]);
    let end = Instant::now() + GENEROUS;
    while carol().is_some() {
        assert!(Instant::now() < end, "the server has not read its list");
    }
    assert!(served(&server, &directory, ["dave.pem", "dave.key"]).is_some());
}

#[test]
fn openssl_reads_the_list_and_obeys_it() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let pki = directory.path().join("pki");
    let [ca, list, certificate] =
        ["ca.crt", "ca.crl", "carol.pem"].map(|file| text(&pki.join(file)));
    done(&program, &directory, &["issue", "carol"]);
    let verify = || {
        openssl(&[
            "verify",
            "-crl_check",
            "-CAfile",
            &ca,
            "-CRLfile",
            &list,
            "-purpose",
            "sslclient",
            &certificate,
        ])
    };
    let number = || openssl(&["crl", "-in", &list, "-noout", "-crlnumber", "-CAfile", &ca]);
    let Some((success, said)) = verify() else { return };
    assert!(success, "{said}");
    let (_, first) = number().unwrap();
    assert!(first.contains("crlNumber=0x01") && first.contains("verify OK"), "{first}");
    done(&program, &directory, &["revoke", &certificate]);
    let (success, said) = verify().unwrap();
    assert!(!success && said.contains("certificate revoked"), "{said}");
    let (_, second) = number().unwrap();
    assert!(second.contains("crlNumber=0x02") && second.contains("verify OK"), "{second}");
    // Written anew, it says the same.
    done(&program, &directory, &["crl", "--crl-days", "7"]);
    assert!(!verify().unwrap().0);
    let (_, third) = number().unwrap();
    assert!(third.contains("crlNumber=0x03"), "{third}");
}

#[test]
fn only_name_and_key_of_a_request_are_taken() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let pki = directory.path().join("pki");
    let [key, csr, pem] = ["dora.key", "dora.csr", "dora.pem"].map(|file| text(&pki.join(file)));
    let wants = [
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        &key,
        "-out",
        &csr,
        "-subj",
        "/OU=admins/CN=dora",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
    ];
    let Some((made, said)) = openssl(&wants) else { return };
    assert!(made, "{said}");
    let said = done(&program, &directory, &["sign", &csr]);
    assert!(said.contains("issued to user \"dora\""), "{said}");
    let (_, shown) = openssl(&["x509", "-in", &pem, "-noout", "-text"]).unwrap();
    assert!(
        shown.contains("CA:FALSE") && shown.contains("TLS Web Client Authentication"),
        "{shown}"
    );
    assert!(!shown.contains("admins") && !shown.contains("CA:TRUE"), "{shown}");
    let server = Program::serve(&program, &directory, &[]).unwrap();
    assert!(served(&server, &directory, ["dora.pem", "dora.key"]).is_some());

    let again = refused(&program, &directory, &["sign", &csr]);
    assert!(again.contains("exists already"), "{again}");
    // A request with another key than the one that signed it.
    let mut bytes = fs::read_to_string(&csr).unwrap();
    let place = bytes.len() - 60;
    let other = if &bytes[place..=place] == "A" { "B" } else { "A" };
    bytes.replace_range(place..=place, other);
    let forged = text(&pki.join("forged.csr"));
    fs::write(&forged, bytes).unwrap();
    let said = refused(&program, &directory, &["sign", &forged]);
    assert!(said.contains("its signature was not made by its key"), "{said}");
    assert!(!pki.join("forged.pem").exists());
}

#[test]
fn a_directory_of_an_older_init_goes_on_and_is_told_what_to_set() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let pki = directory.path().join("pki");
    for file in ["ca.crl", "ca.issued"] {
        fs::remove_file(pki.join(file)).unwrap();
    }
    let config = fs::read_to_string(directory.config_file()).unwrap();
    let config = config.replace("crls = [\"pki/ca.crl\"]", "crls = []");
    assert!(config.contains("crls = []"));
    fs::write(directory.config_file(), &config).unwrap();

    assert!(done(&program, &directory, &["list"]).contains("0 certificates"));
    let said = done(&program, &directory, &["revoke", "alice"]);
    let path = text(&pki.join("ca.crl"));
    let setting = format!("listen.kmip.crls = [\"{path}\"]");
    assert!(said.contains(&setting), "{said}");
    let set = ["--set", &format!("listen.kmip.crls=[\"{path}\"]")];
    let server = Program::serve(&program, &directory, &set).unwrap();
    assert!(served(&server, &directory, ["alice.crt", "alice.key"]).is_none());
    assert!(served(&server, &directory, ["bob.crt", "bob.key"]).is_some());
    // A lost list is made again from the record, with a higher number.
    fs::remove_file(&path).unwrap();
    let said = done(&program, &directory, &["crl"]);
    assert!(said.contains("list number 2 with 1 certificate,"), "{said}");
}

#[test]
fn nothing_is_overwritten_and_no_name_is_guessed() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let pki = directory.path().join("pki");
    let first = done(&program, &directory, &["issue", "carol"]);
    let key = fs::read(pki.join("carol.key")).unwrap();
    let said = refused(&program, &directory, &["issue", "erin", "carol"]);
    assert!(said.contains("carol.pem exists already"), "{said}");
    assert!(!pki.join("erin.pem").exists(), "what comes before is not begun");
    assert_eq!(fs::read(pki.join("carol.key")).unwrap(), key);
    refused(&program, &directory, &["issue", "../carol"]);

    let elsewhere = text(&directory.path().join("new"));
    let second = done(&program, &directory, &["issue", "carol", "--out", &elsewhere]);
    let (first, second) = (serial(&first), serial(&second));
    assert_ne!(first, second);
    let said = refused(&program, &directory, &["revoke", "carol"]);
    assert!(said.contains(&first) && said.contains(&second), "{said}");
    done(&program, &directory, &["revoke", &first]);
    let table = done(&program, &directory, &["list"]);
    let state = |serial: &str| {
        let row = table.lines().find(|line| line.ends_with(serial)).expect("it has a row");
        row.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!((state(&first), state(&second)), ("revoked".to_owned(), "valid".to_owned()));

    refused(&program, &directory, &["revoke", "nobody"]);
    refused(&program, &directory, &["revoke", "0123456789ABCDEF"]);
    done(&program, &directory, &["revoke", "0123456789ABCDEF", "--unrecorded"]);
    let other = text(&Directory::make().path().join("pki/client.crt"));
    refused(&program, &directory, &["revoke", &other]);
}

#[test]
fn commands_at_the_same_time_forget_nothing() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let names: Vec<String> = (0..6).map(|number| format!("client-{number}")).collect();
    thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                done(&program, &directory, &["issue", name]);
                done(&program, &directory, &["revoke", name]);
            });
        }
    });
    let table = done(&program, &directory, &["list"]);
    for name in &names {
        let row = table.lines().find(|line| line.starts_with(name)).expect("it has a row");
        assert_eq!(row.split_whitespace().nth(1), Some("revoked"), "{table}");
    }
    let said = done(&program, &directory, &["crl"]);
    assert!(said.contains("list number 8 with 6 certificates"), "{said}");
}

/// Issues a certificate in a process that the system kills when it writes a file longer than so many
/// blocks of 512 bytes; returns the files that are there afterwards and were not before.
fn killed_at(program: &Path, directory: &Directory, name: &str, blocks: u32) -> Vec<String> {
    let files = || {
        let entries = fs::read_dir(directory.path().join("pki")).expect("it is there");
        let names = entries.map(|entry| entry.expect("it is there").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect::<BTreeSet<_>>()
    };
    let before = files();
    let output = Command::new("sh")
        .args(["-c", "ulimit -c 0; ulimit -f \"$1\"; shift; exec \"$@\"", "sh"])
        .arg(blocks.to_string())
        .arg(program)
        .args(["client-cert", "issue", name, "--key-type", "rsa2048", "--config"])
        .arg(directory.config_file())
        .output()
        .expect("the command can be started");
    assert!(output.status.signal().is_some(), "it was not killed: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    files().difference(&before).cloned().collect()
}

#[test]
fn who_is_killed_has_issued_nothing_that_is_not_recorded() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    let record = directory.path().join("pki/ca.issued");
    let before = fs::read_to_string(&record).unwrap();
    // The record cannot be written: there is no certificate, and the record is as it was.
    let left = killed_at(&program, &directory, "early", 0);
    assert!(left.iter().all(|name| !name.starts_with("early")), "{left:?}");
    assert_eq!(fs::read_to_string(&record).unwrap(), before);
    assert!(!done(&program, &directory, &["list"]).contains("early"));
    // The record can, and the key is too long: what is recorded has no certificate yet.
    let blocks = u32::try_from(before.len()).unwrap() / 512 + 1;
    let left = killed_at(&program, &directory, "late", blocks);
    assert!(!left.contains(&"late.pem".to_owned()), "{left:?}");
    let table = done(&program, &directory, &["list"]);
    assert!(table.lines().any(|line| line.starts_with("late")), "{table}");
    // Nothing has the name of the key, and half of it is nobody else's to read.
    assert_eq!(left, [".late.key.unfinished"]);
    let half = fs::metadata(directory.path().join("pki/.late.key.unfinished")).unwrap();
    assert_eq!(half.mode() & 0o777, 0o600);
    // Both go on, and the lock is free.
    done(&program, &directory, &["issue", "early", "--key-type", "rsa2048"]);
    done(&program, &directory, &["revoke", "late"]);
    let said = done(&program, &directory, &["issue", "late"]);
    assert!(!said.contains("the same name has these"), "{said}");
    assert!(!directory.path().join("pki/.late.key.unfinished").exists());
}

#[test]
fn a_bundle_with_an_rsa_key_serves_as_both_files() {
    let Some(program) = built() else { return };
    let directory = Directory::make();
    done(&program, &directory, &["issue", "mongo", "--key-type", "rsa2048", "--bundle"]);
    let bundle = directory.path().join("pki/mongo-bundle.pem");
    assert_eq!(fs::metadata(&bundle).unwrap().mode() & 0o777, 0o600);
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let files = ["mongo-bundle.pem", "mongo-bundle.pem"];
    let mut connection = served(&server, &directory, files).expect("it is valid");
    let request = Request::one(VERSION, Operation::Query, Vec::new());
    assert_eq!(connection.ask(&request).status(0), ResultStatus::Success);
}

#[test]
fn any_ca_whose_key_is_at_hand_issues() {
    let Some(program) = built() else { return };
    let parent = tempfile::tempdir().unwrap();
    let given = |file: &str| text(&parent.path().join(file));
    let [key, certificate] = ["root.key", "root.pem"].map(given);
    let authority = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        &key,
        "-out",
        &certificate,
        "-subj",
        "/O=Example/CN=Given CA",
        "-days",
        "30",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ];
    let Some((made, said)) = openssl(&authority) else { return };
    assert!(made, "{said}");
    let (_, _) = run(Command::new("chmod").args(["600", &key]));
    let with = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("client-cert").args(arguments);
        run(command.args(["--ca-certificate", &certificate, "--ca-key", &key]))
    };
    let (success, said) = with(&["issue", "carol"]);
    assert!(success, "{said}");
    let (list, issued) = (given("root.crl"), given("carol.pem"));
    assert!(with(&["crl"]).0);
    let verify = || {
        openssl(&["verify", "-crl_check", "-CAfile", &certificate, "-CRLfile", &list, &issued])
            .unwrap()
    };
    let (success, said) = verify();
    assert!(success, "{said}");
    let (success, said) = with(&["revoke", "carol"]);
    assert!(success && said.contains("listen.kmip.crls"), "{said}");
    assert!(verify().1.contains("certificate revoked"));
    // It ends with its authority, and not after it.
    let (_, end) = openssl(&["x509", "-in", &issued, "-noout", "-checkend", "2678400"]).unwrap();
    assert!(end.contains("will expire"), "{end}");
}
