//! Refusals in the log (KMIP 2.1 §9.5, 1.4 §11): which rule refused whom what, one line each.
//!
//! A line is for the operator, so it says what the answer keeps back: that a policy refused, and
//! which section of it. It never has material, credentials or attributes. Who is refused again and
//! again gets a few lines a minute; the rest are counted, and summed up when the minute is over.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use kmip_model::{
    DateTime, UniqueIdentifier,
    attribute::RuleViolation,
    enumeration::{ObjectType, Operation},
    object::UsageDenied,
    policy::{Judgement, Permission},
};
use kmip_ports::{store::StoreError, transport::Peer};

use crate::{
    error::{OperationError, WrappingRefused},
    message::RequestMessage,
};

/// How long refusals of one connection are counted together, in seconds.
const WINDOW: i64 = 60;

/// How many lines one connection gets in that time.
const LINES: u32 = 20;

/// How many connections are counted at once; then all are summed up.
const CONNECTIONS: usize = 1_024;

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

/// What one connection was refused of late.
#[derive(Debug)]
struct Burst {
    since: DateTime,
    told: u32,
    more: BTreeMap<Kind, u64>,
}

impl Burst {
    fn begun(since: DateTime) -> Self {
        Self { since, told: 0, more: BTreeMap::new() }
    }
}

/// A sum that is told when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    connection: u64,
    kind: Kind,
    more: u64,
}

impl Sum {
    fn tell(&self) {
        let Self { connection, kind: (operation, rule), more } = *self;
        if let Some(operation) = operation {
            tracing::info!(connection, %operation, rule, more, "and more of this kind refused");
        } else {
            tracing::info!(connection, rule, more, "and more messages refused");
        }
    }
}

/// Tells refusals, and no more of them than somebody can read.
#[derive(Debug)]
pub(super) struct Refusals {
    bursts: Mutex<HashMap<u64, Burst>>,
    /// When the first burst is over; asked with every message, so without the lock.
    due: AtomicI64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { bursts: Mutex::default(), due: AtomicI64::new(i64::MAX) }
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
        if self.may_tell(connection, (Some(operation), kind), now) {
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
        if self.may_tell(connection, (None, rule), now) {
            let address = peer.address.map(tracing::field::display);
            let items = request.items.len();
            let correlation = request.server_correlation_value.as_deref();
            tracing::info!(
                items, %error, user, rule, connection, address, traceparent = correlation, "message refused"
            );
        }
    }

    /// Sums up what is over.
    pub(super) fn settle(&self, now: DateTime) {
        if now.0 >= self.due.load(Ordering::Relaxed) {
            for sum in self.over(now) {
                sum.tell();
            }
        }
    }

    /// Says whether a line is to be told; otherwise it is counted.
    fn may_tell(&self, connection: u64, kind: Kind, now: DateTime) -> bool {
        self.settle(now);
        let mut bursts = self.lock();
        let sums = if bursts.len() >= CONNECTIONS && !bursts.contains_key(&connection) {
            bursts.drain().flat_map(|(connection, burst)| sums(connection, burst)).collect()
        } else {
            Vec::new()
        };
        let burst = bursts.entry(connection).or_insert_with(|| Burst::begun(now));
        self.due.fetch_min(burst.since.0.saturating_add(WINDOW), Ordering::Relaxed);
        let tell = burst.told < LINES;
        if tell {
            burst.told = burst.told.saturating_add(1);
        } else {
            let count = burst.more.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
        drop(bursts);
        sums.iter().for_each(Sum::tell);
        tell
    }

    /// Takes the bursts that are over.
    fn over(&self, now: DateTime) -> Vec<Sum> {
        let mut bursts = self.lock();
        // A clock that was set back ends a burst, too: its time would not come.
        let is_over = |burst: &Burst| !(0..WINDOW).contains(&now.since(burst.since));
        let over = bursts.extract_if(|_, burst| is_over(burst));
        let mut found: Vec<Sum> =
            over.flat_map(|(connection, burst)| sums(connection, burst)).collect();
        found.sort_unstable_by_key(|sum| (sum.connection, sum.kind));
        let first = bursts.values().map(|burst| burst.since.0).min();
        let due = first.map_or(i64::MAX, |since| since.saturating_add(WINDOW));
        self.due.store(due, Ordering::Relaxed);
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Burst>> {
        // A map is whole after every call, so a panic elsewhere does not matter.
        self.bursts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Refusals {
    /// Nothing that was counted is lost at the end.
    fn drop(&mut self) {
        for (connection, burst) in self.lock().drain() {
            sums(connection, burst).for_each(|sum| sum.tell());
        }
    }
}

fn sums(connection: u64, burst: Burst) -> impl Iterator<Item = Sum> {
    burst.more.into_iter().map(move |(kind, more)| Sum { connection, kind, more })
}

/// Writes an identifier as it may stand in a log: whoever sent it chose it.
fn shortened(identifier: &UniqueIdentifier) -> String {
    let shown = identifier.as_str().chars().take(LONGEST_IDENTIFIER);
    shown.flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::State;

    use super::*;

    const GET: Kind = (Some(Operation::Get), "state");
    const NOW: DateTime = DateTime(1_000);

    fn at(seconds: i64) -> DateTime {
        DateTime(NOW.0.saturating_add(seconds))
    }

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
    fn a_burst_is_told_in_part_and_then_summed_up() {
        let refusals = Refusals::default();
        let other = (Some(Operation::Destroy), "policy");
        let told = (0..100).filter(|_| refusals.may_tell(1, GET, NOW)).count();
        assert_eq!(told, 20);
        assert!(!refusals.may_tell(1, other, at(59)));
        assert!(refusals.may_tell(2, GET, at(59)), "another connection has lines of its own");
        assert_eq!(refusals.over(at(59)), []);
        let sum = |kind, more| Sum { connection: 1, kind, more };
        let mut expected = [sum(GET, 80), sum(other, 1)];
        expected.sort_unstable_by_key(|sum| sum.kind);
        assert_eq!(refusals.over(at(60)), expected);
        assert_eq!(refusals.over(at(600)), [], "what was told in full has no sum");
        assert!(refusals.may_tell(1, GET, at(600)));
    }

    #[test]
    fn nobody_is_asked_for_sums_before_there_can_be_one() {
        let refusals = Refusals::default();
        assert_eq!(refusals.due.load(Ordering::Relaxed), i64::MAX);
        refusals.may_tell(1, GET, NOW);
        refusals.may_tell(2, GET, at(30));
        assert_eq!(refusals.due.load(Ordering::Relaxed), at(60).0);
        refusals.settle(at(60));
        assert_eq!(refusals.due.load(Ordering::Relaxed), at(90).0);
        assert_eq!(refusals.lock().len(), 1);
    }

    #[test]
    fn many_connections_take_no_more_room() {
        let refusals = Refusals::default();
        for connection in 0..5_000 {
            assert!(refusals.may_tell(connection, GET, NOW));
        }
        assert!(refusals.lock().len() <= CONNECTIONS);
    }

    #[test]
    fn what_a_client_sent_stays_on_its_line() {
        let long = "a\n\u{1b}[31m".to_owned() + &"b".repeat(500);
        let shown = shortened(&UniqueIdentifier::new(long));
        assert!(!shown.chars().any(char::is_control) && shown.len() < 200, "{shown}");
    }
}
