//! Holds every source file to the conventions that can be read off its text.
//!
//! `docs/CONVENTIONS.md` says why. Each test lists every offender. What the compiler and its lints
//! can check is left to them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Files that may use `unsafe`.
const UNSAFE_FILES: &[&str] = &["adapters/aws-lc-raw/src/library.rs"];

/// Files that may lift a lint without expecting it: a macro cannot know whether it will.
const ALLOW_FILES: &[&str] = &["domain/model/src/enumeration/mod.rs"];

/// Crates that may look at features: the program decides, two adapters pass a choice on, and two
/// are built without a library that not every computer has or not everybody wants.
const FEATURE_HOMES: &[&str] =
    &["app/", "adapters/sql/", "adapters/aws-lc/", "adapters/tls-openssl/", "adapters/pkcs11/"];

/// Where a Result Reason may be named: the table of causes, the codec, and its own definition.
const REASON_HOMES: &[&str] = &[
    "domain/operations/src/reason.rs",
    "adapters/ttlv/",
    "domain/model/src/enumeration/",
    "tests/",
];

const LINES: usize = 600;

const TABLE_LINES: usize = 1200;

const PORT_METHODS: usize = 5;

#[test]
fn no_file_is_longer_than_the_limit() {
    let offenders: Vec<String> = sources()
        .iter()
        .filter_map(|source| {
            let table = source.path.ends_with("/table.rs") || source.path.contains("/enumeration/");
            let limit = if table { TABLE_LINES } else { LINES };
            let lines = source.production().len();
            (lines > limit).then(|| format!("{}: {lines} lines, limit {limit}", source.path))
        })
        .collect();
    report("file length", &offenders);
}

#[test]
fn every_source_file_opens_with_what_it_is() {
    let offenders: Vec<String> = sources()
        .iter()
        .filter(|source| !source.lines.first().is_some_and(|line| line.starts_with("//! ")))
        .map(|source| source.path.clone())
        .collect();
    report("no header", &offenders);
}

#[test]
fn every_port_has_at_most_five_methods() {
    let mut offenders = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("ports/src/")) {
        let mut port: Option<(String, usize)> = None;
        for line in source.production() {
            if let Some(rest) = line.strip_prefix("pub trait ") {
                port = Some((word(rest).to_owned(), 0));
            } else if line.starts_with('}') {
                if let Some((name, methods)) = port.take()
                    && methods > PORT_METHODS
                {
                    offenders.push(format!("{}: {name} has {methods} methods", source.path));
                }
            } else if let Some((_, methods)) = &mut port
                && ["    fn ", "    async fn "].iter().any(|start| line.starts_with(start))
            {
                *methods = methods.saturating_add(1);
            }
        }
    }
    report("methods of a port", &offenders);
}

#[test]
fn features_are_looked_at_in_their_homes_only() {
    report(
        "features",
        &any_lines_with(&["cfg(feature", "cfg!(feature", "cfg_attr(feature"], |source| {
            !starts_with_any(&source.path, FEATURE_HOMES)
        }),
    );
}

#[test]
fn a_failure_becomes_a_result_reason_in_one_file() {
    report(
        "result reasons",
        &lines_with(&["ResultReason::"], |source| !starts_with_any(&source.path, REASON_HOMES)),
    );
}

#[test]
fn nothing_inside_asks_the_world() {
    let world = [
        "std::fs",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "std::env",
        "std::process",
        "std::thread",
        "SystemTime::now",
        "Instant::now",
        "tokio::spawn",
        "rand::rng",
    ];
    report(
        "ambient world",
        &lines_with(&world, |source| starts_with_any(&source.path, &["domain/", "ports/src/"])),
    );
}

#[test]
fn no_name_says_nothing() {
    let mut offenders = Vec::new();
    for source in sources() {
        let stem = Path::new(&source.path).file_stem().unwrap_or_default().to_string_lossy();
        let poor_file = stem.split(['_', '-']).any(|part| {
            matches!(part, "manager" | "helper" | "helpers" | "util" | "utils" | "service" | "impl")
        });
        if poor_file {
            offenders.push(source.path.clone());
        }
        for line in &source.lines {
            let Some(name) = defined_type(line) else {
                continue;
            };
            let poor = words(name).iter().any(|part| {
                matches!(
                    part.as_str(),
                    "Manager" | "Helper" | "Util" | "Utils" | "Service" | "Impl"
                )
            });
            if poor {
                offenders.push(format!("{}: {name}", source.path));
            }
        }
    }
    report("names", &offenders);
}

#[test]
fn no_test_sleeps() {
    let mut offenders = Vec::new();
    for source in sources() {
        let tests = source.tests();
        for line in tests.iter().filter(|line| !is_comment(line)) {
            if line.contains("thread::sleep") || line.contains("time::sleep") {
                offenders.push(format!("{}: {}", source.path, line.trim()));
            }
        }
    }
    report("sleeping tests", &offenders);
}

#[test]
fn lints_are_expected_and_never_allowed() {
    report(
        "allowed lints",
        &any_lines_with(&["#[allow(", "#![allow("], |source| {
            !ALLOW_FILES.contains(&source.path.as_str())
        }),
    );
}

#[test]
fn no_code_is_unsafe() {
    report(
        "unsafe",
        &any_lines_with(&["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait"], |source| {
            !UNSAFE_FILES.contains(&source.path.as_str())
        }),
    );
}

#[test]
fn no_comment_is_a_promise() {
    let offenders: Vec<String> = sources()
        .iter()
        .flat_map(|source| source.lines.iter().map(move |line| (source, line)))
        .filter(|(_, line)| ["TODO", "FIXME"].iter().any(|mark| line.contains(mark)))
        .map(|(source, line)| format!("{}: {}", source.path, line.trim()))
        .collect();
    report("promises", &offenders);
}

/// One Rust file of ours.
struct Source {
    /// From the root, with slashes.
    path: String,
    lines: Vec<String>,
    /// Where the module of tests at its end begins.
    tests_at: usize,
}

impl Source {
    /// Returns what is not a module of tests.
    fn production(&self) -> &[String] {
        self.lines.get(..self.tests_at).unwrap_or(&self.lines)
    }

    /// Returns what only tests run: a module at the end, or all of a file of tests.
    fn tests(&self) -> &[String] {
        let whole = self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs");
        let begin = if whole { 0 } else { self.tests_at };
        self.lines.get(begin..).unwrap_or_default()
    }
}

/// Reads every Rust file of the workspace but this one, which names what it forbids.
fn sources() -> Vec<Source> {
    let mut files = BTreeMap::new();
    for directory in ["domain", "ports", "adapters", "app", "tests"] {
        collect(&root().join(directory), &mut files);
    }
    files.remove("tests/tests/conventions.rs").expect("this file is among them");
    files
        .into_iter()
        .map(|(path, file)| {
            let lines: Vec<String> = read(&file).lines().map(str::to_owned).collect();
            let tests_at = begin_of_tests(&lines);
            Source { path, lines, tests_at }
        })
        .collect()
}

/// Finds the module of tests that ends a file.
fn begin_of_tests(lines: &[String]) -> usize {
    lines
        .windows(2)
        .position(|pair| {
            pair.first().is_some_and(|line| line.trim() == "#[cfg(test)]")
                && pair.last().is_some_and(|line| line.contains("mod "))
        })
        .unwrap_or(lines.len())
}

fn collect(directory: &Path, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(name.as_str(), "target" | "corpus" | "artifacts")
            {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).expect("the file is below the root");
            files.insert(relative.to_string_lossy().replace('\\', "/"), path);
        }
    }
}

/// Finds one of the texts in the production part of the chosen files; comments do not count.
fn lines_with(texts: &[&str], chosen: impl Fn(&Source) -> bool) -> Vec<String> {
    find(texts, chosen, Source::production)
}

/// Finds one of the texts anywhere in the chosen files; comments do not count.
fn any_lines_with(texts: &[&str], chosen: impl Fn(&Source) -> bool) -> Vec<String> {
    find(texts, chosen, |source| source.lines.as_slice())
}

fn find(
    texts: &[&str],
    chosen: impl Fn(&Source) -> bool,
    part: impl Fn(&Source) -> &[String],
) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| chosen(source)) {
        for line in part(source).iter().filter(|line| !is_comment(line)) {
            if texts.iter().any(|text| line.contains(text)) {
                found.push(format!("{}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn starts_with_any(path: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| path.starts_with(start))
}

/// Returns the name of the type that a line begins to define.
fn defined_type(line: &str) -> Option<&str> {
    let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
    ["struct ", "enum ", "trait ", "type "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))
        .map(word)
}

fn word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or(text)
}

/// Splits `KeyManager` into `Key` and `Manager`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(last) if !letter.is_uppercase() => last.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
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
