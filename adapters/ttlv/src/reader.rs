//! Reading items without copying them (KMIP 2.1 §10.1, 1.4 §9.1.1).
//!
//! An [`Element`] borrows its bytes. Lengths, nesting and the number of items are checked against
//! [`Limits`] before anything is allocated, and nothing here panics, whatever the bytes are.

use core::{fmt, str};

use kmip_model::{
    date::{DateTime, Interval},
    enumeration::Tag,
};

use crate::{
    fault::{Fault, FaultKind, NO_TAG},
    item::{HEADER_LENGTH, ItemType, is_of_the_future, is_tag, padding},
};

/// How much one message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub length: usize,
    /// Structures in structures.
    pub depth: usize,
    /// Items.
    pub elements: usize,
}

impl Default for Limits {
    /// Fits every message of the specification's cases many times over.
    fn default() -> Self {
        Self { length: 1 << 20, depth: MAXIMUM_DEPTH, elements: 1 << 16 }
    }
}

/// How deep structures are read where no limit was asked for.
pub const MAXIMUM_DEPTH: usize = 32;

/// One item, in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Tag.
    pub tag: Tag,
    /// Type.
    pub item_type: ItemType,
    /// The value without padding; of a Structure, its items.
    pub value: &'a [u8],
}

impl<'a> Element<'a> {
    /// Reads bytes that are exactly one item, and checks everything in it.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let element = Self::open(bytes, limits)?;
        element.check(limits)?;
        Ok(element)
    }

    /// Reads bytes that are exactly one item, without looking into it.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        if bytes.len() > limits.length {
            return Err(Fault::new(FaultKind::TooLong, NO_TAG));
        }
        let (element, rest) = Self::split(bytes)?;
        if rest.is_empty() {
            Ok(element)
        } else {
            Err(Fault::new(FaultKind::Trailing, element.tag))
        }
    }

    /// Checks everything in the item: lengths, types, text, nesting and number.
    pub fn check(self, limits: &Limits) -> Result<(), Fault> {
        let mut left = limits.elements;
        self.walk(limits.depth, &mut left)
    }

    fn walk(self, depth: usize, left: &mut usize) -> Result<(), Fault> {
        *left = left.checked_sub(1).ok_or_else(|| Fault::new(FaultKind::TooMany, self.tag))?;
        match self.item_type {
            ItemType::Structure => {
                let depth =
                    depth.checked_sub(1).ok_or_else(|| Fault::new(FaultKind::TooDeep, self.tag))?;
                for child in self.children() {
                    child?.walk(depth, left)?;
                }
                Ok(())
            }
            ItemType::Boolean => self.boolean().map(drop),
            ItemType::TextString => self.text().map(drop),
            _ => Ok(()),
        }
    }

    /// Splits the first item off.
    #[inline]
    fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LENGTH>() else {
            return Err(Fault::new(FaultKind::Truncated, NO_TAG));
        };
        let [tag_0, tag_1, tag_2, item_type, length @ ..] = *header;
        let tag = Tag(u32::from_be_bytes([0, tag_0, tag_1, tag_2]));
        if !is_tag(tag) {
            return Err(Fault::new(FaultKind::BadTag, tag));
        }
        let item_type =
            ItemType::parse(item_type).ok_or_else(|| Fault::new(FaultKind::BadType, tag))?;
        let truncated = || Fault::new(FaultKind::Truncated, tag);
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| truncated())?;
        if !item_type.allows_length(length) {
            return Err(Fault::new(FaultKind::BadLength, tag));
        }
        let (value, rest) = rest.split_at_checked(length).ok_or_else(truncated)?;
        let rest = rest.get(padding(length)..).ok_or_else(truncated)?;
        Ok((Self { tag, item_type, value }, rest))
    }

    /// Returns the items in it; none if it is not a Structure.
    #[must_use]
    pub fn children(self) -> Children<'a> {
        let bytes = if self.item_type == ItemType::Structure { self.value } else { &[] };
        Children { bytes }
    }

    /// Returns its fields, if it is a Structure.
    pub fn fields(self) -> Result<Fields<'a>, Fault> {
        self.expect(ItemType::Structure)?;
        Ok(Fields { tag: self.tag, bytes: self.value })
    }

    fn expect(self, item_type: ItemType) -> Result<&'a [u8], Fault> {
        if self.item_type == item_type { Ok(self.value) } else { Err(Fault::wrong_type(self.tag)) }
    }

    fn fixed<const N: usize>(self, item_type: ItemType) -> Result<[u8; N], Fault> {
        let value = self.expect(item_type)?;
        value.try_into().map_err(|_| Fault::new(FaultKind::BadLength, self.tag))
    }

    /// Reads an Integer.
    pub fn integer(self) -> Result<i32, Fault> {
        self.fixed(ItemType::Integer).map(i32::from_be_bytes)
    }

    /// Reads a Long Integer.
    pub fn long_integer(self) -> Result<i64, Fault> {
        self.fixed(ItemType::LongInteger).map(i64::from_be_bytes)
    }

    /// Reads a Big Integer: two's complement, big-endian, as long as it was sent.
    pub fn big_integer(self) -> Result<&'a [u8], Fault> {
        self.expect(ItemType::BigInteger)
    }

    /// Reads an Enumeration.
    pub fn enumeration(self) -> Result<u32, Fault> {
        self.fixed(ItemType::Enumeration).map(u32::from_be_bytes)
    }

    /// Reads a Boolean.
    pub fn boolean(self) -> Result<bool, Fault> {
        match u64::from_be_bytes(self.fixed(ItemType::Boolean)?) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::new(FaultKind::BadBoolean, self.tag)),
        }
    }

    /// Reads a Text String.
    pub fn text(self) -> Result<&'a str, Fault> {
        let value = self.expect(ItemType::TextString)?;
        str::from_utf8(value).map_err(|_| Fault::new(FaultKind::NotUtf8, self.tag))
    }

    /// Reads a Byte String.
    pub fn byte_string(self) -> Result<&'a [u8], Fault> {
        self.expect(ItemType::ByteString)
    }

    /// Reads a Date-Time.
    pub fn date_time(self) -> Result<DateTime, Fault> {
        self.fixed(ItemType::DateTime).map(i64::from_be_bytes).map(DateTime)
    }

    /// Reads an Interval.
    pub fn interval(self) -> Result<Interval, Fault> {
        self.fixed(ItemType::Interval).map(u32::from_be_bytes).map(Interval)
    }

    /// Reads a Date-Time Extended: microseconds.
    pub fn date_time_extended(self) -> Result<i64, Fault> {
        self.fixed(ItemType::DateTimeExtended).map(i64::from_be_bytes)
    }
}

impl fmt::Debug for Element<'_> {
    /// Shows what the item is, not what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}, {} bytes)", self.tag, self.item_type, self.value.len())
    }
}

/// Items one after the other. After a fault there are no more.
#[derive(Clone)]
pub struct Children<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<Element<'a>, Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        match Element::split(self.bytes) {
            Ok((element, rest)) => {
                self.bytes = rest;
                Some(Ok(element))
            }
            Err(fault) => {
                self.bytes = &[];
                Some(Err(fault))
            }
        }
    }
}

/// Items with one tag among others. After a fault there are no more.
#[derive(Clone)]
pub struct Tagged<'a> {
    tag: Tag,
    bytes: &'a [u8],
}

impl<'a> Iterator for Tagged<'a> {
    type Item = Result<Element<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((header, rest)) = self.bytes.split_first_chunk::<HEADER_LENGTH>() {
            let [tag_0, tag_1, tag_2, _, length @ ..] = *header;
            if u32::from_be_bytes([0, tag_0, tag_1, tag_2]) == self.tag.0 {
                break;
            }
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            // Lengths that lead out of the structure lead to its end, and to the fault there.
            let padded = length.saturating_add(padding(length));
            match rest.get(padded..) {
                Some(rest) => self.bytes = rest,
                None => break,
            }
        }
        if self.bytes.is_empty() {
            return None;
        }
        match Element::split(self.bytes) {
            Ok((element, rest)) => {
                self.bytes = rest;
                Some(Ok(element))
            }
            Err(fault) => {
                self.bytes = &[];
                Some(Err(fault))
            }
        }
    }
}

/// The fields of one structure, to be asked for by tag, in any order.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    tag: Tag,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Returns the tag of the structure.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Returns all fields in the order in which they were sent.
    #[must_use]
    pub fn children(&self) -> Children<'a> {
        Children { bytes: self.bytes }
    }

    /// Finds the field with this tag; refuses two.
    pub fn find(&self, tag: Tag) -> Result<Option<Element<'a>>, Fault> {
        let mut found = self.find_all(tag);
        let Some(first) = found.next() else { return Ok(None) };
        let first = first?;
        match found.next() {
            None => Ok(Some(first)),
            Some(second) => second.and(Err(Fault::new(FaultKind::Repeated, tag))),
        }
    }

    /// Finds the fields with this tag, in the order in which they were sent. Of the others only
    /// the length is looked at.
    #[must_use]
    pub fn find_all(&self, tag: Tag) -> Tagged<'a> {
        Tagged { tag, bytes: self.bytes }
    }

    /// Refuses fields that are not known. Standard tags of later versions are passed over.
    //= KMIP-1.4 §11.1
    pub fn close(&self, knows: impl Fn(Tag) -> bool) -> Result<(), Fault> {
        for child in self.children() {
            let tag = child?.tag;
            if !knows(tag) && !is_of_the_future(tag) {
                return Err(Fault::unexpected(tag));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(hex: &str) -> Result<(), FaultKind> {
        let bytes = hex::decode(hex).unwrap();
        Element::parse(&bytes, &Limits::default()).map(drop).map_err(|fault| fault.kind)
    }

    #[test]
    fn four_gibibytes_are_refused_before_they_are_looked_for() {
        assert_eq!(parse("42007808FFFFFFFF"), Err(FaultKind::Truncated));
        assert_eq!(parse("42007801FFFFFFF8"), Err(FaultKind::Truncated));
        assert_eq!(parse("42007801FFFFFFFF"), Err(FaultKind::BadLength));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_refused() {
        let whole = hex::decode("420020010000001042000407000000034142430000000000").unwrap();
        assert!(Element::parse(&whole, &Limits::default()).is_ok());
        for end in 0..whole.len() {
            let fault = Element::parse(&whole[..end], &Limits::default()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Truncated, "{end}");
        }
    }

    #[test]
    fn a_child_ends_with_its_parent() {
        let cut = "4200200100000010420004070000001041424300000000000000000000000000";
        assert_eq!(parse(cut), Err(FaultKind::Trailing));
        let long = "420020010000001042000407000000104142430000000000";
        assert_eq!(parse(long), Err(FaultKind::Truncated));
    }

    #[test]
    fn padding_must_be_there_and_may_be_anything() {
        assert_eq!(parse("420020070000000141"), Err(FaultKind::Truncated));
        assert_eq!(parse("420020070000000141FFFFFFFFFFFFFF"), Ok(()));
    }

    #[test]
    fn types_lengths_and_tags_are_checked() {
        for (hex, kind) in [
            ("4200200000000000", FaultKind::BadType),
            ("4200200C00000000", FaultKind::BadType),
            ("42002002000000080000000000000008", FaultKind::BadLength),
            ("42002004000000040000000100000000", FaultKind::BadLength),
            ("4200200400000000", FaultKind::BadLength),
            ("42002006000000080000000000000002", FaultKind::BadBoolean),
            ("4200200700000002C328000000000000", FaultKind::NotUtf8),
            ("4100200100000000", FaultKind::BadTag),
        ] {
            assert_eq!(parse(hex), Err(kind), "{hex}");
        }
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            let length = u32::try_from(bytes.len()).unwrap();
            let header = [&[0x42, 0x00, 0x08, 0x01][..], &length.to_be_bytes()].concat();
            bytes.splice(0..0, header);
        }
        bytes
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(Element::parse(&nested(MAXIMUM_DEPTH), &Limits::default()).is_ok());
        let deep = nested(10_000);
        let fault = Element::parse(&deep, &Limits::default()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TooDeep);
    }

    #[test]
    fn the_number_of_items_has_a_limit() {
        let limits = Limits { elements: 3, ..Limits::default() };
        let of = |count: u32| {
            let length = count.checked_mul(8).unwrap();
            let mut bytes = [&[0x42, 0, 0x20, 1][..], &length.to_be_bytes()].concat();
            for _ in 0..count {
                bytes.extend([0x42, 0, 8, 1, 0, 0, 0, 0]);
            }
            bytes
        };
        assert!(Element::parse(&of(2), &limits).is_ok());
        let fault = Element::parse(&of(3), &limits).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TooMany);
    }

    #[test]
    fn a_single_field_that_is_there_twice_is_refused() {
        let bytes = hex::decode("420020010000001042000801000000004200080100000000").unwrap();
        let element = Element::parse(&bytes, &Limits::default()).unwrap();
        let fields = element.fields().unwrap();
        assert_eq!(fields.find(Tag::Attribute).unwrap_err().kind, FaultKind::Repeated);
        assert_eq!(fields.find_all(Tag::Attribute).count(), 2);
        assert_eq!(fields.find(Tag::Name), Ok(None));
        assert!(fields.close(|tag| tag == Tag::Attribute).is_ok());
        assert_eq!(fields.close(|_| false), Err(Fault::unexpected(Tag::Attribute)));
    }

    #[test]
    fn a_field_is_not_found_behind_one_that_leads_out_of_the_structure() {
        let bytes = hex::decode("420020010000001042000807000000094200530100000000").unwrap();
        let element = Element::open(&bytes, &Limits::default()).unwrap();
        let fields = element.fields().unwrap();
        for tag in [Tag::Name, Tag::Attribute] {
            assert_eq!(fields.find(tag).unwrap_err().kind, FaultKind::Truncated);
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let bytes = hex::decode("4200A107000000034142430000000000").unwrap();
        let element = Element::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(format!("{element:?}"), "Password (TextString, 3 bytes)");
    }
}
