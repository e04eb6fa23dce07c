//! Causes into Result Reasons (KMIP 2.1 §11.46 and the tables of §6.1, 1.4 §9.1.3.2.30 and §11).
//!
//! One cause may have several reasons, by operation and by version. This is the only place where a
//! failure becomes a reason: an exhaustive match, three columns.

use kmip_model::{
    attribute::RuleViolation,
    enumeration::{ObjectType, Operation, ResultReason as R, Tag},
    object::{Transition, UsageDenied},
};
use kmip_ports::{crypto::CryptoError, store::StoreError};

use crate::{
    error::{OperationError, UseDenial, WrappingRefused},
    message::{PayloadFault, ReasonColumn},
};

/// The reasons of one cause: in 1.x, in 2.0, in 2.1.
type Row = [R; 3];

/// Returns the Result Reason of a failure; `operation` is absent where the message failed.
#[must_use]
pub fn reason(error: &OperationError, operation: Option<Operation>, column: ReasonColumn) -> R {
    let [one, two_zero, two_one] = row(error, operation);
    match column {
        ReasonColumn::One => one,
        ReasonColumn::TwoZero => two_zero,
        ReasonColumn::TwoOne => two_one,
    }
}

/// Returns the reason to give instead to a client whose version has not got `reason` yet.
#[must_use]
pub fn older(reason: R) -> R {
    match reason {
        R::Sensitive | R::NotExtractable => R::PermissionDenied,
        R::KeyValueNotPresent | R::ObjectAlreadyExists => R::IllegalOperation,
        R::EncodingOptionError => R::InvalidField,
        _ => R::GeneralFailure,
    }
}

/// Returns the Result Message of a failure: what the client may know, nothing of the inside.
#[must_use]
pub fn sentence(error: &OperationError) -> String {
    match error {
        OperationError::Store(_) => OperationError::Panicked.to_string(),
        other => other.to_string(),
    }
}

const fn same(reason: R) -> Row {
    [reason, reason, reason]
}

/// A reason of 1.x, and one that all of 2.x shares.
const fn since_two(one: R, two: R) -> Row {
    [one, two, two]
}

fn row(error: &OperationError, operation: Option<Operation>) -> Row {
    use OperationError as E;
    match error {
        E::NotFound | E::NoPlaceholder => since_two(R::ItemNotFound, R::ObjectNotFound),
        E::NotPermitted | E::Hidden => same(R::PermissionDenied),
        E::Destroyed => since_two(R::PermissionDenied, R::ObjectDestroyed),
        E::Transition(illegal) => {
            let one = match (illegal.transition, operation) {
                (Transition::Deactivate, _) => R::IllegalOperation,
                _ => R::PermissionDenied,
            };
            [one, R::PermissionDenied, R::WrongKeyLifecycleState]
        }
        E::Rule(violation) => rule(*violation, operation),
        E::Filter(_) | E::MissingAttribute(_) => same(R::InvalidField),
        E::UnknownAttribute => unknown_attribute(operation),
        E::InvalidValue(..) => since_two(R::InvalidField, invalid_value(operation)),
        E::DuplicateName => {
            let one =
                if changes_attributes(operation) { R::IllegalOperation } else { R::InvalidField };
            since_two(one, R::NonUniqueNameAttribute)
        }
        E::IllegalObjectType => {
            let one = match operation {
                Some(Operation::Create | Operation::Register | Operation::DeriveKey) => {
                    R::InvalidField
                }
                Some(Operation::ReKey) => R::PermissionDenied,
                _ => R::IllegalOperation,
            };
            since_two(one, R::InvalidObjectType)
        }
        E::OperationNotSupported(_) => same(R::OperationNotSupported),
        E::FeatureNotSupported(_) | E::AsynchronousNotSupported | E::SeveralReferences => {
            same(R::FeatureNotSupported)
        }
        E::KeyFormatTypeNotSupported | E::UnreadableKey(_) => same(R::KeyFormatTypeNotSupported),
        E::KeyCompressionTypeNotSupported => same(R::KeyCompressionTypeNotSupported),
        E::KeyWrapTypeNotSupported => since_two(R::FeatureNotSupported, R::KeyWrapTypeNotSupported),
        E::KeyValueNotPresent => same(R::KeyValueNotPresent),
        E::Sensitive => same(R::Sensitive),
        E::NotExtractable => same(R::NotExtractable),
        E::ProtectionStorageUnavailable(object_type) => {
            let two = match (operation, *object_type) {
                (Some(Operation::CreateKeyPair), ObjectType::PublicKey) => {
                    R::PublicProtectionStorageUnavailable
                }
                (Some(Operation::CreateKeyPair), _) => R::PrivateProtectionStorageUnavailable,
                _ => R::ProtectionStorageUnavailable,
            };
            since_two(R::FeatureNotSupported, two)
        }
        E::Usage(denied) => usage(*denied, operation),
        E::CryptographicParameters(_) => since_two(R::InvalidField, R::BadCryptographicParameters),
        E::Wrapping(refused) => wrapping(*refused),
        E::OffsetWithoutActivationDate => since_two(R::IllegalOperation, R::InvalidField),
        E::UseDenied(denial) => use_denied(*denial),
        E::UnsupportedCryptographicParameters => {
            since_two(R::InvalidField, R::UnsupportedCryptographicParameters)
        }
        //= KMIP-1.4 §11.30
        E::UnknownCorrelationValue => since_two(R::ItemNotFound, R::InvalidCorrelationValue),
        E::NoRoomForParts => since_two(R::GeneralFailure, R::ServerLimitExceeded),
        E::Store(error) => store(error),
        E::Crypto(error) => crypto(error, operation),
        E::Payload(fault) => payload(fault, operation),
        E::Authentication(_) => same(R::AuthenticationNotSuccessful),
        E::ResponseTooLarge => same(R::ResponseTooLarge),
        E::AttributeNamedTwice
        | E::DerivationDataTwice
        | E::OffsetWithDates
        | E::StaleTimeStamp
        | E::FutureTimeStamp
        | E::MissingUniqueBatchItemId
        | E::TooManyItems => same(R::InvalidMessage),
        E::UnknownMessageExtension => since_two(R::FeatureNotSupported, R::UnknownMessageExtension),
        E::UnsupportedProtocolVersion => {
            since_two(R::InvalidMessage, R::UnsupportedProtocolVersion)
        }
        E::NotQuantumSafe | E::TagLength | E::Overdue | E::Panicked => same(R::GeneralFailure),
    }
}

fn rule(violation: RuleViolation, operation: Option<Operation>) -> Row {
    use RuleViolation as V;
    match violation {
        V::ReadOnly(_) | V::NotDeletable(_) => {
            let two = match operation {
                Some(Operation::AddAttribute | Operation::SetAttribute) => R::ReadOnlyAttribute,
                _ => R::AttributeReadOnly,
            };
            since_two(R::PermissionDenied, two)
        }
        V::WrongState(_) => [R::PermissionDenied, R::PermissionDenied, R::WrongKeyLifecycleState],
        V::SingleValued(_) => {
            let one =
                if changes_attributes(operation) { R::IllegalOperation } else { R::InvalidField };
            since_two(one, R::AttributeSingleValued)
        }
        V::MultiValued(_) => {
            let two = match operation {
                Some(Operation::SetAttribute) => R::MultiValuedAttribute,
                _ => R::AttributeInstanceNotFound,
            };
            since_two(R::InvalidField, two)
        }
        V::NotFound(_) => {
            let one = match operation {
                Some(Operation::ModifyAttribute) => R::InvalidField,
                _ => R::ItemNotFound,
            };
            since_two(one, R::AttributeNotFound)
        }
        V::InstanceNotFound(_) => since_two(R::ItemNotFound, R::AttributeInstanceNotFound),
        V::IndexGiven(_) => same(R::InvalidField),
        V::DuplicateValue(Tag::Name) => row(&OperationError::DuplicateName, operation),
        V::DuplicateValue(_) => {
            let one =
                if changes_attributes(operation) { R::IllegalOperation } else { R::InvalidField };
            since_two(one, invalid_value(operation))
        }
        V::NotApplicable(_) => {
            let one =
                if changes_attributes(operation) { R::PermissionDenied } else { R::InvalidField };
            since_two(one, invalid_attribute(operation))
        }
        V::DateOrder(_) | V::Contradiction(_) | V::TooMuch(_) => {
            since_two(R::InvalidField, invalid_value(operation))
        }
        V::Misshapen(_) => same(R::InvalidMessage),
    }
}

fn usage(denied: UsageDenied, operation: Option<Operation>) -> Row {
    use UsageDenied as U;
    let [one, two_zero, two_one] = match denied {
        U::NotAKey(_) => since_two(R::PermissionDenied, R::InvalidObjectType),
        U::NotActive(_) | U::NotYet | U::NoLonger => {
            [R::PermissionDenied, R::PermissionDenied, R::WrongKeyLifecycleState]
        }
        U::Mask(_) => since_two(R::PermissionDenied, R::IncompatibleCryptographicUsageMask),
        U::NotPresent => same(R::KeyValueNotPresent),
        U::Wrapped => since_two(R::IllegalOperation, R::PermissionDenied),
        U::LimitReached => same(R::PermissionDenied),
    };
    //= KMIP-1.4 §11.7
    // In the list of Derive Key an object that is not fit for it is an invalid field.
    match (operation, denied) {
        (Some(Operation::DeriveKey), U::NotPresent | U::LimitReached) => [one, two_zero, two_one],
        (Some(Operation::DeriveKey), _) => [R::InvalidField, two_zero, two_one],
        _ => [one, two_zero, two_one],
    }
}

fn wrapping(refused: WrappingRefused) -> Row {
    use WrappingRefused as W;
    match refused {
        W::KeyNotFound => since_two(R::ItemNotFound, R::WrappingObjectNotFound),
        W::KeyDestroyed => since_two(R::ItemNotFound, R::WrappingObjectDestroyed),
        W::NotAKey => since_two(R::IllegalOperation, R::InvalidObjectType),
        W::NoSuchCryptographicParameters => {
            since_two(R::ItemNotFound, R::BadCryptographicParameters)
        }
        W::MethodNotSupported => since_two(R::OperationNotSupported, R::FeatureNotSupported),
        W::NoEncryptionKeyInformation => since_two(R::PermissionDenied, R::InvalidField),
        W::EncodingOption(_) => same(R::EncodingOptionError),
    }
}

fn use_denied(denial: UseDenial) -> Row {
    let two = match denial {
        UseDenial::UsageLimitsCount => R::UsageLimitExceeded,
        UseDenial::CryptographicUsageMask => R::IncompatibleCryptographicUsageMask,
        UseDenial::LeaseTime => R::PermissionDenied,
    };
    since_two(R::PermissionDenied, two)
}

fn store(error: &StoreError) -> Row {
    match error {
        StoreError::Duplicate(_) => since_two(R::InvalidField, R::NonUniqueNameAttribute),
        _ => same(R::GeneralFailure),
    }
}

fn crypto(error: &CryptoError, operation: Option<Operation>) -> Row {
    match error {
        // What does not fit there is a key that is kept here, and no field of the message.
        CryptoError::BadInput(_)
            if matches!(operation, Some(Operation::Get | Operation::DeriveKey)) =>
        {
            same(R::CryptographicFailure)
        }
        CryptoError::Unsupported(_) if operation == Some(Operation::DeriveKey) => {
            since_two(R::InvalidField, R::UnsupportedCryptographicParameters)
        }
        CryptoError::Unsupported(_) => same(R::FeatureNotSupported),
        CryptoError::NoSuchForm => same(R::KeyFormatTypeNotSupported),
        CryptoError::BadInput(_) => same(R::InvalidMessage),
        CryptoError::BadTagLength => same(R::GeneralFailure),
        _ => same(R::CryptographicFailure),
    }
}

fn payload(fault: &PayloadFault, operation: Option<Operation>) -> Row {
    match fault {
        PayloadFault::OperationNotSupported => same(R::OperationNotSupported),
        PayloadFault::Missing(_) | PayloadFault::Malformed(_) => same(R::InvalidMessage),
        PayloadFault::Unexpected(_) => same(R::InvalidField),
        PayloadFault::UnknownAttribute => unknown_attribute(operation),
    }
}

fn unknown_attribute(operation: Option<Operation>) -> Row {
    since_two(R::InvalidField, invalid_attribute(operation))
}

/// The operations whose list of reasons has Invalid Attribute.
fn invalid_attribute(operation: Option<Operation>) -> R {
    match operation {
        Some(Operation::ModifyAttribute | Operation::SetAttribute) | None => R::InvalidField,
        Some(_) => R::InvalidAttribute,
    }
}

/// The operations whose list of reasons has Invalid Attribute Value.
fn invalid_value(operation: Option<Operation>) -> R {
    match operation {
        Some(
            Operation::Create
            | Operation::CreateKeyPair
            | Operation::Register
            | Operation::SetAttribute,
        ) => R::InvalidAttributeValue,
        _ => R::InvalidField,
    }
}

fn changes_attributes(operation: Option<Operation>) -> bool {
    matches!(
        operation,
        Some(
            Operation::AddAttribute
                | Operation::ModifyAttribute
                | Operation::SetAttribute
                | Operation::DeleteAttribute
        )
    )
}

#[cfg(test)]
mod tests {
    use kmip_model::{enumeration::Enumeration as _, object::IllegalTransition};

    use super::*;

    #[test]
    fn reasons_by_version() {
        let wrong_state = OperationError::Transition(IllegalTransition {
            transition: Transition::Destroy,
            from: kmip_model::enumeration::State::Active,
        });
        let read_only = OperationError::Rule(RuleViolation::ReadOnly(Tag::State));
        for (error, operation, expected) in [
            (
                wrong_state,
                Operation::Destroy,
                [R::PermissionDenied, R::PermissionDenied, R::WrongKeyLifecycleState],
            ),
            (
                read_only,
                Operation::ModifyAttribute,
                [R::PermissionDenied, R::AttributeReadOnly, R::AttributeReadOnly],
            ),
            (
                OperationError::AttributeNamedTwice,
                Operation::GetAttributes,
                [R::InvalidMessage, R::InvalidMessage, R::InvalidMessage],
            ),
            (
                OperationError::IllegalObjectType,
                Operation::Activate,
                [R::IllegalOperation, R::InvalidObjectType, R::InvalidObjectType],
            ),
            (
                OperationError::IllegalObjectType,
                Operation::Register,
                [R::InvalidField, R::InvalidObjectType, R::InvalidObjectType],
            ),
            (
                OperationError::DuplicateName,
                Operation::AddAttribute,
                [R::IllegalOperation, R::NonUniqueNameAttribute, R::NonUniqueNameAttribute],
            ),
            (
                OperationError::DuplicateName,
                Operation::Create,
                [R::InvalidField, R::NonUniqueNameAttribute, R::NonUniqueNameAttribute],
            ),
            (
                OperationError::Crypto(CryptoError::BadTagLength),
                Operation::Encrypt,
                [R::GeneralFailure, R::GeneralFailure, R::GeneralFailure],
            ),
        ] {
            let columns = [ReasonColumn::One, ReasonColumn::TwoZero, ReasonColumn::TwoOne];
            let found = columns.map(|column| reason(&error, Some(operation), column));
            assert_eq!(found, expected, "{error}");
        }
    }

    #[test]
    fn reasons_of_derivation_wrapping_and_checks() {
        use kmip_model::enumeration::CryptographicUsageMask;
        let mask = || OperationError::Usage(UsageDenied::Mask(CryptographicUsageMask::DERIVE_KEY));
        for (error, operation, one, two) in [
            (mask(), Operation::DeriveKey, R::InvalidField, R::IncompatibleCryptographicUsageMask),
            (mask(), Operation::Get, R::PermissionDenied, R::IncompatibleCryptographicUsageMask),
            (
                OperationError::IllegalObjectType,
                Operation::DeriveKey,
                R::InvalidField,
                R::InvalidObjectType,
            ),
            (
                OperationError::IllegalObjectType,
                Operation::ReKey,
                R::PermissionDenied,
                R::InvalidObjectType,
            ),
            (
                CryptoError::TooLong.into(),
                Operation::DeriveKey,
                R::CryptographicFailure,
                R::CryptographicFailure,
            ),
            (
                CryptoError::Unsupported("that hash".into()).into(),
                Operation::DeriveKey,
                R::InvalidField,
                R::UnsupportedCryptographicParameters,
            ),
            (
                CryptoError::BadInput("it is too short").into(),
                Operation::Get,
                R::CryptographicFailure,
                R::CryptographicFailure,
            ),
            (
                WrappingRefused::KeyNotFound.into(),
                Operation::Get,
                R::ItemNotFound,
                R::WrappingObjectNotFound,
            ),
            (
                WrappingRefused::NotAKey.into(),
                Operation::Get,
                R::IllegalOperation,
                R::InvalidObjectType,
            ),
            (
                OperationError::UseDenied(UseDenial::CryptographicUsageMask),
                Operation::Check,
                R::PermissionDenied,
                R::IncompatibleCryptographicUsageMask,
            ),
            (
                OperationError::UseDenied(UseDenial::UsageLimitsCount),
                Operation::Check,
                R::PermissionDenied,
                R::UsageLimitExceeded,
            ),
        ] {
            let found = |column| reason(&error, Some(operation), column);
            assert_eq!(found(ReasonColumn::One), one, "{error}");
            assert_eq!(found(ReasonColumn::TwoOne), two, "{error}");
        }
    }

    #[test]
    fn the_column_of_1x_has_nothing_of_2x() {
        let errors = [
            OperationError::NotFound,
            OperationError::Destroyed,
            OperationError::DuplicateName,
            OperationError::UnknownMessageExtension,
            OperationError::KeyWrapTypeNotSupported,
            OperationError::IllegalObjectType,
            OperationError::UnsupportedCryptographicParameters,
            OperationError::UnknownCorrelationValue,
            OperationError::NoRoomForParts,
            OperationError::UnknownAttribute,
            WrappingRefused::KeyNotFound.into(),
            WrappingRefused::KeyDestroyed.into(),
            WrappingRefused::NotAKey.into(),
            WrappingRefused::NoSuchCryptographicParameters.into(),
            OperationError::UseDenied(UseDenial::UsageLimitsCount),
            OperationError::Rule(RuleViolation::MultiValued(Tag::Name)),
            OperationError::Rule(RuleViolation::SingleValued(Tag::Name)),
            OperationError::Rule(RuleViolation::WrongState(Tag::Name)),
        ];
        for error in errors {
            let found = reason(&error, Some(Operation::AddAttribute), ReasonColumn::One);
            let member = R::MEMBERS.iter().find(|member| member.value == found.value());
            assert!(member.is_some_and(|member| member.since < (2, 0)), "{error}: {found}");
        }
    }
}
