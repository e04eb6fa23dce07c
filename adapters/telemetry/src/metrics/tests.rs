//! Tests of the metrics: every row is there with its labels, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use kmip_model::enumeration::State;
use kmip_ports::{observe::StoreFigures, store::StoreError};

use super::*;

/// A store with figures.
struct Figures;

#[async_trait]
impl StoreGauge for Figures {
    fn figures(&self) -> StoreFigures {
        StoreFigures { commits: 3, cache_hits: 7, ..StoreFigures::default() }
    }

    async fn objects(&self) -> Result<Vec<StateCount>, StoreError> {
        Ok(vec![(Some(State::Active), 2), (None, 1)])
    }
}

fn get(reason: Option<ResultReason>) -> OperationSeen {
    OperationSeen {
        operation: Operation::Get,
        version: (1, 4),
        object_type: Some(ObjectType::SymmetricKey),
        reason,
        taken: Duration::from_micros(30),
    }
}

/// Metrics that were told everything once.
fn told() -> Metrics {
    let metrics = Metrics::new("0.1.0", None, 1.0).unwrap();
    metrics.watch_store(Arc::new(Figures));
    metrics.set_objects(pollster::block_on(Figures.objects()).unwrap());
    metrics.watch_certificates(Arc::new(|| vec![("server", -3)]));
    metrics.watch_reloads(Arc::new(|| vec![("policies", "kept", 1)]));
    metrics.store_call("load", Duration::from_micros(9));
    metrics.crypto_call("sign", Duration::from_millis(2));
    metrics.operation(&get(None));
    metrics.operation(&get(Some(ResultReason(1))));
    metrics.message(&MessageSeen {
        version: (1, 4),
        refused: false,
        taken: Duration::from_micros(40),
    });
    metrics.accepted();
    metrics.opened(Duration::from_millis(1));
    metrics.failed(HandshakeCause::Expired);
    metrics
}

/// Reads the text: for each name its kind, and the names of its labels.
fn read(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut read = BTreeMap::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            read.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let sample = line.rsplit_once(' ').unwrap().0;
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|part| name.strip_suffix(part).filter(|base| read.contains_key(*base)));
            let entry = read.get_mut(base.unwrap_or(name)).expect("a sample has a type");
            let labels = labels.trim_end_matches('}').split("\",").filter(|it| !it.is_empty());
            entry.1.extend(labels.map(|label| label.split('=').next().unwrap().to_owned()));
        }
    }
    read
}

#[test]
fn every_row_is_exposed_with_its_kind_and_labels_and_nothing_else_is() {
    let text = told().exposition();
    let expected: BTreeMap<_, _> = table::ALL
        .iter()
        .map(|row| {
            let mut labels: BTreeSet<String> = row.labels.iter().map(ToString::to_string).collect();
            if row.kind == table::Kind::Histogram {
                labels.insert("le".to_owned());
            }
            (row.prometheus.to_owned(), (row.kind.name().to_owned(), labels))
        })
        .collect();
    assert_eq!(read(&text), expected, "{text}");
}

#[test]
fn what_was_told_is_in_the_text() {
    let text = told().exposition();
    for line in [
        "kmip_operations_total{object_type=\"SymmetricKey\",operation=\"Get\",result=\"Success\",version=\"1.4\"} 1",
        "kmip_operations_total{object_type=\"SymmetricKey\",operation=\"Get\",result=\"ItemNotFound\",version=\"1.4\"} 1",
        "kmip_operation_duration_seconds_bucket{operation=\"Get\",le=\"0.000025\"} 0",
        "kmip_operation_duration_seconds_bucket{operation=\"Get\",le=\"0.00005\"} 2",
        "kmip_operation_duration_seconds_bucket{operation=\"Get\",le=\"+Inf\"} 2",
        "kmip_operation_duration_seconds_count{operation=\"Get\"} 2",
        "kmip_messages_total{result=\"answered\",version=\"1.4\"} 1",
        "kmip_connections_open 1",
        "kmip_connections_total{result=\"accepted\"} 1",
        "kmip_connections_total{result=\"refused\"} 0",
        "kmip_tls_failures_total{cause=\"expired\"} 1",
        "kmip_tls_failures_total{cause=\"revoked\"} 0",
        "kmip_store_commits_total 3",
        "kmip_cache_lookups_total{result=\"hit\"} 7",
        "kmip_objects{state=\"Active\"} 2",
        "kmip_objects{state=\"\"} 1",
        "kmip_certificate_days_left{certificate=\"server\"} -3",
        "kmip_reloads_total{part=\"policies\",result=\"kept\"} 1",
        "kmip_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let memory = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    assert!(memory.is_some_and(|bytes| bytes.parse::<u64>().unwrap() > 0));
}

#[test]
fn a_session_that_ended_is_not_open() {
    let metrics = told();
    metrics.closed();
    assert!(metrics.exposition().contains("\nkmip_connections_open 0\n"));
}

#[test]
fn numbers_that_the_standard_does_not_know_are_one() {
    let metrics = told();
    for number in 0x8000_0000..0x8000_0100 {
        metrics.operation(&OperationSeen { operation: Operation(number), ..get(None) });
    }
    let text = metrics.exposition();
    let others: Vec<&str> =
        text.lines().filter(|line| line.starts_with("kmip_operations_total{")).collect();
    assert_eq!(others.len(), 3, "{others:?}");
    assert!(
        others.iter().any(|line| line.contains("operation=\"Other\"") && line.ends_with(" 256"))
    );
}

/// Metrics that record this part of the messages.
fn recording(sampled: f64) -> Metrics {
    Metrics { sampled: Some(sampled), ..told() }
}

#[test]
fn the_client_s_decision_counts_and_its_trace_goes_on() {
    let client = TraceContext { trace: 5, span: 6, sampled: true };
    for part in [0.0, 1.0] {
        let place = recording(part).place(Some(client));
        assert_eq!((place.trace, place.sampled), (5, true));
        assert_ne!(place.span, 6);
        let place = recording(part).place(Some(TraceContext { sampled: false, ..client }));
        assert_eq!((place.trace, place.sampled), (5, false));
    }
    // Nobody takes what would be recorded.
    assert!(!told().place(Some(client)).sampled);
}

#[test]
fn about_the_part_that_was_asked_for_is_recorded() {
    for (part, least, most) in [(0.0, 0, 0), (0.1, 20, 400), (1.0, 1_000, 1_000)] {
        let metrics = recording(part);
        let sampled = (0..1_000).filter(|_| metrics.place(None).sampled).count();
        assert!((least..=most).contains(&sampled), "{part}: {sampled}");
    }
}

#[test]
fn traces_differ() {
    let metrics = told();
    let traces: BTreeSet<u128> = (0..1_000).map(|_| metrics.place(None).trace).collect();
    assert_eq!(traces.len(), 1_000);
}
