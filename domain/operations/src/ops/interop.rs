//! Interop (KMIP 2.1 §6.1.26): marks the beginning and the end of a conformance test.
//!
//! Offered only when switched on; Reset is refused, since a server with keys must not forget them.

use kmip_model::enumeration::{InteropFunction, Operation};

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Interop Function.
    pub interop_function: InteropFunction,
    /// Interop Identifier: the name of the test.
    pub interop_identifier: Option<String>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {}

#[expect(clippy::unused_async, reason = "every handler is run the same way")]
pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    if !item.settings().interop {
        return Err(OperationError::OperationNotSupported(Operation::Interop));
    }
    if request.interop_function == InteropFunction::Reset {
        return Err(OperationError::FeatureNotSupported("Interop Reset"));
    }
    tracing::info!(function = %request.interop_function, "interop");
    Ok(Response {})
}
