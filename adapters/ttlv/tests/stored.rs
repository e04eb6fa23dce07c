//! The encoding at rest is frozen: what version 1 wrote is read for ever, and written the same.
//!
//! A golden file is made by running this test with `WRITE_GOLDEN` set and the file absent; one
//! that exists is never written again.

use std::{fs, path::PathBuf};

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier, Value,
    attribute::{
        Attribute, AttributeReference, AttributeSet, Digest, Instance, Link, Name, UsageLimits,
        VendorAttribute,
    },
    enumeration::{
        CertificateType, CryptographicAlgorithm, CryptographicUsageMask, EncodingOption,
        HashingAlgorithm, KeyFormatType, LinkType, ObjectType, OpaqueDataType, RecommendedCurve,
        Tag, UsageLimitsUnit, WrappingMethod,
    },
    object::{KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, Life, Object},
};
use kmip_ports::record::ObjectEncoding as _;
use kmip_ttlv::StoredForm;
use proptest::prelude::*;

fn single(attribute: Attribute) -> Instance {
    Instance { index: 0, attribute }
}

fn key_block(key_format_type: KeyFormatType, key_value: KeyValue) -> KeyBlock {
    KeyBlock {
        key_format_type,
        key_compression_type: None,
        key_value: Some(key_value),
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        cryptographic_length: Some(128),
        key_wrapping_data: None,
    }
}

fn symmetric_key() -> ManagedObject {
    let key_material = KeyMaterial::Bytes(Material::new((0..16).collect()));
    let object = Object::SymmetricKey(key_block(
        KeyFormatType::Raw,
        KeyValue::Plain { key_material, attributes: Vec::new() },
    ));
    let name = |index, text: &str| Instance { index, attribute: Attribute::Name(Name::text(text)) };
    let attributes = AttributeSet::restore(
        vec![
            single(Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes)),
            single(Attribute::CryptographicLength(128)),
            single(Attribute::CryptographicUsageMask(CryptographicUsageMask(0x0C))),
            name(0, "first"),
            name(2, "third"),
            single(Attribute::InitialDate(DateTime(1_700_000_000))),
            single(Attribute::OperationPolicyName("default".into())),
            single(Attribute::Digest(Digest {
                hashing_algorithm: HashingAlgorithm::Sha256,
                digest_value: Some(vec![0xAB; 32]),
                key_format_type: Some(KeyFormatType::Raw),
            })),
            single(Attribute::UsageLimits(UsageLimits {
                usage_limits_total: 10,
                usage_limits_count: Some(9),
                usage_limits_unit: UsageLimitsUnit::Object,
            })),
            Instance {
                index: 1,
                attribute: Attribute::Vendor(VendorAttribute {
                    vendor_identification: "x".into(),
                    attribute_name: "ID".into(),
                    attribute_value: Value::Structure(vec![(
                        Tag::Attributes,
                        Value::LongInteger(-1),
                    )]),
                }),
            },
        ],
        vec![
            (AttributeReference::Standard(Tag::ObjectGroup), 4),
            (
                AttributeReference::Vendor {
                    vendor_identification: "acme".into(),
                    attribute_name: "shelf".into(),
                },
                1,
            ),
        ],
    );
    ManagedObject::restore(
        UniqueIdentifier::new("11111111-2222-4333-8444-555555555555"),
        "alice".into(),
        attributes,
        Life::Active(object),
    )
}

fn wrapped_private_key() -> ManagedObject {
    let object = Object::PrivateKey(KeyBlock {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Ecdsa),
        key_wrapping_data: Some(Box::new(KeyWrappingData {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: Some(KeyInformation {
                unique_identifier: UniqueIdentifier::new("kek"),
                cryptographic_parameters: None,
            }),
            mac_signature_key_information: None,
            mac_signature: None,
            iv_counter_nonce: Some(vec![7; 16]),
            encoding_option: Some(EncodingOption::NoEncoding),
        })),
        ..key_block(KeyFormatType::Pkcs8, KeyValue::Wrapped(Material::new(vec![9; 24])))
    });
    let link = Attribute::Link(Link {
        link_type: LinkType::PublicKeyLink,
        linked_object_identifier: UniqueIdentifier::new("public"),
    });
    ManagedObject::restore(
        UniqueIdentifier::new("private"),
        "bob".into(),
        AttributeSet::restore(vec![single(link)], Vec::new()),
        Life::Compromised(object),
    )
}

fn transparent_public_key() -> ManagedObject {
    let key_material = KeyMaterial::TransparentEcPublicKey {
        recommended_curve: RecommendedCurve::P256,
        q_string: vec![4; 65],
    };
    let attributes = vec![single(Attribute::Name(Name::text("inside")))];
    let object = Object::PublicKey(key_block(
        KeyFormatType::TransparentEcdsaPublicKey,
        KeyValue::Plain { key_material, attributes },
    ));
    ManagedObject::new(UniqueIdentifier::new("public"), "bob", object, AttributeSet::default())
}

fn plain(identifier: &str, life: Life) -> ManagedObject {
    let attributes = vec![single(Attribute::LastChangeDate(DateTime(-1)))];
    ManagedObject::restore(
        UniqueIdentifier::new(identifier),
        String::new(),
        AttributeSet::restore(attributes, Vec::new()),
        life,
    )
}

fn examples() -> Vec<(&'static str, ManagedObject)> {
    let certificate = Object::Certificate {
        certificate_type: CertificateType::X509,
        certificate_value: vec![0x30, 0x00],
    };
    let opaque = Object::OpaqueObject {
        opaque_data_type: OpaqueDataType(0x8000_0001),
        opaque_data_value: Material::new(b"opaque".to_vec()),
    };
    let template = Object::Template {
        attributes: vec![
            single(Attribute::CryptographicLength(256)),
            Instance { index: 3, attribute: Attribute::ObjectGroup("group".into()) },
        ],
    };
    vec![
        ("symmetric-key", symmetric_key()),
        ("wrapped-private-key", wrapped_private_key()),
        ("transparent-public-key", transparent_public_key()),
        ("certificate", plain("c", Life::Deactivated(certificate))),
        ("opaque-object", plain("o", Life::PreActive(opaque))),
        ("template", plain("t", Life::PreActive(template))),
        ("destroyed", plain("d", Life::Destroyed(ObjectType::SplitKey))),
        ("destroyed-compromised", plain("dc", Life::DestroyedCompromised(ObjectType::PgpKey))),
    ]
}

fn golden(name: &str) -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.extend(["tests", "golden", &format!("stored-v1-{name}.hex")]);
    path
}

/// Breaks hexadecimal text into lines.
fn lines(hex: &str) -> String {
    let bytes = hex.as_bytes().chunks(64).map(|line| [line, b"\n"].concat());
    String::from_utf8(bytes.flatten().collect()).expect("hexadecimal is ASCII")
}

#[test]
fn version_1_is_written_and_read_as_it_always_was() {
    for (name, object) in examples() {
        let hex = lines(&hex::encode(StoredForm.encode(&object).expose()));
        let path = golden(name);
        if std::env::var_os("WRITE_GOLDEN").is_some() && !path.exists() {
            fs::write(&path, format!("# {name}, format version 1\n{hex}")).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let (_, kept) = text.split_once('\n').unwrap();
        assert_eq!(hex, kept, "{name}");
        let bytes = hex::decode(kept.split_whitespace().collect::<String>()).unwrap();
        assert_eq!(StoredForm.decode(&bytes), Some(object), "{name}");
    }
}

#[test]
fn every_golden_file_has_an_example() {
    let files = fs::read_dir(golden("").parent().unwrap()).unwrap().count();
    assert_eq!(files, examples().len());
}

#[test]
fn what_is_cut_off_or_of_another_version_is_not_read() {
    let bytes = StoredForm.encode(&symmetric_key());
    for end in 0..bytes.len() {
        assert_eq!(StoredForm.decode(&bytes.expose()[..end]), None, "{end}");
    }
    let mut newer = bytes.expose().to_vec();
    newer[19] = 2;
    assert_eq!(StoredForm.decode(&newer), None);
}

/// Returns the bytes of an item once for each structure in it, itself included, with `added` at that
/// structure's end; what vendors' attributes hold is left out.
fn with_an_item_more(item: &[u8], added: &[u8]) -> Vec<Vec<u8>> {
    const VALUE: [u8; 3] = [0x42, 0x00, 0x0B];
    const STRUCTURE: u8 = 1;
    let Some((&[a, b, c, kind], rest)) = item.split_first_chunk() else { return Vec::new() };
    let Some((_, value)) = rest.split_first_chunk::<4>() else { return Vec::new() };
    if kind != STRUCTURE || [a, b, c] == VALUE {
        return Vec::new();
    }
    let wrapped = |value: &[u8]| {
        let length = u32::try_from(value.len()).expect("it is short").to_be_bytes();
        [&[a, b, c, kind][..], &length, value].concat()
    };
    let mut changed = vec![wrapped(&[value, added].concat())];
    let (mut before, mut after) = (Vec::new(), value);
    while let Some((&[.., p, q, r, s], _)) = after.split_first_chunk::<8>() {
        let length = usize::try_from(u32::from_be_bytes([p, q, r, s])).expect("it is short");
        let end = length.next_multiple_of(8).saturating_add(8);
        let (child, others) = after.split_at_checked(end).expect("it is whole");
        for child in with_an_item_more(child, added) {
            changed.push(wrapped(&[before.as_slice(), &child, others].concat()));
        }
        before.extend_from_slice(child);
        after = others;
    }
    changed
}

#[test]
fn what_a_later_program_has_added_anywhere_is_not_read_without_it() {
    // A standard tag of a later version, and one of ours.
    for tag in [[0x42, 0x7F, 0x00], [0x54, 0x00, 0x07]] {
        let added = [&tag[..], &[2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0]].concat();
        for (name, object) in examples() {
            let changed = with_an_item_more(StoredForm.encode(&object).expose(), &added);
            assert!(changed.len() > 1, "{name}");
            for bytes in changed {
                assert_eq!(StoredForm.decode(&bytes), None, "{name}: {}", hex::encode(bytes));
            }
        }
    }
}

#[test]
fn what_a_vendor_keeps_under_tags_of_its_own_is_read() {
    let structure = Value::Structure(vec![
        (Tag(0x42_7F00), Value::Integer(1)),
        (Tag(0x54_0007), Value::TextString("shelf".into())),
    ]);
    let vendor = Attribute::Vendor(VendorAttribute {
        vendor_identification: "acme".into(),
        attribute_name: "place".into(),
        attribute_value: structure,
    });
    let attributes = AttributeSet::restore(vec![single(vendor)], Vec::new());
    let life = Life::Destroyed(ObjectType::SymmetricKey);
    let id = UniqueIdentifier::new("v");
    let object = ManagedObject::restore(id, "alice".into(), attributes, life);
    assert_eq!(StoredForm.decode(StoredForm.encode(&object).expose()), Some(object));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_are_read_as_something_or_nothing(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for (_, object) in examples() {
            let mut bytes = StoredForm.encode(&object).expose().to_vec();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            // What can still be read can be written and read again.
            if let Some(read) = StoredForm.decode(&bytes) {
                prop_assert_eq!(StoredForm.decode(StoredForm.encode(&read).expose()), Some(read));
            }
        }
    }
}
