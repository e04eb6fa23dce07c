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
