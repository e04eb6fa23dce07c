//! What an import is going to do, found out before anything is done.

use std::{collections::BTreeSet, sync::Arc};

use kmip_model::{
    DateTime, ManagedObject, UniqueIdentifier,
    attribute::{Attribute, AttributeReference, AttributeSet, Link, Rules},
    enumeration::{LinkType, Operation, Tag},
};
use kmip_operations::import::{ForeignObject, Importer, wrapping_key};
use kmip_ports::{
    audit::AuditEvent,
    store::{ChangeSet, ObjectStore, Revision, Stored},
};
use kmip_pykmip_import::{Contents, FoundObject};

use super::summary::Summary;
use crate::{progress::Progress, report::Report};

/// How many identifiers one sentence names.
const NAMED: usize = 20;

/// Attributes that change without anybody changing the object, or with the time of the import.
const PASSING: [Tag; 3] = [Tag::Fresh, Tag::LastChangeDate, Tag::LeaseTime];

/// The changes, what is said of them, and what stands in their way.
pub(super) struct Plan {
    changes: ChangeSet,
    summary: Summary,
    conflicts: Vec<String>,
}

impl Plan {
    /// Compares what a database holds with what the store has.
    pub(super) async fn of(
        contents: Contents,
        store: &dyn ObjectStore,
        importer: &Importer<'_>,
        progress: &mut Progress,
    ) -> Result<Self, Report> {
        let mut summary = Summary::new(contents.destroyed);
        for skipped in contents.skipped {
            summary.skipped.push((skipped.unique_identifier, skipped.reason.to_string()));
        }
        let mut plan = Self { changes: ChangeSet::default(), summary, conflicts: Vec::new() };
        let coming: BTreeSet<UniqueIdentifier> =
            contents.objects.iter().map(|found| found.unique_identifier.clone()).collect();
        let total = u64::try_from(contents.objects.len()).unwrap_or(u64::MAX);
        for (done, found) in (0..).zip(contents.objects) {
            progress.tell("comparing", done, total);
            plan.take(found, &coming, store, importer).await?;
        }
        Ok(plan)
    }

    async fn take(
        &mut self,
        mut found: FoundObject,
        coming: &BTreeSet<UniqueIdentifier>,
        store: &dyn ObjectStore,
        importer: &Importer<'_>,
    ) -> Result<(), Report> {
        let identifier = found.unique_identifier.clone();
        if let Some(wrapping_key) = wrapping_key(&found.object)
            && (coming.contains(wrapping_key) || store.load(wrapping_key).await?.is_some())
        {
            // As Register links them.
            let link = Link {
                link_type: LinkType::WrappingKeyLink,
                linked_object_identifier: wrapping_key.clone(),
            };
            found.attributes.set(Attribute::Link(link));
        }
        let remarks = std::mem::take(&mut found.remarks);
        let object = match importer.import(foreign(found)) {
            Ok(object) => object,
            Err(reason) => {
                self.summary.skipped.push((identifier, reason.to_string()));
                return Ok(());
            }
        };
        for remark in remarks {
            self.summary.remarks.push((identifier.clone(), remark.to_string()));
        }
        match store.load(&identifier).await? {
            None => self.add(object, importer.now),
            Some(stored) => {
                let differences = differences(&stored.value, &object);
                if differences.is_empty() {
                    self.summary.already_there = self.summary.already_there.saturating_add(1);
                    self.summary.count(&object);
                } else {
                    self.conflicts.push(format!("{identifier} ({})", differences.join(", ")));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, object: ManagedObject, now: DateTime) {
        self.summary.count_new(&object);
        let identifier = object.identifier().clone();
        self.changes.audit.push(AuditEvent {
            at: now,
            user: object.owner().to_owned(),
            operation: Operation::Import,
            identifier: Some(identifier.clone()),
            revision: Some(Revision::default().next()),
            reason: None,
            correlation: None,
        });
        let stored = Stored { value: Arc::new(object), revision: Revision::default() };
        self.changes.put.push((identifier, stored));
    }

    /// Returns the changes, if nothing stands in their way.
    pub(super) fn finish(self) -> Result<(ChangeSet, Summary), Report> {
        if self.conflicts.is_empty() {
            return Ok((self.changes, self.summary));
        }
        let count = self.conflicts.len();
        let mut named: Vec<String> = self.conflicts.into_iter().take(NAMED).collect();
        if count > named.len() {
            named.push("and more".to_owned());
        }
        Err(Report::new(format!(
            "nothing is imported: {count} of the identifiers stand for something else here, which \
             differs as named: {}",
            named.join("; ")
        )))
    }
}

fn foreign(found: FoundObject) -> ForeignObject {
    ForeignObject {
        unique_identifier: found.unique_identifier,
        owner: found.owner,
        object: found.object,
        attributes: found.attributes,
        state: found.state,
        initial_date: found.initial_date,
    }
}

/// Names what makes two objects different, apart from what passes.
fn differences(stored: &ManagedObject, wanted: &ManagedObject) -> Vec<String> {
    let mut differences = Vec::new();
    if stored.owner() != wanted.owner() {
        differences.push("owner".to_owned());
    }
    if stored.object() != wanted.object() {
        differences.push("content".to_owned());
    }
    let references = |attributes: &AttributeSet| -> Vec<AttributeReference> {
        attributes.iter().map(|instance| instance.attribute.reference()).collect()
    };
    let derived = [Tag::ObjectType, Tag::State].map(AttributeReference::Standard);
    let mut seen: Vec<AttributeReference> = Vec::new();
    for reference in derived
        .into_iter()
        .chain(references(stored.attributes()))
        .chain(references(wanted.attributes()))
    {
        if PASSING.contains(&reference.tag()) || seen.contains(&reference) {
            continue;
        }
        if stored.attribute(&reference) != wanted.attribute(&reference) {
            differences.push(name(&reference));
        }
        seen.push(reference);
    }
    differences
}

fn name(reference: &AttributeReference) -> String {
    match (reference, Rules::of(reference.tag())) {
        (AttributeReference::Standard(_), Some(rules)) => rules.name.to_owned(),
        _ => "a vendor's attribute".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Material,
        enumeration::{OpaqueDataType, State},
        object::Object,
    };
    use kmip_pykmip_import::Remark;
    use kmip_x509::X509Certificates;

    use super::*;
    use crate::{
        config::Config,
        serve::runtime,
        wire::{
            crypto,
            storage::{Creation, Storage},
        },
    };

    fn found(identifier: &str, owner: &str, bytes: &[u8]) -> FoundObject {
        let mut attributes = AttributeSet::default();
        attributes.set(Attribute::ObjectGroup("group".into()));
        FoundObject {
            unique_identifier: UniqueIdentifier::new(identifier),
            owner: owner.into(),
            object: Object::OpaqueObject {
                opaque_data_type: OpaqueDataType(0x8000_0000),
                opaque_data_value: Material::from(bytes),
            },
            attributes,
            state: State::PreActive,
            initial_date: DateTime(1_000),
            remarks: Vec::new(),
        }
    }

    fn contents(objects: Vec<FoundObject>) -> Contents {
        Contents { objects, ..Contents::default() }
    }

    fn in_store<T>(test: impl AsyncFnOnce(&dyn ObjectStore) -> T) -> T {
        let mut config = Config::default();
        "sqlite::memory:".clone_into(&mut config.storage.url);
        runtime().unwrap().block_on(async {
            let storage = Storage::open(&config, Creation::First).await.unwrap();
            let outcome = test(&*storage.store).await;
            storage.close().await;
            outcome
        })
    }

    /// Imports at a time of its own, as another run of the program does.
    async fn import(
        store: &dyn ObjectStore,
        now: i64,
        objects: Vec<FoundObject>,
    ) -> Result<Summary, Report> {
        let suite = crypto::suite(&Config::default().crypto);
        let importer = Importer {
            now: DateTime(now),
            lease_time: kmip_operations::Settings::default().lease_time,
            crypto: &suite,
            certificates: &X509Certificates,
        };
        let mut progress = Progress::on_terminal();
        let plan = Plan::of(contents(objects), store, &importer, &mut progress).await?;
        let (changes, summary) = plan.finish()?;
        store.apply(changes).await?;
        Ok(summary)
    }

    async fn owner_of(store: &dyn ObjectStore, identifier: &str) -> Option<String> {
        let stored = store.load(&UniqueIdentifier::new(identifier)).await.unwrap();
        stored.map(|stored| stored.value.owner().to_owned())
    }

    #[test]
    fn a_second_import_finds_everything_there() {
        in_store(async |store| {
            let objects = || vec![found("1", "alice", b"a"), found("2", "bob", b"b")];
            let first = import(store, 2_000, objects()).await.unwrap();
            assert_eq!((first.new_objects(), first.already_there), (2, 0));
            assert_eq!(owner_of(store, "2").await.as_deref(), Some("bob"));
            let more = [objects(), vec![found("3", "carol", b"c")]].concat();
            let second = import(store, 3_000, more).await.unwrap();
            assert_eq!((second.new_objects(), second.already_there), (1, 2));
            let stored = store.load(&UniqueIdentifier::new("1")).await.unwrap().unwrap();
            assert_eq!(stored.revision, Revision(1));
        });
    }

    #[test]
    fn an_identifier_that_stands_for_something_else_refuses_everything() {
        in_store(async |store| {
            import(store, 2_000, vec![found("1", "alice", b"a")]).await.unwrap();
            let mut moved = found("1", "alice", b"a");
            moved.state = State::Compromised;
            for (other, difference) in [
                (found("1", "alice", b"other"), "1 (content, Digest)"),
                (found("1", "mallory", b"a"), "1 (owner)"),
                (moved, "1 (State, "),
            ] {
                let objects = vec![found("2", "bob", b"b"), other];
                let refusal = import(store, 3_000, objects).await.unwrap_err().to_string();
                assert!(refusal.contains(difference), "{refusal}");
                assert_eq!(owner_of(store, "2").await, None);
            }
        });
    }

    #[test]
    fn what_cannot_be_an_object_here_is_left_out_by_name() {
        in_store(async |store| {
            let mut odd = found("1", "alice", b"a");
            odd.state = State(9);
            let mut remarkable = found("2", "", b"b");
            remarkable.remarks.push(Remark::NoOwner);
            let summary = import(store, 2_000, vec![odd, remarkable]).await.unwrap();
            let named = |list: &[(UniqueIdentifier, String)]| -> Vec<String> {
                list.iter().map(|(identifier, _)| identifier.to_string()).collect()
            };
            assert_eq!(named(&summary.skipped), ["1"]);
            assert_eq!(named(&summary.remarks), ["2"]);
            assert_eq!(summary.new_objects(), 1);
        });
    }

    #[test]
    fn what_has_been_destroyed_here_does_not_come_back() {
        in_store(async |store| {
            import(store, 2_000, vec![found("1", "alice", b"a")]).await.unwrap();
            let identifier = UniqueIdentifier::new("1");
            let stored = store.load(&identifier).await.unwrap().unwrap();
            let gone = Arc::unwrap_or_clone(stored.value).destroy(DateTime(2_500)).unwrap();
            let put = Stored { value: Arc::new(gone), revision: stored.revision };
            let changes = ChangeSet { put: vec![(identifier, put)], ..ChangeSet::default() };
            store.apply(changes).await.unwrap();
            let refusal = import(store, 3_000, vec![found("1", "alice", b"a")]).await;
            assert!(refusal.unwrap_err().to_string().contains("1 (content, State"));
        });
    }
}
