//! The standard enumerations and masks of KMIP 1.0 to 2.1 (2.1 §11, 1.4 §9.1.3.2).
//!
//! An enumeration is a newtype over the wire's 32 bits with named constants, so that a vendor's
//! value survives a round trip. Each member says which version introduced it; only the codec
//! reads that column.

mod algorithm;
mod mask;
mod object;
mod profile;
mod protocol;
mod tag;

pub use algorithm::*;
pub use mask::*;
pub use object::*;
pub use profile::*;
pub use protocol::*;
pub use tag::*;

/// One named member of an enumeration or mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The value on the wire.
    pub value: u32,
    /// The name in the XML and JSON encodings.
    pub name: &'static str,
    /// The version that introduced it: major, minor.
    pub since: (u8, u8),
    /// The version that removed it, if one did.
    pub until: Option<(u8, u8)>,
}

/// What every enumeration has in common.
pub trait Enumeration: Copy + Eq {
    /// The standard members, in the order of their values.
    const MEMBERS: &'static [Member];
    /// Takes any value, known or not.
    fn from_value(value: u32) -> Self;
    /// Returns the value on the wire.
    fn value(self) -> u32;
}

/// Defines enumerations: `Name = value, "text name", (first version) [until (version)];`.
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        $name:ident { $($member:ident = $value:literal, $text:literal, $since:tt $(until $until:tt)?;)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        #[expect(non_upper_case_globals, reason = "members are written as the specification's terms")]
        #[allow(unfulfilled_lint_expectations, clippy::allow_attributes, reason = "one enumeration has no standard member")]
        impl $name {
            $(
                #[doc = $text]
                pub const $member: Self = Self($value);
            )*

            /// Returns the name of a standard member in the text encodings.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                $crate::enumeration::name_of(<Self as $crate::enumeration::Enumeration>::MEMBERS, self.0)
            }

            /// Finds a standard member by its name in the text encodings.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                $crate::enumeration::value_of(<Self as $crate::enumeration::Enumeration>::MEMBERS, name).map(Self)
            }
        }

        impl $crate::enumeration::Enumeration for $name {
            const MEMBERS: &'static [$crate::enumeration::Member] = &[
                $($crate::enumeration::Member {
                    value: $value,
                    name: $text,
                    since: $since,
                    until: $crate::enumeration::enumeration!(@until $($until)?),
                },)*
            ];
            fn from_value(value: u32) -> Self { Self(value) }
            fn value(self) -> u32 { self.0 }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "0x{:08X}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    };
    (@until) => { None };
    (@until $until:tt) => { Some($until) };
}
pub(crate) use enumeration;

pub(crate) fn name_of(members: &'static [Member], value: u32) -> Option<&'static str> {
    members.iter().find(|member| member.value == value).map(|member| member.name)
}

pub(crate) fn value_of(members: &'static [Member], name: &str) -> Option<u32> {
    members.iter().find(|member| member.name == name).map(|member| member.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_value_and_by_name() {
        assert_eq!(CryptographicAlgorithm::Aes.name(), Some("AES"));
        assert_eq!(CryptographicAlgorithm::parse("AES"), Some(CryptographicAlgorithm::Aes));
    }

    #[test]
    fn a_vendor_value_survives() {
        let vendor = ObjectType::from_value(0x8000_0001);
        assert_eq!(vendor.value(), 0x8000_0001);
        assert_eq!(vendor.to_string(), "0x80000001");
    }

    #[test]
    fn a_mask_keeps_unknown_bits() {
        let mask = CryptographicUsageMask(0x4000_0001);
        assert!(mask.contains(CryptographicUsageMask::SIGN));
        assert_eq!(mask.0, 0x4000_0001);
    }
}
