//! What is asked most: single records and searches, by SQLite called directly.
//!
//! What is not in the cache is asked for one record at a time and always by the same statement, which
//! is prepared once on each connection. A search may take several statements, each of which depends on
//! what the one before has found: all of them run on the thread of one connection.

use std::sync::Arc;

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    record::{Record, TermQuery},
    store::{Page, Stored},
};
use rusqlite::{Connection, Row, Statement};
use sea_query::{SelectStatement, SqliteQueryBuilder, Values};

use super::{
    direct::bind_values,
    location::Place,
    readers::{Length, Readers, refused},
};
use crate::{
    branches::Dates,
    row::{self, Cells as _, Loading},
    search::{self, Manner, Search},
    statement,
};

/// Finds records.
#[derive(Debug)]
pub(super) struct Lookup {
    /// One statement, which binds an identifier wherever it binds something.
    text: Arc<str>,
    binds: usize,
    /// Searches can take long, and single records never have to wait for them.
    records: Readers,
    searches: Readers,
}

impl Lookup {
    /// Opens so many connections for each purpose, at least one; they cannot write.
    pub(super) fn open(place: &Place, count: u32) -> Result<Self, sqlx::Error> {
        let (text, values) = statement::load(&UniqueIdentifier::new("")).build(SqliteQueryBuilder);
        Ok(Self {
            text: text.into(),
            binds: values.0.len(),
            records: Readers::open(place, count, Length::Short)?,
            searches: Readers::open(place, count, Length::Any)?,
        })
    }

    /// Finds a record with its terms.
    pub(super) async fn find(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, sqlx::Error> {
        let (text, binds, identifier) = (Arc::clone(&self.text), self.binds, identifier.clone());
        self.records.run(move |connection| find(connection, &text, binds, &identifier)).await
    }

    /// Finds what the conditions say.
    pub(super) async fn search(
        &self,
        query: &TermQuery,
    ) -> Result<Page<UniqueIdentifier>, sqlx::Error> {
        let query = query.clone();
        self.searches.run(move |connection| search(connection, &query)).await
    }

    /// Waits for those who read, and closes the connections.
    pub(super) async fn close(&self) {
        self.records.close().await;
        self.searches.close().await;
    }

    /// Returns how many connections there are, and how many have nothing to do.
    pub(super) fn connections(&self) -> (usize, usize) {
        let both = [&self.records, &self.searches];
        (both.iter().map(|it| it.count()).sum(), both.iter().map(|it| it.idle()).sum())
    }

    /// Asks for the steps of a statement, as a search takes them.
    #[cfg(test)]
    pub(super) async fn plan(&self, statement: &SelectStatement) -> Vec<String> {
        let (text, Values(values)) = statement.build(SqliteQueryBuilder);
        let steps = move |connection: &Connection| {
            let mut prepared =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).map_err(refused)?;
            bind_values(&mut prepared, &values).map_err(refused)?;
            each(&mut prepared, |row| row.text(3))
        };
        self.searches.run(steps).await.expect("it is valid")
    }
}

fn find(
    connection: &Connection,
    text: &str,
    binds: usize,
    identifier: &UniqueIdentifier,
) -> Result<Option<Stored<Record>>, sqlx::Error> {
    let mut statement = connection.prepare_cached(text).map_err(refused)?;
    for index in 1..=binds {
        statement.raw_bind_parameter(index, identifier.as_str()).map_err(refused)?;
    }
    let mut loading = Loading::default();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(refused)? {
        loading.take(row)?;
    }
    Ok(loading.done())
}

fn search(
    connection: &Connection,
    query: &TermQuery,
) -> Result<Page<UniqueIdentifier>, sqlx::Error> {
    let dates = match Search::probe(query) {
        None => Dates::Few,
        Some(probe) => Dates::counted(count(connection, &probe)?),
    };
    let Some(search) = Search::new(query, Manner::Joined, dates) else {
        return Ok(Page::default());
    };
    let items = if search.joined {
        select(connection, &search.page, |row| row::identifiers(row))?.pop().unwrap_or_default()
    } else {
        select(connection, &search.page, |row| row::identifier(row, 0))?
    };
    if let Some(total) = search::total_of_last_page(query, items.len()) {
        return Ok(Page { items, total: Some(total) });
    }
    if search::is_beyond_counting(query, items.len()) {
        return Ok(Page { items, total: None });
    }
    let total = search::total_of_page(query, items.len(), count(connection, &search.count)?);
    Ok(Page { items, total })
}

/// Returns the number that a statement counts.
fn count(connection: &Connection, statement: &SelectStatement) -> Result<u64, sqlx::Error> {
    let counted = select(connection, statement, |row| row.number_if_any(0))?;
    Ok(counted.into_iter().next().flatten().unwrap_or_default().unsigned_abs())
}

/// Returns what a statement finds, a value for each row.
fn select<T>(
    connection: &Connection,
    statement: &SelectStatement,
    take: impl FnMut(&Row<'_>) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let (text, Values(values)) = statement.build(SqliteQueryBuilder);
    let mut prepared = connection.prepare_cached(&text).map_err(refused)?;
    bind_values(&mut prepared, &values).map_err(refused)?;
    each(&mut prepared, take)
}

fn each<T>(
    prepared: &mut Statement<'_>,
    mut take: impl FnMut(&Row<'_>) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let mut rows = prepared.raw_query();
    let mut taken = Vec::new();
    while let Some(row) = rows.next().map_err(refused)? {
        taken.push(take(row)?);
    }
    Ok(taken)
}
