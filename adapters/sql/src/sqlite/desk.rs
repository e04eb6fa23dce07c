//! Where the writer sits, for whoever finds it free.
//!
//! The writer's thread has company written together, and costs two changes of thread. Whoever is
//! alone does without: they sit down at the desk, and write on the thread that they are on, which
//! the runtime replaces meanwhile. So a lone client waits for the disk and for nothing else, and
//! many clients still share their commits.

use std::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicU32, Ordering},
};

use kmip_ports::store::StoreError;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

use super::writer::Writer;
use crate::batch::{Request, Verdict};

/// After how many batches without company nobody is expected to come. With company, a batch of
/// many costs less than many batches of one, so a few of one by chance say little.
const LONELY: u32 = 16;

/// Holds the writer while nobody writes.
#[derive(Debug)]
pub(super) struct Desk {
    /// Nothing while it does something long, and when it has ended.
    writer: Mutex<Option<Writer>>,
    /// How many batches in a row had one request, and nobody waited meanwhile.
    alone: AtomicU32,
}

/// The writer, in the hands of somebody who is alone.
pub(super) struct Seat<'a>(MutexGuard<'a, Option<Writer>>);

impl Seat<'_> {
    /// Writes on this thread; the runtime has others do what waits for it.
    pub(super) fn write(mut self, request: Request) -> Verdict {
        let Some(writer) = self.0.as_mut() else {
            return Err(StoreError::Unavailable);
        };
        let carried = block_in_place(|| writer.carry_out(vec![request]));
        carried.verdicts.into_iter().next().unwrap_or(Err(StoreError::Unavailable))
    }
}

impl Desk {
    pub(super) const fn new(writer: Writer) -> Self {
        Self { writer: Mutex::new(Some(writer)), alone: AtomicU32::new(0) }
    }

    /// Sits down to write at once, on this thread, if nobody else writes or is likely to.
    pub(super) fn sit_down(&self) -> Option<Seat<'_>> {
        if self.alone.load(Ordering::Relaxed) < LONELY || !may_block() {
            return None;
        }
        let seat = self.free_seat()?;
        // Merging the log takes long, and nobody should wait for it: it comes after an answer.
        seat.as_ref().is_some_and(|writer| !writer.has_long_log()).then_some(Seat(seat))
    }

    /// Has the writer do something on its own thread, for so many requests.
    pub(super) fn with<R>(
        &self,
        requests: usize,
        work: impl FnOnce(&mut Writer) -> R,
    ) -> Option<R> {
        let free = self.free_seat();
        let alone = self.alone.load(Ordering::Relaxed);
        let alone = match requests {
            0 => alone,
            1 if free.is_some() => alone.saturating_add(1),
            _ => 0,
        };
        self.alone.store(alone, Ordering::Relaxed);
        let mut seat = free.unwrap_or_else(|| self.seat());
        seat.as_mut().map(work)
    }

    /// Takes the writer away: nobody writes at once until it is back.
    pub(super) fn take(&self) -> Option<Writer> {
        self.seat().take()
    }

    /// Brings the writer back.
    pub(super) fn put_back(&self, writer: Writer) {
        *self.seat() = Some(writer);
    }

    /// Waits for whoever writes.
    fn seat(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(|poisoned| self.after_panic(poisoned))
    }

    /// Sits down if nobody does.
    fn free_seat(&self) -> Option<MutexGuard<'_, Option<Writer>>> {
        match self.writer.try_lock() {
            Ok(seat) => Some(seat),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(poisoned)) => Some(self.after_panic(poisoned)),
        }
    }

    /// Sits down after a panic: nobody knows what was written, so nothing is any more.
    fn after_panic<'a>(
        &self,
        poisoned: PoisonError<MutexGuard<'a, Option<Writer>>>,
    ) -> MutexGuard<'a, Option<Writer>> {
        self.writer.clear_poison();
        let mut seat = poisoned.into_inner();
        if let Some(writer) = seat.as_mut() {
            tracing::error!("the writer has panicked, nothing is written any more");
            writer.fail();
        }
        seat
    }
}

/// Says whether this thread may wait for the disk: the runtime must have others.
fn may_block() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::{
        super::{
            SqliteRecords,
            tests::{create, memory},
        },
        *,
    };

    fn request(number: u32) -> Request {
        Request::Apply(create(&number.to_string(), "alice"), Vec::new())
    }

    /// A store with so many records, each written when the one before was.
    async fn with_records(count: u32) -> SqliteRecords {
        let store = memory().await;
        for number in 0..count {
            assert_eq!(store.write(request(number)).await, Ok(0));
        }
        store
    }

    /// Tries to write at once when the writer has got up from the request before.
    fn at_once(store: &SqliteRecords, number: u32) -> Option<Verdict> {
        store.desk.with(0, |_| ());
        store.desk.sit_down().map(|seat| seat.write(request(number)))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_has_been_alone_for_a_while_writes_at_once() {
        let store = with_records(LONELY - 1).await;
        assert_eq!(at_once(&store, LONELY), None, "somebody may come");
        assert_eq!(store.write(request(LONELY)).await, Ok(0));
        assert_eq!(at_once(&store, LONELY + 1), Some(Ok(0)));
        assert_eq!(store.count().await, Ok(u64::from(LONELY) + 1));
        store.desk.with(2, |_| ());
        assert_eq!(at_once(&store, LONELY + 2), None, "there is company");
        assert_eq!(store.count().await, Ok(u64::from(LONELY) + 1));
    }

    #[tokio::test]
    async fn the_only_thread_of_a_runtime_does_not_wait_for_the_disk() {
        let store = with_records(LONELY).await;
        assert_eq!(at_once(&store, LONELY), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_writes_while_the_writer_is_away() {
        let store = with_records(LONELY).await;
        let writer = store.desk.take().expect("it is there");
        assert_eq!(at_once(&store, LONELY), None);
        store.desk.put_back(writer);
        assert_eq!(at_once(&store, LONELY), Some(Ok(0)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn after_a_panic_nothing_is_written_any_more() {
        let store = with_records(LONELY).await;
        let panic = || store.desk.with(1, |_| panic!("nobody knows what was written"));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err());
        assert_eq!(store.write(request(LONELY)).await, Err(StoreError::Unavailable));
        store.failed().await;
        assert!(store.has_failed() && !store.is_writable());
    }
}
