//! Messages without tags or versions (KMIP 2.1 §8 and §9, 1.4 §6 and §7).

use std::time::Duration;

use kmip_model::{
    DateTime, IdentifierRef, UniqueIdentifier,
    enumeration::{BatchErrorContinuationOption, ObjectType, Operation, Tag},
};
use kmip_ports::{encoding::AttributeForm, identity::Credential};

use crate::{
    error::OperationError,
    ops::{Request, Response},
};

/// One request message, decoded.
#[derive(Debug)]
pub struct RequestMessage {
    /// The rules that the client's version implies.
    pub dialect: Dialect,
    /// Maximum Response Size, in bytes.
    pub maximum_response_size: Option<u32>,
    /// Client Correlation Value.
    pub client_correlation_value: Option<String>,
    /// The Server Correlation Value that the answer will have.
    pub server_correlation_value: Option<String>,
    /// Says whether the client insists on an asynchronous answer.
    pub asynchronous_only: bool,
    /// The credentials of Authentication.
    pub credentials: Vec<Credential>,
    /// Batch Error Continuation Option.
    pub batch_error_continuation_option: BatchErrorContinuationOption,
    /// Time Stamp.
    pub time_stamp: Option<DateTime>,
    /// The items, each decoded by itself.
    pub items: Vec<RequestItem>,
}

/// One item of a batch.
#[derive(Debug)]
pub struct RequestItem {
    /// Operation, known or not.
    pub operation: Operation,
    /// Unique Batch Item ID.
    pub unique_batch_item_id: Option<Vec<u8>>,
    /// Says whether a Message Extension that must be understood is there.
    pub critical_extension: bool,
    /// The payload, or why it cannot be understood.
    pub payload: Result<Request, PayloadFault>,
}

/// Why the payload of one item cannot be understood. The other items still can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadFault {
    /// The server does not know the operation, or the client's version does not.
    #[error("the operation is not supported")]
    OperationNotSupported,
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(Tag),
    /// A field has a type, a length or a value that it cannot have, or is there twice.
    #[error("{0} cannot be read")]
    Malformed(Tag),
    /// A field that is not of this operation.
    #[error("{0} does not belong to this operation")]
    Unexpected(Tag),
    /// An attribute that the standard does not know, by its name.
    #[error("there is no such attribute")]
    UnknownAttribute,
}

/// One response message.
#[derive(Debug)]
pub struct ResponseMessage {
    /// Time Stamp.
    pub time_stamp: DateTime,
    /// Client Correlation Value, echoed.
    pub client_correlation_value: Option<String>,
    /// Server Correlation Value.
    pub server_correlation_value: Option<String>,
    /// The items.
    pub items: Vec<ResponseItem>,
    /// What is measured of each item; nothing if the message was refused as a whole.
    pub measured: Vec<Measured>,
}

/// What is measured of one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The type of the object that the item is about, if it is one and was found.
    pub object_type: Option<ObjectType>,
    /// How long it took.
    pub taken: Duration,
}

/// The answer to one item.
#[derive(Debug)]
pub struct ResponseItem {
    /// Operation; `None` where the failure is the whole message's.
    pub operation: Option<Operation>,
    /// Unique Batch Item ID, echoed.
    pub unique_batch_item_id: Option<Vec<u8>>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one item. Payloads are boxed, since an answer is handed on several times.
#[derive(Debug)]
pub enum Outcome {
    /// Success.
    Success(Box<Response>),
    /// Operation Failed, with the cause; `reason.rs` turns it into words of the client's version.
    Failed(OperationError),
    /// Operation Undone: a later item failed. The payload still says what had been done.
    Undone(Box<Response>),
}

/// The rules that a client's version implies. Handlers ask a rule, never a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Says whether a Name that another of the owner's live objects has is refused.
    pub names_unique: bool,
    /// Says whether destroyed objects are still seen as such, or as never having been.
    pub tombstones_visible: bool,
    /// Says whether attributes of later versions may be left out where none were asked for.
    pub unasked_attributes: UnaskedAttributes,
    /// Says whether Create may be silent about algorithm, length and usage mask.
    pub creation_defaults: bool,
    /// How attributes stand beside a key that is wrapped with them.
    pub attributes_in_key_value: AttributeForm,
    /// Lists the types of object that the client's version cannot read.
    pub unknown_object_types: &'static [ObjectType],
    /// Which column of the table of Result Reasons applies.
    pub reasons: ReasonColumn,
}

/// What Get Attributes returns if the client names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaskedAttributes {
    /// What clients of 1.x are known to read.
    Conservative,
    /// All of them.
    All,
}

/// A column of the table of Result Reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonColumn {
    /// 1.0 to 1.4.
    One,
    /// 2.0.
    TwoZero,
    /// 2.1.
    TwoOne,
}

/// Finds out how many bytes an answer has, in the client's version.
pub trait Measure: Send + Sync {
    /// Returns the bytes of a response without items.
    fn empty_size(&self) -> usize;
    /// Returns the bytes that an item adds.
    fn item_size(&self, item: &ResponseItem) -> usize;
}

/// The identifiers that a batch has brought forth (KMIP 2.1 §4.58 and §6.1, 1.4 §4).
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchIdentifiers<'a> {
    /// The ID Placeholder.
    pub placeholder: Option<&'a UniqueIdentifier>,
    /// The items that are answered so far; their payloads hold identifiers, too.
    pub answered: &'a [ResponseItem],
}

impl<'a> BatchIdentifiers<'a> {
    /// Finds the identifier that a reference means.
    pub fn resolve(
        self,
        reference: &'a IdentifierRef,
    ) -> Result<&'a UniqueIdentifier, OperationError> {
        let found = match reference {
            IdentifierRef::Id(identifier) => Some(identifier),
            IdentifierRef::Placeholder => self.placeholder,
            IdentifierRef::LatestOf(operation) => match *self.latest(*operation) {
                [] => None,
                [only] => Some(only),
                //= KMIP-2.1 §11.58
                // The text repeats the operation for each. Doing it to one would be worse than
                // not doing it.
                _ => return Err(OperationError::SeveralReferences),
            },
            IdentifierRef::LatestPrivateKeyOf(operation) => {
                self.latest(*operation).first().copied()
            }
            IdentifierRef::LatestPublicKeyOf(operation) => self.latest(*operation).get(1).copied(),
            IdentifierRef::Nth(position) => self.nth(*position),
        };
        found.ok_or(OperationError::NoPlaceholder)
    }

    /// Returns what the latest operation of that kind has returned; nothing if it failed.
    fn latest(self, operation: Operation) -> Box<[&'a UniqueIdentifier]> {
        let latest = self.answered.iter().rev().find(|item| item.operation == Some(operation));
        latest.into_iter().flat_map(ResponseItem::unique_identifiers).collect()
    }

    /// Counts from the first identifier of the response, or back from the item being executed.
    fn nth(self, position: i32) -> Option<&'a UniqueIdentifier> {
        let returned: Vec<&UniqueIdentifier> =
            self.answered.iter().flat_map(ResponseItem::unique_identifiers).collect();
        let distance = usize::try_from(position.unsigned_abs()).ok()?;
        let position = if position < 0 { returned.len().checked_sub(distance)? } else { distance };
        returned.get(position).copied()
    }
}

impl ResponseItem {
    /// Lists the identifiers in the payload, in their order.
    fn unique_identifiers(&self) -> Vec<&UniqueIdentifier> {
        match &self.outcome {
            Outcome::Success(response) => response.unique_identifiers(),
            Outcome::Failed(_) | Outcome::Undone(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{activate, create_key_pair, locate, register};

    fn id(text: &str) -> UniqueIdentifier {
        UniqueIdentifier::new(text)
    }

    fn item(operation: Operation, outcome: Outcome) -> ResponseItem {
        ResponseItem { operation: Some(operation), unique_batch_item_id: None, outcome }
    }

    fn registered(text: &str) -> ResponseItem {
        let response = register::Response { unique_identifier: id(text) };
        item(Operation::Register, Outcome::Success(Box::new(Response::Register(response))))
    }

    fn located(texts: &[&str]) -> ResponseItem {
        let response = locate::Response {
            located_items: None,
            unique_identifiers: texts.iter().copied().map(id).collect(),
        };
        item(Operation::Locate, Outcome::Success(Box::new(Response::Locate(response))))
    }

    fn key_pair() -> ResponseItem {
        let response = create_key_pair::Response {
            private_key_unique_identifier: id("private"),
            public_key_unique_identifier: id("public"),
        };
        item(
            Operation::CreateKeyPair,
            Outcome::Success(Box::new(Response::CreateKeyPair(response))),
        )
    }

    fn activated(text: &str) -> ResponseItem {
        let response = activate::Response { unique_identifier: id(text) };
        item(Operation::Activate, Outcome::Success(Box::new(Response::Activate(response))))
    }

    #[test]
    fn references_reach_back_into_the_batch() {
        use IdentifierRef as Ref;
        let answered = [registered("a"), key_pair(), activated("a"), located(&["b"])];
        let placeholder = id("b");
        let batch = BatchIdentifiers { placeholder: Some(&placeholder), answered: &answered };
        for (reference, expected) in [
            (Ref::Placeholder, Some("b")),
            (Ref::LatestOf(Operation::Register), Some("a")),
            (Ref::LatestOf(Operation::Locate), Some("b")),
            (Ref::LatestOf(Operation::Import), None),
            (Ref::LatestPrivateKeyOf(Operation::CreateKeyPair), Some("private")),
            (Ref::LatestPublicKeyOf(Operation::CreateKeyPair), Some("public")),
            (Ref::LatestPublicKeyOf(Operation::ReKeyKeyPair), None),
            // Every identifier of the response counts, in the order in which it has them.
            (Ref::Nth(0), Some("a")),
            (Ref::Nth(1), Some("private")),
            (Ref::Nth(2), Some("public")),
            (Ref::Nth(3), Some("a")),
            (Ref::Nth(-1), Some("b")),
            (Ref::Nth(-4), Some("private")),
            (Ref::Nth(5), None),
            (Ref::Nth(-6), None),
            (Ref::Nth(i32::MIN), None),
        ] {
            let found = batch.resolve(&reference).ok();
            assert_eq!(found, expected.map(id).as_ref(), "{reference:?}");
        }
    }

    #[test]
    fn a_reference_to_several_objects_is_none_to_one_of_them() {
        let answered = [key_pair(), located(&["a", "b"])];
        let batch = BatchIdentifiers { placeholder: None, answered: &answered };
        for operation in [Operation::CreateKeyPair, Operation::Locate] {
            assert_eq!(
                batch.resolve(&IdentifierRef::LatestOf(operation)),
                Err(OperationError::SeveralReferences)
            );
        }
    }

    #[test]
    fn the_latest_operation_is_the_latest_even_if_it_failed() {
        let failed = Outcome::Failed(OperationError::NotFound);
        let answered = [registered("a"), item(Operation::Register, failed)];
        let batch = BatchIdentifiers { placeholder: None, answered: &answered };
        assert_eq!(
            batch.resolve(&IdentifierRef::LatestOf(Operation::Register)),
            Err(OperationError::NoPlaceholder)
        );
    }
}
