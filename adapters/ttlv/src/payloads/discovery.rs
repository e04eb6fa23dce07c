//! Payloads of Query and Discover Versions (KMIP 2.1 §6.1.40 and §6.1.16, 1.4 §4.25 and §4.26).
//!
//! Lists of operations, object types and other names hold nothing that the version has not got.

use kmip_model::{
    Value,
    attribute::Attribute,
    enumeration::{Enumeration, ObjectType, Operation, ProfileName, Tag},
};
use kmip_operations::ops::{discover_versions, query};

use super::objects::StorageMasks;
use crate::{
    attributes,
    fault::Fault,
    message::{read_version_numbers, write_version_numbers},
    reader::Fields,
    schema::{Context, Encode as _, Shape, structure},
    version::{Span, Version},
    writer::Writer,
};

structure! { discover_versions::Request {
    _ protocol_versions: with(ProtocolVersions) since V1_0;
} }

structure! { discover_versions::Response {
    _ protocol_versions: with(ProtocolVersions) since V1_0;
} }

structure! { query::Request {
    QueryFunction query_functions: repeated since V1_0;
} }

structure! { query::Response {
    _ operations: with(Operations) since V1_0;
    _ object_types: with(ObjectTypes) since V1_0;
    VendorIdentification vendor_identification: optional since V1_0;
    _ server_information: with(ServerInformation) since V1_0;
    ApplicationNamespace application_namespaces: repeated since V1_0;
    _ extension_information: with(ExtensionInformation) since V1_1;
    AttestationType attestation_types: repeated since V1_2;
    RngParameters rng_parameters: repeated since V1_3;
    _ profiles: with(Profiles) since V1_3;
    _ validation_information: with(ValidationInformation) since V1_3;
    _ capability_information: with(CapabilityInformation) since V1_3;
    ClientRegistrationMethod client_registration_methods: repeated since V1_3;
    _ defaults_information: with(DefaultsInformation) since V2_0;
    _ protection_storage_masks: with(StorageMasks) since V2_0;
} }

/// Protocol Versions, any number of them.
struct ProtocolVersions;

impl Shape for ProtocolVersions {
    type Value = Vec<(i32, i32)>;

    fn knows(tag: Tag, _: &Context) -> bool {
        tag == Tag::ProtocolVersion
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        fields
            .find_all(Tag::ProtocolVersion)
            .map(|version| read_version_numbers(&version?.fields()?, context))
            .collect()
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        for (major, minor) in value {
            write_version_numbers(writer, *major, *minor);
        }
    }
}

/// Says whether a version has a member of an enumeration.
fn has<E: Enumeration>(version: Version, member: E) -> bool {
    E::MEMBERS
        .iter()
        .find(|known| known.value == member.value())
        .is_some_and(|known| version.writes(Span::new(known.since, known.until)))
}

/// Defines the shape of a repeated name of which a version may have only some.
macro_rules! names {
    ($($(#[$meta:meta])* $shape:ident: $name:ident under $tag:ident, |$version:ident, $member:ident| $has:expr;)*) => { $(
        $(#[$meta])*
        struct $shape;

        impl Shape for $shape {
            type Value = Vec<$name>;

            fn knows(tag: Tag, _: &Context) -> bool {
                tag == Tag::$tag
            }

            fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
                fields.repeated(Tag::$tag, context)
            }

            fn write(value: &Self::Value, writer: &mut Writer) {
                let $version = writer.version();
                for $member in value.iter().copied().filter(|member| { let $member = *member; $has }) {
                    $member.encode(Tag::$tag, writer);
                }
            }
        }
    )* };
}

names! {
    /// Operations of the version.
    Operations: Operation under Operation, |version, member| has(version, member);
    /// Object Types of the version.
    ObjectTypes: ObjectType under ObjectType, |version, member| has_object_type(version, member);
}

/// Says whether a version has a type of object. Templates are deprecated since 1.3, and still there
/// in 1.4.
pub(crate) fn has_object_type(version: Version, object_type: ObjectType) -> bool {
    has(version, object_type) || (object_type == ObjectType::Template && version < Version::V2_0)
}

/// Profile Information, as far as its Profile Name.
struct Profiles;

impl Shape for Profiles {
    type Value = Vec<ProfileName>;

    fn knows(tag: Tag, _: &Context) -> bool {
        tag == Tag::ProfileInformation
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        fields
            .find_all(Tag::ProfileInformation)
            .map(|profile| profile?.fields()?.required(Tag::ProfileName, context))
            .collect()
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        let version = writer.version();
        for profile in value.iter().filter(|profile| has(version, **profile)) {
            writer.structure(Tag::ProfileInformation, |writer| {
                profile.encode(Tag::ProfileName, writer);
            });
        }
    }
}

/// Reads the fields of a structure as they are.
fn read_fields(fields: &Fields<'_>, context: &Context) -> Result<Vec<(Tag, Value)>, Fault> {
    fields
        .children()
        .map(|child| {
            let child = child?;
            Ok((child.tag, crate::schema::Decode::decode(child, context)?))
        })
        .collect()
}

/// Writes fields that the version has.
fn write_fields(tag: Tag, fields: &[(Tag, Value)], writer: &mut Writer) {
    let version = writer.version();
    writer.structure(tag, |writer| {
        for (field, value) in fields.iter().filter(|(field, _)| has(version, *field)) {
            value.encode(*field, writer);
        }
    });
}

/// Defines the shape of a structure that may be there once, its fields as they are.
macro_rules! free_structure {
    ($($(#[$meta:meta])* $shape:ident under $tag:ident;)*) => { $(
        $(#[$meta])*
        struct $shape;

        impl Shape for $shape {
            type Value = Option<Vec<(Tag, Value)>>;

            fn knows(tag: Tag, _: &Context) -> bool {
                tag == Tag::$tag
            }

            fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
                let Some(found) = fields.find(Tag::$tag)? else { return Ok(None) };
                read_fields(&found.fields()?, context).map(Some)
            }

            fn write(value: &Self::Value, writer: &mut Writer) {
                if let Some(fields) = value {
                    write_fields(Tag::$tag, fields, writer);
                }
            }
        }
    )* };
}

free_structure! {
    /// Server Information.
    ServerInformation under ServerInformation;
    /// Capability Information.
    CapabilityInformation under CapabilityInformation;
}

/// Defines the shape of a structure that may be there several times, its fields as they are.
macro_rules! free_structures {
    ($($(#[$meta:meta])* $shape:ident under $tag:ident;)*) => { $(
        $(#[$meta])*
        struct $shape;

        impl Shape for $shape {
            type Value = Vec<Vec<(Tag, Value)>>;

            fn knows(tag: Tag, _: &Context) -> bool {
                tag == Tag::$tag
            }

            fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
                fields
                    .find_all(Tag::$tag)
                    .map(|found| read_fields(&found?.fields()?, context))
                    .collect()
            }

            fn write(value: &Self::Value, writer: &mut Writer) {
                for fields in value {
                    write_fields(Tag::$tag, fields, writer);
                }
            }
        }
    )* };
}

free_structures! {
    /// Extension Information.
    ExtensionInformation under ExtensionInformation;
    /// Validation Information.
    ValidationInformation under ValidationInformation;
}

/// Defaults Information: for each object type its attributes.
struct DefaultsInformation;

impl Shape for DefaultsInformation {
    type Value = Vec<(ObjectType, Vec<Attribute>)>;

    fn knows(tag: Tag, _: &Context) -> bool {
        tag == Tag::DefaultsInformation
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        let Some(found) = fields.find(Tag::DefaultsInformation)? else {
            return Ok(Vec::new());
        };
        found
            .fields()?
            .find_all(Tag::ObjectDefaults)
            .map(|defaults| {
                let defaults = defaults?.fields()?;
                let object_type = defaults.required(Tag::ObjectType, context)?;
                let listed =
                    defaults.find(Tag::Attributes)?.ok_or(Fault::missing(Tag::Attributes))?;
                Ok((object_type, attributes::v2::read_all(listed, context)?))
            })
            .collect()
    }

    fn write(value: &Self::Value, writer: &mut Writer) {
        if value.is_empty() {
            return;
        }
        writer.structure(Tag::DefaultsInformation, |writer| {
            for (object_type, defaults) in value {
                writer.structure(Tag::ObjectDefaults, |writer| {
                    object_type.encode(Tag::ObjectType, writer);
                    writer.structure(Tag::Attributes, |writer| {
                        attributes::v2::write_all(defaults.iter(), writer);
                    });
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::ProtectionStorageMask;

    use super::*;
    use crate::{
        reader::{Element, Limits},
        schema::Decode as _,
    };

    fn answer(response: &query::Response, version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        response.encode(Tag::ResponsePayload, &mut writer);
        writer.into_bytes()
    }

    #[test]
    fn operations_of_later_versions_are_not_listed() {
        let response = query::Response {
            operations: vec![Operation::Query, Operation::DiscoverVersions, Operation::Log],
            ..query::Response::default()
        };
        for (version, listed) in [(Version::V1_0, 1), (Version::V1_1, 2), (Version::V2_0, 3)] {
            let bytes = answer(&response, version);
            let payload = Element::parse(&bytes, &Limits::default()).unwrap();
            assert_eq!(payload.children().count(), listed, "{version}");
        }
    }

    #[test]
    fn protection_storage_masks_are_a_structure_of_masks() {
        let response = query::Response {
            protection_storage_masks: vec![ProtectionStorageMask::SOFTWARE],
            ..query::Response::default()
        };
        let bytes = answer(&response, Version::V2_1);
        let payload = Element::parse(&bytes, &Limits::default()).unwrap();
        let tags: Vec<Tag> = payload.children().map(|child| child.unwrap().tag).collect();
        assert_eq!(tags, [Tag::ProtectionStorageMasks]);
        let read = query::Response::decode(payload, &Context::new(Version::V2_1));
        assert_eq!(read, Ok(response));
    }
}
