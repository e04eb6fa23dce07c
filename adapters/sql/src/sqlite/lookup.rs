//! Looks single records up: SQLite called directly, on threads that may wait for the disk.
//!
//! What is not in the cache is asked for one record at a time and always by the same statement. It
//! is prepared once on each connection, and a connection goes to whatever thread has time.

use std::sync::{Arc, Mutex, PoisonError};

use kmip_model::UniqueIdentifier;
use kmip_ports::{record::Record, store::Stored};
use rusqlite::{Connection, Row, types::FromSql};
use sea_query::SqliteQueryBuilder;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{PATIENCE, location::Place};
use crate::{
    row::{Cells, Loading},
    statement,
};

/// The connections that records are looked up with.
#[derive(Debug)]
pub(super) struct Lookup {
    /// One statement, which binds an identifier wherever it binds something.
    text: String,
    binds: usize,
    idle: Mutex<Vec<Connection>>,
    /// One for each connection; closed when they are.
    free: Semaphore,
    count: u32,
}

impl Lookup {
    /// Opens so many connections, at least one; they cannot write.
    pub(super) fn open(place: &Place, count: u32) -> rusqlite::Result<Self> {
        let count = count.max(1);
        let connections = (0..count).map(|_| connect(place)).collect::<Result<_, _>>()?;
        let (text, values) = statement::load(&UniqueIdentifier::new("")).build(SqliteQueryBuilder);
        Ok(Self {
            text,
            binds: values.0.len(),
            idle: Mutex::new(connections),
            free: Semaphore::new(usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS)),
            count,
        })
    }

    /// Finds a record with its terms.
    pub(super) async fn find(
        self: &Arc<Self>,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<Record>>, sqlx::Error> {
        let permit = tokio::time::timeout(PATIENCE, self.free.acquire()).await;
        let permit =
            permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        // It comes back with the connection, whatever becomes of who asked.
        permit.forget();
        let (here, identifier) = (Seat::of(self), identifier.clone());
        spawn_blocking(move || here.find(&identifier))
            .await
            .map_err(|error| sqlx::Error::Decode(error.into()))?
    }

    /// Waits for those who look something up, and closes the connections.
    pub(super) async fn close(&self) {
        let all = self.free.acquire_many(self.count).await;
        self.with(Vec::clear);
        self.free.close();
        drop(all);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Connection>) -> T) -> T {
        work(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connection in use, which goes back to the others.
struct Seat {
    lookup: Arc<Lookup>,
    connection: Option<Connection>,
}

impl Seat {
    /// Takes a connection; there is one for each permit.
    fn of(lookup: &Arc<Lookup>) -> Self {
        Self { lookup: Arc::clone(lookup), connection: lookup.with(Vec::pop) }
    }

    fn find(&self, identifier: &UniqueIdentifier) -> Result<Option<Stored<Record>>, sqlx::Error> {
        let connection = self.connection.as_ref().ok_or(sqlx::Error::PoolClosed)?;
        let mut statement = connection.prepare_cached(&self.lookup.text).map_err(refused)?;
        for index in 1..=self.lookup.binds {
            statement.raw_bind_parameter(index, identifier.as_str()).map_err(refused)?;
        }
        let mut loading = Loading::default();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(refused)? {
            loading.take(row)?;
        }
        Ok(loading.done())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.lookup.with(|idle| idle.push(connection));
        }
        self.lookup.free.add_permits(1);
    }
}

fn connect(place: &Place) -> rusqlite::Result<Connection> {
    let connection = place.connect()?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON",
    )?;
    Ok(connection)
}

impl Cells for Row<'_> {
    fn number_if_any(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        cell(self, index)
    }

    fn bytes_if_any(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        cell(self, index)
    }

    fn text(&self, index: usize) -> Result<String, sqlx::Error> {
        cell(self, index)
    }

    fn flag(&self, index: usize) -> Result<bool, sqlx::Error> {
        self.number(index).map(|number| number != 0)
    }
}

fn cell<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, sqlx::Error> {
    row.get(index).map_err(refused)
}

/// Says it as the other connections that read do.
fn refused(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Context};

    use kmip_ports::record::RecordStore as _;

    use super::{
        super::tests::{create, memory},
        *,
    };

    #[tokio::test]
    async fn a_connection_comes_back_from_whoever_does_not_wait() {
        let store = memory().await;
        store.apply(create("a", "alice"), Vec::new()).await.expect("it is new");
        let (name, nobody) = (UniqueIdentifier::new("a"), UniqueIdentifier::new("b"));
        for _ in 0..3 * store.lookup.count {
            let mut asking = pin!(store.lookup.find(&name));
            // Nobody comes back for the answer.
            let _ = asking.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
        }
        assert!(store.lookup.find(&name).await.expect("it can be read").is_some());
        assert!(store.lookup.find(&nobody).await.expect("it can be read").is_none());
        store.lookup.close().await;
        let closed = store.lookup.find(&name).await;
        assert!(matches!(closed, Err(sqlx::Error::PoolClosed)), "{closed:?}");
        assert_eq!(store.lookup.with(|idle| idle.len()), 0);
    }

    #[tokio::test]
    async fn nothing_is_written_by_these_connections() {
        let store = memory().await;
        store.lookup.with(|idle| {
            for connection in idle {
                assert!(connection.execute("DELETE FROM record", []).is_err());
            }
        });
    }
}
