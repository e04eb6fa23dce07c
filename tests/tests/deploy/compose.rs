//! `compose.yaml`: hardening, secrets, settings, and what the services say of each other.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, process::Command};

use kmip_tests::program;
use serde_json::{Map, Value};

use super::{at, deploy, loaded, read, setting, texts, understood, yaml};

/// Services whose user is the image's own: that of PostgreSQL becomes its own after it has started,
/// that of the collector is not root.
const OWN_USER: &[&str] = &["database", "collector"];

fn compose() -> Value {
    yaml("compose.yaml")
}

fn services(compose: &Value) -> &Map<String, Value> {
    at(compose, &["services"]).as_object().expect("there are services")
}

fn environment(service: &Value) -> Vec<(String, String)> {
    let variables = at(service, &["environment"]).as_object().into_iter().flatten();
    variables
        .map(|(name, value)| (name.clone(), value.as_str().expect("a value is text").to_owned()))
        .collect()
}

/// Returns every text anywhere in a value.
fn all_texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(all_texts).collect(),
        Value::Object(entries) => entries.values().flat_map(all_texts).collect(),
        _ => Vec::new(),
    }
}

/// Returns the names of the secrets that a text names by their path.
fn secrets_in(text: &str) -> impl Iterator<Item = &str> {
    let name = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    text.split("/run/secrets/")
        .skip(1)
        .map(move |rest| rest.split(|letter| !name(letter)).next().unwrap_or_default())
}

#[test]
fn every_service_is_shut_in() {
    for (name, service) in services(&compose()) {
        assert_eq!(at(service, &["read_only"]), &Value::Bool(true), "{name}");
        assert_eq!(texts(at(service, &["cap_drop"])), ["ALL"], "{name}");
        assert_eq!(texts(at(service, &["security_opt"])), ["no-new-privileges:true"], "{name}");
        assert_eq!(at(service, &["restart"]), "unless-stopped", "{name}");
        assert_eq!(at(service, &["privileged"]), &Value::Null, "{name}");
        assert_eq!(at(service, &["cap_add"]).is_array(), name == "database", "{name}");
        let user = at(service, &["user"]).as_str().unwrap_or_default();
        let own = OWN_USER.contains(&name.as_str());
        assert_eq!(user.starts_with("${KMIP_USER:?"), !own, "{name}");
        let image = at(service, &["image"]).as_str().expect("an image has a name");
        let (_, tag) = image.rsplit_once(':').expect("an image has a tag");
        assert!(tag == "local" || tag.contains(|letter: char| letter.is_ascii_digit()), "{image}");
        let checked = !texts(at(service, &["healthcheck", "test"])).is_empty();
        assert_eq!(checked, name != "collector", "{name}");
        for port in texts(at(service, &["ports"])) {
            assert!(port.starts_with("127.0.0.1:"), "{name} is published at {port}");
        }
    }
}

#[test]
fn what_is_mounted_is_there() {
    let compose = compose();
    let volumes = at(&compose, &["volumes"]).as_object().expect("there are volumes");
    for (name, service) in services(&compose) {
        for volume in texts(at(service, &["volumes"])) {
            let source = volume.split(':').next().unwrap_or_default();
            if source.starts_with('.') {
                assert!(deploy().join(source).exists(), "{name} mounts {source}");
                assert!(volume.ends_with(":ro"), "{name} may write to {source}");
            } else {
                assert!(volumes.contains_key(source), "{name} mounts {source}");
            }
        }
    }
}

#[test]
fn each_service_has_the_secrets_that_it_names_and_no_others() {
    let compose = compose();
    let defined = at(&compose, &["secrets"]).as_object().expect("there are secrets");
    let prometheus = read("prometheus/prometheus.yml");
    let mut used = BTreeSet::new();
    for (name, service) in services(&compose) {
        let given: BTreeSet<String> = texts(at(service, &["secrets"])).into_iter().collect();
        let mut named = all_texts(service);
        if name == "prometheus" {
            named.push(prometheus.clone());
        }
        let named: BTreeSet<String> =
            named.iter().flat_map(|text| secrets_in(text)).map(str::to_owned).collect();
        assert_eq!(given, named, "{name}");
        used.extend(given);
    }
    assert_eq!(used, defined.keys().cloned().collect());
    let root_key: Vec<&String> = services(&compose)
        .iter()
        .filter(|(_, service)| texts(at(service, &["secrets"])).contains(&"root.key".to_owned()))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(root_key, ["node-1", "node-2"]);
}

#[test]
fn the_settings_of_the_nodes_are_settings() {
    let compose = compose();
    for node in ["node-1", "node-2"] {
        let service = at(&compose, &["services", node]);
        let settings: Vec<(String, String)> = environment(service)
            .into_iter()
            .filter_map(|(name, value)| Some((setting(&name)?, value)))
            .collect();
        let config = loaded(&settings);
        assert_eq!(config.node.name, node);
        assert!(config.storage.url.starts_with("postgres://"), "{}", config.storage.url);
        let collector = config.telemetry.endpoint.expect("traces go somewhere");
        assert_eq!(collector, "http://collector:4317");
    }
    let receiver = yaml("otel-collector.yaml");
    let endpoint = at(&receiver, &["receivers", "otlp", "protocols", "grpc", "endpoint"]);
    assert_eq!(endpoint, "0.0.0.0:4317");
}

#[test]
fn the_nodes_differ_in_their_names_only() {
    let compose = compose();
    let node = |name: &str| {
        let service = at(&compose, &["services", name]).as_object().expect("a node");
        let mut service = service.clone();
        for key in ["build", "ports", "depends_on"] {
            service.remove(key);
        }
        let name = at(&Value::Object(service.clone()), &["environment", "KMIP_NODE__NAME"]).clone();
        if let Some(Value::Object(environment)) = service.get_mut("environment") {
            environment.remove("KMIP_NODE__NAME");
        }
        (name, service)
    };
    let ((first, one), (second, other)) = (node("node-1"), node("node-2"));
    assert_ne!(first, second);
    assert_eq!(one, other);
}

#[test]
fn the_commands_of_the_nodes_are_understood() {
    let compose = compose();
    let program = "/usr/local/bin/kmip-app".to_owned();
    for node in ["node-1", "node-2"] {
        let service = at(&compose, &["services", node]);
        let command = texts(at(service, &["command"]));
        understood(&[vec![program.clone()], command].concat());
        let check = texts(at(service, &["healthcheck", "test"]));
        assert_eq!(check.get(..2), Some(&["CMD".to_owned(), program.clone()][..]));
        understood(check.get(1..).unwrap_or_default());
    }
    let first = yaml("compose.first-start.yaml");
    let overlaid = services(&first);
    assert_eq!(overlaid.keys().collect::<Vec<_>>(), ["node-1"]);
    let command = texts(at(&first, &["services", "node-1", "command"]));
    understood(&[vec![program], command.clone()].concat());
    // It is the usual command and one word more.
    let usual = texts(at(&compose, &["services", "node-1", "command"]));
    assert_eq!(command, [usual, vec!["--create-store".to_owned()]].concat());
}

#[test]
fn prometheus_asks_the_nodes_at_their_admin_port() {
    let (compose, prometheus) = (compose(), yaml("prometheus/prometheus.yml"));
    let jobs = at(&prometheus, &["scrape_configs"]).as_array().expect("there are jobs");
    let targets: Vec<String> = jobs
        .iter()
        .flat_map(|job| at(job, &["static_configs"]).as_array().into_iter().flatten())
        .flat_map(|group| texts(at(group, &["targets"])))
        .collect();
    let nodes: Vec<String> = services(&compose)
        .iter()
        .filter_map(|(name, service)| {
            let address = at(service, &["environment", "KMIP_LISTEN__ADMIN__ADDRESS"]).as_str()?;
            Some(format!("{name}:{}", address.rsplit(':').next()?))
        })
        .collect();
    assert_eq!(targets, nodes);
    let mounted = texts(at(&compose, &["services", "prometheus", "volumes"]));
    for file in texts(at(&prometheus, &["rule_files"])) {
        assert!(mounted.iter().any(|volume| volume.contains(&format!(":{file}:"))), "{file}");
    }
}

#[test]
fn the_script_makes_every_secret() {
    let Some(program) = program::path() else {
        println!("skipped: the program was not built beside this test");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join("secrets");
    let prepare = || {
        let mut command = Command::new("sh");
        command.arg(deploy().join("prepare.sh")).arg(&secrets).env("KMIP_APP", &program);
        command.output().unwrap()
    };
    let made = prepare();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let compose = compose();
    let defined = at(&compose, &["secrets"]).as_object().expect("there are secrets");
    for (name, secret) in defined {
        assert_eq!(at(secret, &["file"]), &format!("./secrets/{name}"));
        let file =
            fs::metadata(secrets.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let owner = fs::read_to_string(directory.path().join(".env")).unwrap();
    assert!(owner.starts_with("KMIP_USER=") && !owner.contains("=0:"), "{owner}");
    // A second run changes nothing.
    let key = fs::read(secrets.join("root.key")).unwrap();
    assert!(!prepare().status.success());
    assert_eq!(fs::read(secrets.join("root.key")).unwrap(), key);
}
