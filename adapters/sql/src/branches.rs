//! Takes a search apart into selects each of which has an index: one that gives its records in the
//! order of the answer, or one that leaves few. So a page costs what is on it and a count what is
//! counted, however many records there are.
//!
//! Whose records they are comes first in every index: the caller's own, or those of one policy and
//! type that everybody may see. No record is in two branches.

use std::collections::BTreeMap;

use kmip_model::{
    DateTime,
    enumeration::{Enumeration as _, ObjectType, State},
};
use kmip_ports::record::{Condition, TermQuery};
use sea_query::{Cond, Expr, ExprTrait};

use crate::{
    schema::RecordTable,
    search::{BRANCHES, COUNTED, Manner, Visible, column, of_policies},
};

/// The types that are mostly open to everybody; records of these alone are in the indexes of what
/// everybody may see.
const OPEN: [ObjectType; 3] =
    [ObjectType::Certificate, ObjectType::PublicKey, ObjectType::Template];

/// How those indexes say it; SQLite compares the text.
#[cfg(feature = "sqlite")]
const IS_OPEN: &str = "\"object_type\" IN (1, 3, 6)";

/// How many records a range of dates leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    /// So few that they are looked at one by one, or nobody knows.
    Few,
    /// So many that something else is better to search by.
    Many,
}

impl Dates {
    /// Judges by how many were counted, which stops just beyond [`COUNTED`].
    pub(crate) fn counted(records: u64) -> Self {
        if records <= COUNTED { Self::Few } else { Self::Many }
    }
}

/// One select of several.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Whose records, and what chooses the index.
    pub(crate) condition: Cond,
    /// Says whether it speaks of the state, so that nothing else needs to.
    pub(crate) has_state: bool,
    /// In which order its index has them.
    pub(crate) order: Ordered,
}

/// In which order a branch finds its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordered {
    /// In the order of the records, live and destroyed ones apart.
    Newest,
    /// By state, of which there is one, and then by place.
    InState,
    /// By a date, in this column: they are few, and are put in order when they are found.
    Dated(RecordTable),
}

/// By what a search finds.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// In order, everything looked at on the way.
    Order,
    /// By date, then put in order.
    Date,
    /// By algorithm and state, in order.
    Algorithm,
    /// By type, policy and state, in order.
    State,
}

/// A state, or what takes its place.
#[derive(Clone, Copy, Debug)]
enum Part {
    Is(u32),
    /// Objects without a state.
    Without,
    /// Whose date has come, and that are not in this state already.
    Due(Option<u32>, DateTime),
}

impl Branch {
    /// Searches by something else, or in order.
    pub(crate) fn filtered(condition: Cond) -> Self {
        Self { condition, has_state: false, order: Ordered::Newest }
    }

    fn by_date(condition: Cond) -> Self {
        Self { order: Ordered::Dated(RecordTable::InitialDate), ..Self::filtered(condition) }
    }
}

/// Takes a search apart. Where that would be too many parts, each is searched in order.
pub(crate) fn branches(
    query: &TermQuery,
    visible: &Visible<'_>,
    dates: Dates,
    manner: Manner,
) -> Vec<Branch> {
    let found = along(way(query, dates), query, visible, manner);
    if found.len() <= BRANCHES {
        return found;
    }
    along((Way::Order, Vec::new()), query, visible, manner)
}

fn along(
    (way, parts): (Way, Vec<Part>),
    query: &TermQuery,
    visible: &Visible<'_>,
    manner: Manner,
) -> Vec<Branch> {
    let mut branches = Vec::new();
    if !visible.own.is_empty() {
        let owner = || Cond::all().add(column(RecordTable::Owner).eq(visible.user));
        let all = || owner().add(looked_up(of_policies(&visible.own), manner));
        match way {
            Way::Order => branches.extend(in_order(query, all)),
            Way::Date => branches.push(Branch::by_date(all())),
            Way::Algorithm => branches.extend(in_parts(&parts, manner, all)),
            Way::State => {
                let due = parts.iter().filter(|part| matches!(part, Part::Due(..))).copied();
                branches.extend(in_parts(&due.collect::<Vec<_>>(), manner, all));
                let is = parts.iter().filter(|part| !matches!(part, Part::Due(..))).copied();
                let is: Vec<Part> = is.collect();
                for (policy, object_type) in pairs(&visible.own) {
                    let whose = || owner().add(pair(policy, object_type));
                    branches.extend(in_parts(&is, manner, whose));
                }
            }
        }
    }
    for (policy, object_type) in pairs(&visible.of_anybody) {
        let is_open = OPEN.contains(&ObjectType(object_type));
        let open = || open_pair(policy, object_type, manner);
        match way {
            Way::Date if is_open => {
                branches.push(Branch::by_date(open()));
            }
            Way::Algorithm | Way::State if is_open => {
                branches.extend(in_parts(&parts, manner, open));
            }
            _ => branches.extend(in_order(query, || pair(policy, object_type))),
        }
    }
    branches
}

/// Chooses by what to find, and the states that have to be gone through.
fn way(query: &TermQuery, dates: Dates) -> (Way, Vec<Part>) {
    let mut states: Vec<Vec<Part>> = Vec::new();
    let (mut by_date, mut by_algorithm, mut by_type) = (false, false, false);
    for condition in &query.conditions {
        match condition {
            Condition::State { state, now } => {
                states.push(vec![Part::Is(*state), Part::Due(Some(*state), *now)]);
            }
            Condition::StoredState(state) => states.push(vec![Part::Is(*state)]),
            Condition::Due(now) => states.push(vec![Part::Due(None, *now)]),
            Condition::InitialDate(..) => by_date = dates == Dates::Few,
            Condition::Algorithm(_) => by_algorithm = true,
            Condition::ObjectType(_) => by_type = true,
            _ => {}
        }
    }
    let parts = match states.as_slice() {
        [parts] => parts.clone(),
        [] => {
            let all = State::MEMBERS.iter().map(|member| Part::Is(member.value));
            all.chain([Part::Without]).collect()
        }
        // Two states at a time are asked for by nobody; what is due may be in both.
        _ => return (if by_date { Way::Date } else { Way::Order }, Vec::new()),
    };
    let way = if by_date {
        Way::Date
    } else if by_algorithm {
        Way::Algorithm
    } else if by_type || !states.is_empty() {
        Way::State
    } else {
        Way::Order
    };
    (way, parts)
}

/// Makes a branch, or two if live and destroyed records are wanted, which indexes have apart.
fn in_order(query: &TermQuery, whose: impl Fn() -> Cond) -> Vec<Branch> {
    if query.conditions.iter().any(|each| matches!(each, Condition::Destroyed(_))) {
        return vec![Branch::filtered(whose())];
    }
    let part = |destroyed: bool| whose().add(column(RecordTable::Destroyed).eq(destroyed));
    [false, true].map(part).map(Branch::filtered).into()
}

/// Makes a branch for each part.
fn in_parts(parts: &[Part], manner: Manner, whose: impl Fn() -> Cond) -> Vec<Branch> {
    let branch = |part: &Part| {
        let now_in = column(RecordTable::State);
        let (condition, order) = match *part {
            Part::Is(state) => (whose().add(is_state(state, manner)), Ordered::InState),
            Part::Without => (whose().add(now_in.is_null()), Ordered::InState),
            Part::Due(state, now) => {
                let other = state.map(|state| now_in.clone().ne(state).or(now_in.is_null()));
                let come = column(RecordTable::NextChangeAt).lte(now.0);
                (whose().add(come).add_option(other), Ordered::Dated(RecordTable::NextChangeAt))
            }
        };
        Branch { condition, has_state: true, order }
    };
    parts.iter().map(branch).collect()
}

/// Says that a record is in a state.
fn is_state(state: u32, manner: Manner) -> Cond {
    let here = column(RecordTable::State);
    match manner {
        #[cfg(feature = "sqlite")]
        Manner::Joined => Cond::all().add(here.eq(state)),
        // Of a range PostgreSQL does not know that all in it have one state. So it has to find them
        // in the order of state and place, and no other index is in that order.
        #[cfg(feature = "postgres")]
        Manner::Rows => Cond::all().add(here.clone().gte(state)).add(here.lte(state)),
    }
}

/// Says what a caller's own records must be besides: PostgreSQL is not to choose an index by it, since
/// for one policy and one type there is another than the one that the branch is for.
fn looked_up(policies: Cond, manner: Manner) -> Cond {
    match manner {
        #[cfg(feature = "sqlite")]
        Manner::Joined => policies,
        #[cfg(feature = "postgres")]
        Manner::Rows => Cond::all().add(Expr::cust_with_expr("($1) IS TRUE", policies)),
    }
}

/// Says that a record is of a policy and of a type that is in the indexes of open ones, so that the
/// database knows it without the value that is bound.
fn open_pair(policy: &str, object_type: u32, manner: Manner) -> Cond {
    match manner {
        #[cfg(feature = "sqlite")]
        Manner::Joined => pair(policy, object_type).add(Expr::cust(IS_OPEN)),
        // It takes what is said twice for rarer than it is.
        #[cfg(feature = "postgres")]
        Manner::Rows => Cond::all()
            .add(column(RecordTable::Policy).eq(policy))
            .add(Expr::cust(format!("\"object_type\" = {object_type}"))),
    }
}

fn pair(policy: &str, object_type: u32) -> Cond {
    Cond::all()
        .add(column(RecordTable::Policy).eq(policy))
        .add(column(RecordTable::ObjectType).eq(object_type))
}

fn pairs<'a>(policies: &'a BTreeMap<&str, Vec<u32>>) -> impl Iterator<Item = (&'a str, u32)> {
    policies.iter().flat_map(|(policy, types)| types.iter().map(|each| (*policy, *each)))
}
