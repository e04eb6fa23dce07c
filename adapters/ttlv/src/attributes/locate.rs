//! What a Locate request asks for (KMIP 2.1 §6.1.28, 1.4 §4.9).
//!
//! A filter may hold a part of a structure, so its value is not an attribute. Attributes repeat:
//! two dates are a range.

use kmip_model::{
    Value,
    attribute::{Attribute, AttributeReference},
    enumeration::{ObjectGroupMember, StorageStatusMask, Tag},
    locate::{Filter, Locate},
    value::Misshapen,
};

use super::{known, standard_value, v1, v2, writes};
use crate::{
    fault::Fault,
    reader::{Element, Fields},
    schema::{Context, Decode, Encode, Shape},
    values::write_gated,
    version::{Span, Version},
    writer::Writer,
};

/// The attributes to look for: Attribute fields in 1.x, also in a Template-Attribute, and
/// Attributes in 2.x.
pub enum Filters {}

impl Shape for Filters {
    type Value = Vec<Filter>;

    fn knows(tag: Tag, context: &Context) -> bool {
        if context.version.names_attributes() {
            matches!(tag, Tag::Attribute | Tag::TemplateAttribute)
        } else {
            tag == Tag::Attributes
        }
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        let mut filters = Vec::new();
        if !context.version.names_attributes() {
            if let Some(attributes) = fields.find(Tag::Attributes)? {
                for child in attributes.fields()?.children() {
                    let (reference, value) = v2::read_parts(child?)?;
                    filters.push(filter(reference, value, context)?);
                }
            }
            return Ok(filters);
        }
        read_named(fields, context, &mut filters)?;
        if let Some(template) = fields.find(Tag::TemplateAttribute)? {
            let fields = template.fields()?;
            fields.close(|tag| tag == Tag::Attribute)?;
            read_named(&fields, context, &mut filters)?;
        }
        Ok(filters)
    }

    fn write(filters: &Self::Value, writer: &mut Writer) {
        if writer.version().names_attributes() {
            for filter in filters {
                write_named(filter, writer);
            }
        } else {
            writer.structure(Tag::Attributes, |writer| {
                for filter in filters {
                    write_tagged(filter, writer);
                }
            });
        }
    }
}

fn read_named(
    fields: &Fields<'_>,
    context: &Context,
    filters: &mut Vec<Filter>,
) -> Result<(), Fault> {
    for element in fields.find_all(Tag::Attribute) {
        //= KMIP-1.4 §4.9
        // The index is ignored.
        let (reference, _, value) = v1::read_parts(element?, context)?;
        filters.push(filter(reference, value, context)?);
    }
    Ok(())
}

fn filter(
    reference: AttributeReference,
    value: Element<'_>,
    context: &Context,
) -> Result<Filter, Fault> {
    let value = match &reference {
        AttributeReference::Standard(tag) => {
            known(*tag, context)?;
            let value = standard_value(value, context)?;
            check_part(*tag, &value)?;
            value
        }
        AttributeReference::Vendor { .. } => Value::decode(value, context)?,
        // Some clients of 1.x give this field among the attributes.
        AttributeReference::Unknown(name) if name == STORAGE_STATUS_MASK => {
            let reference = AttributeReference::Standard(Tag::StorageStatusMask);
            return Ok(Filter { reference, value: Value::Integer(value.integer()?) });
        }
        AttributeReference::Unknown(_) => return Err(Fault::unknown_attribute(reference)),
    };
    Ok(Filter { reference, value })
}

/// Takes a Storage Status Mask out from among the attributes.
fn take_mask(filters: &mut Vec<Filter>) -> Option<StorageStatusMask> {
    let is_mask = |filter: &Filter| filter.reference.tag() == Tag::StorageStatusMask;
    let position = filters.iter().position(is_mask)?;
    match filters.remove(position).value {
        Value::Integer(bits) => Some(StorageStatusMask(bits.cast_unsigned())),
        _ => None,
    }
}

/// Refuses values that the attribute can neither have nor have a part of.
fn check_part(tag: Tag, value: &Value) -> Result<(), Fault> {
    match Attribute::from_value(tag, value.clone()) {
        Some(Err(Misshapen::Missing(_)) | Ok(_)) | None => Ok(()),
        Some(Err(misshapen)) => Err(misshapen.into()),
    }
}

fn write_named(filter: &Filter, writer: &mut Writer) {
    let Some(name) = filter.reference.to_name() else {
        return;
    };
    if writes(writer.version(), &filter.reference) {
        writer.structure(Tag::Attribute, |writer| {
            writer.text(Tag::AttributeName, &name);
            write_gated(writer, Tag::AttributeValue, filter.reference.tag(), &filter.value);
        });
    }
}

fn write_tagged(filter: &Filter, writer: &mut Writer) {
    match &filter.reference {
        AttributeReference::Vendor { vendor_identification, attribute_name } => {
            writer.structure(Tag::Attribute, |writer| {
                writer.text(Tag::VendorIdentification, vendor_identification);
                writer.text(Tag::AttributeName, attribute_name);
                filter.value.encode(Tag::AttributeValue, writer);
            });
        }
        reference => {
            if writes(writer.version(), reference) {
                write_gated(writer, reference.tag(), reference.tag(), &filter.value);
            }
        }
    }
}

/// What some clients of 1.x call the field of that name.
const STORAGE_STATUS_MASK: &str = "Storage Status Mask";
const OFFSET_ITEMS: Span = Span { since: Version::V1_3, until: None };
const OBJECT_GROUP_MEMBER: Span = Span { since: Version::V1_1, until: None };

/// The payload of a Locate request.
impl Decode for Locate {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        fields.close(|tag| {
            matches!(
                tag,
                Tag::MaximumItems
                    | Tag::OffsetItems
                    | Tag::StorageStatusMask
                    | Tag::ObjectGroupMember
            ) || Filters::knows(tag, context)
        })?;
        let count = |tag| -> Result<Option<u64>, Fault> {
            Ok(fields.optional::<u32>(tag, context)?.map(u64::from))
        };
        let mut filters = Filters::read(&fields, context)?;
        let misplaced = take_mask(&mut filters);
        Ok(Self {
            maximum: count(Tag::MaximumItems)?,
            offset: count(Tag::OffsetItems)?.unwrap_or_default(),
            storage_status_mask: fields
                .optional::<StorageStatusMask>(Tag::StorageStatusMask, context)?
                .or(misplaced),
            object_group_member: fields
                .optional::<ObjectGroupMember>(Tag::ObjectGroupMember, context)?,
            filters,
        })
    }
}

impl Encode for Locate {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        writer.structure(tag, |writer| {
            self.maximum.map(count).encode(Tag::MaximumItems, writer);
            if self.offset != 0 && writer.version().writes(OFFSET_ITEMS) {
                count(self.offset).encode(Tag::OffsetItems, writer);
            }
            self.storage_status_mask.encode(Tag::StorageStatusMask, writer);
            if writer.version().writes(OBJECT_GROUP_MEMBER) {
                self.object_group_member.encode(Tag::ObjectGroupMember, writer);
            }
            Filters::write(&self.filters, writer);
        });
    }
}
