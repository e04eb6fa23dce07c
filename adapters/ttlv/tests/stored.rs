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
        key_wrapping_data: Some(KeyWrappingData {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: Some(KeyInformation {
                unique_identifier: UniqueIdentifier::new("kek"),
                cryptographic_parameters: None,
            }),
            mac_signature_key_information: None,
            mac_signature: None,
            iv_counter_nonce: Some(vec![7; 16]),
            encoding_option: Some(EncodingOption::NoEncoding),
        }),
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
