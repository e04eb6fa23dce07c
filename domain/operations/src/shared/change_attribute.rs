//! Changes of attributes: the rules that Add, Modify, Set and Delete share (KMIP 2.1 §4, 1.4 §3).

use std::sync::Arc;

use kmip_model::{
    DateTime, IdentifierRef, ManagedObject, Value,
    attribute::{Attribute, AttributeReference, Circumstances, RuleViolation, Rules, Setter},
    enumeration::Tag,
};
use kmip_ports::store::Revision;

use crate::{error::OperationError, processor::Item};

/// An object whose attributes are being changed.
pub(crate) struct Change {
    /// The object.
    pub(crate) object: ManagedObject,
    revision: Revision,
    dates_in_order: bool,
}

impl Change {
    /// Fetches the object; what is destroyed is not changed any more.
    pub(crate) async fn begin(
        item: &mut Item<'_>,
        reference: &IdentifierRef,
    ) -> Result<Self, OperationError> {
        let fetched = item.fetch(reference).await?;
        if fetched.value.is_destroyed() {
            return Err(OperationError::Destroyed);
        }
        let object = Arc::unwrap_or_clone(fetched.value);
        let dates_in_order = object.check_dates().is_ok();
        Ok(Self { object, revision: fetched.revision, dates_in_order })
    }

    /// Checks the dates, lets those that have come take effect, and saves.
    pub(crate) fn save(mut self, item: &mut Item<'_>) -> Result<(), OperationError> {
        // Activate and Revoke set dates to now, whatever the others are; what they have brought
        // out of order is no reason to refuse every later change.
        if self.dates_in_order {
            self.object.check_dates()?;
        }
        self.object.attributes().check_size()?;
        self.object.attributes_mut().set(Attribute::LastChangeDate(item.now()));
        item.save(self.object.at(item.now()), self.revision);
        Ok(())
    }

    /// Checks that a client may give the attribute a first value.
    pub(crate) fn check_new(
        &self,
        attribute: &Attribute,
        now: DateTime,
    ) -> Result<(), OperationError> {
        let reference = attribute.reference();
        if reference.is_of_the_server() {
            return Err(RuleViolation::ReadOnly(reference.tag()).into());
        }
        let Some(rules) = reference.rules() else {
            return Ok(());
        };
        if rules.initially_set_by == Setter::Server {
            return Err(RuleViolation::ReadOnly(rules.tag).into());
        }
        if !rules.applies_to.includes(self.object.object_type()) {
            return Err(RuleViolation::NotApplicable(rules.tag).into());
        }
        // A date may come late, as long as its change could.
        if matches!(attribute.to_value(), Value::DateTime(_)) {
            rules.check_modifiable(&self.circumstances(rules, now))?;
        }
        Ok(())
    }

    /// Checks that a client may replace a value of the attribute.
    pub(crate) fn check_modifiable(
        &self,
        reference: &AttributeReference,
        now: DateTime,
    ) -> Result<(), OperationError> {
        if reference.is_of_the_server() {
            return Err(RuleViolation::ReadOnly(reference.tag()).into());
        }
        if let Some(rules) = reference.rules() {
            rules.check_modifiable(&self.circumstances(rules, now))?;
        }
        Ok(())
    }

    /// Checks that a client may delete a value of the attribute.
    pub(crate) fn check_deletable(
        &self,
        reference: &AttributeReference,
        now: DateTime,
    ) -> Result<(), OperationError> {
        if reference.is_of_the_server() {
            return Err(RuleViolation::NotDeletable(reference.tag()).into());
        }
        if let Some(rules) = reference.rules() {
            rules.check_deletable(&self.circumstances(rules, now))?;
        }
        Ok(())
    }

    /// Does what follows from a new value of an attribute.
    pub(crate) fn follow(&mut self, item: &mut Item<'_>, attribute: &Attribute) {
        match attribute {
            Attribute::Name(name) => item.claim_name(&self.object, &name.name_value),
            //= KMIP-2.1 §4.3 and §4.33
            // Once not sensitive, or extractable, for ever not always, or never.
            Attribute::Sensitive(false) => {
                self.object.attributes_mut().set(Attribute::AlwaysSensitive(false));
            }
            Attribute::Extractable(true) => {
                self.object.attributes_mut().set(Attribute::NeverExtractable(false));
            }
            _ => {}
        }
    }

    /// Refuses to take a protection away: Sensitive stays, and what is not Extractable stays so.
    pub(crate) fn check_protection(&self, attribute: &Attribute) -> Result<(), OperationError> {
        let attributes = self.object.attributes();
        let loosened = match attribute {
            Attribute::Sensitive(false) => attributes.sensitive() == Some(&true),
            Attribute::Extractable(true) => attributes.extractable() == Some(&false),
            _ => false,
        };
        if loosened {
            return Err(RuleViolation::ReadOnly(attribute.tag()).into());
        }
        Ok(())
    }

    /// Completes Usage Limits: what the client says of the Count does not count.
    pub(crate) fn completed(attribute: Attribute) -> Attribute {
        match attribute {
            Attribute::UsageLimits(mut limits) => {
                limits.usage_limits_count = Some(limits.usage_limits_total);
                Attribute::UsageLimits(limits)
            }
            other => other,
        }
    }

    fn circumstances(&self, rules: &Rules, now: DateTime) -> Circumstances {
        let allocated = self.object.attributes().usage_limits().is_some_and(|limits| {
            limits.usage_limits_count.is_some_and(|count| count != limits.usage_limits_total)
        });
        Circumstances {
            state: self.object.state(),
            value: self.object.date(rules.tag),
            allocated,
            now,
        }
    }
}

/// Refuses references to attributes that no object can have.
pub(crate) fn check_known(reference: &AttributeReference) -> Result<(), OperationError> {
    let known = match reference {
        AttributeReference::Standard(tag) => Rules::of(*tag).is_some(),
        AttributeReference::Vendor { .. } => true,
        AttributeReference::Unknown(_) => false,
    };
    if known { Ok(()) } else { Err(OperationError::UnknownAttribute) }
}

/// Says whether the attribute is one that a repeated addition replaces: clients of 1.x set the
/// Operation Policy Name again after the server has set it.
pub(crate) fn replaces_when_added(attribute: &Attribute) -> bool {
    attribute.tag() == Tag::OperationPolicyName
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Interval, UniqueIdentifier,
        attribute::{
            AlternativeName, ApplicationSpecificInformation, CryptographicParameters,
            KeyValueLocation, Link, Name, Occasion, RevocationReason, RotateName, UsageLimits,
            VendorAttribute,
        },
        enumeration::{
            AlternativeNameType, CertificateType, CryptographicUsageMask, KeyValueLocationType,
            LinkType, ObjectType, Operation, ProtectionLevel, RevocationReasonCode, RotateNameType,
            State, UsageLimitsUnit,
        },
        object::Object,
        policy::{Permission, Policies, Policy, PolicyRules},
        value::Valued as _,
    };

    use super::*;
    use crate::{
        ops::{
            self, Request, add_attribute, delete_attribute, modify_attribute, revoke, set_attribute,
        },
        testing::{NOW, ONE, World, aes, aes_key, name},
    };

    fn add(
        world: &World,
        id: &UniqueIdentifier,
        attribute: Attribute,
    ) -> Result<(), OperationError> {
        world
            .run(Request::AddAttribute(add_attribute::Request {
                unique_identifier: id.clone().into(),
                attribute,
                attribute_index: None,
            }))
            .map(drop)
    }

    fn modify(
        world: &World,
        id: &UniqueIdentifier,
        selection: modify_attribute::Selection,
        attribute: Attribute,
    ) -> Result<(), OperationError> {
        let unique_identifier = id.clone().into();
        world
            .run(Request::ModifyAttribute(modify_attribute::Request {
                unique_identifier,
                selection,
                attribute,
            }))
            .map(drop)
    }

    fn set(world: &World, id: &UniqueIdentifier, new: Attribute) -> Result<(), OperationError> {
        world
            .run(Request::SetAttribute(set_attribute::Request {
                unique_identifier: id.clone().into(),
                new_attribute: new,
            }))
            .map(drop)
    }

    fn delete(
        world: &World,
        id: &UniqueIdentifier,
        selection: delete_attribute::Selection,
    ) -> Result<(), OperationError> {
        world
            .run(Request::DeleteAttribute(delete_attribute::Request {
                unique_identifier: id.clone().into(),
                selection,
            }))
            .map(drop)
    }

    fn key(world: &World) -> UniqueIdentifier {
        let mask = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
        let mut attributes = aes(256);
        attributes.push(Attribute::CryptographicUsageMask(mask));
        world.create(attributes).unwrap()
    }

    fn custom(vendor: &str, value: i32) -> Attribute {
        Attribute::Vendor(VendorAttribute {
            vendor_identification: vendor.into(),
            attribute_name: "a".into(),
            attribute_value: Value::Integer(value),
        })
    }

    fn at(seconds: i64) -> DateTime {
        DateTime(NOW.0.saturating_add(seconds))
    }

    #[test]
    fn what_the_server_sets_is_read_only_for_every_operation() {
        let world = World::new();
        let id = key(&world);
        for attribute in [
            Attribute::State(State::Compromised),
            Attribute::InitialDate(DateTime(0)),
            Attribute::UniqueIdentifier(UniqueIdentifier::new("x")),
            Attribute::CryptographicLength(128),
            Attribute::AlwaysSensitive(true),
            custom("y", 1),
        ] {
            let refused = Err(RuleViolation::ReadOnly(attribute.tag()).into());
            assert_eq!(add(&world, &id, attribute.clone()), refused, "{attribute:?}");
            let only = modify_attribute::Selection::Only;
            assert_eq!(modify(&world, &id, only, attribute.clone()), refused, "{attribute:?}");
        }
        assert!(set(&world, &id, Attribute::State(State::Active)).is_err());
        assert_eq!(world.object(&id).state(), Some(State::PreActive));
    }

    #[test]
    fn a_single_valued_attribute_is_added_once_and_then_modified_or_set() {
        let world = World::new();
        let id = key(&world);
        let contact = |text: &str| Attribute::ContactInformation(text.into());
        assert_eq!(add(&world, &id, contact("a")), Ok(()));
        assert_eq!(
            add(&world, &id, contact("b")),
            Err(RuleViolation::SingleValued(Tag::ContactInformation).into())
        );
        assert_eq!(modify(&world, &id, modify_attribute::Selection::Only, contact("b")), Ok(()));
        assert_eq!(set(&world, &id, contact("c")), Ok(()));
        assert_eq!(world.values(&id, Tag::ContactInformation), [Value::TextString("c".into())]);
    }

    #[test]
    fn a_multi_valued_attribute_cannot_be_set_and_is_modified_by_value_or_index() {
        let world = World::new();
        let id = key(&world);
        for text in ["a", "b"] {
            assert_eq!(add(&world, &id, name(text)), Ok(()));
        }
        assert_eq!(set(&world, &id, name("c")), Err(RuleViolation::MultiValued(Tag::Name).into()));
        assert_eq!(
            modify(&world, &id, modify_attribute::Selection::Only, name("c")),
            Err(RuleViolation::MultiValued(Tag::Name).into())
        );
        let current = modify_attribute::Selection::Current(name("b"));
        assert_eq!(modify(&world, &id, current, name("c")), Ok(()));
        let none = modify_attribute::Selection::Index(Some(7));
        assert_eq!(
            modify(&world, &id, none, name("d")),
            Err(RuleViolation::InstanceNotFound(Tag::Name).into())
        );
        let first = modify_attribute::Selection::Index(None);
        assert_eq!(modify(&world, &id, first, name("d")), Ok(()));
        let object = world.object(&id);
        let names: Vec<&Name> = object
            .attributes()
            .iter()
            .filter_map(|instance| match &instance.attribute {
                Attribute::Name(name) => Some(name),
                _ => None,
            })
            .collect();
        assert_eq!(names, [&Name::text("d"), &Name::text("c")]);
    }

    #[test]
    fn an_index_in_a_request_to_add_is_refused() {
        let world = World::new().speaking(ONE);
        let id = key(&world);
        let request = Request::AddAttribute(add_attribute::Request {
            unique_identifier: id.into(),
            attribute: name("a"),
            attribute_index: Some(0),
        });
        assert_eq!(world.run(request), Err(RuleViolation::IndexGiven(Tag::Name).into()));
    }

    #[test]
    fn a_name_of_another_object_is_refused_in_2_x_and_taken_in_1_x() {
        let world = World::new();
        let (first, second) = (key(&world), key(&world));
        assert_eq!(add(&world, &first, name("a")), Ok(()));
        assert_eq!(add(&world, &second, name("a")), Err(OperationError::DuplicateName));
        assert_eq!(add(&world.speaking(ONE), &second, name("a")), Ok(()));
        let bob = world.asked_by("bob");
        let his = key(&bob);
        assert_eq!(add(&bob, &his, name("a")), Ok(()));
    }

    #[test]
    fn dates_follow_the_state_and_each_other() {
        let world = World::new();
        let id = key(&world);
        let only = || modify_attribute::Selection::Only;
        assert_eq!(add(&world, &id, Attribute::DeactivationDate(at(100))), Ok(()));
        assert_eq!(
            add(&world, &id, Attribute::ActivationDate(at(200))),
            Err(RuleViolation::DateOrder(Tag::DeactivationDate).into())
        );
        assert_eq!(add(&world, &id, Attribute::ActivationDate(at(50))), Ok(()));
        assert_eq!(world.object(&id).state(), Some(State::PreActive));
        assert_eq!(modify(&world, &id, only(), Attribute::ActivationDate(NOW)), Ok(()));
        assert_eq!(world.object(&id).state(), Some(State::Active));
        assert_eq!(
            modify(&world, &id, only(), Attribute::ActivationDate(at(1))),
            Err(RuleViolation::WrongState(Tag::ActivationDate).into())
        );
        assert_eq!(modify(&world, &id, only(), Attribute::DeactivationDate(NOW)), Ok(()));
        assert_eq!(world.object(&id).state(), Some(State::Deactivated));
    }

    #[test]
    fn dates_that_the_server_has_brought_out_of_order_forbid_no_other_change() {
        let world = World::new();
        let id = key(&world);
        assert_eq!(add(&world, &id, Attribute::ActivationDate(NOW)), Ok(()));
        assert_eq!(add(&world, &id, Attribute::ProtectStopDate(at(100))), Ok(()));
        let revoke = revoke::Request {
            unique_identifier: id.clone().into(),
            revocation_reason: RevocationReason {
                revocation_reason_code: RevocationReasonCode::CessationOfOperation,
                revocation_message: None,
            },
            compromise_occurrence_date: None,
        };
        world.run(Request::Revoke(revoke)).unwrap();
        assert_eq!(add(&world, &id, name("a")), Ok(()));
    }

    #[test]
    fn an_object_does_not_grow_without_end() {
        let world = World::new();
        let id = key(&world);
        let large = |text: &str| Attribute::ObjectGroup(text.repeat(400_000));
        assert_eq!(add(&world, &id, large("a")), Ok(()));
        assert_eq!(add(&world, &id, large("b")), Ok(()));
        let refused = RuleViolation::TooMuch(Tag::ObjectGroup);
        assert_eq!(add(&world, &id, large("c")), Err(refused.into()));
    }

    /// One value for every attribute that a client may delete whenever it likes.
    fn deletable() -> Vec<Attribute> {
        vec![
            name("n"),
            Attribute::CryptographicParameters(Box::new(CryptographicParameters::EMPTY)),
            Attribute::ObjectGroup("g".into()),
            Attribute::Link(Link {
                link_type: LinkType::ParentLink,
                linked_object_identifier: UniqueIdentifier::new("p"),
            }),
            Attribute::ApplicationSpecificInformation(ApplicationSpecificInformation {
                application_namespace: "s".into(),
                application_data: Some("d".into()),
            }),
            Attribute::ContactInformation("c".into()),
            Attribute::AlternativeName(AlternativeName {
                alternative_name_value: "a".into(),
                alternative_name_type: AlternativeNameType::UninterpretedTextString,
            }),
            Attribute::KeyValueLocation(KeyValueLocation {
                key_value_location_value: "l".into(),
                key_value_location_type: KeyValueLocationType::UninterpretedTextString,
            }),
            Attribute::Pkcs12FriendlyName("f".into()),
            Attribute::Description("d".into()),
            Attribute::Comment("c".into()),
            Attribute::ProtectionLevel(ProtectionLevel::High),
            Attribute::ProtectionPeriod(Interval(1)),
            Attribute::QuantumSafe(false),
            Attribute::RotateName(RotateName {
                rotate_name_value: "r".into(),
                rotate_name_type: RotateNameType::UninterpretedTextString,
            }),
            custom("x", 1),
        ]
    }

    #[test]
    fn what_may_be_deleted_is_added_shown_and_gone() {
        use delete_attribute::Selection;
        let samples = deletable();
        for rules in Rules::all() {
            let always = rules.deletable_by_client == Occasion::Always;
            let listed = samples.iter().any(|sample| sample.tag() == rules.tag);
            assert_eq!(always, listed, "{}", rules.name);
        }
        let world = World::new();
        for sample in samples {
            let id = key(&world);
            let reference = sample.reference();
            assert_eq!(add(&world, &id, sample.clone()), Ok(()), "{sample:?}");
            assert_eq!(world.object(&id).attribute(&reference)[0].attribute, sample);
            assert_eq!(delete(&world, &id, Selection::Index(reference.clone(), None)), Ok(()));
            assert!(!world.object(&id).attributes().has(&reference), "{sample:?}");
        }
    }

    #[test]
    fn what_no_client_changes_stays_as_it_is() {
        let world = World::new();
        let certificate = Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: kmip_testkit::fixture_certificate("ee"),
        };
        for id in [key(&world), world.register(certificate, Vec::new()).unwrap()] {
            let before = world.object(&id).all_attributes();
            for instance in &before {
                let attribute = instance.attribute.clone();
                let reference = attribute.reference();
                let rules = reference.rules().expect("the server sets standard attributes only");
                if rules.modifiable_by_client == Occasion::Never {
                    let index = modify_attribute::Selection::Index(Some(instance.index));
                    let refused = Err(RuleViolation::ReadOnly(rules.tag).into());
                    assert_eq!(modify(&world, &id, index, attribute.clone()), refused);
                    assert!(set(&world, &id, attribute.clone()).is_err(), "{attribute:?}");
                    let added = add(&world, &id, attribute.clone());
                    assert_eq!(added.is_ok(), replaces_when_added(&attribute), "{attribute:?}");
                }
                if rules.deletable_by_client == Occasion::Never {
                    let every = delete_attribute::Selection::Every(reference.clone());
                    let refused = Err(RuleViolation::NotDeletable(rules.tag).into());
                    assert_eq!(delete(&world, &id, every), refused);
                }
            }
            assert_eq!(world.object(&id).all_attributes(), before);
        }
    }

    #[test]
    fn a_name_changes_though_the_key_stays_where_it_is() {
        let world = World::new().speaking(ONE);
        let hidden = vec![Attribute::Extractable(false), Attribute::Sensitive(true), name("a")];
        let id = world.register(aes_key(&[1; 16]), hidden).unwrap();
        let before = world.object(&id).object().cloned();
        let first = modify_attribute::Selection::Index(None);
        assert_eq!(modify(&world, &id, first, name("b")), Ok(()));
        assert_eq!(world.object(&id).object().cloned(), before);
        assert_eq!(world.values(&id, Tag::Name), [Name::text("b").to_value()]);
    }

    #[test]
    fn what_is_destroyed_is_not_activated_any_more_and_says_why() {
        let world = World::new();
        let id = key(&world);
        let destroy = ops::destroy::Request { unique_identifier: id.clone().into() };
        world.run(Request::Destroy(destroy)).unwrap();
        let activate = ops::activate::Request { unique_identifier: id.into() };
        let refused = world.run(Request::Activate(activate));
        assert!(matches!(
            refused,
            Err(OperationError::Transition(illegal)) if illegal.from == State::Destroyed
        ));
    }

    #[test]
    fn protection_is_taken_on_and_not_put_off() {
        let world = World::new();
        let id = key(&world);
        let only = || modify_attribute::Selection::Only;
        assert_eq!(modify(&world, &id, only(), Attribute::Sensitive(true)), Ok(()));
        assert_eq!(modify(&world, &id, only(), Attribute::Extractable(false)), Ok(()));
        for attribute in [Attribute::Sensitive(false), Attribute::Extractable(true)] {
            let refused = Err(RuleViolation::ReadOnly(attribute.tag()).into());
            assert_eq!(modify(&world, &id, only(), attribute.clone()), refused);
            assert_eq!(set(&world, &id, attribute), refused);
        }
        // What once was not sensitive was not always.
        assert_eq!(world.values(&id, Tag::AlwaysSensitive), [Value::Boolean(false)]);
        assert_eq!(world.values(&id, Tag::NeverExtractable), [Value::Boolean(false)]);
    }

    #[test]
    fn the_count_of_usage_limits_starts_at_the_total() {
        let world = World::new();
        let id = key(&world);
        let limits = Attribute::UsageLimits(UsageLimits {
            usage_limits_total: 10,
            usage_limits_count: Some(99),
            usage_limits_unit: UsageLimitsUnit::Object,
        });
        assert_eq!(add(&world, &id, limits), Ok(()));
        let stored = world.object(&id).attributes().usage_limits().cloned();
        assert_eq!(stored.and_then(|limits| limits.usage_limits_count), Some(10));
    }

    #[test]
    fn attributes_are_deleted_by_index_by_value_or_all() {
        use delete_attribute::Selection;
        let world = World::new();
        let id = key(&world);
        let reference = AttributeReference::Standard(Tag::ObjectGroup);
        for text in ["a", "b", "c", "d"] {
            assert_eq!(add(&world, &id, Attribute::ObjectGroup(text.into())), Ok(()));
        }
        assert_eq!(delete(&world, &id, Selection::Index(reference.clone(), Some(1))), Ok(()));
        let third = Selection::Current(Attribute::ObjectGroup("c".into()));
        assert_eq!(delete(&world, &id, third.clone()), Ok(()));
        assert_eq!(
            delete(&world, &id, third),
            Err(RuleViolation::InstanceNotFound(Tag::ObjectGroup).into())
        );
        assert_eq!(delete(&world, &id, Selection::Every(reference.clone())), Ok(()));
        assert_eq!(world.values(&id, Tag::ObjectGroup), []);
        assert_eq!(
            delete(&world, &id, Selection::Every(reference)),
            Err(RuleViolation::NotFound(Tag::ObjectGroup).into())
        );
    }

    #[test]
    fn what_must_stay_is_not_deleted() {
        use delete_attribute::Selection;
        let world = World::new();
        let id = key(&world);
        for tag in [Tag::State, Tag::CryptographicAlgorithm, Tag::Digest, Tag::ActivationDate] {
            assert_eq!(
                delete(&world, &id, Selection::Every(AttributeReference::Standard(tag))),
                Err(RuleViolation::NotDeletable(tag).into())
            );
        }
        assert_eq!(
            delete(&world, &id, Selection::Every(AttributeReference::Unknown("Nam".into()))),
            Err(OperationError::UnknownAttribute)
        );
    }

    #[test]
    fn a_change_is_dated_and_a_refused_one_is_not() {
        let world = World::new();
        let id = key(&world);
        world.clock.advance(Interval(5));
        let parameters = Attribute::CryptographicParameters(Box::new(CryptographicParameters {
            padding_method: None,
            ..CryptographicParameters::EMPTY
        }));
        assert_eq!(add(&world, &id, parameters.clone()), Ok(()));
        assert_eq!(world.values(&id, Tag::LastChangeDate), [Value::DateTime(at(5))]);
        world.clock.advance(Interval(5));
        assert_eq!(
            add(&world, &id, parameters),
            Err(RuleViolation::DuplicateValue(Tag::CryptographicParameters).into())
        );
        assert_eq!(world.values(&id, Tag::LastChangeDate), [Value::DateTime(at(5))]);
    }

    #[test]
    fn the_operation_policy_name_is_set_again_by_adding_it() {
        let world = World::new().speaking(ONE);
        let id = key(&world);
        assert_eq!(add(&world, &id, Attribute::OperationPolicyName("default".into())), Ok(()));
        assert_eq!(
            world.values(&id, Tag::OperationPolicyName),
            [Value::TextString("default".into())]
        );
    }

    #[test]
    fn only_the_owner_chooses_another_policy() {
        let add_only = Policy {
            preset: Some(PolicyRules::default().with(
                ObjectType::SymmetricKey,
                &[Operation::AddAttribute],
                Permission::AllowAll,
            )),
            ..Policy::default()
        };
        let mut policies = Policies::default();
        policies.insert("p", add_only);
        let world = World::new().under(policies);
        let policy = |name: &str| Attribute::OperationPolicyName(name.into());
        let mut attributes = aes(128);
        attributes.push(policy("p"));
        let id = world.create(attributes).unwrap();
        let bob = world.asked_by("bob");
        assert_eq!(add(&bob, &id, Attribute::Comment("c".into())), Ok(()));
        assert_eq!(add(&bob, &id, policy("public")), Err(OperationError::NotFound));
        assert_eq!(add(&world, &id, policy("default")), Ok(()));
    }
}
