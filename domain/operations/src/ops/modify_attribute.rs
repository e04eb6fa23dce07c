//! Modify Attribute (KMIP 2.1 §6.1.34, 1.4 §4.15).
//!
//! Replaces a value. In 1.x the index says which, in 2.x the current value does.

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{Attribute, AttributeReference, Instance, RuleViolation},
};

use crate::{error::OperationError, processor::Item, shared::change_attribute::Change};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// Which value to replace.
    pub selection: Selection,
    /// The new value.
    pub attribute: Attribute,
}

/// Which instance of an attribute a request means.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// The one with this index, 0 if not given: 1.x.
    Index(Option<u32>),
    /// The one with this value: 2.x.
    Current(Attribute),
    /// The only one: 2.x without Current Attribute.
    Only,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
    /// The new value with its index, for clients of 1.x.
    pub attribute: Option<Instance>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let mut change = Change::begin(item, &request.unique_identifier).await?;
    let attribute = Change::completed(request.attribute.clone());
    let reference = attribute.reference();
    change.check_modifiable(&reference, item.now())?;
    let index = select(&change, &reference, &request.selection)?;
    change.check_protection(&attribute)?;
    let unique_identifier = change.object.identifier().clone();
    let modified = change.object.attributes_mut().replace(index, attribute.clone())?.clone();
    change.follow(item, &attribute);
    change.save(item)?;
    Ok(Response { unique_identifier, attribute: Some(modified) })
}

/// Finds the index of the instance that the request means.
fn select(
    change: &Change,
    reference: &AttributeReference,
    selection: &Selection,
) -> Result<u32, OperationError> {
    let instances: Vec<&Instance> = change.object.attributes().of(reference).collect();
    let Some(first) = instances.first() else {
        return Err(RuleViolation::NotFound(reference.tag()).into());
    };
    match selection {
        Selection::Index(index) => {
            let index = index.unwrap_or_default();
            if instances.iter().any(|instance| instance.index == index) {
                Ok(index)
            } else {
                Err(RuleViolation::InstanceNotFound(reference.tag()).into())
            }
        }
        Selection::Current(current) => instances
            .iter()
            .find(|instance| instance.attribute == *current)
            .map(|instance| instance.index)
            .ok_or_else(|| RuleViolation::InstanceNotFound(reference.tag()).into()),
        Selection::Only if instances.len() > 1 => {
            Err(RuleViolation::MultiValued(reference.tag()).into())
        }
        Selection::Only => Ok(first.index),
    }
}
