//! Why bytes are not what they should be (KMIP 2.1 §10.1, 1.4 §9.1 and §11.1).

use kmip_model::{attribute::AttributeReference, enumeration::Tag, value::Misshapen};
use thiserror::Error;

/// One thing that is wrong, and the item it is wrong with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{tag} {kind}")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The item; [`NO_TAG`] where none could be read.
    pub tag: Tag,
}

/// Stands for the tag of an item whose header is cut off.
pub const NO_TAG: Tag = Tag(0);

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultKind {
    /// The item is longer than what holds it.
    #[error("ends before its length says")]
    Truncated,
    /// Something follows the one item that was expected.
    #[error("is followed by more bytes")]
    Trailing,
    /// The message is longer than the limit.
    #[error("is longer than the limit")]
    TooLong,
    /// The length does not fit the item type.
    #[error("has a length that its item type cannot have")]
    BadLength,
    /// There is no such item type.
    #[error("has an unknown item type")]
    BadType,
    /// The tag is neither a standard one nor an extension.
    #[error("is not a tag")]
    BadTag,
    /// Structures are nested deeper than the limit.
    #[error("is nested too deeply")]
    TooDeep,
    /// The message has more items than the limit.
    #[error("is one item too many")]
    TooMany,
    /// A Text String is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A Boolean is neither 0 nor 1.
    #[error("is neither true nor false")]
    BadBoolean,
    /// A field that must be there is not.
    #[error("is missing")]
    Missing,
    /// A field that may be there once is there twice.
    #[error("is repeated")]
    Repeated,
    /// A field that does not belong here.
    #[error("does not belong here")]
    Unexpected,
    /// The item type is not the one of this field.
    #[error("has an item type that it cannot have")]
    WrongType,
    /// The value is outside what the field can hold.
    #[error("has a value that it cannot have")]
    OutOfRange,
    /// An attribute that the version does not know.
    #[error("names an unknown attribute")]
    UnknownAttribute(Box<AttributeReference>),
}

impl Fault {
    /// Names what is wrong with an item.
    #[must_use]
    pub const fn new(kind: FaultKind, tag: Tag) -> Self {
        Self { kind, tag }
    }

    /// Says that a field is missing.
    #[must_use]
    pub const fn missing(tag: Tag) -> Self {
        Self::new(FaultKind::Missing, tag)
    }

    /// Says that a field has another item type than it should.
    #[must_use]
    pub const fn wrong_type(tag: Tag) -> Self {
        Self::new(FaultKind::WrongType, tag)
    }

    /// Says that a field has a value that it cannot have.
    #[must_use]
    pub const fn out_of_range(tag: Tag) -> Self {
        Self::new(FaultKind::OutOfRange, tag)
    }

    /// Says that a field does not belong where it is.
    #[must_use]
    pub const fn unexpected(tag: Tag) -> Self {
        Self::new(FaultKind::Unexpected, tag)
    }

    /// Says that there is no such attribute.
    #[must_use]
    pub fn unknown_attribute(reference: AttributeReference) -> Self {
        let tag = reference.tag();
        Self::new(FaultKind::UnknownAttribute(Box::new(reference)), tag)
    }

    /// Returns the attribute that is unknown, if that is what is wrong.
    #[must_use]
    pub fn attribute(&self) -> Option<&AttributeReference> {
        match &self.kind {
            FaultKind::UnknownAttribute(reference) => Some(reference),
            _ => None,
        }
    }

    /// Says whether the bytes are no items at all, so that the message cannot be read, rather
    /// than items of which one field is not as it should be.
    #[must_use]
    pub const fn is_of_encoding(&self) -> bool {
        match self.kind {
            FaultKind::Truncated
            | FaultKind::Trailing
            | FaultKind::TooLong
            | FaultKind::BadLength
            | FaultKind::BadType
            | FaultKind::BadTag
            | FaultKind::TooDeep
            | FaultKind::TooMany
            | FaultKind::NotUtf8
            | FaultKind::BadBoolean => true,
            FaultKind::Missing
            | FaultKind::Repeated
            | FaultKind::Unexpected
            | FaultKind::WrongType
            | FaultKind::OutOfRange
            | FaultKind::UnknownAttribute(_) => false,
        }
    }
}

impl From<Misshapen> for Fault {
    fn from(misshapen: Misshapen) -> Self {
        match misshapen {
            Misshapen::ItemType(tag) => Self::wrong_type(tag),
            Misshapen::Missing(tag) => Self::missing(tag),
            Misshapen::Unexpected(tag) => Self::unexpected(tag),
            Misshapen::OutOfRange(tag) => Self::out_of_range(tag),
        }
    }
}
