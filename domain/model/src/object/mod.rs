//! Managed objects (KMIP 2.1 §2, 1.4 §2.2): identity, owner, attributes, and a life.

mod dates;
mod key_block;
mod kind;
mod life;
mod usage;

pub use key_block::{
    KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, KeyWrappingSpecification,
};
pub use kind::Object;
pub use life::{IllegalTransition, Life, Transition};
pub use usage::{KeyInUse, ProcessingKey, ProtectionKey, UsageDenied};

use crate::{
    attribute::{Attribute, AttributeReference, AttributeSet, Instance},
    date::DateTime,
    enumeration::{ObjectType, State, Tag},
    identifier::UniqueIdentifier,
};

/// One managed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedObject {
    identifier: UniqueIdentifier,
    owner: String,
    attributes: AttributeSet,
    life: Life,
}

impl ManagedObject {
    /// Makes a Pre-Active object; dates that have come take effect with [`ManagedObject::at`].
    #[must_use]
    pub fn new(
        identifier: UniqueIdentifier,
        owner: impl Into<String>,
        object: Object,
        attributes: AttributeSet,
    ) -> Self {
        Self { identifier, owner: owner.into(), attributes, life: Life::PreActive(object) }
    }

    /// Puts an object back as it was stored.
    #[must_use]
    pub fn restore(
        identifier: UniqueIdentifier,
        owner: String,
        attributes: AttributeSet,
        life: Life,
    ) -> Self {
        Self { identifier, owner, attributes, life }
    }

    /// Returns the Unique Identifier.
    #[must_use]
    pub fn identifier(&self) -> &UniqueIdentifier {
        &self.identifier
    }

    /// Returns the name of the user who owns the object.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Gives the object to another user. Nothing else of it changes.
    #[must_use]
    pub fn owned_by(self, owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), ..self }
    }

    /// Returns the attributes that are kept; see [`ManagedObject::attribute`] for all.
    #[must_use]
    pub fn attributes(&self) -> &AttributeSet {
        &self.attributes
    }

    /// Returns the attributes that are kept, to change them.
    pub fn attributes_mut(&mut self) -> &mut AttributeSet {
        &mut self.attributes
    }

    /// Returns where the object is in its life.
    #[must_use]
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Returns the Object Type.
    #[must_use]
    pub fn object_type(&self) -> ObjectType {
        match &self.life {
            Life::PreActive(object)
            | Life::Active(object)
            | Life::Deactivated(object)
            | Life::Compromised(object) => object.object_type(),
            Life::Destroyed(object_type) | Life::DestroyedCompromised(object_type) => *object_type,
        }
    }

    /// Returns what the object holds; nothing once it is destroyed.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        match &self.life {
            Life::PreActive(object)
            | Life::Active(object)
            | Life::Deactivated(object)
            | Life::Compromised(object) => Some(object),
            Life::Destroyed(_) | Life::DestroyedCompromised(_) => None,
        }
    }

    /// Says whether the object is destroyed.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.object().is_none()
    }

    /// Returns the State; Templates have none.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        (self.object_type() != ObjectType::Template).then(|| self.life.state())
    }

    /// Returns the Operation Policy Name that governs the object.
    #[must_use]
    pub fn operation_policy_name(&self) -> &str {
        self.attributes.operation_policy_name().map_or("default", String::as_str)
    }

    /// Lists every attribute that has a value, kept or derived, in the order of the table;
    /// vendors' attributes last.
    #[must_use]
    pub fn all_attributes(&self) -> Vec<Instance> {
        let mut all: Vec<Instance> = self.derived().collect();
        all.extend(self.attributes.iter().cloned());
        let position = |instance: &Instance| {
            let tag = instance.attribute.tag();
            crate::attribute::Rules::all().iter().position(|rules| rules.tag == tag)
        };
        all.sort_by_key(|instance| (position(instance).unwrap_or(usize::MAX), instance.index));
        all
    }

    /// Lists the instances of one attribute, kept or derived, by index.
    #[must_use]
    pub fn attribute(&self, reference: &AttributeReference) -> Vec<Instance> {
        let mut found: Vec<Instance> =
            self.derived().filter(|have| have.attribute.reference() == *reference).collect();
        found.extend(self.attributes.of(reference).cloned());
        found.sort_by_key(|instance| instance.index);
        found
    }

    /// Returns one date attribute.
    #[must_use]
    pub fn date(&self, tag: Tag) -> Option<DateTime> {
        self.attributes.iter().find_map(|instance| {
            if instance.attribute.tag() != tag {
                return None;
            }
            match instance.attribute.to_value() {
                crate::Value::DateTime(date) => Some(date),
                _ => None,
            }
        })
    }

    /// Lists the attributes that follow from what the object is.
    fn derived(&self) -> impl Iterator<Item = Instance> {
        let object = self.object();
        let opaque = object.and_then(|object| match object {
            Object::OpaqueObject { opaque_data_type, .. } => Some(*opaque_data_type),
            _ => None,
        });
        let location_only = object
            .and_then(Object::key_block)
            .is_some_and(|key_block| key_block.key_value.is_none());
        [
            Some(Attribute::UniqueIdentifier(self.identifier.clone())),
            Some(Attribute::ObjectType(self.object_type())),
            self.state().map(Attribute::State),
            object.and_then(Object::key_format_type).map(Attribute::KeyFormatType),
            opaque.map(Attribute::OpaqueDataType),
            location_only.then_some(Attribute::KeyValuePresent(false)),
        ]
        .into_iter()
        .flatten()
        .map(|attribute| Instance { index: 0, attribute })
    }
}
