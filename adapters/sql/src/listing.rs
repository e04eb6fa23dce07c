//! Turns an operator's list into SQL: records of whomever, newest first, and how many there are.

use kmip_model::UniqueIdentifier;
use kmip_ports::{
    record::Condition,
    store::{Page, StoreError},
};
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use crate::{
    branches::{Branch, Ordered},
    row::{self, Cells, first_number, unavailable},
    schema::{RecordTable, TermTable},
    search::{Manner, column, matching, only_places, page_of, together},
    statement::signed,
};

/// Where identifiers are in the rows of a page; places come first.
const IDENTIFIER: usize = 1;

/// Lists what meets the conditions, with as many calls of `read` as it takes.
pub(crate) async fn list<R, F>(
    conditions: &[Condition],
    maximum: Option<u64>,
    manner: Manner,
    read: impl Fn(SelectStatement) -> F + Send,
) -> Result<Page<UniqueIdentifier>, StoreError>
where
    R: Cells + Send,
    F: Future<Output = Result<Vec<R>, StoreError>> + Send,
{
    let Some(listing) = Listing::new(conditions, maximum, manner) else {
        return Ok(Page::default());
    };
    let rows = read(listing.page).await?;
    let items: Result<Vec<_>, _> =
        rows.iter().map(|row| row::identifier(row, IDENTIFIER)).collect();
    let items = items.map_err(unavailable)?;
    let found = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if maximum.is_none_or(|maximum| found < maximum) {
        return Ok(Page { items, total: Some(found) });
    }
    let counted = read(listing.count).await?;
    let counted = first_number(&counted).map_err(unavailable)?.unsigned_abs();
    // What is on the page may have been removed before the count.
    Ok(Page { items, total: Some(Ord::max(counted, found)) })
}

/// The statements of a list.
#[derive(Debug)]
struct Listing {
    /// The places and identifiers of the page, newest first.
    page: SelectStatement,
    /// How many there are in all, however many that is.
    count: SelectStatement,
}

impl Listing {
    /// Builds the statements.
    fn new(conditions: &[Condition], maximum: Option<u64>, manner: Manner) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// A row of a page, or the one of a count.
    enum Row {
        Place(&'static str),
        Count(i64),
    }

    impl Cells for Row {
        fn number_if_any(&self, _: usize) -> Result<Option<i64>, sqlx::Error> {
            match self {
                Self::Count(count) => Ok(Some(*count)),
                Self::Place(_) => Err(sqlx::Error::RowNotFound),
            }
        }

        fn bytes_if_any(&self, _: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
            Err(sqlx::Error::RowNotFound)
        }

        fn text_if_any(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
            match self {
                Self::Place(identifier) if index == IDENTIFIER => {
                    Ok(Some((*identifier).to_owned()))
                }
                _ => Err(sqlx::Error::ColumnIndexOutOfBounds { index, len: 2 }),
            }
        }

        fn flag(&self, _: usize) -> Result<bool, sqlx::Error> {
            Err(sqlx::Error::RowNotFound)
        }
    }

    /// Lists two that are there; says how often the database was asked.
    async fn listed(maximum: Option<u64>, counted: i64) -> (Page<UniqueIdentifier>, usize) {
        #[cfg(feature = "sqlite")]
        let manner = Manner::Joined;
        #[cfg(not(feature = "sqlite"))]
        let manner = Manner::Rows;
        let calls = AtomicUsize::new(0);
        let read = |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => ready(Ok(vec![Row::Place("b"), Row::Place("a")])),
            _ => ready(Ok(vec![Row::Count(counted)])),
        };
        let page = list(&[], maximum, manner, read).await.expect("every row can be read");
        (page, calls.into_inner())
    }

    #[tokio::test]
    async fn only_a_full_page_is_counted() {
        let items = vec![UniqueIdentifier::new("b"), UniqueIdentifier::new("a")];
        for (maximum, counted, total, calls) in
            [(None, 9, 2, 1), (Some(3), 9, 2, 1), (Some(2), 9, 9, 2), (Some(2), 1, 2, 2)]
        {
            let expected = Page { items: items.clone(), total: Some(total) };
            assert_eq!(listed(maximum, counted).await, (expected, calls), "{maximum:?}");
        }
    }
}
