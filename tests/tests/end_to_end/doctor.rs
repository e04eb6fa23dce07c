//! `kmip-app doctor` on real directories and servers: what is sound, and one broken thing at a time.
//! It changes nothing, whatever it finds.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use kmip_model::{DateTime, Material};
use kmip_tests::clock;
use kmip_tests::postgres;
use kmip_tests::program::{self, Program};
use kmip_tests::server::Directory;
use kmip_x509::{CertificateAuthority, revocation::RevocationList};
use serde_json::Value;

const DAY: i64 = 86_400;

/// What the doctor found: whether it succeeded, and each finding as status, check and detail.
#[derive(Debug)]
struct Found {
    success: bool,
    findings: Vec<(String, String, String)>,
}

impl Found {
    fn with(&self, status: &str) -> Vec<String> {
        let found = self.findings.iter().filter(|finding| finding.0 == status);
        found.map(|(_, check, detail)| format!("{check}: {detail}")).collect()
    }

    fn says(&self, status: &str, words: &str) -> bool {
        self.with(status).iter().any(|finding| finding.contains(words))
    }
}

/// Asks for an opinion in JSON.
fn doctor(program: &Path, directory: &Directory, more: &[&str]) -> Found {
    let config = directory.config_file();
    let mut command = Command::new(program);
    command.args(["doctor", "--json", "--config"]).arg(config).args(more);
    let output = command.output().expect("the program can be started");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let text = |finding: &Value, key: &str| {
        finding.get(key).and_then(Value::as_str).expect("it is text").to_owned()
    };
    let findings = said.get("checks").and_then(Value::as_array).expect("there is a list");
    let findings = findings
        .iter()
        .map(|it| (text(it, "status"), text(it, "check"), text(it, "detail")))
        .collect();
    let sound = said.get("sound").and_then(Value::as_bool);
    assert_eq!(sound, Some(output.status.success()));
    Found { success: output.status.success(), findings }
}

/// Every file below a directory with what is in it.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("it can be read"));
        }
    }
    found
}

fn found_program() -> Option<PathBuf> {
    let program = program::path();
    if program.is_none() {
        println!("skipped: doctor: the program kmip-app is not built");
    }
    program
}

fn at(program: &Program) -> String {
    format!("listen.kmip.address={}", program.address())
}

fn now() -> DateTime {
    DateTime(clock::now())
}

#[test]
fn a_sound_server_is_sound_and_every_product_is_answered() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let found = doctor(&program, &directory, &["--set", &at(&server), "--name", "localhost"]);
    assert!(found.success && found.with("failed").is_empty(), "{found:?}");
    for words in [
        "configuration: it loads",
        "TLS: the files can be used",
        "server certificate names: 127.0.0.1, localhost",
        "server certificate chain: complete",
        "store: a server runs",
        "root key: the server has opened every data key (1) with the one in the file",
        "presented certificate: it is the one in the configured file",
        "client authentication: who has no certificate is refused",
        "TLS session: TLSv1_3",
        "TLS 1.2 session: TLS_ECDHE",
        "protocol versions: 2.1, 2.0, 1.4, 1.3, 1.2, 1.1, 1.0",
        "opens as VMware vSphere: KMIP 1.1: DiscoverVersions, Query",
        "opens as Percona Server for MySQL: KMIP 1.0: Locate, Query",
    ] {
        assert!(found.says("ok", words), "{words} in {found:#?}");
    }
    let products =
        found.with("ok").iter().filter(|finding| finding.starts_with("opens as ")).count();
    assert_eq!(products, 19);
    // Nothing was made.
    let mut list = Command::new(&program);
    list.args(["object", "list", "--json", "--config"]).arg(directory.config_file());
    let listed = list.output().unwrap();
    assert!(listed.status.success() && listed.stdout.is_empty(), "{listed:?}");
}

#[test]
fn without_a_server_everything_else_is_looked_at_and_nothing_changed() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let before = contents(&directory.path());
    let found = doctor(&program, &directory, &[]);
    assert_eq!(contents(&directory.path()), before);
    assert!(found.success && found.with("failed").is_empty(), "{found:?}");
    assert!(found.says("skipped", "running server: nothing answers at 127.0.0.1"), "{found:?}");
    assert!(found.says("ok", "root key: it opens every data key of the store"), "{found:?}");
    assert!(found.says("ok", "store: schema "), "{found:?}");

    // For people it is a line for each, and a sum.
    let config = directory.config_file();
    let said = Command::new(&program).args(["doctor", "--config"]).arg(config).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("\nok       root key ") && said.contains("  it opens"), "{said}");
    assert!(said.trim_end().ends_with("to be looked at"), "{said}");
}

#[test]
fn what_was_killed_is_looked_at_too() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    Program::serve(&program, &directory, &[]).unwrap().kill();
    let found = doctor(&program, &directory, &[]);
    assert!(found.success && found.with("failed").is_empty(), "{found:?}");
    assert!(found.says("ok", "root key: it opens every data key of the store"), "{found:?}");
}

#[test]
fn a_database_that_servers_share_is_looked_into_beside_them() {
    let Some(program) = found_program() else { return };
    let Some(postgres) = postgres::shared() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = runtime.block_on(postgres.database());
    let directory = Directory::make();
    let key = directory.path().join("shared.key");
    let url = format!("storage.url={url}");
    let root_key = format!("root_key.file={}", key.display());
    let settings = ["--set", url.as_str(), "--set", root_key.as_str()];
    // An empty database is told, and stays one.
    let found = doctor(&program, &directory, &settings);
    assert!(found.says("failed", "store: the database") && !key.exists(), "{found:?}");

    let server = Program::serve(&program, &directory, &settings).unwrap();
    let address = at(&server);
    let all = [&settings[..], &["--set", &address]].concat();
    let found = doctor(&program, &directory, &all);
    assert!(found.success && found.with("failed").is_empty(), "{found:?}");
    assert!(found.says("ok", "store: schema ") && found.says("ok", "opens as Krill"), "{found:?}");
    assert!(found.says("ok", "root key: it opens every data key"), "{found:?}");
    assert!(!format!("{found:?}").contains("postgres://"), "{found:?}");

    fs::copy(directory.path().join("root.key"), &key).unwrap();
    let found = doctor(&program, &directory, &all);
    assert!(found.says("failed", "root key: the store was sealed under another"), "{found:?}");
}

/// The files of a directory, to be spoilt.
struct Spoilt {
    directory: Directory,
    authority: CertificateAuthority,
}

impl Spoilt {
    fn new() -> Self {
        let directory = Directory::make();
        let read = |name| fs::read(directory.path().join("pki").join(name)).expect("it is there");
        let certificate = String::from_utf8(read("ca.crt")).expect("it is PEM");
        let authority = CertificateAuthority::load(&certificate, &Material::new(read("ca.key")));
        Self { authority: authority.expect("it is an authority"), directory }
    }

    fn pki(&self, name: &str) -> PathBuf {
        self.directory.path().join("pki").join(name)
    }

    fn root_key(&self) -> PathBuf {
        self.directory.path().join("root.key")
    }

    /// Gives the server another certificate and its key.
    fn serve_by(&self, authority: &CertificateAuthority, name: &str, at: DateTime) {
        let issued = authority.issue_server(&[name.to_owned()], at).expect("it is issued");
        put(&self.pki("server.crt"), issued.certified.certificate);
        put(&self.pki("server.key"), issued.key.expose());
    }

    /// Puts a file of certificates in the place of another.
    fn exchange(&self, name: &str, other: &str) {
        put(&self.pki(name), fs::read(self.pki(other)).expect("it is there"));
    }

    fn revoke_by(&self, authority: &CertificateAuthority, at: DateTime) {
        let empty = RevocationList { number: 1, next_update: None, entries: Vec::new() };
        put(&self.pki("ca.crl"), authority.sign_list(&empty, 30, at).expect("it is issued"));
    }

    fn add(path: &Path, text: &str) {
        let before = fs::read_to_string(path).expect("it is there");
        put(path, before + text);
    }
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).expect("it can be written");
}

fn remove(path: &Path) {
    fs::remove_file(path).expect("it can be removed");
}

/// Lets a file have been written so many seconds from now.
fn touch(path: &Path, seconds: i64) {
    let at = Duration::from_secs(now().0.saturating_add(seconds).unsigned_abs());
    let at = UNIX_EPOCH.checked_add(at).expect("it is soon");
    let file = fs::File::options().append(true).open(path).expect("it is ours");
    file.set_modified(at).expect("it is ours");
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).expect("it is ours");
}

fn stranger() -> CertificateAuthority {
    CertificateAuthority::create("a stranger", now()).expect("it can be made")
}

/// Spoils one thing; then what the doctor says of it, and how.
type Case = (fn(&Spoilt), &'static str, &'static str);

const CERTIFICATES: [Case; 12] = [
    (
        |it| it.serve_by(&it.authority, "127.0.0.1", DateTime(now().0 - 800 * DAY)),
        "failed",
        "server certificate dates: CN=127.0.0.1 expired at",
    ),
    (
        |it| it.serve_by(&it.authority, "127.0.0.1", DateTime(now().0 + 2 * DAY)),
        "failed",
        "server certificate dates: CN=127.0.0.1 counts from",
    ),
    (
        |it| it.serve_by(&it.authority, "127.0.0.1", DateTime(now().0 - 710 * DAY)),
        "warning",
        "server certificate dates: CN=127.0.0.1 expires at",
    ),
    (
        |it| it.serve_by(&it.authority, "other.example", now()),
        "failed",
        "server certificate names: it is not for 127.0.0.1",
    ),
    (
        |it| {
            it.exchange("server.crt", "client.crt");
            it.exchange("server.key", "client.key");
        },
        "failed",
        "server certificate purpose: CN=client is not for servers",
    ),
    (
        |it| it.serve_by(&stranger(), "127.0.0.1", now()),
        "warning",
        "server certificate chain: it ends at CN=127.0.0.1, issued by CN=a stranger",
    ),
    (
        |it| Spoilt::add(&it.pki("server.crt"), stranger().certificate()),
        "failed",
        "server certificate chain: CN=localhost is followed by CN=a stranger",
    ),
    (|it| it.exchange("server.key", "client.key"), "failed", "TLS: the private key in"),
    (
        |it| it.exchange("ca.crt", "server.crt"),
        "warning",
        "client CA: CN=localhost is the server's own certificate",
    ),
    (|it| it.exchange("ca.crt", "client.crt"), "failed", "client CA: CN=client is no authority"),
    (|it| it.revoke_by(&stranger(), now()), "failed", "no configured authority has signed it"),
    (
        |it| it.revoke_by(&it.authority, DateTime(now().0 - 100 * DAY)),
        "warning",
        "the next one was due at",
    ),
];

const OTHERS: [Case; 9] = [
    (|it| open_to_all(&it.pki("server.key")), "failed", "server private key: "),
    (|it| open_to_all(&it.root_key()), "failed", "root key source: "),
    (
        |it| {
            let other = fs::read(Directory::make().path().join("root.key"));
            put(&it.root_key(), other.expect("it is there"));
        },
        "failed",
        "root key: the store was sealed under another root key",
    ),
    (|it| remove(&it.root_key()), "failed", "root key: the root key"),
    (|it| touch(&it.directory.store(), DAY), "failed", "clock: it is"),
    (|it| remove(&it.directory.store()), "failed", "store: there is no database at"),
    (
        |it| {
            remove(&it.directory.store());
            remove(&it.root_key());
        },
        "warning",
        "store: there is none at",
    ),
    (|it| put(&it.directory.store(), "junk".repeat(1_000)), "failed", "store: the file"),
    (
        |it| Spoilt::add(&it.directory.config_file(), "\n[nonsense]\nkey = 1\n"),
        "failed",
        "configuration: configuration: there is no key \"nonsense\"",
    ),
];

#[test]
fn each_broken_thing_is_told_and_left_as_it_is() {
    let Some(program) = found_program() else { return };
    for (spoil, status, words) in CERTIFICATES.into_iter().chain(OTHERS) {
        let it = Spoilt::new();
        spoil(&it);
        let list = it.pki("ca.crl");
        let crls = format!("listen.kmip.crls=[{:?}]", list.display().to_string());
        let more: &[&str] = if list.exists() { &["--set", &crls] } else { &[] };
        let before = contents(&it.directory.path());
        let found = doctor(&program, &it.directory, more);
        assert!(found.says(status, words), "{words} in {found:#?}");
        assert_eq!(found.success, found.with("failed").is_empty());
        assert!(status != "failed" || !found.success);
        assert_eq!(contents(&it.directory.path()), before, "{words}");
    }
}

#[test]
fn a_certificate_that_was_renewed_and_not_taken_is_noticed() {
    let Some(program) = found_program() else { return };
    let it = Spoilt::new();
    let server = Program::serve(&program, &it.directory, &[]).unwrap();
    // Without its key, so that the server goes on with what it has.
    let renewed = it.authority.issue_server(&["127.0.0.1".to_owned()], now()).unwrap();
    put(&it.pki("server.crt"), renewed.certified.certificate);
    let found = doctor(&program, &it.directory, &["--set", &at(&server)]);
    assert!(!found.success && found.says("failed", "TLS: the private key in"), "{found:?}");
    assert!(found.says("warning", "presented certificate: it is another one"), "{found:?}");
}

#[test]
fn a_server_without_its_control_socket_is_told_and_the_rest_looked_at() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    fs::remove_file(directory.path().join("control.sock")).unwrap();
    let found = doctor(&program, &directory, &["--set", &at(&server)]);
    assert!(!found.success);
    assert!(found.says("failed", "open, and there is no control socket beside it"), "{found:?}");
    assert!(found.says("ok", "opens as Krill"), "{found:?}");
}

#[test]
fn a_client_that_the_server_does_not_know_is_refused_in_words() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let other = Directory::make();
    let [certificate, key, _] =
        other.identity("client").map(|path| path.into_os_string().into_string().unwrap());
    let identity = ["--client-certificate", &certificate, "--client-key", &key];
    let address = at(&server);
    let found = doctor(&program, &directory, &[&["--set", &address], &identity[..]].concat());
    assert!(!found.success);
    assert!(found.says("failed", "client certificate: "), "{found:?}");
    assert!(found.says("failed", "the server refuses the connection"), "{found:?}");
    assert!(!found.findings.iter().any(|finding| finding.1.starts_with("opens as")), "{found:?}");
}

#[test]
fn products_that_only_the_newest_tls_would_shut_out_are_told() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let suites = "listen.kmip.cipher_suites=[\"ECDHE-RSA-AES256-GCM-SHA384\"]";
    // The server's key is none of RSA, so this suite is of no use with it.
    let server = Program::serve(&program, &directory, &["--set", suites]).unwrap();
    let found = doctor(&program, &directory, &["--set", &at(&server)]);
    assert!(found.success, "{found:?}");
    assert!(found.says("warning", "products that do not know TLS 1.3 cannot connect"), "{found:?}");
}

#[test]
fn a_port_that_speaks_something_else_is_not_taken_for_the_server() {
    let Some(program) = found_program() else { return };
    let directory = Directory::make();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::Write as _;
        // One connection that is tried, one without and one with a certificate.
        for stream in listener.incoming().take(3).map_while(Result::ok) {
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let found = doctor(&program, &directory, &["--set", &format!("listen.kmip.address={address}")]);
    answering.join().unwrap();
    assert!(!found.success);
    assert!(found.says("failed", "TLS session: TLS with"), "{found:?}");
}
