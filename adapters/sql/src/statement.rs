//! The statements that read and write records, keys and audit events.

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    audit::{Anchor, AuditBlock},
    maintenance::Resealed,
    record::{Spent, TermClaim, WrappedKey},
};
#[cfg(feature = "postgres")]
use sea_query::{Alias, CommonTableExpression, LockType, SubQueryStatement, WithClause, WithQuery};
use sea_query::{
    Cond, DeleteStatement, Expr, ExprTrait, Func, InsertStatement, OnConflict, Order, Query,
    SelectStatement, UnionType, UpdateStatement,
};

#[cfg(feature = "sqlite")]
use crate::schema::AuditTable;
use crate::{
    batch::Write,
    schema::{AnchorTable, BlockTable, DataKeyTable, RecordTable, TermTable},
};

/// How many values one statement binds at most; SQLite allows 32,766.
const BOUND_AT_MOST: usize = 15_000;

/// What one row of the answer to [`positions`], [`holders`] and [`all_keys`] tells.
pub(crate) mod kind {
    /// A record: identifier, seq, revision, spent.
    pub(crate) const POSITION: i64 = 0;
    /// A live record with a claimed term: identifier, owner, attribute, value.
    pub(crate) const HOLDER: i64 = 1;
    /// A data key: number, wrapped form.
    pub(crate) const KEY: i64 = 2;
}

/// The columns of a record that a load needs, in the order of decoding.
const LOADED: [RecordTable; 15] = [
    RecordTable::Revision,
    RecordTable::Owner,
    RecordTable::Policy,
    RecordTable::ObjectType,
    RecordTable::State,
    RecordTable::NextChangeAt,
    RecordTable::InitialDate,
    RecordTable::Algorithm,
    RecordTable::Length,
    RecordTable::UsageMask,
    RecordTable::Destroyed,
    RecordTable::KeyNumber,
    RecordTable::Sealed,
    RecordTable::Spent,
    RecordTable::SpentSeal,
];

/// The columns of a record that a write sets, in the order of [`record_values`].
const WRITTEN: [RecordTable; 17] = [
    RecordTable::Seq,
    RecordTable::Identifier,
    RecordTable::Revision,
    RecordTable::Owner,
    RecordTable::Policy,
    RecordTable::ObjectType,
    RecordTable::State,
    RecordTable::NextChangeAt,
    RecordTable::InitialDate,
    RecordTable::Algorithm,
    RecordTable::Length,
    RecordTable::UsageMask,
    RecordTable::Destroyed,
    RecordTable::KeyNumber,
    RecordTable::Sealed,
    RecordTable::Spent,
    RecordTable::SpentSeal,
];

/// Returns a revision as databases count; there are no numbers without sign.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Loads one record with its terms: one row with the record, then one row for each term.
///
/// It is one statement, so that record and terms are of the same revision without a transaction.
pub(crate) fn load(identifier: &UniqueIdentifier) -> SelectStatement {
    let mut record = Query::select();
    record
        .columns(LOADED)
        .exprs([Expr::null(), Expr::null()])
        .from(RecordTable::Table)
        .and_where(Expr::col(RecordTable::Identifier).eq(identifier.as_str()));
    let mut seq = Query::select();
    seq.column(RecordTable::Seq)
        .from(RecordTable::Table)
        .and_where(Expr::col(RecordTable::Identifier).eq(identifier.as_str()));
    let mut terms = Query::select();
    terms
        .exprs(LOADED.map(|_| Expr::null()))
        .columns([TermTable::Attribute, TermTable::Value])
        .from(TermTable::Table)
        .and_where(Expr::col(TermTable::Seq).in_subquery(seq));
    record.union(UnionType::All, terms);
    record
}

/// Loads the wrapped data keys, oldest first.
pub(crate) fn load_keys() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([DataKeyTable::Number, DataKeyTable::Wrapped])
        .from(DataKeyTable::Table)
        .order_by(DataKeyTable::Seq, Order::Asc);
    select
}

/// Counts all records, destroyed ones too.
pub(crate) fn count_records() -> SelectStatement {
    let mut select = Query::select();
    select.expr(Func::count(Expr::col(RecordTable::Seq))).from(RecordTable::Table);
    select
}

/// Finds the place of the newest record.
#[cfg(feature = "sqlite")]
pub(crate) fn newest_seq() -> SelectStatement {
    let mut select = Query::select();
    select.expr(Func::max(Expr::col(RecordTable::Seq))).from(RecordTable::Table);
    select
}

/// Reads events from before the trail was chained, oldest first.
#[cfg(feature = "sqlite")]
pub(crate) fn unchained_events(limit: u64) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            AuditTable::Number,
            AuditTable::At,
            AuditTable::User,
            AuditTable::Operation,
            AuditTable::Identifier,
            AuditTable::Revision,
            AuditTable::Correlation,
        ])
        .from(AuditTable::Table)
        .order_by(AuditTable::Number, Order::Asc)
        .limit(limit);
    select
}

/// Removes events from before the trail was chained, up to a number.
#[cfg(feature = "sqlite")]
pub(crate) fn remove_unchained_events(up_to: i64) -> DeleteStatement {
    let mut delete = Query::delete();
    delete.from_table(AuditTable::Table).and_where(Expr::col(AuditTable::Number).lte(up_to));
    delete
}

/// Finds the newest block of a node: number and seal.
pub(crate) fn newest_block(node: &str) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([BlockTable::Number, BlockTable::Seal])
        .from(BlockTable::Table)
        .and_where(Expr::col(BlockTable::Node).eq(node))
        .order_by(BlockTable::Number, Order::Desc)
        .limit(1);
    select
}

/// Finds where the chain of a node begins, if its oldest blocks were removed: number and seal.
pub(crate) fn anchor_of(node: &str) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([AnchorTable::Number, AnchorTable::BlockSeal])
        .from(AnchorTable::Table)
        .and_where(Expr::col(AnchorTable::Node).eq(node));
    select
}

/// Reads blocks by node and number, after a place.
pub(crate) fn blocks(after: (&str, u64), limit: u32) -> SelectStatement {
    let (node, number) = after;
    let mut select = Query::select();
    select
        .columns([
            BlockTable::Node,
            BlockTable::Number,
            BlockTable::Events,
            BlockTable::LastAt,
            BlockTable::Bytes,
            BlockTable::Seal,
        ])
        .from(BlockTable::Table)
        .cond_where(
            Cond::any().add(Expr::col(BlockTable::Node).gt(node)).add(
                Cond::all()
                    .add(Expr::col(BlockTable::Node).eq(node))
                    .add(Expr::col(BlockTable::Number).gt(signed(number))),
            ),
        )
        .order_by(BlockTable::Node, Order::Asc)
        .order_by(BlockTable::Number, Order::Asc)
        .limit(limit.into());
    select
}

/// Reads where the chains of nodes begin.
pub(crate) fn anchors() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            AnchorTable::Node,
            AnchorTable::Number,
            AnchorTable::BlockSeal,
            AnchorTable::Seal,
        ])
        .from(AnchorTable::Table)
        .order_by(AnchorTable::Node, Order::Asc);
    select
}

/// Reads records in the order of first puts, after a place: place, identifier, then what
/// [`load`] reads.
pub(crate) fn records_after(seq: i64, limit: u32) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([RecordTable::Seq, RecordTable::Identifier])
        .columns(LOADED)
        .from(RecordTable::Table)
        .and_where(Expr::col(RecordTable::Seq).gt(seq))
        .order_by(RecordTable::Seq, Order::Asc)
        .limit(limit.into());
    select
}

/// Reads the terms of the records after a place, up to another: place, attribute, value.
pub(crate) fn terms_between(after: i64, up_to: i64) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([TermTable::Seq, TermTable::Attribute, TermTable::Value])
        .from(TermTable::Table)
        .and_where(Expr::col(TermTable::Seq).gt(after))
        .and_where(Expr::col(TermTable::Seq).lte(up_to))
        .order_by(TermTable::Seq, Order::Asc);
    select
}

/// Finds out which of these records exist, and where.
pub(crate) fn positions(identifiers: &[&UniqueIdentifier]) -> Vec<SelectStatement> {
    let find = |some: &[&UniqueIdentifier]| {
        let mut select = Query::select();
        select
            .expr(Expr::val(kind::POSITION))
            .columns([
                RecordTable::Identifier,
                RecordTable::Seq,
                RecordTable::Revision,
                RecordTable::Spent,
            ])
            .from(RecordTable::Table)
            .and_where(
                Expr::col(RecordTable::Identifier)
                    .is_in(some.iter().map(|identifier| identifier.as_str())),
            );
        select
    };
    identifiers.chunks(BOUND_AT_MOST).map(find).collect()
}

/// Locks what is looked for, in the order of identifiers.
#[cfg(feature = "postgres")]
pub(crate) fn locked(mut positions: SelectStatement, lock: LockType) -> SelectStatement {
    positions.order_by(RecordTable::Identifier, Order::Asc).lock(lock);
    positions
}

/// Finds the live records that have a claimed term; some more may be among them.
pub(crate) fn holders(claims: &[&TermClaim]) -> Vec<SelectStatement> {
    let find = |some: &[&TermClaim]| {
        let mut attributes: Vec<u32> = some.iter().map(|claim| claim.term.attribute).collect();
        attributes.sort_unstable();
        attributes.dedup();
        let mut owners: Vec<&str> = some.iter().map(|claim| claim.owner.as_str()).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut select = Query::select();
        select
            .expr(Expr::val(kind::HOLDER))
            .column((RecordTable::Table, RecordTable::Identifier))
            .column((RecordTable::Table, RecordTable::Owner))
            .column((TermTable::Table, TermTable::Attribute))
            .column((TermTable::Table, TermTable::Value))
            .from(TermTable::Table)
            .cross_join(RecordTable::Table)
            .and_where(same_record())
            .and_where(Expr::col((TermTable::Table, TermTable::Attribute)).is_in(attributes))
            .and_where(
                Expr::col((TermTable::Table, TermTable::Value))
                    .is_in(some.iter().map(|claim| claim.term.value.clone())),
            )
            .and_where(Expr::col((RecordTable::Table, RecordTable::Destroyed)).eq(false))
            .and_where(Expr::col((RecordTable::Table, RecordTable::Owner)).is_in(owners));
        select
    };
    claims.chunks(BOUND_AT_MOST / 3).map(find).collect()
}

/// Finds all data keys.
pub(crate) fn all_keys() -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::val(kind::KEY))
        .columns([DataKeyTable::Number, DataKeyTable::Wrapped])
        .from(DataKeyTable::Table);
    select
}

/// Says that a term belongs to a record, in a join.
///
/// Joins are cross joins with the term first: SQLite then looks the term up by its index and does
/// not try another order.
pub(crate) fn same_record() -> Expr {
    Expr::col((RecordTable::Table, RecordTable::Seq)).equals((TermTable::Table, TermTable::Seq))
}

/// Makes a statement for one row whose values are bound later.
#[cfg(feature = "sqlite")]
fn one_row(mut insert: InsertStatement, columns: usize) -> InsertStatement {
    insert.values_panic(std::iter::repeat_n(Expr::val(0), columns));
    insert
}

fn rows<const N: usize, T>(
    statement: &InsertStatement,
    items: &[T],
    values: impl Fn(&T) -> [Expr; N],
) -> Vec<InsertStatement> {
    items
        .chunks(BOUND_AT_MOST.checked_div(N).unwrap_or(1))
        .map(|some| {
            let mut insert = statement.clone();
            for item in some {
                insert.values_panic(values(item));
            }
            insert
        })
        .collect()
}

#[cfg(feature = "postgres")]
fn record_values((write, spent): &(&Write, Spent)) -> [Expr; WRITTEN.len()] {
    let columns = &write.record.columns;
    [
        write.position.seq.into(),
        write.identifier.as_str().into(),
        signed(write.position.revision.0).into(),
        columns.owner.as_str().into(),
        columns.policy.as_str().into(),
        columns.object_type.into(),
        columns.state.into(),
        columns.next_change_at.map(|at| at.0).into(),
        columns.initial_date.0.into(),
        columns.algorithm.into(),
        columns.length.into(),
        columns.usage_mask.into(),
        columns.destroyed.into(),
        write.record.sealed.key.into(),
        write.record.sealed.bytes.clone().into(),
        spent.amount.into(),
        spent.seal.map(Vec::from).into(),
    ]
}

/// Starts to write records.
fn into_records() -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(RecordTable::Table).columns(WRITTEN).on_conflict(
        OnConflict::column(RecordTable::Seq).update_columns(WRITTEN.into_iter().skip(2)).to_owned(),
    );
    insert
}

/// Writes records, new and changed ones together, each with what has been taken from its limits.
#[cfg(feature = "postgres")]
pub(crate) fn put_records(writes: &[(&Write, Spent)]) -> Vec<InsertStatement> {
    rows(&into_records(), writes, record_values)
}

/// Writes one record, whose values are bound in the order of [`WRITTEN`].
#[cfg(feature = "sqlite")]
pub(crate) fn put_one_record() -> InsertStatement {
    one_row(into_records(), WRITTEN.len())
}

/// Writes what has been taken from the limits of a record of which nothing else changes.
pub(crate) fn spend(seq: i64, spent: &Spent) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(RecordTable::Table)
        .value(RecordTable::Spent, spent.amount)
        .value(RecordTable::SpentSeal, spent.seal.map(Vec::from))
        .and_where(Expr::col(RecordTable::Seq).eq(seq));
    update
}

/// Writes the sealed bytes and the state of a record of which nothing else changes.
pub(crate) fn reseal(seq: i64, resealed: &Resealed) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(RecordTable::Table)
        .value(RecordTable::State, resealed.state)
        .value(RecordTable::NextChangeAt, resealed.next_change_at.map(|at| at.0))
        .value(RecordTable::KeyNumber, resealed.sealed.key)
        .value(RecordTable::Sealed, resealed.sealed.bytes.clone())
        .and_where(Expr::col(RecordTable::Seq).eq(seq));
    update
}

/// Removes the terms of records that are changed.
#[cfg(feature = "postgres")]
pub(crate) fn remove_terms(writes: &[Write]) -> Vec<DeleteStatement> {
    let seqs: Vec<i64> =
        writes.iter().filter(|write| write.exists).map(|write| write.position.seq).collect();
    let remove = |some: &[i64]| {
        let mut delete = Query::delete();
        delete
            .from_table(TermTable::Table)
            .and_where(Expr::col(TermTable::Seq).is_in(some.iter().copied()));
        delete
    };
    seqs.chunks(BOUND_AT_MOST).map(remove).collect()
}

/// Removes the terms of one record.
#[cfg(feature = "sqlite")]
pub(crate) fn remove_terms_of(seq: i64) -> DeleteStatement {
    let mut delete = Query::delete();
    delete.from_table(TermTable::Table).and_where(Expr::col(TermTable::Seq).eq(seq));
    delete
}

/// Starts to write terms.
fn into_terms() -> InsertStatement {
    let mut insert = Query::insert();
    insert
        .into_table(TermTable::Table)
        .columns([TermTable::Seq, TermTable::Attribute, TermTable::Value])
        .on_conflict(OnConflict::new().do_nothing().to_owned());
    insert
}

/// Writes the terms of records.
#[cfg(feature = "postgres")]
pub(crate) fn put_terms(writes: &[Write]) -> Vec<InsertStatement> {
    let terms: Vec<(i64, &kmip_ports::record::Term)> = writes
        .iter()
        .flat_map(|write| write.record.terms.iter().map(|term| (write.position.seq, term)))
        .collect();
    rows(&into_terms(), &terms, |(seq, term)| {
        [(*seq).into(), term.attribute.into(), term.value.clone().into()]
    })
}

/// Writes one term: place, attribute, value.
#[cfg(feature = "sqlite")]
pub(crate) fn put_one_term() -> InsertStatement {
    one_row(into_terms(), 3)
}

/// Starts to write blocks of the audit trail.
fn into_blocks() -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(BlockTable::Table).columns([
        BlockTable::Node,
        BlockTable::Number,
        BlockTable::Events,
        BlockTable::LastAt,
        BlockTable::Bytes,
        BlockTable::Seal,
    ]);
    insert
}

/// Writes blocks of the audit trail.
#[cfg(feature = "postgres")]
pub(crate) fn put_blocks(blocks: &[AuditBlock]) -> Vec<InsertStatement> {
    rows(&into_blocks(), blocks, |block| {
        let AuditBlock { node, link, events, last_at, bytes } = block;
        [
            node.as_str().into(),
            signed(link.number).into(),
            (*events).into(),
            last_at.0.into(),
            bytes.clone().into(),
            Vec::from(link.seal).into(),
        ]
    })
}

/// Writes one block: node, number, events, last date, bytes, seal.
#[cfg(feature = "sqlite")]
pub(crate) fn put_one_block() -> InsertStatement {
    one_row(into_blocks(), 6)
}

/// Writes where chains begin from now on.
pub(crate) fn put_anchors(anchors: &[Anchor]) -> Vec<InsertStatement> {
    let mut insert = Query::insert();
    insert
        .into_table(AnchorTable::Table)
        .columns([
            AnchorTable::Node,
            AnchorTable::Number,
            AnchorTable::BlockSeal,
            AnchorTable::Seal,
        ])
        .on_conflict(
            OnConflict::column(AnchorTable::Node)
                .update_columns([AnchorTable::Number, AnchorTable::BlockSeal, AnchorTable::Seal])
                .to_owned(),
        );
    rows(&insert, anchors, |Anchor { node, link, seal }| {
        [
            node.as_str().into(),
            signed(link.number).into(),
            Vec::from(link.seal).into(),
            Vec::from(*seal).into(),
        ]
    })
}

/// Removes the blocks that anchors stand for.
pub(crate) fn remove_blocks(anchors: &[Anchor]) -> Vec<DeleteStatement> {
    let remove = |Anchor { node, link, .. }: &Anchor| {
        let mut delete = Query::delete();
        delete
            .from_table(BlockTable::Table)
            .and_where(Expr::col(BlockTable::Node).eq(node.as_str()))
            .and_where(Expr::col(BlockTable::Number).lte(signed(link.number)));
        delete
    };
    anchors.iter().map(remove).collect()
}

/// Writes another wrapping of a data key.
pub(crate) fn rewrap(key: &WrappedKey) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(DataKeyTable::Table)
        .value(DataKeyTable::Wrapped, key.wrapped.clone())
        .and_where(Expr::col(DataKeyTable::Number).eq(key.number));
    update
}

/// Writes wrapped data keys; the database keeps their order.
pub(crate) fn put_keys(keys: &[WrappedKey]) -> Vec<InsertStatement> {
    let mut insert = Query::insert();
    insert.into_table(DataKeyTable::Table).columns([DataKeyTable::Number, DataKeyTable::Wrapped]);
    rows(&insert, keys, |key| [key.number.into(), key.wrapped.clone().into()])
}

/// How many values statements that go together bind at most; PostgreSQL allows 65,535.
#[cfg(feature = "postgres")]
const BOUND_TOGETHER_AT_MOST: usize = 60_000;

/// How many values a statement binds at most that writes many rows.
#[cfg(feature = "postgres")]
pub(crate) const BOUND_BY_MANY: usize = BOUND_AT_MOST;

/// How many values a statement binds at most that writes one row.
#[cfg(feature = "postgres")]
pub(crate) const BOUND_BY_ONE: usize = 8;

/// Puts statements together that write, each with how many values it binds at most, in as few as
/// they fit into. Of those that are together none sees what another has written.
#[cfg(feature = "postgres")]
pub(crate) fn together(
    writing: impl IntoIterator<Item = (usize, SubQueryStatement)>,
) -> Vec<WithQuery> {
    let mut all: Vec<(usize, WithClause)> = Vec::new();
    for (position, (values, statement)) in writing.into_iter().enumerate() {
        let mut part = CommonTableExpression::new();
        part.query(statement).table_name(Alias::new(format!("part{position}")));
        match all.last_mut() {
            Some((bound, with)) if bound.saturating_add(values) <= BOUND_TOGETHER_AT_MOST => {
                *bound = bound.saturating_add(values);
                with.cte(part);
            }
            _ => all.push((values, WithClause::new().cte(part).to_owned())),
        }
    }
    let select = Query::select().expr(Expr::val(1)).to_owned();
    all.into_iter().map(|(_, with)| select.clone().with(with)).collect()
}
