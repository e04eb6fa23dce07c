//! The names of tables and columns, as the migrations make them.

use sea_query::Iden;

/// One row for each object, destroyed ones too.
#[derive(Clone, Copy, Debug, Iden, PartialEq, Eq)]
#[iden = "record"]
pub(crate) enum RecordTable {
    Table,
    /// The order in which records were first put.
    Seq,
    Identifier,
    Revision,
    Owner,
    Policy,
    ObjectType,
    State,
    NextChangeAt,
    InitialDate,
    Algorithm,
    Length,
    UsageMask,
    Destroyed,
    KeyNumber,
    Sealed,
    Spent,
    SpentSeal,
}

/// What records can be found by besides their columns.
#[derive(Clone, Copy, Iden)]
#[iden = "term"]
pub(crate) enum TermTable {
    Table,
    Seq,
    Attribute,
    Value,
}

/// The audit trail, as it was before it was chained.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Iden)]
#[iden = "audit"]
pub(crate) enum AuditTable {
    Table,
    Number,
    At,
    User,
    Operation,
    Identifier,
    Revision,
    Correlation,
}

/// The audit trail, in blocks.
#[derive(Clone, Copy, Iden)]
#[iden = "audit_block"]
pub(crate) enum BlockTable {
    Table,
    Node,
    Number,
    Events,
    LastAt,
    Bytes,
    Seal,
}

/// Where chains begin whose oldest blocks were removed.
#[derive(Clone, Copy, Iden)]
#[iden = "audit_anchor"]
pub(crate) enum AnchorTable {
    Table,
    Node,
    Number,
    BlockSeal,
    Seal,
}

/// Wrapped data keys.
#[derive(Clone, Copy, Iden)]
#[iden = "data_key"]
pub(crate) enum DataKeyTable {
    Table,
    Seq,
    Number,
    Wrapped,
}
