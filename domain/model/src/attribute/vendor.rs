//! Vendor Attribute (KMIP 2.1 §4.60), Custom Attribute (1.4 §3.39), Attribute Reference (2.1 §5.5).
//!
//! The vendors "x" and "y" stand for the prefixes `x-` and `y-` of 1.x.

use super::Rules;
use crate::{enumeration::Tag, value::Value};

/// An attribute that the standard does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorAttribute {
    /// Vendor Identification; "x" for what clients of 1.x set, "y" for the server's own.
    pub vendor_identification: String,
    /// Attribute Name, without the prefix of 1.x.
    pub attribute_name: String,
    /// Attribute Value.
    pub attribute_value: Value,
}

impl VendorAttribute {
    /// Returns what names this attribute in a request.
    #[must_use]
    pub fn reference(&self) -> AttributeReference {
        AttributeReference::Vendor {
            vendor_identification: self.vendor_identification.clone(),
            attribute_name: self.attribute_name.clone(),
        }
    }
}

/// Names an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeReference {
    /// A standard attribute, or a tag that names none.
    Standard(Tag),
    /// A vendor's.
    Vendor {
        /// Vendor Identification.
        vendor_identification: String,
        /// Attribute Name.
        attribute_name: String,
    },
    /// A name of 1.x that names no attribute.
    Unknown(String),
}

impl AttributeReference {
    /// Reads an Attribute Name of 1.x.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        if let Some(rules) = Rules::named(name) {
            return Self::Standard(rules.tag);
        }
        match name.split_once('-') {
            Some((vendor @ ("x" | "y"), rest)) => Self::Vendor {
                vendor_identification: vendor.to_owned(),
                attribute_name: rest.to_owned(),
            },
            _ => Self::Unknown(name.to_owned()),
        }
    }

    /// Returns the Attribute Name of 1.x; `None` if 1.x has no way to name it.
    #[must_use]
    pub fn to_name(&self) -> Option<String> {
        match self {
            Self::Standard(tag) => Rules::of(*tag).map(|rules| rules.name.to_owned()),
            Self::Vendor { vendor_identification, attribute_name } => {
                matches!(vendor_identification.as_str(), "x" | "y")
                    .then(|| format!("{vendor_identification}-{attribute_name}"))
            }
            Self::Unknown(name) => Some(name.clone()),
        }
    }

    /// Returns the rules, if it is a standard attribute.
    #[must_use]
    pub fn rules(&self) -> Option<&'static Rules> {
        match self {
            Self::Standard(tag) => Rules::of(*tag),
            Self::Vendor { .. } | Self::Unknown(_) => None,
        }
    }

    /// Returns the tag to report in errors.
    #[must_use]
    pub fn tag(&self) -> Tag {
        match self {
            Self::Standard(tag) => *tag,
            Self::Vendor { .. } | Self::Unknown(_) => Tag::Attribute,
        }
    }

    /// Says whether an object may have several of this attribute.
    #[must_use]
    pub fn multiple_instances(&self) -> bool {
        match self {
            Self::Standard(tag) => Rules::of(*tag).is_some_and(|rules| rules.multiple_instances),
            Self::Vendor { .. } => true,
            Self::Unknown(_) => false,
        }
    }

    /// Says whether the server alone sets it: vendor "y" is the server itself.
    //= KMIP-1.4 §3.39
    #[must_use]
    pub fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Vendor { vendor_identification, .. } if vendor_identification == "y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_names_are_vendors_x_and_y() {
        for name in ["x-Product_Version", "y-a", "x-", "x-a-b", "Name", "PKCS#12 Friendly Name"] {
            assert_eq!(AttributeReference::from_name(name).to_name().as_deref(), Some(name));
        }
        assert!(matches!(AttributeReference::from_name("Nam"), AttributeReference::Unknown(_)));
    }
}
