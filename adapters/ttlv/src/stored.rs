//! Objects at rest: the encoding that is sealed and stored. Not part of the specification.
//!
//! The format is frozen: what version 1 wrote must be read for ever, and the golden files beside
//! the tests say what it wrote. It is TTLV with every field of every version, and these private
//! tags:
//!
//! | tag | item |
//! |---|---|
//! | 540000 | Structure: one object |
//! | 540001 | Integer: format version, 1 |
//! | 420094 | Text String: Unique Identifier |
//! | 540002 | Text String: owner |
//! | 42008D | Enumeration: State |
//! | the object's | Structure: what the object holds; or, once it is destroyed, |
//! | 420057 | Enumeration: Object Type |
//! | 540004 | Structure: attributes under their own tags, each after 540006 if its index is not 0 |
//! | 540005 | Structure, repeated: the next index (540006) of an attribute (42013B) that lost its highest one |
//! | 540006 | Integer: index |
//!
//! What a later program wrote with a field that is not known here is not read at all: read without
//! that field, it would be written without it, too.

use kmip_model::{
    ManagedObject, Material, UniqueIdentifier,
    attribute::{AttributeReference, AttributeSet},
    enumeration::{ObjectType, State, Tag},
    object::{Life, Object},
};
use kmip_ports::record::ObjectEncoding;

use crate::{
    attributes::{INDEX, read_instances, write_instances},
    fault::{Fault, FaultKind},
    item::{ItemType, is_of_the_future},
    objects::OptionalObject,
    reader::{Element, Fields, Limits, MAXIMUM_DEPTH},
    schema::{Context, Encode as _, Shape as _},
    version::Version,
    writer::Writer,
};

const OBJECT: Tag = Tag(0x54_0000);
const FORMAT_VERSION: Tag = Tag(0x54_0001);
const OWNER: Tag = Tag(0x54_0002);
const ATTRIBUTES: Tag = Tag(0x54_0004);
const RETIRED: Tag = Tag(0x54_0005);

/// The fields of an object besides what it holds.
const TAGS: [Tag; 7] = [
    FORMAT_VERSION,
    Tag::UniqueIdentifier,
    OWNER,
    Tag::State,
    Tag::ObjectType,
    ATTRIBUTES,
    RETIRED,
];

/// The one format version there is.
const VERSION_1: i32 = 1;

/// Sealed records come from our own store; only their nesting is still limited.
const LIMITS: Limits = Limits { length: usize::MAX, depth: MAXIMUM_DEPTH, elements: usize::MAX };

/// The encoding of objects at rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoredForm;

impl ObjectEncoding for StoredForm {
    fn encode(&self, object: &ManagedObject) -> Material {
        let mut writer = Writer::new(Version::STORED);
        writer.structure(OBJECT, |writer| write(object, writer));
        Material::new(writer.into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Option<ManagedObject> {
        read(bytes).ok()
    }
}

fn write(object: &ManagedObject, writer: &mut Writer) {
    writer.integer(FORMAT_VERSION, VERSION_1);
    object.identifier().encode(Tag::UniqueIdentifier, writer);
    writer.text(OWNER, object.owner());
    object.life().state().encode(Tag::State, writer);
    match object.life() {
        Life::PreActive(held)
        | Life::Active(held)
        | Life::Deactivated(held)
        | Life::Compromised(held) => crate::objects::AnyObject::write(held, writer),
        Life::Destroyed(object_type) | Life::DestroyedCompromised(object_type) => {
            object_type.encode(Tag::ObjectType, writer);
        }
    }
    writer.structure(ATTRIBUTES, |writer| {
        write_instances(object.attributes().iter(), writer);
    });
    for (reference, next) in object.attributes().retired() {
        writer.structure(RETIRED, |writer| {
            reference.encode(Tag::AttributeReference, writer);
            next.encode(INDEX, writer);
        });
    }
}

fn read(bytes: &[u8]) -> Result<ManagedObject, Fault> {
    // What follows reads every item anyway, so it is not walked through first.
    let element = Element::open(bytes, &LIMITS)?;
    if element.tag != OBJECT {
        return Err(Fault::unexpected(element.tag));
    }
    let fields = element.fields()?;
    let context = Context::new(Version::STORED);
    refuse_unknown(element, MAXIMUM_DEPTH)?;
    fields.close(|tag| TAGS.contains(&tag) || OptionalObject::knows(tag, &context))?;
    if fields.required::<i32>(FORMAT_VERSION, &context)? != VERSION_1 {
        return Err(Fault::out_of_range(FORMAT_VERSION));
    }
    let attributes = fields.find(ATTRIBUTES)?.ok_or(Fault::missing(ATTRIBUTES))?.fields()?;
    let retired: Result<Vec<_>, Fault> = fields
        .find_all(RETIRED)
        .map(|element| read_retired(&element?.fields()?, &context))
        .collect();
    Ok(ManagedObject::restore(
        fields.required::<UniqueIdentifier>(Tag::UniqueIdentifier, &context)?,
        fields.required(OWNER, &context)?,
        AttributeSet::restore(read_instances(&attributes)?, retired?),
        read_life(&fields, &context)?,
    ))
}

/// Refuses every tag that a later program must have written. Messages pass them over, which is of no
/// harm there. What a vendor's attribute holds is kept as it is, whatever its tags are.
fn refuse_unknown(element: Element<'_>, depth: usize) -> Result<(), Fault> {
    let depth = depth.checked_sub(1).ok_or(Fault::new(FaultKind::TooDeep, element.tag))?;
    for child in element.children() {
        let child = child?;
        let is_private = child.tag.0 >= OBJECT.0;
        if is_of_the_future(child.tag) || (is_private && child.tag.0 > INDEX.0) {
            return Err(Fault::unexpected(child.tag));
        }
        if child.item_type == ItemType::Structure && child.tag != Tag::AttributeValue {
            refuse_unknown(child, depth)?;
        }
    }
    Ok(())
}

fn read_retired(
    fields: &Fields<'_>,
    context: &Context,
) -> Result<(AttributeReference, u32), Fault> {
    Ok((fields.required(Tag::AttributeReference, context)?, fields.required(INDEX, context)?))
}

fn read_life(fields: &Fields<'_>, context: &Context) -> Result<Life, Fault> {
    let held = || -> Result<Object, Fault> {
        OptionalObject::read(fields, context)?.ok_or(Fault::missing(Tag::ObjectType))
    };
    let object_type = || fields.required::<ObjectType>(Tag::ObjectType, context);
    Ok(match fields.required::<State>(Tag::State, context)? {
        State::PreActive => Life::PreActive(held()?),
        State::Active => Life::Active(held()?),
        State::Deactivated => Life::Deactivated(held()?),
        State::Compromised => Life::Compromised(held()?),
        State::Destroyed => Life::Destroyed(object_type()?),
        State::DestroyedCompromised => Life::DestroyedCompromised(object_type()?),
        _ => return Err(Fault::out_of_range(Tag::State)),
    })
}
