//! The symbols of the test cases: `$NOW`, `$UNIQUE_IDENTIFIER_0` and their like.
//!
//! A symbol in a printed answer takes the server's value; a symbol in a request is replaced by
//! the value it took. `$NOW` is the time at which the message is made.

use std::hash::{DefaultHasher, Hash, Hasher};

use kmip_model::enumeration::Tag;
pub(crate) use kmip_tests::tree::Symbol;

use crate::compare::knowledge::{Knowledge, PrintedDate};
use crate::names::Field;
use crate::tree::{Item, ItemType, Value};

/// A request uses a symbol that no answer has given a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the case uses {0} before it has a value")]
pub(crate) struct Unbound(pub(crate) Symbol);

/// Makes a request from its template and notes the dates it sends.
pub(crate) fn fill(template: &Item, knowledge: &mut Knowledge, now: i64) -> Result<Item, Unbound> {
    note_literal_dates(template, None, knowledge);
    let mut request = replace(template, None, knowledge, now)?;
    put_own_outputs(&mut request, knowledge);
    Ok(request)
}

/// Notes the dates that a request prints as they are.
fn note_literal_dates(item: &Item, parent: Option<&Item>, knowledge: &mut Knowledge) {
    if let Value::DateTime(date) = item.value {
        knowledge.note_date(Field::of(item, parent), PrintedDate::Literal(date), date);
    }
    for child in item.children() {
        note_literal_dates(child, Some(item), knowledge);
    }
}

/// Copies a template with every symbol replaced.
fn replace(
    item: &Item,
    parent: Option<&Item>,
    knowledge: &mut Knowledge,
    now: i64,
) -> Result<Item, Unbound> {
    let value = match &item.value {
        Value::Structure(children) => {
            let mut filled = Vec::with_capacity(children.len());
            for child in children {
                filled.push(replace(child, Some(item), knowledge, now)?);
            }
            Value::Structure(filled)
        }
        Value::Symbol(item_type, symbol) if symbol.is_now() => {
            let date = now.saturating_add(symbol.offset);
            let printed = PrintedDate::Now(symbol.offset);
            knowledge.note_date(Field::of(item, parent), printed, date);
            date_value(*item_type, date)
        }
        Value::Symbol(item_type, symbol) => value_of(item.tag, *item_type, symbol, knowledge)?,
        other => other.clone(),
    };
    Ok(Item::new(item.tag, value))
}

/// Makes a date of the given type from seconds.
pub(crate) fn date_value(item_type: ItemType, seconds: i64) -> Value {
    match item_type {
        ItemType::DateTimeExtended => Value::DateTimeExtended(seconds.saturating_mul(1_000_000)),
        _ => Value::DateTime(seconds),
    }
}

fn value_of(
    tag: Tag,
    item_type: ItemType,
    symbol: &Symbol,
    knowledge: &mut Knowledge,
) -> Result<Value, Unbound> {
    if let Some(value) = knowledge.symbols.get(&symbol.name) {
        return Ok(value.clone());
    }
    let value = if symbol.is_own_choice() {
        own_choice(item_type, knowledge.started, &symbol.name)
    } else {
        // Printed as a literal in the answer, such as the MAC Data of a MAC operation.
        knowledge.recent.get(&tag).cloned().ok_or_else(|| Unbound(symbol.clone()))?
    };
    knowledge.symbols.insert(symbol.name.clone(), value.clone());
    Ok(value)
}

/// Makes up a value that no server can have given out before.
fn own_choice(item_type: ItemType, started: i64, name: &str) -> Value {
    let text = format!("{}-{started}-{}", name.to_lowercase(), std::process::id());
    match item_type {
        ItemType::ByteString => {
            let mut bytes = Vec::new();
            for half in 0_u8..2 {
                let mut hasher = DefaultHasher::new();
                (half, &text).hash(&mut hasher);
                bytes.extend(hasher.finish().to_be_bytes());
            }
            Value::ByteString(bytes)
        }
        _ => Value::TextString(text),
    }
}

/// Puts this server's output where the case prints that of a generated key of another server.
fn put_own_outputs(item: &mut Item, knowledge: &Knowledge) {
    let tag = item.tag;
    match &mut item.value {
        Value::Structure(children) => {
            for child in children {
                put_own_outputs(child, knowledge);
            }
        }
        Value::ByteString(bytes) => {
            if let Some(own) = knowledge.outputs.get(&(tag, bytes.clone())) {
                bytes.clone_from(own);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge() -> Knowledge {
        Knowledge::new("SKLC", "SKLC-M-1-14", (1, 4), 1_000)
    }

    fn symbol(tag: Tag, item_type: ItemType, text: &str) -> Item {
        Item::new(tag, Value::Symbol(item_type, Symbol::parse(text).unwrap()))
    }

    #[test]
    fn a_symbol_is_a_dollar_and_capitals_with_an_offset() {
        let symbol = Symbol::parse("$NOW-3600").unwrap();
        assert_eq!((symbol.name.as_str(), symbol.offset), ("NOW", -3600));
        assert_eq!(symbol.to_string(), "$NOW-3600");
        assert_eq!(Symbol::parse("$NOW+20").unwrap().offset, 20);
        assert_eq!(Symbol::parse("$DATA_12").unwrap().stem(), "DATA");
        assert_eq!(Symbol::parse("$CORRELATION_VALUE").unwrap().stem(), "CORRELATION_VALUE");
        assert_eq!(Symbol::parse("$5 per key"), None);
        assert_eq!(Symbol::parse("NOW"), None);
    }

    #[test]
    fn now_is_replaced_and_remembered() {
        let mut knowledge = knowledge();
        let template = symbol(Tag::ActivationDate, ItemType::DateTime, "$NOW-60");
        let request = fill(&template, &mut knowledge, 5_000).unwrap();
        assert_eq!(request.value, Value::DateTime(4_940));
        let sent = knowledge.sent_dates(&Field::Standard(Tag::ActivationDate)).unwrap();
        assert!(sent.get(&PrintedDate::Now(-60)).unwrap().contains(&4_940));
    }

    #[test]
    fn an_unbound_symbol_takes_the_last_value_received_under_its_tag() {
        let mut knowledge = knowledge();
        let template = symbol(Tag::MacData, ItemType::ByteString, "$MAC_DATA");
        assert!(fill(&template, &mut knowledge, 0).is_err());
        knowledge.recent.insert(Tag::MacData, Value::ByteString(vec![7]));
        let request = fill(&template, &mut knowledge, 0).unwrap();
        assert_eq!(request.value, Value::ByteString(vec![7]));
        knowledge.recent.insert(Tag::MacData, Value::ByteString(vec![8]));
        let again = fill(&template, &mut knowledge, 0).unwrap();
        assert_eq!(again.value, Value::ByteString(vec![7]));
    }

    #[test]
    fn a_random_symbol_is_the_same_each_time() {
        let mut knowledge = knowledge();
        let template =
            symbol(Tag::UniqueIdentifier, ItemType::TextString, "$UNIQUE_IDENTIFIER_RANDOM_0");
        let first = fill(&template, &mut knowledge, 0).unwrap();
        assert_eq!(fill(&template, &mut knowledge, 9).unwrap(), first);
    }

    #[test]
    fn the_servers_own_output_replaces_the_printed_one() {
        let mut knowledge = knowledge();
        knowledge.outputs.insert((Tag::Data, vec![1, 2]), vec![3, 4]);
        let template = Item::new(Tag::Data, Value::ByteString(vec![1, 2]));
        let request = fill(&template, &mut knowledge, 0).unwrap();
        assert_eq!(request.value, Value::ByteString(vec![3, 4]));
    }
}
