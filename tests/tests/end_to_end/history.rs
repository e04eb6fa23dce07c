//! Many clients that change the same objects: there is an order that explains every answer.

use std::time::Duration;

use kmip_tests::TestServer;
use kmip_tests::history::{self, Plan};

#[test]
fn conflicting_changes_have_an_order_that_explains_them() {
    let server = TestServer::start();
    // tests/fault/history.sh does it for a minute, on as many servers as there are.
    let plan = Plan {
        targets: vec![server.directory().target(server.address(), "client")],
        clients: 8,
        time: Duration::from_secs(3),
        seed: u64::from(std::process::id()),
    };
    let tally = history::run(&plan).unwrap_or_else(|wrong| panic!("seed {}: {wrong}", plan.seed));
    println!("{tally}; seed {}", plan.seed);
    assert!(tally.done > 100 && tally.uses > 10 && tally.names > 1, "{tally}");
}
