//! Events that wait for the next commit.
//!
//! Reads and refusals belong to no change. They wait here for company, so that many share a
//! commit; who brings more than there is room for waits until some are written. Nothing is dropped.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kmip_ports::{audit::AuditEvent, store::StoreError};
use tokio::{
    sync::{Notify, Semaphore},
    time::sleep,
};

/// How many events may wait.
const ROOM: u32 = 1 << 16;

/// How long events wait for a change that is written anyway.
const PATIENCE: Duration = Duration::from_millis(50);

/// Events that wait to be written.
#[derive(Debug)]
pub(crate) struct Notes {
    waiting: Mutex<Vec<AuditEvent>>,
    room: Semaphore,
    came: Notify,
}

impl Default for Notes {
    fn default() -> Self {
        let room = Semaphore::new(usize::try_from(ROOM).unwrap_or(Semaphore::MAX_PERMITS));
        Self { waiting: Mutex::default(), room, came: Notify::new() }
    }
}

impl Notes {
    /// Takes events, as soon as there is room for them.
    pub(crate) async fn add(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX).min(ROOM);
        let room = self.room.acquire_many(count).await.map_err(|_| StoreError::Unavailable)?;
        room.forget();
        let first = self.with(|waiting| {
            let first = waiting.is_empty();
            waiting.extend(events);
            first
        });
        if first {
            self.came.notify_one();
        }
        Ok(())
    }

    /// Waits until something has waited long enough.
    pub(crate) async fn due(&self) {
        while self.with(|waiting| waiting.is_empty()) {
            self.came.notified().await;
        }
        sleep(PATIENCE).await;
    }

    /// Takes out everything that waits. What is then not written must be [returned](Self::put_back).
    pub(crate) fn take(&self) -> Vec<AuditEvent> {
        self.with(std::mem::take)
    }

    /// Makes room for others, since so many were written.
    pub(crate) fn written(&self, count: usize) {
        self.room.add_permits(count.min(usize::try_from(ROOM).unwrap_or(usize::MAX)));
    }

    /// Counts the events that are not written yet.
    pub(crate) fn waiting(&self) -> usize {
        let room = usize::try_from(ROOM).unwrap_or(usize::MAX);
        room.saturating_sub(self.room.available_permits())
    }

    /// Puts events that could not be written before those that came meanwhile.
    pub(crate) fn put_back(&self, mut events: Vec<AuditEvent>) {
        self.with(|waiting| {
            events.append(waiting);
            *waiting = events;
        });
    }

    /// Refuses whatever comes or waits for room from now on.
    pub(crate) fn close(&self) {
        self.room.close();
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<AuditEvent>) -> T) -> T {
        work(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kmip_model::{DateTime, enumeration::Operation};

    fn events(count: u32) -> Vec<AuditEvent> {
        let event = |number: u32| AuditEvent {
            at: DateTime(i64::from(number)),
            user: String::new(),
            operation: Operation::Get,
            identifier: None,
            revision: None,
            reason: None,
            correlation: None,
        };
        (0..count).map(event).collect()
    }

    #[tokio::test]
    async fn what_is_taken_and_not_written_comes_first_again() {
        let notes = Notes::default();
        notes.add(events(2)).await.unwrap();
        notes.due().await;
        let taken = notes.take();
        notes.add(events(1)).await.unwrap();
        notes.put_back(taken);
        let dates: Vec<i64> = notes.take().iter().map(|event| event.at.0).collect();
        assert_eq!(dates, [0, 1, 0]);
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_until_some_is_written() {
        let notes = Notes::default();
        notes.add(events(ROOM)).await.unwrap();
        let more = notes.add(events(1));
        let mut more = std::pin::pin!(more);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(more.as_mut().poll(&mut context).is_pending());
        let written = notes.take().len();
        notes.written(written);
        assert_eq!(more.await, Ok(()));
        assert_eq!(notes.waiting(), 1);
        assert_eq!(notes.take().len(), 1);
        notes.close();
        assert_eq!(notes.add(events(1)).await, Err(StoreError::Unavailable));
    }
}
