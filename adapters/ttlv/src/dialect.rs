//! The named rules that a version implies (see [`kmip_operations::message::Dialect`]).

use kmip_model::enumeration::ObjectType;
use kmip_operations::message::{Dialect, ReasonColumn, UnaskedAttributes};
use kmip_ports::encoding::AttributeForm;

use crate::version::Version;

/// Returns the rules of a version.
#[must_use]
pub fn dialect(version: Version) -> Dialect {
    let two = version >= Version::V2_0;
    Dialect {
        //= KMIP-2.1 §4.32
        // 1.x says the same, but its deployed clients make duplicates.
        names_unique: two,
        //= KMIP-2.1 §6.1.15
        // In 2.x the attributes of a destroyed object are kept for all to see.
        tombstones_visible: two,
        unasked_attributes: UnaskedAttributes::All,
        creation_defaults: two,
        attributes_in_key_value: if two { AttributeForm::Tagged } else { AttributeForm::Named },
        unknown_object_types: match version {
            Version::V1_0 | Version::V1_1 => &[ObjectType::PgpKey, ObjectType::CertificateRequest],
            _ if two => &[ObjectType::Template],
            _ => &[ObjectType::CertificateRequest],
        },
        reasons: match version {
            Version::V2_0 => ReasonColumn::TwoZero,
            _ if two => ReasonColumn::TwoOne,
            _ => ReasonColumn::One,
        },
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::object::Object;

    use super::*;
    use crate::payloads::has_object_type;

    #[test]
    fn the_types_that_a_version_cannot_read_are_those_that_query_leaves_out() {
        for version in Version::ALL {
            for object_type in Object::TYPES {
                assert_ne!(
                    dialect(version).unknown_object_types.contains(&object_type),
                    has_object_type(version, object_type),
                    "{object_type} in {version}"
                );
            }
        }
    }

    #[test]
    fn names_are_unique_from_2_0_on() {
        for version in Version::ALL {
            assert_eq!(dialect(version).names_unique, version >= Version(2, 0), "{version}");
        }
    }
}
