//! Where computing happens: on the caller's thread, or on one that may block.
//!
//! The only file that knows of threads. Work that leaves the caller's thread needs a permit first, so
//! that a flood of it cannot occupy every blocking thread of the runtime, which storage needs too.
//! Pooled work has twice as many permits as there are cores: while one piece hands its permit on,
//! another computes. Long work has one fewer than there are cores, which leaves a core to everybody
//! else.

use std::{num::NonZeroUsize, sync::Arc, thread};

use kmip_ports::crypto::CryptoError;
use tokio::{sync::Semaphore, task};

/// What a computation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Well under a millisecond: done where the caller is.
    Inline,
    /// About a millisecond: done on a blocking thread.
    Pooled,
    /// From a tenth of a second to half a minute: likewise, and never on all cores at a time.
    Long,
}

impl Cost {
    /// Data up to this many bytes is ciphered or hashed at once.
    const MOST_INLINE: usize = 64 * 1024;

    /// Returns what it costs to cipher or hash so many bytes.
    pub(crate) const fn of(bytes: usize) -> Self {
        if bytes > Self::MOST_INLINE { Self::Pooled } else { Self::Inline }
    }
}

/// Runs computations according to their cost.
#[derive(Clone, Debug)]
pub(crate) struct Offload {
    pooled: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Offload {
    /// Allows as much work at a time as the cores can do.
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_permits(cores.saturating_mul(2), cores.saturating_sub(1).max(1))
    }

    fn with_permits(pooled: usize, long: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { pooled: semaphore(pooled), long: semaphore(long) }
    }

    /// Runs `work`. What has left the caller's thread and nobody waits for any more still runs to
    /// its end, and holds its permit until then.
    pub(crate) async fn run<T, W>(&self, cost: Cost, work: W) -> Result<T, CryptoError>
    where
        T: Send + 'static,
        W: FnOnce() -> Result<T, CryptoError> + Send + 'static,
    {
        let permits = match cost {
            Cost::Inline => return work(),
            Cost::Pooled => &self.pooled,
            Cost::Long => &self.long,
        };
        let permit = Arc::clone(permits).acquire_owned().await.map_err(|_| CryptoError::Failed)?;
        let running = task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        running.await.map_err(|_| CryptoError::Failed)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    #[test]
    fn only_large_data_is_worth_a_thread() {
        assert_eq!(Cost::of(64 * 1024), Cost::Inline);
        assert_eq!(Cost::of(64 * 1024 + 1), Cost::Pooled);
    }

    #[tokio::test]
    async fn inline_work_stays_on_the_callers_thread() {
        let caller = thread::current().id();
        let worker = Offload::new().run(Cost::Inline, || Ok(thread::current().id())).await;
        assert_eq!(worker, Ok(caller));
    }

    #[tokio::test]
    async fn pooled_and_long_work_leave_the_callers_thread() {
        let caller = thread::current().id();
        for cost in [Cost::Pooled, Cost::Long] {
            let worker = Offload::new().run(cost, || Ok(thread::current().id())).await;
            assert_ne!(worker.unwrap(), caller);
        }
    }

    #[tokio::test]
    async fn long_work_does_not_keep_others_waiting() {
        let offload = Offload::with_permits(1, 1);
        let (finish, may_finish) = mpsc::channel::<()>();
        let long = {
            let offload = offload.clone();
            let work = move || may_finish.recv().map_err(|_| CryptoError::Failed);
            task::spawn(async move { offload.run(Cost::Long, work).await })
        };
        assert_eq!(offload.run(Cost::Pooled, || Ok(7)).await, Ok(7));
        finish.send(()).unwrap();
        assert_eq!(long.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn no_more_work_runs_at_a_time_than_there_are_permits() {
        let offload = Offload::with_permits(1, 1);
        let running = Arc::new(AtomicUsize::new(0));
        let mut waiting = Vec::new();
        for _ in 0..8 {
            let (offload, running) = (offload.clone(), Arc::clone(&running));
            waiting.push(task::spawn(async move {
                let work = move || {
                    let beside = running.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(beside)
                };
                offload.run(Cost::Pooled, work).await
            }));
        }
        for one in waiting {
            assert_eq!(one.await.unwrap(), Ok(0));
        }
    }

    #[tokio::test]
    async fn abandoned_work_keeps_its_permit_until_it_ends() {
        let offload = Offload::with_permits(1, 1);
        let (started, has_started) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let waiter = {
            let offload = offload.clone();
            let work = move || {
                started.send(()).expect("the test waits for it");
                may_finish.recv().map_err(|_| CryptoError::Failed)
            };
            task::spawn(async move { offload.run(Cost::Pooled, work).await })
        };
        task::spawn_blocking(move || has_started.recv()).await.unwrap().unwrap();
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(offload.pooled.available_permits(), 0);
        finish.send(()).unwrap();
        assert_eq!(offload.run(Cost::Pooled, || Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_panics_reports_a_failure_and_gives_its_permit_back() {
        let offload = Offload::with_permits(1, 1);
        let broken = offload.run::<(), _>(Cost::Pooled, || panic!("on purpose")).await;
        assert_eq!(broken, Err(CryptoError::Failed));
        assert_eq!(offload.run(Cost::Pooled, || Ok(7)).await, Ok(7));
    }
}
