//! Activate (KMIP 2.1 §6.1.1, 1.4 §4.19).
//!
//! Moves a Pre-Active object to Active and sets its Activation Date to now.
//! Not repeatable: a second Activate is refused for the object's state.

use std::sync::Arc;

use kmip_model::{IdentifierRef, UniqueIdentifier};

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
    /// The object that was activated.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let object = Arc::unwrap_or_clone(fetched.value).activate(item.now())?;
    let unique_identifier = object.identifier().clone();
    item.save(object, fetched.revision);
    Ok(Response { unique_identifier })
}
