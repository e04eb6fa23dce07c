//! Retention: once a day the server removes what is older than it is to keep.

use std::time::Duration;

use tokio::{runtime::Handle, task::JoinHandle, time::interval};

use super::{Place, trail};

/// How often it is looked.
const EVERY: Duration = Duration::from_hours(24);

/// Who is written into the audit trail.
const USER: &str = "control:retention";

/// The task that keeps the audit trail as short as it should be.
pub(crate) struct Retention(JoinHandle<()>);

impl Retention {
    /// Looks now, and then once a day.
    pub(crate) fn start(place: Place, days: u32) -> Self {
        Self(tokio::spawn(async move {
            let mut every = interval(EVERY);
            loop {
                every.tick().await;
                let (place, runtime) = (place.clone(), Handle::current());
                let looked = tokio::task::spawn_blocking(move || {
                    runtime.block_on(trail::prune_quietly(&place, days, USER))
                });
                match looked.await {
                    Ok(Ok((0, _))) => {}
                    Ok(Ok((blocks, before))) => {
                        tracing::info!(blocks, %before, "audit trail shortened");
                    }
                    Ok(Err(error)) => tracing::error!(%error, "audit trail not shortened"),
                    Err(error) => tracing::error!(%error, "audit trail not shortened"),
                }
            }
        }))
    }

    /// Stops looking.
    pub(crate) async fn end(mut self) {
        self.0.abort();
        // It was told to end; that is how it ends.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Retention {
    fn drop(&mut self) {
        self.0.abort();
    }
}
