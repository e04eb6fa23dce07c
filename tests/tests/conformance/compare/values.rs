//! Comparing leaves: dates, symbols, digests, and what a generated key makes vary.

use std::collections::{BTreeMap, BTreeSet};

use kmip_model::DateTime;
use kmip_model::enumeration::{HashingAlgorithm, ObjectType, Operation, Tag};

use crate::clock;
use crate::display::show;
use crate::names::Field;
use crate::tree::{Item, ItemType, Value};
use crate::variables::Symbol;

use super::knowledge::{PrintedDate, is_identifier};
use super::permitted::{
    ALWAYS_RENEWED, CRYPTOGRAPHIC_OUTPUT, GENERATING, MAY_BE_EMPTY, NEW_OBJECT, PRODUCING, Place,
    RENEWED_BY_OUTPUT, SERVER_DATES, SKEW,
};
use super::{Comparison, Difference, bytes, different};

/// The length of the digests that a server may choose.
const DIGEST_LENGTHS: &[(HashingAlgorithm, usize)] = &[
    (HashingAlgorithm::Md2, 16),
    (HashingAlgorithm::Md4, 16),
    (HashingAlgorithm::Md5, 16),
    (HashingAlgorithm::Sha1, 20),
    (HashingAlgorithm::Sha224, 28),
    (HashingAlgorithm::Sha256, 32),
    (HashingAlgorithm::Sha384, 48),
    (HashingAlgorithm::Sha512, 64),
];

/// Checks, where values may vary, that each item below has the type of its namesakes in the case.
pub(super) fn same_types<'i>(
    expected: impl IntoIterator<Item = &'i Item>,
    actual: impl IntoIterator<Item = &'i Item>,
    path: &str,
) -> Result<(), Difference> {
    let mut types: BTreeMap<Tag, BTreeSet<ItemType>> = BTreeMap::new();
    for item in expected.into_iter().flat_map(Item::walk) {
        types.entry(item.tag).or_default().insert(item.item_type());
    }
    for item in actual.into_iter().flat_map(Item::walk) {
        let Some(wanted) = types.get(&item.tag) else { continue };
        if !wanted.contains(&item.item_type()) {
            let wanted: Vec<&str> = wanted.iter().map(|item_type| item_type.name()).collect();
            return different(
                format!("{path}/{}", item.tag),
                format!("type {}", wanted.join(" or ")),
                format!("type {}", item.item_type().name()),
            );
        }
    }
    Ok(())
}

impl Comparison<'_> {
    /// Says whether the current operation makes cryptographic output.
    fn producing(&self) -> bool {
        self.current.operation.is_some_and(|operation| PRODUCING.contains(&operation))
    }

    /// Compares two leaves of the same type.
    pub(super) fn leaf(
        &mut self,
        expected: &Item,
        actual: &Item,
        field: &Field,
        parents: (Option<&Item>, Option<&Item>),
        path: &str,
    ) -> Result<(), Difference> {
        if let Value::Symbol(_, symbol) = &expected.value {
            return if symbol.is_now() {
                self.date(PrintedDate::Now(symbol.offset), actual, field, path)
            } else {
                self.symbol(symbol, actual, path)
            };
        }
        if let Some(printed) = seconds(&expected.value)
            && SERVER_DATES.iter().any(|tag| field.is(*tag))
        {
            return self.date(PrintedDate::Literal(printed), actual, field, path);
        }
        if self.current.key_varies && path.split('/').any(|part| part == "KeyValue") {
            return self.generated(expected, actual, field, path);
        }
        if self.current.output_varies && CRYPTOGRAPHIC_OUTPUT.contains(&expected.tag) {
            return self.output(expected, actual, path);
        }
        if expected.value != actual.value {
            let wanted = show(Some(expected), parents.0);
            return different(path, wanted, show(Some(actual), parents.1));
        }
        Ok(())
    }

    /// Takes an output that varies; only a signature may vary in length.
    fn output(&mut self, expected: &Item, actual: &Item, path: &str) -> Result<(), Difference> {
        let (wanted, given) = (expected.value.length(), actual.value.length());
        if self.current.operation != Some(Operation::Sign) && wanted != given {
            return different(path, bytes(wanted), bytes(given));
        }
        if let (Value::ByteString(printed), Value::ByteString(own)) =
            (&expected.value, &actual.value)
            && self.current.key_varies
            && self.producing()
        {
            self.knowledge.outputs.insert((expected.tag, printed.clone()), own.clone());
        }
        Ok(())
    }

    /// Gives a symbol its value, or checks that it has kept it.
    fn symbol(&mut self, symbol: &Symbol, actual: &Item, path: &str) -> Result<(), Difference> {
        let stem = symbol.stem();
        let renewed = ALWAYS_RENEWED.contains(&stem)
            || (RENEWED_BY_OUTPUT.contains(&stem) && self.producing());
        if let Some(bound) = self.knowledge.symbols.get(&symbol.name).filter(|_| !renewed) {
            if *bound == actual.value {
                return Ok(());
            }
            let bound = Item::new(actual.tag, bound.clone());
            let wanted = format!("{symbol} = {}", show(Some(&bound), None));
            return different(path, wanted, show(Some(actual), None));
        }
        if actual.value.length() == Some(0) && !MAY_BE_EMPTY.contains(&stem) {
            return different(path, format!("a value for {symbol}"), "an empty value");
        }
        let new_object = self
            .current
            .operation
            .is_some_and(|own| GENERATING.contains(&own) || NEW_OBJECT.contains(&own));
        if let Some(identifier) = actual.as_text()
            && new_object
            && is_identifier(actual.tag)
            && self.knowledge.objects.contains_key(identifier)
        {
            let got = format!("{identifier:?}, which is already in use");
            return different(path, "a new identifier", got);
        }
        self.knowledge.symbols.insert(symbol.name.clone(), actual.value.clone());
        if let Value::ByteString(own) = &actual.value
            && self.current.key_varies
            && self.producing()
        {
            self.knowledge.outputs.insert((actual.tag, own.clone()), own.clone());
        }
        Ok(())
    }

    /// Compares a date that the request fixed exactly, and any other with the time of day.
    fn date(
        &self,
        printed: PrintedDate,
        actual: &Item,
        field: &Field,
        path: &str,
    ) -> Result<(), Difference> {
        let Some(given) = seconds(&actual.value) else {
            return different(path, "a date", show(Some(actual), None));
        };
        let whole_seconds = match actual.value {
            Value::DateTimeExtended(microseconds) => microseconds % 1_000_000 == 0,
            _ => true,
        };
        let sent = self.knowledge.sent_dates(field);
        let offset = match printed {
            PrintedDate::Now(offset) => offset,
            PrintedDate::Literal(_) => 0,
        };
        if let Some(fixed) = sent.and_then(|sent| sent.get(&printed))
            && printed != PrintedDate::Now(0)
        {
            if whole_seconds && fixed.contains(&given) {
                return Ok(());
            }
            let earliest = fixed.first().copied().unwrap_or_default();
            let wanted = format!("{} as sent in the request", DateTime(earliest));
            return different(path, wanted, DateTime(given).to_string());
        }
        if sent.is_some_and(|sent| sent.values().any(|dates| dates.contains(&given))) {
            return Ok(());
        }
        let earliest = self.knowledge.started.saturating_add(offset).saturating_sub(SKEW);
        let latest = clock::now().saturating_add(offset).saturating_add(SKEW);
        if given < earliest || given > latest {
            let wanted = format!("a date from {} to {}", DateTime(earliest), DateTime(latest));
            return different(path, wanted, DateTime(given).to_string());
        }
        Ok(())
    }

    /// Takes part of a generated object: any value, but the same one each time.
    fn generated(
        &mut self,
        expected: &Item,
        actual: &Item,
        field: &Field,
        path: &str,
    ) -> Result<(), Difference> {
        let subject = self.current.subject.clone();
        let object_type = subject
            .as_ref()
            .and_then(|subject| self.knowledge.objects.get(subject))
            .and_then(|facts| facts.object_type);
        let key = (subject, field.clone(), expected.value.clone());
        let seen = self.knowledge.aliases.entry(key).or_insert_with(|| actual.value.clone());
        if *seen != actual.value {
            return different(path, "the same value as before", "another value");
        }
        // Encodings of asymmetric keys vary in length, symmetric keys do not.
        let fixed_length = object_type.is_none_or(|kind| kind == ObjectType::SymmetricKey);
        if let (Value::ByteString(wanted), Value::ByteString(given)) =
            (&expected.value, &actual.value)
            && fixed_length
            && wanted.len() != given.len()
        {
            return different(path, bytes(Some(wanted.len())), bytes(Some(given.len())));
        }
        Ok(())
    }

    /// Compares a Digest: the server selects the algorithm, and the value follows (Variable Items).
    pub(super) fn digest(
        &mut self,
        expected: &Item,
        actual: &Item,
        path: &str,
    ) -> Result<(), Difference> {
        same_types(expected.children(), actual.children(), path)?;
        for tag in [Tag::HashingAlgorithm, Tag::DigestValue] {
            if actual.get(tag).is_none() {
                let path = format!("{path}/{tag}");
                return different(path, show(expected.get(tag), None), "nothing");
            }
        }
        let algorithm = actual.enumeration(Tag::HashingAlgorithm).map(HashingAlgorithm);
        let value = actual.get(Tag::DigestValue);
        let length = value.and_then(|value| value.value.length());
        let known = DIGEST_LENGTHS.iter().find(|row| Some(row.0) == algorithm).map(|row| row.1);
        if known.is_some() && known != length {
            return different(format!("{path}/DigestValue"), bytes(known), bytes(length));
        }
        if self.current.key_varies {
            return Ok(());
        }
        let (wanted, given) = (expected.get(Tag::KeyFormatType), actual.get(Tag::KeyFormatType));
        // The Digest of 1.0 has no Key Format Type.
        let compared = match (wanted, given) {
            (Some(wanted), Some(given)) => wanted.value != given.value,
            (None, None) => false,
            _ => self.knowledge.version >= (1, 1),
        };
        if compared {
            let path = format!("{path}/KeyFormatType");
            return different(path, show(wanted, None), show(given, None));
        }
        if actual.enumeration(Tag::HashingAlgorithm) != expected.enumeration(Tag::HashingAlgorithm)
        {
            return Ok(());
        }
        let (Some(wanted), Some(given)) = (expected.get(Tag::DigestValue), value) else {
            return Ok(());
        };
        match &wanted.value {
            Value::Symbol(_, symbol) => self.symbol(symbol, given, &format!("{path}/DigestValue")),
            printed if *printed == given.value => Ok(()),
            _ => different(
                format!("{path}/DigestValue"),
                show(Some(wanted), None),
                show(Some(given), None),
            ),
        }
    }

    /// Compares a Key Block; the server selects the form of what it generated (Variable Items).
    pub(super) fn key_block(
        &mut self,
        expected: &Item,
        actual: &Item,
        path: &str,
    ) -> Result<(), Difference> {
        let place = Place::Within(Tag::KeyBlock);
        let given = actual.enumeration(Tag::KeyFormatType);
        let other_form = given.is_some() && given != expected.enumeration(Tag::KeyFormatType);
        if !other_form || !self.current.key_format_varies {
            return self.ordered(expected, actual, place, path);
        }
        if actual.get(Tag::KeyValue).is_none() {
            return different(format!("{path}/KeyValue"), "a key", "nothing");
        }
        let outside = |item: &Item| {
            let kept = item
                .children()
                .iter()
                .filter(|child| child.tag != Tag::KeyFormatType && child.tag != Tag::KeyValue);
            Item::structure(item.tag, kept.cloned().collect())
        };
        self.ordered(&outside(expected), &outside(actual), place, path)
    }
}

/// Returns the seconds of a date.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(seconds) => Some(*seconds),
        Value::DateTimeExtended(microseconds) => Some(microseconds.div_euclid(1_000_000)),
        _ => None,
    }
}
