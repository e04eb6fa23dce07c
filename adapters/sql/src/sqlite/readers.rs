//! Threads that read: SQLite called directly, each thread with a connection of its own.
//!
//! All take from one queue. Waking a thread takes longer than finding a record that the kernel has in
//! memory: so where all that is asked for is short, another thread is woken only for what would have to
//! wait while some thread is at work.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, Row, config::DbConfig, types::FromSql};
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::{PATIENCE, location::Place};
use crate::row::Cells;

/// How many statements each connection keeps prepared.
const PREPARED: usize = 64;

/// How long what is asked for takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// No longer than waking a thread, most of the time: one may wait behind each that is at work.
    Short,
    /// Nobody knows: nothing waits while a thread has nothing to do.
    Any,
}

/// Something to do with a connection.
type Work = Box<dyn FnOnce(&Connection) + Send>;

/// What is asked for, and who could do it.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    /// How many threads have nothing to do, and nobody has called.
    idle: usize,
    /// How many threads are called and have not come yet.
    called: usize,
    closed: bool,
}

impl Queue {
    /// Says whether to call a thread of so many, and counts it.
    fn calls_one(&mut self, threads: usize, length: Length) -> bool {
        let may_wait = match length {
            Length::Short => threads.saturating_sub(self.idle),
            // Those who were called each take one.
            Length::Any => self.called,
        };
        let calls = self.idle > 0 && self.waiting.len() > may_wait;
        if calls {
            self.idle = self.idle.saturating_sub(1);
            self.called = self.called.saturating_add(1);
        }
        calls
    }
}

/// What the threads and those who ask share.
struct Shared {
    threads: usize,
    length: Length,
    queue: Mutex<Queue>,
    call: Condvar,
}

/// Reads with connections that cannot write.
pub(super) struct Readers {
    shared: Arc<Shared>,
    /// How long to wait for a thread.
    patience: Duration,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Opens so many connections, at least one.
    pub(super) fn open(place: &Place, count: u32, length: Length) -> Result<Self, sqlx::Error> {
        let count = count.max(1);
        let connections: Vec<Connection> =
            (0..count).map(|_| connect(place)).collect::<Result<_, _>>().map_err(refused)?;
        let shared = Arc::new(Shared {
            threads: connections.len(),
            length,
            queue: Mutex::default(),
            call: Condvar::new(),
        });
        // From here on they are closed if one cannot be started.
        let readers =
            Self { shared: Arc::clone(&shared), patience: PATIENCE, threads: Mutex::default() };
        for connection in connections {
            let shared = Arc::clone(&shared);
            let thread = Builder::new().name("kmip-reader".to_owned());
            let thread = thread.spawn(move || shared.serve(&connection))?;
            readers.threads().push(thread);
        }
        Ok(readers)
    }

    /// Has a thread read something, and waits for it: until one begins, not longer than it is worth,
    /// and then for as long as it takes.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, sqlx::Error> + Send + 'static,
    ) -> Result<T, sqlx::Error> {
        let (answer, mut answered) = oneshot::channel();
        let begins = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&begins);
        self.shared.ask(Box::new(move |connection| {
            if !answer.is_closed() {
                begins.store(true, Ordering::Release);
                let done = catch_unwind(AssertUnwindSafe(|| read(connection)));
                // Who does not wait any more misses nothing.
                let _ = answer.send(done.unwrap_or(Err(sqlx::Error::WorkerCrashed)));
            }
        }))?;
        let answer = match timeout(self.patience, &mut answered).await {
            Ok(answer) => answer,
            Err(_) if begun.load(Ordering::Acquire) => answered.await,
            Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        answer.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// Waits for what was asked for, and closes the connections.
    pub(super) async fn close(&self) {
        self.shared.close();
        let threads: Vec<_> = self.threads().drain(..).collect();
        // A thread that cannot be joined has ended.
        let _ = spawn_blocking(move || threads.into_iter().for_each(|it| drop(it.join()))).await;
    }

    /// Returns how many connections there are.
    pub(super) fn count(&self) -> usize {
        self.shared.threads
    }

    /// Returns how many connections have nothing to do.
    pub(super) fn idle(&self) -> usize {
        self.shared.queue().idle
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Readers")
            .field("count", &self.count())
            .field("length", &self.shared.length)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, work: Work) -> Result<(), sqlx::Error> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        queue.waiting.push_back(work);
        let calls = queue.calls_one(self.threads, self.length);
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

    /// Does what is asked for until that is over.
    fn serve(&self, connection: &Connection) {
        while let Some(work) = self.next() {
            work(connection);
        }
    }

    /// Waits for what is asked for next; nothing will be once all is closed.
    fn next(&self) -> Option<Work> {
        let mut queue = self.queue();
        loop {
            if let Some(work) = queue.waiting.pop_front() {
                return Some(work);
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
}

fn connect(place: &Place) -> rusqlite::Result<Connection> {
    let connection = place.connect()?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Otherwise a statement with a limit is planned anew each time that another is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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

    fn text_if_any(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
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
pub(super) fn refused(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{atomic::AtomicUsize, mpsc},
        task::{Context, Waker},
    };

    use super::{super::location::Location, *};

    fn readers(count: u32, length: Length) -> Readers {
        Readers::open(&Place::of(&Location::Memory), count, length).expect("it opens")
    }

    #[test]
    fn a_thread_is_called_for_what_would_wait() {
        use Length::{Any, Short};
        for (length, waiting, idle, called, calls) in [
            // Nobody is at work.
            (Short, 1, 4, 0, true),
            (Any, 1, 4, 0, true),
            // One is, and comes back.
            (Short, 1, 3, 0, false),
            (Any, 1, 3, 0, true),
            // One is called and will take it.
            (Any, 1, 3, 1, false),
            (Any, 2, 3, 1, true),
            (Short, 2, 3, 1, true),
            (Short, 2, 2, 2, false),
            (Short, 3, 2, 2, true),
            // All are at work.
            (Short, 9, 0, 0, false),
            (Any, 9, 0, 0, false),
        ] {
            let waiting: VecDeque<Work> = (0..waiting).map(|_| Box::new(|_: &_| ()) as _).collect();
            let mut queue = Queue { waiting, idle, called, closed: false };
            assert_eq!(queue.calls_one(4, length), calls, "{length:?} {idle} {called}");
            assert_eq!(queue.idle, idle - usize::from(calls));
            assert_eq!(queue.called, called + usize::from(calls));
        }
    }

    #[tokio::test]
    async fn nothing_waits_behind_what_takes_long_while_a_thread_is_free() {
        let readers = Arc::new(readers(2, Length::Any));
        let (finish, may_finish) = mpsc::channel::<()>();
        let long = {
            let readers = Arc::clone(&readers);
            tokio::spawn(async move {
                readers.run(move |_| may_finish.recv().map_err(|_| sqlx::Error::PoolClosed)).await
            })
        };
        for number in 0..10 {
            assert_eq!(readers.run(move |_| Ok(number)).await.expect("it is read"), number);
        }
        finish.send(()).expect("it waits for this");
        long.await.expect("it ends").expect("it was told");
    }

    #[tokio::test]
    async fn all_who_ask_at_once_are_answered_and_nobody_waits_for_who_does_not() {
        for length in [Length::Short, Length::Any] {
            let readers = Arc::new(readers(3, length));
            for _ in 0..9 {
                let mut asking = pin!(readers.run(|_| Ok(())));
                // Nobody comes back for the answer.
                let _ = asking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            let asking: Vec<_> = (0..200)
                .map(|number| {
                    let readers = Arc::clone(&readers);
                    tokio::spawn(async move { readers.run(move |_| Ok(number)).await })
                })
                .collect();
            for (number, one) in asking.into_iter().enumerate() {
                assert_eq!(one.await.expect("it ends").expect("it is read"), number);
            }
        }
    }

    #[tokio::test]
    async fn who_is_not_served_in_time_is_told_and_what_was_begun_comes_to_its_end() {
        let mut readers = readers(1, Length::Any);
        readers.patience = Duration::from_millis(20);
        let readers = Arc::new(readers);
        let (started, has_started) = oneshot::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let long = {
            let readers = Arc::clone(&readers);
            let read = move |_: &Connection| {
                started.send(()).map_err(|()| sqlx::Error::PoolClosed)?;
                may_finish.recv().map_err(|_| sqlx::Error::PoolClosed)
            };
            tokio::spawn(async move { readers.run(read).await })
        };
        has_started.await.expect("it begins");
        let late = readers.run(|_| Ok(())).await;
        assert!(matches!(late, Err(sqlx::Error::PoolTimedOut)), "{late:?}");
        finish.send(()).expect("it waits for this");
        long.await.expect("it ends").expect("it was not given up");
    }

    #[tokio::test]
    async fn what_panics_costs_no_thread() {
        let readers = readers(1, Length::Short);
        for _ in 0..3 {
            let broken = readers.run::<()>(|_| panic!("on purpose")).await;
            assert!(matches!(broken, Err(sqlx::Error::WorkerCrashed)), "{broken:?}");
        }
        assert_eq!(readers.run(|_| Ok(7)).await.expect("it is read"), 7);
    }

    #[tokio::test]
    async fn what_was_asked_for_before_the_end_is_done_and_nothing_after_it() {
        let readers = readers(2, Length::Short);
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..20 {
            let done = Arc::clone(&done);
            let work = move |_: &Connection| {
                done.fetch_add(1, Ordering::Relaxed);
            };
            readers.shared.ask(Box::new(work)).expect("it is open");
        }
        readers.close().await;
        assert_eq!(done.load(Ordering::Relaxed), 20);
        let closed = readers.run(|_| Ok(())).await;
        assert!(matches!(closed, Err(sqlx::Error::PoolClosed)), "{closed:?}");
        // The threads are gone, and with them their connections.
        assert_eq!(Arc::strong_count(&readers.shared), 1);
    }

    #[tokio::test]
    async fn nothing_is_written_by_these_connections() {
        let written = |connection: &Connection| {
            connection.execute("CREATE TABLE anything (a)", []).map_err(refused)
        };
        assert!(readers(1, Length::Any).run(written).await.is_err());
    }
}
