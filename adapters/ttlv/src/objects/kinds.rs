//! The object types (KMIP 2.1 §2, 1.4 §2.2), each under its own tag.

use kmip_model::{
    enumeration::{ObjectType, Tag},
    object::{KeyBlock, Object},
};

use crate::{
    attributes::{Instances, read_instances, write_instances},
    fault::{Fault, FaultKind},
    reader::{Element, Fields},
    schema::{Context, Decode, Encode, Shape},
    values::BigInteger,
    version::{Span, Version},
    writer::Writer,
};

/// The tags of the object types.
const TAGS: &[(ObjectType, Tag)] = &[
    (ObjectType::Certificate, Tag::Certificate),
    (ObjectType::SymmetricKey, Tag::SymmetricKey),
    (ObjectType::PublicKey, Tag::PublicKey),
    (ObjectType::PrivateKey, Tag::PrivateKey),
    (ObjectType::SplitKey, Tag::SplitKey),
    (ObjectType::Template, Tag::Template),
    (ObjectType::SecretData, Tag::SecretData),
    (ObjectType::OpaqueObject, Tag::OpaqueObject),
    (ObjectType::PgpKey, Tag::PgpKey),
    (ObjectType::CertificateRequest, Tag::CertificateRequest),
];

/// Returns the versions that have objects of this kind.
fn span(tag: Tag) -> Span {
    let (since, until) = match tag {
        Tag::Template => (Version::V1_0, Some(Version::V2_0)),
        Tag::PgpKey => (Version::V1_2, None),
        Tag::CertificateRequest => (Version::V2_0, None),
        _ => (Version::V1_0, None),
    };
    Span { since, until }
}

fn tag_of(object_type: ObjectType) -> Option<Tag> {
    TAGS.iter().find(|(have, _)| *have == object_type).map(|(_, tag)| *tag)
}

fn is_object(tag: Tag, context: &Context) -> bool {
    TAGS.iter().any(|(_, have)| *have == tag) && context.version.reads(span(tag))
}

/// An object of any type, under the type's tag.
pub enum AnyObject {}

impl Shape for AnyObject {
    type Value = Object;

    fn knows(tag: Tag, context: &Context) -> bool {
        is_object(tag, context)
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        if let Some(object) = OptionalObject::read(fields, context)? {
            return Ok(object);
        }
        let object_type = fields.optional(Tag::ObjectType, context)?;
        Err(Fault::missing(object_type.and_then(tag_of).unwrap_or(Tag::ObjectType)))
    }

    fn write(object: &Self::Value, writer: &mut Writer) {
        write(object, writer);
    }
}

/// An object of any type, under the type's tag, or nothing.
pub enum OptionalObject {}

impl Shape for OptionalObject {
    type Value = Option<Object>;

    fn knows(tag: Tag, context: &Context) -> bool {
        is_object(tag, context)
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        let mut found = None;
        for child in fields.children() {
            let child = child?;
            if is_object(child.tag, context) {
                if found.is_some() {
                    return Err(Fault::new(FaultKind::Repeated, child.tag));
                }
                found = Some(child);
            }
        }
        found.map(|element| Object::decode(element, context)).transpose()
    }

    fn write(object: &Self::Value, writer: &mut Writer) {
        if let Some(object) = object {
            write(object, writer);
        }
    }
}

/// Writes an object under its own tag, if the version has such objects.
fn write(object: &Object, writer: &mut Writer) {
    if let Some(tag) = tag_of(object.object_type())
        && writer.version().writes(span(tag))
    {
        object.encode(tag, writer);
    }
}

/// Reads the object type that the tag says.
impl Decode for Object {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        let close = |known: &[Tag]| fields.close(|tag| known.contains(&tag));
        let key_block = || fields.required::<KeyBlock>(Tag::KeyBlock, context);
        match element.tag {
            Tag::Certificate => {
                close(&[Tag::CertificateType, Tag::CertificateValue])?;
                Ok(Self::Certificate {
                    certificate_type: fields.required(Tag::CertificateType, context)?,
                    certificate_value: fields.required(Tag::CertificateValue, context)?,
                })
            }
            Tag::CertificateRequest => {
                close(&[Tag::CertificateRequestType, Tag::CertificateRequestValue])?;
                Ok(Self::CertificateRequest {
                    certificate_request_type: fields
                        .required(Tag::CertificateRequestType, context)?,
                    certificate_request_value: fields
                        .required(Tag::CertificateRequestValue, context)?,
                })
            }
            Tag::OpaqueObject => {
                close(&[Tag::OpaqueDataType, Tag::OpaqueDataValue])?;
                Ok(Self::OpaqueObject {
                    opaque_data_type: fields.required(Tag::OpaqueDataType, context)?,
                    opaque_data_value: fields.required(Tag::OpaqueDataValue, context)?,
                })
            }
            Tag::PgpKey => {
                close(&[Tag::PgpKeyVersion, Tag::KeyBlock])?;
                Ok(Self::PgpKey {
                    pgp_key_version: fields.required(Tag::PgpKeyVersion, context)?,
                    key_block: key_block()?,
                })
            }
            Tag::SecretData => {
                close(&[Tag::SecretDataType, Tag::KeyBlock])?;
                Ok(Self::SecretData {
                    secret_data_type: fields.required(Tag::SecretDataType, context)?,
                    key_block: key_block()?,
                })
            }
            Tag::PrivateKey | Tag::PublicKey | Tag::SymmetricKey => {
                close(&[Tag::KeyBlock])?;
                Ok(match element.tag {
                    Tag::PrivateKey => Self::PrivateKey(key_block()?),
                    Tag::PublicKey => Self::PublicKey(key_block()?),
                    _ => Self::SymmetricKey(key_block()?),
                })
            }
            Tag::SplitKey => split_key(&fields, context),
            Tag::Template => template(&fields, context),
            other => Err(Fault::unexpected(other)),
        }
    }
}

fn split_key(fields: &Fields<'_>, context: &Context) -> Result<Object, Fault> {
    fields.close(|tag| {
        matches!(
            tag,
            Tag::SplitKeyParts
                | Tag::KeyPartIdentifier
                | Tag::SplitKeyThreshold
                | Tag::SplitKeyMethod
                | Tag::PrimeFieldSize
                | Tag::KeyBlock
        )
    })?;
    Ok(Object::SplitKey {
        split_key_parts: fields.required(Tag::SplitKeyParts, context)?,
        key_part_identifier: fields.required(Tag::KeyPartIdentifier, context)?,
        split_key_threshold: fields.required(Tag::SplitKeyThreshold, context)?,
        split_key_method: fields.required(Tag::SplitKeyMethod, context)?,
        prime_field_size: fields
            .optional::<BigInteger<Vec<u8>>>(Tag::PrimeFieldSize, context)?
            .map(|number| number.0),
        key_block: fields.required(Tag::KeyBlock, context)?,
    })
}

fn template(fields: &Fields<'_>, context: &Context) -> Result<Object, Fault> {
    if context.version == Version::STORED {
        return Ok(Object::Template { attributes: read_instances(fields)? });
    }
    fields.close(|tag| Instances::knows(tag, context))?;
    Ok(Object::Template { attributes: Instances::read(fields, context)? })
}

impl Encode for Object {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| match self {
            Self::Certificate { certificate_type, certificate_value } => {
                certificate_type.encode(Tag::CertificateType, writer);
                certificate_value.encode(Tag::CertificateValue, writer);
            }
            Self::CertificateRequest { certificate_request_type, certificate_request_value } => {
                certificate_request_type.encode(Tag::CertificateRequestType, writer);
                certificate_request_value.encode(Tag::CertificateRequestValue, writer);
            }
            Self::OpaqueObject { opaque_data_type, opaque_data_value } => {
                opaque_data_type.encode(Tag::OpaqueDataType, writer);
                opaque_data_value.encode(Tag::OpaqueDataValue, writer);
            }
            Self::PgpKey { pgp_key_version, key_block } => {
                pgp_key_version.encode(Tag::PgpKeyVersion, writer);
                key_block.encode(Tag::KeyBlock, writer);
            }
            Self::PrivateKey(key_block)
            | Self::PublicKey(key_block)
            | Self::SymmetricKey(key_block) => key_block.encode(Tag::KeyBlock, writer),
            Self::SecretData { secret_data_type, key_block } => {
                secret_data_type.encode(Tag::SecretDataType, writer);
                key_block.encode(Tag::KeyBlock, writer);
            }
            Self::SplitKey {
                split_key_parts,
                key_part_identifier,
                split_key_threshold,
                split_key_method,
                prime_field_size,
                key_block,
            } => {
                split_key_parts.encode(Tag::SplitKeyParts, writer);
                key_part_identifier.encode(Tag::KeyPartIdentifier, writer);
                split_key_threshold.encode(Tag::SplitKeyThreshold, writer);
                split_key_method.encode(Tag::SplitKeyMethod, writer);
                if let Some(size) = prime_field_size {
                    writer.big_integer(Tag::PrimeFieldSize, size);
                }
                key_block.encode(Tag::KeyBlock, writer);
            }
            Self::Template { attributes } => {
                if writer.version() == Version::STORED {
                    write_instances(attributes.iter(), writer);
                } else {
                    Instances::write(attributes, writer);
                }
            }
        });
    }
}
