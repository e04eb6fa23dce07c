//! Value: the shape that every attribute can be seen in (KMIP 2.1 §10.1, 1.4 §9.1.1).
//!
//! Attributes are typed; their Values are what is left when only the item types remain. The
//! codec writes Values, Locate compares them field by field, and a vendor's attribute is one.

use crate::{
    date::{DateTime, Interval},
    enumeration::Tag,
};

/// One item's value; the variants are the item types.
// The tag has a word of its own, so that a value is moved in whole words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Value {
    /// Fields in order.
    Structure(Vec<(Tag, Value)>),
    /// 32 bits, signed; masks too.
    Integer(i32),
    /// 64 bits, signed.
    LongInteger(i64),
    /// Two's complement, big-endian, any length.
    BigInteger(Vec<u8>),
    /// 32 bits that name something.
    Enumeration(u32),
    /// True or false.
    Boolean(bool),
    /// UTF-8.
    TextString(String),
    /// Octets.
    ByteString(Vec<u8>),
    /// Seconds since the epoch.
    DateTime(DateTime),
    /// Seconds.
    Interval(Interval),
    /// Microseconds since the epoch.
    DateTimeExtended(i64),
}

impl Value {
    /// Returns about how many bytes the value has.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Structure(fields) => {
                fields.iter().fold(8, |size: usize, (_, field)| size.saturating_add(field.size()))
            }
            Self::BigInteger(bytes) | Self::ByteString(bytes) => bytes.len().saturating_add(8),
            Self::TextString(text) => text.len().saturating_add(8),
            _ => 16,
        }
    }

    /// Says whether this value answers a filter: equal, or, for a structure, having every field
    /// that the filter gives.
    //= KMIP-2.1 §6.1.28
    #[must_use]
    pub fn answers(&self, filter: &Self) -> bool {
        match (self, filter) {
            (Self::Structure(fields), Self::Structure(wanted)) => {
                wanted.iter().all(|(tag, want)| {
                    fields.iter().any(|(have_tag, have)| have_tag == tag && have.answers(want))
                })
            }
            _ => self == filter,
        }
    }
}

/// A value that has another shape than its type allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misshapen {
    /// The item type is not the one of this field.
    #[error("{0} has an item type that it cannot have")]
    ItemType(Tag),
    /// A structure lacks a field that it must have.
    #[error("{0} is missing")]
    Missing(Tag),
    /// A structure has a field it cannot have, or has it twice.
    #[error("{0} does not belong here")]
    Unexpected(Tag),
    /// The value is outside what the field can hold.
    #[error("{0} has a value that it cannot have")]
    OutOfRange(Tag),
}

/// A type that can be seen as a [`Value`] and read back from one.
pub trait Valued: Sized {
    /// Returns the value.
    fn to_value(&self) -> Value;
    /// Reads a value that stands under `tag`.
    fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen>;
}

macro_rules! valued {
    ($($type:ty => $variant:ident($inner:ident), $to:expr, $from:expr;)*) => { $(
        impl Valued for $type {
            fn to_value(&self) -> Value {
                let to: fn(&$type) -> Value = $to;
                to(self)
            }
            fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen> {
                match value {
                    Value::$variant($inner) => {
                        ($from)(tag, $inner)
                    }
                    _ => Err(Misshapen::ItemType(tag)),
                }
            }
        }
    )* };
}

valued! {
    i32 => Integer(v), |v| Value::Integer(*v), |_, v| Ok(v);
    i64 => LongInteger(v), |v| Value::LongInteger(*v), |_, v| Ok(v);
    bool => Boolean(v), |v| Value::Boolean(*v), |_, v| Ok(v);
    String => TextString(v), |v| Value::TextString(v.clone()), |_, v| Ok(v);
    Vec<u8> => ByteString(v), |v| Value::ByteString(v.clone()), |_, v| Ok(v);
    DateTime => DateTime(v), |v| Value::DateTime(*v), |_, v| Ok(v);
    Interval => Interval(v), |v| Value::Interval(*v), |_, v| Ok(v);
}

impl Valued for crate::identifier::UniqueIdentifier {
    fn to_value(&self) -> Value {
        Value::TextString(self.as_str().to_owned())
    }
    fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen> {
        String::from_value(tag, value).map(Self::new)
    }
}

impl<T: Valued> Valued for Box<T> {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
    fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen> {
        T::from_value(tag, value).map(Self::new)
    }
}

macro_rules! valued_enumerations {
    ($($name:ident),* $(,)?) => { $(
        impl Valued for crate::enumeration::$name {
            fn to_value(&self) -> Value { Value::Enumeration(self.0) }
            fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen> {
                match value {
                    Value::Enumeration(value) => Ok(Self(value)),
                    _ => Err(Misshapen::ItemType(tag)),
                }
            }
        }
    )* };
}

valued_enumerations! {
    AlternativeNameType, BlockCipherMode, CertificateRequestType, CertificateType,
    CryptographicAlgorithm, DerivationMethod, DigitalSignatureAlgorithm, DrbgAlgorithm,
    Fips186Variation, HashingAlgorithm, KeyFormatType, KeyRoleType, KeyValueLocationType, LinkType,
    MaskGenerator, NameType, NistKeyType, ObjectType, OpaqueDataType, PaddingMethod,
    ProtectionLevel, RecommendedCurve, RevocationReasonCode, RngAlgorithm, RotateNameType,
    SecretDataType, SplitKeyMethod, State, UsageLimitsUnit,
}

macro_rules! valued_masks {
    ($($name:ident),* $(,)?) => { $(
        impl Valued for crate::enumeration::$name {
            fn to_value(&self) -> Value { Value::Integer(self.0.cast_signed()) }
            fn from_value(tag: Tag, value: Value) -> Result<Self, Misshapen> {
                match value {
                    Value::Integer(value) => Ok(Self(value.cast_unsigned())),
                    _ => Err(Misshapen::ItemType(tag)),
                }
            }
        }
    )* };
}

valued_masks!(CryptographicUsageMask, ProtectionStorageMask, StorageStatusMask);

/// Defines structures whose fields stand under tags: `field: Type = Tag, required|optional|repeated;`.
macro_rules! value_structure {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty = $tag:ident, $cardinality:ident;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $crate::value::value_structure!(@type $cardinality $type),)*
        }

        impl $crate::value::Valued for $name {
            fn to_value(&self) -> $crate::value::Value {
                let mut fields = Vec::new();
                $($crate::value::value_structure!(@write $cardinality fields, self.$field, $tag);)*
                $crate::value::Value::Structure(fields)
            }

            fn from_value(
                tag: $crate::enumeration::Tag,
                value: $crate::value::Value,
            ) -> Result<Self, $crate::value::Misshapen> {
                let mut fields = $crate::value::Fields::open(tag, value)?;
                let this = Self {
                    $($field: $crate::value::value_structure!(@read $cardinality fields, $tag),)*
                };
                fields.close()?;
                Ok(this)
            }
        }
    };
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@type repeated $type:ty) => { Vec<$type> };
    (@write required $fields:ident, $value:expr, $tag:ident) => {
        $crate::value::add(&mut $fields, $crate::enumeration::Tag::$tag, &$value);
    };
    (@write optional $fields:ident, $value:expr, $tag:ident) => {
        if let Some(value) = &$value {
            $crate::value::add(&mut $fields, $crate::enumeration::Tag::$tag, value);
        }
    };
    (@write repeated $fields:ident, $value:expr, $tag:ident) => {
        for value in &$value {
            $crate::value::add(&mut $fields, $crate::enumeration::Tag::$tag, value);
        }
    };
    (@read required $fields:ident, $tag:ident) => { $fields.required($crate::enumeration::Tag::$tag)? };
    (@read optional $fields:ident, $tag:ident) => { $fields.optional($crate::enumeration::Tag::$tag)? };
    (@read repeated $fields:ident, $tag:ident) => { $fields.repeated($crate::enumeration::Tag::$tag)? };
}
pub(crate) use value_structure;

/// Adds one field to those of a structure.
pub(crate) fn add(fields: &mut Vec<(Tag, Value)>, tag: Tag, value: &impl Valued) {
    fields.push((tag, value.to_value()));
}

/// The fields of a structure while it is read.
pub(crate) struct Fields(Vec<(Tag, Value)>);

impl Fields {
    pub(crate) fn open(tag: Tag, value: Value) -> Result<Self, Misshapen> {
        match value {
            Value::Structure(fields) => Ok(Self(fields)),
            _ => Err(Misshapen::ItemType(tag)),
        }
    }

    pub(crate) fn optional<T: Valued>(&mut self, tag: Tag) -> Result<Option<T>, Misshapen> {
        let Some(position) = self.0.iter().position(|(have, _)| *have == tag) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(position);
        T::from_value(tag, value).map(Some)
    }

    pub(crate) fn required<T: Valued>(&mut self, tag: Tag) -> Result<T, Misshapen> {
        self.optional(tag)?.ok_or(Misshapen::Missing(tag))
    }

    pub(crate) fn repeated<T: Valued>(&mut self, tag: Tag) -> Result<Vec<T>, Misshapen> {
        let fields = core::mem::take(&mut self.0);
        let (found, rest): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|(have, _)| *have == tag);
        self.0 = rest;
        found.into_iter().map(|(_, value)| T::from_value(tag, value)).collect()
    }

    pub(crate) fn close(self) -> Result<(), Misshapen> {
        match self.0.first() {
            None => Ok(()),
            Some((tag, _)) => Err(Misshapen::Unexpected(*tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_answers_a_filter_with_fewer_fields() {
        let name = Value::Structure(vec![
            (Tag::NameValue, Value::TextString("a".into())),
            (Tag::NameType, Value::Enumeration(1)),
        ]);
        let filter = Value::Structure(vec![(Tag::NameValue, Value::TextString("a".into()))]);
        assert!(name.answers(&filter));
        assert!(!filter.answers(&name));
    }

    #[test]
    fn a_repeated_field_keeps_its_order_and_leaves_the_others() {
        let text = |text: &str| Value::TextString(text.into());
        let structure = Value::Structure(vec![
            (Tag::Issuer, text("a")),
            (Tag::SerialNumber, text("1")),
            (Tag::Issuer, text("b")),
        ]);
        let mut fields = Fields::open(Tag::CertificateIdentifier, structure).unwrap();
        assert_eq!(fields.repeated::<String>(Tag::Issuer).unwrap(), ["a", "b"]);
        assert_eq!(fields.close(), Err(Misshapen::Unexpected(Tag::SerialNumber)));
    }
}
