//! Bytes for hashing: each part carries its length, so that no two lists of parts look alike.
//!
//! What is written here is stored as a hash, except for the events of the audit trail and backups. A
//! change of the layout makes every sealed record unreadable, every term unfindable, every chain
//! broken and every backup useless.

use kmip_model::{UniqueIdentifier, Value};
use kmip_ports::{
    record::{Columns, Term},
    store::Revision,
};

/// About as many bytes as what is bound to a record has, without its search terms.
const USUAL_LENGTH: usize = 160;

/// About as many bytes as a search term has.
const TERM_LENGTH: usize = 48;

/// A list of parts.
#[derive(Default)]
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts a list that is of no other purpose.
    pub(crate) fn of(purpose: &str) -> Self {
        Self::with_room(purpose, USUAL_LENGTH)
    }

    /// Starts a list that is of no other purpose and has about so many bytes.
    fn with_room(purpose: &str, length: usize) -> Self {
        Self(Vec::with_capacity(length)).bytes(purpose.as_bytes())
    }

    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut this = self.long(bytes.len() as u64);
        this.0.extend_from_slice(bytes);
        this
    }

    pub(crate) fn perhaps<T>(self, value: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            None => self.byte(0),
            Some(value) => write(self.byte(1), value),
        }
    }

    /// Adds a list: how many there are, and each.
    pub(crate) fn list<T>(self, items: &[T], write: impl Fn(Self, &T) -> Self) -> Self {
        items.iter().fold(self.long(items.len() as u64), write)
    }

    /// Adds a value. The order of a structure's fields makes no difference.
    pub(crate) fn value(self, value: &Value) -> Self {
        match value {
            Value::Structure(fields) => {
                let mut parts: Vec<Vec<u8>> = fields
                    .iter()
                    .map(|(tag, field)| Self::default().number(tag.0).value(field).finish())
                    .collect();
                parts.sort();
                let this = self.byte(1).long(parts.len() as u64);
                parts.iter().fold(this, |this, part| this.bytes(part))
            }
            Value::Integer(value) => self.byte(2).number(value.cast_unsigned()),
            Value::LongInteger(value) => self.byte(3).long(value.cast_unsigned()),
            Value::BigInteger(value) => self.byte(4).bytes(value),
            Value::Enumeration(value) => self.byte(5).number(*value),
            Value::Boolean(value) => self.byte(6).byte(u8::from(*value)),
            Value::TextString(value) => self.byte(7).bytes(value.as_bytes()),
            Value::ByteString(value) => self.byte(8).bytes(value),
            Value::DateTime(value) => self.byte(9).long(value.0.cast_unsigned()),
            Value::Interval(value) => self.byte(10).number(value.0),
            Value::DateTimeExtended(value) => self.byte(11).long(value.cast_unsigned()),
        }
    }

    pub(crate) fn columns(self, columns: &Columns) -> Self {
        // Written out, so that a new column cannot be left unbound.
        let Columns {
            owner,
            policy,
            object_type,
            state,
            next_change_at,
            initial_date,
            algorithm,
            length,
            usage_mask,
            destroyed,
        } = columns;
        self.bytes(owner.as_bytes())
            .bytes(policy.as_bytes())
            .number(*object_type)
            .perhaps(*state, Self::number)
            .perhaps(*next_change_at, |this, date| this.long(date.0.cast_unsigned()))
            .long(initial_date.0.cast_unsigned())
            .perhaps(*algorithm, Self::number)
            .perhaps(*length, |this, length| this.number(length.cast_unsigned()))
            .perhaps(*usage_mask, Self::number)
            .byte(u8::from(*destroyed))
    }

    /// Returns the bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Writes what stands beside a sealed object, to be hashed and bound to it.
pub(crate) fn beside(columns: &Columns, terms: &[Term]) -> Vec<u8> {
    // A record store may return terms in another order than it was given them.
    let mut sorted: Vec<&Term> = terms.iter().collect();
    sorted.sort();
    let length = TERM_LENGTH.saturating_mul(sorted.len()).saturating_add(USUAL_LENGTH);
    let start = Canonical::with_room("beside", length).columns(columns).long(sorted.len() as u64);
    let write = |this: Canonical, term: &&Term| this.number(term.attribute).bytes(&term.value);
    sorted.iter().fold(start, write).finish()
}

/// Writes the place that a sealed object is bound to.
pub(crate) fn place(
    identifier: &UniqueIdentifier,
    revision: Revision,
    beside: &[u8; 32],
) -> Vec<u8> {
    Canonical::of("place")
        .bytes(identifier.as_str().as_bytes())
        .long(revision.0)
        .bytes(beside)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kmip_model::enumeration::Tag;

    fn bytes(value: &Value) -> Vec<u8> {
        Canonical::default().value(value).finish()
    }

    fn text(text: &str) -> Value {
        Value::TextString(text.into())
    }

    #[test]
    fn equal_structures_are_equal_bytes_in_any_order() {
        let fields = [(Tag::NameValue, text("a")), (Tag::NameType, Value::Enumeration(1))];
        let [first, second] = fields.clone();
        assert_eq!(
            bytes(&Value::Structure(fields.to_vec())),
            bytes(&Value::Structure(vec![second, first]))
        );
    }

    #[test]
    fn different_values_are_different_bytes() {
        let field = |tag, value| Value::Structure(vec![(tag, value)]);
        let values = [
            text(""),
            text("1"),
            Value::ByteString(b"1".to_vec()),
            Value::BigInteger(b"1".to_vec()),
            Value::Integer(1),
            Value::Enumeration(1),
            Value::LongInteger(1),
            Value::Boolean(true),
            Value::Boolean(false),
            Value::Interval(kmip_model::Interval(1)),
            Value::DateTime(kmip_model::DateTime(1)),
            Value::DateTimeExtended(1),
            Value::Structure(vec![]),
            field(Tag::NameValue, text("1")),
            field(Tag::NameType, text("1")),
            field(Tag::NameValue, field(Tag::NameValue, text("1"))),
        ];
        for (position, value) in values.iter().enumerate() {
            for other in &values[..position] {
                assert_ne!(bytes(value), bytes(other), "{value:?} and {other:?}");
            }
        }
    }
}
