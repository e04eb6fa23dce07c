//! The listener from the outside: a real client, a handler that echoes, certificates made here.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests; Clippy knows only those inside crates"
)]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kmip_model::DateTime;
use kmip_ports::transport::{MessageHandler, Peer};
use kmip_tls::{
    Limits, LimitsInForce, ListenError, Listener, MessageLimit, ServeReport, Shutdown, Source,
    TlsConfig, TlsSettings, TlsSources,
};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const NOW: DateTime = DateTime(1_800_000_000);

/// Long enough that only a mistake reaches it.
const AT_MOST: Duration = Duration::from_secs(20);

/// Second octets of tags that tell the handler what to do.
const ECHO: u8 = 0x00;
const WAIT: u8 = 0x01;
const PANIC: u8 = 0x02;
const LARGE: u8 = 0x03;

const LARGE_ANSWER: usize = 64 * 1024 * 1024;

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x42, kind, 0x78, 0x01], length.as_slice(), content].concat()
}

/// Echoes messages and remembers them.
struct Handler {
    seen: Mutex<Vec<(Peer, Vec<u8>)>>,
    started: Semaphore,
    go_on: Semaphore,
}

impl Handler {
    fn seen(&self) -> Vec<(Peer, Vec<u8>)> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many messages have arrived that nobody has waited for.
    async fn arrived(&self, count: u32) {
        within(self.started.acquire_many(count)).await.unwrap().forget();
    }
}

#[async_trait]
impl MessageHandler for Handler {
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        self.seen.lock().unwrap().push((peer.clone(), message.to_vec()));
        self.started.add_permits(1);
        match message[1] {
            WAIT => {
                self.go_on.acquire().await.unwrap().forget();
            }
            PANIC => panic!("as asked for"),
            LARGE => return vec![0; LARGE_ANSWER],
            _ => {}
        }
        message.to_vec()
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate, its key and its serial number.
struct Identity {
    certificate: Certificate,
    key: KeyPair,
    serial: u8,
}

fn identity(authority: &Authority, serial: u8) -> Identity {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    Identity { certificate: params.signed_by(&key, authority).unwrap(), key, serial }
}

fn revocation_list(authority: &Authority, revoked: &[u8]) -> Source {
    let revoked_certs = revoked
        .iter()
        .map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*serial]),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        })
        .collect();
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Source::new("list", list.signed_by(authority).unwrap().pem().unwrap().into_bytes())
}

/// A server on a port of its own, and what is needed to talk to it.
struct World {
    authority: Authority,
    server: Identity,
    client: Identity,
    tls: Arc<TlsConfig>,
    limits: LimitsInForce,
    handler: Arc<Handler>,
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<ServeReport>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let authority = authority("authority");
        let server = identity(&authority, 1);
        let client = identity(&authority, 2);
        let sources = sources(&server, &authority, Vec::new());
        let tls = Arc::new(TlsConfig::new(&sources, TlsSettings::default(), NOW).unwrap());
        let handler = Arc::new(Handler {
            seen: Mutex::default(),
            started: Semaphore::new(0),
            go_on: Semaphore::new(0),
        });
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener =
            Listener::bind(any, Arc::clone(&tls), limits, Arc::clone(&handler) as _).unwrap();
        let address = listener.local_address();
        let limits = listener.limits();
        let shutdown = Shutdown::new();
        let serving = tokio::spawn(listener.serve(shutdown.clone()));
        Self { authority, server, client, tls, limits, handler, address, shutdown, serving }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect_with(&self, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config).connect(name, self.tcp().await).await
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_with(self.client_config(Some(&self.client))).await.unwrap()
    }

    fn client_config(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        Arc::new(self.client_config_of(identity, rustls::ALL_VERSIONS))
    }

    fn client_config_of(
        &self,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
                let chain = vec![identity.certificate.der().clone()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from(key)).unwrap()
            }
        }
    }

    /// Connects and sends one message; tells the answer, or how the server turned it down.
    async fn try_echo(&self, identity: Option<&Identity>) -> io::Result<Vec<u8>> {
        let mut stream = self.connect_with(self.client_config(identity)).await?;
        exchange(&mut stream, &message(ECHO, b"12345678")).await
    }

    async fn finish(self) -> ServeReport {
        self.shutdown.begin();
        within(self.serving).await.unwrap()
    }
}

fn sources(server: &Identity, authority: &Authority, lists: Vec<Source>) -> TlsSources {
    TlsSources {
        certificates: Source::new("certificate", server.certificate.pem().into_bytes()),
        key: Source::new("key", server.key.serialize_pem().into_bytes()),
        client_authorities: vec![Source::new("authority", authority.pem().into_bytes())],
        revocation_lists: lists,
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(AT_MOST, future).await.expect("this takes far too long")
}

/// Sends a message and reads an answer of the same size.
async fn exchange(stream: &mut TlsStream<TcpStream>, sent: &[u8]) -> io::Result<Vec<u8>> {
    within(async {
        stream.write_all(sent).await?;
        let mut answer = vec![0; sent.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    })
    .await
}

/// Reads to the end; what broke the connection counts as the end.
async fn rest(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = within(stream.read_to_end(&mut rest)).await;
    rest
}

#[tokio::test]
async fn a_message_is_answered_and_its_sender_known() {
    let world = World::new(Limits::default());
    let sent = message(ECHO, b"12345678");
    let answer = world.try_echo(Some(&world.client)).await.unwrap();
    assert_eq!(answer, sent);
    let seen = world.handler.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].1, sent);
    assert_eq!(seen[0].0.certificates, [world.client.certificate.der().to_vec()]);
    assert!(seen[0].0.address.is_some());
    let report = world.finish().await;
    assert_eq!((report.accepted, report.messages, report.failed_handshakes), (1, 1, 0));
}

#[tokio::test]
async fn connections_have_numbers_of_their_own() {
    let world = World::new(Limits::default());
    for _ in 0..2 {
        world.try_echo(Some(&world.client)).await.unwrap();
    }
    let seen = world.handler.seen();
    assert_ne!(seen[0].0.connection, seen[1].0.connection);
}

#[tokio::test]
async fn pipelined_messages_are_answered_in_order() {
    let world = World::new(Limits::default());
    let mut stream = world.connect().await;
    let sizes = [(1, 8), (2, 40_000), (3, 16), (4, 0), (5, 200_000)];
    let sent: Vec<u8> =
        sizes.iter().flat_map(|(byte, size)| message(ECHO, &vec![*byte; *size])).collect();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let writer = tokio::spawn({
        let sent = sent.clone();
        async move {
            writing.write_all(&sent).await.unwrap();
            writing.flush().await.unwrap();
            writing
        }
    });
    let mut answers = vec![0; sent.len()];
    within(reading.read_exact(&mut answers)).await.unwrap();
    assert!(answers == sent);
    stream = reading.unsplit(writer.await.unwrap());
    drop(stream);
    assert_eq!(world.finish().await.messages, 5);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let world = World::new(Limits::default());
    world.try_echo(None).await.unwrap_err();
    assert!(world.handler.seen().is_empty());
    assert_eq!(world.finish().await.failed_handshakes, 1);
}

#[tokio::test]
async fn a_client_of_a_foreign_authority_is_refused() {
    let world = World::new(Limits::default());
    for name in ["authority", "elsewhere"] {
        let foreign = identity(&authority(name), 2);
        world.try_echo(Some(&foreign)).await.unwrap_err();
    }
    assert!(world.handler.seen().is_empty());
    assert_eq!(world.finish().await.failed_handshakes, 2);
}

#[tokio::test]
async fn a_revoked_client_is_refused_and_the_others_are_not() {
    let world = World::new(Limits::default());
    world.try_echo(Some(&world.client)).await.unwrap();
    let lists = vec![
        revocation_list(&world.authority, &[world.client.serial]),
        revocation_list(&authority("elsewhere"), &[9]),
    ];
    let sources = sources(&world.server, &world.authority, lists);
    world.tls.exchange(&sources, NOW).unwrap();
    world.try_echo(Some(&world.client)).await.unwrap_err();
    world.try_echo(Some(&identity(&world.authority, 3))).await.unwrap();
    assert_eq!(world.finish().await.failed_handshakes, 1);
}

#[tokio::test]
async fn resumed_sessions_keep_the_client_until_the_configuration_changes() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let world = World::new(Limits::default());
        let mut config = world.client_config_of(Some(&world.client), &[version]);
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let echo = async || {
            let mut stream = world.connect_with(Arc::clone(&config)).await.unwrap();
            exchange(&mut stream, &message(ECHO, b"12345678")).await.unwrap();
            let (peer, _) = world.handler.seen().pop().unwrap();
            assert_eq!(peer.certificates, [world.client.certificate.der().to_vec()]);
            stream.get_ref().1.handshake_kind().unwrap()
        };
        assert_eq!(echo().await, HandshakeKind::Full);
        assert_eq!(echo().await, HandshakeKind::Resumed, "{version:?}");
        let sources = sources(&world.server, &world.authority, Vec::new());
        world.tls.exchange(&sources, NOW).unwrap();
        assert_eq!(echo().await, HandshakeKind::Full, "{version:?}");
    }
}

#[tokio::test]
async fn a_session_of_a_client_that_was_revoked_is_not_resumed() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let world = World::new(Limits::default());
        let mut config = world.client_config_of(Some(&world.client), &[version]);
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let echo = async || {
            let mut stream = world.connect_with(Arc::clone(&config)).await?;
            exchange(&mut stream, &message(ECHO, b"12345678")).await
        };
        echo().await.unwrap();
        let authority = Source::new("authority", world.authority.pem().into_bytes());
        let list = revocation_list(&world.authority, &[world.client.serial]);
        world.tls.exchange_trust(&[authority], &[list], NOW).unwrap();
        echo().await.unwrap_err();
        assert_eq!(world.handler.seen().len(), 1, "{version:?}");
    }
}

#[tokio::test]
async fn an_open_connection_of_a_client_that_was_revoked_ends_at_its_next_message() {
    let world = World::new(Limits::default());
    let sent = message(ECHO, b"12345678");
    let other = identity(&world.authority, 3);
    let mut revoked = world.connect().await;
    let mut trusted = world.connect_with(world.client_config(Some(&other))).await.unwrap();
    for stream in [&mut revoked, &mut trusted] {
        assert_eq!(exchange(stream, &sent).await.unwrap(), sent);
    }
    let authority = Source::new("authority", world.authority.pem().into_bytes());
    let list = revocation_list(&world.authority, &[world.client.serial]);
    world.tls.exchange_trust(&[authority], &[list], NOW).unwrap();
    // Who else was there goes on.
    assert_eq!(exchange(&mut trusted, &sent).await.unwrap(), sent);
    exchange(&mut revoked, &sent).await.unwrap_err();
    assert_eq!(exchange(&mut trusted, &sent).await.unwrap(), sent);
    // The message of the revoked one was not handled.
    assert_eq!(world.handler.seen().len(), 4);
    assert_eq!(world.finish().await.messages, 4);
}

#[tokio::test]
async fn other_limits_are_for_the_next_message_and_the_next_connection() {
    let world = World::new(Limits::default());
    let sent = message(ECHO, &[0; 4_096]);
    let mut stream = world.connect().await;
    assert_eq!(exchange(&mut stream, &sent).await.unwrap(), sent);
    let maximum_message_bytes = MessageLimit::parse(2_048).unwrap();
    let fewer = Limits { maximum_message_bytes, maximum_connections: 1, ..Limits::default() };
    world.limits.exchange(fewer);
    // There is one connection, so there is no room for another.
    world.try_echo(Some(&world.client)).await.unwrap_err();
    stream.write_all(&sent).await.unwrap();
    let answer = rest(&mut stream).await;
    // It is answered by its header alone, and closed.
    assert_eq!(answer, sent[..8]);
    world.limits.exchange(Limits::default());
    within(async { while world.try_echo(Some(&world.client)).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_length_of_four_gibibytes_is_answered_and_the_connection_closed() {
    let world = World::new(Limits::default());
    let mut stream = world.connect().await;
    let claim = [0x42, 0x00, 0x78, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
    stream.write_all(&claim).await.unwrap();
    // What the client sends on must not cost it the answer.
    stream.write_all(&vec![0; 100_000]).await.unwrap();
    assert_eq!(rest(&mut stream).await, claim);
    drop(stream);
    assert_eq!(world.handler.seen()[0].1, claim);
    assert_eq!(world.finish().await.messages, 1);
}

#[tokio::test]
async fn the_message_limit_is_exact() {
    let limits =
        Limits { maximum_message_bytes: MessageLimit::parse(4096).unwrap(), ..Limits::default() };
    let world = World::new(limits);
    let mut stream = world.connect().await;
    let largest = message(ECHO, &[7; 4088]);
    assert_eq!(exchange(&mut stream, &largest).await.unwrap(), largest);
    let larger = message(ECHO, &[7; 4089]);
    stream.write_all(&larger).await.unwrap();
    assert_eq!(rest(&mut stream).await, larger[..8]);
}

#[tokio::test]
async fn another_protocol_is_closed_without_an_answer() {
    let world = World::new(Limits::default());
    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.is_empty());
    assert!(world.handler.seen().is_empty());
}

#[tokio::test]
async fn plain_text_and_vanished_peers_hurt_nobody() {
    let world = World::new(Limits::default());
    let mut plain = world.tcp().await;
    plain.write_all(&message(ECHO, b"12345678")).await.unwrap();
    let mut answer = Vec::new();
    let _ = within(plain.read_to_end(&mut answer)).await;
    assert_ne!(answer.first(), Some(&0x42));
    drop(world.tcp().await);
    // Closes without saying so in TLS, in the middle of a message.
    let mut vanishing = world.connect().await;
    vanishing.write_all(&message(ECHO, b"12345678")[..5]).await.unwrap();
    drop(vanishing.into_inner());
    world.try_echo(Some(&world.client)).await.unwrap();
}

#[tokio::test]
async fn a_slow_writer_runs_out_of_time() {
    let limits = Limits { message_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits);
    let mut stream = world.connect().await;
    let sent = message(ECHO, b"12345678");
    assert_eq!(exchange(&mut stream, &sent).await.unwrap(), sent);
    stream.write_all(&sent[..11]).await.unwrap();
    assert!(rest(&mut stream).await.is_empty());
    assert_eq!(world.handler.seen().len(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits { idle_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits);
    let mut stream = world.connect().await;
    assert!(rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_given_up() {
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits);
    let mut silent = world.tcp().await;
    assert_eq!(within(silent.read(&mut [0; 1])).await.unwrap(), 0);
    assert_eq!(world.finish().await.failed_handshakes, 1);
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answer_is_cut_off() {
    let limits = Limits { write_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits);
    let mut stream = world.connect().await;
    stream.write_all(&message(LARGE, &[])).await.unwrap();
    world.handler.arrived(1).await;
    let report = world.finish().await;
    assert_eq!((report.messages, report.cut_off), (1, 0));
    assert!(rest(&mut stream).await.len() < LARGE_ANSWER);
}

#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_ends() {
    let world = World::new(Limits { maximum_connections: 1, ..Limits::default() });
    let mut first = world.connect().await;
    world.try_echo(Some(&world.client)).await.unwrap_err();
    let sent = message(ECHO, b"12345678");
    assert_eq!(exchange(&mut first, &sent).await.unwrap(), sent);
    first.shutdown().await.unwrap();
    assert!(rest(&mut first).await.is_empty());
    // The task that served it ends a little later than the connection.
    within(async { while world.try_echo(Some(&world.client)).await.is_err() {} }).await;
    let report = world.finish().await;
    assert_eq!(report.accepted, 2);
    assert!(report.refused >= 1);
}

#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let world = World::new(Limits::default());
    let mut other = world.connect().await;
    let mut stream = world.connect().await;
    stream.write_all(&message(PANIC, &[])).await.unwrap();
    assert!(rest(&mut stream).await.is_empty());
    let sent = message(ECHO, b"12345678");
    assert_eq!(exchange(&mut other, &sent).await.unwrap(), sent);
    world.try_echo(Some(&world.client)).await.unwrap();
}

#[tokio::test]
async fn draining_answers_what_is_in_progress_and_closes_what_is_idle() {
    let world = World::new(Limits::default());
    let mut idle = world.connect().await;
    let sent = message(ECHO, b"12345678");
    exchange(&mut idle, &sent).await.unwrap();
    let silent = world.tcp().await;
    let mut busy = world.connect().await;
    let waiting = message(WAIT, b"12345678");
    // The second message is there when the drain begins, so it is answered too.
    busy.write_all(&[waiting.clone(), sent.clone()].concat()).await.unwrap();
    world.handler.arrived(2).await;

    world.shutdown.begin();
    assert!(rest(&mut idle).await.is_empty());
    assert!(!world.serving.is_finished());
    world.handler.go_on.add_permits(1);
    assert_eq!(rest(&mut busy).await, [waiting, sent].concat());
    drop(silent);
    let address = world.address;
    let report = world.finish().await;
    assert_eq!((report.messages, report.cut_off), (3, 0));
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_message_that_is_there_when_draining_begins_is_answered() {
    let world = World::new(Limits::default());
    let mut stream = world.connect().await;
    let sent = message(ECHO, b"12345678");
    exchange(&mut stream, &sent).await.unwrap();
    stream.write_all(&sent).await.unwrap();
    world.shutdown.begin();
    assert_eq!(rest(&mut stream).await, sent);
    assert_eq!(world.finish().await.messages, 2);
}

#[tokio::test]
async fn draining_cuts_off_what_does_not_end() {
    let limits = Limits { drain_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits);
    let mut busy = world.connect().await;
    busy.write_all(&message(WAIT, &[])).await.unwrap();
    world.handler.arrived(1).await;
    assert_eq!(world.finish().await.cut_off, 1);
    assert!(rest(&mut busy).await.is_empty());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let world = World::new(Limits::default());
    let handler = Arc::clone(&world.handler) as Arc<dyn MessageHandler>;
    let tls = Arc::clone(&world.tls);
    let Err(error) = Listener::bind(world.address, tls, Limits::default(), handler) else {
        panic!("two listeners have one address");
    };
    assert!(matches!(error, ListenError::InUse { .. }));
    assert_eq!(error.to_string(), format!("{} is in use by another program", world.address));
}
