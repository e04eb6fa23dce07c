//! Records and change sets to try things with.

use std::sync::Arc;

use kmip_model::{
    DateTime, UniqueIdentifier,
    enumeration::{ObjectType, Operation},
    policy::Visibility,
};
use kmip_ports::{
    audit::AuditEvent,
    record::{Columns, Condition, Record, RecordStore, Sealed, Spent, Term, TermClaim, TermQuery},
    store::{ChangeSet, Claim, Revision, Stored},
};

/// Returns an identifier.
pub(crate) fn id(name: &str) -> UniqueIdentifier {
    UniqueIdentifier::new(name)
}

/// Returns a record of alice's with names.
pub(crate) fn record(names: &[&str]) -> Record {
    Record {
        columns: Columns {
            owner: "alice".to_owned(),
            policy: "default".to_owned(),
            object_type: 2,
            state: Some(1),
            next_change_at: None,
            initial_date: DateTime(1_000),
            algorithm: Some(3),
            length: Some(256),
            usage_mask: Some(12),
            destroyed: false,
        },
        terms: names.iter().map(|name| term(name)).collect(),
        sealed: Sealed { key: 1, bytes: vec![7; 40] },
        spent: Spent::default(),
    }
}

/// Returns a name as a term.
pub(crate) fn term(name: &str) -> Term {
    Term { attribute: 1, value: name.as_bytes().to_vec() }
}

/// Returns a change of one record over a revision.
pub(crate) fn change(name: &str, revision: u64, record: Record) -> ChangeSet<Record> {
    let event = AuditEvent {
        at: DateTime(1_000),
        user: "alice".to_owned(),
        operation: Operation::Create,
        identifier: Some(id(name)),
        revision: Some(Revision(revision).next()),
        reason: None,
        correlation: None,
    };
    let put = Stored { value: Arc::new(record), revision: Revision(revision) };
    ChangeSet { put: vec![(id(name), put)], audit: vec![event], ..ChangeSet::default() }
}

/// Returns the creation of a record that has its identifier as its name.
pub(crate) fn create(name: &str) -> ChangeSet<Record> {
    change(name, 0, record(&[name]))
}

/// Returns a claim of a name for a record.
pub(crate) fn claim(name: &str, identifier: &str) -> TermClaim {
    let owner = "alice".to_owned();
    let claim =
        Claim::Name { owner: owner.clone(), name: name.to_owned(), identifier: id(identifier) };
    TermClaim { owner, term: term(name), identifier: id(identifier), claim }
}

/// Returns the revision of a record; 0 if there is none.
pub(crate) async fn revision(store: &dyn RecordStore, name: &str) -> u64 {
    let found = store.load(&id(name)).await.expect("the database is there");
    found.map_or(0, |stored| stored.revision.0)
}

/// Returns a search of alice's.
pub(crate) fn search(conditions: Vec<Condition>) -> TermQuery {
    let own = vec![("default".to_owned(), ObjectType(2))];
    let visible = Visibility { user: "alice".to_owned(), of_anybody: Vec::new(), own };
    TermQuery { conditions, visible, offset: 0, maximum: None }
}
