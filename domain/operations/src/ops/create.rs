//! Create (KMIP 2.1 §6.1.8, 1.4 §4.1).
//!
//! Makes a symmetric key, or Secret Data, of random bytes. Not repeatable: each Create makes
//! another object.

use kmip_model::{
    UniqueIdentifier,
    attribute::{Attribute, AttributeSet, Instance},
    crypto_profile::SymmetricProfile,
    enumeration::{ObjectType, ProtectionStorageMask, SecretDataType, Tag},
    object::Object,
};

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        create_object::{
            Origin, TemplateAttribute, build, check, check_protection_storage, check_quantum_safe,
            resolve,
        },
        creation_defaults::{SECRET_LENGTH, SYMMETRIC_ALGORITHM},
        new_key::{self, LONGEST_SECRET},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Object Type.
    pub object_type: ObjectType,
    /// The attributes of the new object.
    pub attributes: TemplateAttribute,
    /// Protection Storage Masks that the client accepts.
    pub protection_storage_masks: Vec<ProtectionStorageMask>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// Object Type.
    pub object_type: ObjectType,
    /// The new object.
    pub unique_identifier: UniqueIdentifier,
    /// Attributes that the server set and the client did not ask for; 1.x only, and none so far.
    pub template_attribute: Vec<Instance>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let object_type = request.object_type;
    if !matches!(object_type, ObjectType::SymmetricKey | ObjectType::SecretData) {
        return Err(OperationError::IllegalObjectType);
    }
    check_protection_storage(object_type, &request.protection_storage_masks)?;
    let mut attributes = resolve(item, &request.attributes).await?;
    check(object_type, Origin::Generated, &attributes)?;
    let object = if object_type == ObjectType::SymmetricKey {
        symmetric_key(item, &mut attributes)?
    } else {
        secret_data(item, &mut attributes)?
    };
    let unique_identifier = item.new_identifier()?;
    let object = build(item, unique_identifier.clone(), Origin::Generated, object, &attributes)?;
    item.claim_names(&object);
    item.create(object);
    Ok(Response { object_type, unique_identifier, template_attribute: Vec::new() })
}

fn symmetric_key(item: &Item<'_>, attributes: &mut AttributeSet) -> Result<Object, OperationError> {
    let silent = item.dialect().creation_defaults;
    let algorithm = attributes
        .cryptographic_algorithm()
        .copied()
        .or(silent.then_some(SYMMETRIC_ALGORITHM))
        .ok_or(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))?;
    let profile = SymmetricProfile::of(algorithm).ok_or(OperationError::InvalidValue(
        Tag::CryptographicAlgorithm,
        "it is not an algorithm of symmetric keys",
    ))?;
    let length = attributes
        .cryptographic_length()
        .copied()
        .or(silent.then_some(profile.default_length))
        .ok_or(OperationError::MissingAttribute(Tag::CryptographicLength))?;
    let bytes = profile.key_bytes(length).ok_or(OperationError::InvalidValue(
        Tag::CryptographicLength,
        "the algorithm has no keys of that length",
    ))?;
    check_quantum_safe(attributes, profile.is_quantum_safe(length))?;
    attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    attributes.set(Attribute::CryptographicLength(length));
    // In 1.x a client may forget the mask: the key is made, and no use of it is allowed.
    if silent && attributes.cryptographic_usage_mask().is_none() {
        attributes.set(Attribute::CryptographicUsageMask(profile.default_mask));
    }
    let key = item.crypto().random.bytes(bytes)?;
    let format = attributes.key_format_type().copied();
    new_key::symmetric_key(item, format, algorithm, length, key)
}

fn secret_data(item: &Item<'_>, attributes: &mut AttributeSet) -> Result<Object, OperationError> {
    let silent = item.dialect().creation_defaults;
    let length = attributes
        .cryptographic_length()
        .copied()
        .or(silent.then_some(SECRET_LENGTH))
        .ok_or(OperationError::MissingAttribute(Tag::CryptographicLength))?;
    let whole_bytes = length & 7 == 0 && (8..=LONGEST_SECRET).contains(&length);
    let bytes = usize::try_from(length >> 3).ok().filter(|_| whole_bytes).ok_or(
        OperationError::InvalidValue(Tag::CryptographicLength, "it is not a length of a secret"),
    )?;
    check_quantum_safe(attributes, length >= SECRET_LENGTH)?;
    attributes.set(Attribute::CryptographicLength(length));
    let secret = item.crypto().random.bytes(bytes)?;
    let format = attributes.key_format_type().copied();
    new_key::secret_data(SecretDataType::Password, format, secret)
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        DateTime, IdentifierRef, Interval, Value,
        attribute::{RngParameters, RuleViolation, UsageLimits, VendorAttribute},
        enumeration::{
            BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask,
            KeyFormatType, RngAlgorithm, State, UsageLimitsUnit,
        },
        object::KeyMaterial,
        value::Valued,
    };
    use kmip_testkit::sha256::sha256;

    use super::*;
    use crate::{
        ops,
        shared::create_object::random_number_generator,
        testing::{NOW, ONE, World, aes, create_request, get_request, key_bytes, name},
    };

    fn with(mut attributes: Vec<Attribute>, more: Attribute) -> Vec<Attribute> {
        attributes.push(more);
        attributes
    }

    fn create_as(
        world: &World,
        object_type: ObjectType,
        attributes: Vec<Attribute>,
        protection_storage_masks: Vec<ProtectionStorageMask>,
    ) -> Result<UniqueIdentifier, OperationError> {
        let attributes = TemplateAttribute { attributes, ..TemplateAttribute::default() };
        let request = Request { object_type, attributes, protection_storage_masks };
        match world.run(ops::Request::Create(request))? {
            ops::Response::Create(response) => Ok(response.unique_identifier),
            other => panic!("not an answer to Create: {other:?}"),
        }
    }

    #[test]
    fn a_key_has_the_bytes_of_its_length() {
        let world = World::new();
        for (algorithm, length, bytes) in [
            (CryptographicAlgorithm::Aes, 128, 16),
            (CryptographicAlgorithm::Des3, 112, 16),
            (CryptographicAlgorithm::Des3, 168, 24),
            (CryptographicAlgorithm::Skipjack, 80, 10),
            (CryptographicAlgorithm::HmacSha256, 512, 64),
        ] {
            let identifier = world
                .create(vec![
                    Attribute::CryptographicAlgorithm(algorithm),
                    Attribute::CryptographicLength(length),
                ])
                .unwrap();
            let object = world.object(&identifier);
            assert_eq!(key_bytes(object.object().unwrap()).len(), bytes, "{algorithm} {length}");
            let key_block = object.object().unwrap().key_block().unwrap();
            assert_eq!(key_block.cryptographic_length, Some(length));
        }
    }

    #[test]
    fn the_server_sets_what_is_its_own() {
        let world = World::new();
        let identifier = world.create(aes(256)).unwrap();
        let object = world.object(&identifier);
        let attributes = object.attributes();
        assert_eq!(object.owner(), "alice");
        assert_eq!(object.state(), Some(State::PreActive));
        assert_eq!(attributes.initial_date(), Some(&NOW));
        assert_eq!(attributes.last_change_date(), Some(&NOW));
        assert_eq!(attributes.original_creation_date(), Some(&NOW));
        assert_eq!(attributes.lease_time(), Some(&Interval(3_600)));
        assert_eq!(attributes.operation_policy_name().map(String::as_str), Some("default"));
        assert_eq!(attributes.fresh(), Some(&true));
        assert_eq!(attributes.sensitive(), Some(&false));
        assert_eq!(attributes.always_sensitive(), Some(&false));
        assert_eq!(attributes.extractable(), Some(&true));
        assert_eq!(attributes.never_extractable(), Some(&false));
        assert_eq!(attributes.random_number_generator(), Some(&random_number_generator()));
        assert_eq!(attributes.protection_storage_mask(), Some(&ProtectionStorageMask::SOFTWARE));
        let short = attributes.short_unique_identifier().unwrap();
        assert_eq!(short[..], sha256(identifier.as_str().as_bytes()));
        let digest = attributes.digest().unwrap();
        assert_eq!(digest.key_format_type, Some(KeyFormatType::Raw));
        let bytes = key_bytes(object.object().unwrap());
        assert_eq!(digest.digest_value.as_deref(), Some(&sha256(&bytes)[..]));
    }

    #[test]
    fn what_is_missing_has_a_default_in_two_and_is_missed_in_one() {
        let world = World::new();
        let identifier = world.create(Vec::new()).unwrap();
        let object = world.object(&identifier);
        let attributes = object.attributes();
        assert_eq!(attributes.cryptographic_algorithm(), Some(&CryptographicAlgorithm::Aes));
        assert_eq!(attributes.cryptographic_length(), Some(&256));
        let mask = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
        assert_eq!(attributes.cryptographic_usage_mask(), Some(&mask));

        let old = world.speaking(ONE);
        assert_eq!(
            old.create(Vec::new()),
            Err(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))
        );
        assert_eq!(
            old.create(aes(0).into_iter().take(1).collect()),
            Err(OperationError::MissingAttribute(Tag::CryptographicLength))
        );
        let identifier = old.create(aes(128)).unwrap();
        assert_eq!(world.object(&identifier).attributes().cryptographic_usage_mask(), None);
    }

    #[test]
    fn keys_that_do_not_exist_are_refused() {
        let world = World::new();
        let algorithm = |algorithm| vec![Attribute::CryptographicAlgorithm(algorithm)];
        for (attributes, tag) in [
            (aes(56), Tag::CryptographicLength),
            (aes(-128), Tag::CryptographicLength),
            (algorithm(CryptographicAlgorithm::Rsa), Tag::CryptographicAlgorithm),
        ] {
            let refused = world.create(attributes);
            assert!(matches!(refused, Err(OperationError::InvalidValue(at, _)) if at == tag));
        }
        assert_eq!(
            create_as(&world, ObjectType::PublicKey, aes(128), Vec::new()),
            Err(OperationError::IllegalObjectType)
        );
        assert!(world.store.objects().is_empty());
    }

    #[test]
    fn what_only_the_server_sets_is_refused() {
        let world = World::new();
        let of_the_server = Attribute::Vendor(VendorAttribute {
            vendor_identification: "y".into(),
            attribute_name: "a".into(),
            attribute_value: Value::Integer(1),
        });
        for attribute in [
            Attribute::State(State::PreActive),
            Attribute::InitialDate(NOW),
            Attribute::OriginalCreationDate(NOW),
            Attribute::LeaseTime(Interval(3_600)),
            Attribute::UniqueIdentifier(UniqueIdentifier::new("1")),
            Attribute::DestroyDate(NOW),
            of_the_server,
        ] {
            let tag = attribute.tag();
            assert_eq!(
                world.create(with(aes(128), attribute)),
                Err(RuleViolation::ReadOnly(tag).into())
            );
        }
    }

    #[test]
    fn the_truth_may_be_repeated_but_not_contradicted() {
        let world = World::new();
        for (attribute, accepted) in [
            (Attribute::ObjectType(ObjectType::SymmetricKey), true),
            (Attribute::ObjectType(ObjectType::SecretData), false),
            (Attribute::KeyFormatType(KeyFormatType::Raw), true),
            (Attribute::ProtectionStorageMask(ProtectionStorageMask::SOFTWARE), true),
            (Attribute::ProtectionStorageMask(ProtectionStorageMask::HARDWARE), false),
        ] {
            let tag = attribute.tag();
            let refused = OperationError::from(RuleViolation::Contradiction(tag));
            let expected = if accepted { None } else { Some(refused) };
            assert_eq!(world.create(with(aes(128), attribute)).err(), expected, "{tag}");
        }
    }

    #[test]
    fn attributes_that_do_not_apply_or_come_twice_are_refused() {
        let world = World::new();
        let one = world.create(with(aes(128), Attribute::CertificateLength(1)));
        assert_eq!(one, Err(RuleViolation::NotApplicable(Tag::CertificateLength).into()));
        let twice = world.create(with(aes(128), Attribute::CryptographicLength(256)));
        assert_eq!(twice, Err(RuleViolation::SingleValued(Tag::CryptographicLength).into()));
        let names = world.create(with(with(aes(128), name("a")), name("a")));
        assert_eq!(names, Err(RuleViolation::DuplicateValue(Tag::Name).into()));
    }

    #[test]
    fn a_date_that_has_come_activates_and_dates_keep_their_order() {
        let world = World::new();
        let active = with(aes(128), Attribute::ActivationDate(DateTime(5)));
        let identifier = world.create(active.clone()).unwrap();
        assert_eq!(world.object(&identifier).state(), Some(State::Active));
        assert_eq!(
            world.create(with(active, Attribute::DeactivationDate(DateTime(4)))),
            Err(RuleViolation::DateOrder(Tag::DeactivationDate).into())
        );
    }

    #[test]
    fn usage_limits_start_at_their_total() {
        let world = World::new();
        let limits = UsageLimits {
            usage_limits_total: 10,
            usage_limits_count: Some(99),
            usage_limits_unit: UsageLimitsUnit::Byte,
        };
        let identifier = world.create(with(aes(128), Attribute::UsageLimits(limits))).unwrap();
        let object = world.object(&identifier);
        assert_eq!(object.attributes().usage_limits().unwrap().usage_limits_count, Some(10));
    }

    #[test]
    fn sensitivity_has_a_history_from_the_beginning() {
        let world = World::new();
        let hidden =
            with(with(aes(128), Attribute::Sensitive(true)), Attribute::Extractable(false));
        let identifier = world.create(hidden).unwrap();
        let object = world.object(&identifier);
        assert_eq!(object.attributes().always_sensitive(), Some(&true));
        assert_eq!(object.attributes().never_extractable(), Some(&true));
    }

    #[test]
    fn quantum_safe_keys_are_long() {
        let world = World::new();
        let safe = |length| world.create(with(aes(length), Attribute::QuantumSafe(true)));
        assert_eq!(safe(128), Err(OperationError::NotQuantumSafe));
        assert!(safe(256).is_ok());
    }

    #[test]
    fn one_storage_that_the_client_accepts_must_be_the_one_of_here() {
        use ProtectionStorageMask as Mask;
        let world = World::new();
        let create = |masks| create_as(&world, ObjectType::SymmetricKey, aes(128), masks);
        let unavailable = OperationError::ProtectionStorageUnavailable(ObjectType::SymmetricKey);
        assert_eq!(create(vec![Mask::HARDWARE]), Err(unavailable.clone()));
        assert_eq!(create(vec![Mask::SOFTWARE.union(Mask::VALIDATED)]), Err(unavailable));
        assert!(create(vec![Mask::HARDWARE, Mask::SOFTWARE]).is_ok());
    }

    #[test]
    fn a_generator_that_is_not_here_makes_no_key() {
        let world = World::new();
        let ours = random_number_generator();
        let only = |rng_algorithm| {
            RngParameters::from_value(
                Tag::RandomNumberGenerator,
                Value::Structure(vec![(Tag::RngAlgorithm, Valued::to_value(&rng_algorithm))]),
            )
            .unwrap()
        };
        for (wanted, made) in [
            (ours.clone(), true),
            (only(RngAlgorithm::Drbg), true),
            (only(RngAlgorithm::Unspecified), true),
            (only(RngAlgorithm::Nrbg), false),
        ] {
            let result = world.create(with(aes(128), Attribute::RandomNumberGenerator(wanted)));
            assert_eq!(result.is_ok(), made);
            if let Ok(identifier) = result {
                let object = world.object(&identifier);
                assert_eq!(object.attributes().random_number_generator(), Some(&ours));
            }
        }
    }

    #[test]
    fn names_are_unique_in_two_only() {
        let world = World::new();
        world.create(with(aes(128), name("a"))).unwrap();
        assert_eq!(world.create(with(aes(128), name("a"))), Err(OperationError::DuplicateName));
        assert!(world.asked_by("bob").create(with(aes(128), name("a"))).is_ok());
        assert!(world.speaking(ONE).create(with(aes(128), name("a"))).is_ok());
    }

    #[test]
    fn a_transparent_key_is_made_on_request() {
        let world = World::new();
        let form = |format| with(aes(128), Attribute::KeyFormatType(format));
        let identifier = world.create(form(KeyFormatType::TransparentSymmetricKey)).unwrap();
        let object = world.object(&identifier);
        let material = object.object().unwrap().key_material().unwrap();
        assert!(matches!(material, KeyMaterial::TransparentSymmetricKey { .. }));
        // The digest is of the default form.
        let digest = object.attributes().digest().unwrap();
        assert_eq!(digest.key_format_type, Some(KeyFormatType::Raw));
        assert_eq!(
            world.create(form(KeyFormatType::Pkcs8)),
            Err(OperationError::KeyFormatTypeNotSupported)
        );
    }

    #[test]
    fn secret_data_is_made_too() {
        let world = World::new().speaking(ONE);
        let length = |bits| vec![Attribute::CryptographicLength(bits)];
        let create = |bits| create_as(&world, ObjectType::SecretData, length(bits), Vec::new());
        let identifier = create(80).unwrap();
        let object = world.get(&identifier).unwrap();
        let Object::SecretData { secret_data_type, key_block } = &object else {
            panic!("not Secret Data")
        };
        assert_eq!(*secret_data_type, SecretDataType::Password);
        assert_eq!(key_block.key_format_type, KeyFormatType::Opaque);
        assert_eq!(key_block.cryptographic_length, None);
        assert_eq!(key_bytes(&object).len(), 10);
        for bits in [0, -8, 7, LONGEST_SECRET + 8] {
            assert!(matches!(create(bits), Err(OperationError::InvalidValue(..))), "{bits}");
        }
    }

    #[test]
    fn the_placeholder_names_the_new_key() {
        let world = World::new();
        let answers = world.batch(
            vec![
                create_request(aes(128)),
                ops::Request::Get(get_request(IdentifierRef::Placeholder)),
            ],
            BatchErrorContinuationOption::Stop,
        );
        let [Ok(ops::Response::Create(created)), Ok(ops::Response::Get(got))] = &answers[..] else {
            panic!("{answers:?}")
        };
        assert_eq!(created.unique_identifier, got.unique_identifier);
    }
}
