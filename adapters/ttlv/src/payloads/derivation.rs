//! Payloads of Derive Key and Re-key (KMIP 2.1 §6.1.14, §7.12 and §6.1.46; 1.4 §4.6 and §4.4).

use kmip_operations::{
    ops::{
        derive_key::{self, DerivationParameters},
        re_key,
    },
    shared::create_object::TemplateAttribute,
};

use super::objects::StorageMasks;
use crate::{attributes::Template, schema::structure};

structure! { derive_key::Request {
    ObjectType object_type: required since V1_0;
    UniqueIdentifier unique_identifiers: repeated since V1_0;
    DerivationMethod derivation_method: required since V1_0;
    DerivationParameters derivation_parameters: required since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
} }

structure! { DerivationParameters {
    CryptographicParameters cryptographic_parameters: optional since V1_0;
    InitializationVector initialization_vector: optional since V1_0;
    DerivationData derivation_data: repeated since V1_0;
    Salt salt: optional since V1_0;
    IterationCount iteration_count: optional since V1_0;
} }

structure! { derive_key::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

structure! { re_key::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    Offset offset: optional since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
    _ protection_storage_masks: with(StorageMasks) since V2_0;
} }

structure! { re_key::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

#[cfg(test)]
mod tests {
    use kmip_model::{
        IdentifierRef, Interval, Material, UniqueIdentifier,
        attribute::{Attribute, CryptographicParameters},
        enumeration::{DerivationMethod, ObjectType, Tag},
        value::{Value, Valued as _},
    };

    use super::*;
    use crate::{
        fault::Fault,
        reader::{Element, Limits},
        schema::{Context, Decode, Encode},
        version::Version,
        writer::Writer,
    };

    fn request() -> derive_key::Request {
        let hash = (Tag::HashingAlgorithm, Value::Enumeration(6));
        let parameters = CryptographicParameters::from_value(
            Tag::CryptographicParameters,
            Value::Structure(vec![hash]),
        );
        derive_key::Request {
            object_type: ObjectType::SymmetricKey,
            unique_identifiers: ["a", "b"].map(|id| UniqueIdentifier::new(id).into()).into(),
            derivation_method: DerivationMethod::Pbkdf2,
            derivation_parameters: DerivationParameters {
                cryptographic_parameters: parameters.ok(),
                initialization_vector: Some(vec![1]),
                derivation_data: vec![Material::new(vec![2])],
                salt: Some(Vec::new()),
                iteration_count: Some(4_096),
            },
            attributes: TemplateAttribute {
                names: Vec::new(),
                attributes: vec![Attribute::CryptographicLength(128)],
            },
        }
    }

    fn written(value: &impl Encode, version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        value.encode(Tag::RequestPayload, &mut writer);
        writer.into_bytes()
    }

    fn read<T: Decode>(bytes: &[u8], version: Version) -> Result<T, Fault> {
        T::decode(Element::parse(bytes, &Limits::default())?, &Context::new(version))
    }

    #[test]
    fn requests_are_written_and_read_back_in_every_version() {
        for version in Version::ALL {
            assert_eq!(read(&written(&request(), version), version), Ok(request()), "{version}");
            let re_key = || re_key::Request {
                unique_identifier: IdentifierRef::Placeholder,
                offset: Some(Interval(5)),
                attributes: TemplateAttribute {
                    names: Vec::new(),
                    attributes: vec![Attribute::ContactInformation("c".into())],
                },
                protection_storage_masks: Vec::new(),
            };
            assert_eq!(read(&written(&re_key(), version), version), Ok(re_key()), "{version}");
        }
    }

    #[test]
    fn a_request_without_method_or_parameters_is_refused() {
        for missing in [Tag::DerivationMethod, Tag::DerivationParameters, Tag::ObjectType] {
            let whole = written(&request(), Version::V1_4);
            let element = Element::parse(&whole, &Limits::default()).unwrap();
            let Ok(Value::Structure(mut fields)) =
                Value::decode(element, &Context::new(Version::V1_4))
            else {
                panic!("a payload is a structure")
            };
            fields.retain(|(tag, _)| *tag != missing);
            let rest = written(&Value::Structure(fields), Version::V1_4);
            let refused = read::<derive_key::Request>(&rest, Version::V1_4);
            assert_eq!(refused, Err(Fault::missing(missing)));
        }
    }
}
