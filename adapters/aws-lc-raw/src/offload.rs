//! Where computing happens: on a thread that may block, since every RSA operation takes long.
//!
//! A computation needs a permit first, and there are as many permits as cores, so that a flood of them
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

/// Runs `work`. What nobody waits for any more still runs to its end, and holds its permit until then.
pub(crate) async fn run<T, W>(work: W) -> Result<T, CryptoError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, CryptoError> + Send + 'static,
{
    let permit = Arc::clone(&PERMITS).acquire_owned().await.map_err(|_| CryptoError::Failed)?;
    let running = task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    });
    running.await.map_err(|_| CryptoError::Failed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_leaves_the_callers_thread() {
        let caller = thread::current().id();
        assert_ne!(run(|| Ok(thread::current().id())).await.unwrap(), caller);
    }

    #[tokio::test]
    async fn work_that_panics_reports_a_failure() {
        let broken = run::<(), _>(|| panic!("on purpose")).await;
        assert_eq!(broken, Err(CryptoError::Failed));
        assert_eq!(run(|| Ok(7)).await, Ok(7));
    }
}
