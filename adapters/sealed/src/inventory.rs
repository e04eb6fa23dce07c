//! The operator's view of what is stored: every record is listed, whoever may see it.
//!
//! What columns and terms say is believed without opening the record: a damaged one is listed by
//! them too, and opening it tells.

use std::collections::VecDeque;

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier, Value,
    attribute::AttributeReference,
    enumeration::{State, Tag},
};
use kmip_ports::{
    inventory::{Inventory, Selection},
    maintenance::Entry,
    record::{Condition, Term},
    store::{Page, StoreError},
};

use crate::store::SealedStore;

/// How many records are read at a time.
const TOGETHER: u32 = 512;

#[async_trait]
impl Inventory for SealedStore {
    async fn inventory(
        &self,
        selection: &Selection,
        now: DateTime,
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let name = selection.name.as_ref().map(|name| {
            let reference = AttributeReference::Standard(Tag::Name);
            let value = Value::TextString(name.clone());
            self.terms().part(&reference, Tag::NameValue, &value).expect("a text is no structure")
        });
        let owner = selection.owner.clone().map(Condition::Owner);
        let object_type = selection.object_type.map(|it| Condition::ObjectType(it.0));
        let term = name.clone().map(Condition::Term);
        let conditions = [owner, object_type, term].into_iter().flatten().collect();
        match self.listed(conditions, selection.state, now, maximum).await {
            Ok(Some(page)) => Ok(page),
            // It takes too long perhaps: not every selection has an index.
            Ok(None) | Err(StoreError::Unavailable) => {
                self.look_through(selection, name.as_ref(), now, maximum).await
            }
            Err(error) => Err(error),
        }
    }
}

impl SealedStore {
    /// Has the record store list what is wanted; `None` if it cannot know the states.
    async fn listed(
        &self,
        mut conditions: Vec<Condition>,
        state: Option<State>,
        now: DateTime,
        maximum: Option<u64>,
    ) -> Result<Option<Page<UniqueIdentifier>>, StoreError> {
        if let Some(state) = state {
            if !self.settle_listed(&conditions, now).await? {
                return Ok(None);
            }
            conditions.push(Condition::StoredState(state.0));
        }
        self.maintenance.list(&conditions, maximum).await.map(Some)
    }

    /// Goes through everything, and opens what a date may have changed.
    async fn look_through(
        &self,
        selection: &Selection,
        name: Option<&Term>,
        now: DateTime,
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let mut snapshot = self.maintenance.snapshot().await?;
        let mut newest = VecDeque::new();
        let mut total = 0_u64;
        loop {
            let records = snapshot.records(TOGETHER).await?;
            if records.is_empty() {
                let items = newest.into_iter().rev().collect();
                return Ok(Page { items, total: Some(total) });
            }
            for entry in records {
                if self.is_selected(&entry, selection, name, now) {
                    total = total.saturating_add(1);
                    newest.push_back(entry.0);
                    let kept = u64::try_from(newest.len()).unwrap_or(u64::MAX);
                    if maximum.is_some_and(|maximum| kept > maximum) {
                        newest.pop_front();
                    }
                }
            }
        }
    }

    fn is_selected(
        &self,
        (identifier, stored): &Entry,
        selection: &Selection,
        name: Option<&Term>,
        now: DateTime,
    ) -> bool {
        let record = &stored.value;
        let columns = &record.columns;
        let plainly = selection.owner.as_ref().is_none_or(|owner| *owner == columns.owner)
            && selection.object_type.is_none_or(|wanted| wanted.0 == columns.object_type)
            && name.is_none_or(|name| record.terms.contains(name));
        plainly
            && selection.state.is_none_or(|wanted| {
                // A date may have come since it was stored.
                let state = match columns.next_change_at {
                    Some(at) if at <= now => {
                        self.open_record(identifier, stored).ok().and_then(|it| it.at(now).state())
                    }
                    _ => None,
                };
                state.map(|state| state.0).or(columns.state) == Some(wanted.0)
            })
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::attribute::Attribute;
    use kmip_testkit::contract::inventory;

    use super::*;
    use crate::store::tests::{Sealed, named, open_empty};

    #[test]
    fn keeps_every_promise() {
        pollster::block_on(inventory::every_promise(async || open_empty().await));
    }

    #[test]
    fn a_damaged_object_is_listed() {
        let sealed = Sealed::new();
        sealed.put(named("a", "one"));
        let a = UniqueIdentifier::new("a");
        sealed.records.tamper(&a, |record, _| record.sealed.bytes[0] ^= 1);
        let selection = Selection { owner: Some("alice".into()), ..Selection::default() };
        let found = pollster::block_on(sealed.store.inventory(&selection, DateTime(1), None));
        assert_eq!(found.unwrap().items, [a]);
    }

    #[test]
    fn a_damaged_object_whose_date_has_come_is_listed_by_the_state_it_had() {
        let sealed = Sealed::new();
        for identifier in ["a", "b"] {
            let mut object = named(identifier, "one");
            object.attributes_mut().set(Attribute::ActivationDate(DateTime(5)));
            sealed.put(object);
        }
        let [a, b] = ["a", "b"].map(UniqueIdentifier::new);
        sealed.records.tamper(&a, |record, _| record.sealed.bytes[0] ^= 1);
        for (state, expected) in [(State::PreActive, a), (State::Active, b)] {
            let selection = Selection { state: Some(state), ..Selection::default() };
            let found = pollster::block_on(sealed.store.inventory(&selection, DateTime(9), None));
            let page = Page { items: vec![expected], total: Some(1) };
            assert_eq!(found, Ok(page), "{state}");
        }
    }
}
