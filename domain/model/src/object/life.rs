//! The state machine (KMIP 2.1 §4.57, 1.4 §3.22).
//!
//! ```text
//!            1            4             6
//!   none ───────▶ Pre-Active ──▶ Active ──▶ Deactivated
//!                   │    │         │           │    │
//!                   │2   │3        │5         8│    │7
//!                   │    └─────────┴──▶ Compromised │
//!                   ▼                       │9      ▼
//!               Destroyed ◀─────────────────┼── (Destroyed)
//!                   │10                     ▼
//!                   └──────────────▶ Destroyed Compromised
//! ```
//!
//! A destroyed object has no field for what it held. Each transition consumes the object; what is
//! not drawn is refused.

use thiserror::Error;

use super::{ManagedObject, Object};
use crate::{
    attribute::{Attribute, RevocationReason},
    date::DateTime,
    enumeration::{ObjectType, State, Tag},
};

/// Where an object is in its life, and what it holds there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Not yet in use.
    PreActive(Object),
    /// In use.
    Active(Object),
    /// No longer used to protect.
    Deactivated(Object),
    /// Known or feared to be in others' hands.
    Compromised(Object),
    /// Gone; only the type is left.
    Destroyed(ObjectType),
    /// Gone, and known or feared to have been in others' hands.
    DestroyedCompromised(ObjectType),
}

impl Life {
    /// Returns the State.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::PreActive(_) => State::PreActive,
            Self::Active(_) => State::Active,
            Self::Deactivated(_) => State::Deactivated,
            Self::Compromised(_) => State::Compromised,
            Self::Destroyed(_) => State::Destroyed,
            Self::DestroyedCompromised(_) => State::DestroyedCompromised,
        }
    }
}

/// What a request wanted to do to an object's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Activate.
    Activate,
    /// Revoke for another reason than a compromise.
    Deactivate,
    /// Revoke for a compromise.
    Compromise,
    /// Destroy.
    Destroy,
}

/// A transition that the state machine does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("object is {from}, which does not allow {transition:?}")]
pub struct IllegalTransition {
    /// What was wanted.
    pub transition: Transition,
    /// The state it was wanted in.
    pub from: State,
}

impl ManagedObject {
    /// Lets the dates that have come take effect: transitions 4 and 6.
    #[must_use]
    pub fn at(mut self, now: DateTime) -> Self {
        let come = |date: Option<DateTime>| date.is_some_and(|date| date <= now);
        if self.object_type() == ObjectType::Template {
            return self;
        }
        if come(self.date(Tag::ActivationDate)) {
            //= KMIP-2.1 §4.57 transition 4
            self.life = match self.life {
                Life::PreActive(object) => Life::Active(object),
                other => other,
            };
        }
        if come(self.date(Tag::DeactivationDate)) {
            //= KMIP-2.1 §4.57 transition 6
            self.life = match self.life {
                Life::Active(object) => Life::Deactivated(object),
                other => other,
            };
        }
        self
    }

    /// Returns the next instant at which a date changes the state.
    #[must_use]
    pub fn next_change_at(&self) -> Option<DateTime> {
        if self.object_type() == ObjectType::Template {
            return None;
        }
        match self.life {
            Life::PreActive(_) => self.date(Tag::ActivationDate),
            Life::Active(_) => self.date(Tag::DeactivationDate),
            _ => None,
        }
    }

    /// Activates a Pre-Active object.
    pub fn activate(mut self, now: DateTime) -> Result<Self, IllegalTransition> {
        //= KMIP-2.1 §4.57 transition 4
        self.life = match self.life {
            Life::PreActive(object) if object.object_type() != ObjectType::Template => {
                Life::Active(object)
            }
            other => return Err(refused(Transition::Activate, &other)),
        };
        self.attributes.set(Attribute::ActivationDate(now));
        self.attributes.set(Attribute::LastChangeDate(now));
        Ok(self)
    }

    /// Revokes an object: a compromise from every state, another reason from Active only.
    pub fn revoke(
        self,
        reason: RevocationReason,
        compromise_occurrence_date: Option<DateTime>,
        now: DateTime,
    ) -> Result<Self, IllegalTransition> {
        if reason.is_compromise() {
            self.compromise(reason, compromise_occurrence_date, now)
        } else {
            self.deactivate(reason, now)
        }
    }

    fn deactivate(
        mut self,
        reason: RevocationReason,
        now: DateTime,
    ) -> Result<Self, IllegalTransition> {
        //= KMIP-2.1 §4.57 transition 6
        self.life = match self.life {
            Life::Active(object) => Life::Deactivated(object),
            other => return Err(refused(Transition::Deactivate, &other)),
        };
        self.attributes.set(Attribute::DeactivationDate(now));
        self.attributes.set(Attribute::RevocationReason(reason));
        self.attributes.set(Attribute::LastChangeDate(now));
        Ok(self)
    }

    fn compromise(
        mut self,
        reason: RevocationReason,
        occurrence: Option<DateTime>,
        now: DateTime,
    ) -> Result<Self, IllegalTransition> {
        self.life = match self.life {
            //= KMIP-2.1 §4.57 transitions 3, 5 and 8
            Life::PreActive(object) | Life::Active(object) | Life::Deactivated(object)
                if object.object_type() != ObjectType::Template =>
            {
                Life::Compromised(object)
            }
            //= KMIP-2.1 §4.57 transition 10
            Life::Destroyed(object_type) if object_type != ObjectType::Template => {
                Life::DestroyedCompromised(object_type)
            }
            // Told again, the object stays what it is, with the dates of the first time.
            again @ (Life::Compromised(_) | Life::DestroyedCompromised(_)) => {
                self.life = again;
                return Ok(self);
            }
            other => return Err(refused(Transition::Compromise, &other)),
        };
        //= KMIP-2.1 §6.1.44
        // A client that does not know when it happened means: since the beginning.
        let occurrence = occurrence.or_else(|| self.date(Tag::InitialDate)).unwrap_or(now);
        self.attributes.set(Attribute::CompromiseOccurrenceDate(occurrence));
        self.attributes.set(Attribute::CompromiseDate(now));
        self.attributes.set(Attribute::RevocationReason(reason));
        self.attributes.set(Attribute::LastChangeDate(now));
        Ok(self)
    }

    /// Destroys an object that is not Active: what it holds is erased.
    pub fn destroy(mut self, now: DateTime) -> Result<Self, IllegalTransition> {
        // What follows from the object while it is there is written down before it goes.
        let format = self.object().and_then(Object::key_format_type);
        let opaque_data_type = match self.object() {
            Some(Object::OpaqueObject { opaque_data_type, .. }) => Some(*opaque_data_type),
            _ => None,
        };
        self.life = match self.life {
            //= KMIP-2.1 §4.57 transitions 2 and 7
            Life::PreActive(object) | Life::Deactivated(object) => {
                Life::Destroyed(object.object_type())
            }
            //= KMIP-2.1 §4.57 transition 9
            Life::Compromised(object) => Life::DestroyedCompromised(object.object_type()),
            other => return Err(refused(Transition::Destroy, &other)),
        };
        if let Some(format) = format {
            self.attributes.set(Attribute::KeyFormatType(format));
        }
        if let Some(opaque_data_type) = opaque_data_type {
            self.attributes.set(Attribute::OpaqueDataType(opaque_data_type));
        }
        self.attributes.set(Attribute::DestroyDate(now));
        self.attributes.set(Attribute::LastChangeDate(now));
        Ok(self)
    }
}

const fn refused(transition: Transition, life: &Life) -> IllegalTransition {
    IllegalTransition { transition, from: life.state() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribute::{AttributeReference, AttributeSet},
        enumeration::{OpaqueDataType, RevocationReasonCode},
        identifier::UniqueIdentifier,
        material::Material,
    };

    const NOW: DateTime = DateTime(100);

    fn in_state(state: State) -> ManagedObject {
        let object = || Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0000),
            opaque_data_value: Material::new(vec![1]),
        };
        let life = match state {
            State::PreActive => Life::PreActive(object()),
            State::Active => Life::Active(object()),
            State::Deactivated => Life::Deactivated(object()),
            State::Compromised => Life::Compromised(object()),
            State::Destroyed => Life::Destroyed(ObjectType::OpaqueObject),
            _ => Life::DestroyedCompromised(ObjectType::OpaqueObject),
        };
        let mut attributes = AttributeSet::default();
        attributes.set(Attribute::InitialDate(DateTime(1)));
        ManagedObject::restore(UniqueIdentifier::new("a"), "alice".into(), attributes, life)
    }

    fn run(transition: Transition, from: State) -> Option<State> {
        let object = in_state(from);
        let revoke =
            |code| RevocationReason { revocation_reason_code: code, revocation_message: None };
        let result = match transition {
            Transition::Activate => object.activate(NOW),
            Transition::Deactivate => {
                object.revoke(revoke(RevocationReasonCode::CessationOfOperation), None, NOW)
            }
            Transition::Compromise => {
                object.revoke(revoke(RevocationReasonCode::KeyCompromise), None, NOW)
            }
            Transition::Destroy => object.destroy(NOW),
        };
        result.ok().map(|object| object.life.state())
    }

    #[test]
    fn every_state_by_every_transition() {
        use State as S;
        let states = [
            S::PreActive,
            S::Active,
            S::Deactivated,
            S::Compromised,
            S::Destroyed,
            S::DestroyedCompromised,
        ];
        let table = [
            (Transition::Activate, [Some(S::Active), None, None, None, None, None]),
            (Transition::Deactivate, [None, Some(S::Deactivated), None, None, None, None]),
            (
                Transition::Compromise,
                [
                    Some(S::Compromised),
                    Some(S::Compromised),
                    Some(S::Compromised),
                    Some(S::Compromised),
                    Some(S::DestroyedCompromised),
                    Some(S::DestroyedCompromised),
                ],
            ),
            (
                Transition::Destroy,
                [
                    Some(S::Destroyed),
                    None,
                    Some(S::Destroyed),
                    Some(S::DestroyedCompromised),
                    None,
                    None,
                ],
            ),
        ];
        for (transition, row) in table {
            for (from, to) in states.into_iter().zip(row) {
                assert_eq!(run(transition, from), to, "{transition:?} from {from}");
            }
        }
    }

    #[test]
    fn dates_that_have_come_move_the_state() {
        let dated = |activation, deactivation| {
            let mut object = in_state(State::PreActive);
            object.attributes.set(Attribute::ActivationDate(DateTime(activation)));
            object.attributes.set(Attribute::DeactivationDate(DateTime(deactivation)));
            object
        };
        for (activation, deactivation, state, next) in [
            (200, 300, State::PreActive, Some(DateTime(200))),
            (100, 300, State::Active, Some(DateTime(300))),
            (50, 100, State::Deactivated, None),
        ] {
            let object = dated(activation, deactivation).at(NOW);
            assert_eq!(object.state(), Some(state));
            assert_eq!(object.next_change_at(), next);
        }
    }

    #[test]
    fn a_compromise_without_occurrence_happened_at_the_initial_date() {
        let reason = RevocationReason {
            revocation_reason_code: RevocationReasonCode::CaCompromise,
            revocation_message: None,
        };
        let object = in_state(State::Active).revoke(reason, None, NOW).unwrap();
        assert_eq!(object.date(Tag::CompromiseOccurrenceDate), Some(DateTime(1)));
        assert_eq!(object.date(Tag::CompromiseDate), Some(NOW));
    }

    #[test]
    fn a_destroyed_object_holds_nothing() {
        let object = in_state(State::PreActive).destroy(NOW).unwrap();
        assert_eq!(object.object(), None);
        assert_eq!(object.object_type(), ObjectType::OpaqueObject);
        assert_eq!(object.date(Tag::DestroyDate), Some(NOW));
    }

    #[test]
    fn a_destroyed_object_still_says_what_it_was() {
        let object = in_state(State::PreActive).destroy(NOW).unwrap();
        for tag in [Tag::KeyFormatType, Tag::OpaqueDataType] {
            let reference = AttributeReference::Standard(tag);
            assert_eq!(object.attribute(&reference).len(), 1, "{tag}");
        }
    }
}
