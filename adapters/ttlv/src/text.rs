//! Messages as indented text, for people who look for a fault. Secrets are blanked.
//!
//! The names are those of the text encodings (Profiles 2.1 §5.4). This is not one of those
//! encodings: nothing reads it back.

use core::fmt::Write as _;

use kmip_model::{
    Value,
    enumeration::{Member, Tag, Vocabulary},
};

use crate::{
    item::ItemType,
    reader::{Element, Limits},
    schema::{Context, Decode as _},
    version::Version,
};

/// Prints a message as a tree, one item a line. What is no message is printed as the fault it is.
#[must_use]
pub fn tree(bytes: &[u8]) -> String {
    let mut out = String::new();
    match Element::parse(bytes, &Limits::default()) {
        Ok(element) => print(element, 0, &mut out),
        Err(fault) => out.push_str(&fault.to_string()),
    }
    out
}

fn print(element: Element<'_>, depth: usize, out: &mut String) {
    let _ = write!(out, "{:width$}{}", "", element.tag, width = depth.saturating_mul(2));
    if is_secret(element.tag, element.item_type) {
        let _ = writeln!(out, " = [secret, {} bytes]", element.value.len());
        return;
    }
    if element.item_type == ItemType::Structure {
        out.push('\n');
        for child in element.children().flatten() {
            print(child, depth.saturating_add(1), out);
        }
        return;
    }
    out.push_str(" = ");
    match Value::decode(element, &Context::new(Version::V2_1)) {
        Ok(value) => print_value(element.tag, &value, out),
        Err(fault) => out.push_str(&fault.to_string()),
    }
    out.push('\n');
}

fn print_value(tag: Tag, value: &Value, out: &mut String) {
    let _ = match value {
        Value::Structure(_) => Ok(()),
        Value::Integer(value) => match tag.vocabulary() {
            Some(Vocabulary::Mask(members)) => {
                print_mask(members, value.cast_unsigned(), out);
                Ok(())
            }
            _ => write!(out, "{value}"),
        },
        Value::LongInteger(value) | Value::DateTimeExtended(value) => write!(out, "{value}"),
        Value::BigInteger(bytes) | Value::ByteString(bytes) => {
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        Value::Enumeration(value) => match name_in(tag, *value) {
            Some(name) => write!(out, "{name}"),
            None => write!(out, "0x{value:08X}"),
        },
        Value::Boolean(value) => write!(out, "{value}"),
        Value::TextString(text) => write!(out, "{text:?}"),
        Value::DateTime(date) => write!(out, "{date}"),
        Value::Interval(interval) => write!(out, "{} s", interval.0),
    };
}

fn name_in(tag: Tag, value: u32) -> Option<&'static str> {
    match tag.vocabulary() {
        Some(Vocabulary::Enumeration(members)) => {
            members.iter().find(|member| member.value == value).map(|member| member.name)
        }
        _ => None,
    }
}

fn print_mask(members: &[Member], value: u32, out: &mut String) {
    for member in members.iter().filter(|member| value & member.value == member.value) {
        out.push_str(member.name);
        out.push(' ');
    }
    let _ = write!(out, "(0x{value:08X})");
}

/// Says whether an item, or what it holds, must not be seen.
fn is_secret(tag: Tag, item_type: ItemType) -> bool {
    match tag {
        // Where it is a structure, what is secret in it is blanked by itself.
        Tag::KeyValue => item_type != ItemType::Structure,
        Tag::KeyMaterial
        | Tag::Key
        | Tag::Password
        | Tag::OneTimePassword
        | Tag::HashedPassword
        | Tag::TicketValue
        | Tag::OpaqueDataValue
        | Tag::Data
        | Tag::DerivationData
        | Tag::NonceValue
        | Tag::AttestationMeasurement
        | Tag::AttestationAssertion
        | Tag::Pkcs11InputParameters
        | Tag::Pkcs11OutputParameters => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{DateTime, Interval};

    use super::*;
    use crate::writer::Writer;

    #[test]
    fn a_message_is_a_tree_with_names() {
        let mut writer = Writer::new(Version::V1_4);
        writer.structure(Tag::RequestPayload, |writer| {
            writer.enumeration(Tag::ObjectType, 2);
            writer.enumeration(Tag::ObjectType, 0x8000_0001);
            writer.integer(Tag::CryptographicUsageMask, 0x0C);
            writer.structure(Tag::Name, |writer| writer.text(Tag::NameValue, "a\nb"));
            writer.date_time(Tag::InitialDate, DateTime(0));
            writer.interval(Tag::LeaseTime, Interval(3));
            writer.byte_string(Tag::UniqueBatchItemId, &[1, 0xAB]);
            writer.boolean(Tag(0x54_0001), true);
        });
        assert_eq!(
            tree(&writer.into_bytes()),
            concat!(
                "RequestPayload\n",
                "  ObjectType = SymmetricKey\n",
                "  ObjectType = 0x80000001\n",
                "  CryptographicUsageMask = Encrypt Decrypt (0x0000000C)\n",
                "  Name\n",
                "    NameValue = \"a\\nb\"\n",
                "  InitialDate = 1970-01-01T00:00:00Z\n",
                "  LeaseTime = 3 s\n",
                "  UniqueBatchItemID = 01ab\n",
                "  0x00540001 = true\n",
            )
        );
    }

    #[test]
    fn secrets_are_blanked_whatever_their_type_is() {
        let mut writer = Writer::new(Version::V1_4);
        writer.structure(Tag::KeyBlock, |writer| {
            writer.structure(Tag::KeyValue, |writer| {
                writer.byte_string(Tag::KeyMaterial, b"geheim");
                writer.structure(Tag::KeyMaterial, |writer| writer.text(Tag::D, "geheim"));
            });
            writer.byte_string(Tag::KeyValue, b"geheim");
            writer.text(Tag::Password, "geheim");
            writer.byte_string(Tag::OpaqueDataValue, b"geheim");
            writer.byte_string(Tag::Data, b"geheim");
        });
        let text = tree(&writer.into_bytes());
        assert_eq!(text.matches("[secret, ").count(), 6, "{text}");
        assert!(!text.contains("geheim") && !text.contains("67656865696d"), "{text}");
    }

    #[test]
    fn what_is_no_message_is_its_fault() {
        assert_eq!(tree(&[0x42]), "0x00000000 ends before its length says");
    }
}
