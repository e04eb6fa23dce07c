//! Revoke (KMIP 2.1 §6.1.44, 1.4 §4.20).
//!
//! Deactivates an Active object, or marks an object in any state as compromised. A Pre-Active
//! object is revoked for a compromise only. What is destroyed can still be marked compromised.
//! Repeatable for a compromise, which then changes nothing.

use std::sync::Arc;

use kmip_model::{
    DateTime, IdentifierRef, UniqueIdentifier,
    attribute::RevocationReason,
    enumeration::{Enumeration as _, RevocationReasonCode, Tag},
};

use crate::{error::OperationError, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// Revocation Reason.
    pub revocation_reason: RevocationReason,
    /// Compromise Occurrence Date; for a compromise only.
    pub compromise_occurrence_date: Option<DateTime>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object that was revoked.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let reason = &request.revocation_reason;
    let code = reason.revocation_reason_code;
    if RevocationReasonCode::MEMBERS.iter().all(|known| known.value != code.value()) {
        return Err(OperationError::InvalidValue(
            Tag::RevocationReasonCode,
            "it is no reason that is known",
        ));
    }
    let fetched = if reason.is_compromise() {
        item.fetch_even_destroyed(&request.unique_identifier).await?
    } else {
        item.fetch(&request.unique_identifier).await?
    };
    let occurrence = request.compromise_occurrence_date;
    let object =
        Arc::unwrap_or_clone(fetched.value).revoke(reason.clone(), occurrence, item.now())?;
    let unique_identifier = object.identifier().clone();
    item.save(object, fetched.revision);
    Ok(Response { unique_identifier })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops,
        testing::{World, aes},
    };

    #[test]
    fn a_reason_that_is_not_known_is_refused() {
        let world = World::new();
        let identifier = world.create(aes(128)).unwrap();
        for revocation_reason_code in [RevocationReasonCode(0), RevocationReasonCode(0x8000_0001)] {
            let request = Request {
                unique_identifier: identifier.clone().into(),
                revocation_reason: RevocationReason {
                    revocation_reason_code,
                    revocation_message: None,
                },
                compromise_occurrence_date: None,
            };
            assert!(matches!(
                world.run(ops::Request::Revoke(request)),
                Err(OperationError::InvalidValue(Tag::RevocationReasonCode, _))
            ));
        }
    }
}
