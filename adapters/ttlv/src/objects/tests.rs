//! Tests of objects in every version.

use kmip_model::{
    Material, UniqueIdentifier, Value,
    attribute::{
        Attribute, AttributeReference, CryptographicParameters, Instance, Name, VendorAttribute,
    },
    enumeration::{
        CertificateRequestType, CertificateType, CryptographicAlgorithm, EncodingOption,
        KeyFormatType, OpaqueDataType, RecommendedCurve, SecretDataType, SplitKeyMethod, Tag,
        WrappingMethod,
    },
    object::{
        KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, KeyWrappingSpecification,
        Object,
    },
    value::Valued as _,
};
use kmip_ports::encoding::{AttributeForm, KeyValueEncoding as _};

use super::*;
use crate::{
    fault::{Fault, FaultKind},
    reader::{Element, Limits},
    schema::{Context, Decode, Encode, Shape as _},
    version::Version,
    writer::Writer,
};

fn number(byte: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, 0, 0, 1, byte]
}

fn secret(byte: u8) -> Material {
    Material::new(number(byte))
}

fn parameters() -> CryptographicParameters {
    let tag = Tag::CryptographicParameters;
    CryptographicParameters::from_value(
        tag,
        Value::Structure(vec![(Tag::BlockCipherMode, Value::Enumeration(0x0D))]),
    )
    .unwrap()
}

fn block(key_format_type: KeyFormatType, key_material: KeyMaterial) -> KeyBlock {
    KeyBlock {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        cryptographic_length: Some(64),
        ..KeyBlock::plain(key_format_type, key_material)
    }
}

fn raw() -> KeyBlock {
    block(KeyFormatType::Raw, KeyMaterial::Bytes(Material::new(vec![1, 2, 3])))
}

fn transparent() -> Vec<KeyBlock> {
    use KeyFormatType as F;
    use KeyMaterial as K;
    vec![
        block(F::TransparentSymmetricKey, K::TransparentSymmetricKey { key: secret(1) }),
        block(
            F::TransparentRsaPrivateKey,
            K::TransparentRsaPrivateKey {
                modulus: number(1),
                private_exponent: Some(secret(2)),
                public_exponent: Some(number(3)),
                p: Some(secret(4)),
                q: Some(secret(5)),
                prime_exponent_p: Some(secret(6)),
                prime_exponent_q: None,
                crt_coefficient: Some(secret(8)),
            },
        ),
        block(
            F::TransparentRsaPublicKey,
            K::TransparentRsaPublicKey { modulus: number(1), public_exponent: number(3) },
        ),
        block(
            F::TransparentDsaPrivateKey,
            K::TransparentDsaPrivateKey { p: number(1), q: number(2), g: number(3), x: secret(4) },
        ),
        block(
            F::TransparentDsaPublicKey,
            K::TransparentDsaPublicKey { p: number(1), q: number(2), g: number(3), y: number(4) },
        ),
        block(
            F::TransparentDhPrivateKey,
            K::TransparentDhPrivateKey {
                p: number(1),
                q: None,
                g: number(3),
                j: Some(number(9)),
                x: secret(4),
            },
        ),
        block(
            F::TransparentDhPublicKey,
            K::TransparentDhPublicKey {
                p: number(1),
                q: Some(number(2)),
                g: number(3),
                j: None,
                y: number(4),
            },
        ),
    ]
}

fn elliptic() -> [KeyBlock; 2] {
    use KeyFormatType as F;
    use KeyMaterial as K;
    let p256 = RecommendedCurve::P256;
    [
        block(
            F::TransparentEcPrivateKey,
            K::TransparentEcPrivateKey { recommended_curve: p256, d: secret(1) },
        ),
        block(
            F::TransparentEcPublicKey,
            K::TransparentEcPublicKey { recommended_curve: p256, q_string: vec![4, 1, 2] },
        ),
    ]
}

fn wrapped() -> KeyBlock {
    let information = |identifier| KeyInformation {
        unique_identifier: UniqueIdentifier::new(identifier),
        cryptographic_parameters: Some(parameters()),
    };
    KeyBlock {
        key_value: Some(KeyValue::Wrapped(Material::new(vec![9; 24]))),
        key_wrapping_data: Some(Box::new(KeyWrappingData {
            wrapping_method: WrappingMethod::EncryptThenMacSign,
            encryption_key_information: Some(information("kek")),
            mac_signature_key_information: Some(information("mac")),
            mac_signature: Some(vec![1]),
            iv_counter_nonce: Some(vec![2; 12]),
            encoding_option: Some(EncodingOption::NoEncoding),
        })),
        ..raw()
    }
}

fn objects() -> Vec<Object> {
    let mut objects = vec![
        Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: vec![0x30, 0],
        },
        Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Material::new(b"opaque".to_vec()),
        },
        Object::PgpKey { pgp_key_version: 4, key_block: raw() },
        Object::SecretData { secret_data_type: SecretDataType::Password, key_block: raw() },
        Object::SplitKey {
            split_key_parts: 3,
            key_part_identifier: 1,
            split_key_threshold: 2,
            split_key_method: SplitKeyMethod::PolynomialSharingPrimeField,
            prime_field_size: Some(number(7)),
            key_block: raw(),
        },
        Object::SymmetricKey(KeyBlock { key_value: None, ..raw() }),
        Object::SymmetricKey(wrapped()),
    ];
    objects.extend(transparent().into_iter().chain(elliptic()).map(Object::PrivateKey));
    objects.push(Object::PublicKey(raw()));
    objects
}

fn written(version: Version, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(version);
    writer.structure(Tag::ResponsePayload, write);
    writer.into_bytes()
}

fn read(bytes: &[u8], version: Version) -> Result<Option<Object>, Fault> {
    let element = Element::parse(bytes, &Limits::default())?;
    OptionalObject::read(&element.fields()?, &Context::new(version))
}

#[test]
fn every_object_is_written_and_read_back() {
    for version in [Version::V1_4, Version::V2_1, Version::STORED] {
        for object in objects() {
            let bytes = written(version, |writer| AnyObject::write(&object, writer));
            assert_eq!(read(&bytes, version), Ok(Some(object)));
        }
    }
}

#[test]
fn kinds_that_a_version_does_not_have_stay_out_of_it() {
    let request = Object::CertificateRequest {
        certificate_request_type: CertificateRequestType::Pkcs10,
        certificate_request_value: vec![0x30],
    };
    let contact = Attribute::ContactInformation("a".into());
    let template = Object::Template { attributes: vec![Instance { index: 0, attribute: contact }] };
    let pgp = Object::PgpKey { pgp_key_version: 4, key_block: raw() };
    let versions = [Version::V1_0, Version::V1_2, Version::V1_4, Version::V2_0, Version::STORED];
    for (object, has) in [
        (request, [false, false, false, true, true]),
        (template, [true, true, true, false, true]),
        (pgp, [false, true, true, true, true]),
    ] {
        for (version, has) in versions.into_iter().zip(has) {
            let bytes = written(version, |writer| AnyObject::write(&object, writer));
            let expected = has.then(|| object.clone());
            assert_eq!(read(&bytes, version), Ok(expected), "{version}");
        }
    }
}

#[test]
fn attributes_travel_with_a_key() {
    let attributes = vec![
        Instance { index: 0, attribute: Attribute::Name(Name::text("a")) },
        Instance {
            index: 0,
            attribute: Attribute::Vendor(VendorAttribute {
                vendor_identification: "x".into(),
                attribute_name: "ID".into(),
                attribute_value: Value::Integer(1),
            }),
        },
    ];
    let key_value =
        KeyValue::Plain { key_material: KeyMaterial::Bytes(Material::new(vec![1])), attributes };
    for version in [Version::V1_0, Version::V2_1, Version::STORED] {
        let bytes = encode_key_value(&key_value, version);
        let read = decode_key_value(KeyFormatType::Raw, &bytes, version);
        assert_eq!(read, Ok(key_value.clone()));
    }
}

#[test]
fn a_wrapped_key_value_is_read_whatever_form_its_attributes_have() {
    let named = Attribute::Name(Name::text("inside"));
    for form in [AttributeForm::Named, AttributeForm::Tagged] {
        for attributes in [Vec::new(), vec![Instance { index: 0, attribute: named.clone() }]] {
            let key_material = KeyMaterial::Bytes(Material::new(vec![1; 16]));
            let key_value = KeyValue::Plain { key_material, attributes };
            let bytes = KeyValueForm.encode(&key_value, form);
            // Whole blocks, as key wrapping wants them.
            assert_eq!(bytes.len() % 8, 0);
            assert_eq!(KeyValueForm.decode(KeyFormatType::Raw, &bytes), Some(key_value));
        }
    }
    for junk in [&[][..], &[0x42, 0, 0x45], &[0; 24]] {
        assert_eq!(KeyValueForm.decode(KeyFormatType::Raw, &Material::from(junk)), None);
    }
}

#[test]
fn elliptic_curve_keys_are_labelled_as_the_version_does() {
    use CryptographicAlgorithm as A;
    use KeyFormatType as F;

    let [private, public] = &elliptic();
    let with = |block: &KeyBlock, algorithm| KeyBlock {
        cryptographic_algorithm: Some(algorithm),
        ..block.clone()
    };
    let label = |block: KeyBlock, version| {
        let bytes = written(version, |writer| {
            AnyObject::write(&Object::PrivateKey(block), writer);
        });
        let object = read(&bytes, version).unwrap().unwrap();
        object.key_block().unwrap().key_format_type
    };
    for (block, algorithm, old) in [
        (private, A::Ecdsa, F::TransparentEcdsaPrivateKey),
        (private, A::Ecdh, F::TransparentEcdhPrivateKey),
        (public, A::Ecmqv, F::TransparentEcmqvPublicKey),
        (public, A::Ec, F::TransparentEcdsaPublicKey),
    ] {
        let new = block.key_format_type;
        assert_eq!(label(with(block, algorithm), Version::V1_2), old);
        assert_eq!(label(with(block, algorithm), Version::V1_3), new);
        let relabelled = KeyBlock { key_format_type: old, ..with(block, algorithm) };
        assert_eq!(label(relabelled.clone(), Version::V2_1), new);
        assert_eq!(label(relabelled, Version::STORED), old);
    }
}

#[test]
fn key_material_has_the_shape_of_its_format() {
    let bytes = written(Version::V1_4, |writer| {
        writer.structure(Tag::SymmetricKey, |writer| {
            writer.structure(Tag::KeyBlock, |writer| {
                writer.enumeration(Tag::KeyFormatType, KeyFormatType::TransparentSymmetricKey.0);
                writer.structure(Tag::KeyValue, |writer| {
                    writer.byte_string(Tag::KeyMaterial, &[1]);
                });
            });
        });
    });
    assert_eq!(read(&bytes, Version::V1_4), Err(Fault::wrong_type(Tag::KeyMaterial)));
}

#[test]
fn one_object_is_expected_and_only_one() {
    let none = written(Version::V1_4, |writer| {
        writer.enumeration(Tag::ObjectType, 2);
    });
    let element = Element::parse(&none, &Limits::default()).unwrap();
    let fields = element.fields().unwrap();
    assert_eq!(
        AnyObject::read(&fields, &Context::new(Version::V1_4)),
        Err(Fault::missing(Tag::SymmetricKey))
    );
    let two = written(Version::V1_4, |writer| {
        for object in [Object::SymmetricKey(raw()), Object::PublicKey(raw())] {
            AnyObject::write(&object, writer);
        }
    });
    assert_eq!(read(&two, Version::V1_4).unwrap_err().kind, FaultKind::Repeated);
}

#[test]
fn a_wrapping_specification_is_written_and_read_back() {
    let specification = KeyWrappingSpecification {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key_information: Some(KeyInformation {
            unique_identifier: UniqueIdentifier::new("kek"),
            cryptographic_parameters: None,
        }),
        mac_signature_key_information: None,
        attribute_names: vec![AttributeReference::Standard(Tag::CryptographicUsageMask)],
        encoding_option: Some(EncodingOption::TtlvEncoding),
    };
    for version in [Version::V1_1, Version::V2_1] {
        let mut writer = Writer::new(version);
        specification.encode(Tag::KeyWrappingSpecification, &mut writer);
        let bytes = writer.into_bytes();
        let element = Element::parse(&bytes, &Limits::default()).unwrap();
        let read = KeyWrappingSpecification::decode(element, &Context::new(version));
        assert_eq!(read, Ok(specification.clone()));
    }
}
