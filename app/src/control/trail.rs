//! The audit trail for people and programs: exported as lines of JSON, and shortened by age.

use kmip_model::DateTime;
use kmip_operations::admin;
use kmip_ports::audit::{AuditBlock, AuditEvent};
use kmip_sealed::decode_events;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    Place, count,
    verb::{Finding, Teller},
};
use crate::report::Report;

/// How many blocks are read at a time.
const TOGETHER: u32 = 256;

/// The seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Which events are exported.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Export {
    /// Not before this second.
    pub(super) from: Option<i64>,
    /// Not after this second.
    pub(super) to: Option<i64>,
    /// Of this user alone.
    pub(super) user: Option<String>,
    /// Of this object alone.
    pub(super) object: Option<String>,
}

impl Export {
    fn wants(&self, event: &AuditEvent) -> bool {
        self.from.is_none_or(|from| event.at.0 >= from)
            && self.to.is_none_or(|to| event.at.0 <= to)
            && self.user.as_ref().is_none_or(|user| *user == event.user)
            && self.object.as_ref().is_none_or(|object| {
                event.identifier.as_ref().is_some_and(|it| it.as_str() == object)
            })
    }
}

/// Reads a date of the command line; one without a time stands for the whole day.
pub(super) fn seconds(text: &str, end_of_day: bool) -> Result<i64, String> {
    let date = DateTime::parse(text)
        .ok_or_else(|| format!("{text:?} is not written as 2026-01-31 or 2026-01-31T12:00:00Z"))?;
    let whole_day = end_of_day && !text.contains('T');
    Ok(if whole_day { date.0.saturating_add(DAY - 1) } else { date.0 })
}

/// Tells every event that is wanted, node by node, the oldest first.
pub(super) async fn export(
    place: &Place,
    export: &Export,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    place.note(user, admin::EXPORT_AUDIT, None).await?;
    let mut snapshot = place.store.snapshot().await?;
    let mut finding = Finding::Sound;
    let mut read = 0_u64;
    loop {
        let blocks = snapshot.blocks(TOGETHER).await?;
        if blocks.is_empty() {
            return Ok(finding);
        }
        for block in blocks {
            read = read.saturating_add(1);
            let Some(events) = decode_events(&block.bytes) else {
                let words = "the events of this block cannot be read; see kmip-app audit verify";
                let line =
                    json!({"node": block.node, "block": block.link.number, "damaged": words});
                teller.line(line.to_string()).await?;
                finding = Finding::Damage;
                continue;
            };
            for event in events.iter().filter(|event| export.wants(event)) {
                teller.line(line(&block, event).to_string()).await?;
            }
        }
        teller.progress("exporting", read, None);
    }
}

fn line(block: &AuditBlock, event: &AuditEvent) -> Json {
    let AuditEvent { at, user, operation, identifier, revision, reason, correlation } = event;
    json!({
        "time": at.to_string(),
        "node": block.node,
        "block": block.link.number,
        "user": user,
        "operation": admin::operation_name(*operation),
        "object": identifier.as_ref().map(kmip_model::UniqueIdentifier::as_str),
        "revision": revision.map(|revision| revision.0),
        "result": reason.map_or_else(|| "success".to_owned(), |reason| reason.to_string()),
        "correlation": correlation,
    })
}

/// Removes events that are at least so many days old.
pub(super) async fn prune(
    place: &Place,
    older_than: u32,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    let (removed, before) = prune_quietly(place, older_than, user).await?;
    let blocks = count(removed, "block", "blocks");
    teller.line(format!("removed {blocks} of the audit trail, from before {before}")).await?;
    Ok(Finding::Sound)
}

/// Removes old events, and notes it if there were any. Returns how many blocks, and before when.
pub(super) async fn prune_quietly(
    place: &Place,
    older_than: u32,
    user: &str,
) -> Result<(u64, DateTime), Report> {
    let age = i64::from(older_than).saturating_mul(DAY);
    let before = DateTime(place.now().0.saturating_sub(age));
    let removed = place.store.prune_audit(before).await?;
    if removed > 0 {
        let words = format!("{} from before {before}", count(removed, "block", "blocks"));
        place.note(user, admin::PRUNE_AUDIT, Some(words)).await?;
    }
    Ok((removed, before))
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        UniqueIdentifier,
        enumeration::{Operation, ResultReason},
    };
    use std::sync::Arc;

    use kmip_ports::{
        audit::{AuditTrail as _, Link},
        store::Revision,
    };
    use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
    use kmip_testkit::{FixedClock, FixedRootKey, HashCipher, MemoryRecords, RememberedObjects};

    use super::*;

    fn event() -> AuditEvent {
        AuditEvent {
            at: DateTime(86_400),
            user: "alice".into(),
            operation: Operation::Destroy,
            identifier: Some(UniqueIdentifier::new("a")),
            revision: Some(Revision(3)),
            reason: None,
            correlation: Some("c".into()),
        }
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let link = Link { number: 7, seal: [0; 32] };
        let block = AuditBlock {
            node: "n".into(),
            link,
            events: 1,
            last_at: DateTime(0),
            bytes: Vec::new(),
        };
        let expected = json!({
            "time": "1970-01-02T00:00:00Z", "node": "n", "block": 7, "user": "alice",
            "operation": "Destroy", "object": "a", "revision": 3, "result": "success",
            "correlation": "c",
        });
        assert_eq!(line(&block, &event()), expected);
        // The number of Permission Denied.
        let refused = AuditEvent {
            reason: Some(ResultReason(0x0C)),
            identifier: None,
            revision: None,
            correlation: None,
            operation: admin::SET_OWNER,
            ..event()
        };
        let told = line(&block, &refused);
        assert_eq!(told["result"], "PermissionDenied");
        assert_eq!(told["operation"], "SetOwner");
        assert!(told["object"].is_null());
    }

    #[test]
    fn events_are_chosen_by_time_user_and_object() {
        let none = Export::default();
        assert!(none.wants(&event()));
        for (export, wanted) in [
            (Export { from: Some(86_400), ..none.clone() }, true),
            (Export { from: Some(86_401), ..none.clone() }, false),
            (Export { to: Some(86_400), ..none.clone() }, true),
            (Export { to: Some(86_399), ..none.clone() }, false),
            (Export { user: Some("alice".into()), ..none.clone() }, true),
            (Export { user: Some("bob".into()), ..none.clone() }, false),
            (Export { object: Some("a".into()), ..none.clone() }, true),
            (Export { object: Some("b".into()), ..none }, false),
        ] {
            assert_eq!(export.wants(&event()), wanted, "{export:?}");
        }
    }

    /// A store with one event at each of these times.
    async fn place(now: DateTime, events: &[i64]) -> Place {
        let opening = Opening {
            when_empty: WhenEmpty::Create,
            node: "here".to_owned(),
            audit_reads: AuditReads::Durable,
        };
        let root_key = Arc::new(FixedRootKey::new(1));
        let store = SealedStore::open(
            Backing::of(&Arc::new(MemoryRecords::default())),
            Arc::new(HashCipher::default()),
            root_key,
            Arc::new(RememberedObjects::default()),
            opening,
        );
        let store = Arc::new(store.await.unwrap());
        for at in events {
            store.note(vec![AuditEvent { at: DateTime(*at), ..event() }]).await.unwrap();
        }
        let clock = Arc::new(FixedClock::new(now));
        Place { store, clock, node: "here".to_owned(), names_unique: false, root_key: None }
    }

    #[test]
    fn what_is_too_old_goes_and_that_is_noted() {
        pollster::block_on(async {
            let place = place(DateTime(10 * DAY), &[DAY, 2 * DAY, 7 * DAY, 8 * DAY]).await;
            let pruned = prune_quietly(&place, 3, "somebody").await.unwrap();
            assert_eq!(pruned, (2, DateTime(7 * DAY)));
            let found = place.store.verify_audit(&mut |_| {}).await.unwrap();
            assert!(found.is_sound() && found.events == 3, "{found:?}");
            // Nothing more is as old, and nothing more is noted.
            let pruned = prune_quietly(&place, 3, "somebody").await.unwrap();
            assert_eq!(pruned.0, 0);
            let mut snapshot = place.store.snapshot().await.unwrap();
            let blocks = snapshot.blocks(9).await.unwrap();
            let last = decode_events(&blocks.last().unwrap().bytes).unwrap();
            assert_eq!(last[0].operation, admin::PRUNE_AUDIT);
            assert_eq!(last[0].user, "somebody");
            let words = "2 blocks from before 1970-01-08T00:00:00Z";
            assert_eq!(last[0].correlation.as_deref(), Some(words));
            assert_eq!(blocks.len(), 3);
        });
    }

    #[test]
    fn a_date_without_a_time_is_the_whole_day() {
        assert_eq!(seconds("1970-01-02", false), Ok(86_400));
        assert_eq!(seconds("1970-01-02", true), Ok(172_799));
        assert_eq!(seconds("1970-01-02T00:00:01Z", true), Ok(86_401));
        assert!(seconds("yesterday", false).is_err());
    }
}
