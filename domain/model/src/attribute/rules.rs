//! The rules of the attribute table (KMIP 2.1 §4, 1.4 §3): who may change what, and when.

use thiserror::Error;

use crate::{
    date::DateTime,
    enumeration::{ObjectType, Operation, State, Tag},
    value::Misshapen,
};

/// One row of the attribute table.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The attribute.
    pub tag: Tag,
    /// Its name in 1.x.
    pub name: &'static str,
    /// The version that introduced it; only the codec reads this.
    pub since: (u8, u8),
    /// The version that removed it, if one did.
    pub until: Option<(u8, u8)>,
    /// Says whether it always has a value where it applies.
    pub always_has_value: bool,
    /// Who sets it first.
    pub initially_set_by: Setter,
    /// When a client may change it.
    pub modifiable_by_client: Occasion,
    /// When a client may delete it.
    pub deletable_by_client: Occasion,
    /// Says whether an object may have several.
    pub multiple_instances: bool,
    /// Which objects may have it.
    pub applies_to: Applicability,
    /// How Locate finds it.
    pub search: Search,
    /// Which operations set it by themselves.
    pub implicitly_set_by: &'static [Operation],
}

/// Who sets an attribute first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setter {
    /// The server alone.
    Server,
    /// The client alone.
    Client,
    /// Either.
    Both,
}

/// When a client may do something to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Never.
    Never,
    /// Always.
    Always,
    /// As long as the object is Pre-Active.
    WhilePreActive,
    /// As long as the object is Pre-Active or Active and the date has not come.
    UntilReached,
    /// As long as nothing of the Usage Limits has been used.
    UntilAllocated,
}

/// How Locate finds an attribute in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// It is a column of the record.
    Column,
    /// It is a keyed hash beside the record.
    Term,
    /// The opened object is looked at.
    Matched,
}

/// The objects an attribute applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applicability(pub(crate) &'static [ObjectType]);

impl Applicability {
    /// Says whether objects of this type may have the attribute.
    #[must_use]
    pub fn includes(self, object_type: ObjectType) -> bool {
        self.0.is_empty() || self.0.contains(&object_type)
    }

    /// Lists the types; none stands for all.
    #[must_use]
    pub fn object_types(self) -> &'static [ObjectType] {
        self.0
    }
}

pub(crate) const ALL: Applicability = Applicability(&[]);
pub(crate) const CERTIFICATES: Applicability = Applicability(&[ObjectType::Certificate]);
pub(crate) const CERTIFICATES_AND_PGP_KEYS: Applicability =
    Applicability(&[ObjectType::Certificate, ObjectType::PgpKey]);
pub(crate) const KEY_PAIRS: Applicability =
    Applicability(&[ObjectType::PublicKey, ObjectType::PrivateKey, ObjectType::Template]);
pub(crate) const OPAQUE_OBJECTS: Applicability = Applicability(&[ObjectType::OpaqueObject]);

impl Rules {
    /// Says whether the occasion for a client to change the attribute is now.
    pub fn check_modifiable(&self, at: &Circumstances) -> Result<(), RuleViolation> {
        match self.modifiable_by_client {
            Occasion::Never => Err(RuleViolation::ReadOnly(self.tag)),
            occasion => self.check(occasion, at),
        }
    }

    /// Says whether the occasion for a client to delete the attribute is now.
    pub fn check_deletable(&self, at: &Circumstances) -> Result<(), RuleViolation> {
        match self.deletable_by_client {
            Occasion::Never => Err(RuleViolation::NotDeletable(self.tag)),
            occasion => self.check(occasion, at),
        }
    }

    fn check(&self, occasion: Occasion, at: &Circumstances) -> Result<(), RuleViolation> {
        let reached = at.value.is_some_and(|date| date <= at.now);
        let fits = match occasion {
            Occasion::Never => false,
            Occasion::Always => true,
            Occasion::WhilePreActive => at.state == Some(State::PreActive),
            Occasion::UntilReached => {
                matches!(at.state, Some(State::PreActive | State::Active)) && !reached
            }
            Occasion::UntilAllocated => !at.allocated,
        };
        if fits { Ok(()) } else { Err(RuleViolation::WrongState(self.tag)) }
    }
}

/// What an occasion depends on.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The object's state.
    pub state: Option<State>,
    /// The attribute's value now, if it is a date and set.
    pub value: Option<DateTime>,
    /// Says whether Usage Limits have been drawn on.
    pub allocated: bool,
    /// The time.
    pub now: DateTime,
}

/// An attribute that may not be what, or where, a request wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RuleViolation {
    /// No client changes it.
    #[error("{0} is read-only")]
    ReadOnly(Tag),
    /// No client deletes it.
    #[error("{0} cannot be deleted")]
    NotDeletable(Tag),
    /// The object's state, or a date that has come, forbids the change.
    #[error("the state of the object does not allow a change of {0}")]
    WrongState(Tag),
    /// The object has one already and can have one only.
    #[error("{0} has a value and can have only one")]
    SingleValued(Tag),
    /// The request does not say which of several instances it means.
    #[error("{0} can have several values, and the request does not say which one it means")]
    MultiValued(Tag),
    /// The object has none.
    #[error("{0} is not set")]
    NotFound(Tag),
    /// The object has some, but not that one.
    #[error("{0} has no such instance")]
    InstanceNotFound(Tag),
    /// A request to add names an index.
    #[error("the index of {0} is given out by the server")]
    IndexGiven(Tag),
    /// The object has exactly that value already.
    #[error("{0} has that value already")]
    DuplicateValue(Tag),
    /// Objects of this type do not have it.
    #[error("{0} does not apply to this type of object")]
    NotApplicable(Tag),
    /// The dates would be out of order.
    #[error("the dates would be out of order at {0}")]
    DateOrder(Tag),
    /// The value contradicts what the object is.
    #[error("{0} contradicts the object")]
    Contradiction(Tag),
    /// The object would have more attributes, or larger ones, than are kept.
    #[error("{0} is more than the object can take: it has too many attributes, or too large ones")]
    TooMuch(Tag),
    /// The value is malformed.
    #[error(transparent)]
    Misshapen(#[from] Misshapen),
}
