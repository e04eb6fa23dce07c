//! Search terms: keyed hashes of attribute values, so that equality can be seen and nothing else.
//!
//! Each instance of an attribute whose row says `Term`, and of each vendor's attribute, gives one
//! term for its value; a structure gives one more for each of its fields, since a Locate may name
//! some fields only (KMIP 2.1 §6.1.28). Dates give none: they are looked for in ranges.

use kmip_model::{
    ManagedObject, Material, Value,
    attribute::{AttributeReference, Search},
    enumeration::Tag,
};
use kmip_ports::{
    record::{AtRestCipher, Term, TermClaim},
    store::Claim,
};

use crate::canonical::Canonical;

/// Makes terms.
pub(crate) struct Terms<'a> {
    pub(crate) cipher: &'a dyn AtRestCipher,
    pub(crate) key: &'a Material,
}

/// Says whether values of this attribute are found by terms.
pub(crate) fn is_indexed(reference: &AttributeReference) -> bool {
    match reference {
        AttributeReference::Standard(_) => {
            reference.rules().is_some_and(|rules| rules.search == Search::Term)
        }
        AttributeReference::Vendor { .. } => true,
        AttributeReference::Unknown(_) => false,
    }
}

impl Terms<'_> {
    /// Makes the terms of an object, sorted, without repetition.
    pub(crate) fn of_object(&self, object: &ManagedObject) -> Vec<Term> {
        let mut terms = Vec::new();
        for instance in object.attributes().iter() {
            let reference = instance.attribute.reference();
            if is_indexed(&reference) {
                self.of_value(&reference, &instance.attribute.to_value(), &mut terms);
            }
        }
        terms.sort();
        terms.dedup();
        terms
    }

    fn of_value(&self, reference: &AttributeReference, value: &Value, terms: &mut Vec<Term>) {
        if matches!(value, Value::DateTime(_)) {
            return;
        }
        terms.push(self.whole(reference, value));
        if let Value::Structure(fields) = value {
            let parts = fields.iter().filter_map(|(tag, field)| self.part(reference, *tag, field));
            terms.extend(parts);
        }
    }

    /// Makes the term of a whole value.
    pub(crate) fn whole(&self, reference: &AttributeReference, value: &Value) -> Term {
        self.term(reference, Canonical::default().byte(0).value(value))
    }

    /// Makes the term of one field of a structure; none if that is a structure itself, of which a
    /// filter may again give a part.
    pub(crate) fn part(
        &self,
        reference: &AttributeReference,
        tag: Tag,
        field: &Value,
    ) -> Option<Term> {
        let hashed = Canonical::default().byte(1).number(tag.0).value(field);
        (!matches!(field, Value::Structure(_))).then(|| self.term(reference, hashed))
    }

    /// Makes the claim of a record store that stands for a claim of an object store.
    pub(crate) fn claim(&self, claim: Claim) -> TermClaim {
        let Claim::Name { owner, name, identifier } = &claim;
        let reference = AttributeReference::Standard(Tag::Name);
        let term = self
            .part(&reference, Tag::NameValue, &Value::TextString(name.clone()))
            .expect("a text is no structure");
        TermClaim { owner: owner.clone(), term, identifier: identifier.clone(), claim }
    }

    fn term(&self, reference: &AttributeReference, hashed: Canonical) -> Term {
        let context = identity(reference).finish();
        Term {
            attribute: self.number(reference),
            value: self.cipher.keyed_hash(self.key, &context, &hashed.finish()).to_vec(),
        }
    }

    /// Returns the tag, or a number for a vendor's attribute. Two of those may get the same one:
    /// their values are hashed with their names and still differ.
    fn number(&self, reference: &AttributeReference) -> u32 {
        match reference {
            AttributeReference::Standard(tag) => tag.0,
            AttributeReference::Vendor { .. } | AttributeReference::Unknown(_) => {
                let name = identity(reference).finish();
                let context = Canonical::of("vendor attribute").finish();
                let [a, b, c, d, ..] = self.cipher.keyed_hash(self.key, &context, &name);
                // No tag has the highest bit.
                u32::from_be_bytes([a, b, c, d]) | 0x8000_0000
            }
        }
    }
}

fn identity(reference: &AttributeReference) -> Canonical {
    let start = Canonical::of("term");
    match reference {
        AttributeReference::Standard(tag) => start.byte(0).number(tag.0),
        AttributeReference::Vendor { vendor_identification, attribute_name } => {
            start.byte(1).bytes(vendor_identification.as_bytes()).bytes(attribute_name.as_bytes())
        }
        AttributeReference::Unknown(name) => start.byte(2).bytes(name.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kmip_model::{
        UniqueIdentifier,
        attribute::{Attribute, AttributeSet, Name, VendorAttribute},
        enumeration::OpaqueDataType,
        object::Object,
    };
    use kmip_testkit::HashCipher;

    fn object(attributes: impl IntoIterator<Item = Attribute>) -> ManagedObject {
        let mut set = AttributeSet::default();
        for attribute in attributes {
            set.add(attribute).unwrap();
        }
        let held = Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(1),
            opaque_data_value: Material::new(vec![1]),
        };
        ManagedObject::new(UniqueIdentifier::new("a"), "alice", held, set)
    }

    fn vendor(vendor: &str, name: &str, value: Value) -> Attribute {
        Attribute::Vendor(VendorAttribute {
            vendor_identification: vendor.into(),
            attribute_name: name.into(),
            attribute_value: value,
        })
    }

    fn with_terms<T>(run: impl FnOnce(&Terms<'_>) -> T) -> T {
        let cipher = HashCipher::default();
        let key = cipher.generate().unwrap();
        run(&Terms { cipher: &cipher, key: &key })
    }

    #[test]
    fn a_name_is_found_whole_and_by_each_field() {
        with_terms(|terms| {
            let made = terms.of_object(&object([Attribute::Name(Name::text("a"))]));
            let reference = AttributeReference::Standard(Tag::Name);
            let value = Attribute::Name(Name::text("a")).to_value();
            assert_eq!(made.len(), 3);
            assert!(made.is_sorted());
            assert!(made.contains(&terms.whole(&reference, &value)));
            let part = |tag, value| terms.part(&reference, tag, &value).unwrap();
            assert!(made.contains(&part(Tag::NameValue, Value::TextString("a".into()))));
            assert!(made.contains(&part(Tag::NameType, Value::Enumeration(1))));
            assert!(!made.contains(&part(Tag::NameValue, Value::TextString("b".into()))));
        });
    }

    #[test]
    fn the_same_value_of_two_attributes_looks_different() {
        with_terms(|terms| {
            let made = terms.of_object(&object([
                vendor("x", "ab", Value::Integer(1)),
                vendor("xa", "b", Value::Integer(1)),
                Attribute::ObjectGroup("g".into()),
                Attribute::ContactInformation("g".into()),
            ]));
            assert_eq!(made.len(), 4);
            for (position, term) in made.iter().enumerate() {
                assert!(made[..position].iter().all(|other| other.value != term.value));
            }
        });
    }

    #[test]
    fn what_is_not_searched_by_terms_gives_none() {
        with_terms(|terms| {
            let object = object([
                Attribute::Comment("c".into()),
                vendor("x", "date", Value::DateTime(kmip_model::DateTime(1))),
            ]);
            assert_eq!(terms.of_object(&object), []);
        });
    }
}
