//! Small records, and short ways to put and find them.

use std::sync::Arc;

use kmip_model::{
    DateTime, UniqueIdentifier,
    enumeration::{ObjectType, Operation},
    policy::Visibility,
};
use kmip_ports::{
    audit::{AuditEvent, Notary},
    record::{
        Columns, Condition, Record, RecordStore, Sealed, Spent, Term, TermClaim, TermQuery,
        WrappedKey,
    },
    store::{ChangeSet, Claim, Debit, Revision, StoreError, Stored},
};

use crate::HashNotary;

pub(super) const NAME: u32 = 0x0042_0053;
pub(super) const KEY: u32 = ObjectType::SymmetricKey.0;
pub(super) const CERTIFICATE: u32 = ObjectType::Certificate.0;

pub(super) fn identifier(name: &str) -> UniqueIdentifier {
    UniqueIdentifier::new(name)
}

pub(super) fn record(owner: &str, object_type: u32) -> Record {
    Record {
        columns: Columns {
            owner: owner.to_owned(),
            policy: "default".to_owned(),
            object_type,
            state: Some(2),
            next_change_at: None,
            initial_date: DateTime(1_000),
            algorithm: None,
            length: None,
            usage_mask: None,
            destroyed: false,
        },
        terms: Vec::new(),
        sealed: Sealed { key: 1, bytes: b"sealed".to_vec() },
        spent: Spent::default(),
    }
}

pub(super) fn name_term(name: &str) -> Term {
    Term { attribute: NAME, value: name.as_bytes().to_vec() }
}

pub(super) fn named(mut record: Record, names: &[&str]) -> Record {
    record.terms.extend(names.iter().map(|name| name_term(name)));
    record.terms.sort();
    record
}

pub(super) fn put(name: &str, replaces: u64, record: Record) -> (UniqueIdentifier, Stored<Record>) {
    (identifier(name), Stored { value: Arc::new(record), revision: Revision(replaces) })
}

pub(super) fn claim(owner: &str, name: &str, wants: &str) -> TermClaim {
    TermClaim {
        owner: owner.to_owned(),
        term: name_term(name),
        identifier: identifier(wants),
        claim: Claim::Name {
            owner: owner.to_owned(),
            name: name.to_owned(),
            identifier: identifier(wants),
        },
    }
}

pub(super) fn event(name: &str) -> AuditEvent {
    AuditEvent {
        at: DateTime(1_000),
        user: "alice".to_owned(),
        operation: Operation::Create,
        identifier: Some(identifier(name)),
        revision: Some(Revision(1)),
        reason: None,
        correlation: None,
    }
}

pub(super) fn wrapped_key(number: u32) -> WrappedKey {
    WrappedKey { number, wrapped: number.to_be_bytes().to_vec() }
}

/// Asks for all keys and certificates of everybody.
pub(super) fn everything() -> TermQuery {
    let of_anybody = [KEY, CERTIFICATE].map(|kind| ("default".to_owned(), ObjectType(kind))).into();
    TermQuery {
        conditions: Vec::new(),
        visible: Visibility { user: "alice".to_owned(), of_anybody, own: Vec::new() },
        offset: 0,
        maximum: None,
    }
}

pub(super) async fn apply(
    store: &dyn RecordStore,
    put: Vec<(UniqueIdentifier, Stored<Record>)>,
) -> Result<(), StoreError> {
    store.apply(ChangeSet { put, ..ChangeSet::default() }, Vec::new()).await
}

pub(super) async fn claiming(
    store: &dyn RecordStore,
    put: (UniqueIdentifier, Stored<Record>),
    name: &str,
) -> Result<(), StoreError> {
    let claims = vec![claim("alice", name, put.0.as_str())];
    store.apply(ChangeSet { put: vec![put], ..ChangeSet::default() }, claims).await
}

pub(super) async fn load(store: &dyn RecordStore, name: &str) -> Option<(Record, Revision)> {
    let stored = store.load(&identifier(name)).await.expect("the store is there")?;
    Some((Record::clone(&stored.value), stored.revision))
}

pub(super) async fn found(store: &dyn RecordStore, conditions: Vec<Condition>) -> Vec<String> {
    let query = TermQuery { conditions, ..everything() };
    let page = store.search(&query).await.expect("the store is there");
    page.items.iter().map(ToString::to_string).collect()
}

pub(super) fn notary() -> Arc<dyn Notary> {
    Arc::new(HashNotary::of("here"))
}

pub(super) async fn debit(
    store: &dyn RecordStore,
    name: &str,
    amount: i64,
    total: i64,
) -> Result<(), StoreError> {
    let debits = vec![Debit { identifier: identifier(name), amount, total, spent: 0 }];
    store.apply(ChangeSet { debits, ..ChangeSet::default() }, Vec::new()).await
}
