//! What happened: written in the transaction of the change it tells of.

use kmip_model::{DateTime, UniqueIdentifier, enumeration::Operation};

use crate::store::Revision;

/// One operation on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When the message was received.
    pub at: DateTime,
    /// Who asked.
    pub user: String,
    /// What was asked.
    pub operation: Operation,
    /// The object it changed or made.
    pub identifier: UniqueIdentifier,
    /// The object's revision after the change.
    pub revision: Revision,
    /// The client's correlation value, if it sent one.
    pub correlation: Option<String>,
}
