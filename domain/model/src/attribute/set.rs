//! The attributes of one object: instances with an index that is never given out twice (1.4 §2.1.1).

use super::{Attribute, AttributeReference, RuleViolation};

/// How many instances one object may have: whoever looks for objects looks at all of them.
const MAXIMUM_INSTANCES: usize = 1_024;

/// How many bytes the values of one object's attributes may have together.
const MAXIMUM_SIZE: usize = 1 << 20;

/// One value and its Attribute Index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Attribute Index; 0 for attributes that have one value.
    pub index: u32,
    /// The value.
    pub attribute: Attribute,
}

/// The attributes that an object has been given, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeSet {
    instances: Vec<Instance>,
    /// The next index of attributes whose last instance was deleted.
    retired: Vec<(AttributeReference, u32)>,
}

impl AttributeSet {
    /// Lists all instances.
    pub fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter()
    }

    /// Lists the instances of one attribute.
    pub fn of<'a>(
        &'a self,
        reference: &'a AttributeReference,
    ) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| instance.attribute.is(reference))
    }

    /// Lists the next index of attributes that have lost their highest one.
    #[must_use]
    pub fn retired(&self) -> &[(AttributeReference, u32)] {
        &self.retired
    }

    /// Says whether the attribute has a value.
    #[must_use]
    pub fn has(&self, reference: &AttributeReference) -> bool {
        self.of(reference).next().is_some()
    }

    /// Puts instances back as they were stored.
    #[must_use]
    pub fn restore(instances: Vec<Instance>, retired: Vec<(AttributeReference, u32)>) -> Self {
        Self { instances, retired }
    }

    /// Adds an instance and returns it.
    pub fn add(&mut self, attribute: Attribute) -> Result<Instance, RuleViolation> {
        let reference = attribute.reference();
        let tag = attribute.tag();
        if !attribute.multiple_instances() && self.has(&reference) {
            return Err(RuleViolation::SingleValued(tag));
        }
        if self.of(&reference).any(|instance| instance.attribute == attribute) {
            return Err(RuleViolation::DuplicateValue(tag));
        }
        // What was removed takes room, too, as long as its index must not come again.
        if self.instances.len().saturating_add(self.retired.len()) >= MAXIMUM_INSTANCES {
            return Err(RuleViolation::TooMuch(tag));
        }
        let index = if attribute.multiple_instances() { self.next_index(&reference) } else { 0 };
        let instance = Instance { index, attribute };
        self.instances.push(instance.clone());
        Ok(instance)
    }

    /// Checks that the values together are no larger than the attributes of one object may be.
    pub fn check_size(&self) -> Result<(), RuleViolation> {
        let mut size = 0_usize;
        for instance in &self.instances {
            size = size.saturating_add(instance.attribute.to_value().size());
            if size > MAXIMUM_SIZE {
                return Err(RuleViolation::TooMuch(instance.attribute.tag()));
            }
        }
        Ok(())
    }

    /// Sets the only value of a single-valued attribute.
    pub fn set(&mut self, attribute: Attribute) {
        let reference = attribute.reference();
        match self.instances.iter_mut().find(|have| have.attribute.is(&reference)) {
            Some(instance) => instance.attribute = attribute,
            None => self.instances.push(Instance { index: 0, attribute }),
        }
    }

    /// Replaces the instance with that index.
    pub fn replace(
        &mut self,
        index: u32,
        attribute: Attribute,
    ) -> Result<&Instance, RuleViolation> {
        let reference = attribute.reference();
        let tag = attribute.tag();
        if !self.has(&reference) {
            return Err(RuleViolation::NotFound(tag));
        }
        if self.of(&reference).any(|have| have.index != index && have.attribute == attribute) {
            return Err(RuleViolation::DuplicateValue(tag));
        }
        let instance = self
            .instances
            .iter_mut()
            .find(|have| have.index == index && have.attribute.is(&reference))
            .ok_or(RuleViolation::InstanceNotFound(tag))?;
        instance.attribute = attribute;
        Ok(instance)
    }

    /// Removes the instance with that index.
    pub fn remove(
        &mut self,
        reference: &AttributeReference,
        index: u32,
    ) -> Result<Instance, RuleViolation> {
        if !self.has(reference) {
            return Err(RuleViolation::NotFound(reference.tag()));
        }
        let position = self
            .instances
            .iter()
            .position(|have| have.index == index && have.attribute.is(reference))
            .ok_or(RuleViolation::InstanceNotFound(reference.tag()))?;
        let next = self.next_index(reference);
        let removed = self.instances.remove(position);
        if reference.multiple_instances() && self.next_index(reference) != next {
            self.retired.retain(|(have, _)| have != reference);
            self.retired.push((reference.clone(), next));
        }
        Ok(removed)
    }

    /// Removes every instance of an attribute; says how many there were.
    pub fn remove_all(&mut self, reference: &AttributeReference) -> usize {
        let indexes: Vec<u32> = self.of(reference).map(|instance| instance.index).collect();
        for index in &indexes {
            let removed = self.remove(reference, *index);
            debug_assert!(removed.is_ok(), "the index was read above");
        }
        indexes.len()
    }

    fn next_index(&self, reference: &AttributeReference) -> u32 {
        let retired =
            self.retired.iter().find(|(have, _)| have == reference).map_or(0, |(_, next)| *next);
        let used = self
            .of(reference)
            .map(|instance| instance.index.saturating_add(1))
            .max()
            .unwrap_or_default();
        used.max(retired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribute::Name, enumeration::Tag};

    fn name(text: &str) -> Attribute {
        Attribute::Name(Name::text(text))
    }

    #[test]
    fn an_index_is_never_given_out_twice() {
        let mut set = AttributeSet::default();
        set.add(name("a")).unwrap();
        set.add(name("b")).unwrap();
        let reference = AttributeReference::Standard(Tag::Name);
        set.remove(&reference, 1).unwrap();
        assert_eq!(set.add(name("c")).unwrap().index, 2);
        set.remove_all(&reference);
        assert_eq!(set.add(name("d")).unwrap().index, 3);
    }

    #[test]
    fn an_object_has_so_many_attributes_and_no_more() {
        let mut set = AttributeSet::default();
        for number in 0..MAXIMUM_INSTANCES {
            set.add(name(&number.to_string())).unwrap();
        }
        assert_eq!(set.add(name("more")), Err(RuleViolation::TooMuch(Tag::Name)));
        // The index of what was removed is still remembered, and that takes room.
        let reference = AttributeReference::Standard(Tag::Name);
        set.remove_all(&reference);
        for number in 1..MAXIMUM_INSTANCES {
            set.add(name(&number.to_string())).unwrap();
        }
        assert_eq!(set.add(name("more")), Err(RuleViolation::TooMuch(Tag::Name)));
    }

    #[test]
    fn the_attributes_of_an_object_have_so_many_bytes_and_no_more() {
        let mut set = AttributeSet::default();
        set.set(Attribute::Comment("a".repeat(MAXIMUM_SIZE - 8)));
        assert_eq!(set.check_size(), Ok(()));
        set.set(Attribute::Description(String::new()));
        assert_eq!(set.check_size(), Err(RuleViolation::TooMuch(Tag::Description)));
    }

    #[test]
    fn a_single_valued_attribute_takes_one_value() {
        let mut set = AttributeSet::default();
        set.add(Attribute::ContactInformation("a".into())).unwrap();
        assert_eq!(
            set.add(Attribute::ContactInformation("b".into())),
            Err(RuleViolation::SingleValued(Tag::ContactInformation))
        );
    }

    #[test]
    fn the_same_value_twice_is_refused() {
        let mut set = AttributeSet::default();
        set.add(name("a")).unwrap();
        assert_eq!(set.add(name("a")), Err(RuleViolation::DuplicateValue(Tag::Name)));
    }
}
