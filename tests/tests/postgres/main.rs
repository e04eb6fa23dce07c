//! The store in PostgreSQL: its promises, several nodes on one database, and what goes wrong.
//!
//! Where there is no PostgreSQL, each test says so in a line.

mod contract;
mod faults;
mod nodes;
mod proxy;
mod root_key;
mod sample;
mod schema;
mod search;

use std::sync::Arc;

use kmip_ports::record::RecordStore as _;
use kmip_sql::{PostgresOptions, PostgresRecords};
use kmip_testkit::HashNotary;

/// Opens the store in a database, which is made if it is empty.
async fn open(url: &str) -> PostgresRecords {
    open_as(url, "here").await
}

/// Opens it as one node of several.
async fn open_as(url: &str, node: &str) -> PostgresRecords {
    let store = PostgresRecords::open(&making(url)).await.expect("the database is there");
    store.begin(Arc::new(HashNotary::of(node))).await.expect("nobody else has the name");
    store
}

/// Says that an empty database is given its tables.
fn making(url: &str) -> PostgresOptions {
    let mut options = options(url);
    (options.create, options.connections) = (true, 2);
    options
}

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::parse(url).expect("the URL is well formed")
}
