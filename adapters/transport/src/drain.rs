//! The signal to finish: stop accepting, answer what is in progress, close what is idle.

use tokio::sync::watch;

/// Tells listeners and connections to finish; every clone is the same signal.
#[derive(Clone, Debug)]
pub struct Shutdown {
    begun: watch::Sender<bool>,
}

impl Shutdown {
    /// Makes a signal that has not been given yet.
    #[must_use]
    pub fn new() -> Self {
        Self { begun: watch::Sender::new(false) }
    }

    /// Gives the signal; giving it again changes nothing.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Says whether the signal was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits for the signal; returns at once if it was given.
    pub async fn begun(&self) {
        let mut receiver = self.begun.subscribe();
        // The sender lives in `self`, so the channel stays open.
        let _ = receiver.wait_for(|begun| *begun).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_the_signal_before_and_after_it() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.begun().await }
        });
        assert!(!shutdown.has_begun());
        shutdown.clone().begin();
        waiting.await.unwrap();
        shutdown.begun().await;
        assert!(shutdown.has_begun());
    }
}
