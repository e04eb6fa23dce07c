//! Objects for operators: listed, shown, given to somebody else. Never their material.

use std::collections::BTreeMap;

use kmip_model::{
    UniqueIdentifier,
    enumeration::{ObjectType, State},
};
use kmip_operations::admin::{Facts, Kept, Listing, Operator, Row};
use kmip_ports::{inventory::Selection, store::StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Place, count,
    verb::{Finding, Teller},
};
use crate::{
    client::{object_in_words, printable},
    report::Report,
};

/// Which objects are listed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// Who owns them.
    pub(super) owner: Option<String>,
    /// State.
    pub(super) state: Option<u32>,
    /// Object Type.
    pub(super) object_type: Option<u32>,
    /// Name.
    pub(super) name: Option<String>,
    /// How many at most.
    pub(super) limit: Option<u64>,
    /// In JSON.
    pub(super) json: bool,
}

/// Which objects are given to whom.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetOwner {
    /// These objects.
    pub(super) identifiers: Vec<String>,
    /// Or all of this owner's.
    pub(super) all_of: Option<String>,
    /// Who owns them from now on.
    pub(super) to: String,
}

/// Runs something as an operator on the store of a place.
macro_rules! operator {
    ($place:expr, $user:expr) => {
        Operator {
            store: &*$place.store,
            inventory: &*$place.store,
            trail: &$place.store.durable_trail(),
            now: $place.now(),
            user: $user.to_owned(),
            names_unique: $place.names_unique,
        }
    };
}

/// Tells a table, or a line of JSON for each object.
pub(super) async fn list(
    place: &Place,
    wanted: &Wanted,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    let selection = Selection {
        owner: wanted.owner.clone(),
        object_type: wanted.object_type.map(ObjectType),
        state: wanted.state.map(State),
        name: wanted.name.clone(),
    };
    let listing = operator!(place, user).list(&selection, wanted.limit).await?;
    let damaged = listing.rows.iter().any(|row| row.facts.is_none());
    let lines =
        if wanted.json { listing.rows.iter().map(json_line).collect() } else { table(&listing) };
    for line in lines {
        teller.line(line).await?;
    }
    Ok(if damaged { Finding::Damage } else { Finding::Sound })
}

fn json_line(row: &Row) -> String {
    let identifier = row.identifier.as_str();
    match &row.facts {
        Some(Facts { object_type, state, owner, names, initial_date }) => json!({
            "UniqueIdentifier": identifier,
            "ObjectType": object_type.to_string(),
            "State": state.map(|state| state.to_string()),
            "Owner": owner,
            "Names": names,
            "InitialDate": initial_date.map(|date| date.to_string()),
        }),
        None => json!({"UniqueIdentifier": identifier, "Damaged": true}),
    }
    .to_string()
}

fn table(listing: &Listing) -> Vec<String> {
    let cells = |row: &Row| -> [String; 5] {
        let identifier = printable(row.identifier.as_str());
        let dash = || "-".to_owned();
        let Some(facts) = &row.facts else {
            return [identifier, "(damaged)".to_owned(), dash(), dash(), String::new()];
        };
        [
            identifier,
            facts.object_type.to_string(),
            facts.state.map_or_else(dash, |state| state.to_string()),
            printable(&facts.owner),
            printable(&facts.names.join(", ")),
        ]
    };
    let head = ["UniqueIdentifier", "ObjectType", "State", "Owner", "Names"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(listing.rows.iter().map(cells));
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    let shown = u64::try_from(listing.rows.len()).unwrap_or(u64::MAX);
    let total = count(listing.total, "object", "objects");
    lines.push(if shown < listing.total {
        format!("the newest {shown} of {total}; --limit shows more")
    } else {
        total
    });
    lines
}

/// Tells the attributes of one object.
pub(super) async fn show(
    place: &Place,
    identifier: &str,
    json: bool,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    let identifier = UniqueIdentifier::new(identifier);
    let shown = operator!(place, user).show(&identifier).await;
    let object = shown.map_err(|error| match error {
        StoreError::Corrupt(_) => {
            Report::new(format!("the record of {identifier} is damaged; kmip-app verify says more"))
        }
        other => other.into(),
    })?;
    let Some(object) = object else {
        return Err(Report::new(format!("there is no object {identifier}")));
    };
    let text = object_in_words(&object, json);
    for line in text.lines() {
        teller.line(line).await?;
    }
    Ok(Finding::Sound)
}

/// Gives objects to somebody else, and tells which were not given.
pub(super) async fn set_owner(
    place: &Place,
    change: &SetOwner,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    let SetOwner { identifiers, all_of, to } = change;
    if to.is_empty() {
        return Err(Report::new("the new owner has no name"));
    }
    let operator = operator!(place, user);
    let identifiers: Vec<UniqueIdentifier> = match all_of {
        Some(owner) => operator.owned(owner).await?,
        None => identifiers.iter().map(String::as_str).map(UniqueIdentifier::new).collect(),
    };
    let total = u64::try_from(identifiers.len()).unwrap_or(u64::MAX);
    let mut progress = |done| teller.progress("giving", done, Some(total));
    let handover = operator.set_owner(&identifiers, all_of.as_deref(), to, &mut progress).await?;
    let mut owners: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, owner) in &handover.given {
        let number = owners.entry(owner).or_default();
        *number = number.saturating_add(1);
    }
    for (owner, number) in &owners {
        let objects = count(*number, "object", "objects");
        let words = format!("{objects} of {:?} given to {:?}", *owner, to);
        teller.line(words).await?;
    }
    if owners.is_empty() {
        teller.line(format!("nothing given to {to:?}")).await?;
    }
    let mut finding = Finding::Sound;
    for (identifier, kept) in &handover.kept {
        let reason = match kept {
            Kept::AlreadyTheirs => "it is theirs already".to_owned(),
            Kept::NotFound => "there is no such object".to_owned(),
            Kept::AnotherOwner(owner) => format!("{owner:?} owns it"),
            Kept::NameTaken(name) => format!("{to:?} has another object named {name:?}"),
            Kept::Damaged => "its record is damaged; kmip-app verify says more".to_owned(),
            Kept::Busy => "clients change it all the time; try again".to_owned(),
        };
        if *kept != Kept::AlreadyTheirs {
            finding = Finding::Damage;
        }
        teller.line(format!("not given: {}: {reason}", printable(identifier.as_str()))).await?;
    }
    Ok(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let facts = Facts {
            object_type: ObjectType::SymmetricKey,
            state: Some(State::Active),
            owner: "alice\u{1b}".to_owned(),
            names: vec!["a".to_owned(), "b".to_owned()],
            initial_date: None,
        };
        Listing {
            rows: vec![
                Row { identifier: UniqueIdentifier::new("1"), facts: Some(facts) },
                Row { identifier: UniqueIdentifier::new("2"), facts: None },
            ],
            total: 5,
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_object_and_says_how_many_there_are() {
        assert_eq!(
            table(&listing()),
            [
                "UniqueIdentifier  ObjectType    State   Owner        Names",
                "1                 SymmetricKey  Active  alice\\u{1b}  a, b",
                "2                 (damaged)     -       -",
                "the newest 2 of 5 objects; --limit shows more",
            ]
        );
    }

    #[test]
    fn a_line_of_json_has_the_same_and_the_date() {
        let lines: Vec<serde_json::Value> = listing()
            .rows
            .iter()
            .map(|row| serde_json::from_str(&json_line(row)).unwrap())
            .collect();
        assert_eq!(lines[0]["Names"], json!(["a", "b"]));
        assert_eq!(lines[0]["State"], "Active");
        assert_eq!(lines[1], json!({"UniqueIdentifier": "2", "Damaged": true}));
    }
}
