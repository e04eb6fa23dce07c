//! Log (KMIP 2.1 §6.1.29): writes the client's text to the server's log.

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Log Message.
    pub log_message: String,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {}

/// The longest text that is logged, in characters.
const LONGEST: usize = 1_024;

#[expect(clippy::unused_async, reason = "every handler is run the same way")]
pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let text: String = request.log_message.chars().take(LONGEST).collect();
    tracing::info!(user = %item.principal().user, text = ?text, "client log");
    Ok(Response {})
}
