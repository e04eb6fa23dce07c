//! The names of tables and columns, as the migrations make them.

use sea_query::Iden;

/// One row for each object, destroyed ones too.
#[derive(Clone, Copy, Iden)]
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

/// The audit trail.
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

/// Wrapped data keys.
#[derive(Clone, Copy, Iden)]
#[iden = "data_key"]
pub(crate) enum DataKeyTable {
    Table,
    Seq,
    Number,
    Wrapped,
}
