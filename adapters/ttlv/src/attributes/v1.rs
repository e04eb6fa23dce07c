//! Attributes of 1.x: Attribute Name, Attribute Index, Attribute Value (KMIP 1.4 §2.1.1), and the
//! Template-Attribute (1.4 §2.1.8).
//!
//! Index 0 is never written: readers of every version assume it.

use kmip_model::{
    attribute::{Attribute, AttributeReference, Instance, Name},
    enumeration::Tag,
};

use crate::{
    fault::Fault,
    reader::Element,
    schema::{Context, Decode as _, Encode as _},
    values::write_gated,
    writer::Writer,
};

/// An Attribute, with the index if one was given.
pub type Indexed = (Attribute, Option<u32>);

/// Reads an Attribute.
pub fn read(element: Element<'_>, context: &Context) -> Result<Indexed, Fault> {
    let (reference, index, value) = read_parts(element, context)?;
    Ok((super::attribute(reference, value, context)?, index))
}

/// Reads what names an Attribute, its index and the item that holds its value.
pub(super) fn read_parts<'a>(
    element: Element<'a>,
    context: &Context,
) -> Result<(AttributeReference, Option<u32>, Element<'a>), Fault> {
    let fields = element.fields()?;
    fields.close(|tag| {
        matches!(tag, Tag::AttributeName | Tag::AttributeIndex | Tag::AttributeValue)
    })?;
    let reference = AttributeReference::from_name(
        fields.find(Tag::AttributeName)?.ok_or(Fault::missing(Tag::AttributeName))?.text()?,
    );
    let index = fields.optional(Tag::AttributeIndex, context)?;
    let value = fields.find(Tag::AttributeValue)?.ok_or(Fault::missing(Tag::AttributeValue))?;
    Ok((reference, index, value))
}

/// Writes an Attribute, if the version has it.
pub fn write(attribute: &Attribute, index: u32, writer: &mut Writer) {
    let reference = attribute.reference();
    if !super::carries(writer.version(), attribute) {
        return;
    }
    let Some(name) = reference.to_name() else {
        return;
    };
    writer.structure(Tag::Attribute, |writer| {
        writer.text(Tag::AttributeName, &name);
        if index != 0 {
            index.encode(Tag::AttributeIndex, writer);
        }
        write_gated(writer, Tag::AttributeValue, attribute.tag(), &attribute.to_value());
    });
}

/// Makes an instance of an Attribute; an index that was not given is 0.
//= KMIP-1.4 §2.1.1
#[must_use]
pub fn instance((attribute, index): Indexed) -> Instance {
    Instance { index: index.unwrap_or_default(), attribute }
}

/// Reads a Template-Attribute: the names of Templates, and attributes. Indexes mean nothing here.
pub fn read_template_attribute(
    element: Element<'_>,
    context: &Context,
) -> Result<(Vec<Name>, Vec<Attribute>), Fault> {
    let fields = element.fields()?;
    fields.close(|tag| matches!(tag, Tag::Name | Tag::Attribute))?;
    let names = fields
        .find_all(Tag::Name)
        .map(|element| Name::decode(element?, context))
        .collect::<Result<_, _>>()?;
    let attributes = fields
        .find_all(Tag::Attribute)
        .map(|element| read(element?, context).map(|(attribute, _)| attribute))
        .collect::<Result<_, _>>()?;
    Ok((names, attributes))
}

/// Writes a Template-Attribute.
pub fn write_template_attribute(
    tag: Tag,
    names: &[Name],
    attributes: &[Attribute],
    writer: &mut Writer,
) {
    writer.structure(tag, |writer| {
        names.encode(Tag::Name, writer);
        for attribute in attributes {
            write(attribute, 0, writer);
        }
    });
}
