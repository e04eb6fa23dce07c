//! Objects that another server has had: made here as Register makes them, in the state they were in
//! (KMIP 2.1 §4.57, §6.1.43).
//!
//! The transitions are those of the model. A server that does not say when they were made is taken
//! to mean: as soon as the object was there. So the outcome is the same each time.

use kmip_model::{
    DateTime, Interval, ManagedObject, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, RevocationReason},
    enumeration::{RevocationReasonCode, State, Tag},
    object::{Object, Transition},
};
use kmip_ports::{certificate::Certificates, crypto::CryptoSuite};

use crate::{
    error::OperationError,
    shared::{
        create_object::{Origin, build},
        surroundings::Surroundings,
    },
};

/// An object as the other server had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignObject {
    /// Unique Identifier, which the object keeps.
    pub unique_identifier: UniqueIdentifier,
    /// The user who owns it.
    pub owner: String,
    /// What it holds, or held.
    pub object: Object,
    /// What a client has set.
    pub attributes: AttributeSet,
    /// State.
    pub state: State,
    /// Initial Date.
    pub initial_date: DateTime,
}

/// What is needed to take objects over.
pub struct Importer<'a> {
    /// The time of the import.
    pub now: DateTime,
    /// Lease Time of new objects.
    pub lease_time: Interval,
    /// Cryptographic capabilities.
    pub crypto: &'a CryptoSuite,
    /// What certificates say.
    pub certificates: &'a dyn Certificates,
}

/// The surroundings of one object.
struct Place<'a> {
    importer: &'a Importer<'a>,
    owner: &'a str,
}

impl Surroundings for Place<'_> {
    fn now(&self) -> DateTime {
        self.importer.now
    }

    fn owner(&self) -> &str {
        self.owner
    }

    fn lease_time(&self) -> Interval {
        self.importer.lease_time
    }

    fn crypto(&self) -> &CryptoSuite {
        self.importer.crypto
    }

    fn certificates(&self) -> &dyn Certificates {
        self.importer.certificates
    }
}

impl Importer<'_> {
    /// Makes the object that is stored here: with what Register sets, its own Initial Date, and
    /// the dates and the Revocation Reason that its state must have had.
    ///
    /// # Errors
    /// If the object cannot be one of here, as Register would say it; `InvalidValue` for a
    /// state that is unknown.
    pub fn import(&self, foreign: ForeignObject) -> Result<ManagedObject, OperationError> {
        let ForeignObject { unique_identifier, owner, object, attributes, state, initial_date } =
            foreign;
        let place = Place { importer: self, owner: &owner };
        let registered = build(&place, unique_identifier, Origin::Registered, object, &attributes)?;
        let mut imported = registered;
        imported.attributes_mut().set(Attribute::InitialDate(initial_date));
        for transition in way_to(state)? {
            imported = transit(imported, *transition, initial_date)?;
        }
        imported.attributes_mut().set(Attribute::LastChangeDate(self.now));
        imported.check_dates()?;
        Ok(imported)
    }
}

/// Returns the key that an object is wrapped with, if it is wrapped and says so.
#[must_use]
pub fn wrapping_key(object: &Object) -> Option<&UniqueIdentifier> {
    let wrapping = object.key_block()?.key_wrapping_data.as_ref()?;
    wrapping.encryption_key_information.as_ref().map(|key| &key.unique_identifier)
}

/// Lists the transitions that lead from Pre-Active to a state.
fn way_to(state: State) -> Result<&'static [Transition], OperationError> {
    Ok(match state {
        State::PreActive => &[],
        State::Active => &[Transition::Activate],
        State::Deactivated => &[Transition::Activate, Transition::Deactivate],
        State::Compromised => &[Transition::Compromise],
        State::Destroyed => &[Transition::Destroy],
        State::DestroyedCompromised => &[Transition::Compromise, Transition::Destroy],
        _ => return Err(OperationError::InvalidValue(Tag::State, "there is no such state")),
    })
}

fn transit(
    object: ManagedObject,
    transition: Transition,
    at: DateTime,
) -> Result<ManagedObject, OperationError> {
    // The reason is not known; of a compromise it is known that it was one.
    let because = |revocation_reason_code| RevocationReason {
        revocation_reason_code,
        revocation_message: None,
    };
    Ok(match transition {
        Transition::Activate => object.activate(at)?,
        Transition::Deactivate => {
            object.revoke(because(RevocationReasonCode::Unspecified), None, at)?
        }
        Transition::Compromise => {
            object.revoke(because(RevocationReasonCode::KeyCompromise), None, at)?
        }
        Transition::Destroy => object.destroy(at)?,
    })
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        enumeration::{CryptographicAlgorithm, KeyFormatType},
        object::{KeyInformation, KeyWrappingData},
    };
    use kmip_testkit::{TextCertificates, fixture_suite};

    use super::*;
    use crate::testing::{NOW, World, aes, aes_key, key_block, name};

    const LONG_AGO: DateTime = DateTime(1_000);

    fn set(attributes: Vec<Attribute>) -> AttributeSet {
        let mut set = AttributeSet::default();
        for attribute in attributes {
            set.add(attribute).unwrap();
        }
        set
    }

    fn import(state: State, attributes: Vec<Attribute>) -> Result<ManagedObject, OperationError> {
        let crypto = fixture_suite(7);
        let importer = Importer {
            now: NOW,
            lease_time: Interval(3_600),
            crypto: &crypto,
            certificates: &TextCertificates,
        };
        importer.import(ForeignObject {
            unique_identifier: UniqueIdentifier::new("7"),
            owner: "bob".into(),
            object: aes_key(&[7; 16]),
            attributes: set(attributes),
            state,
            initial_date: LONG_AGO,
        })
    }

    #[test]
    fn an_imported_object_is_what_register_makes_of_it() {
        let world = World::new();
        let attributes = || [aes(128), vec![name("a"), Attribute::Sensitive(true)]].concat();
        let registered = world.register(aes_key(&[7; 16]), attributes()).unwrap();
        let registered = world.object(&registered);
        let imported = import(State::PreActive, attributes()).unwrap();
        assert_eq!(imported.owner(), "bob");
        assert_eq!(imported.life(), registered.life());
        let of_its_own = [Tag::InitialDate, Tag::ShortUniqueIdentifier, Tag::UniqueIdentifier];
        let rest = |object: &ManagedObject| {
            let mut all = object.all_attributes();
            all.retain(|instance| !of_its_own.contains(&instance.attribute.tag()));
            all
        };
        assert_eq!(rest(&imported), rest(&registered));
        assert_eq!(imported.date(Tag::InitialDate), Some(LONG_AGO));
        assert!(imported.attributes().short_unique_identifier().is_some());
    }

    #[test]
    fn every_state_has_the_dates_and_the_reason_it_must_have_had() {
        let (unspecified, compromise) =
            (Some(RevocationReasonCode::Unspecified), Some(RevocationReasonCode::KeyCompromise));
        for (state, activated, deactivated, compromised, destroyed, reason) in [
            (State::PreActive, false, false, false, false, None),
            (State::Active, true, false, false, false, None),
            (State::Deactivated, true, true, false, false, unspecified),
            (State::Compromised, false, false, true, false, compromise),
            (State::Destroyed, false, false, false, true, None),
            (State::DestroyedCompromised, false, false, true, true, compromise),
        ] {
            let object = import(state, aes(128)).unwrap();
            assert_eq!(object.state(), Some(state));
            for (tag, expected) in [
                (Tag::ActivationDate, activated),
                (Tag::DeactivationDate, deactivated),
                (Tag::CompromiseDate, compromised),
                (Tag::CompromiseOccurrenceDate, compromised),
                (Tag::DestroyDate, destroyed),
            ] {
                assert_eq!(object.date(tag), expected.then_some(LONG_AGO), "{state}: {tag}");
            }
            let found = object.attributes().revocation_reason();
            assert_eq!(found.map(|reason| reason.revocation_reason_code), reason, "{state}");
            assert_eq!(object.date(Tag::LastChangeDate), Some(NOW));
        }
    }

    #[test]
    fn an_unknown_state_is_refused() {
        assert!(matches!(
            import(State(9), aes(128)),
            Err(OperationError::InvalidValue(Tag::State, _))
        ));
    }

    #[test]
    fn what_a_wrapped_key_is_wrapped_with_is_found() {
        let mut wrapped = key_block(KeyFormatType::Raw, &[1; 24]);
        wrapped.cryptographic_algorithm = Some(CryptographicAlgorithm::Aes);
        assert_eq!(wrapping_key(&Object::SymmetricKey(wrapped.clone())), None);
        wrapped.key_wrapping_data = Some(Box::new(KeyWrappingData {
            wrapping_method: kmip_model::enumeration::WrappingMethod::Encrypt,
            encryption_key_information: Some(KeyInformation {
                unique_identifier: UniqueIdentifier::new("1"),
                cryptographic_parameters: None,
            }),
            mac_signature_key_information: None,
            mac_signature: None,
            iv_counter_nonce: None,
            encoding_option: None,
        }));
        let expected = UniqueIdentifier::new("1");
        assert_eq!(wrapping_key(&Object::SymmetricKey(wrapped)), Some(&expected));
    }
}
