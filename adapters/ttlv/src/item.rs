//! Items: tag, type, length, value, padding (KMIP 2.1 §10.1, 1.4 §9.1.1).
//!
//! Everything is big-endian. Values take multiples of eight bytes; padding is not part of the
//! length, except in a Big Integer, which is sign-extended instead.

use kmip_model::enumeration::Tag;

/// The bytes of tag, type and length.
pub const HEADER_LENGTH: usize = 8;

/// The item types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ItemType {
    /// Items, one after the other.
    Structure = 0x01,
    /// 32 bits, signed.
    Integer = 0x02,
    /// 64 bits, signed.
    LongInteger = 0x03,
    /// Two's complement of any length.
    BigInteger = 0x04,
    /// 32 bits that name something.
    Enumeration = 0x05,
    /// 64 bits, 0 or 1.
    Boolean = 0x06,
    /// UTF-8.
    TextString = 0x07,
    /// Octets.
    ByteString = 0x08,
    /// Seconds since the epoch, 64 bits.
    DateTime = 0x09,
    /// Seconds, 32 bits.
    Interval = 0x0A,
    /// Microseconds since the epoch, 64 bits; since 2.0.
    DateTimeExtended = 0x0B,
}

impl ItemType {
    /// Reads the type byte of an item.
    #[must_use]
    pub const fn parse(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Structure,
            0x02 => Self::Integer,
            0x03 => Self::LongInteger,
            0x04 => Self::BigInteger,
            0x05 => Self::Enumeration,
            0x06 => Self::Boolean,
            0x07 => Self::TextString,
            0x08 => Self::ByteString,
            0x09 => Self::DateTime,
            0x0A => Self::Interval,
            0x0B => Self::DateTimeExtended,
            _ => return None,
        })
    }

    /// Returns the type byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Says whether an item of this type can be that long.
    #[must_use]
    pub const fn allows_length(self, length: usize) -> bool {
        match self {
            Self::Integer | Self::Enumeration | Self::Interval => length == 4,
            Self::LongInteger | Self::Boolean | Self::DateTime | Self::DateTimeExtended => {
                length == 8
            }
            Self::Structure => length.is_multiple_of(8),
            Self::BigInteger => length != 0 && length.is_multiple_of(8),
            Self::TextString | Self::ByteString => true,
        }
    }
}

/// Returns the bytes that follow a value of this length up to a multiple of eight.
#[must_use]
pub const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 7
}

/// Says whether a number is a tag: a standard one or an extension.
#[must_use]
pub const fn is_tag(tag: Tag) -> bool {
    matches!(tag.0 >> 16, 0x42 | 0x54)
}

/// Says whether a tag is standard, but of a later version than any known here.
#[must_use]
pub const fn is_of_the_future(tag: Tag) -> bool {
    tag.0 > Tag::AsynchronousCorrelationValues.0 && tag.0 <= 0x42_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_multiples_of_eight() {
        for (length, expected) in [(0, 0), (1, 7), (4, 4), (7, 1), (8, 0), (9, 7)] {
            assert_eq!(padding(length), expected);
        }
    }

    #[test]
    fn every_type_byte_is_its_type_and_no_other_byte_is_one() {
        for byte in 0..=u8::MAX {
            match ItemType::parse(byte) {
                Some(item_type) => assert_eq!(item_type.byte(), byte),
                None => assert!(byte == 0 || byte > 0x0B),
            }
        }
    }

    #[test]
    fn no_known_tag_is_of_the_future() {
        use kmip_model::enumeration::Enumeration;
        for member in Tag::MEMBERS {
            assert!(is_tag(Tag(member.value)) && !is_of_the_future(Tag(member.value)));
        }
        assert!(is_of_the_future(Tag(0x42_01C3)));
        assert!(!is_of_the_future(Tag(0x54_0000)));
    }
}
