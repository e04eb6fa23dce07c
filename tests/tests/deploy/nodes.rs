//! The two nodes of `compose.yaml`, started without containers: the program, its settings, its
//! secrets and its sign of life are those of the file; addresses and the database are of this test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kmip_tests::{
    postgres,
    program::{self, Program},
};
use serde_json::Value;

use super::{at, deploy, setting, texts, yaml};

/// What a container has and this computer has not: ports of its own, and a collector.
const ELSEWHERE: &[&str] =
    &["listen.admin.address", "listen.kmip.address", "storage.url", "telemetry.endpoint"];

/// Puts the secrets of this test in the place of those of a container.
fn here(text: &str, secrets: &Path) -> String {
    text.replace("/run/secrets/", &format!("{}/", secrets.display()))
}

fn start(
    program: &PathBuf,
    service: &Value,
    secrets: &Path,
    url: &str,
    more: &[&str],
) -> Result<Program, String> {
    let mut command = Command::new(program);
    command.args(["serve", "--config"]).arg(deploy().join("kmip-app.toml")).args(more);
    for (name, value) in at(service, &["environment"]).as_object().expect("there are settings") {
        let kept = setting(name).is_none_or(|key| !ELSEWHERE.contains(&key.as_str()));
        if kept {
            command.env(name, here(value.as_str().unwrap_or_default(), secrets));
        }
    }
    command
        .env("KMIP_LISTEN__ADMIN__ADDRESS", "127.0.0.1:0")
        .env("KMIP_LISTEN__KMIP__ADDRESS", "127.0.0.1:0")
        .env("KMIP_STORAGE__URL", url)
        .stderr(std::process::Stdio::piped());
    Program::run(&mut command)
}

#[tokio::test]
async fn both_nodes_start_and_show_a_sign_of_life() {
    let (Some(program), Some(postgres)) = (program::path(), postgres::shared()) else {
        println!("skipped: needs the program built beside this test, and PostgreSQL");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join("secrets");
    let made = Command::new("sh")
        .arg(deploy().join("prepare.sh"))
        .arg(&secrets)
        .env("KMIP_APP", &program)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let url = postgres.database().await;
    let compose = yaml("compose.yaml");
    let node = |name: &str| at(&compose, &["services", name]);

    // An empty database is refused, until the first start says that it is meant.
    let refused = start(&program, node("node-1"), &secrets, &url, &[]).expect_err("it is empty");
    assert!(refused.contains("empty") || refused.contains("--create-store"), "{refused}");
    let first = start(&program, node("node-1"), &secrets, &url, &["--create-store"]).unwrap();
    let second = start(&program, node("node-2"), &secrets, &url, &[]).unwrap();
    for (name, running) in [("node-1", &first), ("node-2", &second)] {
        let words = texts(at(node(name), &["healthcheck", "test"]));
        let arguments = words.iter().skip(2).map(|word| match word.strip_prefix("--address=") {
            Some(_) => format!("--address=localhost:{}", running.address().port()),
            None => here(word, &secrets),
        });
        let alive = Command::new(&program).args(arguments).output().unwrap();
        assert!(alive.status.success(), "{name}: {}", String::from_utf8_lossy(&alive.stderr));
    }
    assert!(fs::metadata(secrets.join("root.key")).is_ok());
}
