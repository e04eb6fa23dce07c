//! The listener over OpenSSL from the outside: `openssl s_client` of each kind, a handler that
//! echoes, certificates made here. Without that program the tests say so and pass.

#![cfg(feature = "openssl")]
#![expect(clippy::unwrap_used, reason = "these are tests; Clippy knows only those inside crates")]

mod pki;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kmip_ports::transport::{MessageHandler, Peer};
use kmip_tls_openssl::suites::{Suite, Version};
use kmip_tls_openssl::{AuthSuite, OpensslAcceptor, OpensslFiles, Suites};
use kmip_transport::{Acceptor as _, Blame, Failure, Limits, Listener, ServeReport, Shutdown};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::ssl::{SslContext, SslMethod};
use openssl::x509::X509;
use rcgen::{CertifiedIssuer, ExtendedKeyUsagePurpose, KeyPair};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use pki::{
    CLIENT_SERIAL, Identity, NOW, Pki, Signature, authority, authority_params, dsa_identity, issue,
    keep, leaf_params, write,
};

/// What a client may take from the connection to the answer; only a mistake reaches it.
const AT_MOST: Duration = Duration::from_secs(20);

/// Says whether there is a client to test with.
fn client_is_there() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    if !there {
        println!("openssl is not installed: nothing is tested here");
    }
    there
}

fn message(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x42, 0x00, 0x78, 0x01], length.as_slice(), content].concat()
}

/// Echoes messages and remembers who sent them.
#[derive(Default)]
struct Echo(Mutex<Vec<Peer>>);

impl Echo {
    fn last(&self) -> Peer {
        self.0.lock().unwrap().last().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl MessageHandler for Echo {
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        self.0.lock().unwrap().push(peer.clone());
        message.to_vec()
    }
}

/// A server on a port of its own.
struct Server {
    runtime: Runtime,
    handler: Arc<Echo>,
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<ServeReport>,
}

impl Server {
    fn new(acceptor: OpensslAcceptor) -> Self {
        Self::sharing(Arc::new(acceptor))
    }

    fn sharing(acceptor: Arc<OpensslAcceptor>) -> Self {
        let runtime = Runtime::new().unwrap();
        let handler = Arc::new(Echo::default());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let limits = Limits { idle_timeout: AT_MOST, ..Limits::default() };
        let (address, shutdown, serving) = runtime.block_on(async {
            let listener =
                Listener::bind(any, acceptor, limits, Arc::clone(&handler) as _).unwrap();
            let shutdown = Shutdown::new();
            let address = listener.local_address();
            (address, shutdown.clone(), tokio::spawn(listener.serve(shutdown)))
        });
        Self { runtime, handler, address, shutdown, serving }
    }

    fn finish(self) -> ServeReport {
        self.shutdown.begin();
        self.runtime.block_on(self.serving).unwrap()
    }
}

/// Starts a client; its standard streams are the session.
fn client(address: SocketAddr, identity: Option<&Identity>, options: &[&str]) -> Child {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &address.to_string()]);
    if let Some(Identity { certificate, key, .. }) = identity {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    command
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Sends a message; returns as much of its echo as comes.
fn exchange(child: &mut Child, sent: &[u8]) -> Vec<u8> {
    // A client that was refused is gone.
    let _ = child.stdin.as_mut().unwrap().write_all(sent);
    let mut answer = Vec::new();
    let length = u64::try_from(sent.len()).unwrap();
    child.stdout.as_mut().unwrap().take(length).read_to_end(&mut answer).unwrap();
    answer
}

fn end(mut child: Child) {
    // It may have ended already.
    let _ = child.kill();
    child.wait().unwrap();
}

/// Says whether a client of this kind gets the answer to a message.
fn is_answered(server: &Server, identity: Option<&Identity>, options: &[&str]) -> bool {
    let mut child = client(server.address, identity, options);
    let sent = message(b"12345678");
    let answer = exchange(&mut child, &sent);
    end(child);
    answer == sent
}

/// Tells why a client of this kind gets no session.
fn failure(
    acceptor: &OpensslAcceptor,
    identity: Option<&Identity>,
    options: &[&str],
) -> Option<Failure> {
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let child = client(listener.local_addr().unwrap(), identity, options);
        let (socket, _) = listener.accept().await.unwrap();
        let result = tokio::time::timeout(AT_MOST, acceptor.accept(socket)).await.unwrap();
        end(child);
        result.err()
    })
}

fn refusal(
    acceptor: &OpensslAcceptor,
    identity: Option<&Identity>,
    options: &[&str],
) -> Option<String> {
    failure(acceptor, identity, options).map(|failure| {
        assert_eq!(failure.blame, Blame::Operator, "this is no noise: {failure:?}");
        failure.reason
    })
}

fn assert_refused(refusal: Option<&str>, expected: &str) {
    assert!(refusal.is_some_and(|text| text.contains(expected)), "{refusal:?}, not {expected}");
}

/// Says whether the OpenSSL of this computer has a suite.
fn exists(suite: &Suite) -> bool {
    let mut context = SslContext::builder(SslMethod::tls()).unwrap();
    match suite.version {
        Version::Tls13 => context.set_ciphersuites(suite.openssl).is_ok(),
        Version::Tls10 | Version::Tls12 => context.set_cipher_list(suite.openssl).is_ok(),
    }
}

/// The versions of TLS that have a suite, as options of the client.
fn versions(suite: &Suite) -> &'static [&'static str] {
    match suite.version {
        Version::Tls10 => &["-tls1", "-tls1_1", "-tls1_2"],
        Version::Tls12 => &["-tls1_2"],
        Version::Tls13 => &["-tls1_3"],
    }
}

#[test]
fn every_suite_of_both_authentication_suites_carries_a_message() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    // The names of suites say which key the server must have.
    let servers = [
        ("_DSS_", dsa_identity(pki.path())),
        ("_ECDSA_", issue(pki.path(), &pki.authority, 8, Signature::Ecdsa)),
        ("_RSA_", issue(pki.path(), &pki.authority, 9, Signature::Rsa)),
    ];
    let mut carried = Vec::new();
    let mut failed = Vec::new();
    for auth_suite in [AuthSuite::Basic, AuthSuite::Tls12] {
        let suites = Suites::of(auth_suite);
        for (kind, identity) in &servers {
            let files = pki.files(identity, &[]);
            let server = Server::new(OpensslAcceptor::new(&files, &suites, NOW).unwrap());
            let any = |suite: &&Suite| suite.version == Version::Tls13 && *kind == "_RSA_";
            let fits = |suite: &&Suite| suite.iana.contains(kind) || any(suite);
            for suite in suites.offered().iter().filter(fits).filter(|suite| exists(suite)) {
                let list = format!("{}:@SECLEVEL=0", suite.openssl);
                for version in versions(suite) {
                    let options = if *version == "-tls1_3" {
                        [*version, "-ciphersuites", suite.openssl]
                    } else {
                        [*version, "-cipher", &list]
                    };
                    let case = format!("{auth_suite} {version} {}", suite.iana);
                    if is_answered(&server, Some(&pki.client), &options) {
                        assert_eq!(server.handler.last().certificates, [&pki.client.der[..]]);
                        carried.push(case);
                    } else {
                        failed.push(case);
                    }
                }
            }
            server.finish();
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    for case in [
        "Basic -tls1 TLS_RSA_WITH_AES_128_CBC_SHA",
        "Basic -tls1_1 TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS1.2 -tls1_2 TLS_RSA_WITH_AES_128_CBC_SHA256",
        "TLS1.2 -tls1_2 TLS_RSA_WITH_AES_256_CBC_SHA256",
        "TLS1.2 -tls1_2 TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        "TLS1.2 -tls1_3 TLS_AES_128_GCM_SHA256",
    ] {
        assert!(carried.iter().any(|carried| carried == case), "{case} is not among {carried:#?}");
    }
    println!("{} pairs of suite and version carried a message", carried.len());
}

#[test]
fn a_client_is_refused_in_words() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let acceptor = pki.acceptor(AuthSuite::Tls12, &[]);
    for version in ["-tls1_2", "-tls1_3"] {
        assert_refused(refusal(&acceptor, None, &[version]).as_deref(), "no certificate");
        for name in ["authority", "elsewhere"] {
            let foreign = issue(pki.path(), &authority(name), 7, Signature::Ecdsa);
            let refusal = refusal(&acceptor, Some(&foreign), &[version]);
            assert_refused(refusal.as_deref(), "the client certificate is ");
        }
    }
    let me = Some(&pki.client);
    let old = refusal(&acceptor, me, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    assert_refused(old.as_deref(), "no version of TLS that the authentication suite TLS1.2 has");
    let weak = refusal(&acceptor, me, &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"]);
    assert_refused(weak.as_deref(), "no cipher suite");
    assert_eq!(refusal(&acceptor, me, &["-tls1_2"]), None);
}

#[test]
fn a_refused_client_never_reaches_the_handler() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let server = Server::new(pki.acceptor(AuthSuite::Basic, &[]));
    let weak = ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"];
    for options in [&weak[..], &["-tls1_2"], &["-tls1_3"]] {
        assert!(!is_answered(&server, None, options), "{options:?}");
    }
    assert_eq!(server.handler.count(), 0);
    let report = server.finish();
    assert_eq!((report.accepted, report.failed_handshakes, report.messages), (3, 3, 0));
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let key = KeyPair::generate().unwrap();
    let mut params = leaf_params(5);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &pki.authority).unwrap();
    let identity = keep(pki.path(), "server-only", &certificate, &key);
    let refusal = refusal(&pki.acceptor(AuthSuite::Tls12, &[]), Some(&identity), &[]);
    assert_refused(refusal.as_deref(), "without clientAuth");
}

#[test]
fn one_self_signed_certificate_can_be_server_client_and_authority() {
    if !client_is_there() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let key = Signature::Rsa.key();
    let certificate = leaf_params(1).self_signed(&key).unwrap();
    let one = keep(directory.path(), "one", &certificate, &key);
    let files = OpensslFiles {
        certificates: one.certificate.clone(),
        key: one.key.clone(),
        client_authorities: vec![one.certificate.clone()],
        revocation_lists: Vec::new(),
    };
    let suites = Suites::of(AuthSuite::Basic);
    let server = Server::new(OpensslAcceptor::new(&files, &suites, NOW).unwrap());
    let weak = ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"];
    for options in [&weak[..], &["-tls1_2"], &["-tls1_3"]] {
        assert!(is_answered(&server, Some(&one), options), "{options:?}");
        assert_eq!(server.handler.last().certificates, [&one.der[..]]);
    }
}

#[test]
fn a_chain_arrives_leaf_first() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let key = KeyPair::generate().unwrap();
    let between =
        CertifiedIssuer::signed_by(authority_params("between"), key, &pki.authority).unwrap();
    let chain = write(pki.path(), "between.crt", between.pem());
    let client = issue(pki.path(), &between, 6, Signature::Rsa);
    let server = Server::new(pki.acceptor(AuthSuite::Tls12, &[]));
    let options = ["-tls1_2", "-cert_chain", chain.to_str().unwrap()];
    assert!(is_answered(&server, Some(&client), &options));
    let certificates = server.handler.last().certificates;
    assert_eq!(certificates, [client.der.clone(), between.der().to_vec()]);
    // Without what stands between, the chain has a gap.
    assert!(!is_answered(&server, Some(&client), &["-tls1_2"]));
}

#[test]
fn a_revoked_client_is_refused_and_the_others_are_not() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let other = issue(pki.path(), &pki.authority, 3, Signature::Ecdsa);
    let elsewhere = pki.list("elsewhere.crl", &authority("elsewhere"), 3, 2099);
    for (name, year) in [("list.crl", 2099), ("list.der", 2099), ("late.crl", 2021)] {
        let list = pki.list(name, &pki.authority, CLIENT_SERIAL, year);
        let acceptor = pki.acceptor(AuthSuite::Tls12, &[elsewhere.clone(), list]);
        let refusal_of = |identity| refusal(&acceptor, Some(identity), &["-tls1_2"]);
        assert_refused(refusal_of(&pki.client).as_deref(), "is revoked");
        assert_eq!(refusal_of(&other), None, "{name}");
    }
    // No list speaks of the authority at all.
    let acceptor = pki.acceptor(AuthSuite::Tls12, &[elsewhere]);
    assert_eq!(refusal(&acceptor, Some(&pki.client), &["-tls1_2"]), None);
}

#[test]
fn an_open_connection_of_a_client_that_was_revoked_ends_at_its_next_message() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let identity = pki.server(Signature::Rsa);
    let suites = Suites::of(AuthSuite::Tls12);
    let elsewhere = pki.list("elsewhere.crl", &authority("elsewhere"), CLIENT_SERIAL, 2099);
    let list = pki.list("list.crl", &pki.authority, CLIENT_SERIAL, 2021);
    let acceptor =
        Arc::new(OpensslAcceptor::new(&pki.files(&identity, &[]), &suites, NOW).unwrap());
    let server = Server::sharing(Arc::clone(&acceptor));
    let other = issue(pki.path(), &pki.authority, 3, Signature::Ecdsa);
    let mut revoked = client(server.address, Some(&pki.client), &["-tls1_2"]);
    let mut trusted = client(server.address, Some(&other), &["-tls1_3"]);
    let sent = message(b"12345678");
    for lists in [&[][..], std::slice::from_ref(&elsewhere)] {
        acceptor.exchange(&pki.files(&identity, lists), NOW).unwrap();
        for open in [&mut revoked, &mut trusted] {
            assert_eq!(exchange(open, &sent), sent);
        }
    }
    // Files of no use change nothing.
    let missing = pki.path().join("missing.crl");
    let generation = acceptor.trust();
    acceptor.exchange(&pki.files(&identity, &[missing]), NOW).unwrap_err();
    assert_eq!(acceptor.trust(), generation);
    acceptor.exchange(&pki.files(&identity, &[elsewhere, list]), NOW).unwrap();
    assert_eq!(exchange(&mut trusted, &sent), sent);
    assert_eq!(exchange(&mut revoked, &sent), b"");
    end(revoked);
    end(trusted);
    assert_eq!(server.finish().messages, 5);
    let dates = acceptor.dates();
    assert!(dates.server_from < dates.server_until && dates.authorities_until.is_some());
    assert_eq!(dates.lists_due.map(|due| due.0), Some(1_609_459_200));
}

#[test]
fn another_authority_ends_open_connections_of_the_old_one() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let identity = pki.server(Signature::Rsa);
    let suites = Suites::of(AuthSuite::Tls12);
    let files = pki.files(&identity, &[]);
    let acceptor = Arc::new(OpensslAcceptor::new(&files, &suites, NOW).unwrap());
    let server = Server::sharing(Arc::clone(&acceptor));
    let mut open = client(server.address, Some(&pki.client), &["-tls1_2"]);
    let sent = message(b"12345678");
    assert_eq!(exchange(&mut open, &sent), sent);
    let elsewhere = write(pki.path(), "elsewhere.crt", authority("elsewhere").pem());
    let files = OpensslFiles { client_authorities: vec![elsewhere], ..files };
    acceptor.exchange(&files, NOW).unwrap();
    assert_eq!(exchange(&mut open, &sent), b"");
    end(open);
    assert_eq!(server.finish().messages, 1);
}

#[test]
fn named_suites_are_the_only_ones() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let files = pki.files(&pki.server(Signature::Rsa), &[]);
    let only = |name: &str| {
        let suites = Suites::named(AuthSuite::Tls12, &[name.to_owned()]).unwrap();
        OpensslAcceptor::new(&files, &suites, NOW).unwrap()
    };
    let me = Some(&pki.client);
    let acceptor = only("TLS_RSA_WITH_AES_128_CBC_SHA256");
    let with = |cipher: &str| refusal(&acceptor, me, &["-tls1_2", "-cipher", cipher]);
    assert_eq!(with("AES128-SHA256"), None);
    assert_refused(with("AES256-SHA256").as_deref(), "no cipher suite");
    assert_eq!(refusal(&acceptor, me, &["-tls1_3"]), None);
    let acceptor = only("TLS_AES_128_GCM_SHA256");
    let newest = |suite: &str| refusal(&acceptor, me, &["-tls1_3", "-ciphersuites", suite]);
    assert_eq!(newest("TLS_AES_128_GCM_SHA256"), None);
    assert_refused(newest("TLS_AES_256_GCM_SHA384").as_deref(), "no cipher suite");
    assert_refused(refusal(&acceptor, me, &["-tls1_2"]).as_deref(), "no version of TLS");
}

#[test]
fn every_connection_shows_its_certificate() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let server = Server::new(pki.acceptor(AuthSuite::Tls12, &[]));
    let session = pki.path().join("session").display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        assert!(is_answered(&server, Some(&pki.client), &[version, "-sess_out", &session]));
        // A client of 1.3 has nothing to keep when no ticket is sent.
        if Path::new(&session).exists() {
            assert!(!is_answered(&server, None, &[version, "-sess_in", &session]), "{version}");
            fs::remove_file(&session).unwrap();
        }
    }
}

#[test]
fn limits_and_draining_are_those_of_every_transport() {
    if !client_is_there() {
        return;
    }
    let pki = Pki::new();
    let server = Server::new(pki.acceptor(AuthSuite::Basic, &[]));
    let weak = ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"];
    let mut idle = client(server.address, Some(&pki.client), &weak);
    for size in [0, 8, 200_000] {
        let sent = message(&vec![7; size]);
        assert!(exchange(&mut idle, &sent) == sent, "{size}");
    }
    // A length that cannot be: answered, although more comes, and closed.
    let mut greedy = client(server.address, Some(&pki.client), &["-tls1_2"]);
    let claim = [0x42, 0x00, 0x78, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
    let sent = [&claim[..], &[0; 10_000]].concat();
    assert_eq!(exchange(&mut greedy, &sent), claim);
    end(greedy);

    server.shutdown.begin();
    let mut rest = Vec::new();
    idle.stdout.as_mut().unwrap().read_to_end(&mut rest).unwrap();
    end(idle);
    let report = server.finish();
    assert!(rest.is_empty());
    assert_eq!((report.messages, report.cut_off, report.failed_handshakes), (4, 0, 0));
}

#[test]
fn what_is_not_tls_is_noise() {
    let pki = Pki::new();
    let acceptor = pki.acceptor(AuthSuite::Basic, &[]);
    for bytes in [&message(b"12345678")[..], b"GET / HTTP/1.1\r\n\r\n", b""] {
        let failure = Runtime::new().unwrap().block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut peer = std::net::TcpStream::connect(address).unwrap();
            peer.write_all(bytes).unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            let (socket, _) = listener.accept().await.unwrap();
            acceptor.accept(socket).await.err()
        });
        let blame = failure.as_ref().map(|failure| failure.blame);
        assert_eq!(blame, Some(Blame::Nobody), "{bytes:?}: {failure:?}");
    }
}

fn problem(files: &OpensslFiles, suites: &Suites) -> String {
    match OpensslAcceptor::new(files, suites, NOW) {
        Ok(_) => panic!("the files are accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn files_of_no_use_are_named() {
    let pki = Pki::new();
    let suites = Suites::of(AuthSuite::Tls12);
    let good = pki.files(&pki.server(Signature::Rsa), &[]);
    let missing = pki.path().join("missing");
    let text = write(pki.path(), "text", "this is no PEM");
    let key = PKey::private_key_from_pem(&fs::read(&good.key).unwrap()).unwrap();
    let cipher = openssl::symm::Cipher::aes_128_cbc();
    let secret = key.private_key_to_pem_pkcs8_passphrase(cipher, b"secret").unwrap();
    let secret = write(pki.path(), "secret.key", secret);

    for (change, expected) in [
        (
            Box::new(|files: &mut OpensslFiles| files.certificates.clone_from(&missing))
                as Box<dyn Fn(&mut OpensslFiles)>,
            "missing cannot be read",
        ),
        (Box::new(|files| files.certificates.clone_from(&text)), "text holds no PEM certificate"),
        (Box::new(|files| files.key.clone_from(&text)), "text holds no PEM private key"),
        (Box::new(|files| files.key.clone_from(&secret)), "under a passphrase"),
        (Box::new(|files| files.key.clone_from(&pki.client.key)), "does not belong to"),
        (Box::new(|files| files.client_authorities.clear()), "no client CA"),
        (
            Box::new(|files| files.client_authorities = vec![text.clone()]),
            "text holds no PEM certificate",
        ),
        (
            Box::new(|files| files.revocation_lists = vec![text.clone()]),
            "text holds no certificate revocation list",
        ),
    ] {
        let mut files = good.clone();
        change(&mut files);
        let problem = problem(&files, &suites);
        assert!(problem.contains(expected), "{problem}, not {expected}");
    }
}

#[test]
fn a_suite_that_openssl_has_not_is_refused_by_name_and_else_left_out() {
    let pki = Pki::new();
    let files = pki.files(&pki.server(Signature::Rsa), &[]);
    // No OpenSSL from 1.1 has it.
    let names = ["DH-RSA-AES128-SHA256".to_owned(), "AES128-SHA256".to_owned()];
    let problem = problem(&files, &Suites::named(AuthSuite::Tls12, &names).unwrap());
    assert!(problem.contains("TLS_DH_RSA_WITH_AES_128_CBC_SHA256"), "{problem}");
    let narrowed = Suites::narrowed(AuthSuite::Tls12, &names);
    OpensslAcceptor::new(&files, &narrowed, NOW).unwrap();
}

#[test]
fn tls12_asks_for_a_stronger_certificate_than_basic() {
    let pki = Pki::new();
    let key = openssl::rsa::Rsa::generate(1024).unwrap().private_key_to_pem().unwrap();
    let mut identity = pki.client.clone();
    identity.key = write(pki.path(), "weak.key", &key);
    let key = PKey::private_key_from_pem(&key).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha1()).unwrap();
    identity.certificate = write(pki.path(), "weak.crt", builder.build().to_pem().unwrap());
    let files = pki.files(&identity, &[]);
    let problem = problem(&files, &Suites::of(AuthSuite::Tls12));
    assert!(problem.contains("weak.crt holds a certificate that OpenSSL"), "{problem}");
    OpensslAcceptor::new(&files, &Suites::of(AuthSuite::Basic), NOW).unwrap();
}
