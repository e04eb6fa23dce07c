//! What operators do to objects past every policy: list them, show them, give them to somebody else.
//!
//! Never material: nothing here has a way to give it out. Whoever gets objects can use them, so each
//! change is in the audit trail with its object, and so is each look.

use std::sync::Arc;

use kmip_model::{
    DateTime, ManagedObject, UniqueIdentifier,
    attribute::Attribute,
    enumeration::{ObjectType, Operation, State},
};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail},
    inventory::{Inventory, Selection},
    store::{ChangeSet, Claim, ObjectStore, Revision, StoreError, Stored},
};

/// Gives an object to another owner. No protocol has it; the number is one of a vendor's.
pub const SET_OWNER: Operation = Operation(0x8000_0001);

/// Writes a backup.
pub const BACK_UP: Operation = Operation(0x8000_0002);

/// Puts a backup into an empty store.
pub const RESTORE: Operation = Operation(0x8000_0003);

/// Removes the oldest part of the audit trail.
pub const PRUNE_AUDIT: Operation = Operation(0x8000_0004);

/// Reads the audit trail.
pub const EXPORT_AUDIT: Operation = Operation(0x8000_0005);

/// Changes the root key, or seals records anew after that.
pub const ROTATE_ROOT_KEY: Operation = Operation(0x8000_0006);

/// Returns the name of an operation in the audit trail, an operator's or a client's.
#[must_use]
pub fn operation_name(operation: Operation) -> String {
    match operation {
        SET_OWNER => "SetOwner".to_owned(),
        BACK_UP => "Backup".to_owned(),
        RESTORE => "Restore".to_owned(),
        PRUNE_AUDIT => "AuditPrune".to_owned(),
        EXPORT_AUDIT => "AuditExport".to_owned(),
        ROTATE_ROOT_KEY => "RootKeyRotate".to_owned(),
        other => other.to_string(),
    }
}

/// How many objects change owner in one transaction.
const TOGETHER: usize = 64;

/// How often several objects are tried together when clients change some of them meanwhile.
const ATTEMPTS_TOGETHER: u32 = 3;

/// How often one object is tried when clients change it meanwhile.
const ATTEMPTS_ALONE: u32 = 100;

/// An operator, and what is needed to do what one does.
pub struct Operator<'a> {
    /// Objects.
    pub store: &'a dyn ObjectStore,
    /// All of them.
    pub inventory: &'a dyn Inventory,
    /// Where every look is noted.
    pub trail: &'a dyn AuditTrail,
    /// The time.
    pub now: DateTime,
    /// Who is written into the audit trail.
    pub user: String,
    /// Says whether Names are unique among the objects of an owner.
    pub names_unique: bool,
}

/// One object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Unique Identifier.
    pub identifier: UniqueIdentifier,
    /// What is known of it; `None` if its record is damaged.
    pub facts: Option<Facts>,
}

/// What a list says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Object Type.
    pub object_type: ObjectType,
    /// State; Templates have none.
    pub state: Option<State>,
    /// Who owns it.
    pub owner: String,
    /// Its Names.
    pub names: Vec<String>,
    /// Initial Date.
    pub initial_date: Option<DateTime>,
}

/// Some of the objects that were selected, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// At most as many as were asked for.
    pub rows: Vec<Row>,
    /// How many there are.
    pub total: u64,
}

/// Why an object has not changed its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// There is no such object.
    NotFound,
    /// It is the new owner's already.
    AlreadyTheirs,
    /// Somebody else owns it than was said.
    AnotherOwner(String),
    /// The new owner has another object of that Name, and Names are unique.
    NameTaken(String),
    /// Its record is damaged.
    Damaged,
    /// Clients changed it over and over.
    Busy,
}

/// What came of giving objects to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handover {
    /// The objects that were given, and who had them.
    pub given: Vec<(UniqueIdentifier, String)>,
    /// The objects that were not, and why.
    pub kept: Vec<(UniqueIdentifier, Kept)>,
}

impl Operator<'_> {
    /// Lists objects.
    ///
    /// # Errors
    /// If the store cannot be read, or the look cannot be noted.
    pub async fn list(
        &self,
        selection: &Selection,
        maximum: Option<u64>,
    ) -> Result<Listing, StoreError> {
        self.trail.note(vec![self.event(Operation::Locate)]).await?;
        let page = self.inventory.inventory(selection, self.now, maximum).await?;
        let mut rows = Vec::with_capacity(page.items.len());
        for identifier in page.items {
            match self.store.load(&identifier).await {
                Ok(Some(stored)) => {
                    let object = Arc::unwrap_or_clone(stored.value).at(self.now);
                    rows.push(Row { identifier, facts: Some(facts(&object)) });
                }
                Ok(None) => {}
                Err(StoreError::Corrupt(_)) => rows.push(Row { identifier, facts: None }),
                Err(error) => return Err(error),
            }
        }
        let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Ok(Listing { rows, total: page.total.unwrap_or(shown) })
    }

    /// Shows one object as it is now.
    ///
    /// # Errors
    /// If it is damaged, the store cannot be read, or the look cannot be noted.
    pub async fn show(
        &self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<ManagedObject>, StoreError> {
        let event = AuditEvent {
            identifier: Some(identifier.clone()),
            ..self.event(Operation::GetAttributes)
        };
        self.trail.note(vec![event]).await?;
        let stored = self.store.load(identifier).await?;
        Ok(stored.map(|stored| Arc::unwrap_or_clone(stored.value).at(self.now)))
    }

    /// Lists the objects of an owner, the oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn owned(&self, owner: &str) -> Result<Vec<UniqueIdentifier>, StoreError> {
        let selection = Selection { owner: Some(owner.to_owned()), ..Selection::default() };
        let mut found = self.inventory.inventory(&selection, self.now, None).await?.items;
        found.reverse();
        Ok(found)
    }

    /// Gives objects to another owner, some at a time; each whole, with its event in the audit
    /// trail. If `from` is given, only objects that are its at that moment are given. Attributes
    /// stay as they are, dates too: the owner is none. `progress` is told how many were looked at.
    ///
    /// # Errors
    /// If the store fails; what was given until then stays given.
    pub async fn set_owner(
        &self,
        identifiers: &[UniqueIdentifier],
        from: Option<&str>,
        to: &str,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Handover, StoreError> {
        let mut handover = Handover::default();
        let mut seen = 0_u64;
        for some in identifiers.chunks(TOGETHER) {
            let mut some: Vec<UniqueIdentifier> = some.to_vec();
            // Twice in one change set would be in its own way.
            some.sort();
            some.dedup();
            let moved = self.give(some, from, to, ATTEMPTS_TOGETHER, &mut handover).await?;
            for identifier in moved {
                let alone = vec![identifier];
                let busy = self.give(alone, from, to, ATTEMPTS_ALONE, &mut handover).await?;
                handover.kept.extend(busy.into_iter().map(|identifier| (identifier, Kept::Busy)));
            }
            seen = seen.saturating_add(u64::try_from(TOGETHER).unwrap_or(u64::MAX));
            progress(seen.min(u64::try_from(identifiers.len()).unwrap_or(u64::MAX)));
        }
        Ok(handover)
    }

    /// Gives some objects in one change set, without those that cannot be given. Returns those that
    /// clients have changed at every attempt.
    async fn give(
        &self,
        mut some: Vec<UniqueIdentifier>,
        from: Option<&str>,
        to: &str,
        attempts: u32,
        handover: &mut Handover,
    ) -> Result<Vec<UniqueIdentifier>, StoreError> {
        let mut attempt = 0_u32;
        while attempt < attempts {
            let mut changes = ChangeSet::default();
            let mut given = Vec::new();
            for identifier in std::mem::take(&mut some) {
                match self.load_for(&identifier, from, to).await? {
                    Ok(stored) => {
                        given.push((identifier.clone(), stored.value.owner().to_owned()));
                        self.change(stored, to, &mut changes);
                        some.push(identifier);
                    }
                    Err(kept) => handover.kept.push((identifier, kept)),
                }
            }
            if some.is_empty() {
                return Ok(some);
            }
            match self.store.apply(changes).await {
                Ok(()) => {
                    handover.given.extend(given);
                    return Ok(Vec::new());
                }
                // A client was faster: read again.
                Err(StoreError::Conflict) => attempt = attempt.saturating_add(1),
                Err(StoreError::Duplicate(Claim::Name { name, identifier, .. })) => {
                    some.retain(|it| *it != identifier);
                    handover.kept.push((identifier, Kept::NameTaken(name)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(some)
    }

    async fn load_for(
        &self,
        identifier: &UniqueIdentifier,
        from: Option<&str>,
        to: &str,
    ) -> Result<Result<Stored<ManagedObject>, Kept>, StoreError> {
        Ok(match self.store.load(identifier).await {
            Ok(None) => Err(Kept::NotFound),
            Ok(Some(stored)) => match stored.value.owner() {
                owner if owner == to => Err(Kept::AlreadyTheirs),
                owner if from.is_some_and(|from| from != owner) => {
                    Err(Kept::AnotherOwner(owner.to_owned()))
                }
                _ => Ok(stored),
            },
            Err(StoreError::Corrupt(_)) => Err(Kept::Damaged),
            Err(error) => return Err(error),
        })
    }

    /// Adds the change of one object.
    fn change(&self, stored: Stored<ManagedObject>, to: &str, changes: &mut ChangeSet) {
        let Stored { value, revision } = stored;
        let identifier = value.identifier().clone();
        changes.audit.push(AuditEvent {
            identifier: Some(identifier.clone()),
            revision: Some(revision.next()),
            correlation: Some(format!("from {:?} to {to:?}", value.owner())),
            ..self.event(SET_OWNER)
        });
        let object = Arc::unwrap_or_clone(value).owned_by(to);
        if self.names_unique && !object.is_destroyed() {
            changes.claims.extend(names(&object).map(|name| Claim::Name {
                owner: to.to_owned(),
                name: name.to_owned(),
                identifier: identifier.clone(),
            }));
        }
        changes.put.push((identifier, Stored { value: Arc::new(object), revision }));
    }

    fn event(&self, operation: Operation) -> AuditEvent {
        AuditEvent {
            at: self.now,
            user: self.user.clone(),
            operation,
            identifier: None,
            revision: None::<Revision>,
            reason: None,
            correlation: None,
        }
    }
}

fn names(object: &ManagedObject) -> impl Iterator<Item = &str> {
    object.attributes().iter().filter_map(|instance| match &instance.attribute {
        Attribute::Name(name) => Some(name.name_value.as_str()),
        _ => None,
    })
}

fn facts(object: &ManagedObject) -> Facts {
    Facts {
        object_type: object.object_type(),
        state: object.state(),
        owner: object.owner().to_owned(),
        names: names(object).map(str::to_owned).collect(),
        initial_date: object.attributes().initial_date().copied(),
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::Tag;

    use super::*;
    use crate::testing::{NOW, World, aes, name};

    fn operator(world: &World, names_unique: bool) -> Operator<'_> {
        Operator {
            store: &*world.store,
            inventory: &*world.store,
            trail: &*world.store,
            now: NOW,
            user: "control:0-root".to_owned(),
            names_unique,
        }
    }

    fn key(world: &World, key_name: &str) -> UniqueIdentifier {
        world.create([aes(128), vec![name(key_name)]].concat()).unwrap()
    }

    fn give(
        operator: &Operator<'_>,
        identifiers: &[UniqueIdentifier],
        from: Option<&str>,
        to: &str,
    ) -> Handover {
        pollster::block_on(operator.set_owner(identifiers, from, to, &mut |_| {})).unwrap()
    }

    #[test]
    fn an_object_that_is_given_is_whole_and_audited() {
        let world = World::new();
        let id = key(&world, "a");
        let before = world.object(&id);
        let handed = give(&operator(&world, true), std::slice::from_ref(&id), None, "bob");
        assert_eq!(handed.given, [(id.clone(), before.owner().to_owned())]);
        assert_eq!(handed.kept, []);
        let after = world.object(&id);
        assert_eq!(after.owner(), "bob");
        assert_eq!((after.life(), after.attributes()), (before.life(), before.attributes()));
        assert_eq!(after.date(Tag::LastChangeDate), before.date(Tag::LastChangeDate));
        let event = world.store.audit().pop().unwrap();
        let expected = format!("from {:?} to \"bob\"", before.owner());
        assert_eq!((event.operation, event.user.as_str()), (SET_OWNER, "control:0-root"));
        assert_eq!((event.identifier, event.revision), (Some(id), Some(Revision(2))));
        assert_eq!(event.correlation, Some(expected));
    }

    #[test]
    fn what_is_not_given_is_named_with_its_reason() {
        let world = World::new();
        let bob = world.asked_by("bob");
        let (mine, taken, his) = (key(&world, "a"), key(&world, "b"), key(&bob, "b"));
        let none = UniqueIdentifier::new("none");
        let all = [mine.clone(), taken.clone(), his.clone(), none.clone()];
        let owner = world.object(&mine).owner().to_owned();
        let handed = give(&operator(&world, true), &all, None, "bob");
        assert_eq!(handed.given, [(mine.clone(), owner.clone())]);
        let mut kept = handed.kept;
        kept.sort_by_key(|(id, _)| id.clone());
        let mut expected = vec![
            (taken.clone(), Kept::NameTaken("b".to_owned())),
            (his, Kept::AlreadyTheirs),
            (none, Kept::NotFound),
        ];
        expected.sort_by_key(|(id, _)| id.clone());
        assert_eq!(kept, expected);
        // Where names may be the same, they are.
        let handed = give(&operator(&world, false), std::slice::from_ref(&taken), None, "bob");
        assert_eq!(handed.given, [(taken, owner)]);
        let handed =
            give(&operator(&world, false), std::slice::from_ref(&mine), Some("eve"), "eve");
        assert_eq!(handed.kept, [(mine, Kept::AnotherOwner("bob".to_owned()))]);
    }

    #[test]
    fn everything_of_an_owner_is_given_some_at_a_time() {
        let world = World::new();
        let mut all: Vec<UniqueIdentifier> =
            (0..150).map(|number| key(&world, &number.to_string())).collect();
        let owner = world.object(&all[0]).owner().to_owned();
        let operator = operator(&world, false);
        let hers = pollster::block_on(operator.owned(&owner)).unwrap();
        assert_eq!(hers, all);
        // A client is faster twice.
        world.store.fail_next(2, &StoreError::Conflict);
        let handed = give(&operator, &hers, Some(&owner), "bob");
        assert_eq!((handed.given.len(), handed.kept.len()), (150, 0));
        let mut found = pollster::block_on(operator.owned("bob")).unwrap();
        found.sort();
        all.sort();
        assert_eq!(found, all);
    }

    #[test]
    fn an_object_that_never_rests_is_told() {
        let world = World::new();
        let id = key(&world, "a");
        world.store.fail_next(103, &StoreError::Conflict);
        let handed = give(&operator(&world, false), std::slice::from_ref(&id), None, "bob");
        assert_eq!(handed.kept, [(id, Kept::Busy)]);
    }

    #[test]
    fn a_look_is_noted() {
        let world = World::new();
        let id = key(&world, "a");
        let operator = operator(&world, false);
        let before = world.store.notes().len();
        let listing = pollster::block_on(operator.list(&Selection::default(), Some(9))).unwrap();
        assert_eq!(listing.total, 1);
        let facts = listing.rows[0].facts.clone().unwrap();
        assert_eq!((facts.object_type, facts.names), (ObjectType::SymmetricKey, vec!["a".into()]));
        let shown = pollster::block_on(operator.show(&id)).unwrap().unwrap();
        assert_eq!(*shown.identifier(), id);
        let notes = world.store.notes().split_off(before);
        let looks: Vec<_> =
            notes.iter().map(|event| (event.operation, &event.identifier)).collect();
        assert_eq!(looks, [(Operation::Locate, &None), (Operation::GetAttributes, &Some(id))]);
        assert!(notes.iter().all(|event| event.user == "control:0-root"));
    }

    #[test]
    fn operators_have_names_for_what_they_do() {
        let names = [SET_OWNER, BACK_UP, RESTORE, PRUNE_AUDIT, EXPORT_AUDIT].map(operation_name);
        assert_eq!(names, ["SetOwner", "Backup", "Restore", "AuditPrune", "AuditExport"]);
        assert_eq!(operation_name(ROTATE_ROOT_KEY), "RootKeyRotate");
        assert_eq!(operation_name(Operation::Create), "Create");
    }
}
