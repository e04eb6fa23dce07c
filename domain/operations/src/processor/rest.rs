//! Lets others go first: a long batch must not keep a thread from the messages of other clients.

use std::{
    future::{Future, poll_fn},
    task::Poll,
};

/// Gives the thread back once, and wants it again.
pub(crate) fn rest() -> impl Future<Output = ()> {
    let mut rested = false;
    poll_fn(move |context| {
        if rested {
            return Poll::Ready(());
        }
        rested = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn a_rest_is_one_turn_of_others() {
        let mut resting = pin!(rest());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(resting.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(resting.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
