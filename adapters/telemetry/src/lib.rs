//! Traces and metrics over OTLP (gRPC), and the same metrics as Prometheus reads them.
//!
//! | File | Does |
//! |---|---|
//! | [`table`] | the metrics: names, kinds, labels, as `docs/metrics.md` has them |
//! | [`metrics`] | counts what it is told, and decides which messages are recorded |
//! | `sources` | what is asked for when somebody reads: the store, certificates, the process |
//! | `process` | what the operating system knows of the process |
//! | `exposition` | the text that Prometheus reads |
//! | [`observed`] | store and cryptography, wrapped so that calls are timed and have spans |
//! | [`traces`] | spans, sent in batches |
//! | `layer` | from spans of `tracing` to spans of OpenTelemetry, for messages that are recorded |
//! | [`collector`] | where all of it is sent |
//!
//! Nothing waits for a collector: spans are queued, sent in batches, and dropped if the queue is
//! full; metrics are sent by a thread of their own. No span and no metric holds an object's name,
//! identifier or content.

pub mod collector;
pub mod metrics;
pub mod observed;
pub mod table;
pub mod traces;

mod exposition;
mod layer;
mod process;
mod sources;

pub use collector::{Collector, TelemetryError};
pub use metrics::{DaysLeft, Metrics, Reloads};
pub use traces::Traces;
