//! Refusals in the log (KMIP 2.1 §9.5, 1.4 §11): which rule refused whom what, one line each.
//!
//! A line is for the operator, so it says what the answer keeps back: that a policy refused, and
//! which section of it. It never has material, credentials or attributes. Who is refused again and
//! again gets a few lines a minute, however often it connects; the rest are counted, and summed up
//! when the minute is over.

use std::fmt::{Display, Write as _};

use kmip_model::{
    DateTime, UniqueIdentifier,
    attribute::RuleViolation,
    enumeration::{ObjectType, Operation},
    object::UsageDenied,
    policy::{Judgement, Permission},
};
use kmip_ports::{
    bursts::{Bursts, Lines, Source, Sum},
    store::StoreError,
    transport::Peer,
};

use crate::{
    error::{OperationError, WrappingRefused},
    message::RequestMessage,
};

/// How many lines one user gets in a minute, or one network of which no user is known.
const LINES: Lines = Lines { of_source: 20, of_cause: 20 };

/// How much of what a client sent is repeated in a line, in characters.
const LONGEST_IDENTIFIER: usize = 128;

/// Why an object is kept from somebody: for the log, and never for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    /// The object.
    pub(super) identifier: UniqueIdentifier,
    /// What denies it.
    pub(super) by: DeniedBy,
}

/// What denies an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeniedBy {
    /// Its policy.
    Policy { policy: String, object_type: ObjectType, operation: Operation, judgement: Judgement },
    /// What is asked for is the owner's alone.
    NotTheOwner,
}

impl DeniedBy {
    /// Says which rule of which policy it was.
    fn rule(&self) -> String {
        let Self::Policy { policy, object_type, operation, judgement } = self else {
            return "only the owner may do this".to_owned();
        };
        match judgement {
            Judgement::NoPolicy => format!("there is no policy {policy:?}"),
            Judgement::NoSection => {
                format!("policy {policy:?} has no section that speaks of the user")
            }
            Judgement::Sections(sections) => {
                let mut text = format!("policy {policy:?}: {operation} of {object_type} is for");
                for (place, (group, permission)) in sections.iter().enumerate() {
                    let who = match permission {
                        // One that allows everybody would not have refused.
                        Permission::AllowAll => "everybody",
                        Permission::AllowOwner => "the owner",
                        Permission::DisallowAll => "nobody",
                    };
                    let comma = if place > 0 { "," } else { "" };
                    // Writing into a String cannot fail.
                    let _ = match group {
                        Some(group) => write!(text, "{comma} {who} (group {group:?})"),
                        None => write!(text, "{comma} {who} (preset)"),
                    };
                }
                text
            }
        }
    }
}

/// A refusal of one item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused<'a> {
    pub(super) operation: Operation,
    pub(super) user: &'a str,
    /// The Server Correlation Value, by which whoever is refused can ask.
    pub(super) correlation: Option<&'a str>,
    /// The object that the item is about, as the caller named it.
    pub(super) object: Option<&'a UniqueIdentifier>,
    pub(super) error: &'a OperationError,
    pub(super) denial: Option<&'a Denial>,
}

impl Refused<'_> {
    /// Returns the denial, if that is why the item was refused.
    fn denial(&self) -> Option<&Denial> {
        use OperationError as E;
        let about_an_object = matches!(
            self.error,
            E::NotFound | E::NotPermitted | E::Hidden | E::Wrapping(WrappingRefused::KeyNotFound)
        );
        self.denial.filter(|_| about_an_object)
    }
}

/// Returns the kind of rule that refused.
fn kind(error: &OperationError) -> &'static str {
    use OperationError as E;
    match error {
        E::NotFound | E::Hidden | E::NoPlaceholder | E::SeveralReferences => "existence",
        E::NotPermitted => "policy",
        E::Destroyed | E::Transition(_) | E::Rule(RuleViolation::WrongState(_)) => "state",
        E::Usage(denied) => usage(*denied),
        E::UseDenied(_) => "check",
        E::Rule(_)
        | E::AttributeNamedTwice
        | E::UnknownAttribute
        | E::MissingAttribute(_)
        | E::InvalidValue(..)
        | E::OffsetWithDates
        | E::OffsetWithoutActivationDate => "attribute rule",
        E::DuplicateName => "unique names",
        E::Sensitive => "Sensitive",
        E::NotExtractable => "Extractable",
        E::ProtectionStorageUnavailable(_) => "Protection Storage Mask",
        E::NotQuantumSafe => "Quantum Safe",
        E::Authentication(_) => "authentication",
        E::StaleTimeStamp | E::FutureTimeStamp => "Time Stamp",
        E::OperationNotSupported(_)
        | E::FeatureNotSupported(_)
        | E::KeyFormatTypeNotSupported
        | E::KeyCompressionTypeNotSupported
        | E::UnsupportedCryptographicParameters
        | E::AsynchronousNotSupported
        | E::UnsupportedProtocolVersion => "what is offered",
        E::ResponseTooLarge | E::TooManyItems | E::NoRoomForParts | E::Overdue => "limits",
        E::Store(_) | E::Panicked => "server",
        E::Crypto(_) | E::TagLength | E::UnreadableKey(_) => "cryptography",
        E::Wrapping(_) | E::KeyWrapTypeNotSupported => "key wrapping",
        E::IllegalObjectType
        | E::KeyValueNotPresent
        | E::CryptographicParameters(_)
        | E::DerivationDataTwice
        | E::UnknownCorrelationValue
        | E::Filter(_)
        | E::Payload(_)
        | E::MissingUniqueBatchItemId
        | E::UnknownMessageExtension => "request",
    }
}

/// Returns the kind of rule that keeps a key from being used.
fn usage(denied: UsageDenied) -> &'static str {
    use UsageDenied as U;
    match denied {
        U::NotActive(_) => "state",
        U::NotYet => "Process Start Date",
        U::NoLonger => "Protect Stop Date",
        U::Mask(_) => "Cryptographic Usage Mask",
        U::LimitReached => "Usage Limits",
        U::NotAKey(_) | U::NotPresent | U::Wrapped => "kind of object",
    }
}

/// Says whether it is the server that failed, and not the request.
fn is_failure(error: &OperationError) -> bool {
    matches!(
        error,
        OperationError::Panicked
            | OperationError::Store(StoreError::Corrupt(_) | StoreError::Unavailable)
    )
}

/// What is summed up: an operation, or a whole message, and the kind of rule.
type Kind = (Option<Operation>, &'static str);

/// Tells refusals, and no more of them than somebody can read.
#[derive(Debug)]
pub(super) struct Refusals(Bursts<Source, Kind>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Bursts::new(LINES, tell))
    }
}

impl Refusals {
    /// Tells of one item that was refused. What failed is always told.
    pub(super) fn item(&self, peer: &Peer, refused: &Refused<'_>, now: DateTime) {
        let Refused { operation, user, error, correlation, .. } = *refused;
        let connection = peer.connection;
        let denial = refused.denial();
        let object = denial.map_or(refused.object, |denial| Some(&denial.identifier));
        let object = object.map(shortened);
        let object = object.as_deref();
        if is_failure(error) {
            tracing::error!(
                %operation, %error, user, object, connection, traceparent = correlation, "item failed"
            );
            return;
        }
        let kind = if denial.is_some() { "policy" } else { kind(error) };
        if self.may_tell(Source::User(user.to_owned()), (Some(operation), kind), now) {
            let rule = denial.map_or_else(|| kind.to_owned(), |denial| denial.by.rule());
            tracing::info!(
                %operation, %error, user, object, rule, connection, traceparent = correlation, "item refused"
            );
        }
    }

    /// Tells of a message that was refused as a whole.
    pub(super) fn message(
        &self,
        peer: &Peer,
        user: Option<&str>,
        request: &RequestMessage,
        error: &OperationError,
        now: DateTime,
    ) {
        let connection = peer.connection;
        let rule = kind(error);
        let source = user.map_or_else(|| Source::of(peer), |user| Source::User(user.to_owned()));
        if self.may_tell(source, (None, rule), now) {
            let address = peer.address.map(tracing::field::display);
            let items = request.items.len();
            let correlation = request.server_correlation_value.as_deref();
            tracing::info!(
                items, %error, user, rule, connection, address, traceparent = correlation, "message refused"
            );
        }
    }

    /// Tells of what was no message that can be read.
    pub(super) fn unreadable(
        &self,
        peer: &Peer,
        error: &dyn Display,
        correlation: &str,
        now: DateTime,
    ) {
        let connection = peer.connection;
        let rule = "form";
        if self.may_tell(Source::of(peer), (None, rule), now) {
            let address = peer.address.map(tracing::field::display);
            tracing::info!(
                %error, rule, connection, address, traceparent = correlation, "message refused"
            );
        }
    }

    /// Sums up what is over.
    pub(super) fn settle(&self, now: DateTime) {
        self.0.settle(now.0);
    }

    fn may_tell(&self, source: Source, kind: Kind, now: DateTime) -> bool {
        self.0.may_tell(source, kind, now.0)
    }
}

/// Tells a sum.
fn tell(sum: &Sum<Source, Kind>) {
    let Sum { source, cause: (operation, rule), more } = sum;
    let source = source.as_ref().map(tracing::field::display);
    if let Some(operation) = operation {
        tracing::info!(source, %operation, rule, more, "and more of this kind refused");
    } else {
        tracing::info!(source, rule, more, "and more messages refused");
    }
}

/// Writes an identifier as it may stand in a log: whoever sent it chose it.
fn shortened(identifier: &UniqueIdentifier) -> String {
    let shown = identifier.as_str().chars().take(LONGEST_IDENTIFIER);
    shown.flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use kmip_model::enumeration::State;

    use super::*;

    const NOW: DateTime = DateTime(1_000);

    fn by_policy(judgement: Judgement) -> DeniedBy {
        DeniedBy::Policy {
            policy: "p".to_owned(),
            object_type: ObjectType::SymmetricKey,
            operation: Operation::Get,
            judgement,
        }
    }

    #[test]
    fn a_denial_names_policy_section_and_permission() {
        let sections = vec![
            (None, Permission::AllowOwner),
            (Some("a\nb".to_owned()), Permission::DisallowAll),
        ];
        for (denied_by, rule) in [
            (DeniedBy::NotTheOwner, "only the owner may do this"),
            (by_policy(Judgement::NoPolicy), "there is no policy \"p\""),
            (
                by_policy(Judgement::NoSection),
                "policy \"p\" has no section that speaks of the user",
            ),
            (
                by_policy(Judgement::Sections(sections)),
                "policy \"p\": Get of SymmetricKey is for the owner (preset), nobody (group \"a\\nb\")",
            ),
        ] {
            assert_eq!(denied_by.rule(), rule);
        }
    }

    #[test]
    fn a_denial_counts_only_where_it_is_the_reason() {
        let identifier = UniqueIdentifier::from_random([7; 16]);
        let denial = Denial { identifier, by: DeniedBy::NotTheOwner };
        for (error, expected) in [
            (OperationError::NotFound, true),
            (OperationError::NotPermitted, true),
            (OperationError::Hidden, true),
            (WrappingRefused::KeyNotFound.into(), true),
            (OperationError::Destroyed, false),
            (UsageDenied::NotActive(State::PreActive).into(), false),
        ] {
            let refused = Refused {
                operation: Operation::Get,
                user: "bob",
                correlation: None,
                object: None,
                error: &error,
                denial: Some(&denial),
            };
            assert_eq!(refused.denial().is_some(), expected, "{error}");
        }
    }

    #[test]
    fn nobody_gets_more_lines_by_connecting_again() {
        let refusals = Refusals::default();
        let kind = (Some(Operation::Get), "state");
        let peers = (0..100).map(|connection| Peer {
            connection,
            address: Some(SocketAddr::new([192, 0, 2, 1].into(), 1_024)),
            certificates: Vec::new(),
        });
        let told: Vec<bool> =
            peers.map(|peer| refusals.may_tell(Source::of(&peer), kind, NOW)).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 20);
        let bob = || Source::User("bob".to_owned());
        assert!(refusals.may_tell(bob(), kind, NOW), "a user has lines of its own");
    }

    #[test]
    fn what_a_client_sent_stays_on_its_line() {
        let long = "a\n\u{1b}[31m".to_owned() + &"b".repeat(500);
        let shown = shortened(&UniqueIdentifier::new(long));
        assert!(!shown.chars().any(char::is_control) && shown.len() < 200, "{shown}");
    }
}
