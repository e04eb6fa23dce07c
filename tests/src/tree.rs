//! A generic message tree and its binary form (KMIP 2.1 §9.1, 1.4 §9.1).
//!
//! Written for the tests alone: it shares no code with the server's codec, so that one cannot
//! hide a mistake of the other. Reading is strict: lengths, padding, booleans, text and the end
//! of the message are all checked. A tree read from a test case may also hold symbols such as
//! `$NOW`; those have no binary form.

use core::fmt;

use kmip_model::enumeration::Tag;

/// How deep structures may lie in each other.
const DEEPEST: usize = 64;

/// The item types of KMIP 1.0 to 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemType {
    /// Structure.
    Structure,
    /// Integer.
    Integer,
    /// Long Integer.
    LongInteger,
    /// Big Integer.
    BigInteger,
    /// Enumeration.
    Enumeration,
    /// Boolean.
    Boolean,
    /// Text String.
    TextString,
    /// Byte String.
    ByteString,
    /// Date-Time.
    DateTime,
    /// Interval.
    Interval,
    /// Date-Time Extended.
    DateTimeExtended,
}

/// Type, code on the wire, name in the XML encoding, and length where it is fixed.
const ITEM_TYPES: [(ItemType, u8, &str, Option<usize>); 11] = [
    (ItemType::Structure, 0x01, "Structure", None),
    (ItemType::Integer, 0x02, "Integer", Some(4)),
    (ItemType::LongInteger, 0x03, "LongInteger", Some(8)),
    (ItemType::BigInteger, 0x04, "BigInteger", None),
    (ItemType::Enumeration, 0x05, "Enumeration", Some(4)),
    (ItemType::Boolean, 0x06, "Boolean", Some(8)),
    (ItemType::TextString, 0x07, "TextString", None),
    (ItemType::ByteString, 0x08, "ByteString", None),
    (ItemType::DateTime, 0x09, "DateTime", Some(8)),
    (ItemType::Interval, 0x0A, "Interval", Some(4)),
    (ItemType::DateTimeExtended, 0x0B, "DateTimeExtended", Some(8)),
];

impl ItemType {
    /// Finds a type by its name in the XML encoding.
    pub fn parse(name: &str) -> Option<Self> {
        ITEM_TYPES.iter().find(|row| row.2 == name).map(|row| row.0)
    }

    /// Returns the name in the XML encoding.
    pub fn name(self) -> &'static str {
        ITEM_TYPES.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }

    fn code(self) -> u8 {
        ITEM_TYPES.iter().find(|row| row.0 == self).map_or(0, |row| row.1)
    }

    fn from_code(code: u8) -> Option<Self> {
        ITEM_TYPES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    fn admits_length(self, length: usize) -> bool {
        match self {
            Self::Structure => length.is_multiple_of(8),
            Self::BigInteger => length > 0 && length.is_multiple_of(8),
            other => ITEM_TYPES
                .iter()
                .find(|row| row.0 == other)
                .and_then(|row| row.3)
                .is_none_or(|fixed| fixed == length),
        }
    }
}

/// A Big Integer: two's complement, most significant byte first, as short as multiples of
/// eight bytes allow, so that equal numbers are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BigInteger(Vec<u8>);

impl BigInteger {
    /// Takes the bytes of a number with any padding.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let filler = match bytes.first() {
            Some(first) if first & 0x80 != 0 => 0xFF,
            _ => 0x00,
        };
        let mut digits = bytes;
        while let [first, second, ..] = digits {
            if *first != filler || (second ^ filler) & 0x80 != 0 {
                break;
            }
            digits = digits.get(1..).unwrap_or_default();
        }
        let mut padded = vec![filler; padding_of(digits.len())];
        padded.extend_from_slice(digits);
        if padded.is_empty() {
            padded = vec![0; 8];
        }
        Self(padded)
    }

    /// Returns the bytes as they are sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A `$NAME`, or `$NOW` with an offset in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Symbol {
    /// The name without the dollar sign.
    pub name: String,
    /// Seconds to add; only `$NOW` has any.
    pub offset: i64,
}

impl Symbol {
    /// Reads a symbol; any other text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('$')?;
        let end = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at_checked(end)?;
        let well_formed = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !well_formed {
            return None;
        }
        let offset = if offset.is_empty() { 0 } else { offset.parse().ok()? };
        Some(Self { name: name.to_owned(), offset })
    }

    /// Says whether this is the current time.
    pub fn is_now(&self) -> bool {
        self.name == "NOW"
    }

    /// Says whether the client makes the value up itself.
    pub fn is_own_choice(&self) -> bool {
        self.name.contains("_RANDOM")
    }

    /// Returns the name without its number: `DATA` for `DATA_0`.
    pub fn stem(&self) -> &str {
        self.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => write!(f, "${}", self.name),
            offset => write!(f, "${}{offset:+}", self.name),
        }
    }
}

/// The value of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The items of a structure, in their order.
    Structure(Vec<Item>),
    /// 32 bits with a sign.
    Integer(i32),
    /// 64 bits with a sign.
    LongInteger(i64),
    /// A number of any length.
    BigInteger(BigInteger),
    /// A value of an enumeration.
    Enumeration(u32),
    /// True or false.
    Boolean(bool),
    /// UTF-8.
    TextString(String),
    /// Bytes.
    ByteString(Vec<u8>),
    /// Seconds since 1970.
    DateTime(i64),
    /// Seconds.
    Interval(u32),
    /// Microseconds since 1970.
    DateTimeExtended(i64),
    /// A value that a test case leaves open; it is filled in before sending.
    Symbol(ItemType, Symbol),
}

impl Value {
    /// Returns the item type, for a symbol that of the value it stands for.
    pub fn item_type(&self) -> ItemType {
        match self {
            Self::Structure(_) => ItemType::Structure,
            Self::Integer(_) => ItemType::Integer,
            Self::LongInteger(_) => ItemType::LongInteger,
            Self::BigInteger(_) => ItemType::BigInteger,
            Self::Enumeration(_) => ItemType::Enumeration,
            Self::Boolean(_) => ItemType::Boolean,
            Self::TextString(_) => ItemType::TextString,
            Self::ByteString(_) => ItemType::ByteString,
            Self::DateTime(_) => ItemType::DateTime,
            Self::Interval(_) => ItemType::Interval,
            Self::DateTimeExtended(_) => ItemType::DateTimeExtended,
            Self::Symbol(item_type, _) => *item_type,
        }
    }

    /// Returns how long a text or a string of bytes is.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::TextString(text) => Some(text.len()),
            Self::ByteString(bytes) => Some(bytes.len()),
            _ => None,
        }
    }
}

/// One tagged item.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// The tag.
    pub tag: Tag,
    /// The value, which says the type.
    pub value: Value,
}

impl fmt::Debug for Item {
    /// Shows a message on one line, so that a failed comparison can be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Structure(children) => {
                write!(f, "{}", self.tag)?;
                f.debug_set().entries(children).finish()
            }
            Value::ByteString(bytes) => write!(f, "{}={}", self.tag, hex::encode(bytes)),
            value => write!(f, "{}={value:?}", self.tag),
        }
    }
}

impl Item {
    /// Makes an item.
    pub fn new(tag: Tag, value: Value) -> Self {
        Self { tag, value }
    }

    /// Makes a structure.
    pub fn structure(tag: Tag, children: Vec<Self>) -> Self {
        Self::new(tag, Value::Structure(children))
    }

    /// Makes a text.
    pub fn text(tag: Tag, text: &str) -> Self {
        Self::new(tag, Value::TextString(text.to_owned()))
    }

    /// Returns the type of the value.
    pub fn item_type(&self) -> ItemType {
        self.value.item_type()
    }

    /// Says whether this is a structure.
    pub fn is_structure(&self) -> bool {
        matches!(self.value, Value::Structure(_))
    }

    /// Returns the items of a structure; a leaf has none.
    pub fn children(&self) -> &[Self] {
        match &self.value {
            Value::Structure(children) => children,
            _ => &[],
        }
    }

    /// Returns the items of a structure for changing.
    pub fn children_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.value {
            Value::Structure(children) => Some(children),
            _ => None,
        }
    }

    /// Returns the first child with a tag.
    pub fn get(&self, tag: Tag) -> Option<&Self> {
        self.children().iter().find(|child| child.tag == tag)
    }

    /// Returns all children with a tag.
    pub fn all(&self, tag: Tag) -> impl Iterator<Item = &Self> {
        self.children().iter().filter(move |child| child.tag == tag)
    }

    /// Returns the enumeration value of a child.
    pub fn enumeration(&self, tag: Tag) -> Option<u32> {
        match self.get(tag)?.value {
            Value::Enumeration(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the number in an Integer child.
    pub fn integer(&self, tag: Tag) -> Option<i32> {
        match self.get(tag)?.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the text in a child.
    pub fn text_of(&self, tag: Tag) -> Option<&str> {
        self.get(tag)?.as_text()
    }

    /// Returns the text of this item.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::TextString(text) => Some(text),
            _ => None,
        }
    }

    /// Follows a path of tag names, as in `BatchItem/ResponsePayload/UniqueIdentifier`, always to
    /// the first child with the tag.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |item, name| item.get(Tag::parse(name)?))
    }

    /// Returns this item and everything below it, outer items first.
    pub fn walk(&self) -> Vec<&Self> {
        let mut found = vec![self];
        for child in self.children() {
            found.extend(child.walk());
        }
        found
    }

    /// Writes the binary form.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let body = match &self.value {
            Value::Structure(children) => {
                let mut body = Vec::new();
                for child in children {
                    body.extend(child.encode()?);
                }
                body
            }
            Value::Integer(value) => value.to_be_bytes().to_vec(),
            Value::Enumeration(value) | Value::Interval(value) => value.to_be_bytes().to_vec(),
            Value::LongInteger(value) | Value::DateTime(value) | Value::DateTimeExtended(value) => {
                value.to_be_bytes().to_vec()
            }
            Value::Boolean(value) => u64::from(*value).to_be_bytes().to_vec(),
            Value::BigInteger(value) => value.bytes().to_vec(),
            Value::TextString(text) => text.as_bytes().to_vec(),
            Value::ByteString(bytes) => bytes.clone(),
            Value::Symbol(_, symbol) => return Err(EncodeError::Symbol(symbol.clone())),
        };
        let length = u32::try_from(body.len()).map_err(|_| EncodeError::TooLong(self.tag))?;
        let mut encoded = Vec::with_capacity(body.len().saturating_add(16));
        encoded.extend(self.tag.0.to_be_bytes().get(1..).unwrap_or_default());
        encoded.push(self.item_type().code());
        encoded.extend(length.to_be_bytes());
        encoded.extend(&body);
        encoded.resize(encoded.len().saturating_add(padding_of(body.len())), 0);
        Ok(encoded)
    }

    /// Reads one item that fills `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (item, rest) = decode_item(bytes, 0)?;
        if rest.is_empty() { Ok(item) } else { Err(DecodeError::Trailing(rest.len())) }
    }
}

/// How many zero bytes follow a value of this length.
fn padding_of(length: usize) -> usize {
    length.next_multiple_of(8).saturating_sub(length)
}

/// Why a tree has no binary form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A symbol was not filled in.
    #[error("{0} has no value yet")]
    Symbol(Symbol),
    /// A value does not fit into a length field.
    #[error("{0} is longer than a length field can say")]
    TooLong(Tag),
}

/// Why bytes are not a message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer than eight bytes for tag, type and length.
    #[error("an item header is cut short")]
    Header,
    /// A value is longer than what is there.
    #[error("{0} runs past the item around it")]
    Truncated(Tag),
    /// A type code that no version has.
    #[error("{0} has the unknown item type 0x{1:02X}")]
    UnknownType(Tag, u8),
    /// A length that the type cannot have.
    #[error("{0} has length {1}, which its type {2} does not allow")]
    Length(Tag, usize, &'static str),
    /// Padding that is not zero.
    #[error("{0} is padded with something other than zeros")]
    Padding(Tag),
    /// A number where true or false must be.
    #[error("{0} is a boolean of neither 0 nor 1")]
    Boolean(Tag),
    /// Bytes that are no text.
    #[error("{0} is not UTF-8")]
    Text(Tag),
    /// Too many structures within each other.
    #[error("structures are nested too deeply")]
    Depth,
    /// Bytes after the end.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
}

/// Reads one item and returns what follows it.
fn decode_item(bytes: &[u8], depth: usize) -> Result<(Item, &[u8]), DecodeError> {
    if depth > DEEPEST {
        return Err(DecodeError::Depth);
    }
    let (header, rest) = bytes.split_first_chunk::<8>().ok_or(DecodeError::Header)?;
    let [t0, t1, t2, code, l0, l1, l2, l3] = *header;
    let tag = Tag(u32::from_be_bytes([0, t0, t1, t2]));
    let item_type = ItemType::from_code(code).ok_or(DecodeError::UnknownType(tag, code))?;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3]))
        .map_err(|_| DecodeError::Truncated(tag))?;
    if !item_type.admits_length(length) {
        return Err(DecodeError::Length(tag, length, item_type.name()));
    }
    let (body, rest) = rest.split_at_checked(length).ok_or(DecodeError::Truncated(tag))?;
    let (padding, rest) =
        rest.split_at_checked(padding_of(length)).ok_or(DecodeError::Truncated(tag))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::Padding(tag));
    }
    let value = if item_type == ItemType::Structure {
        Value::Structure(decode_children(body, depth)?)
    } else {
        decode_leaf(tag, item_type, body)?
    };
    Ok((Item { tag, value }, rest))
}

fn decode_children(mut body: &[u8], depth: usize) -> Result<Vec<Item>, DecodeError> {
    let mut children = Vec::new();
    while !body.is_empty() {
        let (child, rest) = decode_item(body, depth.saturating_add(1))?;
        children.push(child);
        body = rest;
    }
    Ok(children)
}

fn decode_leaf(tag: Tag, item_type: ItemType, body: &[u8]) -> Result<Value, DecodeError> {
    let short = || body.try_into().map(u32::from_be_bytes).map_err(|_| DecodeError::Truncated(tag));
    let long = || body.try_into().map(i64::from_be_bytes).map_err(|_| DecodeError::Truncated(tag));
    Ok(match item_type {
        ItemType::Structure => Value::Structure(Vec::new()),
        ItemType::Integer => Value::Integer(short()?.cast_signed()),
        ItemType::Enumeration => Value::Enumeration(short()?),
        ItemType::Interval => Value::Interval(short()?),
        ItemType::LongInteger => Value::LongInteger(long()?),
        ItemType::DateTime => Value::DateTime(long()?),
        ItemType::DateTimeExtended => Value::DateTimeExtended(long()?),
        ItemType::Boolean => match long()? {
            0 => Value::Boolean(false),
            1 => Value::Boolean(true),
            _ => return Err(DecodeError::Boolean(tag)),
        },
        ItemType::BigInteger => Value::BigInteger(BigInteger::from_bytes(body)),
        ItemType::TextString => match str::from_utf8(body) {
            Ok(text) => Value::TextString(text.to_owned()),
            Err(_) => return Err(DecodeError::Text(tag)),
        },
        ItemType::ByteString => Value::ByteString(body.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: Tag = Tag::CompromiseDate;

    fn bytes(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        hex::decode(digits).unwrap()
    }

    /// The examples of the specification, one per item type (2.1 §9.1.2), and boundaries.
    fn examples() -> Vec<(Value, &'static str)> {
        let big = |text: &str| Value::BigInteger(BigInteger::from_bytes(&bytes(text)));
        vec![
            (Value::Integer(8), "420020 02 00000004 0000000800000000"),
            (Value::Integer(-1), "420020 02 00000004 FFFFFFFF00000000"),
            (Value::LongInteger(123_456_789_000_000_000), "420020 03 00000008 01B69B4BA5749200"),
            (
                big("03FD35EB6BC2DF4618080000"),
                "420020 04 00000010 0000000003FD35EB6BC2DF4618080000",
            ),
            (big("FF"), "420020 04 00000008 FFFFFFFFFFFFFFFF"),
            (big("00"), "420020 04 00000008 0000000000000000"),
            (big("008000000000000000"), "420020 04 00000010 00000000000000008000000000000000"),
            (Value::Enumeration(255), "420020 05 00000004 000000FF00000000"),
            (Value::Boolean(true), "420020 06 00000008 0000000000000001"),
            (
                Value::TextString("Hello World".to_owned()),
                "420020 07 0000000B 48656C6C6F20576F726C640000000000",
            ),
            (Value::TextString(String::new()), "420020 07 00000000"),
            (Value::ByteString(vec![1, 2, 3]), "420020 08 00000003 0102030000000000"),
            (Value::DateTime(0x47DA_67F8), "420020 09 00000008 0000000047DA67F8"),
            (Value::Interval(864_000), "420020 0A 00000004 000D2F0000000000"),
            (Value::DateTimeExtended(1_600_000_000_123_456), "420020 0B 00000008 0005AF3107A5E240"),
            (
                Value::Structure(vec![
                    Item::new(Tag::ApplicationSpecificInformation, Value::Enumeration(254)),
                    Item::new(Tag::ArchiveDate, Value::Integer(255)),
                ]),
                "420020 01 00000020 420004 05 00000004 000000FE00000000 \
                 420005 02 00000004 000000FF00000000",
            ),
        ]
    }

    #[test]
    fn the_examples_of_the_specification_are_written_and_read() {
        for (value, encoding) in examples() {
            let item = Item::new(TAG, value);
            assert_eq!(item.encode().unwrap(), bytes(encoding), "{encoding}");
            assert_eq!(Item::decode(&bytes(encoding)).unwrap(), item, "{encoding}");
        }
    }

    #[test]
    fn malformed_bytes_are_refused() {
        let refused = [
            ("420020 02 00000008 0000000800000000", DecodeError::Length(TAG, 8, "Integer")),
            ("420020 02 00000004 00000008", DecodeError::Truncated(TAG)),
            ("420020 02 0000", DecodeError::Header),
            ("420020 02 00000004 0000000800000001", DecodeError::Padding(TAG)),
            ("420020 06 00000008 0000000000000002", DecodeError::Boolean(TAG)),
            ("420020 1F 00000004 0000000800000000", DecodeError::UnknownType(TAG, 0x1F)),
            ("420020 07 00000002 FFFE000000000000", DecodeError::Text(TAG)),
            ("420020 02 00000004 0000000800000000 42002002", DecodeError::Trailing(4)),
            (
                "420020 01 00000010 420004 07 00000010 3131313131313131",
                DecodeError::Truncated(Tag::ApplicationSpecificInformation),
            ),
            ("420020 01 00000004 42000405 00000000", DecodeError::Length(TAG, 4, "Structure")),
            ("420020 04 00000000", DecodeError::Length(TAG, 0, "BigInteger")),
        ];
        for (encoding, error) in refused {
            assert_eq!(Item::decode(&bytes(encoding)), Err(error), "{encoding}");
        }
    }

    #[test]
    fn structures_nested_too_deeply_are_refused() {
        let mut item = Item::structure(TAG, Vec::new());
        for _ in 0..70 {
            item = Item::structure(TAG, vec![item]);
        }
        assert_eq!(Item::decode(&item.encode().unwrap()), Err(DecodeError::Depth));
    }

    #[test]
    fn equal_big_integers_with_other_padding_are_equal() {
        let short = BigInteger::from_bytes(&[0x80]);
        let long = BigInteger::from_bytes(&[0xFF, 0xFF, 0x80]);
        assert_eq!(short, long);
        assert_ne!(short, BigInteger::from_bytes(&[0x00, 0x80]));
    }
}
