//! Key Block and Key Value (KMIP 2.1 §3.1 and §3.2, 1.4 §2.1.3 and §2.1.4).
//!
//! A Key Value is a structure with the key and attributes, or, if it is wrapped, a Byte String.

use kmip_model::{
    Material,
    enumeration::{KeyFormatType, Tag},
    object::{KeyBlock, KeyValue},
};
use kmip_ports::encoding::{AttributeForm, KeyValueEncoding};

use super::key_material;
use crate::{
    attributes::Instances,
    fault::Fault,
    item::ItemType,
    reader::{Element, Limits},
    schema::{Context, Decode, Encode, Shape},
    version::Version,
    writer::Writer,
};

impl Decode for KeyBlock {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        fields.close(|tag| {
            matches!(
                tag,
                Tag::KeyFormatType
                    | Tag::KeyCompressionType
                    | Tag::KeyValue
                    | Tag::CryptographicAlgorithm
                    | Tag::CryptographicLength
                    | Tag::KeyWrappingData
            )
        })?;
        let key_format_type = fields.required(Tag::KeyFormatType, context)?;
        Ok(Self {
            key_format_type,
            key_compression_type: fields.optional(Tag::KeyCompressionType, context)?,
            key_value: fields
                .find(Tag::KeyValue)?
                .map(|element| read_key_value(key_format_type, element, context))
                .transpose()?,
            cryptographic_algorithm: fields.optional(Tag::CryptographicAlgorithm, context)?,
            cryptographic_length: fields.optional(Tag::CryptographicLength, context)?,
            key_wrapping_data: fields.optional(Tag::KeyWrappingData, context)?,
        })
    }
}

impl Encode for KeyBlock {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        let format = key_material::format_in(
            writer.version(),
            self.key_format_type,
            self.cryptographic_algorithm,
        );
        writer.structure(tag, |writer| {
            format.encode(Tag::KeyFormatType, writer);
            self.key_compression_type.encode(Tag::KeyCompressionType, writer);
            if let Some(key_value) = &self.key_value {
                write_key_value(key_value, writer);
            }
            self.cryptographic_algorithm.encode(Tag::CryptographicAlgorithm, writer);
            self.cryptographic_length.encode(Tag::CryptographicLength, writer);
            self.key_wrapping_data.encode(Tag::KeyWrappingData, writer);
        });
    }
}

fn read_key_value(
    format: KeyFormatType,
    element: Element<'_>,
    context: &Context,
) -> Result<KeyValue, Fault> {
    if element.item_type == ItemType::ByteString {
        return Material::decode(element, context).map(KeyValue::Wrapped);
    }
    let fields = element.fields()?;
    fields.close(|tag| tag == Tag::KeyMaterial || Instances::knows(tag, context))?;
    let key_material = fields.find(Tag::KeyMaterial)?.ok_or(Fault::missing(Tag::KeyMaterial))?;
    Ok(KeyValue::Plain {
        key_material: key_material::read(format, key_material, context)?,
        attributes: Instances::read(&fields, context)?,
    })
}

fn write_key_value(key_value: &KeyValue, writer: &mut Writer) {
    match key_value {
        KeyValue::Wrapped(bytes) => bytes.encode(Tag::KeyValue, writer),
        KeyValue::Plain { key_material, attributes } => {
            writer.structure(Tag::KeyValue, |writer| {
                key_material::write(key_material, writer);
                if !attributes.is_empty() {
                    Instances::write(attributes, writer);
                }
            });
        }
    }
}

/// The TTLV form of Key Values that are wrapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyValueForm;

impl KeyValueEncoding for KeyValueForm {
    fn encode(&self, key_value: &KeyValue, form: AttributeForm) -> Material {
        let version = match form {
            AttributeForm::Named => Version::V1_4,
            AttributeForm::Tagged => Version::V2_1,
        };
        encode_key_value(key_value, version)
    }

    fn decode(&self, format: KeyFormatType, bytes: &Material) -> Option<KeyValue> {
        // Nobody says in which version a key was wrapped, and only attributes tell.
        [Version::V2_1, Version::V1_4]
            .into_iter()
            .find_map(|version| decode_key_value(format, bytes, version).ok())
    }
}

/// Encodes a Key Value by itself: what TTLV Encoding wraps.
//= KMIP-2.1 §11.20
#[must_use]
pub fn encode_key_value(key_value: &KeyValue, version: Version) -> Material {
    let mut writer = Writer::new(version);
    write_key_value(key_value, &mut writer);
    Material::new(writer.into_bytes())
}

/// Decodes a Key Value by itself: what is found when TTLV Encoding is unwrapped.
pub fn decode_key_value(
    format: KeyFormatType,
    bytes: &Material,
    version: Version,
) -> Result<KeyValue, Fault> {
    let element = Element::parse(bytes.expose(), &Limits::default())?;
    if element.tag != Tag::KeyValue {
        return Err(Fault::unexpected(element.tag));
    }
    read_key_value(format, element, &Context::new(version))
}
