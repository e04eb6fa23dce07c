//! Requests as products send them, field by field (KMIP 1.4 §7.1, 2.1 §8.1).
//!
//! Not through the messages of the domain: products send what no rule allows, and are answered.

use kmip_model::enumeration::{Enumeration, NameType, Operation, Tag};
use kmip_ttlv::{Version, Writer};

/// A part of a request.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Parts under a tag.
    Structure(Tag, Vec<Part>),
    /// A number.
    Integer(Tag, i32),
    /// A member of an enumeration.
    Enumeration(Tag, u32),
    /// Text.
    Text(Tag, String),
}

impl Part {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Structure(tag, parts) => writer.structure(*tag, |writer| {
                for part in parts {
                    part.write(writer);
                }
            }),
            Self::Integer(tag, number) => writer.integer(*tag, *number),
            Self::Enumeration(tag, value) => writer.enumeration(*tag, *value),
            Self::Text(tag, text) => writer.text(*tag, text),
        }
    }
}

/// Makes a member of an enumeration.
pub(super) fn enumeration(tag: Tag, member: impl Enumeration) -> Part {
    Part::Enumeration(tag, member.value())
}

/// Makes an Attribute of 1.x from its value, which stands under Attribute Value.
pub(super) fn attribute(name: &str, value: Part) -> Part {
    let name = Part::Text(Tag::AttributeName, name.to_owned());
    Part::Structure(Tag::Attribute, vec![name, value])
}

/// Makes an Attribute of 1.x that is text.
pub(super) fn text_attribute(name: &str, value: &str) -> Part {
    attribute(name, Part::Text(Tag::AttributeValue, value.to_owned()))
}

/// Makes an Attribute of 1.x that is a number.
pub(super) fn integer_attribute(name: &str, value: i32) -> Part {
    attribute(name, Part::Integer(Tag::AttributeValue, value))
}

/// Makes an Attribute of 1.x that is a member of an enumeration.
pub(super) fn enumeration_attribute(name: &str, member: impl Enumeration) -> Part {
    attribute(name, enumeration(Tag::AttributeValue, member))
}

/// Makes the attribute Name of 1.x.
pub(super) fn name(text: &str) -> Part {
    let fields = vec![
        Part::Text(Tag::NameValue, text.to_owned()),
        enumeration(Tag::NameType, NameType::UninterpretedTextString),
    ];
    attribute("Name", Part::Structure(Tag::AttributeValue, fields))
}

/// A request message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    version: Version,
    maximum_response_size: Option<i32>,
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    identifier: Option<Vec<u8>>,
    operation: Operation,
    payload: Vec<Part>,
}

impl Message {
    /// Makes one with nothing in it.
    pub(super) fn new(version: Version) -> Self {
        Self { version, maximum_response_size: None, items: Vec::new() }
    }

    /// Makes one with one item.
    pub(super) fn one(version: Version, operation: Operation, payload: Vec<Part>) -> Self {
        let mut message = Self::new(version);
        message.items.push(Item { identifier: None, operation, payload });
        message
    }

    /// Sets Maximum Response Size.
    pub(super) fn at_most(mut self, bytes: i32) -> Self {
        self.maximum_response_size = Some(bytes);
        self
    }

    /// Adds an item with a Unique Batch Item ID.
    pub(super) fn item(
        mut self,
        identifier: &[u8],
        operation: Operation,
        payload: Vec<Part>,
    ) -> Self {
        self.items.push(Item { identifier: Some(identifier.to_vec()), operation, payload });
        self
    }

    /// Returns the operations in it.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        self.items.iter().map(|item| item.operation)
    }

    /// Returns the bytes that are sent.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(self.version);
        writer.structure(Tag::RequestMessage, |writer| {
            writer.structure(Tag::RequestHeader, |writer| self.header(writer));
            for item in &self.items {
                writer.structure(Tag::BatchItem, |writer| {
                    writer.enumeration(Tag::Operation, item.operation.0);
                    if let Some(identifier) = &item.identifier {
                        writer.byte_string(Tag::UniqueBatchItemId, identifier);
                    }
                    Part::Structure(Tag::RequestPayload, item.payload.clone()).write(writer);
                });
            }
        });
        writer.into_bytes()
    }

    fn header(&self, writer: &mut Writer) {
        let Version(major, minor) = self.version;
        writer.structure(Tag::ProtocolVersion, |writer| {
            writer.integer(Tag::ProtocolVersionMajor, i32::from(major));
            writer.integer(Tag::ProtocolVersionMinor, i32::from(minor));
        });
        if let Some(bytes) = self.maximum_response_size {
            writer.integer(Tag::MaximumResponseSize, bytes);
        }
        writer.integer(Tag::BatchCount, i32::try_from(self.items.len()).unwrap_or(i32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_a_products_to_the_byte() {
        let discover = Message::new(Version::V1_1).item(
            b"QLKC\x01\0\0\0",
            Operation::DiscoverVersions,
            Vec::new(),
        );
        let digits = "4200780100000070\
             4200770100000038420069010000002042006a0200000004000000010000000042006b0200000004\
             000000010000000042000d02000000040000000100000000\
             42000f010000002842005c05000000040000001e00000000\
             4200930800000008514c4b43010000004200790100000000";
        let expected: Vec<u8> = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(discover.to_bytes(), expected);
    }
}
