//! Turns a search over columns and terms into SQL.

use std::collections::BTreeMap;

#[cfg(feature = "sqlite")]
use kmip_model::UniqueIdentifier;
use kmip_model::enumeration::ObjectType;
use kmip_ports::record::{Condition, Term, TermQuery};
use sea_query::{
    Alias, Cond, Expr, ExprTrait, Func, IntoIden, Order, Query, SelectStatement, UnionType,
};

use crate::{
    branches::{Branch, Dates, Ordered, branches},
    schema::{RecordTable, TermTable},
    statement::{same_record, signed},
};

/// How many selects are put together; databases have a limit, and policies may be many.
pub(crate) const BRANCHES: usize = 64;

/// How far is counted: a count of everything would cost more than any search.
pub(crate) const COUNTED: u64 = 1_000;

/// The statements of a search.
#[derive(Debug)]
pub(crate) struct Search {
    /// The identifiers of the page, newest first.
    pub(crate) page: SelectStatement,
    /// Says whether the page is one row: all identifiers one after the other, and how many bytes
    /// each has. If not, identifiers are the last column of its rows.
    #[cfg(feature = "sqlite")]
    pub(crate) joined: bool,
    /// How many there are in all; one more than [`COUNTED`] stands for more.
    pub(crate) count: SelectStatement,
    /// Says whether one plan is as good as another whatever the values are.
    #[cfg(feature = "postgres")]
    pub(crate) lasts: bool,
}

/// How a database likes to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Merges what comes in order, and joins a page that may be long: a row for each would cost
    /// more than finding it.
    #[cfg(feature = "sqlite")]
    Joined,
    /// Sorts what is put together, so that each part has to be short, and returns rows.
    #[cfg(feature = "postgres")]
    Rows,
}

impl Search {
    /// Builds the statements; `None` if the caller cannot see any such record. `dates` says how
    /// many records the range of dates leaves, where [`Search::probe`] has found out.
    pub(crate) fn new(query: &TermQuery, manner: Manner, dates: Dates) -> Option<Self> {
        let visible = Visible::of(query)?;
        let by_term = query.conditions.iter().any(|each| matches!(each, Condition::Term(_)));
        let driven =
            by_term || query.conditions.iter().any(|each| matches!(each, Condition::Identifier(_)));
        let mut branches =
            if driven { Vec::new() } else { branches(query, &visible, dates, manner) };
        let apart = !branches.is_empty() && branches.len() <= BRANCHES;
        if !apart {
            branches = vec![Branch::filtered(visible.anywhere())];
        }
        let orders: Vec<Ordered> = branches.iter().map(|branch| branch.order).collect();
        let selects: Vec<SelectStatement> =
            branches.into_iter().map(|branch| matching(&query.conditions, branch)).collect();
        // What is only counted is not looked at.
        let places: Vec<_> = selects.iter().cloned().map(only_places).collect();
        let mut some = match manner {
            #[cfg(feature = "postgres")]
            Manner::Rows if apart => together(no_longer_than_is_counted(places, &orders))?,
            _ => together(places)?,
        };
        some.limit(COUNTED.saturating_add(1));
        let enough = query.maximum.map(|maximum| maximum.saturating_add(query.offset));
        let mut found = page_of(selects, enough, &orders, manner)?;
        let count = Query::select()
            .expr(Func::count(Expr::col(RecordTable::Seq)))
            .from_subquery(some, Alias::new("found"))
            .to_owned();
        if by_term {
            found.order_by((TermTable::Table, TermTable::Seq), Order::Desc);
        } else {
            found.order_by(RecordTable::Seq, Order::Desc);
        }
        if query.maximum.is_some() || query.offset > 0 {
            found
                .limit(signed(query.maximum.unwrap_or(u64::MAX)).unsigned_abs())
                .offset(signed(query.offset).unsigned_abs());
        }
        match manner {
            #[cfg(feature = "sqlite")]
            Manner::Joined if !driven => Some(Self {
                page: in_one_row(found),
                joined: true,
                count,
                #[cfg(feature = "postgres")]
                lasts: true,
            }),
            #[cfg(feature = "sqlite")]
            Manner::Joined => Some(Self {
                page: only_identifiers(found),
                joined: false,
                count,
                #[cfg(feature = "postgres")]
                lasts: true,
            }),
            #[cfg(feature = "postgres")]
            Manner::Rows => Some(Self {
                page: found,
                #[cfg(feature = "sqlite")]
                joined: false,
                count,
                lasts: driven || apart,
            }),
        }
    }

    /// Counts the caller's records in the range of dates, up to [`COUNTED`], if that decides by what
    /// to search.
    pub(crate) fn probe(query: &TermQuery) -> Option<SelectStatement> {
        let mut range = None;
        let mut other = false;
        for condition in &query.conditions {
            match condition {
                Condition::InitialDate(..) => range = Some(condition),
                Condition::State { .. }
                | Condition::StoredState(_)
                | Condition::Due(_)
                | Condition::Algorithm(_) => other = true,
                Condition::Term(_) | Condition::Identifier(_) => return None,
                _ => {}
            }
        }
        let range = on_columns(range.filter(|_| other)?)?;
        let mut some = Query::select();
        some.column(RecordTable::Seq)
            .from(RecordTable::Table)
            .and_where(column(RecordTable::Owner).eq(query.visible.user.as_str()))
            .cond_where(range)
            .limit(COUNTED.saturating_add(1));
        let count = Query::select()
            .expr(Func::count(Expr::col(RecordTable::Seq)))
            .from_subquery(some, Alias::new("found"))
            .to_owned();
        Some(count)
    }
}

/// Says how many there are in all if the page, which has `found`, is where they end.
pub(crate) fn total_of_last_page(query: &TermQuery, found: usize) -> Option<u64> {
    let found = u64::try_from(found).unwrap_or(u64::MAX);
    let ends_here =
        query.maximum.is_none_or(|maximum| found < maximum) && (found > 0 || query.offset == 0);
    ends_here.then(|| query.offset.saturating_add(found))
}

/// Says whether the page, which has `found`, shows that there are more than are counted.
#[cfg(feature = "sqlite")]
pub(crate) fn is_beyond_counting(query: &TermQuery, found: usize) -> bool {
    let found = u64::try_from(found).unwrap_or(u64::MAX);
    found > 0 && query.offset.saturating_add(found) > COUNTED
}

/// Says how many there are in all if so many were counted after the page, which has `found`, was
/// read: something may have been written in between, and what was returned exists all the same.
/// `None` if they are more than are counted.
pub(crate) fn total_of_page(query: &TermQuery, found: usize, counted: u64) -> Option<u64> {
    let found = u64::try_from(found).unwrap_or(u64::MAX);
    let seen = if found > 0 { query.offset.saturating_add(found) } else { 0 };
    (counted <= COUNTED).then(|| Ord::max(counted, seen))
}

/// Puts selects together of which no more than `enough` are wanted.
pub(crate) fn page_of(
    selects: Vec<SelectStatement>,
    enough: Option<u64>,
    orders: &[Ordered],
    manner: Manner,
) -> Option<SelectStatement> {
    match manner {
        // It stops where the page ends.
        #[cfg(feature = "sqlite")]
        Manner::Joined => together(selects),
        #[cfg(feature = "postgres")]
        Manner::Rows => together(no_longer_than_the_page(selects, enough, orders)),
    }
}

/// Puts selects together; no record is in two of them.
pub(crate) fn together(selects: Vec<SelectStatement>) -> Option<SelectStatement> {
    selects.into_iter().reduce(|mut all, select| {
        all.union(UnionType::All, select);
        all
    })
}

/// Cuts each of several selects after what could still be on the page.
#[cfg(feature = "postgres")]
fn no_longer_than_the_page(
    selects: Vec<SelectStatement>,
    enough: Option<u64>,
    orders: &[Ordered],
) -> Vec<SelectStatement> {
    let is_in_order = *orders == [Ordered::Newest];
    let Some(enough) = enough.filter(|_| !is_in_order) else {
        return selects;
    };
    let shown = |mut select: SelectStatement| {
        select.column(RecordTable::Seq).column(RecordTable::Identifier).to_owned()
    };
    let cut = |(select, order): (SelectStatement, &Ordered)| match order {
        Ordered::Newest | Ordered::InState => shown(cut_after(select, enough, *order)),
        // All of them are found first, by the index that has them, then sorted.
        Ordered::Dated(_) => {
            let mut dated = shown(cut_after(select, u64::MAX, *order));
            dated.order_by(RecordTable::Seq, Order::Desc).limit(signed(enough).unsigned_abs());
            shown(Query::select().from_subquery(dated, Alias::new("dated")).to_owned())
        }
    };
    selects.into_iter().zip(orders).map(cut).collect()
}

/// Cuts each select after what is counted.
#[cfg(feature = "postgres")]
fn no_longer_than_is_counted(
    selects: Vec<SelectStatement>,
    orders: &[Ordered],
) -> Vec<SelectStatement> {
    let cut = |(select, order): (SelectStatement, &Ordered)| {
        let enough = COUNTED.saturating_add(1);
        cut_after(select, enough, *order).column(RecordTable::Seq).to_owned()
    };
    selects.into_iter().zip(orders).map(cut).collect()
}

/// Cuts a select in the order of its index, so that the database takes that one.
#[cfg(feature = "postgres")]
fn cut_after(mut select: SelectStatement, enough: u64, order: Ordered) -> SelectStatement {
    match order {
        Ordered::Newest => select.order_by_expr(column(RecordTable::Seq), Order::Desc),
        Ordered::InState => select
            .order_by_expr(column(RecordTable::State), Order::Desc)
            .order_by_expr(column(RecordTable::Seq), Order::Desc),
        Ordered::Dated(date) => select.order_by_expr(column(date), Order::Desc),
    };
    select.limit(signed(enough).unsigned_abs());
    Query::select().from_subquery(select, Alias::new("part")).to_owned()
}

/// Leaves the places of a page away.
#[cfg(feature = "sqlite")]
fn only_identifiers(mut page: SelectStatement) -> SelectStatement {
    page.clear_selects().column((RecordTable::Table, RecordTable::Identifier)).to_owned()
}

/// Leaves the identifiers away.
pub(crate) fn only_places(mut select: SelectStatement) -> SelectStatement {
    select.clear_selects().column((RecordTable::Table, RecordTable::Seq)).to_owned()
}

/// Joins the rows of a page. Lengths are told, so that any text may be an identifier.
#[cfg(feature = "sqlite")]
fn in_one_row(page: SelectStatement) -> SelectStatement {
    Query::select()
        .expr(Expr::cust("group_concat(\"identifier\", '')"))
        .expr(Expr::cust("group_concat(octet_length(\"identifier\"), ',')"))
        .from_subquery(page, Alias::new("page"))
        .to_owned()
}

/// Takes apart what [`Search::page`] returns; `None` if it does not fit together.
#[cfg(feature = "sqlite")]
pub(crate) fn taken_apart(joined: &str, lengths: &str) -> Option<Vec<UniqueIdentifier>> {
    let mut rest = joined;
    let identifiers = lengths.split(',').map(|length| {
        let (identifier, after) = rest.split_at_checked(length.parse().ok()?)?;
        rest = after;
        Some(UniqueIdentifier::new(identifier))
    });
    let identifiers = identifiers.collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(identifiers)
}

/// Selects place and identifier of what matches and is in a branch.
pub(crate) fn matching(conditions: &[Condition], branch: Branch) -> SelectStatement {
    let mut select = Query::select();
    select.columns([
        (RecordTable::Table, RecordTable::Seq),
        (RecordTable::Table, RecordTable::Identifier),
    ]);
    let mut terms = conditions.iter().filter_map(|condition| match condition {
        Condition::Term(term) => Some(term),
        _ => None,
    });
    if let Some(term) = terms.next() {
        select
            .from(TermTable::Table)
            .cross_join(RecordTable::Table)
            .and_where(same_record())
            .and_where(Expr::col((TermTable::Table, TermTable::Attribute)).eq(term.attribute))
            .and_where(Expr::col((TermTable::Table, TermTable::Value)).eq(term.value.clone()));
    } else {
        select.from(RecordTable::Table);
    }
    for term in terms {
        select.and_where(has_term(term));
    }
    for condition in conditions {
        let here = match condition {
            Condition::State { .. } | Condition::StoredState(_) | Condition::Due(_)
                if branch.has_state =>
            {
                None
            }
            Condition::Destroyed(destroyed) if branch.order != Ordered::Newest => {
                Some(looked_at(*destroyed))
            }
            Condition::InitialDate(first, last) if branch.has_state => {
                let shown = column(RecordTable::InitialDate).add(0);
                Some(Cond::all().add(shown.clone().gte(first.0)).add(shown.lte(last.0)))
            }
            condition => on_columns(condition),
        };
        if let Some(here) = here {
            select.cond_where(here);
        }
    }
    select.cond_where(branch.condition);
    select
}

/// Says whether a record is destroyed, in a way that does not choose an index.
fn looked_at(destroyed: bool) -> Cond {
    let text = if destroyed { "TRUE" } else { "FALSE" };
    Cond::all().add(Expr::cust(format!("(\"destroyed\" = {text}) IS TRUE")))
}

pub(crate) fn column(column: RecordTable) -> Expr {
    Expr::col((RecordTable::Table, column))
}

/// Says that a record has a term besides the one that it is looked up by.
fn has_term(term: &Term) -> Expr {
    let also = Alias::new("also").into_iden();
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from_as(TermTable::Table, also.clone())
        .and_where(
            Expr::col((also.clone(), TermTable::Seq))
                .equals((RecordTable::Table, RecordTable::Seq)),
        )
        .and_where(Expr::col((also.clone(), TermTable::Attribute)).eq(term.attribute))
        .and_where(Expr::col((also, TermTable::Value)).eq(term.value.clone()));
    Expr::exists(select)
}

/// Translates a condition on columns; terms are none.
fn on_columns(condition: &Condition) -> Option<Cond> {
    let condition = match condition {
        Condition::Identifier(identifier) => {
            Cond::all().add(column(RecordTable::Identifier).eq(identifier.as_str()))
        }
        Condition::Owner(owner) => Cond::all().add(column(RecordTable::Owner).eq(owner.as_str())),
        Condition::ObjectType(object_type) => {
            Cond::all().add(column(RecordTable::ObjectType).eq(*object_type))
        }
        Condition::State { state, now } => Cond::any()
            .add(column(RecordTable::State).eq(*state))
            .add(column(RecordTable::NextChangeAt).lte(now.0)),
        Condition::StoredState(state) => Cond::all().add(column(RecordTable::State).eq(*state)),
        Condition::Due(now) => Cond::all().add(column(RecordTable::NextChangeAt).lte(now.0)),
        Condition::Algorithm(algorithm) => {
            Cond::all().add(column(RecordTable::Algorithm).eq(*algorithm))
        }
        Condition::Length(length) => Cond::all().add(column(RecordTable::Length).eq(*length)),
        Condition::UsageMask(mask) => {
            Cond::all().add(column(RecordTable::UsageMask).bit_and(*mask).eq(*mask))
        }
        Condition::InitialDate(first, last) => Cond::all()
            .add(column(RecordTable::InitialDate).gte(first.0))
            .add(column(RecordTable::InitialDate).lte(last.0)),
        Condition::Destroyed(destroyed) => {
            Cond::all().add(column(RecordTable::Destroyed).eq(*destroyed))
        }
        Condition::Term(_) => return None,
    };
    Some(condition)
}

/// What the caller may see: the caller's own records and those of anybody, each by policy.
///
/// Types that the query does not ask for are left out.
#[derive(Debug)]
pub(crate) struct Visible<'a> {
    pub(crate) user: &'a str,
    pub(crate) own: BTreeMap<&'a str, Vec<u32>>,
    pub(crate) of_anybody: BTreeMap<&'a str, Vec<u32>>,
}

impl<'a> Visible<'a> {
    /// Lists what may be seen; `None` if that is nothing.
    fn of(query: &'a TermQuery) -> Option<Self> {
        let asked = |object_type: ObjectType| {
            query.conditions.iter().all(|condition| match condition {
                Condition::ObjectType(wanted) => object_type.0 == *wanted,
                _ => true,
            })
        };
        let listed = |list: &'a [(String, ObjectType)]| {
            let mut policies: BTreeMap<&'a str, Vec<u32>> = BTreeMap::new();
            for (policy, object_type) in list.iter().filter(|(_, object_type)| asked(*object_type))
            {
                policies.entry(policy).or_default().push(object_type.0);
            }
            policies
        };
        let (mut own, of_anybody) = (listed(&query.visible.own), listed(&query.visible.of_anybody));
        // What everybody may see needs no owner; nothing is to be found twice.
        for (policy, types) in &mut own {
            let open = of_anybody.get(policy).map(Vec::as_slice).unwrap_or_default();
            types.retain(|object_type| !open.contains(object_type));
        }
        own.retain(|_, types| !types.is_empty());
        let something = !own.is_empty() || !of_anybody.is_empty();
        something.then_some(Self { user: &query.visible.user, own, of_anybody })
    }

    fn is_own(&self) -> Cond {
        Cond::all().add(column(RecordTable::Owner).eq(self.user)).add(of_policies(&self.own))
    }

    /// Says it in one condition, for records that are found by something else.
    fn anywhere(&self) -> Cond {
        let mut any = Cond::any();
        if !self.own.is_empty() {
            any = any.add(self.is_own());
        }
        if !self.of_anybody.is_empty() {
            any = any.add(of_policies(&self.of_anybody));
        }
        any
    }
}

pub(crate) fn of_policies(policies: &BTreeMap<&str, Vec<u32>>) -> Cond {
    policies.iter().fold(Cond::any(), |any, (policy, types)| {
        any.add(
            Cond::all()
                .add(column(RecordTable::Policy).eq(*policy))
                .add(column(RecordTable::ObjectType).is_in(types.iter().copied())),
        )
    })
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn joined_identifiers_are_taken_apart() {
        let ids = |texts: &[&str]| Some(texts.iter().copied().map(UniqueIdentifier::new).collect());
        assert_eq!(taken_apart("a,bé", "2,3"), ids(&["a,", "bé"]));
        assert_eq!(taken_apart("", "0"), ids(&[""]));
        for (joined, lengths) in [("ab", "1"), ("ab", "3"), ("é", "1,1"), ("ab", ""), ("ab", "x")]
        {
            assert_eq!(taken_apart(joined, lengths), None, "{joined} {lengths}");
        }
    }
}
