//! Objects and queries that look random and are the same in every run.

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier, Value,
    attribute::{
        AlternativeName, ApplicationSpecificInformation, Attribute, AttributeReference,
        AttributeSet, CertificateSubject, Link, Name, UsageLimits, VendorAttribute,
    },
    enumeration::{
        AlternativeNameType, BlockCipherMode, CertificateType, CryptographicAlgorithm,
        CryptographicUsageMask, HashingAlgorithm, KeyFormatType, LinkType, NameType,
        ObjectGroupMember, ObjectType, OpaqueDataType, PaddingMethod, ProtectionStorageMask,
        SecretDataType, State, StorageStatusMask, Tag, UsageLimitsUnit,
    },
    locate::{Filter, Locate},
    object::{KeyBlock, KeyMaterial, Life, Object},
    policy::Visibility,
};

use crate::random::Sequence;

/// The time at which everything is looked for.
pub(super) const NOW: DateTime = DateTime(500);

const OWNERS: [&str; 2] = ["alice", "bob"];
const POLICIES: [&str; 3] = ["default", "public", "staff"];
const NAMES: [&str; 5] = ["a", "b", "c", "A", ""];
const WORDS: [&str; 3] = ["red", "green", "blue"];
const OBJECT_TYPES: [ObjectType; 7] = [
    ObjectType::SymmetricKey,
    ObjectType::PublicKey,
    ObjectType::PrivateKey,
    ObjectType::Certificate,
    ObjectType::SecretData,
    ObjectType::OpaqueObject,
    ObjectType::Template,
];
const STATES: [State; 6] = [
    State::PreActive,
    State::Active,
    State::Deactivated,
    State::Compromised,
    State::Destroyed,
    State::DestroyedCompromised,
];

/// Makes `count` objects of many kinds.
pub(super) fn objects(count: u64) -> Vec<ManagedObject> {
    let mut sequence = Sequence::new(1);
    (0..count).map(|number| object(&mut sequence, number)).collect()
}

fn object(sequence: &mut Sequence, number: u64) -> ManagedObject {
    let object_type = *sequence.pick(&OBJECT_TYPES);
    let mut attributes = AttributeSet::default();
    let mut all = simple_attributes(sequence);
    all.extend(dates(sequence));
    all.extend(structures(sequence));
    all.extend(vendor_attributes(sequence));
    for attribute in all {
        // A value that came up twice is refused and stays one.
        attributes.add(attribute).ok();
    }
    let held = payload(object_type);
    let life = match *sequence.pick(&STATES) {
        State::Active => Life::Active(held),
        State::Deactivated => Life::Deactivated(held),
        State::Compromised => Life::Compromised(held),
        State::Destroyed => Life::Destroyed(object_type),
        State::DestroyedCompromised => Life::DestroyedCompromised(object_type),
        _ => Life::PreActive(held),
    };
    let owner = (*sequence.pick(&OWNERS)).to_owned();
    ManagedObject::restore(identifier(number), owner, attributes, life)
}

fn identifier(number: u64) -> UniqueIdentifier {
    UniqueIdentifier::new(format!("object-{number}"))
}

/// Makes what an object of that type holds; smallest possible.
pub(super) fn payload(object_type: ObjectType) -> Object {
    let bytes = || Material::new(vec![1, 2, 3]);
    let key_block = |key_format_type| KeyBlock::plain(key_format_type, KeyMaterial::Bytes(bytes()));
    match object_type {
        ObjectType::SymmetricKey => Object::SymmetricKey(key_block(KeyFormatType::Raw)),
        ObjectType::PublicKey => Object::PublicKey(key_block(KeyFormatType::Pkcs1)),
        ObjectType::PrivateKey => Object::PrivateKey(key_block(KeyFormatType::Pkcs8)),
        ObjectType::Certificate => Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: vec![1],
        },
        ObjectType::SecretData => Object::SecretData {
            secret_data_type: SecretDataType::Password,
            key_block: key_block(KeyFormatType::Opaque),
        },
        ObjectType::OpaqueObject => Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: bytes(),
        },
        _ => Object::Template { attributes: Vec::new() },
    }
}

fn simple_attributes(sequence: &mut Sequence) -> Vec<Attribute> {
    let mut all = Vec::new();
    if sequence.chance(70) {
        all.push(Attribute::CryptographicAlgorithm(*sequence.pick(&[
            CryptographicAlgorithm::Aes,
            CryptographicAlgorithm::Rsa,
            CryptographicAlgorithm::HmacSha256,
        ])));
        all.push(Attribute::CryptographicLength(*sequence.pick(&[128, 256, 2048])));
    }
    if sequence.chance(80) {
        all.push(Attribute::CryptographicUsageMask(CryptographicUsageMask(
            u32::try_from(sequence.below(16)).unwrap_or_default(),
        )));
    }
    if sequence.chance(60) {
        all.push(Attribute::OperationPolicyName((*sequence.pick(&POLICIES)).to_owned()));
    }
    if sequence.chance(50) {
        all.push(Attribute::Fresh(sequence.chance(50)));
        all.push(Attribute::ProtectionStorageMask(ProtectionStorageMask(
            u32::try_from(sequence.below(4)).unwrap_or_default(),
        )));
    }
    if sequence.chance(30) {
        all.push(Attribute::ContactInformation((*sequence.pick(&WORDS)).to_owned()));
        all.push(Attribute::Comment((*sequence.pick(&WORDS)).to_owned()));
    }
    for _ in 0..sequence.below(3) {
        all.push(Attribute::ObjectGroup((*sequence.pick(&WORDS)).to_owned()));
    }
    let short = u8::try_from(sequence.below(10)).unwrap_or_default();
    all.push(Attribute::ShortUniqueIdentifier(vec![short]));
    all
}

fn dates(sequence: &mut Sequence) -> Vec<Attribute> {
    let mut all = Vec::new();
    let mut date = |percent| {
        let date = DateTime(i64::try_from(sequence.below(1000)).unwrap_or_default());
        sequence.chance(percent).then_some(date)
    };
    all.extend(date(95).map(Attribute::InitialDate));
    all.extend(date(60).map(Attribute::ActivationDate));
    all.extend(date(60).map(Attribute::DeactivationDate));
    all.extend(date(30).map(Attribute::CompromiseDate));
    all
}

fn structures(sequence: &mut Sequence) -> Vec<Attribute> {
    let mut all = Vec::new();
    for _ in 0..sequence.below(3) {
        all.push(Attribute::Name(Name {
            name_value: (*sequence.pick(&NAMES)).to_owned(),
            name_type: *sequence.pick(&[NameType::UninterpretedTextString, NameType::Uri]),
        }));
        all.push(Attribute::Link(Link {
            link_type: *sequence.pick(&[LinkType::PrivateKeyLink, LinkType::ParentLink]),
            linked_object_identifier: identifier(sequence.below(5)),
        }));
        let data = sequence.chance(60).then(|| (*sequence.pick(&NAMES)).to_owned());
        all.push(Attribute::ApplicationSpecificInformation(ApplicationSpecificInformation {
            application_namespace: (*sequence.pick(&WORDS)).to_owned(),
            application_data: data,
        }));
    }
    if sequence.chance(60) {
        all.push(Attribute::AlternativeName(AlternativeName {
            alternative_name_value: (*sequence.pick(&NAMES)).to_owned(),
            alternative_name_type: AlternativeNameType::EmailAddress,
        }));
        let alternatives = sequence.below(3);
        all.push(Attribute::CertificateSubject(CertificateSubject {
            distinguished_name: format!("CN={}", sequence.pick(&NAMES)),
            alternative_names: (0..alternatives)
                .map(|_| (*sequence.pick(&WORDS)).to_owned())
                .collect(),
        }));
        all.push(Attribute::UsageLimits(UsageLimits {
            usage_limits_total: i64::try_from(sequence.below(10)).unwrap_or_default(),
            usage_limits_count: None,
            usage_limits_unit: UsageLimitsUnit::Byte,
        }));
        let Value::Structure(fields) = parameters(sequence.chance(50)) else {
            return all;
        };
        let parameters =
            Attribute::from_value(Tag::CryptographicParameters, Value::Structure(fields));
        all.extend(parameters.and_then(Result::ok));
    }
    all
}

fn parameters(padded: bool) -> Value {
    let mut fields = vec![(Tag::BlockCipherMode, Value::Enumeration(BlockCipherMode::Cbc.0))];
    if padded {
        fields.push((Tag::PaddingMethod, Value::Enumeration(PaddingMethod::Pkcs5.0)));
        fields.push((Tag::HashingAlgorithm, Value::Enumeration(HashingAlgorithm::Sha256.0)));
    }
    Value::Structure(fields)
}

fn vendor_attributes(sequence: &mut Sequence) -> Vec<Attribute> {
    let count = sequence.below(8);
    (0..count).map(|_| vendor_attribute(sequence)).collect()
}

fn vendor_attribute(sequence: &mut Sequence) -> Attribute {
    let number = i64::try_from(sequence.below(4)).unwrap_or_default();
    let word = Value::TextString((*sequence.pick(&WORDS)).to_owned());
    let attribute_value = match sequence.below(6) {
        0 => Value::LongInteger(number),
        1 => Value::ByteString(vec![u8::try_from(number).unwrap_or_default()]),
        2 => Value::DateTime(DateTime(number.saturating_mul(250))),
        3 => Value::DateTimeExtended(number),
        4 => Value::Structure(vec![
            (Tag::NameValue, word),
            (Tag::NameType, Value::Structure(vec![(Tag::Y, Value::LongInteger(number))])),
            (Tag::IvLength, Value::LongInteger(number)),
        ]),
        _ => word,
    };
    let (vendor, name) = *sequence.pick(&[("x", "colour"), ("x", "other"), ("acme", "colour")]);
    Attribute::Vendor(VendorAttribute {
        vendor_identification: vendor.to_owned(),
        attribute_name: name.to_owned(),
        attribute_value,
    })
}

/// Filters that belong together.
type Filters = Vec<Filter>;

fn one(tag: Tag, value: Value) -> Filters {
    vec![Filter { reference: AttributeReference::Standard(tag), value }]
}

fn part(tag: Tag, fields: &[(Tag, Value)]) -> Filters {
    one(tag, Value::Structure(fields.to_vec()))
}

fn range(tag: Tag, first: DateTime, last: DateTime) -> Filters {
    [one(tag, Value::DateTime(last)), one(tag, Value::DateTime(first))].concat()
}

fn text(text: &str) -> Value {
    Value::TextString(text.to_owned())
}

/// Lists filters of every kind; those in the second list match no object at all.
pub(super) fn filters() -> (Vec<Filters>, Vec<Filters>) {
    let matching = [
        column_filters(),
        date_filters(),
        text_filters(),
        structure_filters(),
        vendor_filters(),
        rare_filters(),
    ];
    (matching.concat(), hopeless_filters())
}

fn column_filters() -> Vec<Filters> {
    let enumerated = |tag, value| one(tag, Value::Enumeration(value));
    let integer = |tag, value| one(tag, Value::Integer(value));
    let mut all = vec![
        one(Tag::UniqueIdentifier, text("object-3")),
        enumerated(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes.0),
        enumerated(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Rsa.0),
        integer(Tag::CryptographicLength, 256),
        integer(Tag::CryptographicUsageMask, 0),
        integer(Tag::CryptographicUsageMask, 4),
        integer(Tag::CryptographicUsageMask, 12),
    ];
    all.extend(OBJECT_TYPES.map(|object_type| enumerated(Tag::ObjectType, object_type.0)));
    all.extend(STATES.map(|state| enumerated(Tag::State, state.0)));
    all
}

fn date_filters() -> Vec<Filters> {
    vec![
        range(Tag::InitialDate, DateTime(0), DateTime(300)),
        range(Tag::InitialDate, DateTime(200), DateTime(800)),
        range(Tag::InitialDate, DateTime(500), DateTime::MAX),
        one(Tag::InitialDate, Value::DateTime(DateTime::MAX)),
        range(Tag::ActivationDate, DateTime(0), DateTime(500)),
        range(Tag::ActivationDate, DateTime(500), DateTime(1000)),
        one(Tag::ActivationDate, Value::DateTime(DateTime::MAX)),
        range(Tag::DeactivationDate, DateTime(400), DateTime(900)),
        range(Tag::CompromiseDate, DateTime(0), DateTime::MAX),
    ]
}

fn text_filters() -> Vec<Filters> {
    vec![
        one(Tag::ObjectGroup, text("red")),
        one(Tag::ObjectGroup, text("green")),
        [one(Tag::ObjectGroup, text("green")), one(Tag::ObjectGroup, text("red"))].concat(),
        one(Tag::ContactInformation, text("blue")),
        one(Tag::Comment, text("red")),
        one(Tag::OperationPolicyName, text("staff")),
        one(Tag::ShortUniqueIdentifier, Value::ByteString(vec![1])),
        one(Tag::Fresh, Value::Boolean(true)),
    ]
}

fn structure_filters() -> Vec<Filters> {
    let name_type = (Tag::NameType, Value::Enumeration(NameType::Uri.0));
    let name = |value| (Tag::NameValue, text(value));
    let link_type = (Tag::LinkType, Value::Enumeration(LinkType::ParentLink.0));
    let linked = (Tag::LinkedObjectIdentifier, text("object-2"));
    let namespace = (Tag::ApplicationNamespace, text("green"));
    let data = (Tag::ApplicationData, text("a"));
    let subject = (Tag::CertificateSubjectDistinguishedName, text("CN=b"));
    let alternative = |value| (Tag::CertificateSubjectAlternativeName, text(value));
    vec![
        part(Tag::Name, &[name("a")]),
        part(Tag::Name, &[name("")]),
        part(Tag::Name, &[name("b"), name("b")]),
        part(Tag::Name, &[name("A"), name_type.clone()]),
        part(Tag::Name, &[name_type.clone(), name("b")]),
        part(Tag::Name, &[name_type]),
        part(Tag::Name, &[]),
        [part(Tag::Name, &[name("a")]), part(Tag::Name, &[name("b")])].concat(),
        part(Tag::Link, std::slice::from_ref(&linked)),
        part(Tag::Link, std::slice::from_ref(&link_type)),
        part(Tag::Link, &[link_type, linked]),
        part(Tag::ApplicationSpecificInformation, std::slice::from_ref(&namespace)),
        part(Tag::ApplicationSpecificInformation, std::slice::from_ref(&data)),
        part(Tag::ApplicationSpecificInformation, &[namespace, data]),
        part(Tag::AlternativeName, &[(Tag::AlternativeNameValue, text("a"))]),
        part(Tag::CertificateSubject, std::slice::from_ref(&subject)),
        part(Tag::CertificateSubject, &[alternative("red")]),
        part(Tag::CertificateSubject, &[alternative("red"), alternative("blue")]),
        part(Tag::CertificateSubject, &[subject, alternative("green")]),
    ]
}

fn vendor(vendor: &str, name: &str, value: Value) -> Filter {
    Filter {
        reference: AttributeReference::Vendor {
            vendor_identification: vendor.to_owned(),
            attribute_name: name.to_owned(),
        },
        value,
    }
}

fn vendor_filters() -> Vec<Filters> {
    let dates = |first, last| {
        [first, last].map(|date| vendor("x", "other", Value::DateTime(DateTime(date)))).to_vec()
    };
    let number = |number| Value::Structure(vec![(Tag::Y, Value::LongInteger(number))]);
    vec![
        vec![vendor("x", "colour", text("red"))],
        vec![vendor("acme", "colour", text("red"))],
        vec![vendor("x", "other", text("green"))],
        vec![vendor("x", "other", Value::LongInteger(1))],
        vec![vendor("acme", "colour", Value::ByteString(vec![2]))],
        vec![vendor("x", "colour", Value::DateTimeExtended(3))],
        vec![vendor("x", "colour", Value::Structure(vec![(Tag::NameValue, text("blue"))]))],
        vec![vendor("x", "colour", Value::Structure(vec![(Tag::NameType, number(1))]))],
        vec![vendor(
            "x",
            "colour",
            Value::Structure(vec![(Tag::NameType, Value::Structure(Vec::new()))]),
        )],
        dates(0, 600),
        dates(600, 800),
        vec![vendor("x", "none", Value::DateTime(DateTime::MAX))],
    ]
}

fn rare_filters() -> Vec<Filters> {
    let total = |total| (Tag::UsageLimitsTotal, Value::LongInteger(total));
    vec![
        part(Tag::UsageLimits, &[total(5)]),
        one(Tag::CryptographicParameters, parameters(false)),
        one(Tag::CryptographicParameters, parameters(true)),
        one(Tag::KeyFormatType, Value::Enumeration(KeyFormatType::Pkcs8.0)),
        one(Tag::OpaqueDataType, Value::Enumeration(0x8000_0001)),
        one(Tag::ProtectionStorageMask, Value::Integer(2)),
    ]
}

fn hopeless_filters() -> Vec<Filters> {
    let unknown = AttributeReference::Unknown("Colour".to_owned());
    vec![
        one(Tag::UniqueIdentifier, text("object-999")),
        one(Tag::Name, text("a")),
        part(Tag::Name, &[(Tag::NameValue, text("z"))]),
        part(Tag::Name, &[(Tag::NameValue, text("a")), (Tag::NameValue, text("b"))]),
        one(Tag::ObjectGroup, Value::ByteString(b"red".to_vec())),
        one(Tag::State, Value::Integer(1)),
        one(Tag::InitialDate, Value::DateTimeExtended(1)),
        one(Tag::CryptographicLength, Value::Integer(1)),
        vec![Filter { reference: unknown, value: text("red") }],
        one(Tag::Operation, Value::Enumeration(1)),
        vec![vendor("xc", "olour", text("red"))],
    ]
}

/// Lists what callers may see: everything, what one user may, and nothing.
pub(super) fn visibilities() -> Vec<Visibility> {
    let every = |policies: &[&str]| -> Vec<(String, ObjectType)> {
        let of =
            |policy: &&str| OBJECT_TYPES.map(|object_type| ((*policy).to_owned(), object_type));
        policies.iter().flat_map(of).collect()
    };
    vec![
        Visibility { user: "carol".to_owned(), of_anybody: every(&POLICIES), own: Vec::new() },
        Visibility {
            user: "alice".to_owned(),
            of_anybody: every(&["public"]),
            own: every(&["default"]),
        },
        Visibility {
            user: "bob".to_owned(),
            of_anybody: vec![("default".to_owned(), ObjectType::Certificate)],
            own: every(&["default", "staff"]),
        },
        Visibility::default(),
    ]
}

/// Makes `count` queries of up to three groups of filters.
pub(super) fn queries(count: usize) -> Vec<(Locate, Visibility)> {
    let mut sequence = Sequence::new(2);
    let (matching, hopeless) = filters();
    let groups = [matching, hopeless].concat();
    let masks = [0_u32, 1, 2, 4, 5, 7].map(StorageStatusMask);
    let visibilities = visibilities();
    let query = || {
        let many = sequence.below(4);
        Locate {
            filters: (0..many).flat_map(|_| sequence.pick(&groups).clone()).collect(),
            offset: if sequence.chance(30) { sequence.below(20) } else { 0 },
            maximum: sequence.chance(50).then(|| sequence.below(10)),
            storage_status_mask: sequence.chance(50).then(|| *sequence.pick(&masks)),
            object_group_member: sequence.chance(20).then(|| {
                *sequence.pick(&[
                    ObjectGroupMember::GroupMemberFresh,
                    ObjectGroupMember::GroupMemberDefault,
                ])
            }),
        }
    };
    let mut seen = visibilities.iter().cycle().cloned();
    std::iter::repeat_with(query)
        .take(count)
        .map(|query| (query, seen.next().unwrap_or_default()))
        .collect()
}
