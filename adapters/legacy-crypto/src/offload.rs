//! Where computing happens: on the caller's thread, or on one that may block.
//!
//! Pooled work needs a permit first, and there are as many permits as cores, so that a flood of it
//! cannot occupy every blocking thread of the runtime, which storage needs too.

use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
    thread,
};

use kmip_ports::crypto::CryptoError;
use tokio::{sync::Semaphore, task};

/// The permits of all of this crate's adapters together.
static PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Arc::new(Semaphore::new(cores))
});

/// The longest data, in bytes, that is worked on without leaving the caller's thread: the slowest
/// cipher here does it in about a millisecond.
const SHORT: usize = 16_384;

/// What a computation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// About a millisecond at most: done where the caller is.
    Inline,
    /// Longer: done on a blocking thread.
    Pooled,
}

impl Cost {
    /// Says what going once over so many bytes costs.
    pub(crate) const fn of_data(length: usize) -> Self {
        if length > SHORT { Self::Pooled } else { Self::Inline }
    }
}

/// Runs `work` according to its cost. Pooled work that nobody waits for any more still runs to its
/// end, and holds its permit until then.
pub(crate) async fn run<T, W>(cost: Cost, work: W) -> Result<T, CryptoError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, CryptoError> + Send + 'static,
{
    match cost {
        Cost::Inline => work(),
        Cost::Pooled => {
            let permit =
                Arc::clone(&PERMITS).acquire_owned().await.map_err(|_| CryptoError::Failed)?;
            let running = task::spawn_blocking(move || {
                let done = work();
                drop(permit);
                done
            });
            running.await.map_err(|_| CryptoError::Failed)?
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_pooled_work_leaves_the_callers_thread() {
        let caller = thread::current().id();
        let inline = run(Cost::Inline, || Ok(thread::current().id())).await;
        assert_eq!(inline, Ok(caller));
        let pooled = run(Cost::Pooled, || Ok(thread::current().id())).await;
        assert_ne!(pooled.unwrap(), caller);
    }

    #[tokio::test]
    async fn work_that_panics_reports_a_failure() {
        let broken = run::<(), _>(Cost::Pooled, || panic!("on purpose")).await;
        assert_eq!(broken, Err(CryptoError::Failed));
        assert_eq!(run(Cost::Pooled, || Ok(7)).await, Ok(7));
    }

    #[test]
    fn long_data_is_pooled() {
        assert_eq!(Cost::of_data(SHORT), Cost::Inline);
        assert_eq!(Cost::of_data(SHORT + 1), Cost::Pooled);
    }
}
