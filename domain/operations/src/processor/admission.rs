//! What a message must be before any of its items is begun (KMIP 2.1 §9.4, 1.4 §6).

use kmip_model::DateTime;

use crate::{error::OperationError, message::RequestMessage};

/// How old a Time Stamp may be, in seconds.
const STALE_AFTER: i64 = 60;

/// How far in the future a Time Stamp may be, in seconds: clocks differ.
const CLOCK_SKEW: i64 = 30;

/// How many items a batch may have.
const MAXIMUM_ITEMS: usize = 1_024;

/// Checks what concerns the message as a whole.
pub(super) fn check_message(request: &RequestMessage, now: DateTime) -> Result<(), OperationError> {
    if let Some(time_stamp) = request.time_stamp {
        let age = now.since(time_stamp);
        if age < -CLOCK_SKEW {
            return Err(OperationError::FutureTimeStamp);
        }
        if age >= STALE_AFTER {
            return Err(OperationError::StaleTimeStamp);
        }
    }
    if request.asynchronous_only {
        return Err(OperationError::AsynchronousNotSupported);
    }
    if request.items.iter().any(|item| item.critical_extension) {
        return Err(OperationError::UnknownMessageExtension);
    }
    if request.items.len() > MAXIMUM_ITEMS {
        return Err(OperationError::TooManyItems);
    }
    let several = request.items.len() > 1;
    if several && request.items.iter().any(|item| item.unique_batch_item_id.is_none()) {
        return Err(OperationError::MissingUniqueBatchItemId);
    }
    Ok(())
}
