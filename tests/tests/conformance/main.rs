//! Plays the OASIS test cases of KMIP 1.0 to 2.1 against a server (Profiles 1.0 to 2.1).
//!
//! The cases are not part of this project: `KMIP_TESTCASES` names their directory, else
//! `../shared/kmip/testcases` beside the workspace is used, and without either all are skipped.
//! A server is started for the run; `KMIP_SUBJECT=HOST:PORT` with `KMIP_SUBJECT_CERT`, `_KEY` and
//! `_CA` plays against any other, over mutual TLS. The identity's objects are destroyed around each
//! case.
//!
//! `KMIP_CONFORMANCE_ONLY=SKLC-*,AKLC-*` plays a part, `KMIP_CONFORMANCE_VERBOSE=1` shows the
//! messages of cases that fail, `KMIP_CONFORMANCE_WRITE=1` writes `must_pass.txt` anew, and
//! `KMIP_CONFORMANCE_DESTROY=1` admits an identity that already has objects.

mod cleanup;
mod compare;
mod display;
mod must_pass;
mod names;
mod play;
mod report;
mod selftest;
mod subject;
mod variables;
mod xml;

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use kmip_tests::{clock, tree};
use play::{Outcome, Performance, Player};
use report::say;
use xml::{Case, Cases};

/// Returns the directory of the cases; it need not exist.
fn cases_directory() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/kmip/testcases");
    env::var_os("KMIP_TESTCASES").map_or_else(beside, PathBuf::from)
}

fn switched_on(name: &str) -> bool {
    env::var(name).is_ok_and(|value| value == "1")
}

/// Returns the cases that `KMIP_CONFORMANCE_ONLY` selects.
fn selected(cases: &[Case]) -> Vec<&Case> {
    let patterns = env::var("KMIP_CONFORMANCE_ONLY").unwrap_or_default();
    let patterns: Vec<&str> = patterns.split(',').filter(|pattern| !pattern.is_empty()).collect();
    let chosen = |case: &&Case| {
        patterns.is_empty()
            || patterns.iter().any(|pattern| must_pass::matches(pattern.trim(), &case.name))
    };
    cases.iter().filter(chosen).collect()
}

/// Says that nothing was played, and why.
fn skip_all(number: usize, why: &str) {
    let tally = report::Tally { skipped: number, ..report::Tally::default() };
    say(&format!("{} ({why})", tally.line()));
}

/// Plays the cases and reports each that does not pass.
fn play_all<'c>(player: &mut Player<'_>, chosen: &[&'c Case]) -> Vec<Performance<'c>> {
    let verbose = switched_on("KMIP_CONFORMANCE_VERBOSE");
    let mut performances = Vec::with_capacity(chosen.len());
    for case in chosen {
        let mut performance = player.perform(case);
        if let Some(line) = report::line(&performance) {
            say(&line);
        }
        if verbose && matches!(performance.outcome, Outcome::Failed(_) | Outcome::Broken(_)) {
            say(&report::transcript(&performance));
        }
        performance.played.clear();
        performances.push(performance);
    }
    performances
}

#[test]
fn the_cases_that_must_pass_do() {
    let list = must_pass::read(&must_pass::path()).expect("the list is part of the project");
    let directory = cases_directory();
    let Cases { cases, later } = Cases::find(&directory);
    if cases.is_empty() {
        return skip_all(list.len(), &format!("no cases in {}", directory.display()));
    }
    let chosen = selected(&cases);
    let subject = subject::subject().expect("the server to test is described");
    let mut player = Player::new(&subject, &cases);
    let objects = player.objects_before();
    assert!(
        objects == 0 || subject.own || switched_on("KMIP_CONFORMANCE_DESTROY"),
        "the identity already has {objects} objects, and playing would destroy them: \
         use another identity, or set KMIP_CONFORMANCE_DESTROY=1"
    );
    let performances = play_all(&mut player, &chosen);
    say(&format!("\n{}", report::table(&performances)));
    if later > 0 {
        say(&format!("{later} cases of later versions are not played"));
    }
    say(&report::totals(&performances).line());

    let named = |wanted: fn(&Outcome) -> bool| -> BTreeSet<String> {
        let those = performances.iter().filter(|performance| wanted(&performance.outcome));
        those.map(|performance| performance.case.name.clone()).collect()
    };
    let passed = named(|outcome| matches!(outcome, Outcome::Passed));
    let failed = named(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Broken(_)));
    if switched_on("KMIP_CONFORMANCE_WRITE") {
        let renewed = must_pass::renewed(&list, &passed, &failed);
        must_pass::write(&must_pass::path(), &renewed).expect("the list can be written");
        return say(&format!("must_pass.txt now names {} cases", renewed.len()));
    }
    let verdict = must_pass::judge(&list, &passed, &failed);
    for name in &verdict.gained {
        say(&format!("{name} passes but is not on the list"));
    }
    assert!(
        verdict.lost.is_empty(),
        "{} cases that must pass do not: {}",
        verdict.lost.len(),
        verdict.lost.join(", ")
    );
}
