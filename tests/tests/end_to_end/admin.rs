//! The admin port of a whole server: what probes and scrapers ask, and who may.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use kmip_app::config::Address;
use kmip_tests::TestServer;
use kmip_tests::connection::{Connection, TlsVersions};
use kmip_tests::server::{Directory, refusal};

/// Far more than an answer takes.
const GENEROUS: Duration = Duration::from_secs(30);

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Asks in the clear, and returns the whole answer; nothing if there is nobody.
fn ask(address: SocketAddr, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    stream.set_read_timeout(Some(GENEROUS)).expect("it is a time");
    let mut answer = String::new();
    // The server may have gone.
    let _ = stream.write_all(request(path).as_bytes());
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn has_status(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
}

#[test]
fn a_running_server_lives_is_ready_and_says_its_version() {
    let server = TestServer::start();
    let address = server.admin_address();
    assert!(address.ip().is_loopback());
    assert!(has_status(&ask(address, "/livez"), 200));
    let ready = ask(address, "/readyz");
    assert!(has_status(&ready, 200), "{ready}");
    for name in ["serving", "store", "root_key", "certificate"] {
        assert!(ready.contains(&format!("[+] {name}: ")), "{ready}");
    }
    let version = ask(address, "/version");
    assert!(version.ends_with("{\"name\":\"kmip-app\",\"version\":\"0.1.0\"}\n"), "{version}");
    assert!(has_status(&ask(address, "/objects"), 404));
}

#[test]
fn a_server_that_drains_is_not_ready_and_lives() {
    let server = TestServer::start();
    let address = server.admin_address();
    // A message that does not come to its end holds the end up.
    let mut slow = server.connect("client");
    slow.send(&[0x42, 0x00, 0x78, 0x01]).expect("it is taken");
    assert!(has_status(&ask(address, "/readyz"), 200));
    server.shutdown().begin();
    let begin = Instant::now();
    let mut seen = String::new();
    while !has_status(&seen, 503) {
        assert!(begin.elapsed() < GENEROUS, "it never says so: {seen}");
        seen = ask(address, "/readyz");
    }
    assert!(seen.contains("[-] serving: ") && seen.ends_with("not ready\n"), "{seen}");
    drop(slow);
    server.ended();
    assert_eq!(ask(address, "/livez"), "");
}

#[test]
fn an_address_that_others_reach_needs_mutual_tls() {
    let directory = Directory::make();
    let mut config = directory.config();
    config.listen.admin.address = Address::new("0.0.0.0", 0);
    let complaint = refusal(&config);
    assert!(complaint.contains("listen.admin.address 0.0.0.0:0"), "{complaint}");
    assert!(complaint.contains("client_ca"), "{complaint}");
    config.listen.admin.certificate = Some("server.crt".into());
    let complaint = refusal(&config);
    assert!(complaint.contains("set together"), "{complaint}");
}

#[test]
fn with_mutual_tls_only_certified_clients_are_answered() {
    let directory = Arc::new(Directory::make());
    let [certificate, key, client_ca] = directory.identity("server");
    let server = TestServer::on(Arc::clone(&directory), |config| {
        let admin = &mut config.listen.admin;
        admin.address = Address::new("0.0.0.0", 0);
        admin.certificate = Some(certificate);
        admin.key = Some(key);
        admin.client_ca = Some(client_ca);
    });
    let port = server.admin_address().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut connection = Connection::open(&directory.target(address, "client"), TlsVersions::Any)
        .unwrap_or_else(|error| panic!("{error}"));
    connection.send(request("/readyz").as_bytes()).expect("it is taken");
    let answer = connection.rest();
    assert!(has_status(&answer, 200), "{answer}");
    // In the clear there is nothing to be had.
    assert!(!ask(address, "/livez").contains("HTTP"));
    // Nor with a certificate of somebody else's.
    let foreign = Directory::make();
    let [certificate, key, _] = foreign.identity("client");
    let [.., authority] = directory.identity("client");
    let files = [certificate.as_path(), key.as_path(), authority.as_path()];
    let target = kmip_tests::connection::Target::new("127.0.0.1", port, files).expect("are good");
    let refused = Connection::open(&target, TlsVersions::Any).map(|mut connection| {
        // In TLS 1.3 a refusal comes after the handshake.
        let _ = connection.send(request("/livez").as_bytes());
        connection.rest()
    });
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.is_empty()));
}

#[test]
fn a_port_that_is_taken_is_named_with_its_key() {
    let first = TestServer::in_memory();
    let directory = Directory::make();
    let mut config = directory.config();
    config.listen.admin.address = first.admin_address().into();
    let complaint = refusal(&config);
    assert!(complaint.contains(&first.admin_address().to_string()), "{complaint}");
    assert!(complaint.contains("listen.admin.enabled = false"), "{complaint}");
    config.listen.admin.enabled = false;
    let second = TestServer::on(Arc::new(directory), |changed| *changed = config);
    assert!(second.connect("client").server_certificate().len() > 1);
}

#[test]
fn many_who_ask_at_once_are_all_told() {
    let server = TestServer::in_memory();
    let address = server.admin_address();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(move || ask(address, "/readyz"))).collect();
        for answer in asking {
            let answer = answer.join().expect("asking does not panic");
            assert!(has_status(&answer, 200), "{answer}");
        }
    });
}
