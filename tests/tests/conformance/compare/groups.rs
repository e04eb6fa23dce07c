//! Comparing what has no order: attributes, their names, located objects, versions, Query lists.

use std::collections::BTreeSet;

use kmip_model::enumeration::{Enumeration, ObjectType, Operation, Tag};

use crate::display::show;
use crate::names::{Field, enumeration_name};
use crate::tree::{Item, Value};

use super::permitted::{
    ATTRIBUTES_SINCE, EXACT_QUERY, LOCATE_ORDERED_SINCE, MORE_INSTANCES, NEVER_ADDED, Place,
    SERVER_FACTS, object_type_required, operation_required,
};
use super::values::same_types;
use super::{Comparison, Difference, different};

/// What is left of the printed and of the given items.
type Rest<'i> = (Vec<&'i Item>, Vec<&'i Item>);

/// Which attribute an item is or names.
fn attribute_of(item: &Item) -> Field {
    let named = item.tag == Tag::Attribute || item.tag == Tag::AttributeReference;
    if named && item.is_structure() {
        let name = item.text_of(Tag::AttributeName).unwrap_or_default();
        // Since 2.0 a structure names the attribute of a vendor.
        return match item.text_of(Tag::VendorIdentification) {
            Some(vendor) => Field::Named(format!("{vendor}/{name}")),
            None => Field::of_attribute(name),
        };
    }
    match &item.value {
        Value::TextString(name) if item.tag == Tag::AttributeName => Field::of_attribute(name),
        Value::Enumeration(tag) if item.tag == Tag::AttributeReference => {
            Field::Standard(Tag(*tag))
        }
        _ => Field::Standard(item.tag),
    }
}

fn in_table(table: &[Tag], attribute: &Field) -> bool {
    table.iter().any(|tag| attribute.is(*tag))
}

/// Compares a list of attribute names: any order, and more than are printed.
fn names(wanted: &[&Item], given: &[&Item], path: &str) -> Result<(), Difference> {
    same_types(wanted.iter().copied(), given.iter().copied(), path)?;
    let have: Vec<Field> = given.iter().map(|item| attribute_of(item)).collect();
    let want: Vec<Field> = wanted.iter().map(|item| attribute_of(item)).collect();
    let tag = given.first().map_or(Tag::AttributeName, |item| item.tag);
    let path = format!("{path}/{tag}");
    let surplus = have.iter().find(|name| in_table(NEVER_ADDED, name) && !want.contains(name));
    if let Some(name) = surplus {
        return different(path, "nothing", name.name());
    }
    if let Some(name) = want.iter().find(|name| !have.contains(name)) {
        return different(path, name.name(), "nothing");
    }
    let distinct: BTreeSet<&Field> = have.iter().collect();
    if distinct.len() != have.len() {
        let names: Vec<String> = have.iter().map(Field::name).collect();
        return different(path, "each attribute once", names.join(", "));
    }
    Ok(())
}

impl Comparison<'_> {
    /// Takes the groups without order out of a payload, compares them, and returns the rest.
    pub(super) fn payload_groups<'i>(
        &mut self,
        wanted: Vec<&'i Item>,
        given: Vec<&'i Item>,
        path: &str,
    ) -> Result<Rest<'i>, Difference> {
        let group: &[Tag] = match self.current.operation {
            Some(Operation::Query) => return self.query(wanted, given, path),
            Some(
                Operation::GetAttributes
                | Operation::AddAttribute
                | Operation::ModifyAttribute
                | Operation::DeleteAttribute
                | Operation::Export,
            ) if self.knowledge.version < ATTRIBUTES_SINCE => &[Tag::Attribute],
            Some(Operation::GetAttributeList) => &[Tag::AttributeName, Tag::AttributeReference],
            Some(Operation::Locate) => &[Tag::UniqueIdentifier],
            Some(Operation::DiscoverVersions) => &[Tag::ProtocolVersion],
            _ => return Ok((wanted, given)),
        };
        let member = |item: &&Item| group.contains(&item.tag);
        let (e_group, e_rest): (Vec<&Item>, Vec<&Item>) = wanted.into_iter().partition(member);
        let (a_group, a_rest): (Vec<&Item>, Vec<&Item>) = given.into_iter().partition(member);
        match self.current.operation {
            Some(Operation::GetAttributeList) => names(&e_group, &a_group, path)?,
            Some(Operation::Locate) => self.located(&e_group, &a_group, path)?,
            Some(Operation::DiscoverVersions) => self.versions(&e_group, &a_group, path)?,
            _ => self.attributes(&e_group, &a_group, path)?,
        }
        Ok((e_rest, a_rest))
    }

    /// Compares attributes: they go by name, each instance by its index.
    pub(super) fn attributes(
        &mut self,
        wanted: &[&Item],
        given: &[&Item],
        path: &str,
    ) -> Result<(), Difference> {
        for item in given.iter().filter(|item| item.tag == Tag::Attribute) {
            if item.text_of(Tag::AttributeName).is_none() {
                let path = format!("{path}/Attribute/AttributeName");
                return different(path, "a TextString", show(Some(item), None));
            }
        }
        let mut left = given.to_vec();
        for e in wanted {
            let attribute = attribute_of(e);
            let found = self.instance(e, &attribute, &left, path)?;
            left.remove(found);
        }
        let asked = self.attributes_asked();
        let shown: BTreeSet<Field> = wanted.iter().map(|e| attribute_of(e)).collect();
        let returns_attributes =
            matches!(self.current.operation, Some(Operation::GetAttributes | Operation::Export));
        for a in left {
            let attribute = attribute_of(a);
            let permitted = returns_attributes
                && !in_table(NEVER_ADDED, &attribute)
                && if shown.contains(&attribute) {
                    in_table(MORE_INSTANCES, &attribute)
                } else {
                    asked.is_empty() || asked.contains(&attribute)
                };
            if !permitted {
                let path = format!("{path}/{}", attribute.name());
                return different(path, "nothing", show(Some(a), None));
            }
        }
        Ok(())
    }

    /// Finds the given instance that equals a printed attribute.
    fn instance(
        &mut self,
        wanted: &Item,
        attribute: &Field,
        left: &[&Item],
        path: &str,
    ) -> Result<usize, Difference> {
        let index = |item: &Item| item.integer(Tag::AttributeIndex).unwrap_or(0);
        let mut candidates: Vec<(usize, &Item)> = left
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, item)| attribute_of(item) == *attribute)
            .collect();
        candidates.sort_by_key(|(_, item)| index(item) != index(wanted));
        let mut first = None;
        for (position, candidate) in candidates {
            let symbols = self.knowledge.symbols.clone();
            let place = Place::Within(Tag::Attributes);
            let parents = (None, None);
            let outcome = self.item(wanted, candidate, parents, place, path);
            match outcome {
                Ok(()) => return Ok(position),
                Err(difference) => {
                    self.knowledge.symbols = symbols;
                    first.get_or_insert(difference);
                }
            }
        }
        match first {
            Some(difference) => Err(difference),
            None => different(
                format!("{path}/{}", attribute.name()),
                show(Some(wanted), None),
                "nothing",
            ),
        }
    }

    /// Returns the attributes that the request names; none means that all are wanted.
    fn attributes_asked(&self) -> BTreeSet<Field> {
        let asked = self.current.payload.map_or(&[][..], Item::children).iter();
        asked
            .filter(|item| item.tag == Tag::AttributeName || item.tag == Tag::AttributeReference)
            .map(attribute_of)
            .collect()
    }

    /// Compares located objects: in the order of their creation since 2.0, in any order before.
    fn located(&mut self, wanted: &[&Item], given: &[&Item], path: &str) -> Result<(), Difference> {
        let leaf_path = format!("{path}/UniqueIdentifier");
        let place = Place::Within(Tag::ResponsePayload);
        let identifiers: Vec<String> = given.iter().map(|item| show(Some(item), None)).collect();
        if wanted.len() != given.len() {
            let got = format!("{}: {}", given.len(), identifiers.join(", "));
            return different(leaf_path, format!("{} objects", wanted.len()), got);
        }
        if self.knowledge.version >= LOCATE_ORDERED_SINCE {
            for (e, a) in wanted.iter().zip(given) {
                self.item(e, a, (None, None), place, path)?;
            }
            return Ok(());
        }
        let mut left = given.to_vec();
        let mut unbound = Vec::new();
        for e in wanted {
            let known = match &e.value {
                Value::Symbol(_, symbol) => self.knowledge.symbols.get(&symbol.name),
                literal => Some(literal),
            };
            let Some(known) = known else {
                unbound.push(*e);
                continue;
            };
            let Some(position) = left.iter().position(|item| item.value == *known) else {
                let known = Item::new(e.tag, known.clone());
                let expected = format!("{} = {}", show(Some(e), None), show(Some(&known), None));
                return different(leaf_path, expected, identifiers.join(", "));
            };
            left.remove(position);
        }
        for (e, a) in unbound.into_iter().zip(left) {
            self.item(e, a, (None, None), place, path)?;
        }
        Ok(())
    }

    /// Compares versions: more than are printed if the request lists none (Variable Items).
    fn versions(&self, wanted: &[&Item], given: &[&Item], path: &str) -> Result<(), Difference> {
        same_types(wanted.iter().copied(), given.iter().copied(), path)?;
        let pair = |item: &&Item| {
            (item.integer(Tag::ProtocolVersionMajor), item.integer(Tag::ProtocolVersionMinor))
        };
        let want: Vec<_> = wanted.iter().map(pair).collect();
        let have: Vec<_> = given.iter().map(pair).collect();
        let listed =
            self.current.payload.is_some_and(|payload| payload.get(Tag::ProtocolVersion).is_some());
        let missing = want.iter().any(|version| !have.contains(version));
        if missing || (listed && want != have) {
            let text = |versions: &[(Option<i32>, Option<i32>)]| {
                let part = |number: &Option<i32>| number.map_or("?".to_owned(), |n| n.to_string());
                let named: Vec<String> =
                    versions.iter().map(|v| format!("{}.{}", part(&v.0), part(&v.1))).collect();
                named.join(", ")
            };
            return different(format!("{path}/ProtocolVersion"), text(&want), text(&have));
        }
        Ok(())
    }

    /// Compares what Query reports; returns what is compared item by item.
    fn query<'i>(
        &self,
        wanted: Vec<&'i Item>,
        given: Vec<&'i Item>,
        path: &str,
    ) -> Result<Rest<'i>, Difference> {
        let described = |item: &&&Item| item.tag != Tag::ServerInformation;
        same_types(
            wanted.iter().filter(described).copied(),
            given.iter().filter(described).copied(),
            path,
        )?;
        let (profile, version) = (self.knowledge.profile.as_str(), self.knowledge.version);
        self.query_list(Tag::Operation, &wanted, &given, path, |value| {
            operation_required(profile, version, Operation::from_value(value))
        })?;
        self.query_list(Tag::ObjectType, &wanted, &given, path, |value| {
            object_type_required(profile, version, ObjectType::from_value(value))
        })?;
        for (tag, _) in SERVER_FACTS.iter().filter(|(_, at_least_one)| *at_least_one) {
            let has = |items: &[&Item]| items.iter().any(|item| item.tag == *tag);
            if has(&wanted) && !has(&given) {
                return different(format!("{path}/{tag}"), "at least one", "nothing");
            }
        }
        let compared = |item: &&Item| {
            item.tag != Tag::Operation
                && item.tag != Tag::ObjectType
                && !SERVER_FACTS.iter().any(|(tag, _)| *tag == item.tag)
        };
        Ok((
            wanted.into_iter().filter(compared).collect(),
            given.into_iter().filter(compared).collect(),
        ))
    }

    /// Compares a list of operations or object types: what is required must be there.
    fn query_list(
        &self,
        tag: Tag,
        wanted: &[&Item],
        given: &[&Item],
        path: &str,
        required: impl Fn(u32) -> bool,
    ) -> Result<(), Difference> {
        let exact = self.knowledge.case.starts_with(EXACT_QUERY);
        let values = |items: &[&Item]| -> Vec<u32> {
            let listed = items.iter().filter(|item| item.tag == tag);
            let value = |item: &&Item| match item.value {
                Value::Enumeration(value) => Some(value),
                _ => None,
            };
            listed.filter_map(value).collect()
        };
        let (want, have) = (values(wanted), values(given));
        let path = format!("{path}/{tag}");
        let names = |values: &[u32]| {
            let field = Field::Standard(tag);
            let named: Vec<String> =
                values.iter().map(|value| enumeration_name(&field, *value)).collect();
            named.join(", ")
        };
        let missing: Vec<u32> = want
            .iter()
            .copied()
            .filter(|value| !have.contains(value) && (exact || required(*value)))
            .collect();
        if !missing.is_empty() {
            return different(path, names(&missing), "nothing");
        }
        let surplus: Vec<u32> = have
            .iter()
            .copied()
            .filter(|value| !want.contains(value) && (exact || want.is_empty()))
            .collect();
        if !surplus.is_empty() {
            let wanted = if want.is_empty() { "nothing".to_owned() } else { names(&want) };
            return different(path, wanted, names(&surplus));
        }
        if !want.is_empty() && have.is_empty() {
            return different(path, names(&want), "nothing");
        }
        Ok(())
    }
}
