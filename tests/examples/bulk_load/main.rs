//! Fills the store of a development directory with objects, for benchmarks only.
//!
//! `bulk_load DIRECTORY COUNT`, where DIRECTORY was made by `kmip-app init` and no server uses it.
//! What it writes is described in [`kmip_tests::population`]. It goes the way of every change,
//! through the sealed store, thousands of objects at a time.

use std::{
    env,
    error::Error,
    io::{IsTerminal as _, Write as _, stderr},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use kmip_host::FileRootKey;
use kmip_model::{DateTime, enumeration::Operation};
use kmip_ports::{
    audit::AuditEvent,
    record::AtRestCipher,
    store::{ChangeSet, ObjectStore as _, Revision, Stored},
};
use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
use kmip_sql::{Location, Options, SqliteRecords};
use kmip_tests::{clock, population};
use kmip_ttlv::StoredForm;

/// Whose audit trail it writes: not the server's, so that that one begins with the server.
const NODE: &str = "bulk-load";

/// How many objects one change set has.
const TOGETHER: u64 = 2_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [directory, count] = arguments.as_slice() else {
        eprintln!("bulk_load DIRECTORY COUNT");
        return ExitCode::from(2);
    };
    match load(Path::new(directory), count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bulk_load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(directory: &Path, count: &str) -> Result<(), Box<dyn Error>> {
    let count: u64 = count.replace('_', "").parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let cipher: Arc<dyn AtRestCipher> = Arc::new(kmip_aws_lc::at_rest());
        let root_key = FileRootKey::load(&directory.join("root.key"), Arc::clone(&cipher))?;
        let file = Location::File(directory.join("kmip-app.db"));
        let records = Arc::new(SqliteRecords::open(&Options::new(file)).await?);
        let already = records.count().await?;
        let opening = Opening {
            when_empty: WhenEmpty::Refuse,
            node: NODE.to_owned(),
            audit_reads: AuditReads::Off,
        };
        let backing = Backing::of(&records);
        let form = Arc::new(StoredForm);
        let store = SealedStore::open(backing, cipher, Arc::new(root_key), form, opening).await?;
        let begun = Instant::now();
        let now = clock::now();
        let mut next = already;
        while next < count {
            let end = next.saturating_add(TOGETHER).min(count);
            let changes = changes(next, end, count, now);
            store.apply(changes).await?;
            next = end;
            progress(next, count, begun);
        }
        records.close().await;
        Ok(())
    })
}

fn changes(from: u64, to: u64, count: u64, now: i64) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for number in from..to {
        let object = population::object(number, count, now);
        let identifier = object.identifier().clone();
        changes.audit.push(AuditEvent {
            at: DateTime(now),
            user: object.owner().to_owned(),
            operation: Operation::Import,
            identifier: Some(identifier.clone()),
            revision: Some(Revision::default().next()),
            reason: None,
            correlation: None,
        });
        let stored = Stored { value: Arc::new(object), revision: Revision::default() };
        changes.put.push((identifier, stored));
    }
    changes
}

/// Says how far it is: on a terminal always, else ten times.
fn progress(done: u64, count: u64, begun: Instant) {
    let step = (count / 10).max(1);
    let tenths = |done: u64| done.checked_div(step);
    let tenth = tenths(done) != tenths(done.saturating_sub(TOGETHER));
    let (start, end) = if stderr().is_terminal() { ("\r", "") } else { ("", "\n") };
    if !end.is_empty() && !tenth && done < count {
        return;
    }
    let seconds = begun.elapsed().as_secs();
    let mut out = stderr().lock();
    // Nobody may be listening.
    let _ = write!(out, "{start}{done} of {count} objects, {seconds} s{end}");
    if done >= count {
        let _ = writeln!(out);
    }
}
