//! Attributes of 2.x: under their own tags in an Attributes structure (KMIP 2.1 §5.4), vendors'
//! under the tag Attribute (§4.60), named by an Attribute Reference (§5.5).

use kmip_model::{
    attribute::{Attribute, AttributeReference},
    enumeration::Tag,
};

use crate::{
    fault::Fault,
    reader::{Element, Fields},
    schema::{Context, Encode as _},
    values::write_gated,
    writer::Writer,
};

/// Reads an attribute that stands under its own tag.
pub fn read(element: Element<'_>, context: &Context) -> Result<Attribute, Fault> {
    if element.tag != Tag::Attribute {
        return super::standard(element.tag, element, context);
    }
    let (reference, value) = read_parts(element)?;
    super::attribute(reference, value, context)
}

/// Reads what names an attribute, and returns the item that holds its value.
pub(super) fn read_parts(element: Element<'_>) -> Result<(AttributeReference, Element<'_>), Fault> {
    if element.tag != Tag::Attribute {
        return Ok((AttributeReference::Standard(element.tag), element));
    }
    let fields = element.fields()?;
    let reference = read_vendor_reference(&fields)?;
    let value = fields.find(Tag::AttributeValue)?.ok_or(Fault::missing(Tag::AttributeValue))?;
    Ok((reference, value))
}

/// Reads every attribute of an Attributes structure.
pub fn read_all(element: Element<'_>, context: &Context) -> Result<Vec<Attribute>, Fault> {
    element.fields()?.children().map(|child| read(child?, context)).collect()
}

/// Writes an attribute under its own tag, if the version has it.
pub fn write(attribute: &Attribute, writer: &mut Writer) {
    match attribute {
        Attribute::Vendor(vendor) => writer.structure(Tag::Attribute, |writer| {
            writer.text(Tag::VendorIdentification, &vendor.vendor_identification);
            writer.text(Tag::AttributeName, &vendor.attribute_name);
            vendor.attribute_value.encode(Tag::AttributeValue, writer);
        }),
        standard => {
            if super::carries(writer.version(), standard) {
                write_gated(writer, standard.tag(), standard.tag(), &standard.to_value());
            }
        }
    }
}

/// Writes attributes, each under its own tag.
pub fn write_all<'a>(attributes: impl Iterator<Item = &'a Attribute>, writer: &mut Writer) {
    for attribute in attributes {
        write(attribute, writer);
    }
}

/// Reads what names a vendor's attribute.
pub(super) fn read_vendor_reference(fields: &Fields<'_>) -> Result<AttributeReference, Fault> {
    let text = |tag| -> Result<String, Fault> {
        Ok(fields.find(tag)?.ok_or(Fault::missing(tag))?.text()?.to_owned())
    };
    Ok(AttributeReference::Vendor {
        vendor_identification: text(Tag::VendorIdentification)?,
        attribute_name: text(Tag::AttributeName)?,
    })
}

/// Writes an Attribute Reference: an Enumeration, or a structure for a vendor's attribute.
pub(super) fn write_reference(reference: &AttributeReference, tag: Tag, writer: &mut Writer) {
    match reference {
        AttributeReference::Standard(standard) => writer.enumeration(tag, standard.0),
        AttributeReference::Vendor { vendor_identification, attribute_name } => {
            writer.structure(tag, |writer| {
                writer.text(Tag::VendorIdentification, vendor_identification);
                writer.text(Tag::AttributeName, attribute_name);
            });
        }
        AttributeReference::Unknown(name) => writer.text(tag, name),
    }
}
