//! New objects: attributes from templates and requests, rules, defaults (KMIP 2.1 §4, 1.4 §2.1.8).
//!
//! What a client gives and what the server adds are put together here, for every operation that
//! makes an object. What follows from the content of the object is in `object_facts.rs`.

use kmip_model::{
    ManagedObject, UniqueIdentifier,
    attribute::{
        Attribute, AttributeReference, AttributeSet, Name, RngParameters, RuleViolation, Setter,
    },
    enumeration::{
        CryptographicAlgorithm, DrbgAlgorithm, HashingAlgorithm, ObjectType, ProtectionStorageMask,
        RngAlgorithm, Tag,
    },
    locate::{Filter, Locate},
    object::Object,
    value::Valued,
};

use super::{object_facts, surroundings::Surroundings};
use crate::{error::OperationError, processor::Item};

/// The attributes that a request gives for a new object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateAttribute {
    /// Names of Templates (1.x) whose attributes apply too.
    pub names: Vec<Name>,
    /// The attributes themselves; they win over those of Templates.
    pub attributes: Vec<Attribute>,
}

/// How objects are protected here: by software, and by nothing more that the server knows of.
pub(crate) const PROTECTION_STORAGE: ProtectionStorageMask = ProtectionStorageMask::SOFTWARE;

/// How many Templates one object is made from at most.
const MAXIMUM_TEMPLATES: usize = 16;

/// Attributes that say what the object is: a client may repeat them, but not contradict them.
const DESCRIPTIVE: [Tag; 13] = [
    Tag::ObjectType,
    Tag::KeyFormatType,
    Tag::OpaqueDataType,
    Tag::CertificateType,
    Tag::CertificateLength,
    Tag::CertificateIdentifier,
    Tag::CertificateSubject,
    Tag::CertificateIssuer,
    Tag::X509CertificateIdentifier,
    Tag::X509CertificateSubject,
    Tag::X509CertificateIssuer,
    Tag::DigitalSignatureAlgorithm,
    Tag::ProtectionStorageMask,
];

/// Where the content of a new object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The server makes it.
    Generated,
    /// The client brings it.
    Registered,
}

/// Describes the generator of every key that is made here: a CTR DRBG on AES-256.
pub(crate) const fn random_number_generator() -> RngParameters {
    RngParameters {
        rng_algorithm: RngAlgorithm::Drbg,
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        cryptographic_length: Some(256),
        hashing_algorithm: None,
        drbg_algorithm: Some(DrbgAlgorithm::Ctr),
        recommended_curve: None,
        fips186_variation: None,
        prediction_resistance: None,
    }
}

/// Puts together what a request says itself and what its Templates say.
pub(crate) async fn resolve(
    item: &mut Item<'_>,
    given: &TemplateAttribute,
) -> Result<AttributeSet, OperationError> {
    if given.names.len() > MAXIMUM_TEMPLATES {
        return Err(OperationError::InvalidValue(Tag::Name, "it names too many templates"));
    }
    let mut attributes = AttributeSet::default();
    for attribute in &given.attributes {
        attributes.add(completed(attribute.clone()))?;
    }
    //= KMIP-1.4 §4
    // The request wins over its templates, and the last template over those before it.
    for name in given.names.iter().rev() {
        underlay(&mut attributes, &template(item, name).await?);
    }
    Ok(attributes)
}

/// Adds what a lower layer says: where there can be one value only, the upper one stays.
pub(crate) fn underlay(upper: &mut AttributeSet, lower: &AttributeSet) {
    let missing: Vec<Attribute> = lower
        .iter()
        .map(|instance| &instance.attribute)
        .filter(|lower| lower.multiple_instances() || !upper.has(&lower.reference()))
        .cloned()
        .collect();
    for attribute in missing {
        // Only a value that is there already is refused now, and then there is nothing to add.
        let _ = upper.add(attribute);
    }
}

/// Finds the Template with that Name and returns what it has for other objects.
async fn template(item: &mut Item<'_>, name: &Name) -> Result<AttributeSet, OperationError> {
    let filter = |tag, value| Filter { reference: AttributeReference::Standard(tag), value };
    let query = Locate {
        filters: vec![
            filter(Tag::ObjectType, ObjectType::Template.to_value()),
            filter(Tag::Name, name.to_value()),
        ],
        ..Locate::default()
    };
    let found = item.fetch_one(&query).await?;
    let Some(Object::Template { attributes }) = found.value.object() else {
        return Err(OperationError::NotFound);
    };
    let mut set = AttributeSet::default();
    for instance in attributes {
        //= KMIP-1.4 §2.2.6
        // The Name is the template's own.
        if !matches!(instance.attribute, Attribute::Name(_)) {
            set.add(instance.attribute.clone())?;
        }
    }
    Ok(set)
}

/// Completes Usage Limits: what the client says of the Count does not count.
fn completed(attribute: Attribute) -> Attribute {
    match attribute {
        //= KMIP-2.1 §4.59
        Attribute::UsageLimits(mut limits) => {
            limits.usage_limits_count = Some(limits.usage_limits_total);
            Attribute::UsageLimits(limits)
        }
        other => other,
    }
}

/// Checks that a client may give these attributes to a new object of that type.
pub(crate) fn check(
    object_type: ObjectType,
    origin: Origin,
    attributes: &AttributeSet,
) -> Result<(), OperationError> {
    for instance in attributes.iter() {
        let reference = instance.attribute.reference();
        let tag = reference.tag();
        let of_the_generator = origin == Origin::Generated && tag == Tag::OriginalCreationDate;
        if reference.is_of_the_server() || of_the_generator {
            return Err(RuleViolation::ReadOnly(tag).into());
        }
        let Some(rules) = reference.rules() else {
            continue;
        };
        let given_by_creators =
            matches!(tag, Tag::CryptographicAlgorithm | Tag::CryptographicLength);
        if rules.initially_set_by == Setter::Server
            && !given_by_creators
            && !DESCRIPTIVE.contains(&tag)
        {
            return Err(RuleViolation::ReadOnly(tag).into());
        }
        if !rules.applies_to.includes(object_type) {
            return Err(RuleViolation::NotApplicable(tag).into());
        }
    }
    Ok(())
}

/// Checks that one of the ways to keep the object which the client accepts is the one of here.
//= KMIP-2.1 §7.33
pub(crate) fn check_protection_storage(
    object_type: ObjectType,
    masks: &[ProtectionStorageMask],
) -> Result<(), OperationError> {
    // A mask is satisfied in its entirety or not at all.
    let satisfied = |mask: &ProtectionStorageMask| PROTECTION_STORAGE.contains(*mask);
    if masks.is_empty() || masks.iter().any(satisfied) {
        Ok(())
    } else {
        Err(OperationError::ProtectionStorageUnavailable(object_type))
    }
}

/// Makes the new object: adds what the server sets, and checks that all of it fits together.
pub(crate) fn build(
    item: &impl Surroundings,
    identifier: UniqueIdentifier,
    origin: Origin,
    object: Object,
    given: &AttributeSet,
) -> Result<ManagedObject, OperationError> {
    let mut attributes = AttributeSet::default();
    let mut claimed = Vec::new();
    for instance in given.iter() {
        if DESCRIPTIVE.contains(&instance.attribute.tag()) {
            claimed.push(instance.attribute.clone());
        } else {
            attributes.add(instance.attribute.clone())?;
        }
    }
    attributes.set(Attribute::InitialDate(item.now()));
    attributes.set(Attribute::LastChangeDate(item.now()));
    if attributes.operation_policy_name().is_none() {
        attributes.set(Attribute::OperationPolicyName("default".to_owned()));
    }
    if object.object_type() != ObjectType::Template {
        set_by_the_server(item, &identifier, &mut attributes)?;
    }
    if origin == Origin::Generated {
        set_by_the_generator(item, &mut attributes)?;
    }
    object_facts::add(item, &object, &mut attributes)?;
    attributes.check_size()?;
    let owner = item.owner().to_owned();
    let object = ManagedObject::new(identifier, owner, object, attributes);
    for attribute in claimed {
        let true_values = object.attribute(&attribute.reference());
        if true_values.iter().all(|instance| instance.attribute != attribute) {
            return Err(RuleViolation::Contradiction(attribute.tag()).into());
        }
    }
    object.check_dates()?;
    Ok(object.at(item.now()))
}

/// Sets what every object but a Template gets from the server.
fn set_by_the_server(
    item: &impl Surroundings,
    identifier: &UniqueIdentifier,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    attributes.set(Attribute::LeaseTime(item.lease_time()));
    attributes.set(Attribute::ProtectionStorageMask(PROTECTION_STORAGE));
    //= KMIP-2.1 §4.56
    let short =
        item.crypto().digest.digest(HashingAlgorithm::Sha256, identifier.as_str().as_bytes())?;
    attributes.set(Attribute::ShortUniqueIdentifier(short));
    if attributes.fresh().is_none() {
        attributes.set(Attribute::Fresh(true));
    }
    let sensitive = attributes.sensitive().copied().unwrap_or(false);
    attributes.set(Attribute::Sensitive(sensitive));
    attributes.set(Attribute::AlwaysSensitive(sensitive));
    let extractable = attributes.extractable().copied().unwrap_or(true);
    attributes.set(Attribute::Extractable(extractable));
    attributes.set(Attribute::NeverExtractable(!extractable));
    Ok(())
}

/// Sets what objects get that the server makes itself.
fn set_by_the_generator(
    item: &impl Surroundings,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    attributes.set(Attribute::OriginalCreationDate(item.now()));
    //= KMIP-2.1 §4.24
    // Nobody has been served what has just been made.
    attributes.set(Attribute::Fresh(true));
    //= KMIP-1.4 §3.44
    // A client that names a generator wants that one or no key.
    let ours = random_number_generator();
    let fits = attributes.random_number_generator().is_none_or(|wanted| {
        wanted.rng_algorithm == RngAlgorithm::Unspecified
            || ours.to_value().answers(&wanted.to_value())
    });
    if !fits {
        return Err(OperationError::FeatureNotSupported("that random number generator"));
    }
    attributes.set(Attribute::RandomNumberGenerator(ours));
    Ok(())
}

/// Refuses to make a key that is not as safe as the client asks.
//= KMIP-2.1 §4.45
pub(crate) fn check_quantum_safe(
    attributes: &AttributeSet,
    is_quantum_safe: bool,
) -> Result<(), OperationError> {
    if attributes.quantum_safe() == Some(&true) && !is_quantum_safe {
        return Err(OperationError::NotQuantumSafe);
    }
    Ok(())
}
