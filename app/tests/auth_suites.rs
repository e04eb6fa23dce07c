//! The program with the feature `transport-tls-openssl`: requests of clients that have only older
//! TLS are answered. `openssl` makes the certificate and is the client; without it the tests say so
//! and pass.

#![cfg(feature = "transport-tls-openssl")]
#![expect(clippy::unwrap_used, reason = "these are tests; Clippy knows only those inside crates")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Says whether there is a client to test with.
fn client_is_there() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    if !there {
        println!("openssl is not installed: nothing is tested here");
    }
    there
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kmip-app"))
}

/// A server, ended when it is dropped.
struct Server {
    child: Child,
    address: String,
    directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server on one self-signed certificate, which is the client's and the authority too.
    fn start(auth_suite: &str, settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = make(directory.path());
        certify(&made);
        let mut command = program();
        command.args(["serve", "--config"]).arg(made.join("kmip-app.toml"));
        command.arg("--set").arg(format!("listen.kmip.auth_suite={auth_suite}"));
        for key in ["certificate", "client_ca"] {
            command.arg("--set").arg(format!("listen.kmip.{key}=pki/one.crt"));
        }
        command.args(["--set", "listen.kmip.key=pki/one.key"]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("not an address: {line:?}"));
        Self { child, address, directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("kmip/pki").join(name)
    }

    /// Sends a message and returns the answer: nothing if there is no session.
    fn ask(&self, request: &[u8], options: &[&str], certificate: Option<&str>) -> Vec<u8> {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-connect", &self.address]).args(options);
        if let Some(name) = certificate {
            command.arg("-cert").arg(self.file(&format!("{name}.crt")));
            command.arg("-key").arg(self.file(&format!("{name}.key")));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A client that was refused is gone.
        let _ = child.stdin.as_mut().unwrap().write_all(request);
        let answer = read_message(child.stdout.as_mut().unwrap());
        let _ = child.kill();
        child.wait().unwrap();
        answer
    }
}

fn make(directory: &Path) -> PathBuf {
    let made = directory.join("kmip");
    let output =
        program().arg("init").arg(&made).args(["--address", "127.0.0.1:0"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    made
}

fn certify(made: &Path) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=alice", "-addext", "extendedKeyUsage=clientAuth,serverAuth"])
        .arg("-keyout")
        .arg(made.join("pki/one.key"))
        .arg("-out")
        .arg(made.join("pki/one.crt"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn read_message(stream: &mut impl std::io::Read) -> Vec<u8> {
    let mut message = vec![0; 8];
    if stream.read_exact(&mut message).is_err() {
        return Vec::new();
    }
    let length = u32::from_be_bytes(*message.last_chunk().unwrap());
    stream.take(u64::from(length)).read_to_end(&mut message).unwrap();
    message
}

/// Writes an item of TTLV: tag, type, length, value and padding.
fn item(tag: u32, item_type: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_be_bytes().split_at(1).1.to_vec();
    bytes.push(item_type);
    bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn structure(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    item(tag, 1, &items.concat())
}

fn integer(tag: u32, value: u32) -> Vec<u8> {
    item(tag, 2, &value.to_be_bytes())
}

fn enumeration(tag: u32, value: u32) -> Vec<u8> {
    item(tag, 5, &value.to_be_bytes())
}

/// Makes a request of KMIP 1.2 with one batch item (1.2 §7.1).
fn request(operation: u32, payload: &[Vec<u8>]) -> Vec<u8> {
    let version = structure(0x42_00_69, &[integer(0x42_00_6A, 1), integer(0x42_00_6B, 2)]);
    let header = structure(0x42_00_77, &[version, integer(0x42_00_0D, 1)]);
    let operation = enumeration(0x42_00_5C, operation);
    let batch_item = structure(0x42_00_0F, &[operation, structure(0x42_00_79, payload)]);
    structure(0x42_00_78, &[header, batch_item])
}

fn discover_versions() -> Vec<u8> {
    request(0x1E, &[])
}

/// Asks which operations there are.
fn query() -> Vec<u8> {
    request(0x18, &[enumeration(0x42_00_74, 1)])
}

fn contains(answer: &[u8], item: &[u8]) -> bool {
    answer.windows(item.len()).any(|window| window == item)
}

/// Says whether an answer says that its operation succeeded.
fn is_success(answer: &[u8]) -> bool {
    contains(answer, &enumeration(0x42_00_7F, 0))
}

const BASIC: &[&str] = &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"];
const TLS11: &[&str] = &["-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0"];
const TLS12: &[&str] = &["-tls1_2", "-cipher", "AES128-SHA256"];
const STATIC: &[&str] = &["-tls1_2", "-cipher", "AES256-SHA256"];
const TLS13: &[&str] = &["-tls1_3"];

#[test]
fn basic_answers_requests_over_every_version_of_tls() {
    if !client_is_there() {
        return;
    }
    let server = Server::start("Basic", &[]);
    for options in [BASIC, TLS11, TLS12, STATIC, TLS13] {
        let answer = server.ask(&discover_versions(), options, Some("one"));
        assert!(is_success(&answer), "{options:?}: {answer:02x?}");
        assert!(contains(&answer, &integer(0x42_00_6B, 4)), "{options:?}: {answer:02x?}");
        let answer = server.ask(&query(), options, Some("one"));
        assert!(is_success(&answer), "{options:?}: {answer:02x?}");
        assert!(contains(&answer, &enumeration(0x42_00_5C, 0x0A)), "{options:?}: {answer:02x?}");
    }
    for options in [BASIC, TLS12, TLS13] {
        assert!(server.ask(&query(), options, None).is_empty(), "{options:?}");
    }
}

#[test]
fn tls12_answers_requests_from_tls_1_2_on() {
    if !client_is_there() {
        return;
    }
    let server = Server::start("TLS1.2", &[]);
    for options in [TLS12, STATIC, TLS13] {
        let answer = server.ask(&query(), options, Some("one"));
        assert!(is_success(&answer), "{options:?}: {answer:02x?}");
    }
    for options in [BASIC, TLS11] {
        assert!(server.ask(&query(), options, Some("one")).is_empty(), "{options:?}");
    }
    // A certificate that the authority did not issue.
    assert!(server.ask(&query(), TLS12, Some("client")).is_empty());
}

#[test]
fn cipher_suites_narrow_the_authentication_suite() {
    if !client_is_there() {
        return;
    }
    let names =
        r#"listen.kmip.cipher_suites=["TLS_RSA_WITH_AES_128_CBC_SHA256", "AES256-GCM-SHA384"]"#;
    let directory = tempfile::tempdir().unwrap();
    let made = make(directory.path());
    let mut refused = program();
    refused.args(["serve", "--config"]).arg(made.join("kmip-app.toml"));
    refused.args(["--set", "listen.kmip.auth_suite=TLS1.2", "--set", names]);
    refused.args(["--set", "listen.kmip.strict_suites=true"]);
    let error = String::from_utf8(refused.output().unwrap().stderr).unwrap();
    let expected = "listen.kmip.cipher_suites: there is no cipher suite \"AES256-GCM-SHA384\"";
    assert!(error.contains(expected), "{error}");

    // Unless that is asked for, what is not there is left out.
    let server = Server::start("TLS1.2", &[names]);
    assert!(is_success(&server.ask(&query(), TLS12, Some("one"))));
    assert!(is_success(&server.ask(&query(), TLS13, Some("one"))));
    assert!(server.ask(&query(), STATIC, Some("one")).is_empty());
}

#[test]
fn the_programs_own_client_is_served_too() {
    if !client_is_there() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let made = make(directory.path());
    let mut server = program()
        .args(["serve", "--set", "listen.kmip.auth_suite=TLS1.2", "--config"])
        .arg(made.join("kmip-app.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
    let output = program()
        .args(["client", "--address", &address, "--config"])
        .arg(made.join("client.toml"))
        .arg("query")
        .output()
        .unwrap();
    let _ = server.kill();
    server.wait().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
