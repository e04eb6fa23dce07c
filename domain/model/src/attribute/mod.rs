//! Attributes (KMIP 2.1 §4, 1.4 §3): typed values, their instances on one object, and their rules.
//!
//! To add an attribute, add a row to `table.rs`.

mod rules;
mod set;
mod structure;
mod table;
mod vendor;

pub use rules::{Applicability, Circumstances, Occasion, RuleViolation, Rules, Search, Setter};
pub use set::{AttributeSet, Instance};
pub use structure::*;
pub use table::Attribute;
pub use vendor::{AttributeReference, VendorAttribute};

use crate::enumeration::Tag;

/// Defines [`Attribute`], its table of rules and a getter per attribute on [`AttributeSet`].
macro_rules! attributes {
    ($(
        $getter:ident $tag:ident($type:ty), $name:literal, $since:tt $(until $until:tt)?:
            $always:ident $setter:ident $modify:ident $delete:ident $multiple:ident $applies:ident
            $search:ident $implicit:ident;
    )*) => {
        /// One attribute's value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Attribute {
            $(
                #[doc = $name]
                $tag($type),
            )*
            /// A vendor's attribute, in 1.x a custom one.
            Vendor($crate::attribute::VendorAttribute),
        }

        /// Returns the rules of a standard attribute.
        pub(crate) const fn row(
            tag: $crate::enumeration::Tag,
        ) -> Option<&'static $crate::attribute::Rules> {
            match tag {
                $($crate::enumeration::Tag::$tag => Some(&$crate::attribute::Rules {
                    tag: $crate::enumeration::Tag::$tag,
                    name: $name,
                    since: $since,
                    until: $crate::enumeration::enumeration!(@until $($until)?),
                    always_has_value: $crate::attribute::attributes!(@flag $always),
                    initially_set_by: $setter,
                    modifiable_by_client: $modify,
                    deletable_by_client: $delete,
                    multiple_instances: $crate::attribute::attributes!(@flag $multiple),
                    applies_to: $crate::attribute::rules::$applies,
                    search: $search,
                    implicitly_set_by: $implicit,
                }),)*
                _ => None,
            }
        }

        /// The rules of every standard attribute.
        pub(crate) const TABLE: &[$crate::attribute::Rules] = &[$(
            *row($crate::enumeration::Tag::$tag).expect("the row is in this table"),
        )*];

        impl Attribute {
            /// Returns the attribute's tag; vendors' attributes share one.
            #[must_use]
            pub fn tag(&self) -> $crate::enumeration::Tag {
                match self {
                    $(Self::$tag(_) => $crate::enumeration::Tag::$tag,)*
                    Self::Vendor(_) => $crate::enumeration::Tag::Attribute,
                }
            }

            /// Returns the value without its type.
            #[must_use]
            pub fn to_value(&self) -> $crate::value::Value {
                match self {
                    $(Self::$tag(value) => $crate::value::Valued::to_value(value),)*
                    Self::Vendor(vendor) => vendor.attribute_value.clone(),
                }
            }

            /// Reads the value of the standard attribute `tag`; `None` if there is no such one.
            #[must_use]
            pub fn from_value(
                tag: $crate::enumeration::Tag,
                value: $crate::value::Value,
            ) -> Option<Result<Self, $crate::value::Misshapen>> {
                match tag {
                    $($crate::enumeration::Tag::$tag => {
                        Some(<$type as $crate::value::Valued>::from_value(tag, value).map(Self::$tag))
                    })*
                    _ => None,
                }
            }
        }

        impl $crate::attribute::AttributeSet {
            $(
                #[doc = concat!("Returns the first ", $name, ".")]
                #[must_use]
                pub fn $getter(&self) -> Option<&$type> {
                    self.iter().find_map(|instance| match &instance.attribute {
                        Attribute::$tag(value) => Some(value),
                        _ => None,
                    })
                }
            )*
        }
    };
    (@flag always) => { true };
    (@flag maybe) => { false };
    (@flag multiple) => { true };
    (@flag single) => { false };
}
pub(crate) use attributes;

impl Rules {
    /// Lists the rules of every standard attribute, in the order of the table.
    #[must_use]
    pub fn all() -> &'static [Self] {
        table::TABLE
    }

    /// Returns the rules of a standard attribute.
    #[must_use]
    pub fn of(tag: Tag) -> Option<&'static Self> {
        table::row(tag)
    }

    /// Returns the rules of the standard attribute that 1.x calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        table::TABLE.iter().find(|rules| rules.name == name)
    }
}

impl Attribute {
    /// Returns what names this attribute in a request.
    #[must_use]
    pub fn reference(&self) -> AttributeReference {
        match self {
            Self::Vendor(vendor) => vendor.reference(),
            _ => AttributeReference::Standard(self.tag()),
        }
    }

    /// Says whether `reference` names this attribute.
    #[must_use]
    pub fn is(&self, reference: &AttributeReference) -> bool {
        match (self, reference) {
            (
                Self::Vendor(vendor),
                AttributeReference::Vendor { vendor_identification, attribute_name },
            ) => {
                vendor.vendor_identification == *vendor_identification
                    && vendor.attribute_name == *attribute_name
            }
            (Self::Vendor(_), _) => false,
            (_, AttributeReference::Standard(tag)) => self.tag() == *tag,
            _ => false,
        }
    }

    /// Says whether an object may have several of this attribute.
    #[must_use]
    pub fn multiple_instances(&self) -> bool {
        self.reference().multiple_instances()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{enumeration::CryptographicAlgorithm, value::Value};

    #[test]
    fn every_attribute_is_its_value_and_back() {
        let attribute = Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes);
        let value = attribute.to_value();
        assert_eq!(value, Value::Enumeration(3));
        assert_eq!(Attribute::from_value(Tag::CryptographicAlgorithm, value), Some(Ok(attribute)));
    }

    #[test]
    fn each_attribute_has_one_row() {
        for rules in Rules::all() {
            assert_eq!(Rules::all().iter().filter(|other| other.tag == rules.tag).count(), 1);
            assert_eq!(Rules::named(rules.name).map(|found| found.tag), Some(rules.tag));
        }
    }

    #[test]
    fn a_required_field_is_required() {
        let value = Value::Structure(vec![(Tag::NameValue, Value::TextString("a".into()))]);
        assert!(matches!(Attribute::from_value(Tag::Name, value), Some(Err(_))));
    }
}
