//! Traces and metrics, as a collector sees them, and what clients see of both.
//!
//! Log and traces belong to a process, so that all tests here share one collector of traces.

mod collector;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

use kmip_app::Logging;
use kmip_app::config::{Log, Telemetry};
use kmip_model::enumeration::{
    CryptographicAlgorithm, ObjectType, Operation, ResultReason, ResultStatus, Tag,
};
use kmip_tests::request::{
    bytes, enumeration, enumeration_attribute, identifier, integer, name, structure,
    template_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer, request};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};

use collector::{Collector, attribute};

const VERSIONS: [(i32, i32); 7] = [(2, 1), (2, 0), (1, 4), (1, 3), (1, 2), (1, 1), (1, 0)];

/// The collector of this process, and the runtime that sends to it.
static COLLECTOR: LazyLock<Collector> = LazyLock::new(|| {
    let collector = Collector::start(None);
    let telemetry = Telemetry { endpoint: Some(plain(&collector)), ..Telemetry::default() };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        runtime.block_on(async {
            let log = Log { level: "error".to_owned(), ..Log::default() };
            let logging = Logging::start(&log, &telemetry).unwrap_or_else(|it| panic!("{it}"));
            std::future::pending::<()>().await;
            drop(logging);
        });
    });
    // Only what is recorded after the subscriber is there arrives; the first span says that it is.
    let server = recording(&collector);
    let first = "00-000000000000000000000000000000aa-00000000000000aa-01";
    collector.wait("the first span", |collector| {
        let mut client = server.connect("client");
        client.ask(
            &Request::one((1, 4), Operation::Query, queries()).client_correlation_value(first),
        );
        (!collector.spans().is_empty()).then_some(())
    });
    collector
});

fn plain(collector: &Collector) -> String {
    format!("http://127.0.0.1:{}", collector.port())
}

/// Starts a server that records what its clients ask it to record, and nothing else.
fn recording(collector: &Collector) -> TestServer {
    let endpoint = plain(collector);
    TestServer::with(move |config| {
        config.telemetry = Telemetry {
            endpoint: Some(endpoint),
            sample_ratio: 0.0,
            metrics_seconds: 1,
            ..Telemetry::default()
        };
    })
}

fn queries() -> Vec<Item> {
    vec![enumeration(Tag::QueryFunction, kmip_model::enumeration::QueryFunction::QueryOperations)]
}

/// Makes the payload of a Register of an AES key in 1.x.
fn register(material: &[u8], called: &str) -> Vec<Item> {
    let attributes = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        request::attribute("Cryptographic Length", Value::Integer(256)),
        request::attribute("Cryptographic Usage Mask", Value::Integer(12)),
        name(called),
    ];
    let block = structure(
        Tag::KeyBlock,
        vec![
            enumeration(Tag::KeyFormatType, kmip_model::enumeration::KeyFormatType::Raw),
            structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]),
            enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
            integer(Tag::CryptographicLength, 256),
        ],
    );
    vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        template_attribute(attributes),
        structure(Tag::SymmetricKey, vec![block]),
    ]
}

fn ask(client: &mut Connection, operation: Operation, payload: Vec<Item>, trace: &str) -> Item {
    let request = Request::one((1, 4), operation, payload).client_correlation_value(trace);
    client.ask(&request).message().clone()
}

fn correlation(answer: &Item) -> Option<String> {
    let value = answer.at("ResponseHeader/ServerCorrelationValue")?;
    value.as_text().map(str::to_owned)
}

/// Returns the number of a trace that a test has chosen; others are random.
fn chosen(span: &Span) -> Option<u8> {
    let (last, before) = span.trace_id.split_last()?;
    before.iter().all(|byte| *byte == 0).then_some(*last)
}

/// Returns the spans of a trace that a test has chosen.
fn spans_of(collector: &Collector, trace: u8) -> Vec<Span> {
    collector.spans().into_iter().filter(|span| chosen(span) == Some(trace)).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name)
}

#[test]
fn a_recorded_message_is_a_span_with_its_operation_and_its_calls_below_it() {
    let collector = &*COLLECTOR;
    let server = recording(collector);
    let mut client = server.connect("client");
    let key = b"canary-key-91-canary-key-91-abcd";
    let trace = "00-000000000000000000000000000000b1-00000000000000b2-01";
    let answer = ask(&mut client, Operation::Register, register(key, "canary-name"), trace);
    let id = answer.at("BatchItem/ResponsePayload/UniqueIdentifier").and_then(Item::as_text);
    let id = id.expect("it is registered").to_owned();
    let missing = "00-000000000000000000000000000000b3-00000000000000b4-01";
    ask(&mut client, Operation::Get, vec![identifier("canary-none")], missing);
    // Neither of these is recorded.
    let not_recorded = "00-000000000000000000000000000000b5-00000000000000b6-00";
    ask(&mut client, Operation::Get, vec![identifier(&id)], not_recorded);
    ask(&mut client, Operation::Get, vec![identifier(&id)], "no trace");

    let last = "00-000000000000000000000000000000b7-00000000000000b8-01";
    ask(&mut client, Operation::Get, vec![identifier(&id)], last);
    collector.wait("the last message", |collector| {
        named(&spans_of(collector, 0xb7), "kmip.message").map(drop)
    });

    let spans = spans_of(collector, 0xb1);
    let message = named(&spans, "kmip.message").expect("there is a span of the message");
    assert_eq!(message.parent_span_id, [0, 0, 0, 0, 0, 0, 0, 0xb2], "{spans:#?}");
    assert_eq!(message.kind, i32::from(SpanKind::Server));
    let server_side = correlation(&answer).expect("there is a correlation value");
    let expected =
        format!("00-{}-{}-01", hex::encode(&message.trace_id), hex::encode(&message.span_id));
    assert_eq!(server_side, expected);
    for (name, value) in [
        ("rpc.system", "kmip"),
        ("network.protocol.version", "1.4"),
        ("network.peer.address", "127.0.0.1"),
        ("kmip.items", "1"),
    ] {
        assert_eq!(attribute(&message.attributes, name).as_deref(), Some(value), "{message:?}");
    }
    let operation = named(&spans, "kmip.operation").expect("there is a span of the operation");
    assert_eq!(operation.parent_span_id, message.span_id);
    for (name, value) in [("rpc.method", "Register"), ("kmip.object.type", "SymmetricKey")] {
        assert_eq!(attribute(&operation.attributes, name).as_deref(), Some(value), "{operation:?}");
    }
    let apply = spans
        .iter()
        .find(|span| attribute(&span.attributes, "db.operation.name").as_deref() == Some("apply"));
    let apply = apply.expect("there is a span of the store");
    assert_eq!((&apply.name[..], &apply.parent_span_id), ("kmip.store", &operation.span_id));
    assert_eq!(attribute(&apply.attributes, "db.system.name").as_deref(), Some("sqlite"));
    let crypto = named(&spans, "kmip.crypto").expect("there is a span of the cryptography");
    assert_eq!(crypto.parent_span_id, operation.span_id);

    let failed = spans_of(collector, 0xb3);
    let failed = named(&failed, "kmip.operation").expect("there is a span of what failed");
    let reason = attribute(&failed.attributes, "error.type");
    assert_eq!(reason.as_deref(), ResultReason::ItemNotFound.name(), "{failed:?}");
    assert!(failed.status.as_ref().is_some_and(|status| status.code == 2), "{failed:?}");

    assert_eq!(spans_of(collector, 0xb5), []);
    // Nor does what has no trace of its own, with a part of 0.
    let connection = attribute(&message.attributes, "kmip.connection");
    let of_connection = |span: &Span| attribute(&span.attributes, "kmip.connection") == connection;
    let traces: BTreeSet<Option<u8>> =
        collector.spans().iter().filter(|span| of_connection(span)).map(chosen).collect();
    assert_eq!(traces, BTreeSet::from([Some(0xb1), Some(0xb3), Some(0xb7)]));

    // Neither traces nor metrics hold what is stored, what it is called, or who asks.
    collector.wait("a metric of it", |collector| point(collector, "kmip.operations", "Register"));
    let everything = collector.everything();
    let numbers: Vec<String> = key.iter().take(8).map(ToString::to_string).collect();
    for secret in ["canary", &id, &numbers.join(", "), &hex::encode(&key[..8])] {
        assert!(!everything.contains(secret), "{secret} is in what was sent");
    }
}

/// Finds a point of a sum for an operation.
fn point(collector: &Collector, metric: &str, operation: &str) -> Option<()> {
    let of_operation = |metric: &&Metric| match &metric.data {
        Some(Data::Sum(sum)) => sum
            .data_points
            .iter()
            .any(|point| attribute(&point.attributes, "operation").as_deref() == Some(operation)),
        _ => false,
    };
    let metrics = collector.metrics();
    metrics.iter().filter(|found| found.name == metric).find(of_operation).map(drop)
}

#[test]
fn metrics_arrive_over_tls_too() {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let collector = Collector::start(Some((certificate.pem(), key.serialize_pem())));
    let directory = Arc::new(kmip_tests::server::Directory::make());
    let authorities = directory.path().join("collector.crt");
    std::fs::write(&authorities, certificate.pem()).unwrap();
    let endpoint = format!("https://localhost:{}", collector.port());
    let server = TestServer::on(directory, move |config| {
        config.telemetry.endpoint = Some(endpoint);
        config.telemetry.tls_ca = Some(authorities);
        config.telemetry.metrics_seconds = 1;
    });
    server.connect("client").ask(&Request::one((1, 4), Operation::Query, queries()));
    collector.wait("a metric", |collector| point(collector, "kmip.operations", "Query"));
    let names: Vec<String> = collector.metrics().into_iter().map(|metric| metric.name).collect();
    for name in ["kmip.store.commits", "kmip.connections.open", "process.cpu.time"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}

/// Takes connections and says nothing, for as long as it is kept.
fn silent() -> (String, Arc<Mutex<Vec<std::net::TcpStream>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let held = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&held);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            keep.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    });
    (format!("http://127.0.0.1:{port}"), held)
}

#[test]
fn a_collector_that_is_silent_or_down_keeps_nobody_waiting() {
    let (silent, held) = silent();
    // Nobody listens on port 1 of this host.
    for endpoint in [silent, "http://127.0.0.1:1".to_owned()] {
        let down = endpoint.ends_with(":1");
        let server = TestServer::with(move |config| {
            config.telemetry = Telemetry {
                endpoint: Some(endpoint),
                sample_ratio: 1.0,
                metrics_seconds: 1,
                ..Telemetry::default()
            };
        });
        let mut client = server.connect("client");
        let mut asked = 0;
        // Until it is tried, and for a while; the silent one holds its connection all the time.
        while asked < 500 || (!down && held.lock().unwrap().is_empty()) {
            let answer = client.ask(&Request::one((1, 4), Operation::Query, queries()));
            assert_eq!(answer.status(0), ResultStatus::Success);
            asked += 1;
        }
    }
}

#[test]
fn answers_since_1_4_say_where_they_stand_in_a_trace() {
    let server = TestServer::in_memory();
    let mut client = server.connect("client");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for version in VERSIONS {
        let has_it = version >= (1, 4);
        let ask = Request::one(version, Operation::Query, queries());
        let own = client.ask(&ask).message().clone();
        assert_eq!(correlation(&own).is_some(), has_it, "{version:?}");
        let again = client.ask(&ask).message().clone();
        assert!(!has_it || correlation(&own) != correlation(&again), "{version:?}");
        if has_it {
            let ask = ask.client_correlation_value(trace);
            let joined = correlation(client.ask(&ask).message()).unwrap();
            // The trace is the client's; nothing is recorded here, which the flags say.
            assert!(joined.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{joined}");
            assert!(joined.ends_with("-00") && !joined.contains("00f067aa0ba902b7"), "{joined}");
        }
    }
}

#[test]
fn a_refusal_says_where_it_stands_in_a_trace() {
    let server = TestServer::in_memory();
    let mut client = server.connect("client");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let stale = Request::one((1, 4), Operation::Query, queries()).time_stamp(1);
    let refused = client.ask(&stale.client_correlation_value(trace)).message().clone();
    let joined = correlation(&refused).unwrap();
    assert!(joined.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{joined}");
}
