//! Set Attribute (KMIP 2.1 §6.1.51).
//!
//! Sets the value of an attribute that can have one only, whether it had one or not.

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{Attribute, RuleViolation, Setter},
};

use crate::{error::OperationError, processor::Item, shared::change_attribute::Change};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// The value.
    pub new_attribute: Attribute,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let mut change = Change::begin(item, &request.unique_identifier).await?;
    let attribute = Change::completed(request.new_attribute.clone());
    let reference = attribute.reference();
    let server_sets =
        reference.rules().is_some_and(|rules| rules.initially_set_by == Setter::Server);
    if server_sets {
        return Err(RuleViolation::ReadOnly(reference.tag()).into());
    }
    let several = change.object.attributes().of(&reference).count() > 1;
    let standard = reference.rules().is_some();
    if several || (standard && reference.multiple_instances()) {
        return Err(RuleViolation::MultiValued(reference.tag()).into());
    }
    if change.object.attributes().has(&reference) {
        change.check_modifiable(&reference, item.now())?;
    } else {
        change.check_new(&attribute, item.now())?;
    }
    change.check_protection(&attribute)?;
    let unique_identifier = change.object.identifier().clone();
    change.object.attributes_mut().set(attribute.clone());
    change.follow(item, &attribute);
    change.save(item)?;
    Ok(Response { unique_identifier })
}
