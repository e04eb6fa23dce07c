//! The yard-stick of durable changes: how fast SQLite alone commits the rows of a Create.
//!
//! `commit STORE SECONDS`, where STORE is a store that a server has written keys into and that no
//! server uses. Its newest records, with their terms and their share of the audit trail, are written
//! again and again, under other identifiers, into an empty store of the same schema beside it, which
//! is removed at the end. Nothing is sealed, judged or answered: what remains is the disk and SQLite,
//! called as directly as it can be. One connection commits every record by itself; 16 and 64 share
//! commits by way of one thread that takes whatever waits.

#![expect(clippy::arithmetic_side_effects, reason = "counts of a benchmark that ends in seconds")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use kmip_tests::dice::Dice;
use rusqlite::{Connection, params, types::Value};
use tokio::sync::{mpsc, oneshot};

/// How many records are taken over at most.
const SAMPLE: u32 = 2_000;

/// How many records share a commit at most, as in the server.
const TOGETHER_AT_MOST: usize = 256;

/// How many connections share commits.
const PRODUCERS: [usize; 2] = [16, 64];

/// The columns of a record, its place and identifier left out.
const COLUMNS: usize = 15;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One record of a store.
struct Sample {
    columns: Vec<Value>,
    terms: Vec<(i64, Vec<u8>)>,
}

/// What is written for one Create.
struct Rows {
    samples: Vec<Sample>,
    /// The share of the audit trail, in bytes.
    audit_bytes: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [store, seconds] = arguments.as_slice() else {
        eprintln!("commit STORE SECONDS");
        return ExitCode::from(2);
    };
    match measure(Path::new(store), seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("commit: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(store: &Path, seconds: &str) -> Result<(), Failure> {
    let time = Duration::try_from_secs_f64(seconds.parse()?)?;
    let scratch = Scratch::beside(store);
    let (rows, schema) = {
        let source = Connection::open(store)?;
        (read(&source)?, schema(&source)?)
    };
    let terms = rows.samples.iter().map(|sample| sample.terms.len()).sum::<usize>();
    println!(
        "rows of a Create: 1 record of 17 columns, {:.1} terms, {} bytes of audit trail",
        mean(terms, rows.samples.len()),
        rows.audit_bytes
    );
    let rate = alone(&Target::new(&scratch.0, &schema)?, &rows, time)?;
    println!("commit 1 {rate:.0}");
    for producers in PRODUCERS {
        let target = Target::new(&scratch.0, &schema)?;
        let rate = shared(target, &rows, producers, time)?;
        println!("commit {producers} {rate:.0}");
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn mean(sum: usize, count: usize) -> f64 {
    sum as f64 / count as f64
}

/// Reads the newest records of a store.
fn read(source: &Connection) -> Result<Rows, Failure> {
    let mut records = source.prepare(
        "SELECT seq, revision, owner, policy, object_type, state, next_change_at, initial_date, \
         algorithm, length, usage_mask, destroyed, key_number, sealed, spent, spent_seal \
         FROM record ORDER BY seq DESC LIMIT ?",
    )?;
    let mut terms = source.prepare("SELECT attribute, value FROM term WHERE seq = ?")?;
    let mut samples = Vec::new();
    let mut found = records.query([SAMPLE])?;
    while let Some(row) = found.next()? {
        let seq: i64 = row.get(0)?;
        let columns = (1..=COLUMNS).map(|index| row.get(index)).collect::<Result<_, _>>()?;
        let terms = terms.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
        samples.push(Sample { columns, terms: terms.collect::<Result<_, _>>()? });
    }
    if samples.is_empty() {
        return Err("the store holds no record".into());
    }
    let (bytes, events): (i64, i64) = source.query_row(
        "SELECT coalesce(sum(length(bytes)), 0), coalesce(sum(events), 0) FROM audit_block",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let audit_bytes = usize::try_from(bytes.checked_div(events).unwrap_or_default())?;
    Ok(Rows { samples, audit_bytes })
}

/// Returns the statements that make the tables and indexes of a store.
fn schema(source: &Connection) -> Result<Vec<String>, Failure> {
    let mut statements =
        source.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")?;
    let texts = statements.query_map([], |row| row.get(0))?;
    Ok(texts.collect::<Result<_, _>>()?)
}

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(store: &Path) -> Self {
        Self(store.with_extension("commit-benchmark"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        // What is not there needs not be removed.
        let _ = fs::remove_file(name);
    }
}

/// An empty store.
struct Target(Connection);

impl Target {
    fn new(file: &Path, schema: &[String]) -> Result<Self, Failure> {
        remove(file);
        let connection = Connection::open(file)?;
        // As the server sets them; SQLite merges the log by itself here.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON",
        )?;
        for statement in schema {
            connection.execute_batch(statement)?;
        }
        Ok(Self(connection))
    }

    /// Writes records from a place on and commits them together.
    fn commit(
        &self,
        rows: &Rows,
        first: usize,
        count: usize,
        dice: &mut Dice,
    ) -> Result<(), Failure> {
        let connection = &self.0;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut record = connection.prepare_cached(
            "INSERT INTO record (seq, identifier, revision, owner, policy, object_type, state, \
             next_change_at, initial_date, algorithm, length, usage_mask, destroyed, key_number, \
             sealed, spent, spent_seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        let mut term = connection
            .prepare_cached("INSERT INTO term (seq, attribute, value) VALUES (?, ?, ?)")?;
        for place in first..first.saturating_add(count) {
            let Some(sample) = rows.samples.get(place % rows.samples.len()) else { continue };
            let seq = i64::try_from(place)?;
            let identifier =
                format!("{:016x}-0000-4000-8000-{:012x}", dice.next(), place & 0xffff_ffff);
            record.raw_bind_parameter(1, seq)?;
            record.raw_bind_parameter(2, &identifier)?;
            for (index, value) in sample.columns.iter().enumerate() {
                record.raw_bind_parameter(index.saturating_add(3), value)?;
            }
            record.raw_execute()?;
            for (attribute, value) in &sample.terms {
                term.execute(params![seq, attribute, value])?;
            }
        }
        let mut block = connection.prepare_cached(
            "INSERT INTO audit_block (node, number, events, last_at, bytes, seal) \
             VALUES ('benchmark', ?, ?, 0, ?, ?)",
        )?;
        let bytes = vec![7_u8; rows.audit_bytes.saturating_mul(count)];
        block.execute(params![i64::try_from(first)?, i64::try_from(count)?, bytes, [7_u8; 32]])?;
        connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

/// Commits every record by itself; returns how many a second.
fn alone(target: &Target, rows: &Rows, time: Duration) -> Result<f64, Failure> {
    let mut dice = Dice::new(1);
    let begun = Instant::now();
    let mut written = 0;
    while begun.elapsed() < time {
        target.commit(rows, written + 1, 1, &mut dice)?;
        written += 1;
    }
    Ok(mean(written, 1) / begun.elapsed().as_secs_f64())
}

/// Lets producers share commits; returns how many records a second are on the disk.
fn shared(target: Target, rows: &Rows, producers: usize, time: Duration) -> Result<f64, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (sender, mut waiting) = mpsc::channel::<oneshot::Sender<()>>(1_024);
    let begun = Instant::now();
    thread::scope(|scope| {
        let writer = scope.spawn(move || -> Result<usize, Failure> {
            let mut dice = Dice::new(1);
            let mut written = 0;
            let mut answers = Vec::with_capacity(TOGETHER_AT_MOST);
            while waiting.blocking_recv_many(&mut answers, TOGETHER_AT_MOST) > 0 {
                target.commit(rows, written + 1, answers.len(), &mut dice)?;
                written += answers.len();
                for answer in answers.drain(..) {
                    // Who has gone away does not want to know.
                    let _ = answer.send(());
                }
            }
            Ok(written)
        });
        for _ in 0..producers {
            let sender = sender.clone();
            runtime.spawn(async move {
                while begun.elapsed() < time {
                    let (answer, answered) = oneshot::channel();
                    if sender.send(answer).await.is_err() || answered.await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let written = writer.join().map_err(|_| "the writer has ended in a panic")??;
        Ok(mean(written, 1) / begun.elapsed().as_secs_f64())
    })
}
