//! Everything an operation can fail with: one variant per cause.

use kmip_model::{
    attribute::RuleViolation,
    enumeration::{ObjectType, Operation, Tag},
    locate::UnanswerableFilter,
    object::{IllegalTransition, UsageDenied},
};
use kmip_ports::{crypto::CryptoError, identity::AuthenticationError, store::StoreError};
use thiserror::Error;

use crate::message::PayloadFault;

/// What keeps a client from using an object as it says to Check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UseDenial {
    /// Less is left of them than asked for.
    #[error("Usage Limits Count")]
    UsageLimitsCount,
    /// The object is not for that.
    #[error("Cryptographic Usage Mask")]
    CryptographicUsageMask,
    /// Leases are shorter.
    #[error("Lease Time")]
    LeaseTime,
}

/// Why a key is not wrapped, or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrappingRefused {
    /// The wrapping key is not there, or the caller may not know that it is.
    #[error("the wrapping key does not exist")]
    KeyNotFound,
    /// The wrapping key is destroyed.
    #[error("the wrapping key is destroyed")]
    KeyDestroyed,
    /// What is named as wrapping key is none.
    #[error("what is named as wrapping key is not a symmetric key")]
    NotAKey,
    /// The wrapping key is for other Cryptographic Parameters.
    #[error("the wrapping key has no such Cryptographic Parameters")]
    NoSuchCryptographicParameters,
    /// Keys are wrapped by encryption here, and by nothing else.
    #[error("the Wrapping Method is not supported")]
    MethodNotSupported,
    /// The specification names no key to encrypt with.
    #[error("the Key Wrapping Specification has no Encryption Key Information")]
    NoEncryptionKeyInformation,
    /// The key cannot be wrapped in that Encoding Option.
    #[error("the key cannot be wrapped in that Encoding Option: {0}")]
    EncodingOption(&'static str),
}

/// Why an operation, or a whole message, failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperationError {
    /// There is no such object, or the caller may not know that there is.
    #[error("no such object")]
    NotFound,
    /// The caller knows the object but may not do this.
    #[error("the operation is not permitted on this object")]
    NotPermitted,
    /// There is such an object, which the caller may not know; told apart from `NotFound` by its
    /// reason, where the operator wants that.
    #[error("no such object")]
    Hidden,
    /// The request leaves the identifier out, and nothing in the batch stands for it.
    #[error("the request names no object, and the ID Placeholder is empty")]
    NoPlaceholder,
    /// The request means the objects of an earlier item, and there are several.
    #[error("the request means several objects; it must name each")]
    SeveralReferences,
    /// The object is destroyed.
    #[error("the object is destroyed")]
    Destroyed,
    /// The state machine has no such transition.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// An attribute rule forbids it.
    #[error(transparent)]
    Rule(#[from] RuleViolation),
    /// The same attribute is named twice.
    #[error("an attribute is named twice")]
    AttributeNamedTwice,
    /// There is no such attribute.
    #[error("there is no such attribute")]
    UnknownAttribute,
    /// An attribute that the operation needs is not given.
    #[error("{0} must be given")]
    MissingAttribute(Tag),
    /// A field or attribute has a value that does not fit.
    #[error("{0} has a value that does not fit: {1}")]
    InvalidValue(Tag, &'static str),
    /// A Name is taken.
    #[error("another object has that Name")]
    DuplicateName,
    /// The operation does not apply to objects of this type.
    #[error("the operation does not apply to this type of object")]
    IllegalObjectType,
    /// The operation is not supported.
    #[error("{0} is not supported")]
    OperationNotSupported(Operation),
    /// Something optional that the request wants is not supported.
    #[error("{0} is not supported")]
    FeatureNotSupported(&'static str),
    /// The key cannot be had in that form.
    #[error("the key cannot be had in that Key Format Type")]
    KeyFormatTypeNotSupported,
    /// The key's bytes are no key, so it has no other form than the one it came in.
    #[error("the key material cannot be read as a key: {0}")]
    UnreadableKey(&'static str),
    /// Keys are not compressed here.
    #[error("key compression is not supported")]
    KeyCompressionTypeNotSupported,
    /// The key cannot be had in that wrapping state.
    #[error("the key cannot be had in that Key Wrap Type")]
    KeyWrapTypeNotSupported,
    /// Only the key's location is known.
    #[error("the key value is not present")]
    KeyValueNotPresent,
    /// The object is Sensitive and leaves the server only wrapped.
    #[error("the object is sensitive and is given out only wrapped")]
    Sensitive,
    /// The object is not Extractable.
    #[error("the object is not extractable")]
    NotExtractable,
    /// The object cannot be kept in any of the ways that the client accepts.
    #[error("no Protection Storage Mask of the request can be satisfied for the {0}")]
    ProtectionStorageUnavailable(ObjectType),
    /// What would be made is not as safe as the client asks.
    #[error("the key would not be quantum safe")]
    NotQuantumSafe,
    /// The key may not be used like that.
    #[error(transparent)]
    Usage(#[from] UsageDenied),
    /// Cryptographic Parameters are missing or do not fit together.
    #[error("the Cryptographic Parameters do not suit the operation: {0}")]
    CryptographicParameters(&'static str),
    /// The key cannot be wrapped, or opened, as the client asks.
    #[error(transparent)]
    Wrapping(#[from] WrappingRefused),
    /// The data to derive from is given, and Secret Data that stands for it is named.
    #[error("the Derivation Data is given twice: as such, and as Secret Data")]
    DerivationDataTwice,
    /// An Offset and the dates that it shifts are both given.
    #[error("an Offset and the dates that it sets cannot be given together")]
    OffsetWithDates,
    /// There is nothing for an Offset to shift the dates by.
    #[error("the object has no Activation Date for the Offset to move its dates by")]
    OffsetWithoutActivationDate,
    /// The client may not use the object like that.
    #[error("the client may not use the object like that; the reason is its {0}")]
    UseDenied(UseDenial),
    /// This build does not offer what the Cryptographic Parameters ask for.
    #[error("the Cryptographic Parameters ask for what is not offered")]
    UnsupportedCryptographicParameters,
    /// The mode has no authentication tag of that length.
    #[error("the mode has no tag of that length")]
    TagLength,
    /// No multi-part operation of this caller has that Correlation Value.
    #[error("no operation with that Correlation Value is under way at this server")]
    UnknownCorrelationValue,
    /// More is kept for multi-part operations than there is room for.
    #[error("there is no room for more parts of multi-part operations")]
    NoRoomForParts,
    /// A filter of Locate makes no sense.
    #[error(transparent)]
    Filter(#[from] UnanswerableFilter),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Cryptography failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The payload cannot be understood.
    #[error(transparent)]
    Payload(#[from] PayloadFault),
    /// Nobody could be made out of the peer.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// The answer would be longer than the client allows.
    #[error("the response would be longer than the Maximum Response Size")]
    ResponseTooLarge,
    /// The Time Stamp is too old.
    #[error("the Time Stamp is too old")]
    StaleTimeStamp,
    /// The Time Stamp is in the future.
    #[error("the Time Stamp is in the future")]
    FutureTimeStamp,
    /// A batch of several items has one without a Unique Batch Item ID.
    #[error("an item of the batch has no Unique Batch Item ID")]
    MissingUniqueBatchItemId,
    /// A Message Extension must be understood and is not.
    #[error("a critical Message Extension is not understood")]
    UnknownMessageExtension,
    /// The batch has more items than are executed at once.
    #[error("the batch has too many items")]
    TooManyItems,
    /// The items before this one have taken too long.
    #[error("the batch takes too long; this item was not begun")]
    Overdue,
    /// The client insists on an asynchronous answer.
    #[error("asynchronous operations are not supported")]
    AsynchronousNotSupported,
    /// The message is in a version that is not spoken.
    #[error("the protocol version is not supported")]
    UnsupportedProtocolVersion,
    /// The code failed; the log says how.
    #[error("the server failed; its log has the details")]
    Panicked,
}

impl OperationError {
    /// Says whether the ID Placeholder names nothing any more: later items of the batch must not go
    /// on with an object that may not be used. Every other failure leaves it as it was.
    //= KMIP-2.1 §6.1.7
    #[must_use]
    pub(crate) fn empties_placeholder(&self) -> bool {
        matches!(self, Self::UseDenied(_))
    }
}
