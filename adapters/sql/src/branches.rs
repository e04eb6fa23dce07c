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
    search::{COUNTED, Visible, column, of_policies},
};

/// The types that are mostly open to everybody; records of these alone are in the indexes of what
/// everybody may see.
const OPEN: [ObjectType; 3] =
    [ObjectType::Certificate, ObjectType::PublicKey, ObjectType::Template];

/// How those indexes say it; a database compares the text.
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
    /// Says whether it is searched in the order of the records, live and destroyed ones apart.
    pub(crate) in_order: bool,
    /// Says whether it leaves few records, which are put in order when they are found.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite sorts what it must"))]
    pub(crate) few: bool,
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
    Due(u32, DateTime),
}

impl Branch {
    /// Searches by something else, or in order.
    pub(crate) fn filtered(condition: Cond) -> Self {
        Self { condition, has_state: false, in_order: true, few: false }
    }

    fn by_date(condition: Cond) -> Self {
        Self { in_order: false, few: true, ..Self::filtered(condition) }
    }
}

/// Takes a search apart. SQLite has to be told that a type that it is bound to is an open one;
/// PostgreSQL sees it, and takes what is said twice for rarer than it is.
pub(crate) fn branches(
    query: &TermQuery,
    visible: &Visible<'_>,
    dates: Dates,
    tell_open: bool,
) -> Vec<Branch> {
    let (way, parts) = way(query, dates);
    let mut branches = Vec::new();
    if !visible.own.is_empty() {
        let owner = || Cond::all().add(column(RecordTable::Owner).eq(visible.user));
        let all = || owner().add(of_policies(&visible.own));
        match way {
            Way::Order => branches.push(Branch::filtered(all())),
            Way::Date => branches.push(Branch::by_date(all())),
            Way::Algorithm => branches.extend(in_parts(&parts, all)),
            Way::State => {
                let due = parts.iter().filter(|part| matches!(part, Part::Due(..))).copied();
                branches.extend(in_parts(&due.collect::<Vec<_>>(), all));
                let is = parts.iter().filter(|part| !matches!(part, Part::Due(..))).copied();
                let is: Vec<Part> = is.collect();
                for (policy, object_type) in pairs(&visible.own) {
                    branches.extend(in_parts(&is, || owner().add(pair(policy, object_type))));
                }
            }
        }
    }
    for (policy, object_type) in pairs(&visible.of_anybody) {
        let is_open = OPEN.contains(&ObjectType(object_type));
        let told = || tell_open.then(|| Expr::cust(IS_OPEN));
        let open = || pair(policy, object_type).add_option(told());
        match way {
            Way::Date if is_open => {
                branches.push(Branch::by_date(open()));
            }
            Way::Algorithm | Way::State if is_open => branches.extend(in_parts(&parts, open)),
            _ => branches.push(Branch::filtered(pair(policy, object_type))),
        }
    }
    branches
}

/// Chooses by what to find, and the states that have to be gone through.
fn way(query: &TermQuery, dates: Dates) -> (Way, Vec<Part>) {
    let mut states = Vec::new();
    let (mut by_date, mut by_algorithm, mut by_type) = (false, false, false);
    for condition in &query.conditions {
        match condition {
            Condition::State { state, now } => states.push((*state, *now)),
            Condition::InitialDate(..) => by_date = dates == Dates::Few,
            Condition::Algorithm(_) => by_algorithm = true,
            Condition::ObjectType(_) => by_type = true,
            _ => {}
        }
    }
    let parts = match states.as_slice() {
        [(state, now)] => vec![Part::Is(*state), Part::Due(*state, *now)],
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

/// Makes a branch for each part.
fn in_parts(parts: &[Part], whose: impl Fn() -> Cond) -> Vec<Branch> {
    let branch = |part: &Part| {
        let condition = match *part {
            Part::Is(state) => whose().add(column(RecordTable::State).eq(state)),
            Part::Without => whose().add(column(RecordTable::State).is_null()),
            Part::Due(state, now) => {
                let other = column(RecordTable::State);
                whose()
                    .add(column(RecordTable::NextChangeAt).lte(now.0))
                    .add(other.clone().ne(state).or(other.is_null()))
            }
        };
        let few = matches!(part, Part::Due(..));
        Branch { condition, has_state: true, in_order: false, few }
    };
    parts.iter().map(branch).collect()
}

fn pair(policy: &str, object_type: u32) -> Cond {
    Cond::all()
        .add(column(RecordTable::Policy).eq(policy))
        .add(column(RecordTable::ObjectType).eq(object_type))
}

fn pairs<'a>(policies: &'a BTreeMap<&str, Vec<u32>>) -> impl Iterator<Item = (&'a str, u32)> {
    policies.iter().flat_map(|(policy, types)| types.iter().map(|each| (*policy, *each)))
}
