//! Runs the commands that documents show, in their order, on a server of this test: what a reader must
//! fill in, and what is elsewhere on a real computer, is replaced.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use kmip_tests::{
    program::{self, Program},
    server::Directory,
};

use super::shown::{self, Shown};

/// Verbs that are not run here, and why not.
const NOT_RUN: &[(&str, &str)] = &[
    ("serve", "it serves until it is stopped; `end_to_end` does so"),
    ("dev", "the same"),
    ("pykmip-server", "the same, in `pykmip`"),
    ("import", "it needs a database of PyKMIP's; `pykmip_import` has them"),
    ("config", "it needs the files that PyKMIP's configuration names; `end_to_end` has them"),
    ("client-cert", "it needs a request, and certificates; `end_to_end` has them"),
    ("doctor", "it looks at the address of the configuration; `end_to_end` gives it the server's"),
    ("restore", "it needs a place where no store is; `end_to_end` has one"),
];

/// A directory with a server that runs, and what the commands have made in it.
struct Ground {
    program: PathBuf,
    directory: Directory,
    server: Program,
    /// How many names were given to files.
    made: usize,
    /// The last backup.
    backup: PathBuf,
}

impl Ground {
    fn prepare() -> Option<Self> {
        let program = program::path()?;
        let directory = Directory::make();
        let more = ["--set", "listen.kmip.address=127.0.0.1:0"];
        let server = Program::serve(&program, &directory, &more).expect("the server starts");
        let backup = directory.path().join("backup-0");
        let mut ground = Self { program, directory, server, made: 0, backup };
        let file = ground.backup.display().to_string();
        let config = ground.config();
        let first = ["backup", &file, "--config", &config].map(str::to_owned);
        succeeded(&first, &ground.run(&first));
        ground.made = 1;
        Some(ground)
    }

    fn config(&self) -> String {
        self.directory.config_file().display().to_string()
    }

    fn run(&self, arguments: &[String]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.current_dir(self.directory.path()).spawn().expect("it runs");
        if let Some(mut input) = child.stdin.take() {
            // Only one verb reads it; the others may have ended before.
            let _ = input.write_all(b"a password that nobody has\n");
        }
        child.wait_with_output().expect("it ends")
    }

    /// Returns a path where nothing is.
    fn fresh(&mut self) -> PathBuf {
        self.made = self.made.saturating_add(1);
        self.directory.path().join(format!("made-{}", self.made))
    }

    /// Runs the client with the identity of this directory.
    fn client(&self, arguments: &[&str]) -> Vec<String> {
        let [cert, key, ca] = self.directory.identity("client");
        let mut words = vec!["client".to_owned()];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        words.push(format!("--address={}", self.server.address()));
        for (option, file) in [("--ca", ca), ("--cert", cert), ("--key", key)] {
            words.extend([option.to_owned(), file.display().to_string()]);
        }
        words
    }

    /// Makes a key and returns its identifier.
    fn key(&self) -> String {
        let words = self.client(&["create", "--json"]);
        let output = self.run(&words);
        succeeded(&words, &output);
        let answer: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("it prints JSON");
        let found = find(&answer).expect("the answer has an identifier");
        found.to_owned()
    }

    /// Puts in a command what a reader would.
    fn filled(&mut self, words: &[String]) -> Vec<String> {
        let verb = words.get(1).cloned().unwrap_or_default();
        if verb == "client" {
            return self.filled_client(words.get(2..).unwrap_or_default());
        }
        let mut filled = Vec::new();
        let mut before = String::new();
        let making = words.get(2).is_some_and(|word| word == "create");
        let (mut configured, config) = (false, self.config());
        for word in words.get(1..).unwrap_or_default() {
            configured |= word == "--config";
            let place = self.directory.path();
            let replaced = match (verb.as_str(), before.as_str(), word.as_str()) {
                (_, "--config", _) => config.clone(),
                ("init", "init", _) => self.fresh().display().to_string(),
                ("backup", "backup", _) => {
                    self.backup = self.fresh();
                    self.backup.display().to_string()
                }
                ("verify", "verify", file) if !file.starts_with('-') => {
                    self.backup.display().to_string()
                }
                ("root-key", "--set", set) if making && set.starts_with("root_key.file=") => {
                    format!("root_key.file={}", self.fresh().display())
                }
                (_, "--set", set) if set.starts_with("root_key.file=") => {
                    format!("root_key.file={}", place.join("root.key").display())
                }
                ("object", _, "IDENTIFIER") => self.key(),
                ("object", _, id) if id.contains('…') => self.key(),
                (_, _, word) => word.to_owned(),
            };
            filled.push(replaced);
            before.clone_from(word);
        }
        let own = matches!(verb.as_str(), "init" | "account" | "decode");
        if !configured && !own {
            filled.extend(["--config".to_owned(), config]);
        }
        filled
    }

    /// The same for the client, which is always that of this directory.
    fn filled_client(&mut self, words: &[String]) -> Vec<String> {
        let mut kept = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--config" | "--address" | "--ca" | "--cert" | "--key" => {
                    words.next();
                }
                "IDENTIFIER" => {
                    let key = self.key();
                    // What was never active needs no revocation.
                    if kept.first().is_some_and(|verb| verb == "revoke") {
                        let activate = self.client(&["activate", &key]);
                        succeeded(&activate, &self.run(&activate));
                    }
                    kept.push(key);
                }
                word => kept.push(word.to_owned()),
            }
        }
        self.client(&kept.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Finds the first Unique Identifier in what the client prints as JSON.
fn find(value: &serde_json::Value) -> Option<&str> {
    match value {
        serde_json::Value::Object(entries) => entries
            .iter()
            .find_map(|(name, value)| {
                let plain = name.replace(['_', ' '], "").to_lowercase();
                (plain == "uniqueidentifier" || plain == "identifier").then(|| value.as_str())?
            })
            .or_else(|| entries.values().find_map(find)),
        serde_json::Value::Array(items) => items.iter().find_map(find),
        _ => None,
    }
}

fn succeeded(words: &[String], output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
}

fn is_run(shown: &Shown) -> bool {
    let verb = shown.words.get(1).map(String::as_str).unwrap_or_default();
    !NOT_RUN.iter().any(|(it, _)| *it == verb)
}

#[test]
fn what_the_documents_show_can_be_done() {
    let Some(mut ground) = Ground::prepare() else {
        println!("skipped: the program was not built beside this test");
        return;
    };
    let mut verbs = BTreeSet::new();
    for shown in shown::commands().into_iter().filter(is_run) {
        let filled = ground.filled(&shown.words);
        let output = ground.run(&filled);
        let said = String::from_utf8_lossy(&output.stderr);
        let line = shown.words.join(" ");
        assert!(output.status.success(), "{}: {line}: {filled:?}: {said}", shown.place);
        verbs.insert(shown.words.get(1).cloned().unwrap_or_default());
    }
    for verb in ["init", "client", "backup", "verify", "audit", "object", "root-key", "account"] {
        assert!(verbs.contains(verb), "no document shows {verb}");
    }
    assert!(Path::new(&ground.config()).is_file());
}
