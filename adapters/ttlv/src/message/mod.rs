//! Messages: headers, batch items, credentials (KMIP 2.1 §8, 1.4 §6 and §7).

mod credential;
pub mod request;
pub mod response;

use kmip_model::enumeration::Tag;

use crate::{reader::Fields, schema::Context, version::Version, writer::Writer};

/// Writes a Protocol Version.
pub(crate) fn write_version(writer: &mut Writer, version: Version) {
    write_version_numbers(writer, i32::from(version.0), i32::from(version.1));
}

/// Writes a Protocol Version that may be any.
pub(crate) fn write_version_numbers(writer: &mut Writer, major: i32, minor: i32) {
    writer.structure(Tag::ProtocolVersion, |writer| {
        writer.integer(Tag::ProtocolVersionMajor, major);
        writer.integer(Tag::ProtocolVersionMinor, minor);
    });
}

/// Reads the numbers of a Protocol Version: major, minor.
pub(crate) fn read_version_numbers(
    fields: &Fields<'_>,
    context: &Context,
) -> Result<(i32, i32), crate::fault::Fault> {
    Ok((
        fields.required(Tag::ProtocolVersionMajor, context)?,
        fields.required(Tag::ProtocolVersionMinor, context)?,
    ))
}
