//! Names as text (RFC 4514) and strings in their various ASN.1 types (X.680 §41).

use std::fmt::Write as _;

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::Name;

pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
pub(crate) const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
pub(crate) const LOCALITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.7");
pub(crate) const STATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.8");
pub(crate) const STREET: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.9");
pub(crate) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
pub(crate) const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
pub(crate) const TITLE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.12");
pub(crate) const DN_QUALIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.46");
pub(crate) const USER: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1");
pub(crate) const DOMAIN_COMPONENT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25");
pub(crate) const EMAIL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// The attribute types that RFC 4514 section 3 writes by name; all others are written as numbers.
const NAMED: [(ObjectIdentifier, &str); 9] = [
    (COMMON_NAME, "CN"),
    (LOCALITY, "L"),
    (STATE, "ST"),
    (ORGANIZATION, "O"),
    (UNIT, "OU"),
    (COUNTRY, "C"),
    (STREET, "STREET"),
    (DOMAIN_COMPONENT, "DC"),
    (USER, "UID"),
];

/// Reads a string of any of the ASN.1 string types; `None` if it is none or has bad characters.
pub(crate) fn string(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => String::from_utf8(bytes.to_vec()).ok(),
        // Strictly T.61; in certificates it has always been used for ISO 8859-1.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        }
        _ => None,
    }
}

/// Returns the one Common Name of a name; where there are several, none.
pub(crate) fn common_name(name: &Name) -> Option<String> {
    let mut names = name.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    match (names.next(), names.next()) {
        (Some(only), None) => string(&only.value),
        _ => None,
    }
}

/// Writes a name as RFC 4514 says: last part first, the parts of one set joined by `+`.
pub(crate) fn name(name: &Name) -> String {
    let parts: Vec<&_> = name.iter_rdn().collect();
    let mut text = String::new();
    for (position, part) in parts.into_iter().rev().enumerate() {
        if position > 0 {
            text.push(',');
        }
        for (position, attribute) in part.iter().enumerate() {
            if position > 0 {
                text.push('+');
            }
            write_attribute(&mut text, attribute);
        }
    }
    text
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue) {
    let named = NAMED.iter().find(|(identifier, _)| *identifier == attribute.oid);
    if let (Some((_, keyword)), Some(value)) = (named, string(&attribute.value)) {
        text.push_str(keyword);
        text.push('=');
        write_escaped(text, &value);
    } else {
        let encoded = attribute.value.to_der().unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = write!(text, "{}=#", attribute.oid);
        for byte in encoded {
            let _ = write!(text, "{byte:02x}");
        }
    }
}

/// Writes a value with the escapes of RFC 4514 section 2.4.
fn write_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            '\0'..='\x1F' | '\x7F' => {
                let _ = write!(text, "\\{:02X}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use x509_cert::der::Decode;

    use super::*;

    /// Builds `SEQUENCE { SET { SEQUENCE { oid, value } }… }` from encoded parts.
    fn name_of(sets: &[&[(ObjectIdentifier, u8, &[u8])]]) -> Name {
        let tlv = |tag: u8, content: &[u8]| {
            [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
        };
        let mut sequence = Vec::new();
        for set in sets {
            let mut content = Vec::new();
            for (oid, tag, value) in *set {
                let attribute = [oid.to_der().unwrap(), tlv(*tag, value)].concat();
                content.extend(tlv(0x30, &attribute));
            }
            sequence.extend(tlv(0x31, &content));
        }
        Name::from_der(&tlv(0x30, &sequence)).unwrap()
    }

    #[test]
    fn names_are_written_last_part_first() {
        let given = name_of(&[
            &[(COUNTRY, 0x13, b"DE")],
            &[(ORGANIZATION, 0x0C, "Bär".as_bytes())],
            &[(COMMON_NAME, 0x0C, b"alice"), (USER, 0x0C, b"7")],
        ]);
        assert_eq!(name(&given), "CN=alice+UID=7,O=Bär,C=DE");
    }

    #[test]
    fn special_characters_are_escaped() {
        for (value, expected) in [
            ("a,b", "CN=a\\,b"),
            (" a b ", "CN=\\ a b\\ "),
            ("#1#", "CN=\\#1#"),
            ("\"+;<>\\", "CN=\\\"\\+\\;\\<\\>\\\\"),
            ("a\nb\0", "CN=a\\0Ab\\00"),
            (" ", "CN=\\ "),
        ] {
            let given = name_of(&[&[(COMMON_NAME, 0x0C, value.as_bytes())]]);
            assert_eq!(name(&given), expected);
        }
    }

    #[test]
    fn other_types_are_written_in_hexadecimal() {
        let given = name_of(&[&[(EMAIL, 0x16, b"a@b")], &[(COMMON_NAME, 0x04, b"x")]]);
        assert_eq!(name(&given), "2.5.4.3=#040178,1.2.840.113549.1.9.1=#1603614062");
    }

    #[test]
    fn every_string_type_is_read() {
        for (tag, bytes, expected) in [
            (Tag::Utf8String, "ä".as_bytes(), Some("ä")),
            (Tag::PrintableString, b"a", Some("a")),
            (Tag::TeletexString, b"\xE4", Some("ä")),
            (Tag::BmpString, b"\x00\xE4\x00b", Some("äb")),
            (Tag::BmpString, b"\x00\xE4\x00", None),
            (Tag::BmpString, b"\xD8\x00", None),
            (Tag::Utf8String, b"\xFF", None),
            (Tag::OctetString, b"a", None),
        ] {
            let value = Any::new(tag, bytes).unwrap();
            assert_eq!(string(&value).as_deref(), expected, "{tag:?} {bytes:?}");
        }
    }

    #[test]
    fn no_name_is_no_text() {
        assert_eq!(name(&name_of(&[])), "");
    }
}
