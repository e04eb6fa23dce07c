//! Replays what fuzzing begins with and what it has found, without libFuzzer.
//!
//! `tests/fuzz/run.sh` writes what it finds to `tests/fuzz/regressions/TARGET`. Each file stays
//! there with the mend, so that a find is never lost again.

#[path = "../fuzz/src/targets/mod.rs"]
pub mod targets;

use std::{
    cell::Cell,
    fs, panic,
    path::{Path, PathBuf},
};

use targets::{TARGETS, Target, seeds};

thread_local! {
    /// Counts the panics of this thread, also those that the server catches.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn nothing_that_was_found_is_found_again() {
    let mut offenders = Vec::new();
    for (name, target) in TARGETS {
        for file in files(&directory().join(name)) {
            let bytes = fs::read(&file).expect("a find can be read");
            if panics(target, &bytes) {
                offenders.push(file.display().to_string());
            }
        }
    }
    assert!(offenders.is_empty(), "found again:\n  {}", offenders.join("\n  "));
}

#[test]
fn every_find_belongs_to_a_target() {
    for place in files(&directory()) {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "there is no target {name}");
    }
}

#[test]
fn every_target_takes_what_it_begins_with() {
    let mut offenders = Vec::new();
    for (name, target) in TARGETS {
        let inputs = seeds::of(name);
        assert!(!inputs.is_empty(), "{name} begins with nothing");
        for (seed, bytes) in inputs {
            if panics(target, &bytes) {
                offenders.push(format!("{name}: {seed}"));
            }
        }
    }
    assert!(offenders.is_empty(), "seeds:\n  {}", offenders.join("\n  "));
}

#[test]
fn a_panic_that_is_caught_counts() {
    let caught = |_: &[u8]| {
        let _ = panic::catch_unwind(|| panic!("as the server's own code might"));
    };
    assert!(panics(caught, b""));
    assert!(!panics(|_| {}, b""));
}

/// Says whether a target, or anything in it, panics.
fn panics(target: Target, bytes: &[u8]) -> bool {
    count_panics();
    let before = PANICS.get();
    let ended = panic::catch_unwind(|| target(bytes));
    ended.is_err() || PANICS.get() != before
}

fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get().saturating_add(1));
            print(info);
        }));
    });
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions")
}

/// Lists what is in a directory; nothing if it is not there.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    files.sort();
    files
}
