//! A server under PyKMIP's configuration: it starts, answers, logs, and keeps its objects.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use kmip_app::{AuthSuite, Config, LoggingLevel, Server};
use kmip_model::enumeration::{Operation, QueryFunction, ResultReason, Tag};
use kmip_tests::connection::TlsVersions;
use kmip_tests::request::enumeration;
use kmip_tests::server::{Directory, refusal};
use kmip_tests::{Connection, Request, TestServer};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use crate::common::{new_key, on};

/// Where the sample says that things are.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/pykmip-server.conf");

/// Writes the sample with the paths of a test's directory in the place of its own.
fn sample(directory: &Directory) -> PathBuf {
    let [certificate, key, authority] = directory.identity("server");
    let database = directory.path().join("pykmip.db");
    let mut text = fs::read_to_string(SAMPLE).expect("the sample can be read");
    for (from, to) in [
        ("/etc/pykmip/certs/server_certificate.pem", &certificate),
        ("/etc/pykmip/certs/server_private_key.pem", &key),
        ("/etc/pykmip/certs/root_certificate.pem", &authority),
        ("/var/lib/pykmip/pykmip.db", &database),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, &to.display().to_string());
    }
    let file = directory.path().join("server.conf");
    fs::write(&file, text).expect("the directory can be written");
    file
}

/// Reads the sample; the port is left to the system, since tests run side by side.
fn config(directory: &Directory, settings: &[&str]) -> Config {
    let builder = Server::builder()
        .config_path(sample(directory))
        .set("listen.kmip.address=127.0.0.1:0")
        .set("limits.drain_seconds=2");
    let builder = settings.iter().fold(builder, |builder, setting| builder.set(*setting));
    builder.prepare().unwrap_or_else(|report| panic!("{report}")).config
}

/// Starts a server from the sample.
fn start(directory: Arc<Directory>, settings: &[&str]) -> TestServer {
    let read = config(&directory, settings);
    TestServer::on(directory, |config| *config = read)
}

/// Asks for the operations that are offered.
fn query() -> Request {
    let functions = vec![enumeration(Tag::QueryFunction, QueryFunction::QueryOperations)];
    Request::one((1, 2), Operation::Query, functions)
}

#[test]
fn the_sample_starts_and_answers_a_query() {
    let server = start(Arc::new(Directory::make()), &[]);
    for versions in [TlsVersions::OnlyTls12, TlsVersions::OnlyTls13] {
        let mut connection = server.connect_by("client", versions);
        let answer = connection.ask(&query());
        let operations = answer.payload().all(Tag::Operation).count();
        assert!(operations > 10, "{operations}");
    }
}

#[test]
fn objects_survive_a_restart() {
    let directory = Arc::new(Directory::make());
    let server = start(directory, &[]);
    let id = new_key(&mut server.connect("client"), Vec::new());
    let server = server.restart();
    let mut connection = server.connect("client");
    let answer = connection.ask(&on((1, 2), Operation::Get, &id));
    assert_eq!(answer.identifier(), id);
    let store = server.directory().path().join("pykmip.db.kmip-app/kmip-app.db");
    assert!(store.is_file());
    assert!(!server.directory().path().join("pykmip.db").exists());
}

#[test]
fn a_deleted_store_is_told_of_and_not_replaced() {
    let directory = start(Arc::new(Directory::make()), &[]).stopped();
    let place = directory.path().join("pykmip.db.kmip-app");
    fs::remove_file(place.join("kmip-app.db")).unwrap();
    let refused = refusal(&config(&directory, &[]));
    assert!(refused.contains("is missing") && refused.contains("kmip-app.db"), "{refused}");
}

#[test]
fn the_configuration_in_toml_means_the_same() {
    let directory = Arc::new(Directory::make());
    let config = config(&directory, &[]);
    let file = directory.path().join("from-pykmip.toml");
    fs::write(&file, config.to_toml()).unwrap();
    let read = Config::load(Some(&file), &[]).unwrap();
    assert_eq!(read, config);
    let server = TestServer::on(directory, |config| *config = read);
    server.connect("client").ask(&query());
}

#[test]
fn suites_that_are_not_there_can_be_made_to_stop_the_start() {
    let directory = Directory::make();
    let refused = refusal(&config(&directory, &["listen.kmip.strict_suites=true"]));
    for expected in ["TLS_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256", "openssl"] {
        assert!(refused.contains(expected), "{refused}");
    }
    assert!(!refused.contains("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), "{refused}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let directory = Directory::make();
    let place = directory.path();
    for key in ["certificate", "key", "client_ca"] {
        let refused =
            refusal(&config(&directory, &[&format!("listen.kmip.{key}={}", place.display())]));
        assert!(refused.contains(&place.display().to_string()), "{key}: {refused}");
    }
    let exposed = place.join("pki/alice.crt");
    let refused =
        refusal(&config(&directory, &[&format!("listen.kmip.key={}", exposed.display())]));
    assert!(refused.contains("alice.crt"), "{refused}");
}

/// Puts one self-signed certificate in the place of the server's, the authority's and a client's.
fn one_certificate_for_all(directory: &Directory) {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "everything");
    let key = KeyPair::generate().expect("a key is made");
    let certificate = params.self_signed(&key).expect("it is signed");
    let pki = directory.path().join("pki");
    for name in ["server", "ca", "client"] {
        for (kind, pem) in [("crt", certificate.pem()), ("key", key.serialize_pem())] {
            fs::write(pki.join(format!("{name}.{kind}")), pem).expect("it can be written");
        }
    }
}

#[test]
fn one_self_signed_certificate_does_for_all() {
    // It has no extended key usage, so whether it names a client is a setting.
    for (enabled, expected) in
        [("false", None), ("true", Some(ResultReason::AuthenticationNotSuccessful))]
    {
        let directory = Directory::make();
        one_certificate_for_all(&directory);
        let setting = format!("auth.require_client_auth_usage={enabled}");
        let server = start(Arc::new(directory), &[&setting]);
        for versions in [TlsVersions::OnlyTls12, TlsVersions::OnlyTls13] {
            let mut connection = server.connect_by("client", versions);
            let answer = connection.exchange(&query().message()).unwrap();
            let reasons =
                answer.walk().into_iter().filter_map(|it| it.enumeration(Tag::ResultReason));
            let reason = reasons.map(ResultReason).next();
            assert_eq!(reason, expected, "{enabled} {versions:?}");
        }
    }
}

#[test]
fn a_server_starts_from_settings_in_code() {
    let directory = Directory::make();
    let [certificate, key, authority] = directory.identity("server");
    let builder = Server::builder()
        .hostname("localhost")
        .port(0)
        .certificate_path(certificate)
        .key_path(key)
        .ca_path(authority)
        .auth_suite(AuthSuite::Basic)
        .logging_level(LoggingLevel::Error)
        .database_path(directory.path().join("pykmip.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(builder.start()).unwrap_or_else(|report| panic!("{report}"));
    let (address, shutdown) = (server.address(), server.shutdown());
    assert!(address.is_ipv4(), "{address}");
    let serving = runtime.spawn(server.serve());
    let target = directory.target(address, "client");
    let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
    assert!(connection.ask(&query()).payload().all(Tag::Operation).count() > 10);
    drop(connection);
    shutdown.begin();
    runtime.block_on(serving).unwrap().unwrap_or_else(|report| panic!("{report}"));
}
