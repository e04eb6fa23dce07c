//! Register (KMIP 2.1 §6.1.43, 1.4 §4.3).
//!
//! Stores an object that the client brings, its bytes as they are, also where they do not fit
//! their label: what they really are matters only when they are used. Not repeatable.

use kmip_model::{
    UniqueIdentifier,
    attribute::{Attribute, AttributeReference, AttributeSet, Instance, Link, RuleViolation},
    enumeration::{CryptographicAlgorithm, LinkType, ObjectType, ProtectionStorageMask, Tag},
    locate::{Filter, Locate},
    object::{KeyBlock, KeyValue, Object},
    value::Valued,
};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        create_object::{
            Origin, TemplateAttribute, build, check, check_protection_storage, resolve,
        },
        object_facts::is_wrapped,
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Object Type.
    pub object_type: ObjectType,
    /// The attributes of the new object.
    pub attributes: TemplateAttribute,
    /// The object; absent where only its location is known.
    pub object: Option<Object>,
    /// Protection Storage Masks that the client accepts.
    pub protection_storage_masks: Vec<ProtectionStorageMask>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The new object.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let object_type = request.object_type;
    if item.dialect().unknown_object_types.contains(&object_type) {
        return Err(OperationError::IllegalObjectType);
    }
    let object = request.object.clone().ok_or(PayloadFault::Missing(object_tag(object_type)))?;
    if object.object_type() != object_type {
        return Err(OperationError::IllegalObjectType);
    }
    check_protection_storage(object_type, &request.protection_storage_masks)?;
    let mut attributes = resolve(item, &request.attributes).await?;
    let object = match object {
        Object::Template { attributes: contents } => template(contents, &mut attributes)?,
        other => other,
    };
    check(object_type, Origin::Registered, &attributes)?;
    if let Some(key_block) = object.key_block() {
        check_key_block(&object, key_block, &attributes)?;
        if let Some(link) = wrapping_key_link(item, key_block).await? {
            // The client may have said so itself.
            let _ = attributes.add(link);
        }
    }
    let unique_identifier = item.new_identifier()?;
    let object = build(item, unique_identifier.clone(), Origin::Registered, object, &attributes)?;
    item.claim_names(&object);
    item.create(object);
    Ok(Response { unique_identifier })
}

/// Returns the tag under which an object of that type stands in a request.
const fn object_tag(object_type: ObjectType) -> Tag {
    match object_type {
        ObjectType::Certificate => Tag::Certificate,
        ObjectType::SymmetricKey => Tag::SymmetricKey,
        ObjectType::PublicKey => Tag::PublicKey,
        ObjectType::PrivateKey => Tag::PrivateKey,
        ObjectType::SplitKey => Tag::SplitKey,
        ObjectType::Template => Tag::Template,
        ObjectType::SecretData => Tag::SecretData,
        ObjectType::OpaqueObject => Tag::OpaqueObject,
        ObjectType::PgpKey => Tag::PgpKey,
        ObjectType::CertificateRequest => Tag::CertificateRequest,
        _ => Tag::ObjectType,
    }
}

/// Sorts out what is the Template's own and what it has for other objects.
fn template(contents: Vec<Instance>, own: &mut AttributeSet) -> Result<Object, OperationError> {
    let mut for_others = AttributeSet::default();
    for instance in contents {
        let attribute = instance.attribute;
        if matches!(attribute, Attribute::Name(_)) {
            // Its Name belongs beside the template, but clients put it inside too.
            if own.iter().all(|have| have.attribute != attribute) {
                own.add(attribute)?;
            }
        } else {
            for_others.add(attribute)?;
        }
    }
    //= KMIP-1.4 §3.18.2.3
    // The policy is the one of the objects made from the template, never the template's.
    let policy = own.operation_policy_name().cloned();
    if let Some(policy) = policy {
        own.remove_all(&AttributeReference::Standard(Tag::OperationPolicyName));
        for_others.set(Attribute::OperationPolicyName(policy));
    }
    check(ObjectType::Template, Origin::Registered, &for_others)?;
    Ok(Object::Template { attributes: for_others.iter().cloned().collect() })
}

/// Checks that the attributes and the key block speak of the same kind of key.
fn check_key_block(
    object: &Object,
    key_block: &KeyBlock,
    attributes: &AttributeSet,
) -> Result<(), OperationError> {
    let attribute = attributes.cryptographic_algorithm().copied();
    if let (Some(one), Some(other)) = (attribute, key_block.cryptographic_algorithm)
        && !same_family(one, other)
    {
        return Err(RuleViolation::Contradiction(Tag::CryptographicAlgorithm).into());
    }
    let length = attributes.cryptographic_length().copied();
    if let (Some(one), Some(other)) = (length, key_block.cryptographic_length)
        && one != other
    {
        return Err(RuleViolation::Contradiction(Tag::CryptographicLength).into());
    }
    //= KMIP-2.1 §6.1.43 table 293
    // A symmetric key does not say itself what it is for; a wrapped one may do so inside.
    let known = attribute.is_some()
        || key_block.cryptographic_algorithm.is_some()
        || is_wrapped(key_block)
        || says_its_algorithm(key_block);
    if !known && object.object_type() == ObjectType::SymmetricKey {
        return Err(OperationError::MissingAttribute(Tag::CryptographicAlgorithm));
    }
    Ok(())
}

fn says_its_algorithm(key_block: &KeyBlock) -> bool {
    match &key_block.key_value {
        Some(KeyValue::Plain { attributes, .. }) => attributes
            .iter()
            .any(|have| matches!(have.attribute, Attribute::CryptographicAlgorithm(_))),
        _ => false,
    }
}

/// Says whether two names may mean the same key: an elliptic curve key has several.
fn same_family(one: CryptographicAlgorithm, other: CryptographicAlgorithm) -> bool {
    use CryptographicAlgorithm as A;
    let elliptic = |algorithm| matches!(algorithm, A::Ec | A::Ecdsa | A::Ecdh | A::Ecmqv);
    one == other || (elliptic(one) && elliptic(other))
}

/// Links a wrapped object to the key it is wrapped with, if that one is here.
//= KMIP-2.1 §6.1.43
async fn wrapping_key_link(
    item: &mut Item<'_>,
    key_block: &KeyBlock,
) -> Result<Option<Attribute>, OperationError> {
    let wrapping_key = key_block
        .key_wrapping_data
        .as_ref()
        .and_then(|data| data.encryption_key_information.as_ref())
        .map(|key| key.unique_identifier.clone());
    let Some(wrapping_key) = wrapping_key else {
        return Ok(None);
    };
    let query = Locate {
        filters: vec![Filter {
            reference: AttributeReference::Standard(Tag::UniqueIdentifier),
            value: wrapping_key.to_value(),
        }],
        ..Locate::default()
    };
    let found = item.locate(&query).await?;
    Ok(found.items.into_iter().next().map(|linked_object_identifier| {
        Attribute::Link(Link { link_type: LinkType::WrappingKeyLink, linked_object_identifier })
    }))
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Material, Value,
        attribute::{Digest, Name, VendorAttribute},
        enumeration::{
            CertificateRequestType, CertificateType, CryptographicUsageMask,
            DigitalSignatureAlgorithm, HashingAlgorithm, KeyFormatType, OpaqueDataType,
            SplitKeyMethod, State, WrappingMethod,
        },
        object::{KeyInformation, KeyMaterial, KeyWrappingData},
    };
    use kmip_ports::crypto::KeyPairSpecification;
    use kmip_testkit::{fixture_certificate, fixture_key_pair, sha256::sha256};

    use super::*;
    use crate::{
        ops,
        testing::{NOW, ONE, World, aes, aes_key, key_block, name, secret},
    };

    const P256: KeyPairSpecification = KeyPairSpecification::EllipticCurve {
        curve: kmip_model::enumeration::RecommendedCurve::P256,
    };

    fn certificate(certificate_value: Vec<u8>) -> Object {
        Object::Certificate { certificate_type: CertificateType::X509, certificate_value }
    }

    fn opaque() -> Object {
        Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8012_3456),
            opaque_data_value: Material::new(vec![1, 2]),
        }
    }

    fn custom(attribute_name: &str) -> Attribute {
        Attribute::Vendor(VendorAttribute {
            vendor_identification: "x".into(),
            attribute_name: attribute_name.into(),
            attribute_value: Value::TextString("v".into()),
        })
    }

    fn template_of(attributes: Vec<Attribute>) -> Object {
        let instances = attributes.into_iter().map(|attribute| Instance { index: 0, attribute });
        Object::Template { attributes: instances.collect() }
    }

    fn from_template(template: &str, attributes: Vec<Attribute>) -> TemplateAttribute {
        TemplateAttribute { names: vec![Name::text(template)], attributes }
    }

    fn wrapped_by(identifier: &UniqueIdentifier) -> Object {
        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        Object::SymmetricKey(KeyBlock {
            key_wrapping_data: Some(Box::new(KeyWrappingData {
                wrapping_method: WrappingMethod::Encrypt,
                encryption_key_information: Some(KeyInformation {
                    unique_identifier: identifier.clone(),
                    cryptographic_parameters: None,
                }),
                mac_signature_key_information: None,
                mac_signature: None,
                iv_counter_nonce: None,
                encoding_option: None,
            })),
            ..block
        })
    }

    #[test]
    fn every_type_of_object_is_kept() {
        let world = World::new();
        let pair = fixture_key_pair(P256);
        for object in [
            aes_key(&[1; 16]),
            Object::PrivateKey(key_block(KeyFormatType::Pkcs8, pair.private.expose())),
            Object::PublicKey(key_block(KeyFormatType::X509, &pair.public)),
            Object::PgpKey { pgp_key_version: 4, key_block: key_block(KeyFormatType::Raw, b"pgp") },
            Object::SplitKey {
                split_key_parts: 3,
                key_part_identifier: 1,
                split_key_threshold: 2,
                split_key_method: SplitKeyMethod::Xor,
                prime_field_size: None,
                key_block: key_block(KeyFormatType::Raw, &[1; 16]),
            },
            secret(b"s"),
            opaque(),
            certificate(fixture_certificate("ee")),
            Object::CertificateRequest {
                certificate_request_type: CertificateRequestType::Pkcs10,
                certificate_request_value: b"csr".to_vec(),
            },
            template_of(vec![custom("a")]),
        ] {
            let asked = match object {
                Object::Template { .. } => world.speaking(ONE),
                _ => world.clone(),
            };
            let identifier = asked.register(object.clone(), Vec::new()).unwrap();
            let stored = world.object(&identifier);
            assert_eq!(stored.object(), Some(&object));
            assert_eq!(stored.owner(), "alice");
            assert_eq!(stored.attributes().initial_date(), Some(&NOW));
            assert_eq!(stored.attributes().original_creation_date(), None);
            assert_eq!(stored.attributes().random_number_generator(), None);
        }
    }

    #[test]
    fn the_object_is_of_the_type_that_the_request_says() {
        let world = World::new();
        let ask = |object| {
            world.run(ops::Request::Register(Request {
                object_type: ObjectType::SymmetricKey,
                attributes: TemplateAttribute::default(),
                object,
                protection_storage_masks: Vec::new(),
            }))
        };
        assert_eq!(ask(Some(secret(b"s"))), Err(OperationError::IllegalObjectType));
        assert_eq!(ask(None), Err(PayloadFault::Missing(Tag::SymmetricKey).into()));
    }

    #[test]
    fn a_seed_needs_neither_name_nor_mask() {
        let world = World::new().speaking(ONE);
        let mask = Attribute::CryptographicUsageMask(CryptographicUsageMask(0));
        let identifier = world.register(secret(&[5; 96]), vec![mask]).unwrap();
        assert_eq!(world.get(&identifier), Ok(secret(&[5; 96])));
        assert_eq!(world.values(&identifier, Tag::CryptographicUsageMask), [Value::Integer(0)]);
        assert_eq!(world.values(&identifier, Tag::CryptographicLength), []);
    }

    #[test]
    fn attributes_and_key_block_agree() {
        use CryptographicAlgorithm as A;
        let world = World::new();
        let refused = world.register(aes_key(&[1; 16]), aes(256));
        assert_eq!(refused, Err(RuleViolation::Contradiction(Tag::CryptographicLength).into()));
        let other = vec![Attribute::CryptographicAlgorithm(A::Des3)];
        let refused = world.register(aes_key(&[1; 16]), other);
        assert_eq!(refused, Err(RuleViolation::Contradiction(Tag::CryptographicAlgorithm).into()));
        let key = Object::PublicKey(KeyBlock {
            cryptographic_algorithm: Some(A::Ec),
            ..key_block(KeyFormatType::X509, &fixture_key_pair(P256).public)
        });
        let ecdsa = vec![Attribute::CryptographicAlgorithm(A::Ecdsa)];
        assert!(world.register(key, ecdsa).is_ok());
    }

    #[test]
    fn algorithm_and_length_are_found_where_they_are() {
        use CryptographicAlgorithm as A;
        let world = World::new();
        let pair = fixture_key_pair(P256);
        let bare = |bytes: &[u8]| Object::SymmetricKey(key_block(KeyFormatType::Raw, bytes));
        let algorithm = vec![Attribute::CryptographicAlgorithm(A::Aes)];
        for (object, attributes, found) in [
            (aes_key(&[1; 16]), Vec::new(), Some((A::Aes, 128))),
            (bare(&[1; 32]), algorithm, Some((A::Aes, 256))),
            (
                Object::PublicKey(key_block(KeyFormatType::X509, &pair.public)),
                Vec::new(),
                Some((A::Ec, 256)),
            ),
            (Object::PrivateKey(key_block(KeyFormatType::Pkcs8, b"junk")), Vec::new(), None),
        ] {
            let identifier = world.register(object, attributes).unwrap();
            let stored = world.object(&identifier);
            let attributes = stored.attributes();
            let have = attributes.cryptographic_algorithm().zip(attributes.cryptographic_length());
            assert_eq!(have.map(|(algorithm, length)| (*algorithm, *length)), found);
        }
        assert_eq!(
            world.register(bare(&[1; 16]), Vec::new()),
            Err(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))
        );
    }

    #[test]
    fn a_digest_is_of_what_was_given() {
        let world = World::new();
        let junk = Object::PrivateKey(key_block(KeyFormatType::Pkcs8, b"junk"));
        for (object, bytes, key_format_type) in [
            (aes_key(&[1; 16]), &[1; 16][..], KeyFormatType::Raw),
            (secret(b"s"), b"s", KeyFormatType::Opaque),
            (junk, b"junk", KeyFormatType::Pkcs8),
            (opaque(), &[1, 2], KeyFormatType::Opaque),
            (certificate(b"junk".to_vec()), b"junk", KeyFormatType::Raw),
        ] {
            let identifier = world.register(object, Vec::new()).unwrap();
            let digest = Digest {
                hashing_algorithm: HashingAlgorithm::Sha256,
                digest_value: Some(sha256(bytes).to_vec()),
                key_format_type: Some(key_format_type),
            };
            assert_eq!(world.values(&identifier, Tag::Digest), [digest.to_value()]);
        }
    }

    #[test]
    fn a_wrapped_key_links_to_its_wrapping_key_and_has_no_digest() {
        let world = World::new();
        let wrapping = world.register(aes_key(&[2; 16]), Vec::new()).unwrap();
        let identifier = world.register(wrapped_by(&wrapping), Vec::new()).unwrap();
        let link = Link {
            link_type: LinkType::WrappingKeyLink,
            linked_object_identifier: wrapping.clone(),
        };
        assert_eq!(world.values(&identifier, Tag::Link), [link.to_value()]);
        assert_eq!(world.values(&identifier, Tag::Digest), []);
        let unknown = wrapped_by(&UniqueIdentifier::new("elsewhere"));
        let identifier = world.register(unknown.clone(), Vec::new()).unwrap();
        assert_eq!(world.values(&identifier, Tag::Link), []);
        assert_eq!(world.get(&identifier), Ok(unknown));
    }

    #[test]
    fn a_key_that_is_elsewhere_says_so() {
        let world = World::new();
        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        let absent = Object::SymmetricKey(KeyBlock { key_value: None, ..block });
        let identifier = world.register(absent, Vec::new()).unwrap();
        assert_eq!(world.values(&identifier, Tag::KeyValuePresent), [Value::Boolean(false)]);
        assert_eq!(world.values(&identifier, Tag::Digest), []);
        let claimed = vec![Attribute::KeyValuePresent(true)];
        assert_eq!(
            world.register(aes_key(&[1; 16]), claimed),
            Err(RuleViolation::ReadOnly(Tag::KeyValuePresent).into())
        );
    }

    #[test]
    fn a_certificate_becomes_attributes() {
        let world = World::new();
        let value = fixture_certificate("ee");
        let length = i32::try_from(value.len()).unwrap();
        let said = vec![
            Attribute::CertificateType(CertificateType::X509),
            Attribute::CertificateLength(length),
        ];
        let identifier = world.register(certificate(value.clone()), said).unwrap();
        let stored = world.object(&identifier);
        let attributes = stored.attributes();
        assert_eq!(attributes.cryptographic_algorithm(), Some(&CryptographicAlgorithm::Rsa));
        assert_eq!(attributes.cryptographic_length(), Some(&2_048));
        assert_eq!(attributes.certificate_length(), Some(&length));
        assert_eq!(attributes.certificate_subject_cn().map(String::as_str), Some("ee"));
        assert_eq!(attributes.certificate_issuer_cn().map(String::as_str), Some("Fixture CA"));
        let identifier = attributes.x509_certificate_identifier().unwrap();
        assert_eq!(identifier.certificate_serial_number, [2, 1, 1]);
        let old = attributes.certificate_identifier().unwrap();
        assert_eq!(old.serial_number.as_deref(), Some("01"));
        assert_eq!(old.issuer, "CN=Fixture CA");
        assert_eq!(
            attributes.digital_signature_algorithm(),
            Some(&DigitalSignatureAlgorithm::Sha256WithRsaEncryption)
        );
        let wrong = vec![Attribute::CertificateLength(1)];
        assert_eq!(
            world.register(certificate(value), wrong),
            Err(RuleViolation::Contradiction(Tag::CertificateLength).into())
        );
    }

    #[test]
    fn a_certificate_that_cannot_be_read_has_type_and_length() {
        let world = World::new();
        let identifier = world.register(certificate(b"junk".to_vec()), Vec::new()).unwrap();
        assert_eq!(world.values(&identifier, Tag::CertificateType), [Value::Enumeration(1)]);
        assert_eq!(world.values(&identifier, Tag::CertificateLength), [Value::Integer(4)]);
        assert_eq!(world.values(&identifier, Tag::X509CertificateSubject), []);
    }

    #[test]
    fn templates_give_their_attributes_but_not_their_name() {
        let world = World::new().speaking(ONE);
        let group = Attribute::ObjectGroup("g".into());
        // The Name may be inside the template, or beside it.
        world.register(template_of(vec![group, custom("a"), name("t1")]), Vec::new()).unwrap();
        let contact = |text: &str| Attribute::ContactInformation(text.into());
        world
            .register(template_of(vec![contact("template"), custom("b")]), vec![name("t2")])
            .unwrap();
        let mut given = from_template("t1", vec![contact("request"), name("s")]);
        given.names.push(Name::text("t2"));
        let identifier = world.register_from(secret(b"s"), given).unwrap();
        let text = |text: &str| Value::TextString(text.into());
        assert_eq!(world.values(&identifier, Tag::ObjectGroup), [text("g")]);
        assert_eq!(world.values(&identifier, Tag::ContactInformation), [text("request")]);
        assert_eq!(world.values(&identifier, Tag::Name), [Name::text("s").to_value()]);
        for attribute in [custom("a"), custom("b")] {
            assert!(world.object(&identifier).attributes().has(&attribute.reference()));
        }
    }

    #[test]
    fn the_last_template_wins_over_those_before_it() {
        let world = World::new().speaking(ONE);
        for template in ["t1", "t2"] {
            let contents = template_of(vec![Attribute::ContactInformation(template.into())]);
            world.register(contents, vec![name(template)]).unwrap();
        }
        let mut given = from_template("t1", Vec::new());
        given.names.push(Name::text("t2"));
        let identifier = world.register_from(secret(b"s"), given).unwrap();
        let contact = world.values(&identifier, Tag::ContactInformation);
        assert_eq!(contact, [Value::TextString("t2".into())]);
    }

    #[test]
    fn a_template_that_is_not_there_is_not_found() {
        let world = World::new().speaking(ONE);
        // A key of that Name is no template, and neither is somebody else's.
        world.register(aes_key(&[1; 16]), vec![name("t")]).unwrap();
        let bob = world.asked_by("bob");
        bob.register(template_of(vec![custom("a")]), vec![name("t")]).unwrap();
        let refused = world.register_from(secret(b"s"), from_template("t", Vec::new()));
        assert_eq!(refused, Err(OperationError::NotFound));
    }

    #[test]
    fn a_policy_for_objects_is_not_the_templates_own() {
        let world = World::new().speaking(ONE);
        let policy = Attribute::OperationPolicyName("p".into());
        let attributes = vec![name("t"), policy.clone()];
        let identifier = world.register(template_of(Vec::new()), attributes).unwrap();
        let stored = world.object(&identifier);
        assert_eq!(stored.operation_policy_name(), "default");
        assert_eq!(stored.object(), Some(&template_of(vec![policy])));
    }

    #[test]
    fn a_client_may_bring_what_has_been_served_before() {
        let world = World::new();
        let identifier = world.register(aes_key(&[1; 16]), vec![Attribute::Fresh(false)]).unwrap();
        assert_eq!(world.object(&identifier).attributes().fresh(), Some(&false));
        let opaque = world.register(opaque(), vec![Attribute::ActivationDate(NOW)]).unwrap();
        assert_eq!(world.object(&opaque).state(), Some(State::Active));
    }

    #[test]
    fn a_transparent_key_has_a_digest_of_its_default_form() {
        let world = World::new();
        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        let transparent = Object::SymmetricKey(KeyBlock {
            key_format_type: KeyFormatType::TransparentSymmetricKey,
            key_value: Some(KeyValue::Plain {
                key_material: KeyMaterial::TransparentSymmetricKey {
                    key: Material::new(vec![1; 16]),
                },
                attributes: Vec::new(),
            }),
            ..block
        });
        let identifier = world.register(transparent, Vec::new()).unwrap();
        let stored = world.object(&identifier);
        let digest = stored.attributes().digest().unwrap();
        assert_eq!(digest.key_format_type, Some(KeyFormatType::Raw));
        assert_eq!(digest.digest_value.as_deref(), Some(&sha256(&[1; 16])[..]));
    }
}
