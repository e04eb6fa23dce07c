//! Keeps a panic within the item that caused it.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// The future panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs a future and catches its panic. What the future borrowed must be thrown away then.
pub(crate) async fn guarded<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert!(pollster::block_on(guarded(async { panic!("on purpose") })).is_err());
        assert!(matches!(pollster::block_on(guarded(async { 7 })), Ok(7)));
    }
}
