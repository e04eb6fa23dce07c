//! The dashboard and the alert rules against `docs/metrics.md`, which says what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use kmip_model::enumeration::{Enumeration as _, Operation, ResultReason};
use kmip_tests::markdown::Document;
use serde_json::Value;

use super::{
    at, deploy, is_installed,
    promql::{Query, Use},
    read, texts, yaml,
};

/// What Prometheus itself adds to every series.
const OF_PROMETHEUS: &[&str] = &["instance", "job"];

/// A row of the table.
struct Metric {
    kind: String,
    labels: Vec<String>,
    /// The values of labels that it names.
    values: Vec<String>,
}

fn contract() -> BTreeMap<String, Metric> {
    let text = read("../docs/metrics.md");
    let words = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let mut metrics: BTreeMap<String, Metric> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, name, _, kind, labels, says, ..] = cells.as_slice() else {
                panic!("{line}");
            };
            let metric =
                Metric { kind: (*kind).to_owned(), labels: words(labels), values: words(says) };
            (name.trim_matches('`').to_owned(), metric)
        })
        .collect();
    assert!(metrics.len() > 20, "the table was not found");
    // Prometheus's own: whether a server answered.
    let up = Metric { kind: "gauge".to_owned(), labels: Vec::new(), values: Vec::new() };
    metrics.insert("up".to_owned(), up);
    metrics
}

/// Every query, with where it is.
fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let mut queries = Vec::new();
    for panel in panels(&dashboard) {
        let title = at(panel, &["title"]).as_str().unwrap_or_default();
        for target in at(panel, &["targets"]).as_array().into_iter().flatten() {
            let query = at(target, &["expr"]).as_str().expect("a target has a query");
            queries.push((format!("panel {title}"), query.to_owned()));
        }
    }
    for variable in at(&dashboard, &["templating", "list"]).as_array().into_iter().flatten() {
        let query = at(variable, &["query", "query"]).as_str().expect("a variable has a query");
        assert_eq!(at(variable, &["definition"]), query);
        queries.push(("variable".to_owned(), query.to_owned()));
    }
    for rule in rules() {
        let name = at(&rule, &["alert"]).as_str().expect("a rule has a name");
        let query = at(&rule, &["expr"]).as_str().expect("a rule has a query");
        queries.push((format!("alert {name}"), query.to_owned()));
    }
    assert!(queries.len() > 50, "{} queries were found", queries.len());
    queries
}

fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/dashboards/kmip-app.json")).expect("the dashboard is JSON")
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    at(dashboard, &["panels"]).as_array().into_iter().flatten()
}

fn rules() -> Vec<Value> {
    let file = yaml("prometheus/alerts.yml");
    let groups = at(&file, &["groups"]).as_array().expect("there are groups");
    groups.iter().filter_map(|group| at(group, &["rules"]).as_array()).flatten().cloned().collect()
}

/// Finds the row of a series: a histogram has three.
fn row<'a>(contract: &'a BTreeMap<String, Metric>, name: &str) -> Option<(&'a Metric, bool)> {
    if let Some(metric) = contract.get(name) {
        return (metric.kind != "histogram").then_some((metric, false));
    }
    let (base, bucket) = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|end| Some((name.strip_suffix(end)?, *end == "_bucket")))?;
    contract.get(base).filter(|metric| metric.kind == "histogram").map(|metric| (metric, bucket))
}

/// Says what is wrong with one metric of a query.
fn faults(contract: &BTreeMap<String, Metric>, query: &Query, it: &Use) -> Vec<String> {
    let Some((metric, bucket)) = row(contract, &it.name) else {
        return vec![format!("there is no series {}", it.name)];
    };
    let mut faults = Vec::new();
    let has = |label: &str| {
        OF_PROMETHEUS.contains(&label)
            || metric.labels.iter().any(|known| known == label)
            || (bucket && label == "le")
    };
    let named = it.matchers.iter().map(|(label, _)| label).chain(&query.labels);
    faults.extend(named.filter(|label| !has(label)).map(|it| format!("there is no label {it}")));
    let counts = metric.kind == "counter" || metric.kind == "histogram";
    let by_time = matches!(it.within.as_deref(), Some("rate" | "increase"));
    if counts != by_time {
        faults.push(format!("{} is a {}, within {:?}", it.name, metric.kind, it.within));
    }
    if bucket != query.functions.iter().any(|function| function == "histogram_quantile") {
        faults.push(format!("{} and histogram_quantile belong together", it.name));
    }
    let of_specification = |value: &str| {
        Operation::MEMBERS.iter().any(|it| it.name == value)
            || ResultReason::MEMBERS.iter().any(|it| it.name == value)
    };
    for (label, values) in &it.matchers {
        for value in values {
            let known = OF_PROMETHEUS.contains(&label.as_str())
                || value.is_empty()
                || metric.values.contains(value)
                || of_specification(value);
            if !known {
                faults.push(format!("{label} is never {value:?}"));
            }
        }
    }
    faults
}

#[test]
fn every_query_asks_for_what_there_is() {
    let contract = contract();
    let mut offenders = Vec::new();
    for (place, text) in queries() {
        let query = Query::read(&text).unwrap_or_else(|error| panic!("{place}: {error}: {text}"));
        for it in &query.metrics {
            for fault in faults(&contract, &query, it) {
                offenders.push(format!("{place}: {fault}: {text}"));
            }
        }
        if query.functions.iter().any(|function| function == "histogram_quantile") {
            assert!(query.labels.contains(&"le".to_owned()), "{place}: no le: {text}");
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn everything_that_is_counted_is_on_the_dashboard() {
    let contract = contract();
    let asked: Vec<String> = queries()
        .iter()
        .filter(|(place, _)| place.starts_with("panel"))
        .flat_map(|(_, text)| Query::read(text).unwrap().metrics)
        .map(|it| it.name)
        .collect();
    let shown = |name: &str| {
        asked
            .iter()
            .any(|it| it == name || it.strip_prefix(name).is_some_and(|it| it.starts_with('_')))
    };
    let missing: Vec<&String> = contract.keys().filter(|name| !shown(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_dashboard_uses_what_is_provisioned() {
    let dashboard = dashboard();
    let source = yaml("grafana/provisioning/datasources/prometheus.yaml");
    let sources = at(&source, &["datasources"]).as_array().expect("there is a source");
    let uids: Vec<&str> = sources.iter().filter_map(|it| at(it, &["uid"]).as_str()).collect();
    let mut identifiers = BTreeSet::new();
    for panel in panels(&dashboard) {
        assert!(identifiers.insert(at(panel, &["id"]).as_i64()), "{panel}");
        if let Some(uid) = at(panel, &["datasource", "uid"]).as_str() {
            assert!(uids.contains(&uid), "{uid}");
        }
    }
    assert_eq!(
        sources.iter().map(|it| at(it, &["url"])).collect::<Vec<_>>(),
        ["http://prometheus:9090"]
    );
    let provider = yaml("grafana/provisioning/dashboards/kmip-app.yaml");
    let providers = at(&provider, &["providers"]).as_array().expect("there is a provider");
    let mounted = texts(at(&yaml("compose.yaml"), &["services", "grafana", "volumes"]));
    for provider in providers {
        let path = at(provider, &["options", "path"]).as_str().expect("it has a path");
        assert!(
            mounted.iter().any(|it| it == &format!("./grafana/dashboards:{path}:ro")),
            "{path}"
        );
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let handbook = fs::read_to_string(deploy().join("../docs/handbook.md")).unwrap();
    let anchors = Document::read(&handbook).anchors;
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = at(&rule, &["alert"]).as_str().expect("a rule has a name").to_owned();
        let severity = at(&rule, &["labels", "severity"]).as_str().unwrap_or_default();
        assert!(matches!(severity, "page" | "ticket"), "{name}: {severity}");
        let runbook = at(&rule, &["annotations", "runbook"]).as_str().unwrap_or_default();
        assert_eq!(runbook, format!("docs/handbook.md#{}", name.to_lowercase()));
        assert!(anchors.contains(&name.to_lowercase()), "the handbook has no heading {name}");
        let summary =
            at(&rule, &["annotations", "summary"]).as_str().expect("it says what is wrong");
        let query = Query::read(at(&rule, &["expr"]).as_str().unwrap_or_default()).unwrap();
        let grouped = query.functions.iter().any(|it| matches!(it.as_str(), "sum" | "count"));
        for label in summary.split("$labels.").skip(1) {
            let label = label.split(' ').next().unwrap_or_default();
            let kept = query.labels.iter().any(|it| it == label)
                || (!grouped && OF_PROMETHEUS.contains(&label))
                || (!grouped && of_a_metric(&query, label));
            assert!(kept, "{name}: the summary names {label}, which the query does not keep");
        }
        assert!(names.insert(name.clone()), "{name} is there again");
    }
}

#[test]
fn prometheus_understands_the_rules_and_they_fire_when_they_should() {
    if !is_installed("promtool") {
        println!("skipped: promtool is not installed");
        return;
    }
    for (verb, file) in [("check", "alerts.yml"), ("test", "alerts.test.yml")] {
        let mut command = Command::new("promtool");
        let command = command.args([verb, "rules", file]).current_dir(deploy().join("prometheus"));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&said));
    }
}

fn of_a_metric(query: &Query, label: &str) -> bool {
    let contract = contract();
    query
        .metrics
        .iter()
        .filter_map(|it| row(&contract, &it.name))
        .any(|(metric, _)| metric.labels.iter().any(|known| known == label))
}
