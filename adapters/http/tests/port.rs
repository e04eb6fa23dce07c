//! The admin port from the outside, as a probe or a scraper sees it.

#![expect(clippy::unwrap_used, reason = "these are tests; Clippy knows only those inside crates")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kmip_http::{AdminListener, Check, Health, ListenError, Metrics, Routes};
use kmip_transport::{Accepted, Acceptor, Failure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough that only a mistake reaches it.
const AT_MOST: Duration = Duration::from_secs(30);

/// Health as the test has it.
#[derive(Default)]
struct Told {
    is_bad: AtomicBool,
    never_answers: AtomicBool,
}

#[async_trait]
impl Health for Told {
    async fn checks(&self) -> Vec<Check> {
        if self.never_answers.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let is_good = !self.is_bad.load(Ordering::Relaxed);
        let good = Check { name: "good", is_good: true, words: "as ever".to_owned() };
        vec![good, Check { name: "told", is_good, words: "as told".to_owned() }]
    }
}

async fn start(health: Arc<Told>, metrics: Option<Metrics>) -> AdminListener {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let routes = Routes { health, metrics, name: "kmip-app", version: "1.2.3" };
    AdminListener::start(any, None, routes).await.unwrap()
}

/// Sends a request and returns everything that comes.
async fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = timeout(AT_MOST, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let close = "Host: localhost\r\nConnection: close\r\n\r\n";
    send(address, &format!("{method} {path} HTTP/1.1\r\n{close}")).await
}

fn has_status(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
}

#[tokio::test]
async fn every_path_answers_and_others_do_not() {
    let metrics: Metrics = Arc::new(|| "kmip_build_info 1\n".to_owned());
    let admin = start(Arc::default(), Some(metrics)).await;
    let address = admin.address();
    for (path, kind, body) in [
        ("/livez", "text/plain", "\r\n\r\nok\n"),
        ("/readyz", "text/plain", "\r\n\r\n[+] good: as ever\n[+] told: as told\nready\n"),
        ("/version", "application/json", "{\"name\":\"kmip-app\",\"version\":\"1.2.3\"}\n"),
        ("/metrics", "text/plain; version=0.0.4", "\r\n\r\nkmip_build_info 1\n"),
    ] {
        let answer = ask(address, "GET", path).await;
        assert!(has_status(&answer, 200) && answer.ends_with(body), "{path}: {answer}");
        assert!(answer.contains(&format!("content-type: {kind}")), "{path}: {answer}");
        let head = ask(address, "HEAD", path).await;
        assert!(has_status(&head, 200) && head.ends_with("\r\n\r\n"), "{path}: {head}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            let answer = ask(address, method, path).await;
            assert!(has_status(&answer, 405), "{method} {path}: {answer}");
        }
    }
    for path in ["/", "/livez/", "/keys", "/../etc/passwd", "/metrics/x"] {
        let answer = ask(address, "GET", path).await;
        assert!(has_status(&answer, 404), "{path}: {answer}");
    }
}

#[tokio::test]
async fn what_is_not_in_order_is_said_with_503() {
    let health = Arc::<Told>::default();
    let admin = start(Arc::clone(&health), None).await;
    health.is_bad.store(true, Ordering::Relaxed);
    let answer = ask(admin.address(), "GET", "/readyz").await;
    let body = "[+] good: as ever\n[-] told: as told\nnot ready\n";
    assert!(has_status(&answer, 503) && answer.ends_with(body), "{answer}");
    assert!(has_status(&ask(admin.address(), "GET", "/livez").await, 200));
    health.is_bad.store(false, Ordering::Relaxed);
    assert!(has_status(&ask(admin.address(), "GET", "/readyz").await, 200));
}

#[tokio::test]
async fn checks_that_do_not_end_are_not_ready() {
    let health = Arc::<Told>::default();
    health.never_answers.store(true, Ordering::Relaxed);
    let admin = start(health, None).await;
    let answer = ask(admin.address(), "GET", "/readyz").await;
    assert!(has_status(&answer, 503) && answer.contains("no answer within"), "{answer}");
}

#[tokio::test]
async fn without_metrics_that_is_said() {
    let admin = start(Arc::default(), None).await;
    let answer = ask(admin.address(), "GET", "/metrics").await;
    assert!(has_status(&answer, 404) && answer.ends_with("counts nothing\n"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_others_are_answered() {
    let admin = start(Arc::default(), None).await;
    let long = format!("GET /livez HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let answer = send(admin.address(), &long).await;
    assert!(answer.is_empty() || has_status(&answer, 431), "{answer}");
    let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100));
    let answer = send(admin.address(), &many).await;
    assert!(has_status(&answer, 431), "{answer}");
    let answer = send(admin.address(), "\u{16}\u{3}\u{1} no HTTP at all\r\n\r\n").await;
    assert!(answer.is_empty() || has_status(&answer, 400), "{answer}");
    assert!(has_status(&ask(admin.address(), "GET", "/livez").await, 200));
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_comes_in_when_others_go() {
    let admin = start(Arc::default(), None).await;
    let mut idle = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(admin.address()).await.unwrap();
        // Answered once, so it surely has its place.
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        timeout(AT_MOST, stream.read_exact(&mut first)).await.unwrap().unwrap();
        idle.push(stream);
    }
    let refused = async {
        let mut stream = TcpStream::connect(admin.address()).await.unwrap();
        // It may be closed already.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    assert!(timeout(AT_MOST, refused).await.unwrap().is_empty());
    drop(idle);
    let again = async {
        loop {
            let mut stream = TcpStream::connect(admin.address()).await.unwrap();
            let _ = stream.write_all(b"GET /livez HTTP/1.0\r\n\r\n").await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            if !answer.is_empty() {
                return answer;
            }
        }
    };
    assert!(timeout(AT_MOST, again).await.unwrap().ends_with(b"ok\n"));
}

#[tokio::test]
async fn an_address_in_use_is_named_and_an_ended_port_is_free() {
    let admin = start(Arc::default(), None).await;
    let address = admin.address();
    let routes =
        || Routes { health: Arc::<Told>::default(), metrics: None, name: "a", version: "1" };
    let taken = AdminListener::start(address, None, routes()).await;
    let Err(error @ ListenError::InUse { .. }) = taken else { panic!("it is listened on twice") };
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    admin.end().await;
    AdminListener::start(address, None, routes()).await.unwrap();
}

/// Lets everybody in, and says later whether they still may be there.
#[derive(Default)]
struct Doorkeeper {
    trust: AtomicU64,
    is_trusted: AtomicBool,
    looked: AtomicU64,
}

#[async_trait]
impl Acceptor for Doorkeeper {
    async fn accept(&self, socket: TcpStream) -> Result<Accepted, Failure> {
        Ok(Accepted::new(socket, |socket| socket, vec![b"certificate".to_vec()]))
    }

    fn trust(&self) -> u64 {
        self.trust.load(Ordering::Relaxed)
    }

    fn still_trusts(&self, certificates: &[Vec<u8>]) -> Result<(), String> {
        assert_eq!(certificates, [b"certificate".to_vec()]);
        self.looked.fetch_add(1, Ordering::Relaxed);
        let is_trusted = self.is_trusted.load(Ordering::Relaxed);
        is_trusted.then_some(()).ok_or_else(|| "it was revoked".to_owned())
    }
}

#[tokio::test]
async fn an_open_connection_of_who_was_revoked_is_not_answered_any_more() {
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let doorkeeper = Arc::new(Doorkeeper::default());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let routes = Routes { health: Arc::<Told>::default(), metrics: None, name: "a", version: "1" };
    let acceptor = Arc::clone(&doorkeeper) as Arc<dyn Acceptor>;
    let port = AdminListener::start(any, Some(acceptor), routes).await.unwrap();
    let mut stream = TcpStream::connect(port.address()).await.unwrap();
    for (trust, is_trusted, looked) in [(0, false, 0), (1, true, 1), (1, false, 1)] {
        doorkeeper.is_trusted.store(is_trusted, Ordering::Relaxed);
        doorkeeper.trust.store(trust, Ordering::Relaxed);
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("ok\n") {
            let mut byte = [0];
            timeout(AT_MOST, stream.read_exact(&mut byte)).await.unwrap().unwrap();
            answer.push(char::from(byte[0]));
        }
        assert!(has_status(&answer, 200), "{answer}");
        // It is looked at only when others are trusted.
        assert_eq!(doorkeeper.looked.load(Ordering::Relaxed), looked);
    }
    doorkeeper.trust.store(2, Ordering::Relaxed);
    stream.write_all(REQUEST).await.unwrap();
    let mut rest = Vec::new();
    // It may be reset, too.
    let _ = timeout(AT_MOST, stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(String::from_utf8(rest), Ok(String::new()));
    assert_eq!(doorkeeper.looked.load(Ordering::Relaxed), 2);
    port.end().await;
}
