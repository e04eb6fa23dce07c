//! Turns an operator's list into SQL: records of whomever, newest first, and how many there are.

use kmip_ports::record::Condition;
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use crate::{
    branches::{Branch, Ordered},
    schema::{RecordTable, TermTable},
    search::{Manner, column, matching, only_places, page_of, together},
    statement::signed,
};

/// The statements of a list.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The places and identifiers of the page, newest first.
    pub(crate) page: SelectStatement,
    /// How many there are in all, however many that is.
    pub(crate) count: SelectStatement,
}

impl Listing {
    /// Builds the statements.
    pub(crate) fn new(
        conditions: &[Condition],
        maximum: Option<u64>,
        manner: Manner,
    ) -> Option<Self> {
        let any = |is: fn(&Condition) -> bool| conditions.iter().any(is);
        let by_term = any(|it| matches!(it, Condition::Term(_)));
        let narrow = by_term || any(|it| matches!(it, Condition::Identifier(_)));
        let branches = if narrow {
            vec![Branch::filtered(Cond::all())]
        } else if any(|it| matches!(it, Condition::Due(_))) {
            let order = Ordered::Dated(RecordTable::NextChangeAt);
            vec![Branch { order, ..Branch::filtered(Cond::all()) }]
        } else if any(|it| matches!(it, Condition::Owner(_))) {
            // The index has an owner's live and destroyed records apart.
            let destroyed = |it: bool| Cond::all().add(column(RecordTable::Destroyed).eq(it));
            [false, true].map(destroyed).map(Branch::filtered).into()
        } else {
            vec![Branch::filtered(Cond::all())]
        };
        let orders: Vec<_> = branches.iter().map(|branch| branch.order).collect();
        let selects: Vec<SelectStatement> =
            branches.into_iter().map(|branch| matching(conditions, branch)).collect();
        let all = together(selects.iter().cloned().map(only_places).collect())?;
        let count = Query::select()
            .expr(Func::count(Expr::col(RecordTable::Seq)))
            .from_subquery(all, Alias::new("found"))
            .to_owned();
        let mut page = page_of(selects, maximum, &orders, manner)?;
        if by_term {
            page.order_by((TermTable::Table, TermTable::Seq), Order::Desc);
        } else {
            page.order_by(RecordTable::Seq, Order::Desc);
        }
        if let Some(maximum) = maximum {
            page.limit(signed(maximum).unsigned_abs());
        }
        Some(Self { page, count })
    }
}
