//! A long run in little: files change under servers at work, one is killed and one is stopped, and
//! nobody notices who must not.

use std::time::Duration;

use kmip_tests::program;
use kmip_tests::soak::report::Report;
use kmip_tests::soak::{self, Plan, Set};

/// Runs it, if there is what it needs. tests/bench/soak.sh does it for half an hour.
fn run(set: Set, seconds: u64) -> Option<Report> {
    let Some(program) = program::path() else {
        println!("skipped: soak: the program kmip-app is not built; cargo build builds it");
        return None;
    };
    let plan = Plan {
        program,
        set,
        time: Duration::from_secs(seconds),
        peak: Duration::from_secs(1),
        pace: Some(200.0),
        clients: 4,
        cache: 1 << 20,
        seed: u64::from(std::process::id()),
    };
    match soak::run(&plan, &mut |_| {}) {
        Ok(report) => Some(report),
        Err(fault) if fault == "PostgreSQL is not installed" => {
            println!("skipped: soak: {fault}");
            None
        }
        Err(fault) => panic!("{fault}"),
    }
}

#[test]
fn a_server_at_work_takes_changes_and_answers_everything() {
    let Some(report) = run(Set::Sqlite, 8) else { return };
    assert!(report.is_good(), "{report}");
    assert!(report.changes >= 1 && report.tally.read_back > 0, "{report}");
    assert!(report.tally.latencies().count() > 100, "{report}");
}

#[test]
fn of_two_nodes_one_is_killed_and_one_stopped_and_only_the_killed_connections_fail() {
    let Some(report) = run(Set::Postgres, 16) else { return };
    assert!(report.is_good(), "{report}");
    for event in ["node 1 killed", "node 1 started", "node 2 stopped", "node 2 started"] {
        assert!(report.events.iter().any(|(_, it)| it == event), "{event}: {report}");
    }
    assert!(report.tally.killed.keys().all(|(node, _)| *node == 1), "{report}");
    assert!(report.tally.latencies().count() > 100, "{report}");
}
