//! Destroy (KMIP 2.1 §6.1.15, 1.4 §4.21).
//!
//! Erases what the object holds and leaves a tombstone, so that its identifier is never given out
//! again. Refused while the object is Active. Not repeatable.

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
    /// The object that was destroyed.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    if fetched.value.is_destroyed() {
        return Err(OperationError::Destroyed);
    }
    let object = Arc::unwrap_or_clone(fetched.value).destroy(item.now())?;
    let unique_identifier = object.identifier().clone();
    item.save(object, fetched.revision);
    Ok(Response { unique_identifier })
}
