//! The way to what writes: everything goes through one queue.

use std::sync::Arc;

use kmip_ports::{audit::Notary, store::StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::batch::{Request, Verdict};

/// How many requests may wait to be written; more wait to be queued.
const QUEUE: usize = 1_024;

/// What is sent to the writer.
pub(crate) enum Job {
    /// Write something and say how it went.
    Write(Request, oneshot::Sender<Verdict>),
    /// Continue the chain of this notary's node.
    Begin(Arc<dyn Notary>, oneshot::Sender<Verdict>),
    /// Write what is before this and stop.
    Close,
}

/// Sends to the writer.
#[derive(Debug)]
pub(crate) struct Jobs(mpsc::Sender<Job>);

impl Jobs {
    /// Makes a queue, and the end of it that the writer has.
    pub(crate) fn queue() -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        (Self(jobs), queue)
    }

    /// Has something written, and returns when it is durable.
    pub(crate) async fn write(&self, request: Request) -> Verdict {
        self.send(|answer| Job::Write(request, answer)).await
    }

    /// Has a chain continued.
    pub(crate) async fn begin(&self, notary: Arc<dyn Notary>) -> Result<(), StoreError> {
        self.send(|answer| Job::Begin(notary, answer)).await.map(drop)
    }

    /// Tells the writer to stop after what waits.
    pub(crate) async fn close(&self) {
        // If the writer has ended, there is nothing to tell it.
        let _ = self.0.send(Job::Close).await;
    }

    /// Says whether the writer takes no more.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Returns how many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.max_capacity().saturating_sub(self.0.capacity())
    }

    async fn send(&self, job: impl FnOnce(oneshot::Sender<Verdict>) -> Job) -> Verdict {
        let (answer, verdict) = oneshot::channel();
        self.0.send(job(answer)).await.map_err(|_| StoreError::Unavailable)?;
        verdict.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_waits_until_the_writer_takes_it() {
        let (jobs, mut queue) = Jobs::queue();
        assert_eq!(jobs.waiting(), 0);
        jobs.close().await;
        assert_eq!(jobs.waiting(), 1);
        assert!(matches!(queue.recv().await, Some(Job::Close)));
        assert_eq!(jobs.waiting(), 0);
    }

    #[tokio::test]
    async fn without_a_writer_nothing_is_written() {
        let (jobs, queue) = Jobs::queue();
        drop(queue);
        assert_eq!(jobs.write(Request::Note(Vec::new())).await, Err(StoreError::Unavailable));
    }
}
