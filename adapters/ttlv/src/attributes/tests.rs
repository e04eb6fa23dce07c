//! Tests of attributes in every version.

use kmip_model::{
    DateTime, Interval, UniqueIdentifier,
    attribute::{
        CryptographicParameters, Digest, Link, RevocationReason, UsageLimits,
        X509CertificateSubject,
    },
    enumeration::{
        BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm,
        KeyFormatType, LinkType, NameType, RevocationReasonCode, State, UsageLimitsUnit,
    },
    locate::{Filter, Locate},
    value::Valued,
};
use proptest::prelude::*;

use super::*;
use crate::reader::Limits;

fn written(version: Version, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(version);
    writer.structure(Tag::RequestPayload, write);
    writer.into_bytes()
}

fn read<T>(
    bytes: &[u8],
    version: Version,
    read: impl FnOnce(&Fields<'_>, &Context) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let element = Element::parse(bytes, &Limits::default())?;
    read(&element.fields()?, &Context::new(version))
}

fn through(instances: &Vec<Instance>, version: Version) -> Vec<Instance> {
    let bytes = written(version, |writer| Instances::write(instances, writer));
    read(&bytes, version, Instances::read).unwrap()
}

fn parameters(fields: Vec<(Tag, Value)>) -> Attribute {
    let tag = Tag::CryptographicParameters;
    let value = CryptographicParameters::from_value(tag, Value::Structure(fields));
    Attribute::CryptographicParameters(Box::new(value.unwrap()))
}

fn instance(attribute: Attribute) -> Instance {
    Instance { index: 0, attribute }
}

fn vendor(vendor_identification: &str, attribute_value: Value) -> Attribute {
    Attribute::Vendor(VendorAttribute {
        vendor_identification: vendor_identification.into(),
        attribute_name: "ID".into(),
        attribute_value,
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::Integer),
        any::<i64>().prop_map(Value::LongInteger),
        proptest::collection::vec(any::<[u8; 8]>(), 1..4)
            .prop_map(|words| Value::BigInteger(words.concat())),
        any::<u32>().prop_map(Value::Enumeration),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,12}".prop_map(Value::TextString),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::ByteString),
        any::<i64>().prop_map(|seconds| Value::DateTime(DateTime(seconds))),
        any::<u32>().prop_map(|seconds| Value::Interval(Interval(seconds))),
        any::<i64>().prop_map(Value::DateTimeExtended),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        proptest::collection::vec((0x42_0001_u32..0x42_0176, inner), 0..6).prop_map(|fields| {
            Value::Structure(fields.into_iter().map(|(tag, value)| (Tag(tag), value)).collect())
        })
    })
}

fn any_attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        "[a-z]{0,9}".prop_map(|text| Attribute::Name(Name::text(text))),
        any::<u32>().prop_map(|v| Attribute::CryptographicAlgorithm(CryptographicAlgorithm(v))),
        any::<u32>().prop_map(|v| Attribute::CryptographicUsageMask(CryptographicUsageMask(v))),
        any::<i64>().prop_map(|seconds| Attribute::ActivationDate(DateTime(seconds))),
        any::<u32>().prop_map(|seconds| Attribute::LeaseTime(Interval(seconds))),
        any::<bool>().prop_map(Attribute::Sensitive),
        (any::<i64>(), any::<Option<i64>>()).prop_map(|(total, count)| {
            Attribute::UsageLimits(UsageLimits {
                usage_limits_total: total,
                usage_limits_count: count,
                usage_limits_unit: UsageLimitsUnit::Object,
            })
        }),
        (any::<u32>(), ".{0,5}").prop_map(|(link_type, to)| {
            Attribute::Link(Link {
                link_type: LinkType(link_type),
                linked_object_identifier: UniqueIdentifier::new(to),
            })
        }),
        proptest::collection::vec(any::<Vec<u8>>(), 0..3).prop_map(|names| {
            Attribute::X509CertificateSubject(X509CertificateSubject {
                subject_distinguished_name: vec![1],
                subject_alternative_names: names,
            })
        }),
        any_value().prop_map(|value| vendor("x", value)),
        any_value().prop_map(|value| vendor("y", value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_generic_value_is_written_and_read_back(value in any_value()) {
        let mut writer = Writer::new(Version::V2_1);
        value.encode(Tag::AttributeValue, &mut writer);
        let bytes = writer.into_bytes();
        let element = Element::parse(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(Value::decode(element, &Context::new(Version::V2_1)), Ok(value));
    }

    #[test]
    fn attributes_are_written_and_read_back(
        given in proptest::collection::vec((0_u32..4, any_attribute()), 0..6),
    ) {
        let instances: Vec<Instance> =
            given.into_iter().map(|(index, attribute)| Instance { index, attribute }).collect();
        prop_assert_eq!(&through(&instances, Version::V1_4), &instances);
        prop_assert_eq!(&through(&instances, Version::STORED), &instances);
        let without_index: Vec<Instance> =
            instances.iter().map(|have| instance(have.attribute.clone())).collect();
        prop_assert_eq!(&through(&instances, Version::V2_1), &without_index);
    }

    #[test]
    fn junk_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(element) = Element::parse(&bytes, &Limits::default()) {
            for version in Version::ALL {
                let context = Context::new(version);
                let _ = v1::read(element, &context);
                let _ = v2::read(element, &context);
                let _ = Locate::decode(element, &context);
            }
        }
    }
}

#[test]
fn the_index_is_written_unless_it_is_0_and_read_wherever_it_stands() {
    let name = |index| Instance { index, attribute: Attribute::Name(Name::text("a")) };
    let bytes = written(Version::V1_0, |writer| {
        Instances::write(&vec![name(0), name(2)], writer);
    });
    let count = read(&bytes, Version::V1_0, |fields, _| {
        fields.find_all(Tag::Attribute).map(|item| Ok(item?.children().count())).collect()
    });
    assert_eq!(count, Ok(vec![2, 3]));

    let swapped = written(Version::V1_0, |writer| {
        writer.structure(Tag::Attribute, |writer| {
            writer.text(Tag::AttributeName, "Contact Information");
            writer.text(Tag::AttributeValue, "me");
            writer.integer(Tag::AttributeIndex, 3);
        });
    });
    assert_eq!(
        read(&swapped, Version::V1_0, Instances::read),
        Ok(vec![Instance { index: 3, attribute: Attribute::ContactInformation("me".into()) }])
    );
}

#[test]
fn custom_attributes_keep_their_prefix_as_the_vendor() {
    let instances = vec![instance(vendor("x", Value::TextString("a".into())))];
    let bytes = written(Version::V1_2, |writer| Instances::write(&instances, writer));
    assert!(bytes.windows(4).any(|window| window == b"x-ID"));
    assert_eq!(read(&bytes, Version::V1_2, Instances::read), Ok(instances));
}

#[test]
fn what_a_version_cannot_name_is_left_out() {
    let instances = vec![
        instance(vendor("acme", Value::Integer(1))),
        instance(Attribute::OperationPolicyName("default".into())),
        instance(Attribute::Fresh(true)),
        instance(Attribute::QuantumSafe(true)),
    ];
    let seen = |version| -> Vec<Tag> {
        through(&instances, version).iter().map(|have| have.attribute.tag()).collect()
    };
    assert_eq!(seen(Version::V1_0), [Tag::OperationPolicyName]);
    assert_eq!(seen(Version::V1_4), [Tag::OperationPolicyName, Tag::Fresh]);
    assert_eq!(seen(Version::V2_0), [Tag::Attribute, Tag::Fresh, Tag::QuantumSafe]);
    assert_eq!(through(&instances, Version::STORED), instances);
}

#[test]
fn a_structure_loses_the_fields_that_the_version_does_not_have() {
    let digest = Attribute::Digest(Digest {
        hashing_algorithm: HashingAlgorithm::Sha256,
        digest_value: Some(vec![1]),
        key_format_type: Some(KeyFormatType::Raw),
    });
    let gcm = parameters(vec![
        (Tag::BlockCipherMode, Value::Enumeration(BlockCipherMode::Gcm.0)),
        (Tag::CryptographicAlgorithm, Value::Enumeration(CryptographicAlgorithm::Aes.0)),
    ]);
    let instances = vec![instance(digest.clone()), instance(gcm.clone())];
    let old: Vec<Attribute> =
        through(&instances, Version::V1_0).into_iter().map(|have| have.attribute).collect();
    let Attribute::Digest(old_digest) = &old[0] else { panic!("no digest") };
    assert_eq!(old_digest.key_format_type, None);
    assert_eq!(
        old[1],
        parameters(vec![(Tag::BlockCipherMode, Value::Enumeration(BlockCipherMode::Gcm.0))])
    );
    assert_eq!(through(&instances, Version::V1_2), instances);
}

#[test]
fn an_unknown_attribute_is_named_in_the_fault() {
    let named = |name: &str| {
        let bytes = written(Version::V1_4, |writer| {
            writer.structure(Tag::Attribute, |writer| {
                writer.text(Tag::AttributeName, name);
                writer.text(Tag::AttributeValue, "a");
            });
        });
        read(&bytes, Version::V1_4, Instances::read).unwrap_err()
    };
    assert_eq!(
        named("Shoe Size").attribute(),
        Some(&AttributeReference::Unknown("Shoe Size".into()))
    );
    // It came with 2.0.
    assert_eq!(
        named("Quantum Safe").attribute(),
        Some(&AttributeReference::Standard(Tag::QuantumSafe))
    );
    assert_eq!(named("State"), Fault::wrong_type(Tag::State));

    let tagged = |tag| {
        let bytes = written(Version::V2_1, |writer| {
            writer.structure(Tag::Attributes, |writer| writer.text(tag, "a"));
        });
        read(&bytes, Version::V2_1, Instances::read).unwrap_err()
    };
    for tag in [Tag::OperationPolicyName, Tag::Data, Tag(0x42_0200), Tag(0x54_0001)] {
        assert_eq!(tagged(tag).attribute(), Some(&AttributeReference::Standard(tag)));
    }
}

#[test]
fn references_are_names_in_1_x_and_tags_in_2_x() {
    let references = vec![
        AttributeReference::Standard(Tag::CryptographicLength),
        AttributeReference::Vendor {
            vendor_identification: "x".into(),
            attribute_name: "ID".into(),
        },
    ];
    for version in [Version::V1_0, Version::V2_1] {
        let bytes = written(version, |writer| References::write(&references, writer));
        assert_eq!(read(&bytes, version, References::read), Ok(references.clone()));
    }
    let bytes = written(Version::V1_0, |writer| {
        References::write(&vec![AttributeReference::Standard(Tag::QuantumSafe)], writer);
    });
    assert_eq!(read(&bytes, Version::V1_0, References::read), Ok(Vec::new()));
}

#[test]
fn new_attribute_holds_exactly_one() {
    let reason = Attribute::RevocationReason(RevocationReason {
        revocation_reason_code: RevocationReasonCode::KeyCompromise,
        revocation_message: Some("lost".into()),
    });
    let bytes = written(Version::V2_1, |writer| NewAttribute::write(&reason, writer));
    assert_eq!(read(&bytes, Version::V2_1, NewAttribute::read), Ok(reason));
    let none = written(Version::V2_1, |writer| {
        writer.structure(Tag::NewAttribute, |_| ());
    });
    assert_eq!(read(&none, Version::V2_1, NewAttribute::read), Err(Fault::missing(Tag::Attribute)));
    let two = written(Version::V2_1, |writer| {
        writer.structure(Tag::CurrentAttribute, |writer| {
            writer.text(Tag::Comment, "a");
            writer.text(Tag::Description, "b");
        });
    });
    assert_eq!(
        read(&two, Version::V2_1, CurrentAttribute::read).unwrap_err().kind,
        FaultKind::Repeated
    );
}

#[derive(Debug, PartialEq)]
struct Pair(Vec<Name>, Vec<Attribute>);

impl Given for Pair {
    fn from_parts(names: Vec<Name>, attributes: Vec<Attribute>) -> Self {
        Self(names, attributes)
    }
    fn parts(&self) -> (&[Name], &[Attribute]) {
        (&self.0, &self.1)
    }
}

#[test]
fn templates_are_named_in_1_x_only() {
    let given = Pair(vec![Name::text("t")], vec![Attribute::State(State::Active)]);
    let old = written(Version::V1_0, |writer| {
        Template::<Pair>::write(&given, writer);
    });
    assert_eq!(read(&old, Version::V1_0, Template::<Pair>::read), Ok(given));
    let given = Pair(Vec::new(), vec![Attribute::State(State::Active)]);
    let new = written(Version::V2_0, |writer| {
        PrivateKeyTemplate::write(&given, writer);
    });
    assert_eq!(read(&new, Version::V2_0, PrivateKeyTemplate::<Pair>::read), Ok(given));
    assert_eq!(
        read(&old, Version::V1_0, CommonTemplate::<Pair>::read),
        Ok(Pair(Vec::new(), Vec::new()))
    );
    assert!(Template::<Pair>::knows(Tag::TemplateAttribute, &Context::new(Version::V1_0)));
    assert!(!Template::<Pair>::knows(Tag::TemplateAttribute, &Context::new(Version::V2_0)));
}

fn filters() -> Vec<Filter> {
    let date = |seconds| Filter {
        reference: AttributeReference::Standard(Tag::InitialDate),
        value: Value::DateTime(DateTime(seconds)),
    };
    let name = Filter {
        reference: AttributeReference::Standard(Tag::Name),
        value: Value::Structure(vec![(Tag::NameValue, Value::TextString("a".into()))]),
    };
    let custom =
        Filter { reference: vendor("x", Value::Integer(1)).reference(), value: Value::Integer(1) };
    vec![date(1), date(2), name, custom]
}

#[test]
fn filters_repeat_and_may_be_parts() {
    let query = Locate {
        filters: filters(),
        offset: 2,
        maximum: Some(5),
        storage_status_mask: None,
        object_group_member: None,
    };
    for version in [Version::V1_4, Version::V2_1] {
        let mut writer = Writer::new(version);
        query.encode(Tag::RequestPayload, &mut writer);
        let bytes = writer.into_bytes();
        let element = Element::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(Locate::decode(element, &Context::new(version)), Ok(query.clone()));
    }
}

#[test]
fn filters_are_found_in_a_template_attribute_too() {
    let bytes = written(Version::V1_0, |writer| {
        writer.structure(Tag::TemplateAttribute, |writer| {
            locate::Filters::write(&filters(), writer);
        });
    });
    assert_eq!(read(&bytes, Version::V1_0, locate::Filters::read), Ok(filters()));
}

#[test]
fn a_filter_that_no_object_can_answer_is_a_fault() {
    let filter = |tag: Tag, value: Value| {
        let bytes = written(Version::V2_1, |writer| {
            writer.structure(Tag::Attributes, |writer| value.encode(tag, writer));
        });
        read(&bytes, Version::V2_1, locate::Filters::read)
    };
    let mistyped = filter(Tag::State, Value::Integer(1));
    assert_eq!(mistyped, Err(Fault::wrong_type(Tag::State)));
    let foreign = Value::Structure(vec![
        (Tag::NameValue, Value::TextString("a".into())),
        (Tag::NameType, Value::Enumeration(NameType::Uri.0)),
        (Tag::Link, Value::Integer(1)),
    ]);
    assert_eq!(filter(Tag::Name, foreign), Err(Fault::unexpected(Tag::Link)));
    let unknown = filter(Tag::Data, Value::Integer(1)).unwrap_err();
    assert_eq!(unknown.attribute(), Some(&AttributeReference::Standard(Tag::Data)));
}

#[test]
fn a_link_of_a_later_type_is_not_shown_to_an_older_client() {
    let link = Attribute::Link(Link {
        link_type: LinkType::WrappingKeyLink,
        linked_object_identifier: UniqueIdentifier::new("a"),
    });
    for (version, shown) in [(Version::V1_4, false), (Version::V2_0, true)] {
        let mut writer = Writer::new(version);
        v1::write(&link, 0, &mut writer);
        assert_eq!(!writer.is_empty(), shown, "{version}");
    }
}

#[test]
fn a_storage_status_mask_among_the_attributes_is_the_field() {
    let mut writer = Writer::new(Version::V1_1);
    writer.structure(Tag::RequestPayload, |writer| {
        writer.structure(Tag::Attribute, |writer| {
            writer.text(Tag::AttributeName, "Storage Status Mask");
            writer.integer(Tag::AttributeValue, 3);
        });
    });
    let bytes = writer.into_bytes();
    let element = Element::parse(&bytes, &Limits::default()).unwrap();
    let locate = Locate::decode(element, &Context::new(Version::V1_1)).unwrap();
    assert_eq!(locate.storage_status_mask, Some(kmip_model::enumeration::StorageStatusMask(3)));
    assert_eq!(locate.filters, []);
}
