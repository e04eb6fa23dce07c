//! Attributes at rest: each under its own tag, as in 2.x, after an item with its index if that is
//! not 0. Not part of the specification, but frozen: see `stored.rs`.

use kmip_model::{attribute::Instance, enumeration::Tag};

use super::v2;
use crate::{
    fault::Fault,
    reader::Fields,
    schema::{Context, Decode as _, Encode as _},
    version::Version,
    writer::Writer,
};

/// The index of the attribute that follows.
pub(crate) const INDEX: Tag = Tag(0x54_0006);

/// As many attributes as most objects have, and some more.
const USUAL_COUNT: usize = 24;

/// Writes instances.
pub(crate) fn write_instances<'a>(
    instances: impl Iterator<Item = &'a Instance>,
    writer: &mut Writer,
) {
    for instance in instances {
        if instance.index != 0 {
            instance.index.encode(INDEX, writer);
        }
        v2::write(&instance.attribute, writer);
    }
}

/// Reads instances.
pub(crate) fn read_instances(fields: &Fields<'_>) -> Result<Vec<Instance>, Fault> {
    let context = Context::new(Version::STORED);
    let mut instances = Vec::with_capacity(USUAL_COUNT);
    let mut index = 0;
    for child in fields.children() {
        let child = child?;
        if child.tag == INDEX {
            index = u32::decode(child, &context)?;
        } else {
            instances.push(Instance { index, attribute: v2::read(child, &context)? });
            index = 0;
        }
    }
    Ok(instances)
}
