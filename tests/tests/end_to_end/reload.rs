//! What is taken while the server runs: certificates, trust, accounts, policies, limits; and what of
//! no use leaves as it was.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use kmip_app::Config;
use kmip_app::reload::{Outcome, Part};
use kmip_model::enumeration::{Operation, ResultStatus};
use kmip_tests::connection::{Connection, ConnectionError, Target, TlsVersions};
use kmip_tests::program::{self, Program};
use kmip_tests::server::Directory;
use kmip_tests::{Request, TestServer};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::common::{create_aes, new_key};

const VERSION: (i32, i32) = (1, 4);

/// Far more than a change takes to come into force.
const GENEROUS: Duration = Duration::from_secs(30);

/// The serial number of a client's certificate.
const ALICE: u8 = 7;

/// An authority of the test's own, which can revoke.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority can be made"))
    }

    /// Issues a certificate into a development directory, under a name.
    fn issue(&self, directory: &Directory, name: &str, serial: u8) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("these are names");
        params.distinguished_name = common_name(name);
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.0).expect("it can be signed");
        let [certificate_file, key_file, _] = directory.identity(name);
        // The key first: until the certificate follows, the two do not fit.
        write(&key_file, &key.serialize_pem());
        write(&certificate_file, &certificate.pem());
    }

    fn write(&self, path: &Path) {
        write(path, &self.0.pem());
    }

    fn revoke(&self, path: &Path, serials: &[u8]) {
        let revoked = |serial: &u8| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*serial]),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.0).expect("a list can be signed");
        write(path, &list.pem().expect("a list has a text form"));
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
}

/// A development directory whose certificates an authority of the test's own has issued, and the
/// authority.
fn directory() -> (Arc<Directory>, Authority) {
    let directory = Directory::make();
    let authority = Authority::new("first");
    for (name, serial) in [("server", 1), ("alice", ALICE), ("bob", 8)] {
        authority.issue(&directory, name, serial);
    }
    authority.write(&pki(&directory, "ca.crt"));
    (Arc::new(directory), authority)
}

fn pki(directory: &Directory, name: &str) -> PathBuf {
    directory.path().join("pki").join(name)
}

/// Waits until something holds, which it must.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < GENEROUS, "{what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn count(server: &TestServer, part: Part, outcome: Outcome) -> u64 {
    let counts = server.reload().counts();
    counts.iter().filter(|it| (it.0, it.1) == (part, outcome)).map(|it| it.2).sum()
}

/// Does something, and waits until a part was read again with this result.
fn after(server: &TestServer, part: Part, outcome: Outcome, act: impl FnOnce()) {
    let before = count(server, part, outcome);
    act();
    until(part.name(), || count(server, part, outcome) > before);
}

fn is_answered(connection: &mut Connection) -> bool {
    match connection
        .exchange(&Request::one(VERSION, Operation::Create, create_aes(vec![])).message())
    {
        Ok(_) => true,
        Err(ConnectionError::Broken(_)) => false,
        Err(other) => panic!("not the end of a connection: {other}"),
    }
}

/// Says whether a client gets a connection and an answer on it; in TLS 1.3 a refusal comes late.
fn gets_in(target: &Target) -> bool {
    Connection::open(target, TlsVersions::Any).is_ok_and(|mut open| is_answered(&mut open))
}

#[test]
fn a_new_certificate_is_shown_to_the_next_connection_and_open_ones_go_on() {
    let (directory, authority) = directory();
    let server = TestServer::on(Arc::clone(&directory), |_| {});
    let mut open = server.connect("alice");
    let first = open.server_certificate();
    after(&server, Part::Certificate, Outcome::Taken, || {
        authority.issue(&directory, "server", 2);
    });
    until("the new certificate", || server.connect("alice").server_certificate() != first);
    assert!(is_answered(&mut open));
    assert_eq!(open.server_certificate(), first);
    let left = server.reload().certificate_days_left();
    assert_eq!(left.iter().map(|it| it.0).collect::<Vec<_>>(), ["server", "client_ca"]);
    assert!(left.iter().all(|it| it.1 > 365), "{left:?}");
}

#[test]
fn a_certificate_without_its_key_keeps_the_old_one_and_revocation_does_not_wait_for_it() {
    let (directory, authority) = directory();
    let crl = pki(&directory, "ca.crl");
    authority.revoke(&crl, &[]);
    let server = TestServer::on(Arc::clone(&directory), |config| {
        config.listen.kmip.crls = vec![crl.clone()];
    });
    let first = server.connect("bob").server_certificate();
    let mut open = server.connect("alice");
    assert!(is_answered(&mut open));
    let key = KeyPair::generate().expect("a key can be made").serialize_pem();
    after(&server, Part::Certificate, Outcome::Kept, || {
        write(&directory.identity("server")[1], &key);
    });
    assert_eq!(server.connect("bob").server_certificate(), first);
    after(&server, Part::Trust, Outcome::Taken, || authority.revoke(&crl, &[ALICE]));
    assert!(!is_answered(&mut open));
    assert!(!gets_in(&directory.target(server.address(), "alice")));
    assert!(is_answered(&mut server.connect("bob")));
}

#[test]
fn a_revoked_client_is_shut_out_and_a_list_of_no_use_changes_nothing() {
    let (directory, authority) = directory();
    let [one, other] = ["ca.crl", "other.crl"].map(|name| pki(&directory, name));
    authority.revoke(&one, &[]);
    let elsewhere = Authority::new("elsewhere");
    elsewhere.revoke(&other, &[]);
    let server = TestServer::on(Arc::clone(&directory), |config| {
        config.listen.kmip.crls = vec![one.clone(), other.clone()];
    });
    let target = directory.target(server.address(), "alice");
    let (mut alice, mut bob) = (server.connect("alice"), server.connect("bob"));
    assert!(is_answered(&mut alice) && is_answered(&mut bob));
    // One list goes bad, and still the other is taken.
    after(&server, Part::Trust, Outcome::Kept, || write(&other, "no list"));
    assert!(is_answered(&mut alice));
    let kept = count(&server, Part::Trust, Outcome::Kept);
    authority.revoke(&one, &[ALICE]);
    until("the list", || count(&server, Part::Trust, Outcome::Kept) > kept);
    assert!(!is_answered(&mut alice) && is_answered(&mut bob));
    assert!(!gets_in(&target));
    // A list that is gone revokes as before.
    after(&server, Part::Trust, Outcome::Kept, || {
        fs::remove_file(&one).expect("the file is there");
    });
    assert!(!gets_in(&target));
    elsewhere.revoke(&other, &[]);
    after(&server, Part::Trust, Outcome::Taken, || authority.revoke(&one, &[]));
    assert!(gets_in(&target));
}

#[test]
fn who_asks_the_admin_port_is_shut_out_by_a_list() {
    let (directory, authority) = directory();
    let crl = pki(&directory, "admin.crl");
    authority.revoke(&crl, &[]);
    let [certificate, key, client_ca] = directory.identity("server");
    let server = TestServer::on(Arc::clone(&directory), |config| {
        let admin = &mut config.listen.admin;
        (admin.certificate, admin.key) = (Some(certificate), Some(key));
        (admin.client_ca, admin.crls) = (Some(client_ca), vec![crl.clone()]);
    });
    // In TLS 1.3 a refusal comes after the handshake.
    let is_told = |name: &str| {
        let target = directory.target(server.admin_address(), name);
        Connection::open(&target, TlsVersions::Any).is_ok_and(|mut open| {
            let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            open.send(request.as_bytes()).is_ok() && open.rest().starts_with("HTTP/1.1 200 ")
        })
    };
    assert!(is_told("alice") && is_told("bob"));
    after(&server, Part::Admin, Outcome::Taken, || authority.revoke(&crl, &[ALICE]));
    assert!(!is_told("alice") && is_told("bob"));
    // A list of no use goes on saying what it said; the port of KMIP has lists of its own.
    after(&server, Part::Admin, Outcome::Kept, || write(&crl, "no list"));
    assert!(!is_told("alice") && is_told("bob"));
    assert!(gets_in(&directory.target(server.address(), "alice")));
}

#[test]
fn another_authority_is_trusted_and_the_clients_of_the_old_one_are_not() {
    let (directory, authority) = directory();
    let server = TestServer::on(Arc::clone(&directory), |_| {});
    let old = directory.target(server.address(), "alice");
    let mut open = server.connect("alice");
    assert!(is_answered(&mut open));
    let ca = pki(&directory, "ca.crt");
    after(&server, Part::Trust, Outcome::Kept, || write(&ca, "no certificate"));
    assert!(is_answered(&mut open) && gets_in(&old));
    let second = Authority::new("second");
    second.issue(&directory, "bob", 3);
    let new = {
        // The server's own certificate is still of the first.
        let [certificate, key, _] = directory.identity("bob");
        let first = pki(&directory, "first.crt");
        authority.write(&first);
        let files: [&Path; 3] = [&certificate, &key, &first];
        Target::new("127.0.0.1", server.address().port(), files).expect("they are good")
    };
    assert!(!gets_in(&new));
    after(&server, Part::Trust, Outcome::Taken, || second.write(&ca));
    assert!(gets_in(&new) && !gets_in(&old) && !is_answered(&mut open));
}

#[test]
fn a_directory_that_is_exchanged_by_a_link_is_noticed() {
    // As Kubernetes does it: the files are links through `..data`, which is renamed over.
    let (directory, authority) = directory();
    let mount = directory.path().join("mount");
    let fill = |version: &str| {
        let place = mount.join(version);
        fs::create_dir_all(&place).expect("a directory can be made");
        for file in ["server.crt", "server.key"] {
            fs::copy(pki(&directory, file), place.join(file)).expect("a file can be copied");
        }
        let new = mount.join("..new");
        symlink(version, &new).expect("a link can be made");
        fs::rename(&new, mount.join("..data")).expect("a link can be renamed");
    };
    fill("..1");
    for file in ["server.crt", "server.key"] {
        symlink(format!("..data/{file}"), mount.join(file)).expect("a link can be made");
    }
    let server = TestServer::on(Arc::clone(&directory), |config| {
        config.listen.kmip.certificate = Some(mount.join("server.crt"));
        config.listen.kmip.key = Some(mount.join("server.key"));
    });
    for (serial, version) in [(2, "..2"), (3, "..3")] {
        let before = server.connect("alice").server_certificate();
        authority.issue(&directory, "server", serial);
        fill(version);
        until(version, || server.connect("alice").server_certificate() != before);
    }
    assert_eq!(count(&server, Part::Certificate, Outcome::Kept), 0);
}

/// Sends the configuration that the server was started with, changed.
fn change(server: &TestServer, change: impl FnOnce(&mut Config)) {
    let mut config = server.config().clone();
    change(&mut config);
    server.reload().configuration(config);
}

#[test]
fn limits_are_for_the_next_message_and_limits_of_no_use_are_kept() {
    let server = TestServer::in_memory();
    let mut open = server.connect("alice");
    let id = new_key(&mut open, Vec::new());
    after(&server, Part::Limits, Outcome::Kept, || {
        change(&server, |config| config.limits.message_bytes = 1);
    });
    assert!(is_answered(&mut open));
    after(&server, Part::Limits, Outcome::Taken, || {
        change(&server, |config| config.limits.response_bytes = 64);
    });
    let get = Request::one(VERSION, Operation::Get, vec![kmip_tests::request::identifier(&id)]);
    assert_eq!(open.ask(&get).status(0), ResultStatus::OperationFailed);
    after(&server, Part::Limits, Outcome::Taken, || change(&server, |_| {}));
    assert_eq!(open.ask(&get).status(0), ResultStatus::Success);
    after(&server, Part::Limits, Outcome::Taken, || {
        change(&server, |config| config.limits.connections = 1);
    });
    assert!(!gets_in(&server.directory().target(server.address(), "bob")));
    assert!(is_answered(&mut open));
}

#[test]
fn what_is_forbidden_is_told_as_the_new_configuration_says() {
    let server = TestServer::in_memory();
    let id = new_key(&mut server.connect("alice"), Vec::new());
    let get = Request::one(VERSION, Operation::Get, vec![kmip_tests::request::identifier(&id)]);
    let mut bob = server.connect("bob");
    let unknown = bob.ask(&get).reason();
    after(&server, Part::Policies, Outcome::Kept, || {
        change(&server, |config| config.policy.path = Some("/no/such/place".into()));
    });
    assert_eq!(bob.ask(&get).reason(), unknown);
    after(&server, Part::Policies, Outcome::Taken, || {
        change(&server, |config| config.policy.reveal_forbidden = true);
    });
    assert_ne!(bob.ask(&get).reason(), unknown);
}

#[test]
fn groups_are_read_again_and_a_file_of_no_use_keeps_them() {
    let directory = Arc::new(Directory::make());
    let [policies, groups] = ["policy.json", "groups.toml"].map(|name| directory.path().join(name));
    write(
        &policies,
        r#"{"shared": {"groups": {"team": {"SYMMETRIC_KEY": {"GET": "ALLOW_ALL"}}}}}"#,
    );
    write(&groups, "bob = []\n");
    let server = TestServer::on(directory, |config| {
        config.policy.path = Some(policies);
        config.auth.groups_file = Some(groups.clone());
    });
    let name = kmip_tests::request::text_attribute("Operation Policy Name", "shared");
    let id = new_key(&mut server.connect("alice"), vec![name]);
    let get = Request::one(VERSION, Operation::Get, vec![kmip_tests::request::identifier(&id)]);
    let mut bob = server.connect("bob");
    assert_eq!(bob.ask(&get).status(0), ResultStatus::OperationFailed);
    after(&server, Part::Access, Outcome::Taken, || write(&groups, "bob = [\"team\"]\n"));
    until("the group", || bob.ask(&get).status(0) == ResultStatus::Success);
    after(&server, Part::Access, Outcome::Kept, || write(&groups, "bob = 7\n"));
    assert_eq!(bob.ask(&get).status(0), ResultStatus::Success);
    after(&server, Part::Access, Outcome::Taken, || write(&groups, "bob = []\n"));
    until("no group", || bob.ask(&get).status(0) == ResultStatus::OperationFailed);
}

/// Sends a signal to a running program.
fn signal(program: &Program, signal: &str) {
    let command = format!("kill -{signal} {}", program.id());
    let sent = Command::new("sh").args(["-c", &command]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{command}");
}

#[test]
fn a_signal_has_the_program_read_its_configuration_again() {
    let Some(path) = program::path() else {
        println!("the program is not built: nothing is tested here");
        return;
    };
    let (directory, authority) = directory();
    let log = directory.path().join("log");
    // Two of the settings of the command line go on standing above the file.
    let more = ["--set", "log.level=info", "--set", "limits.drain_seconds=2"];
    let program = Program::serve_logging(&path, &directory, &more, &log)
        .unwrap_or_else(|complaint| panic!("{complaint}"));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let target = directory.target(program.address(), "alice");
    let first =
        Connection::open(&target, TlsVersions::Any).expect("it listens").server_certificate();

    let file = directory.config_file();
    let good = fs::read_to_string(&file).expect("the configuration can be read");
    let other = good.replacen("connections = 1024", "connections = 77", 1);
    assert_ne!(good, other);
    let other = other.replacen("interop = false", "interop = true", 1);
    authority.issue(&directory, "server", 2);
    write(&file, &other);
    signal(&program, "HUP");
    until("the signal", || said().contains("SIGHUP"));
    until("the limits", || said().contains("part=\"limits\""));
    until("the key that needs a start", || said().contains("operations.interop"));
    until("the new certificate", || {
        Connection::open(&target, TlsVersions::Any)
            .is_ok_and(|connection| connection.server_certificate() != first)
    });

    // A configuration of no use is named, and everything goes on.
    write(&file, "[limits]\nconections = 1\n");
    until("the complaint", || said().contains("conections") && said().contains("of no use"));
    assert!(gets_in(&target));
    write(&file, &good);
    let status = program.signal("TERM");
    assert!(status.success(), "{}", said());
}

#[test]
fn pykmips_configuration_is_read_again_too() {
    let Some(path) = program::path() else {
        println!("the program is not built: nothing is tested here");
        return;
    };
    let (directory, authority) = directory();
    let [certificate, key, ca] = directory.identity("server").map(|it| it.display().to_string());
    let file = directory.path().join("server.conf");
    let configuration = |level: &str| {
        format!(
            "[server]\nhostname=127.0.0.1\nport=5696\ncertificate_path={certificate}\n\
             key_path={key}\nca_path={ca}\nauth_suite=TLS1.2\nlogging_level={level}\n\
             database_path={}\n",
            directory.path().join("pykmip.db").display()
        )
    };
    write(&file, &configuration("INFO"));
    let log = directory.path().join("log");
    let mut command = Command::new(&path);
    command.args(["pykmip-server", "--set", "listen.kmip.address=127.0.0.1:0", "-f"]).arg(&file);
    command.arg("-l").arg(&log).stderr(Stdio::null());
    let program = Program::run(&mut command).unwrap_or_else(|it| panic!("{it}"));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let target = directory.target(program.address(), "alice");
    let first =
        Connection::open(&target, TlsVersions::Any).expect("it listens").server_certificate();
    write(&file, &configuration("DEBUG"));
    until("the level", || said().contains("part=\"log_level\""));
    authority.issue(&directory, "server", 2);
    until("the new certificate", || {
        Connection::open(&target, TlsVersions::Any)
            .is_ok_and(|connection| connection.server_certificate() != first)
    });
    write(&file, "[server]\nhostname=127.0.0.1\n");
    signal(&program, "HUP");
    until("the complaint", || said().contains("part=\"configuration\" error="));
    assert!(gets_in(&target));
    assert!(program.signal("TERM").success());
}

#[test]
fn the_log_level_changes_with_the_configuration_file() {
    let Some(path) = program::path() else {
        println!("the program is not built: nothing is tested here");
        return;
    };
    let directory = Directory::make();
    let log = directory.path().join("log");
    let mut command = Command::new(&path);
    command.args(["serve", "--config"]).arg(directory.config_file());
    let error = fs::File::create(&log).expect("a file can be made");
    let program = Program::run(command.stderr(error)).unwrap_or_else(|it| panic!("{it}"));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let file = directory.config_file();
    let good = fs::read_to_string(&file).expect("the configuration can be read");
    write(&file, &good.replacen("level = \"info\"", "level = \"debug\"", 1));
    until("the level", || said().contains("part=\"log_level\""));
    assert!(gets_in(&directory.target(program.address(), "client")));
    until("what is told only now", || said().contains("DEBUG"));
    write(&file, &good.replacen("level = \"info\"", "level = \"kmip_app=loud\"", 1));
    until("the complaint", || said().contains("kmip_app=loud"));
    assert!(program.signal("TERM").success());
}

#[test]
fn accounts_are_read_again_only_if_nobody_else_can_read_them() {
    let directory = Arc::new(Directory::make());
    let accounts = directory.path().join("accounts.toml");
    write(&accounts, "");
    fs::set_permissions(&accounts, Permissions::from_mode(0o600)).expect("it is ours");
    let server = TestServer::on(directory, |config| {
        config.auth.accounts_file = Some(accounts.clone());
    });
    after(&server, Part::Access, Outcome::Kept, || {
        fs::set_permissions(&accounts, Permissions::from_mode(0o644)).expect("it is ours");
        let mut file = fs::OpenOptions::new().append(true).open(&accounts).expect("it is there");
        file.write_all(b"# open to all\n").expect("it can be written");
    });
    after(&server, Part::Access, Outcome::Taken, || {
        fs::set_permissions(&accounts, Permissions::from_mode(0o600)).expect("it is ours");
    });
}
