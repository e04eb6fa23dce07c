//! What is told to whoever measures: messages, operations, connections, and the figures of a store.
//!
//! Nothing told here names an object, a client or an address, and whoever is told must not make
//! anybody wait.

mod trace_context;

use std::time::Duration;

use async_trait::async_trait;
use kmip_model::enumeration::{ObjectType, Operation, ResultReason, State};

pub use self::trace_context::TraceContext;
use crate::store::StoreError;

/// What came of one batch item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationSeen {
    /// Operation.
    pub operation: Operation,
    /// The client's version: major, minor.
    pub version: (u8, u8),
    /// The type of the object that the item concerns, if it is one and known.
    pub object_type: Option<ObjectType>,
    /// Result Reason; `None` for a success.
    pub reason: Option<ResultReason>,
    /// How long it took.
    pub taken: Duration,
}

/// What came of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSeen {
    /// The version of the answer: major, minor.
    pub version: (u8, u8),
    /// Says whether it was refused as a whole.
    pub refused: bool,
    /// How long it took.
    pub taken: Duration,
}

/// Is told of messages and operations.
pub trait Observer: Send + Sync {
    /// Gives a message its place in a trace: in the client's, or in a new one. Decides whether it is
    /// recorded; a client that records its part has decided so.
    fn place(&self, client: Option<TraceContext>) -> TraceContext;
    /// Returns the time since a fixed point in the past. It never goes back.
    fn elapsed(&self) -> Duration;
    /// Is told of an item that was answered.
    fn operation(&self, seen: &OperationSeen);
    /// Is told of a message that was answered.
    fn message(&self, seen: &MessageSeen);
}

/// Why a handshake made no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeCause {
    /// The client presented no certificate.
    NoCertificate,
    /// The client's certificate is from no authority that is accepted.
    UnknownCa,
    /// The client's certificate, or one above it, has expired.
    Expired,
    /// The client's certificate is not valid yet.
    NotYetValid,
    /// The client's certificate is revoked, or a revocation list that is needed is missing or old.
    Revoked,
    /// The client's certificate is not for clients.
    WrongUsage,
    /// The client's certificate cannot be read, or is signed in a way that is not accepted.
    BadCertificate,
    /// The client offers no suite, group or signature that is accepted.
    NoCommonSuite,
    /// The client offers no version of TLS that is accepted.
    OldVersion,
    /// What arrived is not TLS.
    NotTls,
    /// The handshake took too long.
    Timeout,
    /// The peer hung up, or the network broke.
    HungUp,
    /// The client does not accept the server's certificate.
    ClientRefusedServer,
    /// Anything else; the log says what.
    Other,
}

impl HandshakeCause {
    /// Every cause.
    pub const ALL: [Self; 14] = [
        Self::NoCertificate,
        Self::UnknownCa,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::WrongUsage,
        Self::BadCertificate,
        Self::NoCommonSuite,
        Self::OldVersion,
        Self::NotTls,
        Self::Timeout,
        Self::HungUp,
        Self::ClientRefusedServer,
        Self::Other,
    ];

    /// Returns its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::UnknownCa => "unknown_ca",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::WrongUsage => "wrong_usage",
            Self::BadCertificate => "bad_certificate",
            Self::NoCommonSuite => "no_common_suite",
            Self::OldVersion => "old_version",
            Self::NotTls => "not_tls",
            Self::Timeout => "timeout",
            Self::HungUp => "hung_up",
            Self::ClientRefusedServer => "client_refused_server",
            Self::Other => "other",
        }
    }
}

/// Is told of connections.
pub trait ConnectionObserver: Send + Sync {
    /// A connection was accepted.
    fn accepted(&self);
    /// A connection was closed at once because there were too many.
    fn refused(&self);
    /// A handshake made a session, after this time.
    fn opened(&self, handshake: Duration);
    /// A session ended.
    fn closed(&self);
    /// A handshake made no session.
    fn failed(&self, cause: HandshakeCause);
}

/// What a store has done and holds, counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Requests that wait to be written.
    pub waiting_requests: u64,
    /// Transactions that the writer has committed.
    pub commits: u64,
    /// Requests that those transactions carried.
    pub committed_requests: u64,
    /// Audit events that wait for a commit.
    pub waiting_events: u64,
    /// Connections to the database that nobody uses.
    pub idle_connections: u64,
    /// Connections to the database that somebody uses.
    pub busy_connections: u64,
    /// Sealed records in memory.
    pub cached_records: u64,
    /// Their size in bytes.
    pub cached_bytes: u64,
    /// Records that were found in memory.
    pub cache_hits: u64,
    /// Records that were not.
    pub cache_misses: u64,
}

/// How many objects are in a state; `None` for types of object without one.
pub type StateCount = (Option<State>, u64);

/// Tells the figures of a store. Storage adapters implement it.
#[async_trait]
pub trait StoreGauge: Send + Sync {
    /// Returns the figures of this moment, without asking the database.
    fn figures(&self) -> StoreFigures;
    /// Counts the objects by their state when they were stored, destroyed ones too.
    async fn objects(&self) -> Result<Vec<StateCount>, StoreError>;
}
