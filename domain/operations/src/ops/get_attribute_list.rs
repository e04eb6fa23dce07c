//! Get Attribute List (KMIP 2.1 §6.1.21, 1.4 §4.13).
//!
//! Names the attributes that an object has, each once, in the order of the attribute table.
//! A destroyed object still has some.

use kmip_model::{IdentifierRef, UniqueIdentifier, attribute::AttributeReference};

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
    /// Its attributes.
    pub attribute_references: Vec<AttributeReference>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch_even_destroyed(&request.unique_identifier).await?;
    let mut attribute_references: Vec<AttributeReference> = Vec::new();
    for instance in fetched.value.all_attributes() {
        let reference = instance.attribute.reference();
        if !attribute_references.contains(&reference) {
            attribute_references.push(reference);
        }
    }
    Ok(Response { unique_identifier: fetched.value.identifier().clone(), attribute_references })
}
