//! How items are shown in reports: one line for a difference, an indented tree for a message.

use core::fmt::Write as _;

use kmip_model::DateTime;
use kmip_model::enumeration::{Tag, Vocabulary};

use crate::names::{Field, enumeration_name};
use crate::tree::{Item, Value};

/// The longest leaf that is shown whole.
const LONGEST: usize = 80;

/// Shows an item on one line.
pub(crate) fn show(item: Option<&Item>, parent: Option<&Item>) -> String {
    let Some(item) = item else { return "nothing".to_owned() };
    let shown = match &item.value {
        Value::Structure(children) => {
            let inner: Vec<String> = children
                .iter()
                .map(|child| format!("{}={}", child.tag, show(Some(child), Some(item))))
                .collect();
            format!("{{{}}}", shortened(&inner.join(", "), LONGEST.saturating_mul(2)))
        }
        _ => leaf(item, &Field::of(item, parent)),
    };
    match item.value {
        Value::Structure(_) => shown,
        _ => shortened(&shown, LONGEST),
    }
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest).collect();
    format!("{start}... ({} characters)", text.chars().count())
}

/// Shows a leaf in full.
fn leaf(item: &Item, field: &Field) -> String {
    match &item.value {
        Value::Structure(_) => String::new(),
        Value::Integer(number) => match bits(field, *number) {
            Some(names) => names,
            None => number.to_string(),
        },
        Value::LongInteger(number) => number.to_string(),
        Value::BigInteger(number) => hex::encode(number.bytes()),
        Value::Enumeration(value) => enumeration_name(field, *value),
        Value::Boolean(value) => value.to_string(),
        Value::TextString(text) => format!("{text:?}"),
        Value::ByteString(bytes) => hex::encode(bytes),
        Value::DateTime(date) => DateTime(*date).to_string(),
        Value::Interval(seconds) => format!("{seconds} s"),
        Value::DateTimeExtended(microseconds) => format!("{microseconds} us"),
        Value::Symbol(_, symbol) => symbol.to_string(),
    }
}

fn bits(field: &Field, number: i32) -> Option<String> {
    let Field::Standard(tag) = field else { return None };
    let Some(Vocabulary::Mask(members)) = tag.vocabulary() else { return None };
    let mask = number.cast_unsigned();
    let set = members.iter().filter(|member| mask & member.value != 0);
    let known = set.clone().fold(0, |known, member| known | member.value);
    let mut names: Vec<String> = set.map(|member| member.name.to_owned()).collect();
    if mask & !known != 0 || names.is_empty() {
        names.push(format!("0x{:08x}", mask & !known));
    }
    Some(names.join(" "))
}

/// Shows a message as an indented tree, one line per item.
pub(crate) fn tree(item: &Item) -> String {
    let mut text = String::new();
    branch(&mut text, item, None, 0);
    text
}

fn branch(text: &mut String, item: &Item, parent: Option<&Item>, depth: usize) {
    let indent = "  ".repeat(depth);
    let name = if item.tag.name().is_some() {
        item.tag.to_string()
    } else {
        format!("0x{:06X}", item.tag.0)
    };
    let written = if item.is_structure() {
        writeln!(text, "{indent}{name}")
    } else {
        let shown = leaf(item, &Field::of(item, parent));
        writeln!(text, "{indent}{name} {} {shown}", item.item_type().name())
    };
    written.expect("writing to a text cannot fail");
    for child in item.children() {
        branch(text, child, Some(item), depth.saturating_add(1));
    }
}

/// Returns the name of an operation for a report.
pub(crate) fn operation_name(operation: Option<u32>) -> String {
    operation.map_or_else(
        || "no operation".to_owned(),
        |value| enumeration_name(&Field::Standard(Tag::Operation), value),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_shown_by_names() {
        let attribute = Item::structure(
            Tag::Attribute,
            vec![
                Item::text(Tag::AttributeName, "Cryptographic Usage Mask"),
                Item::new(Tag::AttributeValue, Value::Integer(12)),
            ],
        );
        assert_eq!(
            show(Some(&attribute), None),
            "{AttributeName=\"Cryptographic Usage Mask\", AttributeValue=Encrypt Decrypt}"
        );
        assert_eq!(
            tree(&attribute),
            "Attribute\n  AttributeName TextString \"Cryptographic Usage Mask\"\n  \
             AttributeValue Integer Encrypt Decrypt\n"
        );
        assert_eq!(show(None, None), "nothing");
    }

    #[test]
    fn long_values_are_cut() {
        let item = Item::new(Tag::Data, Value::ByteString(vec![0xAB; 60]));
        let shown = show(Some(&item), None);
        assert!(shown.starts_with("abab") && shown.ends_with("... (120 characters)"), "{shown}");
    }
}
