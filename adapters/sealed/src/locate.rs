//! Locate (KMIP 2.1 §6.1.28) over records: what columns and terms can say, the record store
//! answers; for the rest objects are opened one after the other and shown to the matcher.

use std::collections::HashSet;

use kmip_model::{
    DateTime, UniqueIdentifier, Value,
    attribute::AttributeReference,
    enumeration::{ObjectGroupMember, Tag},
    locate::{Filter, Locate},
    policy::Visibility,
};
use kmip_ports::{
    maintenance::Resealed,
    record::{Columns, Condition, Record, TermQuery},
    store::{Page, StoreError},
};

use crate::{
    store::SealedStore,
    terms::{Terms, is_indexed},
};

/// How many identifiers are asked for at once while objects are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    /// In all.
    pub(crate) identifiers: u64,
    /// How many of them repeat the end of the page before: so many records may drop out of the
    /// search between two pages before one is missed.
    pub(crate) overlap: u64,
}

impl PageSize {
    pub(crate) const USUAL: Self = Self { identifiers: 1024, overlap: 32 };
}

/// How many records whose date has come are brought up to date at a time.
const SETTLED_TOGETHER: u64 = 256;

/// How often others may come first while that is done.
const ATTEMPTS: u32 = 8;

/// How far is counted what is looked at one by one.
const COUNTED: u64 = 1_000;

/// How to answer a Locate.
#[derive(Debug, Default)]
struct Plan {
    /// What must hold, the state aside.
    conditions: Vec<Condition>,
    /// The states that are asked for; exact as long as no date has come.
    states: Vec<u32>,
    /// Says whether some filter is more than the conditions say.
    look: bool,
}

/// Which records are brought up to date.
enum Due {
    /// Those that somebody may see.
    Visible(TermQuery),
    /// Those that meet the conditions, whoever may see them.
    OfAll(Vec<Condition>),
}

/// What one filter is in columns and terms.
enum Expression {
    /// Exactly this condition.
    Exactly(Condition),
    /// This state.
    State(u32),
    /// These conditions and something more.
    Roughly(Vec<Condition>),
    /// No object can match it.
    Never,
}

impl Plan {
    /// Makes a plan; none if nothing can match.
    fn of(query: &Locate, terms: &Terms<'_>) -> Option<Self> {
        let mut plan = Self {
            look: query.object_group_member == Some(ObjectGroupMember::GroupMemberFresh),
            ..Self::default()
        };
        match (query.wants_on_line(), query.wants_destroyed()) {
            (true, true) => {}
            (false, false) => return None,
            (_, destroyed) => plan.conditions.push(Condition::Destroyed(destroyed)),
        }
        for filter in &query.filters {
            match express(filter, query, terms) {
                Expression::Exactly(condition) => plan.conditions.push(condition),
                Expression::State(state) => plan.states.push(state),
                Expression::Roughly(conditions) => {
                    plan.conditions.extend(conditions);
                    plan.look = true;
                }
                Expression::Never => return None,
            }
        }
        Some(plan)
    }

    /// Says whether it is for few records that are found by what they are called.
    fn is_narrow(&self) -> bool {
        let narrow = |it: &Condition| matches!(it, Condition::Identifier(_) | Condition::Term(_));
        self.conditions.iter().any(narrow)
    }

    /// Makes the search, in which `of_state` stands for each state that is asked for.
    fn search(&self, visible: &Visibility, of_state: impl Fn(u32) -> Condition) -> TermQuery {
        let states = self.states.iter().copied().map(of_state);
        TermQuery {
            conditions: self.conditions.iter().cloned().chain(states).collect(),
            visible: visible.clone(),
            offset: 0,
            maximum: None,
        }
    }
}

fn express(filter: &Filter, query: &Locate, terms: &Terms<'_>) -> Expression {
    let reference = &filter.reference;
    if let Value::DateTime(_) = filter.value {
        return express_date(reference, query);
    }
    match reference {
        AttributeReference::Standard(tag) => match express_column(*tag, &filter.value) {
            Some(expression) => expression,
            None if is_indexed(reference) => express_term(reference, &filter.value, terms),
            None if reference.rules().is_some() => Expression::Roughly(Vec::new()),
            None => Expression::Never,
        },
        AttributeReference::Vendor { .. } => express_term(reference, &filter.value, terms),
        AttributeReference::Unknown(_) => Expression::Never,
    }
}

fn express_column(tag: Tag, value: &Value) -> Option<Expression> {
    Some(match (tag, value) {
        (Tag::State, Value::Enumeration(state)) => Expression::State(*state),
        (Tag::UniqueIdentifier, Value::TextString(text)) => {
            Expression::Exactly(Condition::Identifier(UniqueIdentifier::new(text.as_str())))
        }
        (Tag::ObjectType, Value::Enumeration(value)) => {
            Expression::Exactly(Condition::ObjectType(*value))
        }
        (Tag::CryptographicAlgorithm, Value::Enumeration(value)) => {
            Expression::Exactly(Condition::Algorithm(*value))
        }
        (Tag::CryptographicLength, Value::Integer(value)) => {
            Expression::Exactly(Condition::Length(*value))
        }
        (Tag::CryptographicUsageMask, Value::Integer(value)) => {
            Expression::Exactly(Condition::UsageMask(value.cast_unsigned()))
        }
        _ => return None,
    })
}

/// Expresses a date, or a range of dates, of which Initial Date alone has a column.
fn express_date(reference: &AttributeReference, query: &Locate) -> Expression {
    let initial_date = AttributeReference::Standard(Tag::InitialDate);
    match query.date_range(reference).filter(|_| *reference == initial_date) {
        // An object without Initial Date has the last possible date in its column.
        Some((first, last)) if last == DateTime::MAX => {
            Expression::Roughly(vec![Condition::InitialDate(first, last)])
        }
        Some((first, last)) => Expression::Exactly(Condition::InitialDate(first, last)),
        None => Expression::Roughly(Vec::new()),
    }
}

fn express_term(reference: &AttributeReference, value: &Value, terms: &Terms<'_>) -> Expression {
    let Value::Structure(fields) = value else {
        return Expression::Exactly(Condition::Term(terms.whole(reference, value)));
    };
    if let [(first, _), (second, _)] = fields.as_slice()
        && first != second
        && has_two_fields(reference)
    {
        return Expression::Exactly(Condition::Term(terms.whole(reference, value)));
    }
    let parts: Vec<Condition> = fields
        .iter()
        .filter_map(|(tag, field)| terms.part(reference, *tag, field))
        .map(Condition::Term)
        .collect();
    match (fields.as_slice(), parts.as_slice()) {
        ([_], [part]) => Expression::Exactly(part.clone()),
        // Each field is there, but perhaps not all in one instance.
        _ => Expression::Roughly(parts),
    }
}

/// Says whether the attribute has two fields at most, so that a filter with two gives all.
fn has_two_fields(reference: &AttributeReference) -> bool {
    matches!(
        reference,
        AttributeReference::Standard(
            Tag::Name
                | Tag::Link
                | Tag::ApplicationSpecificInformation
                | Tag::AlternativeName
                | Tag::CertificateIdentifier
                | Tag::X509CertificateIdentifier
        )
    )
}

impl SealedStore {
    /// Answers a Locate.
    pub(crate) async fn answer(
        &self,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let Some(plan) = Plan::of(query, &self.terms()) else {
            return Ok(Page::default());
        };
        if plan.look || !self.settle(&plan, visible, now).await? {
            return self.look(&plan, query, visible, now).await;
        }
        let search = plan.search(visible, Condition::StoredState);
        self.records
            .search(&TermQuery { offset: query.offset, maximum: query.maximum, ..search })
            .await
    }

    /// Brings records up to date that are stored in a state that a date has ended, so that the
    /// states that are stored are right, and the next search finds them so. Says whether they are.
    ///
    /// Nobody sees the difference: whoever opens such an object lets its dates take effect.
    async fn settle(
        &self,
        plan: &Plan,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<bool, StoreError> {
        if plan.states.is_empty() {
            return Ok(true);
        }
        // If it is not narrow, the others would be passed over by each search that is not for them.
        let besides = if plan.is_narrow() { plan.conditions.clone() } else { Vec::new() };
        let search = TermQuery {
            conditions: besides.into_iter().chain([Condition::Due(now)]).collect(),
            visible: visible.clone(),
            offset: 0,
            maximum: Some(SETTLED_TOGETHER),
        };
        self.settle_found(&Due::Visible(search), now).await
    }

    /// Does so for all records that meet the conditions, whoever may see them.
    pub(crate) async fn settle_listed(
        &self,
        conditions: &[Condition],
        now: DateTime,
    ) -> Result<bool, StoreError> {
        let due = [conditions, &[Condition::Due(now)]].concat();
        self.settle_found(&Due::OfAll(due), now).await
    }

    /// Brings records up to date for as long as some are found.
    async fn settle_found(&self, due: &Due, now: DateTime) -> Result<bool, StoreError> {
        let mut attempts = ATTEMPTS;
        loop {
            let found = match due {
                Due::Visible(search) => self.records.search(search).await?,
                Due::OfAll(wanted) => self.maintenance.list(wanted, Some(SETTLED_TOGETHER)).await?,
            };
            let due = found.items;
            if due.is_empty() {
                return Ok(true);
            }
            match self.settle_all(due, now).await {
                Ok(0) if attempts > 0 => attempts = attempts.saturating_sub(1),
                // What cannot be written now can be looked at.
                Ok(0) | Err(StoreError::Unavailable) => return Ok(false),
                Ok(_) => {}
                Err(other) => return Err(other),
            }
        }
    }

    /// Seals objects anew as they are now, and says how many; those that others change stay.
    async fn settle_all(
        &self,
        due: Vec<UniqueIdentifier>,
        now: DateTime,
    ) -> Result<u64, StoreError> {
        let mut settled = Vec::with_capacity(due.len());
        for identifier in due {
            let Some(stored) = self.records.load(&identifier).await? else { continue };
            let revision = stored.revision;
            let object = match self.opened(&identifier, &stored).await {
                Ok(object) => object.at(now),
                // It takes no other object down; whoever asks for it is told.
                Err(StoreError::Corrupt(_)) => continue,
                Err(error) => return Err(error),
            };
            let Record { columns, sealed, .. } = self.seal(&object, revision)?;
            let Columns { state, next_change_at, .. } = columns;
            settled.push(Resealed { identifier, revision, sealed, state, next_change_at });
        }
        self.maintenance.reseal(settled).await
    }

    /// Goes through everything that the record store finds, page by page.
    async fn look(
        &self,
        plan: &Plan,
        query: &Locate,
        visible: &Visibility,
        now: DateTime,
    ) -> Result<Page<UniqueIdentifier>, StoreError> {
        let PageSize { identifiers, overlap } = self.page_size;
        let mut search = plan.search(visible, |state| Condition::State { state, now });
        search.maximum = Some(identifiers);
        let mut found = Page::default();
        let mut seen: u64 = 0;
        // The page is full then, and nobody is told how many there are besides.
        let enough = query
            .maximum
            .map_or(u64::MAX, |maximum| maximum.saturating_add(query.offset).max(COUNTED));
        let mut before: HashSet<UniqueIdentifier> = HashSet::new();
        loop {
            let page = self.records.search(&search).await?.items;
            for identifier in page.iter().filter(|identifier| !before.contains(*identifier)) {
                if self.is_asked_for(identifier, plan, query, now).await? {
                    seen = seen.saturating_add(1);
                    keep(&mut found, query, identifier, seen);
                }
            }
            if seen > enough {
                found.total = None;
                return Ok(found);
            }
            let count = page.len() as u64;
            if count < identifiers {
                found.total = Some(seen);
                return Ok(found);
            }
            // Records that are put meanwhile push the others back, and those come again too.
            search.offset = search.offset.saturating_add(count.saturating_sub(overlap).max(1));
            before = page.into_iter().collect();
        }
    }

    async fn is_asked_for(
        &self,
        identifier: &UniqueIdentifier,
        plan: &Plan,
        query: &Locate,
        now: DateTime,
    ) -> Result<bool, StoreError> {
        let Some(stored) = self.records.load(identifier).await? else {
            return Ok(false);
        };
        let due = stored.value.columns.next_change_at.is_some_and(|date| date <= now);
        if !plan.look && !due {
            return Ok(true);
        }
        match self.opened(identifier, &stored).await {
            Ok(object) => Ok(query.matches(&object.at(now))),
            // It takes no other object down; whoever asks for it is told.
            Err(StoreError::Corrupt(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Keeps a match, of which so many were seen with it, if it is within offset and maximum.
fn keep(
    found: &mut Page<UniqueIdentifier>,
    query: &Locate,
    identifier: &UniqueIdentifier,
    seen: u64,
) {
    let full = query.maximum.is_some_and(|maximum| found.items.len() as u64 >= maximum);
    if seen > query.offset && !full {
        found.items.push(identifier.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::tests::{Sealed, named};
    use async_trait::async_trait;
    use kmip_model::{
        attribute::{Attribute, Name},
        enumeration::ObjectType,
    };
    use kmip_ports::{
        audit::Anchor,
        maintenance::{Maintenance, Part, Snapshot},
        store::ObjectStore as _,
    };
    const NOW: DateTime = DateTime(50);

    fn everything() -> Visibility {
        let listed = ("default".to_owned(), ObjectType::OpaqueObject);
        Visibility { of_anybody: vec![listed], ..Visibility::default() }
    }

    fn filter(tag: Tag, value: Value) -> Filter {
        Filter { reference: AttributeReference::Standard(tag), value }
    }

    fn count(sealed: &Sealed, filters: Vec<Filter>) -> (u64, usize) {
        let before = sealed.encoding.decoded();
        let query = Locate { filters, ..Locate::default() };
        let found = pollster::block_on(sealed.store.locate(&query, &everything(), NOW)).unwrap();
        (found.total.unwrap(), sealed.encoding.decoded().saturating_sub(before))
    }

    #[test]
    fn what_columns_and_terms_say_is_answered_without_opening_an_object() {
        let sealed = Sealed::new();
        sealed.put(named("a", "one"));
        sealed.put(named("b", "two"));
        let name = Attribute::Name(Name::text("one")).to_value();
        let Value::Structure(fields) = &name else { panic!("a Name is a structure") };
        for (filters, total) in [
            (vec![], 2),
            (vec![filter(Tag::Name, name.clone())], 1),
            (vec![filter(Tag::Name, Value::Structure(fields[..1].to_vec()))], 1),
            (vec![filter(Tag::Name, Value::Structure(fields[1..].to_vec()))], 2),
            (vec![filter(Tag::State, Value::Enumeration(1))], 2),
            (vec![filter(Tag::State, Value::Enumeration(2))], 0),
            (vec![filter(Tag::InitialDate, Value::DateTime(DateTime(1)))], 2),
            (vec![filter(Tag::Operation, Value::Enumeration(1))], 0),
        ] {
            assert_eq!(count(&sealed, filters.clone()), (total, 0), "{filters:?}");
        }
        let comment = vec![filter(Tag::Comment, Value::TextString("none".into()))];
        assert_eq!(count(&sealed, comment), (0, 2));
        let reference = AttributeReference::Unknown("Nam".into());
        let unknown = Filter { reference, value: Value::Integer(1) };
        assert_eq!(count(&sealed, vec![unknown]), (0, 0));
    }

    #[test]
    fn a_state_opens_objects_whose_date_has_come_and_those_once() {
        let sealed = Sealed::new();
        for (identifier, date) in [("a", 49), ("b", 51)] {
            let mut object = named(identifier, "one");
            object.attributes_mut().set(Attribute::ActivationDate(DateTime(date)));
            sealed.put(object);
        }
        let state = |state| vec![filter(Tag::State, Value::Enumeration(state))];
        assert_eq!(count(&sealed, state(1)), (1, 1));
        assert_eq!(count(&sealed, state(2)), (1, 0));
        assert_eq!(count(&sealed, state(3)), (0, 0));
    }

    #[test]
    fn a_damaged_record_hides_no_other() {
        let sealed = Sealed::new();
        for identifier in ["a", "b", "c"] {
            let mut object = named(identifier, "one");
            object.attributes_mut().set(Attribute::ActivationDate(DateTime(49)));
            sealed.put(object);
        }
        let damaged = UniqueIdentifier::new("b");
        assert!(sealed.records.tamper(&damaged, |record, _| record.sealed.bytes[0] ^= 1));
        let state = filter(Tag::State, Value::Enumeration(2));
        for _ in 0..2 {
            assert_eq!(count(&sealed, vec![state.clone()]).0, 2);
        }
    }

    #[test]
    fn a_search_brings_all_states_up_to_date_but_one_by_name_only_its_own() {
        let state = filter(Tag::State, Value::Enumeration(2));
        let name = filter(Tag::Name, Attribute::Name(Name::text("one")).to_value());
        let algorithm = filter(Tag::CryptographicAlgorithm, Value::Enumeration(3));
        for (other, opened) in [(name, [1, 2, 0]), (algorithm, [3, 0, 0])] {
            let sealed = Sealed::new();
            for (identifier, called) in [("a", "one"), ("b", "two"), ("c", "two")] {
                let mut object = named(identifier, called);
                object.attributes_mut().set(Attribute::ActivationDate(DateTime(49)));
                sealed.put(object);
            }
            let first = count(&sealed, vec![state.clone(), other]);
            let then = [0, 1].map(|_| count(&sealed, vec![state.clone()]));
            assert_eq!([first.1, then[0].1, then[1].1], opened);
            assert_eq!((then[0].0, then[1].0), (3, 3));
        }
    }

    /// Writes nothing.
    struct ReadOnly;

    #[async_trait]
    impl Maintenance for ReadOnly {
        async fn list(
            &self,
            _: &[Condition],
            _: Option<u64>,
        ) -> Result<Page<UniqueIdentifier>, StoreError> {
            Err(StoreError::Unavailable)
        }

        async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
            Err(StoreError::Unavailable)
        }

        async fn reseal(&self, _: Vec<Resealed>) -> Result<u64, StoreError> {
            Err(StoreError::Unavailable)
        }

        async fn prune(&self, _: Anchor) -> Result<(), StoreError> {
            Err(StoreError::Unavailable)
        }

        async fn restore(&self, _: Part) -> Result<(), StoreError> {
            Err(StoreError::Unavailable)
        }
    }

    #[test]
    fn states_that_cannot_be_brought_up_to_date_are_looked_at() {
        let mut sealed = Sealed::new();
        let store = Arc::get_mut(&mut sealed.store).expect("nobody else has it yet");
        store.maintenance = Arc::new(ReadOnly);
        for (identifier, date) in [("a", 49), ("b", 51)] {
            let mut object = named(identifier, "one");
            object.attributes_mut().set(Attribute::ActivationDate(DateTime(date)));
            sealed.put(object);
        }
        for (state, found) in [(1, 1), (2, 1), (3, 0), (2, 1)] {
            // Once to bring it up to date, and once to look.
            let filters = vec![filter(Tag::State, Value::Enumeration(state))];
            assert_eq!(count(&sealed, filters), (found, 2), "{state}");
        }
    }

    #[test]
    fn an_object_that_comes_again_on_the_next_page_counts_once() {
        for (identifiers, overlap) in [(1, 0), (2, 0), (3, 1), (4, 3), (2, 5), (7, 2), (8, 2)] {
            let mut sealed = Sealed::new();
            let store = Arc::get_mut(&mut sealed.store).expect("nobody else has it yet");
            store.page_size = PageSize { identifiers, overlap };
            for identifier in ["a", "b", "c", "d", "e", "f", "g"] {
                sealed.put(named(identifier, "one"));
            }
            let comment = vec![filter(Tag::Comment, Value::TextString("same".into()))];
            let query =
                Locate { filters: comment, offset: 1, maximum: Some(5), ..Locate::default() };
            let found = pollster::block_on(sealed.store.locate(&query, &everything(), NOW));
            let page = Page {
                items: ["f", "e", "d", "c", "b"].map(UniqueIdentifier::new).to_vec(),
                total: Some(7),
            };
            assert_eq!(found, Ok(page), "{identifiers} with {overlap} again");
        }
    }
}
