//! Locate (KMIP 2.1 §6.1.28, 1.4 §4.9).
//!
//! Finds objects that have all the attributes given, newest first. Exactly one hit becomes the ID
//! Placeholder; several empty it, unless the request wanted one only. Finding nothing is a success.

use kmip_model::UniqueIdentifier;

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// What to look for.
    pub query: kmip_model::locate::Locate,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// Located Items: how many there are before offset and maximum.
    pub located_items: Option<i32>,
    /// The objects of this page.
    pub unique_identifiers: Vec<UniqueIdentifier>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let page = item.locate(&request.query).await?;
    let placeholder = match page.items.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    //= KMIP-2.1 §6.1.28
    // Without a match there is nothing to stand for, and several matches stand for nothing.
    item.set_placeholder(placeholder);
    let paged = request.query.maximum.is_some() || request.query.offset > 0;
    //= KMIP-2.1 §6.1.28
    // A server that does not count all that there are leaves the number away.
    let total = page.total.filter(|_| paged);
    let located_items = total.and_then(|total| i32::try_from(total).ok());
    Ok(Response { located_items, unique_identifiers: page.items })
}
