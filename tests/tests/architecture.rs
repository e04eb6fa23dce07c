//! Holds the house to its plan: who may import whom, and what comes from outside.
//!
//! `docs/ARCHITECTURE.md` says why. Each test lists every offender.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Every crate of the workspace with what it may import; then what its tests may import besides.
/// A crate that is not listed fails the test.
const CRATES: &[(&str, &[&str], &[&str])] = &[
    ("kmip-model", &[], &[]),
    ("kmip-ports", &["kmip-model"], &[]),
    ("kmip-testkit", &["kmip-model", "kmip-ports"], &[]),
    ("kmip-operations", &["kmip-model", "kmip-ports"], &["kmip-testkit"]),
    ("kmip-ttlv", &["kmip-model", "kmip-ports", "kmip-operations"], &["kmip-testkit"]),
    ("kmip-transport", ADAPTER, &["kmip-testkit"]),
    ("kmip-tls", TRANSPORT, &["kmip-testkit"]),
    ("kmip-tls-openssl", TRANSPORT, &["kmip-testkit"]),
    ("kmip-http", TRANSPORT, &["kmip-testkit"]),
    ("kmip-sealed", ADAPTER, &["kmip-testkit"]),
    ("kmip-sql", ADAPTER, &["kmip-testkit"]),
    ("kmip-aws-lc", ADAPTER, &["kmip-testkit"]),
    ("kmip-aws-lc-raw", ADAPTER, &["kmip-testkit"]),
    ("kmip-legacy-crypto", ADAPTER, &["kmip-testkit"]),
    ("kmip-x509", ADAPTER, &["kmip-testkit"]),
    ("kmip-host", ADAPTER, &["kmip-testkit"]),
    ("kmip-pkcs11", ADAPTER, &["kmip-testkit"]),
    ("kmip-policy-files", ADAPTER, &["kmip-testkit"]),
    ("kmip-accounts", ADAPTER, &["kmip-testkit"]),
    ("kmip-slugs", ADAPTER, &["kmip-testkit"]),
    ("kmip-telemetry", ADAPTER, &["kmip-testkit"]),
    ("kmip-pykmip-import", ADAPTER, &["kmip-testkit"]),
    ("kmip-app", PROGRAM, &["kmip-testkit"]),
    // Its library is test code too: the server and the client that several targets share.
    ("kmip-tests", EVERY_CRATE, &[]),
];

const ADAPTER: &[&str] = &["kmip-model", "kmip-ports"];
/// Adapters do not know each other; what transports have in common is an adapter without means of its
/// own, which they may know. The admin port has its sessions from there too.
const TRANSPORT: &[&str] = &["kmip-model", "kmip-ports", "kmip-transport"];
const PROGRAM: &[&str] = &[
    "kmip-model",
    "kmip-ports",
    "kmip-operations",
    "kmip-ttlv",
    "kmip-tls",
    "kmip-tls-openssl",
    "kmip-http",
    "kmip-sealed",
    "kmip-sql",
    "kmip-aws-lc",
    "kmip-aws-lc-raw",
    "kmip-legacy-crypto",
    "kmip-x509",
    "kmip-host",
    "kmip-pkcs11",
    "kmip-policy-files",
    "kmip-accounts",
    "kmip-slugs",
    "kmip-telemetry",
    "kmip-pykmip-import",
];
const EVERY_CRATE: &[&str] = &[
    "kmip-model",
    "kmip-ports",
    "kmip-testkit",
    "kmip-operations",
    "kmip-ttlv",
    "kmip-transport",
    "kmip-tls",
    "kmip-tls-openssl",
    "kmip-http",
    "kmip-sealed",
    "kmip-sql",
    "kmip-aws-lc",
    "kmip-aws-lc-raw",
    "kmip-legacy-crypto",
    "kmip-x509",
    "kmip-host",
    "kmip-pkcs11",
    "kmip-policy-files",
    "kmip-accounts",
    "kmip-slugs",
    "kmip-telemetry",
    "kmip-pykmip-import",
    "kmip-app",
];

/// The inner crates with the outside crates they may use. Adapters use what they are for.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("kmip-model", &["thiserror", "zeroize", "subtle"]),
    ("kmip-ports", &["thiserror", "zeroize", "subtle", "async-trait"]),
    (
        "kmip-operations",
        &["thiserror", "zeroize", "subtle", "async-trait", "futures-core", "tracing"],
    ),
    ("kmip-testkit", &["thiserror", "zeroize", "subtle", "async-trait", "tokio"]),
];

/// What stands at the top level; hidden names, ignored directories and nothing else beside it.
const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "adapters",
    "app",
    "deploy",
    "docs",
    "domain",
    "ports",
    "tests",
];

#[test]
fn every_crate_imports_only_what_the_table_allows() {
    let mut offenders = Vec::new();
    for package in packages() {
        let Some((_, normal, test)) = CRATES.iter().find(|(name, ..)| *name == package.name) else {
            offenders.push(format!("{} is not in the table", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.inside) {
            let name = dependency.name.as_str();
            let allowed =
                normal.contains(&name) || (dependency.kind == Kind::Test && test.contains(&name));
            if !allowed {
                offenders.push(format!("{} must not import {name}", package.name));
            }
        }
    }
    report("who may import whom", &offenders);
}

#[test]
fn every_crate_of_the_table_exists() {
    let found: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
    let offenders: Vec<String> = CRATES
        .iter()
        .filter(|(name, ..)| !found.contains(*name))
        .map(|(name, ..)| format!("{name} is in the table and not in the workspace"))
        .collect();
    report("the table of crates", &offenders);
}

#[test]
fn the_inner_crates_use_only_the_outside_crates_listed() {
    let packages = packages();
    let mut offenders = Vec::new();
    for (name, allowed) in OUTSIDE {
        let package = packages.iter().find(|package| package.name == *name);
        for dependency in package.iter().flat_map(|package| &package.dependencies) {
            let bounded = !dependency.inside && dependency.kind != Kind::Test;
            if bounded && !allowed.contains(&dependency.name.as_str()) {
                offenders.push(format!("{name} must not use {}", dependency.name));
            }
        }
    }
    report("outside crates", &offenders);
}

#[test]
fn only_the_program_uses_a_catch_all_error() {
    let offenders: Vec<String> = packages()
        .iter()
        .filter(|package| package.name != "kmip-app" && package.name != "kmip-tests")
        .flat_map(|package| package.dependencies.iter().map(move |it| (&package.name, &it.name)))
        .filter(|(_, used)| matches!(used.as_str(), "anyhow" | "eyre" | "color-eyre"))
        .map(|(package, used)| format!("{package} must not use {used}"))
        .collect();
    report("catch-all errors", &offenders);
}

#[test]
fn no_forbidden_crate_is_built() {
    // The lock file also names crates that only a feature nobody asks for would bring in.
    let tree = cargo(&["tree", "--workspace", "--edges", "all", "--prefix", "none"]);
    let built: BTreeSet<&str> = tree.lines().map(word_of_tree).collect();
    assert!(built.contains("kmip-model"), "cargo lists no crate");
    let offenders: Vec<String> = ["ring", "openssl", "openssl-sys", "native-tls"]
        .iter()
        .filter(|name| built.contains(*name))
        .map(|name| format!("{name} is built"))
        .collect();
    report("forbidden crates", &offenders);
}

#[test]
fn openssl_is_built_only_by_the_feature_that_asks_for_it() {
    let tree = |features: &[&str]| {
        let program = ["tree", "--package", "kmip-app", "--edges", "normal", "--prefix", "none"];
        cargo(&[&program[..], features].concat())
    };
    let of_openssl = ["kmip-tls-openssl", "tokio-openssl", "openssl", "openssl-sys"];
    let names = |tree: &str, name: &str| tree.lines().any(|line| word_of_tree(line) == name);
    let plain = tree(&[]);
    let asked = tree(&["--features", "transport-tls-openssl"]);
    for name in of_openssl {
        assert!(!names(&plain, name), "{name} is in the default program");
        assert!(names(&asked, name), "{name} is not there although the feature asks for it");
    }
}

#[test]
fn nothing_that_loads_a_module_is_built_unasked() {
    let tree = |features: &[&str]| {
        let program = ["tree", "--package", "kmip-app", "--edges", "normal", "--prefix", "none"];
        cargo(&[&program[..], features].concat())
    };
    let names = |tree: &str, name: &str| tree.lines().any(|line| word_of_tree(line) == name);
    let (plain, asked) = (tree(&[]), tree(&["--features", "root-key-pkcs11"]));
    for name in ["kmip-pkcs11", "cryptoki", "cryptoki-sys"] {
        assert!(!names(&plain, name), "{name} is in the default program");
        assert!(names(&asked, name), "{name} is not there although the feature asks for it");
    }
}

#[test]
fn one_adapter_uses_openssl_and_only_if_asked() {
    let packages = packages();
    let used = packages
        .iter()
        .flat_map(|package| package.dependencies.iter().map(move |it| (&package.name, it)))
        .filter(|(_, dependency)| !dependency.inside && dependency.name.contains("openssl"));
    let (allowed, offenders): (Vec<_>, Vec<_>) = used
        .map(|(package, dependency)| (package, &dependency.name, dependency.optional))
        .partition(|(package, _, optional)| *package == "kmip-tls-openssl" && *optional);
    assert!(!allowed.is_empty(), "nothing uses OpenSSL, so this test looks in the wrong place");
    let offenders: Vec<String> = offenders
        .iter()
        .map(|(package, used, _)| format!("{package} must not use {used} unasked"))
        .collect();
    report("OpenSSL", &offenders);
}

#[test]
fn one_adapter_uses_the_bindings_of_aws_lc_and_there_is_one_release_of_them() {
    let bindings = |name: &str| name.starts_with("aws-lc") && name.ends_with("-sys");
    let users: Vec<String> = packages()
        .iter()
        .filter(|package| package.dependencies.iter().any(|it| bindings(&it.name)))
        .map(|package| package.name.clone())
        .collect();
    assert_eq!(users, ["kmip-aws-lc-raw"]);
    let lock = read(&root().join("Cargo.lock"));
    let releases = lock.lines().filter(|line| *line == "name = \"aws-lc-sys\"").count();
    assert_eq!(releases, 1, "aws-lc-rs and kmip-aws-lc-raw have releases of their own");
}

#[test]
fn no_other_tls_stack_is_in_the_lock_file() {
    let lock = read(&root().join("Cargo.lock"));
    let offenders: Vec<String> = ["openssl-src", "native-tls", "tokio-native-tls"]
        .iter()
        .filter(|name| lock.lines().any(|line| line == format!("name = \"{name}\"")))
        .map(|name| format!("{name} is in Cargo.lock"))
        .collect();
    report("other TLS stacks", &offenders);
}

#[test]
fn every_dependency_is_declared_once_and_says_what_for() {
    let mut offenders = Vec::new();
    let mut explained = false;
    for line in section(&read(&root().join("Cargo.toml")), "[workspace.dependencies]") {
        if line.starts_with('#') {
            explained = true;
        } else if line.trim().is_empty() {
            explained = false;
        } else if let Some(name) = key(&line)
            && !explained
            && !name.starts_with("kmip-")
        {
            offenders.push(format!("{name} has no comment above its group"));
        }
    }
    for package in packages() {
        let manifest = read(&package.manifest);
        for line in manifest.lines().filter(|line| line.starts_with('[')) {
            if line.contains("dependencies.") {
                offenders.push(format!("{}: write {line} in one line", package.name));
            }
        }
        for header in ["[dependencies]", "[dev-dependencies]", "[build-dependencies]"] {
            for line in section(&manifest, header) {
                if let Some(name) = key(&line)
                    && !line.contains("workspace = true")
                {
                    offenders.push(format!("{}: {name} is not the workspace's", package.name));
                }
            }
        }
    }
    report("dependencies", &offenders);
}

#[test]
fn the_top_level_has_exactly_the_permitted_entries() {
    let ignored = read(&root().join(".gitignore"));
    let found: BTreeSet<String> = fs::read_dir(root())
        .expect("the root can be listed")
        .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into())
        .filter(|name: &String| !name.starts_with('.'))
        .filter(|name| !ignored.lines().any(|line| line.trim_matches('/') == name))
        .collect();
    let permitted: BTreeSet<String> = TOP_LEVEL.iter().map(ToString::to_string).collect();
    let extra = found.difference(&permitted).map(|name| format!("{name} does not belong there"));
    let missing = permitted.difference(&found).map(|name| format!("{name} is missing"));
    report("top level", &extra.chain(missing).collect::<Vec<_>>());
}

#[derive(PartialEq, Eq)]
enum Kind {
    Normal,
    Build,
    Test,
}

struct Dependency {
    name: String,
    kind: Kind,
    /// Says whether it is a crate of this workspace.
    inside: bool,
    /// Says whether only a feature brings it in.
    optional: bool,
}

struct Package {
    name: String,
    manifest: PathBuf,
    dependencies: Vec<Dependency>,
}

/// Asks cargo for the workspace's crates.
fn packages() -> Vec<Package> {
    let output = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&output).expect("metadata is JSON");
    let packages: Vec<Package> = list(&metadata, "packages")
        .map(|package| Package {
            name: text(package, "name"),
            manifest: text(package, "manifest_path").into(),
            dependencies: list(package, "dependencies").map(dependency).collect(),
        })
        .collect();
    assert!(!packages.is_empty(), "cargo lists no package");
    packages
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes text")
}

/// Returns the crate's name from a line like `ring v0.17.14`.
fn word_of_tree(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(value, "name"),
        kind: match value.get("kind").and_then(Value::as_str) {
            Some("dev") => Kind::Test,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        inside: value.get("path").is_some_and(Value::is_string),
        optional: value.get("optional").and_then(Value::as_bool).unwrap_or_default(),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns the lines of one section of a manifest.
fn section(manifest: &str, header: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .map(str::to_owned)
        .collect()
}

/// Returns the name before the equals sign of a line that begins an entry.
fn key(line: &str) -> Option<&str> {
    let starts = line.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    let name = line.split('=').next()?.trim();
    starts.then(|| name.trim_end_matches(".workspace"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the root").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn report(subject: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{subject}:\n  {}", offenders.join("\n  "));
}
