//! What a store tells of itself to whoever measures; see `StoreGauge`.

use std::sync::atomic::{AtomicU64, Ordering};

use kmip_model::enumeration::{Enumeration as _, State};
use kmip_ports::observe::{StateCount, StoreFigures};
use sea_query::{CaseStatement, Expr, ExprTrait as _, Func, Order, Query, SelectStatement};

use crate::{
    cache::Cache,
    notes::Notes,
    row::{self, Cells},
    schema::RecordTable,
};

/// What the writer has committed.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    transactions: AtomicU64,
    requests: AtomicU64,
}

impl Commits {
    /// Counts a transaction with so many requests.
    pub(crate) fn add(&self, requests: usize) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(wide(requests), Ordering::Relaxed);
    }
}

/// Connections to the database that read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) open: usize,
    pub(crate) idle: usize,
}

/// Collects the figures of this moment.
pub(crate) fn figures(
    waiting_requests: usize,
    commits: &Commits,
    notes: &Notes,
    pool: Pool,
    cache: &Cache,
) -> StoreFigures {
    let (hits, misses) = cache.lookups();
    StoreFigures {
        waiting_requests: wide(waiting_requests),
        commits: commits.transactions.load(Ordering::Relaxed),
        committed_requests: commits.requests.load(Ordering::Relaxed),
        waiting_events: wide(notes.waiting()),
        idle_connections: wide(pool.idle),
        busy_connections: wide(pool.open.saturating_sub(pool.idle)),
        cached_records: wide(cache.len()),
        cached_bytes: cache.bytes(),
        cache_hits: hits,
        cache_misses: misses,
    }
}

/// The states that are counted: the specification's, and that of objects which have none.
fn states() -> impl Iterator<Item = Option<State>> {
    State::MEMBERS.iter().map(|member| Some(State(member.value))).chain([None])
}

/// Counts all records by their state when they were stored, destroyed ones too: a column for each
/// state. An index has the states, so that no record is read. Grouping by them would sort all of
/// them, and SQLite does that in memory: tens of mebibytes for a million.
pub(crate) fn count_by_state() -> SelectStatement {
    let mut select = Query::select();
    select.from(RecordTable::Table);
    for state in states() {
        let column = Expr::col(RecordTable::State);
        let is = match state {
            Some(state) => column.eq(state.0),
            None => column.is_null(),
        };
        select.expr(Func::count(CaseStatement::new().case(is, 1)));
    }
    select
}

/// Reads what `count_by_state` has found; states that no record is in are left out.
pub(crate) fn state_counts(row: &impl Cells) -> Result<Vec<StateCount>, sqlx::Error> {
    let mut counts = Vec::new();
    for (index, state) in states().enumerate() {
        let count = row::unsigned(row, index)?;
        if count > 0 {
            counts.push((state, count));
        }
    }
    Ok(counts)
}

/// Counts all records by the data key that they are sealed under, lowest number first.
pub(crate) fn count_by_key() -> SelectStatement {
    let mut select = Query::select();
    select
        .column(RecordTable::KeyNumber)
        .expr(Func::count(Expr::col(RecordTable::Seq)))
        .from(RecordTable::Table)
        .group_by_col(RecordTable::KeyNumber)
        .order_by(RecordTable::KeyNumber, Order::Asc);
    select
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_and_what_was_done_is_told() {
        let (commits, notes, cache) = (Commits::default(), Notes::default(), Cache::new(1024));
        commits.add(3);
        commits.add(1);
        assert!(cache.get(&kmip_model::UniqueIdentifier::new("a")).is_none());
        let told = figures(1, &commits, &notes, Pool { open: 4, idle: 3 }, &cache);
        let expected = StoreFigures {
            waiting_requests: 1,
            commits: 2,
            committed_requests: 4,
            idle_connections: 3,
            busy_connections: 1,
            cache_misses: 1,
            ..StoreFigures::default()
        };
        assert_eq!(told, expected);
    }
}
