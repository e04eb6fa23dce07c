//! Looks single records up: SQLite called directly, on threads that may wait for the disk.
//!
//! What is not in the cache is asked for one record at a time and always by the same statement, which
//! is prepared once on each connection. Each connection has a thread, and all take from one queue. A
//! record that the kernel has in memory is found in less time than it takes to wake a thread: so while
//! some thread is at work, another is woken only for what would have to wait.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
};

use kmip_model::UniqueIdentifier;
use kmip_ports::{record::Record, store::Stored};
use rusqlite::{Connection, Row, types::FromSql};
use sea_query::SqliteQueryBuilder;
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::{PATIENCE, location::Place};
use crate::{
    row::{Cells, Loading},
    statement,
};

/// How many may wait behind each thread that is at work before another is woken.
const BEHIND: usize = 1;

/// What became of a lookup.
type Found = Result<Option<Stored<Record>>, sqlx::Error>;

/// A record that somebody waits for.
#[derive(Debug)]
struct Asked {
    identifier: UniqueIdentifier,
    answer: oneshot::Sender<Found>,
}

/// What is asked for, and who could find it.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Asked>,
    /// How many threads have nothing to do, and nobody has called.
    idle: usize,
    /// How many threads are called and have not come yet.
    called: usize,
    closed: bool,
}

impl Queue {
    /// Says whether to call a thread of so many, and counts it.
    fn calls_one(&mut self, threads: usize) -> bool {
        let busy = threads.saturating_sub(self.idle);
        let calls = self.idle > 0 && self.waiting.len() > busy.saturating_mul(BEHIND);
        if calls {
            self.idle = self.idle.saturating_sub(1);
            self.called = self.called.saturating_add(1);
        }
        calls
    }
}

/// What the threads and those who ask share.
#[derive(Debug)]
struct Shared {
    /// One statement, which binds an identifier wherever it binds something.
    text: String,
    binds: usize,
    threads: usize,
    queue: Mutex<Queue>,
    call: Condvar,
}

/// Finds records.
#[derive(Debug)]
pub(super) struct Lookup {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Lookup {
    /// Opens so many connections, at least one; they cannot write.
    pub(super) fn open(place: &Place, count: u32) -> Result<Self, sqlx::Error> {
        let count = count.max(1);
        let connections: Vec<Connection> =
            (0..count).map(|_| connect(place)).collect::<Result<_, _>>().map_err(refused)?;
        let (text, values) = statement::load(&UniqueIdentifier::new("")).build(SqliteQueryBuilder);
        let shared = Arc::new(Shared {
            text,
            binds: values.0.len(),
            threads: connections.len(),
            queue: Mutex::default(),
            call: Condvar::new(),
        });
        // From here on they are closed if one cannot be started.
        let lookup = Self { shared: Arc::clone(&shared), threads: Mutex::default() };
        for connection in connections {
            let shared = Arc::clone(&shared);
            let thread = Builder::new().name("lookup".to_owned());
            let thread = thread.spawn(move || shared.serve(&connection))?;
            lookup.threads().push(thread);
        }
        Ok(lookup)
    }

    /// Finds a record with its terms.
    pub(super) async fn find(&self, identifier: &UniqueIdentifier) -> Found {
        let (answer, answered) = oneshot::channel();
        self.shared.ask(Asked { identifier: identifier.clone(), answer })?;
        let found = timeout(PATIENCE, answered).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        found.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// Waits for what was asked for, and closes the connections.
    pub(super) async fn close(&self) {
        self.shared.close();
        let threads: Vec<_> = self.threads().drain(..).collect();
        // A thread that cannot be joined has ended.
        let _ = spawn_blocking(move || threads.into_iter().for_each(|it| drop(it.join()))).await;
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, asked: Asked) -> Result<(), sqlx::Error> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        queue.waiting.push_back(asked);
        let calls = queue.calls_one(self.threads);
        drop(queue);
        if calls {
            self.call.notify_one();
        }
        Ok(())
    }

    fn close(&self) {
        self.queue().closed = true;
        self.call.notify_all();
    }

    /// Finds what is asked for until that is over.
    fn serve(&self, connection: &Connection) {
        while let Some(Asked { identifier, answer }) = self.next() {
            if answer.is_closed() {
                continue;
            }
            let found = catch_unwind(AssertUnwindSafe(|| self.find(connection, &identifier)));
            // Who does not wait any more misses nothing.
            let _ = answer.send(found.unwrap_or(Err(sqlx::Error::WorkerCrashed)));
        }
    }

    /// Waits for what is asked for next; none will be once all is closed.
    fn next(&self) -> Option<Asked> {
        let mut queue = self.queue();
        loop {
            if let Some(asked) = queue.waiting.pop_front() {
                return Some(asked);
            }
            if queue.closed {
                return None;
            }
            queue.idle = queue.idle.saturating_add(1);
            queue = self
                .call
                .wait_while(queue, |queue| queue.called == 0 && !queue.closed)
                .unwrap_or_else(PoisonError::into_inner);
            queue.called = queue.called.saturating_sub(1);
        }
    }

    fn find(&self, connection: &Connection, identifier: &UniqueIdentifier) -> Found {
        let mut statement = connection.prepare_cached(&self.text).map_err(refused)?;
        for index in 1..=self.binds {
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
        super::{
            location::Location,
            tests::{create, memory},
        },
        *,
    };

    fn asked() -> (Asked, oneshot::Receiver<Found>) {
        let (answer, answered) = oneshot::channel();
        (Asked { identifier: UniqueIdentifier::new("a"), answer }, answered)
    }

    #[test]
    fn a_thread_is_called_for_what_would_wait() {
        for (waiting, idle, calls) in [
            // Nobody is at work.
            (1, 4, true),
            // One is, and comes back.
            (1, 3, false),
            (2, 3, true),
            (2, 2, false),
            (3, 2, true),
            // All are.
            (9, 0, false),
        ] {
            let waiting = (0..waiting).map(|_| asked().0).collect();
            let mut queue = Queue { waiting, idle, ..Queue::default() };
            assert_eq!(queue.calls_one(4), calls, "{queue:?}");
            assert_eq!(queue.idle, idle - usize::from(calls));
            assert_eq!(queue.called, usize::from(calls));
        }
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_all_answered() {
        let store = Arc::new(memory().await);
        store.apply(create("a", "alice"), Vec::new()).await.expect("it is new");
        let asking: Vec<_> = (0..200)
            .map(|number| {
                let (store, name) = (Arc::clone(&store), ["a", "b"][number % 2]);
                tokio::spawn(async move {
                    let found = store.lookup.find(&UniqueIdentifier::new(name)).await;
                    assert_eq!(found.expect("it can be read").is_some(), name == "a");
                })
            })
            .collect();
        for one in asking {
            one.await.expect("it is answered");
        }
    }

    #[tokio::test]
    async fn nobody_is_kept_waiting_by_those_who_do_not_wait() {
        let store = memory().await;
        store.apply(create("a", "alice"), Vec::new()).await.expect("it is new");
        let (name, nobody) = (UniqueIdentifier::new("a"), UniqueIdentifier::new("b"));
        for _ in 0..3 * store.lookup.shared.threads {
            let mut asking = pin!(store.lookup.find(&name));
            // Nobody comes back for the answer.
            let _ = asking.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
        }
        assert!(store.lookup.find(&name).await.expect("it can be read").is_some());
        assert!(store.lookup.find(&nobody).await.expect("it can be read").is_none());
    }

    #[tokio::test]
    async fn what_was_asked_for_before_the_end_is_found_and_nothing_after_it() {
        let store = memory().await;
        store.apply(create("a", "alice"), Vec::new()).await.expect("it is new");
        let (asked, answered) = asked();
        store.lookup.shared.ask(asked).expect("it is open");
        store.lookup.close().await;
        assert!(answered.await.expect("it is answered").expect("it can be read").is_some());
        let closed = store.lookup.find(&UniqueIdentifier::new("a")).await;
        assert!(matches!(closed, Err(sqlx::Error::PoolClosed)), "{closed:?}");
        assert!(store.lookup.threads().is_empty());
        // The threads are gone, and with them their connections.
        assert_eq!(Arc::strong_count(&store.lookup.shared), 1);
    }

    #[test]
    fn nothing_is_written_by_these_connections() {
        let connection = connect(&Place::of(&Location::Memory)).expect("it opens");
        assert!(connection.execute("CREATE TABLE anything (a)", []).is_err());
    }
}
