//! Delete Attribute (KMIP 2.1 §6.1.13, 1.4 §4.16).
//!
//! Removes one value, or in 2.x all values, of an attribute.

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{Attribute, AttributeReference, Instance, RuleViolation},
};

use crate::{
    error::OperationError,
    processor::Item,
    shared::change_attribute::{Change, check_known},
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// What to remove.
    pub selection: Selection,
}

/// What a request wants removed.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// The instance with this index, 0 if not given: 1.x.
    Index(AttributeReference, Option<u32>),
    /// The only one: 1.0 without an index.
    Only(AttributeReference),
    /// The instance with this value: 2.x.
    Current(Attribute),
    /// Every instance: 2.x.
    Every(AttributeReference),
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
    /// The value that was removed, for clients of 1.x.
    pub attribute: Option<Instance>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let mut change = Change::begin(item, &request.unique_identifier).await?;
    let reference = match &request.selection {
        Selection::Index(reference, _)
        | Selection::Only(reference)
        | Selection::Every(reference) => reference.clone(),
        Selection::Current(attribute) => attribute.reference(),
    };
    check_known(&reference)?;
    change.check_deletable(&reference, item.now())?;
    let unique_identifier = change.object.identifier().clone();
    let attributes = change.object.attributes_mut();
    let removed = match &request.selection {
        Selection::Index(reference, index) => {
            Some(attributes.remove(reference, index.unwrap_or_default())?)
        }
        Selection::Only(reference) => {
            //= KMIP-1.0 §4.15
            if attributes.of(reference).count() > 1 {
                return Err(RuleViolation::MultiValued(reference.tag()).into());
            }
            let only = attributes.of(reference).next().map(|instance| instance.index);
            let only = only.ok_or(RuleViolation::NotFound(reference.tag()))?;
            Some(attributes.remove(reference, only)?)
        }
        Selection::Current(current) => {
            let index = attributes
                .of(&reference)
                .find(|instance| instance.attribute == *current)
                .map(|instance| instance.index);
            let index = index.ok_or(RuleViolation::InstanceNotFound(reference.tag()))?;
            Some(attributes.remove(&reference, index)?)
        }
        Selection::Every(reference) => {
            if attributes.remove_all(reference) == 0 {
                return Err(RuleViolation::NotFound(reference.tag()).into());
            }
            None
        }
    };
    change.save(item)?;
    Ok(Response { unique_identifier, attribute: removed })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::Tag;

    use super::*;
    use crate::{
        ops,
        testing::{ONE, World, aes},
    };

    #[test]
    fn without_an_index_the_only_instance_is_removed_and_one_of_several_is_not() {
        let world = World::new().speaking(ONE);
        let mut attributes = aes(128);
        attributes.extend(["a", "b"].map(|group| Attribute::ObjectGroup(group.into())));
        let identifier = world.create(attributes).unwrap();
        let delete = |selection| {
            let unique_identifier = identifier.clone().into();
            let request = Request { unique_identifier, selection };
            world.run(ops::Request::DeleteAttribute(request)).map(drop)
        };
        let reference = AttributeReference::Standard(Tag::ObjectGroup);
        let only = || Selection::Only(AttributeReference::Standard(Tag::ObjectGroup));
        assert_eq!(delete(only()), Err(RuleViolation::MultiValued(Tag::ObjectGroup).into()));
        assert_eq!(delete(Selection::Index(reference, None)), Ok(()));
        assert_eq!(delete(only()), Ok(()));
        assert_eq!(delete(only()), Err(RuleViolation::NotFound(Tag::ObjectGroup).into()));
    }
}
