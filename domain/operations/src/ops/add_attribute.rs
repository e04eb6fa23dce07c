//! Add Attribute (KMIP 2.1 §6.1.2, 1.4 §4.14).
//!
//! Adds an instance of an attribute. Not repeatable: the same value twice is refused.

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{Attribute, Instance, RuleViolation},
};

use crate::{
    error::OperationError,
    processor::Item,
    shared::change_attribute::{Change, replaces_when_added},
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// The new value.
    pub attribute: Attribute,
    /// The index that a client of 1.x gave, which it must not.
    pub attribute_index: Option<u32>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
    /// The value with its index, for clients of 1.x.
    pub attribute: Option<Instance>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let mut change = Change::begin(item, &request.unique_identifier).await?;
    let attribute = Change::completed(request.attribute.clone());
    //= KMIP-1.4 §4.14
    if request.attribute_index.is_some() {
        return Err(RuleViolation::IndexGiven(attribute.tag()).into());
    }
    change.check_new(&attribute, item.now())?;
    let unique_identifier = change.object.identifier().clone();
    let added = if replaces_when_added(&attribute) {
        // Who may add attributes to another's object would otherwise allow himself the rest.
        item.check_owner(&change.object)?;
        change.object.attributes_mut().set(attribute.clone());
        Instance { index: 0, attribute: attribute.clone() }
    } else {
        change.object.attributes_mut().add(attribute.clone())?.clone()
    };
    change.follow(item, &attribute);
    change.save(item)?;
    Ok(Response { unique_identifier, attribute: Some(added) })
}
