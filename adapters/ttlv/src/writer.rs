//! Writing items (KMIP 2.1 §10.1, 1.4 §9.1.1).
//!
//! Items go straight into one buffer; the length of a structure is filled in when it ends. The
//! buffer may hold secrets, so bytes that it outgrows are erased.

use core::mem;

use kmip_model::{
    date::{DateTime, Interval},
    enumeration::Tag,
};
use zeroize::Zeroize;

use crate::{
    item::{HEADER_LENGTH, ItemType, padding},
    version::Version,
};

/// A message, or a part of one, while it is written.
pub struct Writer {
    bytes: Vec<u8>,
    version: Version,
}

impl Writer {
    /// Starts a message of this version.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self::with_capacity(version, 1024)
    }

    /// Starts a message of this version that is about so many bytes long.
    #[must_use]
    pub fn with_capacity(version: Version, capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), version }
    }

    /// Returns the version that is written.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the number of bytes written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Says whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns what was written.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        mem::take(&mut self.bytes)
    }

    /// Writes a structure whose items `content` writes.
    pub fn structure(&mut self, tag: Tag, content: impl FnOnce(&mut Self)) {
        self.reserve(HEADER_LENGTH);
        self.header(tag, ItemType::Structure, 0);
        let start = self.bytes.len();
        content(self);
        let length = encoded_length(self.bytes.len().saturating_sub(start));
        if let Some(place) =
            start.checked_sub(size_of::<u32>()).and_then(|from| self.bytes.get_mut(from..start))
        {
            place.copy_from_slice(&length);
        }
    }

    /// Writes an Integer.
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.short(tag, ItemType::Integer, value.to_be_bytes());
    }

    /// Writes a Long Integer.
    pub fn long_integer(&mut self, tag: Tag, value: i64) {
        self.item(tag, ItemType::LongInteger, &value.to_be_bytes());
    }

    /// Writes a Big Integer: two's complement, big-endian, of any length.
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) {
        let sign = value.first().map_or(0, |first| if first & 0x80 == 0 { 0x00 } else { 0xFF });
        let fill = if value.is_empty() { 8 } else { padding(value.len()) };
        let length = value.len().saturating_add(fill);
        self.reserve(length.saturating_add(HEADER_LENGTH));
        self.header(tag, ItemType::BigInteger, length);
        self.bytes.extend_from_slice([sign; 8].get(..fill).unwrap_or_default());
        self.bytes.extend_from_slice(value);
    }

    /// Writes an Enumeration.
    pub fn enumeration(&mut self, tag: Tag, value: u32) {
        self.short(tag, ItemType::Enumeration, value.to_be_bytes());
    }

    /// Writes a Boolean.
    pub fn boolean(&mut self, tag: Tag, value: bool) {
        self.item(tag, ItemType::Boolean, &u64::from(value).to_be_bytes());
    }

    /// Writes a Text String.
    pub fn text(&mut self, tag: Tag, value: &str) {
        self.item(tag, ItemType::TextString, value.as_bytes());
    }

    /// Writes a Byte String.
    pub fn byte_string(&mut self, tag: Tag, value: &[u8]) {
        self.item(tag, ItemType::ByteString, value);
    }

    /// Writes a Date-Time.
    pub fn date_time(&mut self, tag: Tag, value: DateTime) {
        self.item(tag, ItemType::DateTime, &value.0.to_be_bytes());
    }

    /// Writes an Interval.
    pub fn interval(&mut self, tag: Tag, value: Interval) {
        self.short(tag, ItemType::Interval, value.0.to_be_bytes());
    }

    /// Writes a Date-Time Extended: microseconds.
    pub fn date_time_extended(&mut self, tag: Tag, value: i64) {
        self.item(tag, ItemType::DateTimeExtended, &value.to_be_bytes());
    }

    /// Writes an item whose value has four bytes, and is followed by as many.
    fn short(&mut self, tag: Tag, item_type: ItemType, value: [u8; 4]) {
        let [_, tag_0, tag_1, tag_2] = tag.0.to_be_bytes();
        let [value_0, value_1, value_2, value_3] = value;
        let (item_type, length) = (item_type.byte(), 4);
        self.reserve(HEADER_LENGTH.saturating_add(8));
        self.bytes.extend_from_slice(&[
            tag_0, tag_1, tag_2, item_type, 0, 0, 0, length, value_0, value_1, value_2, value_3, 0,
            0, 0, 0,
        ]);
    }

    fn item(&mut self, tag: Tag, item_type: ItemType, value: &[u8]) {
        let fill = padding(value.len());
        self.reserve(value.len().saturating_add(HEADER_LENGTH).saturating_add(fill));
        self.header(tag, item_type, value.len());
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice([0; 8].get(..fill).unwrap_or_default());
    }

    fn header(&mut self, tag: Tag, item_type: ItemType, length: usize) {
        let [_, tag_0, tag_1, tag_2] = tag.0.to_be_bytes();
        let [length_0, length_1, length_2, length_3] = encoded_length(length);
        self.bytes.extend_from_slice(&[
            tag_0,
            tag_1,
            tag_2,
            item_type.byte(),
            length_0,
            length_1,
            length_2,
            length_3,
        ]);
    }

    /// Makes room for more bytes; what the buffer outgrows is erased, not only freed.
    fn reserve(&mut self, additional: usize) {
        let needed = self.bytes.len().saturating_add(additional);
        if needed > self.bytes.capacity() {
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2));
            let mut bytes = Vec::with_capacity(capacity);
            bytes.extend_from_slice(&self.bytes);
            erase(&mut mem::replace(&mut self.bytes, bytes));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        erase(&mut self.bytes);
    }
}

/// Erases a buffer. What is spare is erased as one piece, and what is in use byte by byte: so all
/// of it is made spare first.
fn erase(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.zeroize();
}

fn encoded_length(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("messages are limited to far less than 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::with_capacity(Version::V2_1, 0);
        write(&mut writer);
        hex::encode(writer.into_bytes())
    }

    #[test]
    fn big_integers_are_extended_by_their_sign() {
        let tag = Tag::Modulus;
        for (value, expected) in [
            (&[][..], "42005204000000080000000000000000"),
            (&[0x80], "4200520400000008ffffffffffffff80"),
            (&[0x00, 0x80], "42005204000000080000000000000080"),
            (&[1, 2, 3, 4, 5, 6, 7, 8], "42005204000000080102030405060708"),
            (&[0x7F, 2, 3, 4, 5, 6, 7, 8, 9], "420052040000001000000000000000 7f0203040506070809"),
        ] {
            let expected = expected.replace(' ', "");
            assert_eq!(written(|writer| writer.big_integer(tag, value)), expected);
        }
    }

    #[test]
    fn a_structure_knows_its_length_when_it_ends() {
        let hex = written(|writer| {
            writer.structure(Tag::Name, |writer| {
                writer.text(Tag::NameValue, "abc");
                writer.structure(Tag::Link, |_| ());
                writer.enumeration(Tag::NameType, 1);
            });
        });
        assert_eq!(
            hex,
            concat!(
                "4200530100000028",
                "42005507000000036162630000000000",
                "42004a0100000000",
                "42005405000000040000000100000000",
            )
        );
    }
}
