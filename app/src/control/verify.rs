//! Verification in words: what is wrong, and what to do about it.

use std::collections::BTreeMap;

use kmip_sealed::{Break, Damage, Verification};

use super::{
    Place, count,
    verb::{Finding, Teller},
};
use crate::{client::printable, report::Report};

/// Reads and checks everything.
pub(super) async fn store(place: &Place, teller: &Teller) -> Result<Finding, Report> {
    let mut progress = |done| teller.progress("verifying", done, None);
    let found = place.store.verify(&mut progress).await?;
    tell(&found, teller).await
}

/// Follows the chains of the audit trail.
pub(super) async fn trail(place: &Place, teller: &Teller) -> Result<Finding, Report> {
    let mut progress = |done| teller.progress("verifying", done, None);
    let found = place.store.verify_audit(&mut progress).await?;
    for line in chains(&found) {
        teller.line(line).await?;
    }
    teller.line(conclusion(&found)).await?;
    Ok(finding(&found))
}

/// Tells what was found.
pub(super) async fn tell(found: &Verification, teller: &Teller) -> Result<Finding, Report> {
    for line in words(found) {
        teller.line(line).await?;
    }
    Ok(finding(found))
}

/// Prints what was found.
pub(super) fn print(found: &Verification) -> Finding {
    for line in words(found) {
        println!("{line}");
    }
    finding(found)
}

fn finding(found: &Verification) -> Finding {
    if found.is_sound() { Finding::Sound } else { Finding::Damage }
}

fn words(found: &Verification) -> Vec<String> {
    let mut lines = vec![format!(
        "{} read under {}",
        count(found.records, "object", "objects"),
        count(found.keys, "data key", "data keys")
    )];
    if found.under_older_keys > 0 {
        lines.push(format!(
            "{} sealed under older data keys, which is no damage",
            count(found.under_older_keys, "object is", "objects are")
        ));
    }
    lines.extend(chains(found));
    let mut advice: BTreeMap<u8, &str> = BTreeMap::new();
    for (identifier, damage) in &found.damaged {
        let (what, order, what_to_do) = explain(damage);
        lines.push(format!("damaged: {}: {what}", printable(identifier.as_str())));
        advice.insert(order, what_to_do);
    }
    lines.extend(advice.into_values().map(|what_to_do| format!("what to do: {what_to_do}")));
    lines.push(conclusion(found));
    lines
}

fn chains(found: &Verification) -> Vec<String> {
    let mut lines = vec![format!(
        "{} of the audit trail read, with {}",
        count(found.blocks, "block", "blocks"),
        count(found.events, "event", "events")
    )];
    for (node, broken) in &found.broken {
        let what = match broken {
            Break::Block(link) => format!(
                "block {} does not follow the one before it: one was changed, removed or put in",
                link.number
            ),
            Break::Anchor => "its beginning was removed by somebody who may not".to_owned(),
            Break::Unreadable(link) => format!(
                "block {} is whole, but a later program has written it; use that one",
                link.number
            ),
        };
        lines.push(format!("broken: the chain of node {node:?}: {what}"));
    }
    if !found.broken.is_empty() {
        lines.push(
            "what to do: keep the database as it is, and compare the audit trail with the one in a \
             backup: kmip-app verify FILE"
                .to_owned(),
        );
    }
    lines
}

fn conclusion(found: &Verification) -> String {
    let damaged = u64::try_from(found.damaged.len()).unwrap_or(u64::MAX);
    let broken = u64::try_from(found.broken.len()).unwrap_or(u64::MAX);
    if found.is_sound() {
        "sound".to_owned()
    } else {
        format!(
            "not sound: {}, {} in the audit trail",
            count(damaged, "object damaged", "objects damaged"),
            count(broken, "break", "breaks")
        )
    }
}

/// Says what is wrong, and what to do about all that is wrong in this way.
fn explain(damage: &Damage) -> (String, u8, &'static str) {
    match damage {
        Damage::Seal => (
            "its record was changed, moved, or put back from an earlier day".to_owned(),
            0,
            "a record that does not open is refused to clients, and every other is served; its \
             object is in the newest backup that verifies: restore that into another directory \
             (kmip-app restore), get the object there, and register it again",
        ),
        Damage::Index => (
            "what it is found by is not what it holds".to_owned(),
            1,
            "a client that changes an object writes anew what it is found by: change any attribute \
             of it, and verify again",
        ),
        Damage::Behind { audited } => (
            format!("its record is older than revision {}, which the audit trail has", audited.0),
            2,
            "a record behind the audit trail was put back from an earlier day: look for who could \
             write to the database, and bring the object back from the newest backup",
        ),
        Damage::Ahead { audited } => (
            format!("the audit trail ends at its revision {}, and it was changed since", audited.0),
            3,
            "records ahead of the audit trail say that the end of the trail was cut off: look for \
             who could write to the database, and compare the trail with the newest backup",
        ),
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::UniqueIdentifier;
    use kmip_ports::{audit::Link, store::Revision};

    use super::*;

    #[test]
    fn a_sound_store_is_said_to_be_sound() {
        let found =
            Verification { records: 2, blocks: 1, events: 3, keys: 1, ..Default::default() };
        assert_eq!(
            words(&found),
            [
                "2 objects read under 1 data key",
                "1 block of the audit trail read, with 3 events",
                "sound"
            ]
        );
        assert_eq!(finding(&found), Finding::Sound);
    }

    #[test]
    fn every_damage_is_named_with_what_to_do_once() {
        let identifier = UniqueIdentifier::new("a\u{1b}");
        let damaged = [
            Damage::Seal,
            Damage::Seal,
            Damage::Index,
            Damage::Behind { audited: Revision(2) },
            Damage::Ahead { audited: Revision(1) },
        ]
        .map(|damage| (identifier.clone(), damage))
        .into();
        let link = Link { number: 7, seal: [0; 32] };
        let broken = vec![
            ("n".to_owned(), Break::Block(link.clone())),
            ("n".to_owned(), Break::Anchor),
            ("n".to_owned(), Break::Unreadable(link)),
        ];
        let found = Verification { damaged, broken, ..Verification::default() };
        let lines = words(&found);
        let starting = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((starting("damaged: a\\u{1b}: "), starting("broken: ")), (5, 3));
        assert_eq!(starting("what to do: "), 5);
        let last = lines.last().unwrap();
        assert_eq!(last, "not sound: 5 objects damaged, 3 breaks in the audit trail");
        assert_eq!(finding(&found), Finding::Damage);
    }
}
