//! Runs the items of a batch (KMIP 2.1 §9.6 to §9.8, 1.4 §6.12 to §6.15).
//!
//! Items run in order. With Stop and Continue each item is one unit of work; with Undo the whole
//! message is, so that undoing is forgetting.

mod admission;
mod guard;
mod item;
mod refusal;
mod rest;
mod streams;
#[cfg(test)]
mod tests;
mod unit;

use std::sync::Arc;

use kmip_model::{
    DateTime, Interval, Principal, UniqueIdentifier,
    enumeration::{BatchErrorContinuationOption, ObjectType, Operation, ResultReason},
    object::UsageDenied,
    policy::Policies,
};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail},
    certificate::Certificates,
    clock::Clock,
    crypto::CryptoSuite,
    encoding::KeyValueEncoding,
    identity::Authenticator,
    observe::Observer,
    policy::PolicySource,
    store::{ObjectStore, StoreError},
    transport::Peer,
};
use tracing::{Instrument as _, Span};

pub use item::Item;
pub(crate) use streams::{CorrelationValue, Stream, Streams};

use self::{
    admission::check_message,
    guard::guarded,
    item::noted,
    refusal::{Refusals, Refused},
    rest::rest,
    unit::Unit,
};
use crate::{
    error::OperationError,
    message::{
        BatchIdentifiers, Measure, Measured, Outcome, RequestItem, RequestMessage, ResponseItem,
        ResponseMessage, UnaskedAttributes,
    },
    ops, reason,
};

/// How often an item is run again because something it read has changed. Of those who fight for an
/// object one wins each time, so a crowd passes; time ends it earlier if need be.
const ATTEMPTS: usize = 256;

/// The longest response that a client can ask for, in bytes.
const LONGEST_RESPONSE: usize = 16 * 1024 * 1024;

/// How long after a message has come its items are still begun, in seconds: nobody waits longer for
/// an answer, and others wait meanwhile.
const PATIENCE: i64 = 60;

/// The outside, as the domain needs it.
#[derive(Clone)]
pub struct Ports {
    /// Managed objects.
    pub store: Arc<dyn ObjectStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Cryptography.
    pub crypto: CryptoSuite,
    /// Key Values as bytes.
    pub key_values: Arc<dyn KeyValueEncoding>,
    /// What certificates say.
    pub certificates: Arc<dyn Certificates>,
    /// Who a peer is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Operation policies.
    pub policies: Arc<dyn PolicySource>,
    /// What happened.
    pub audit: Arc<dyn AuditTrail>,
    /// Who measures.
    pub observer: Arc<dyn Observer>,
}

/// How objects that the caller may not know are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForbiddenObjects {
    /// Like objects that do not exist.
    #[default]
    Unknown,
    /// As forbidden, which tells that they exist.
    Revealed,
}

/// What the Key Value of a key that Get wraps is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrappedKeyValue {
    /// Bytes, as the specification has it.
    Bytes,
    /// A structure with the bytes as Key Material, as PyKMIP has it.
    Structure,
}

/// How long the salt of a PSS signature is, if the client does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PssSalt {
    /// As long as the hash, as the specification has it.
    Hash,
    /// As long as the key has room for, as PyKMIP has it, whose verifier takes no other.
    Longest,
}

/// What an operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Vendor Identification in Query.
    pub vendor_identification: String,
    /// The server's version in Query.
    pub server_version: String,
    /// The protocol versions that are served, newest first: major, minor.
    pub protocol_versions: Vec<(i32, i32)>,
    /// Says whether names must be unique for every client, whatever its version.
    pub names_unique: bool,
    /// Says whether Get Attributes without names returns only what all clients are known to read.
    pub conservative_attributes: bool,
    /// How objects that the caller may not know are refused.
    pub forbidden_objects: ForbiddenObjects,
    /// Says whether Interop is offered.
    pub interop: bool,
    /// What the Key Value of a key that Get wraps is.
    pub wrapped_key_value: WrappedKeyValue,
    /// How long the salt of a PSS signature is, if the client does not say.
    pub pss_salt: PssSalt,
    /// Lease Time of new objects.
    pub lease_time: Interval,
    /// The longest response if the client sets no limit, in bytes.
    pub maximum_response_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            vendor_identification: "kmip-app".to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_versions: Vec::new(),
            names_unique: false,
            conservative_attributes: false,
            forbidden_objects: ForbiddenObjects::default(),
            interop: false,
            wrapped_key_value: WrappedKeyValue::Bytes,
            pss_salt: PssSalt::Hash,
            lease_time: Interval(3_600),
            maximum_response_size: 1024 * 1024,
        }
    }
}

/// Executes messages against the ports it was given.
pub struct Processor {
    ports: Ports,
    settings: Settings,
    streams: Arc<Streams>,
    refusals: Refusals,
}

/// What is the same for every item of a message.
struct Message<'a> {
    peer: &'a Peer,
    principal: &'a Principal,
    policies: &'a Policies,
    request: &'a RequestMessage,
    now: DateTime,
    measure: &'a dyn Measure,
    limit: usize,
}

impl Processor {
    /// Wires the processor.
    #[must_use]
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self::with_streams(ports, settings, Arc::default())
    }

    /// Wires the processor to multi-part operations that are under way.
    pub(crate) fn with_streams(ports: Ports, settings: Settings, streams: Arc<Streams>) -> Self {
        Self { ports, settings, streams, refusals: Refusals::default() }
    }

    /// Wires another processor that goes on with the multi-part operations of this one.
    #[must_use]
    pub fn rewired(&self, ports: Ports, settings: Settings) -> Self {
        Self::with_streams(ports, settings, Arc::clone(&self.streams))
    }

    /// Returns the time, for answers to what is no message.
    #[must_use]
    pub fn now(&self) -> DateTime {
        self.ports.clock.now()
    }

    /// Returns who measures.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        &*self.ports.observer
    }

    /// Tells of what came in place of a message; nothing can be executed of it.
    pub fn refuse_unreadable(&self, peer: &Peer, error: &dyn std::fmt::Display, correlation: &str) {
        self.refusals.unreadable(peer, error, correlation, self.now());
    }

    /// Executes one message.
    pub async fn execute(
        &self,
        peer: &Peer,
        mut request: RequestMessage,
        measure: &dyn Measure,
    ) -> ResponseMessage {
        let now = self.ports.clock.now();
        self.refusals.settle(now);
        request.dialect.names_unique |= self.settings.names_unique;
        if self.settings.conservative_attributes {
            request.dialect.unasked_attributes = UnaskedAttributes::Conservative;
        }
        let answers = match self.admit(peer, &request, now).await {
            Ok(principal) => {
                let policies = self.ports.policies.policies();
                let message = Message {
                    peer,
                    principal: &principal,
                    policies: &policies,
                    request: &request,
                    now,
                    measure,
                    limit: request
                        .maximum_response_size
                        .filter(|size| *size != 0)
                        .and_then(|size| usize::try_from(size).ok())
                        .unwrap_or(self.settings.maximum_response_size)
                        .min(LONGEST_RESPONSE),
                };
                self.run(&message).await
            }
            Err((user, error)) => {
                self.refusals.message(peer, user.as_deref(), &request, &error, now);
                Answers::refused(&request, now, error)
            }
        };
        let (items, measured) = self.audit(answers).await;
        ResponseMessage {
            time_stamp: now,
            client_correlation_value: request.client_correlation_value,
            server_correlation_value: request.server_correlation_value,
            items,
            measured,
        }
    }

    /// Checks what concerns the message as a whole, and finds out who asks. A refusal says who
    /// did, as far as that is known.
    async fn admit(
        &self,
        peer: &Peer,
        request: &RequestMessage,
        now: DateTime,
    ) -> Result<Principal, (Option<String>, OperationError)> {
        match self.ports.authenticator.authenticate(peer, &request.credentials).await {
            Ok(principal) => match check_message(request, now) {
                Ok(()) => Ok(principal),
                Err(error) => Err((Some(principal.user), error)),
            },
            Err(error) => Err((None, error.into())),
        }
    }

    /// Notes what was read and what was refused. What cannot be noted is not told.
    async fn audit(&self, answers: Answers) -> (Vec<ResponseItem>, Vec<Measured>) {
        let Answers { mut items, notes, measured } = answers;
        let (places, events): (Vec<usize>, Vec<AuditEvent>) = notes.into_iter().unzip();
        if !events.is_empty()
            && let Err(error) = self.ports.audit.note(events).await
        {
            tracing::error!(%error, "audit trail not written, answers withheld");
            for place in places {
                if let Some(item) = items.get_mut(place) {
                    item.outcome = Outcome::Failed(error.clone().into());
                }
            }
        }
        (items, measured)
    }

    async fn run(&self, message: &Message<'_>) -> Answers {
        let option = message.request.batch_error_continuation_option;
        let undo = option == BatchErrorContinuationOption::Undo;
        for _ in 0..ATTEMPTS {
            let mut progress = Progress::begin(message.measure);
            let mut unit = Unit::default();
            let mut failed = false;
            for request in &message.request.items {
                if !progress.items.is_empty() {
                    rest().await;
                }
                let before = undo.then_some(&unit);
                let step = self.step(message, request, &progress, before).await;
                failed = matches!(step.item.outcome, Outcome::Failed(_));
                progress.measured.push(step.measured);
                progress.add(step.item, step.size, step.note, step.placeholder);
                if let Some(after) = step.unit {
                    unit = after;
                }
                if failed && option != BatchErrorContinuationOption::Continue {
                    break;
                }
            }
            let Progress { items, notes, measured, .. } = progress;
            if !undo {
                return Answers { items, notes, measured };
            }
            if failed {
                return Answers { items: undone(items), notes, measured };
            }
            match self.apply(unit).await {
                Ok(()) => return Answers { items, notes, measured },
                Err(OperationError::Store(StoreError::Conflict)) => {}
                Err(error) => return Answers { items: fail_last(items, error), notes, measured },
            }
        }
        let error = StoreError::Conflict.into();
        let user = Some(message.principal.user.as_str());
        self.refusals.message(message.peer, user, message.request, &error, message.now);
        Answers::refused(message.request, message.now, error)
    }

    /// Runs one item; on its own unit of work, or on top of `before`, which is applied later.
    async fn step(
        &self,
        message: &Message<'_>,
        request: &RequestItem,
        progress: &Progress,
        before: Option<&Unit>,
    ) -> Step {
        let span = span_of(request.operation);
        let begun = self.ports.observer.elapsed();
        let mut object_type = None;
        let mut placeholder = progress.placeholder.clone();
        let mut subject = None;
        let mut denial = None;
        let mut changed = false;
        let mut unit_after = None;
        let run = async {
            for _ in 0..ATTEMPTS {
                if self.ports.clock.now().since(message.now) > PATIENCE {
                    return Err(OperationError::Overdue);
                }
                let mut item = self.item(message, request, progress);
                item.unit = before.cloned().unwrap_or_default();
                let result = self.handle(&mut item, request).await;
                let Item { unit, placeholder: after, subject: about, .. } = item;
                (subject, object_type, denial) = (about, item.object_type, item.denial);
                changed = unit.has_events();
                let answer = answer_to(request, Outcome::Success(result?));
                let size = message.measure.item_size(&answer);
                if progress.size.saturating_add(size) > message.limit {
                    return Err(OperationError::ResponseTooLarge);
                }
                if before.is_some() {
                    unit_after = Some(unit);
                } else if let Err(error) = self.apply(unit).await {
                    match error {
                        OperationError::Store(StoreError::Conflict) => continue,
                        other => return Err(other),
                    }
                }
                placeholder = after;
                return Ok((answer, size));
            }
            Err(StoreError::Conflict.into())
        };
        let result = run.instrument(span.clone()).await;
        let taken = self.ports.observer.elapsed().saturating_sub(begun);
        if result.as_ref().is_err_and(OperationError::empties_placeholder) {
            placeholder = None;
        }
        // The event of a change is written with it.
        let reason = result.as_ref().err().map(|error| {
            reason::reason(error, Some(request.operation), message.request.dialect.reasons)
        });
        record(&span, object_type, reason);
        if let Err(error) = &result {
            let refused = Refused {
                operation: request.operation,
                user: &message.principal.user,
                correlation: message.request.server_correlation_value.as_deref(),
                object: subject.as_ref(),
                error,
                denial: denial.as_ref(),
            };
            span.in_scope(|| self.refusals.item(message.peer, &refused, message.now));
        }
        let note = (reason.is_some() || !changed).then(|| AuditEvent {
            at: message.now,
            user: message.principal.user.clone(),
            operation: request.operation,
            identifier: subject,
            revision: None,
            reason,
            correlation: noted(message.request.client_correlation_value.as_deref()),
        });
        let (item, size) = result.unwrap_or_else(|error| {
            let item = answer_to(request, Outcome::Failed(error));
            let size = message.measure.item_size(&item);
            (item, size)
        });
        let measured = Measured { object_type, taken };
        Step { item, size, note, placeholder, unit: unit_after, measured }
    }

    fn item<'a>(
        &'a self,
        message: &Message<'a>,
        request: &RequestItem,
        progress: &'a Progress,
    ) -> Item<'a> {
        Item {
            ports: &self.ports,
            settings: &self.settings,
            streams: &self.streams,
            policies: message.policies,
            principal: message.principal,
            dialect: message.request.dialect,
            operation: request.operation,
            correlation: message.request.client_correlation_value.as_deref(),
            now: message.now,
            identifiers: BatchIdentifiers {
                placeholder: progress.placeholder.as_ref(),
                answered: &progress.items,
            },
            placeholder: progress.placeholder.clone(),
            subject: None,
            object_type: None,
            denial: None,
            unit: Unit::default(),
            room: message.limit.saturating_sub(progress.size),
        }
    }

    async fn handle(
        &self,
        item: &mut Item<'_>,
        request: &RequestItem,
    ) -> Result<Box<ops::Response>, OperationError> {
        let payload = match &request.payload {
            Ok(payload) => payload,
            Err(fault) => return Err(fault.clone().into()),
        };
        match guarded(ops::run(item, payload)).await {
            Ok(result) => result,
            Err(_) => Err(OperationError::Panicked),
        }
    }

    /// Applies a unit: what is stored first, then what is only kept in memory.
    async fn apply(&self, mut unit: Unit) -> Result<(), OperationError> {
        let streams = unit.take_streams();
        if !unit.is_empty() {
            match self.ports.store.apply(unit.into_changes()).await {
                Ok(()) => {}
                Err(StoreError::Duplicate(_)) => return Err(OperationError::DuplicateName),
                Err(StoreError::Exhausted) => return Err(UsageDenied::LimitReached.into()),
                Err(error) => return Err(error.into()),
            }
        }
        self.streams.apply(streams, self.ports.clock.now())
    }
}

/// What came of a message, and what is to be noted of it: each event with the place of its item.
struct Answers {
    items: Vec<ResponseItem>,
    notes: Vec<(usize, AuditEvent)>,
    measured: Vec<Measured>,
}

impl Answers {
    /// Refuses a message as a whole.
    fn refused(request: &RequestMessage, now: DateTime, error: OperationError) -> Self {
        let event = |item: &RequestItem| AuditEvent {
            at: now,
            user: String::new(),
            operation: item.operation,
            identifier: None,
            revision: None,
            reason: Some(reason::reason(&error, None, request.dialect.reasons)),
            correlation: noted(request.client_correlation_value.as_deref()),
        };
        let notes = request.items.first().map(|item| (0, event(item))).into_iter().collect();
        Self { items: vec![whole_message(error)], notes, measured: Vec::new() }
    }
}

/// What came of one item, and what it leaves to the next one.
struct Step {
    item: ResponseItem,
    /// The bytes that the item adds to the response.
    size: usize,
    note: Option<AuditEvent>,
    placeholder: Option<UniqueIdentifier>,
    unit: Option<Unit>,
    measured: Measured,
}

/// What came of the items so far.
struct Progress {
    items: Vec<ResponseItem>,
    notes: Vec<(usize, AuditEvent)>,
    measured: Vec<Measured>,
    placeholder: Option<UniqueIdentifier>,
    /// The bytes of the response with these items.
    size: usize,
}

impl Progress {
    fn begin(measure: &dyn Measure) -> Self {
        let size = measure.empty_size();
        let (items, notes, measured) = (Vec::new(), Vec::new(), Vec::new());
        Self { items, notes, measured, placeholder: None, size }
    }

    fn add(
        &mut self,
        item: ResponseItem,
        size: usize,
        note: Option<AuditEvent>,
        placeholder: Option<UniqueIdentifier>,
    ) {
        self.notes.extend(note.map(|event| (self.items.len(), event)));
        self.size = self.size.saturating_add(size);
        self.items.push(item);
        self.placeholder = placeholder;
    }
}

/// Opens the span of an item.
fn span_of(operation: Operation) -> Span {
    tracing::debug_span!(
        "kmip.operation",
        rpc.method = %operation,
        kmip.object.type = tracing::field::Empty,
        error.type = tracing::field::Empty,
    )
}

/// Says in the span of an item what came of it.
fn record(span: &Span, object_type: Option<ObjectType>, reason: Option<ResultReason>) {
    if let Some(object_type) = object_type {
        span.record("kmip.object.type", tracing::field::display(object_type));
    }
    if let Some(reason) = reason {
        span.record("error.type", tracing::field::display(reason));
    }
}

/// Answers an item.
fn answer_to(request: &RequestItem, outcome: Outcome) -> ResponseItem {
    ResponseItem {
        operation: Some(request.operation),
        unique_batch_item_id: request.unique_batch_item_id.clone(),
        outcome,
    }
}

/// Makes the one item of a message that fails as a whole.
#[must_use]
pub fn whole_message(error: OperationError) -> ResponseItem {
    ResponseItem { operation: None, unique_batch_item_id: None, outcome: Outcome::Failed(error) }
}

fn undone(items: Vec<ResponseItem>) -> Vec<ResponseItem> {
    items
        .into_iter()
        .map(|item| match item.outcome {
            Outcome::Success(response) => {
                ResponseItem { outcome: Outcome::Undone(response), ..item }
            }
            _ => item,
        })
        .collect()
}

fn fail_last(mut items: Vec<ResponseItem>, error: OperationError) -> Vec<ResponseItem> {
    if let Some(last) = items.last_mut() {
        last.outcome = Outcome::Failed(error);
    }
    undone(items)
}
