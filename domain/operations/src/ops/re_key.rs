//! Re-key (KMIP 2.1 §6.1.46, 1.4 §4.4).
//!
//! Makes a new symmetric key of the same kind, with the attributes of the existing one, which gives
//! its Names away and otherwise stays as it is, its State included. Not repeatable.

use std::sync::Arc;

use kmip_model::{
    DateTime, IdentifierRef, Interval, ManagedObject, UniqueIdentifier,
    attribute::{Attribute, AttributeReference, AttributeSet, Link, RuleViolation},
    crypto_profile::SymmetricProfile,
    enumeration::{
        CryptographicAlgorithm, KeyFormatType, LinkType, ObjectType, ProtectionStorageMask, Tag,
    },
    object::{KeyMaterial, Object, UsageDenied},
};

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        create_object::{
            Origin, TemplateAttribute, build, check, check_protection_storage, check_quantum_safe,
            resolve,
        },
        new_key,
        object_facts::is_wrapped,
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// The existing key.
    pub unique_identifier: IdentifierRef,
    /// Offset: from the Initial Date of the new key to its Activation Date.
    pub offset: Option<Interval>,
    /// Attributes of the new key; they win over those of the existing one.
    pub attributes: TemplateAttribute,
    /// Protection Storage Masks that the client accepts.
    pub protection_storage_masks: Vec<ProtectionStorageMask>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The new key.
    pub unique_identifier: UniqueIdentifier,
}

/// What the new key does not take over: it has its own, or none.
//= KMIP-2.1 §6.1.46 table 304
const NOT_COPIED: [Tag; 25] = [
    Tag::UniqueIdentifier,
    Tag::ObjectType,
    Tag::State,
    Tag::KeyFormatType,
    Tag::KeyValuePresent,
    Tag::KeyValueLocation,
    Tag::InitialDate,
    Tag::LastChangeDate,
    Tag::OriginalCreationDate,
    Tag::DestroyDate,
    Tag::CompromiseOccurrenceDate,
    Tag::CompromiseDate,
    Tag::RevocationReason,
    Tag::ArchiveDate,
    Tag::Digest,
    Tag::Link,
    Tag::Fresh,
    Tag::LeaseTime,
    Tag::RandomNumberGenerator,
    Tag::AlwaysSensitive,
    Tag::NeverExtractable,
    Tag::ProtectionStorageMask,
    Tag::ShortUniqueIdentifier,
    Tag::RotateDate,
    Tag::RotateLatest,
];

/// The dates that an Offset moves, Activation Date aside.
const MOVED: [Tag; 3] = [Tag::ProcessStartDate, Tag::ProtectStopDate, Tag::DeactivationDate];

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let existing = fetched.value;
    if existing.object_type() != ObjectType::SymmetricKey {
        return Err(OperationError::IllegalObjectType);
    }
    let kind = Kind::of(&existing)?;
    check_protection_storage(ObjectType::SymmetricKey, &request.protection_storage_masks)?;
    let given = resolve(item, &request.attributes).await?;
    check(ObjectType::SymmetricKey, Origin::Generated, &given)?;
    let mut attributes = copied(&existing);
    if let Some(offset) = request.offset {
        move_dates(&existing, offset, &given, item.now(), &mut attributes)?;
    }
    overlay(&mut attributes, &given)?;
    let new = new_key(item, kind, &attributes)?;
    let unique_identifier = item.new_identifier()?;
    attributes.add(link(LinkType::ReplacedObjectLink, existing.identifier()))?;
    let new = build(item, unique_identifier.clone(), Origin::Generated, new, &attributes)?;
    let mut existing = Arc::unwrap_or_clone(existing);
    give_way(&mut existing, &unique_identifier, item.now())?;
    item.save(existing, fetched.revision);
    item.claim_names(&new);
    item.create(new);
    Ok(Response { unique_identifier })
}

/// What the existing key and the new one have in common.
#[derive(Clone, Copy)]
struct Kind {
    algorithm: CryptographicAlgorithm,
    length: i32,
    bytes: usize,
    format: KeyFormatType,
}

impl Kind {
    fn of(existing: &ManagedObject) -> Result<Self, OperationError> {
        let object = existing.object().ok_or(OperationError::Destroyed)?;
        let key_block = object.key_block().ok_or(OperationError::IllegalObjectType)?;
        if key_block.key_value.is_none() {
            return Err(OperationError::KeyValueNotPresent);
        }
        // Whoever wraps a key wants the server not to know it, and could not read a new one.
        if is_wrapped(key_block) {
            return Err(UsageDenied::Wrapped.into());
        }
        let attributes = existing.attributes();
        let missing = OperationError::MissingAttribute;
        let algorithm =
            *attributes.cryptographic_algorithm().ok_or(missing(Tag::CryptographicAlgorithm))?;
        let length = *attributes.cryptographic_length().ok_or(missing(Tag::CryptographicLength))?;
        let (held, format) = match object.key_material() {
            Some(KeyMaterial::Bytes(key)) => (key.len(), KeyFormatType::Raw),
            Some(KeyMaterial::TransparentSymmetricKey { key }) => {
                (key.len(), KeyFormatType::TransparentSymmetricKey)
            }
            _ => return Err(OperationError::KeyFormatTypeNotSupported),
        };
        // Keys of lengths that no standard has are replaced as well.
        let bytes = SymmetricProfile::of(algorithm)
            .and_then(|profile| profile.key_bytes(length))
            .unwrap_or(held);
        Ok(Self { algorithm, length, bytes, format })
    }
}

fn copied(existing: &ManagedObject) -> AttributeSet {
    let mut attributes = AttributeSet::default();
    for instance in existing.attributes().iter() {
        if NOT_COPIED.contains(&instance.attribute.tag()) {
            continue;
        }
        let attribute = match instance.attribute.clone() {
            //= KMIP-2.1 §6.1.46 table 304
            Attribute::UsageLimits(mut limits) => {
                limits.usage_limits_count = Some(limits.usage_limits_total);
                Attribute::UsageLimits(limits)
            }
            other => other,
        };
        // The existing key has each value once and not too many of them.
        let _ = attributes.add(attribute);
    }
    attributes
}

/// Sets the dates of the new key by those of the existing one.
//= KMIP-2.1 §6.1.46 table 303
fn move_dates(
    existing: &ManagedObject,
    offset: Interval,
    given: &AttributeSet,
    now: DateTime,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    let is_given = |tag: Tag| given.has(&AttributeReference::Standard(tag));
    if is_given(Tag::ActivationDate) || MOVED.into_iter().any(is_given) {
        return Err(OperationError::OffsetWithDates);
    }
    let activation = now.plus(offset);
    for tag in MOVED {
        let Some(date) = existing.date(tag) else {
            continue;
        };
        let before = existing
            .date(Tag::ActivationDate)
            .ok_or(OperationError::OffsetWithoutActivationDate)?;
        let moved = DateTime(date.0.saturating_add(activation.since(before)));
        attributes.set(match tag {
            Tag::ProcessStartDate => Attribute::ProcessStartDate(moved),
            Tag::ProtectStopDate => Attribute::ProtectStopDate(moved),
            _ => Attribute::DeactivationDate(moved),
        });
    }
    attributes.set(Attribute::ActivationDate(activation));
    Ok(())
}

/// Puts the attributes of the request over those of the existing key. Where there can be several,
/// they come after them.
fn overlay(attributes: &mut AttributeSet, given: &AttributeSet) -> Result<(), OperationError> {
    for instance in given.iter() {
        let attribute = instance.attribute.clone();
        if !attribute.multiple_instances() {
            attributes.set(attribute);
            continue;
        }
        match attributes.add(attribute) {
            Ok(_) | Err(RuleViolation::DuplicateValue(_)) => {}
            Err(violation) => return Err(violation.into()),
        }
    }
    Ok(())
}

fn new_key(
    item: &Item<'_>,
    kind: Kind,
    attributes: &AttributeSet,
) -> Result<Object, OperationError> {
    // A key of another kind would replace nothing.
    if attributes.cryptographic_algorithm() != Some(&kind.algorithm) {
        return Err(RuleViolation::Contradiction(Tag::CryptographicAlgorithm).into());
    }
    if attributes.cryptographic_length() != Some(&kind.length) {
        return Err(RuleViolation::Contradiction(Tag::CryptographicLength).into());
    }
    let is_quantum_safe = SymmetricProfile::of(kind.algorithm)
        .is_some_and(|profile| profile.is_quantum_safe(kind.length));
    check_quantum_safe(attributes, is_quantum_safe)?;
    let key = item.crypto().random.bytes(kind.bytes)?;
    let format = attributes.key_format_type().copied().unwrap_or(kind.format);
    new_key::symmetric_key(item, Some(format), kind.algorithm, kind.length, key)
}

/// Lets the existing key give its Names away and name its replacement.
fn give_way(
    existing: &mut ManagedObject,
    replacement: &UniqueIdentifier,
    now: DateTime,
) -> Result<(), OperationError> {
    let attributes = existing.attributes_mut();
    attributes.remove_all(&AttributeReference::Standard(Tag::Name));
    attributes.add(link(LinkType::ReplacementObjectLink, replacement))?;
    attributes.set(Attribute::LastChangeDate(now));
    Ok(())
}

fn link(link_type: LinkType, identifier: &UniqueIdentifier) -> Attribute {
    Attribute::Link(Link { link_type, linked_object_identifier: identifier.clone() })
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Material, Value,
        attribute::{Name, RevocationReason, UsageLimits},
        enumeration::{
            BatchErrorContinuationOption, CryptographicUsageMask, RevocationReasonCode, State,
            UsageLimitsUnit,
        },
        object::{KeyBlock, KeyValue},
        value::Valued as _,
    };

    use super::*;
    use crate::{
        ops,
        testing::{NOW, ONE, World, aes, aes_key, create_request, key_bytes, name, secret},
    };

    fn request(unique_identifier: IdentifierRef, attributes: Vec<Attribute>) -> Request {
        Request {
            unique_identifier,
            offset: None,
            attributes: TemplateAttribute { attributes, ..TemplateAttribute::default() },
            protection_storage_masks: Vec::new(),
        }
    }

    fn ask(world: &World, request: Request) -> Result<UniqueIdentifier, OperationError> {
        match world.run(ops::Request::ReKey(request))? {
            ops::Response::ReKey(response) => Ok(response.unique_identifier),
            other => panic!("not an answer to Re-key: {other:?}"),
        }
    }

    fn re_key(
        world: &World,
        identifier: &UniqueIdentifier,
        attributes: Vec<Attribute>,
    ) -> Result<UniqueIdentifier, OperationError> {
        ask(world, request(identifier.clone().into(), attributes))
    }

    fn names(world: &World, identifier: &UniqueIdentifier) -> Vec<Value> {
        world.values(identifier, Tag::Name)
    }

    fn with(attributes: &[Attribute]) -> Vec<Attribute> {
        aes(128).into_iter().chain(attributes.iter().cloned()).collect()
    }

    #[test]
    fn the_new_key_is_of_the_same_kind_and_takes_the_names() {
        let world = World::new();
        let active = Attribute::ActivationDate(DateTime(5));
        let old = world.create(with(&[active, name("a"), name("b")])).unwrap();
        world.clock.advance(Interval(60));
        let new = re_key(&world, &old, Vec::new()).unwrap();
        let (was, is) = (world.object(&old), world.object(&new));
        assert_ne!(key_bytes(was.object().unwrap()), key_bytes(is.object().unwrap()));
        assert_eq!(key_bytes(is.object().unwrap()).len(), 16);
        assert_eq!(is.attributes().cryptographic_length(), Some(&128));
        assert_eq!(names(&world, &new), [Name::text("a").to_value(), Name::text("b").to_value()]);
        assert_eq!(names(&world, &old), []);
        // Both are Active: the dates are copied, and the existing key stays as it is.
        assert_eq!((was.state(), is.state()), (Some(State::Active), Some(State::Active)));
        let later = NOW.plus(Interval(60));
        assert_eq!(is.attributes().initial_date(), Some(&later));
        assert_eq!(was.attributes().initial_date(), Some(&NOW));
        assert_eq!(was.attributes().last_change_date(), Some(&later));
        assert_eq!(
            world.values(&new, Tag::Link),
            [link(LinkType::ReplacedObjectLink, &old).to_value()]
        );
        assert_eq!(
            world.values(&old, Tag::Link),
            [link(LinkType::ReplacementObjectLink, &new).to_value()]
        );
        assert_ne!(was.attributes().digest(), is.attributes().digest());
        assert_ne!(
            was.attributes().short_unique_identifier(),
            is.attributes().short_unique_identifier()
        );
    }

    #[test]
    fn names_pile_up_from_key_to_key() {
        let world = World::new().speaking(ONE);
        let rekey =
            |text: &str| ops::Request::ReKey(request(IdentifierRef::Placeholder, vec![name(text)]));
        let answers = world.batch(
            vec![create_request(with(&[name("original")])), rekey("first"), rekey("second")],
            BatchErrorContinuationOption::Stop,
        );
        let Some(Ok(ops::Response::ReKey(last))) = answers.last() else { panic!("{answers:?}") };
        let reference = AttributeReference::Standard(Tag::Name);
        let have: Vec<(u32, Attribute)> = world
            .object(&last.unique_identifier)
            .attribute(&reference)
            .into_iter()
            .map(|instance| (instance.index, instance.attribute))
            .collect();
        assert_eq!(have, [(0, name("original")), (1, name("first")), (2, name("second"))]);
    }

    #[test]
    fn attributes_are_copied_unless_the_request_has_others() {
        let world = World::new();
        let limits = Attribute::UsageLimits(UsageLimits {
            usage_limits_total: 100,
            usage_limits_count: None,
            usage_limits_unit: UsageLimitsUnit::Byte,
        });
        let mask = CryptographicUsageMask::ENCRYPT;
        let old = world
            .create(with(&[
                Attribute::CryptographicUsageMask(mask),
                Attribute::ObjectGroup("g".into()),
                Attribute::ContactInformation("old".into()),
                Attribute::Sensitive(true),
                limits,
            ]))
            .unwrap();
        let mut used = (*world.object(&old)).clone().having_spent(60);
        used.attributes_mut().set(Attribute::Fresh(false));
        world.store.insert(used);
        let new = re_key(&world, &old, vec![Attribute::ContactInformation("new".into())]).unwrap();
        let object = world.object(&new);
        let attributes = object.attributes();
        assert_eq!(attributes.cryptographic_usage_mask(), Some(&mask));
        assert_eq!(attributes.object_group().map(String::as_str), Some("g"));
        assert_eq!(attributes.contact_information().map(String::as_str), Some("new"));
        assert_eq!(attributes.sensitive(), Some(&true));
        assert_eq!(attributes.fresh(), Some(&true));
        assert_eq!(attributes.usage_limits().unwrap().usage_limits_count, Some(100));
    }

    #[test]
    fn a_revoked_key_is_replaced_by_one_that_is_not() {
        let world = World::new();
        let old = world.create(with(&[Attribute::ActivationDate(DateTime(5))])).unwrap();
        let revoke = ops::revoke::Request {
            unique_identifier: old.clone().into(),
            revocation_reason: RevocationReason {
                revocation_reason_code: RevocationReasonCode::KeyCompromise,
                revocation_message: None,
            },
            compromise_occurrence_date: None,
        };
        world.run(ops::Request::Revoke(revoke)).unwrap();
        let new = re_key(&world, &old, Vec::new()).unwrap();
        let object = world.object(&new);
        assert_eq!(object.state(), Some(State::Active));
        assert!(object.attributes().revocation_reason().is_none());
        assert!(object.attributes().compromise_date().is_none());
        assert_eq!(world.object(&old).state(), Some(State::Compromised));
    }

    #[test]
    fn an_offset_moves_every_date_by_as_much() {
        let world = World::new();
        let old = world
            .create(with(&[
                Attribute::ActivationDate(DateTime(1_000)),
                Attribute::ProcessStartDate(DateTime(1_100)),
                Attribute::ProtectStopDate(DateTime(NOW.0 + 100)),
                Attribute::DeactivationDate(DateTime(NOW.0 + 200)),
            ]))
            .unwrap();
        let offset = |seconds, attributes| Request {
            offset: Some(Interval(seconds)),
            ..request(old.clone().into(), attributes)
        };
        let both = offset(10, vec![Attribute::DeactivationDate(DateTime(NOW.0 + 500))]);
        assert_eq!(ask(&world, both), Err(OperationError::OffsetWithDates));
        let new = world.object(&ask(&world, offset(10, Vec::new())).unwrap());
        let moved = NOW.0 + 10 - 1_000;
        assert_eq!(new.state(), Some(State::PreActive));
        for (tag, date) in [
            (Tag::ActivationDate, NOW.0 + 10),
            (Tag::ProcessStartDate, 1_100 + moved),
            (Tag::ProtectStopDate, NOW.0 + 100 + moved),
            (Tag::DeactivationDate, NOW.0 + 200 + moved),
        ] {
            assert_eq!(new.date(tag), Some(DateTime(date)), "{tag}");
        }
    }

    #[test]
    fn an_offset_needs_an_activation_date_to_move_others_by() {
        let world = World::new();
        let stop = Attribute::ProtectStopDate(DateTime(NOW.0 + 100));
        let offset = |identifier: UniqueIdentifier| Request {
            offset: Some(Interval(0)),
            ..request(identifier.into(), Vec::new())
        };
        let without = world.create(with(&[stop])).unwrap();
        assert_eq!(ask(&world, offset(without)), Err(OperationError::OffsetWithoutActivationDate));
        let new = ask(&world, offset(world.create(aes(128)).unwrap())).unwrap();
        assert_eq!(world.object(&new).state(), Some(State::Active));
    }

    #[test]
    fn a_key_of_another_kind_is_no_replacement() {
        let world = World::new();
        let old = world.create(aes(128)).unwrap();
        let longer = vec![Attribute::CryptographicLength(256)];
        assert_eq!(
            re_key(&world, &old, longer),
            Err(RuleViolation::Contradiction(Tag::CryptographicLength).into())
        );
        let other = vec![Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Camellia)];
        assert_eq!(
            re_key(&world, &old, other),
            Err(RuleViolation::Contradiction(Tag::CryptographicAlgorithm).into())
        );
        assert!(re_key(&world, &old, aes(128)).is_ok());
    }

    #[test]
    fn keys_of_any_length_and_form_are_replaced_and_nothing_else_is() {
        let world = World::new();
        let odd = world.register(aes_key(&[1; 64]), Vec::new()).unwrap();
        let new = re_key(&world, &odd, Vec::new()).unwrap();
        assert_eq!(key_bytes(world.object(&new).object().unwrap()).len(), 64);

        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        let transparent = Object::SymmetricKey(KeyBlock {
            key_format_type: KeyFormatType::TransparentSymmetricKey,
            key_value: Some(KeyValue::Plain {
                key_material: KeyMaterial::TransparentSymmetricKey {
                    key: Material::new(vec![1; 16]),
                },
                attributes: Vec::new(),
            }),
            ..block.clone()
        });
        let transparent = world.register(transparent, Vec::new()).unwrap();
        let new = re_key(&world, &transparent, Vec::new()).unwrap();
        let format = world.object(&new).object().unwrap().key_format_type();
        assert_eq!(format, Some(KeyFormatType::TransparentSymmetricKey));

        let wrapped = KeyValue::Wrapped(Material::new(vec![1; 24]));
        let wrapped = Object::SymmetricKey(KeyBlock { key_value: Some(wrapped), ..block.clone() });
        let absent = Object::SymmetricKey(KeyBlock { key_value: None, ..block });
        for (object, refused) in [
            (wrapped, UsageDenied::Wrapped.into()),
            (absent, OperationError::KeyValueNotPresent),
            (secret(b"s"), OperationError::IllegalObjectType),
        ] {
            let identifier = world.register(object, Vec::new()).unwrap();
            assert_eq!(re_key(&world, &identifier, Vec::new()), Err(refused));
        }
    }

    #[test]
    fn nobody_replaces_what_is_somebody_elses_or_destroyed() {
        let world = World::new();
        let old = world.create(aes(128)).unwrap();
        assert_eq!(re_key(&world.asked_by("bob"), &old, Vec::new()), Err(OperationError::NotFound));
        let destroy = ops::destroy::Request { unique_identifier: old.clone().into() };
        world.run(ops::Request::Destroy(destroy)).unwrap();
        assert_eq!(re_key(&world, &old, Vec::new()), Err(OperationError::Destroyed));
    }
}
