//! Discover Versions (KMIP 2.1 §6.1.16, 1.4 §4.26).
//!
//! Lists the protocol versions that both sides know, the server's preference first.

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// The versions that the client knows: major, minor; none asks for all.
    pub protocol_versions: Vec<(i32, i32)>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The versions that both know.
    pub protocol_versions: Vec<(i32, i32)>,
}

#[expect(clippy::unused_async, reason = "every handler is run the same way")]
pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let wanted = &request.protocol_versions;
    let protocol_versions = item
        .settings()
        .protocol_versions
        .iter()
        .filter(|version| wanted.is_empty() || wanted.contains(version))
        .copied()
        .collect();
    Ok(Response { protocol_versions })
}
