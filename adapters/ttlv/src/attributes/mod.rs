//! Attributes on the wire: by name and index in 1.x (`v1`), under their own tags in 2.x (`v2`),
//! and at rest (`stored`). Which of them follows from the version.
//!
//! A standard attribute, and each field in it, is written only in versions that have it.

pub mod locate;
mod stored;
pub mod v1;
pub mod v2;

use core::marker::PhantomData;

use kmip_model::{
    Value,
    attribute::{Attribute, AttributeReference, Instance, Name, Rules, VendorAttribute},
    enumeration::{Enumeration as _, LinkType, Tag},
};
pub(crate) use stored::{INDEX, read_instances, write_instances};

use crate::{
    fault::{Fault, FaultKind},
    item::{ItemType, is_of_the_future},
    reader::{Element, Fields},
    schema::{Context, Decode, Encode, Shape},
    version::{Span, Version},
    writer::Writer,
};

/// Returns the versions that have a standard attribute.
fn span(rules: &Rules) -> Span {
    Span::new(rules.since, rules.until)
}

/// Says whether a message of this version may speak of an attribute.
#[must_use]
pub fn writes(version: Version, reference: &AttributeReference) -> bool {
    match reference {
        AttributeReference::Standard(tag) => {
            Rules::of(*tag).is_some_and(|rules| version.writes(span(rules)))
        }
        AttributeReference::Vendor { .. } | AttributeReference::Unknown(_) => {
            !version.names_attributes() || reference.to_name().is_some()
        }
    }
}

/// Says whether a message of this version may carry an attribute: a Link of a later type says
/// nothing to an older client.
fn carries(version: Version, attribute: &Attribute) -> bool {
    let understood = match attribute {
        Attribute::Link(link) => LinkType::MEMBERS
            .iter()
            .find(|member| member.value == link.link_type.0)
            .is_none_or(|member| version.writes(Span::new(member.since, member.until))),
        _ => true,
    };
    understood && writes(version, &attribute.reference())
}

/// Makes an attribute of what names it and the item that holds its value.
fn attribute(
    reference: AttributeReference,
    value: Element<'_>,
    context: &Context,
) -> Result<Attribute, Fault> {
    match reference {
        AttributeReference::Standard(tag) => standard(tag, value, context),
        AttributeReference::Vendor { vendor_identification, attribute_name } => {
            Ok(Attribute::Vendor(VendorAttribute {
                vendor_identification,
                attribute_name,
                attribute_value: Value::decode(value, context)?,
            }))
        }
        AttributeReference::Unknown(_) => Err(Fault::unknown_attribute(reference)),
    }
}

/// Makes a standard attribute of its tag and the item that holds its value.
fn standard(tag: Tag, value: Element<'_>, context: &Context) -> Result<Attribute, Fault> {
    known(tag, context)?;
    let value = standard_value(value, context)?;
    match Attribute::from_value(tag, value) {
        Some(Ok(attribute)) => Ok(attribute),
        Some(Err(misshapen)) => Err(misshapen.into()),
        None => Err(unknown(tag)),
    }
}

/// Refuses tags that are no attribute in this major version.
fn known(tag: Tag, context: &Context) -> Result<(), Fault> {
    match Rules::of(tag) {
        Some(rules) if context.version.reads(span(rules)) => Ok(()),
        _ => Err(unknown(tag)),
    }
}

fn unknown(tag: Tag) -> Fault {
    Fault::unknown_attribute(AttributeReference::Standard(tag))
}

/// Reads the value of a standard attribute, without the fields of later versions.
fn standard_value(element: Element<'_>, context: &Context) -> Result<Value, Fault> {
    let mut value = Value::decode(element, context)?;
    if let Value::Structure(fields) = &mut value {
        fields.retain(|(tag, _)| !is_of_the_future(*tag));
    }
    Ok(value)
}

/// The attributes of an object: a response's Attribute fields in 1.x, its Attributes in 2.x.
pub enum Instances {}

impl Shape for Instances {
    type Value = Vec<Instance>;

    fn knows(tag: Tag, context: &Context) -> bool {
        if context.version.names_attributes() {
            tag == Tag::Attribute
        } else {
            tag == Tag::Attributes
        }
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        if context.version.names_attributes() {
            return fields
                .find_all(Tag::Attribute)
                .map(|element| v1::read(element?, context).map(v1::instance))
                .collect();
        }
        let Some(element) = fields.find(Tag::Attributes)? else {
            return Ok(Vec::new());
        };
        if context.version == Version::STORED {
            return read_instances(&element.fields()?);
        }
        let attributes = v2::read_all(element, context)?;
        Ok(attributes.into_iter().map(|attribute| Instance { index: 0, attribute }).collect())
    }

    fn write(instances: &Self::Value, writer: &mut Writer) {
        if writer.version().names_attributes() {
            for instance in instances {
                v1::write(&instance.attribute, instance.index, writer);
            }
        } else {
            writer.structure(Tag::Attributes, |writer| {
                if writer.version() == Version::STORED {
                    write_instances(instances.iter(), writer);
                } else {
                    v2::write_all(instances.iter().map(|instance| &instance.attribute), writer);
                }
            });
        }
    }
}

/// A type that holds the attributes that a request gives for a new object.
pub trait Given {
    /// Takes the names of Templates (1.x only) and the attributes.
    fn from_parts(names: Vec<Name>, attributes: Vec<Attribute>) -> Self;
    /// Returns the names of Templates and the attributes.
    fn parts(&self) -> (&[Name], &[Attribute]);
}

/// The attributes for a new object: a Template-Attribute in 1.x, Attributes in 2.x, under the tags
/// that the parameters say.
pub struct GivenUnder<T, const NAMED: u32, const TAGGED: u32>(PhantomData<T>);

/// Template-Attribute, Attributes.
pub type Template<T> = GivenUnder<T, { Tag::TemplateAttribute.0 }, { Tag::Attributes.0 }>;
/// Common Template-Attribute, Common Attributes.
pub type CommonTemplate<T> =
    GivenUnder<T, { Tag::CommonTemplateAttribute.0 }, { Tag::CommonAttributes.0 }>;
/// Private Key Template-Attribute, Private Key Attributes.
pub type PrivateKeyTemplate<T> =
    GivenUnder<T, { Tag::PrivateKeyTemplateAttribute.0 }, { Tag::PrivateKeyAttributes.0 }>;
/// Public Key Template-Attribute, Public Key Attributes.
pub type PublicKeyTemplate<T> =
    GivenUnder<T, { Tag::PublicKeyTemplateAttribute.0 }, { Tag::PublicKeyAttributes.0 }>;

impl<T: Given, const NAMED: u32, const TAGGED: u32> Shape for GivenUnder<T, NAMED, TAGGED> {
    type Value = T;

    fn knows(tag: Tag, context: &Context) -> bool {
        tag.0 == if context.version.names_attributes() { NAMED } else { TAGGED }
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        if context.version.names_attributes() {
            let Some(element) = fields.find(Tag(NAMED))? else {
                return Ok(T::from_parts(Vec::new(), Vec::new()));
            };
            let (names, attributes) = v1::read_template_attribute(element, context)?;
            return Ok(T::from_parts(names, attributes));
        }
        let attributes = match fields.find(Tag(TAGGED))? {
            Some(element) => v2::read_all(element, context)?,
            None => Vec::new(),
        };
        Ok(T::from_parts(Vec::new(), attributes))
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        let (names, attributes) = value.parts();
        if writer.version().names_attributes() {
            v1::write_template_attribute(Tag(NAMED), names, attributes, writer);
        } else {
            writer.structure(Tag(TAGGED), |writer| {
                v2::write_all(attributes.iter(), writer);
            });
        }
    }
}

/// Names of attributes: Attribute Name in 1.x, Attribute Reference in 2.x, each repeated.
pub enum References {}

impl References {
    const fn tag(version: Version) -> Tag {
        if version.0 == 1 { Tag::AttributeName } else { Tag::AttributeReference }
    }
}

impl Shape for References {
    type Value = Vec<AttributeReference>;

    fn knows(tag: Tag, context: &Context) -> bool {
        tag == Self::tag(context.version)
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        fields.repeated(Self::tag(context.version), context)
    }

    fn write(references: &Self::Value, writer: &mut Writer) {
        let version = writer.version();
        for reference in references.iter().filter(|reference| writes(version, reference)) {
            reference.encode(Self::tag(version), writer);
        }
    }
}

/// New Attribute (2.x): one attribute in a structure.
pub enum NewAttribute {}

impl Shape for NewAttribute {
    type Value = Attribute;

    fn knows(tag: Tag, _: &Context) -> bool {
        tag == Tag::NewAttribute
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        let element = fields.find(Tag::NewAttribute)?.ok_or(Fault::missing(Tag::NewAttribute))?;
        one(element, context)
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        writer.structure(Tag::NewAttribute, |writer| v2::write(value, writer));
    }
}

/// Current Attribute (2.x): one attribute in a structure, or nothing.
pub enum CurrentAttribute {}

impl Shape for CurrentAttribute {
    type Value = Option<Attribute>;

    fn knows(tag: Tag, _: &Context) -> bool {
        tag == Tag::CurrentAttribute
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        fields.find(Tag::CurrentAttribute)?.map(|element| one(element, context)).transpose()
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        if let Some(value) = value {
            writer.structure(Tag::CurrentAttribute, |writer| v2::write(value, writer));
        }
    }
}

/// Reads a structure that holds exactly one attribute.
fn one(element: Element<'_>, context: &Context) -> Result<Attribute, Fault> {
    let mut attributes = v2::read_all(element, context)?;
    let attribute = attributes.pop().ok_or(Fault::missing(Tag::Attribute))?;
    if attributes.is_empty() {
        Ok(attribute)
    } else {
        Err(Fault::new(FaultKind::Repeated, attribute.tag()))
    }
}

/// Reads text as the name of 1.x, which is all that Attribute Name may be; an Enumeration as the tag
/// of 2.x, a structure as a vendor's.
impl Decode for AttributeReference {
    fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
        match element.item_type {
            ItemType::TextString => Ok(Self::from_name(element.text()?)),
            // A tag that is not known has no name that could be written.
            _ if element.tag == Tag::AttributeName => Err(Fault::wrong_type(element.tag)),
            ItemType::Enumeration => Ok(Self::Standard(Tag(element.enumeration()?))),
            ItemType::Structure => v2::read_vendor_reference(&element.fields()?),
            _ => Err(Fault::wrong_type(element.tag)),
        }
    }
}

/// Writes a name under the tag Attribute Name, and otherwise the form of 2.x.
impl Encode for AttributeReference {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        if tag == Tag::AttributeName {
            if let Some(name) = self.to_name() {
                writer.text(tag, &name);
            }
        } else {
            v2::write_reference(self, tag, writer);
        }
    }
}

#[cfg(test)]
mod tests;
