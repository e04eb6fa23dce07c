//! What a handler sees and may do: the access check is part of every way to an object.

use std::{collections::BTreeSet, sync::Arc};

use kmip_model::{
    DateTime, IdentifierRef, ManagedObject, Principal, UniqueIdentifier,
    attribute::{Attribute, CryptographicParameters},
    enumeration::{ObjectType, Operation},
    locate::Locate,
    policy::{Policies, Question},
};
use kmip_ports::{
    audit::AuditEvent,
    certificate::Certificates,
    crypto::CryptoSuite,
    encoding::KeyValueEncoding,
    store::{Claim, Debit, Page, Revision, Stored},
};

use super::{
    ForbiddenObjects, Ports, Settings,
    refusal::{Denial, DeniedBy},
    streams::{CorrelationValue, Stream, Streams},
    unit::Unit,
};
use crate::{
    error::OperationError,
    message::{BatchIdentifiers, Dialect},
};

/// How many characters of a Client Correlation Value are noted with each change.
const CORRELATION: usize = 128;

/// The bytes of an identifier in a response: 36 characters, padded, and a header.
const IDENTIFIER: usize = 48;

/// Returns the operation that a policy is asked about: who may get a key may use it.
const fn asked(operation: Operation) -> Operation {
    match operation {
        Operation::Decrypt
        | Operation::Encrypt
        | Operation::Mac
        | Operation::MacVerify
        | Operation::Sign
        | Operation::SignatureVerify => Operation::Get,
        other => other,
    }
}

/// One item of a batch while it is run.
pub struct Item<'a> {
    pub(super) ports: &'a Ports,
    pub(super) settings: &'a Settings,
    pub(super) streams: &'a Streams,
    pub(super) policies: &'a Policies,
    pub(super) principal: &'a Principal,
    pub(super) dialect: Dialect,
    pub(super) operation: Operation,
    pub(super) correlation: Option<&'a str>,
    pub(super) now: DateTime,
    /// The bytes that the response still has room for.
    pub(super) room: usize,
    pub(super) identifiers: BatchIdentifiers<'a>,
    pub(super) placeholder: Option<UniqueIdentifier>,
    /// The object that the item is about: the first that it asked for, or made.
    pub(super) subject: Option<UniqueIdentifier>,
    /// Its type.
    pub(super) object_type: Option<ObjectType>,
    /// What the policy went by when it last refused: for the log, and never for the caller.
    pub(super) denial: Option<Denial>,
    pub(super) unit: Unit,
}

impl Item<'_> {
    /// Returns the time at which the message was received.
    pub(crate) fn now(&self) -> DateTime {
        self.now
    }

    /// Returns the rules of the client's version.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns who asks.
    pub(crate) fn principal(&self) -> &Principal {
        self.principal
    }

    /// Returns what the server is set to.
    pub(crate) fn settings(&self) -> &Settings {
        self.settings
    }

    /// Returns the cryptographic capabilities.
    pub(crate) fn crypto(&self) -> &CryptoSuite {
        &self.ports.crypto
    }

    /// Returns the encoding of Key Values.
    pub(crate) fn key_values(&self) -> &dyn KeyValueEncoding {
        &*self.ports.key_values
    }

    /// Returns the reader of certificates.
    pub(crate) fn certificates(&self) -> &dyn Certificates {
        &*self.ports.certificates
    }

    /// Fetches an object that the current operation may be done to, as it is now.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted` or `Hidden` if there is none, the caller may not, or, where tombstones are
    /// not shown, it is destroyed.
    pub(crate) async fn fetch(
        &mut self,
        reference: &IdentifierRef,
    ) -> Result<Stored<ManagedObject>, OperationError> {
        let stored = self.fetch_even_destroyed(reference).await?;
        if stored.value.is_destroyed() && !self.dialect.tombstones_visible {
            return Err(OperationError::NotFound);
        }
        Ok(stored)
    }

    /// Fetches like [`Item::fetch`], also what is left of a destroyed object.
    pub(crate) async fn fetch_even_destroyed(
        &mut self,
        reference: &IdentifierRef,
    ) -> Result<Stored<ManagedObject>, OperationError> {
        self.fetch_as(reference, self.operation).await
    }

    /// Fetches an object that `operation` may be done to.
    async fn fetch_as(
        &mut self,
        reference: &IdentifierRef,
        operation: Operation,
    ) -> Result<Stored<ManagedObject>, OperationError> {
        let identifier = self.identifiers.resolve(reference)?.clone();
        self.subject.get_or_insert_with(|| identifier.clone());
        let stored = self.load(&identifier).await?.ok_or(OperationError::NotFound)?;
        self.object_type.get_or_insert(stored.value.object_type());
        if self.permits(&stored.value, asked(operation)) {
            return Ok(stored);
        }
        Err(self.refused_by_policy(&stored.value, asked(operation)))
    }

    /// Refuses what the policy does not allow, and remembers what it went by.
    fn refused_by_policy(
        &mut self,
        object: &ManagedObject,
        operation: Operation,
    ) -> OperationError {
        let judgement = self.policies.judgement(self.principal, &question(object, operation));
        self.denial = Some(Denial {
            identifier: object.identifier().clone(),
            by: DeniedBy::Policy {
                policy: object.operation_policy_name().to_owned(),
                object_type: object.object_type(),
                operation,
                judgement,
            },
        });
        self.refusal(object)
    }

    /// Fetches an object that the current operation computes with. What comes of it may tell as
    /// much as the object itself, so the policy is asked about Get, as PyKMIP's is.
    pub(crate) async fn fetch_to_compute(
        &mut self,
        reference: &IdentifierRef,
    ) -> Result<Stored<ManagedObject>, OperationError> {
        let stored = self.fetch_as(reference, Operation::Get).await?;
        if stored.value.is_destroyed() && !self.dialect.tombstones_visible {
            return Err(OperationError::NotFound);
        }
        Ok(stored)
    }

    /// Refuses what is the owner's alone, whatever the policy allows.
    pub(crate) fn check_owner(&mut self, object: &ManagedObject) -> Result<(), OperationError> {
        if self.principal.user == object.owner() {
            return Ok(());
        }
        let identifier = object.identifier().clone();
        self.denial = Some(Denial { identifier, by: DeniedBy::NotTheOwner });
        Err(self.refusal(object))
    }

    /// Says whether the caller may add attributes to an object: only then are there new links from
    /// it to objects of the caller's.
    pub(crate) fn may_link(&self, object: &ManagedObject) -> bool {
        self.permits(object, Operation::AddAttribute)
    }

    /// Tells what is not permitted: who may not even read the attributes of an object may not
    /// learn that it exists, unless the operator lets everybody learn that.
    fn refusal(&self, object: &ManagedObject) -> OperationError {
        let is_gone = object.is_destroyed() && !self.dialect.tombstones_visible;
        if self.permits(object, Operation::GetAttributes) {
            OperationError::NotPermitted
        } else if self.settings.forbidden_objects == ForbiddenObjects::Revealed && !is_gone {
            OperationError::Hidden
        } else {
            OperationError::NotFound
        }
    }

    /// Fetches a Template or other object by its Name, if exactly one that is visible has it, and
    /// the caller may read it.
    pub(crate) async fn fetch_one(
        &mut self,
        query: &Locate,
    ) -> Result<Stored<ManagedObject>, OperationError> {
        let page = self.locate(&Locate { maximum: Some(2), ..query.clone() }).await?;
        let [identifier] = page.items.as_slice() else {
            return Err(OperationError::NotFound);
        };
        let stored = self.load(identifier).await?.ok_or(OperationError::NotFound)?;
        // What is made from it shows what is in it.
        if self.permits(&stored.value, Operation::Get) {
            return Ok(stored);
        }
        self.refused_by_policy(&stored.value, Operation::Get);
        Err(OperationError::NotFound)
    }

    /// Finds objects that the caller may locate, newest first.
    pub(crate) async fn locate(
        &mut self,
        query: &Locate,
    ) -> Result<Page<UniqueIdentifier>, OperationError> {
        query.check()?;
        // One identifier more than the response has room for says that they do not fit.
        let fits = u64::try_from(self.room / IDENTIFIER).unwrap_or(u64::MAX);
        let beyond = fits.saturating_add(1);
        let maximum = query.maximum.map_or(beyond, |maximum| maximum.min(beyond));
        let page = self.find(&Locate { maximum: Some(maximum), ..query.clone() }).await?;
        if u64::try_from(page.items.len()).unwrap_or(u64::MAX) > fits {
            return Err(OperationError::ResponseTooLarge);
        }
        Ok(page)
    }

    async fn find(&mut self, query: &Locate) -> Result<Page<UniqueIdentifier>, OperationError> {
        let visible = self.policies.visible(self.principal);
        if self.unit.written().is_empty() {
            return Ok(self.ports.store.locate(query, &visible, self.now).await?);
        }
        // Within a unit that is not applied yet, new objects come in and changed ones may leave:
        // at most as many as the unit has written.
        let pending = self.unit.written();
        let ahead = query.offset.saturating_add(u64::try_from(pending.len()).unwrap_or(u64::MAX));
        let more = Locate {
            offset: 0,
            maximum: query.maximum.map(|maximum| maximum.saturating_add(ahead)),
            ..query.clone()
        };
        let stored = self.ports.store.locate(&more, &visible, self.now).await?;
        let found = |object: &ManagedObject| {
            let (policy, object_type) = (object.operation_policy_name(), object.object_type());
            visible.includes(policy, object_type, object.owner()) && query.matches(object)
        };
        let mut total = stored.total;
        let mut items: Vec<UniqueIdentifier> = Vec::new();
        for (identifier, object) in pending.iter().rev() {
            if object.revision != Revision::default()
                && let Some(before) = self.ports.store.load(identifier).await?
                && found(&Arc::unwrap_or_clone(before.value).at(self.now))
            {
                total = total.map(|total| total.saturating_sub(1));
            }
            if found(&object.value) {
                total = total.map(|total| total.saturating_add(1));
                items.push(identifier.clone());
            }
        }
        let written: BTreeSet<&UniqueIdentifier> = pending.iter().map(|(id, _)| id).collect();
        items.extend(stored.items.into_iter().filter(|id| !written.contains(id)));
        let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let maximum = query
            .maximum
            .map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap_or(usize::MAX));
        let items = items.into_iter().skip(offset).take(maximum).collect();
        Ok(Page { items, total })
    }

    /// Writes a changed object, which replaces the revision it was fetched at.
    pub(crate) fn save(&mut self, object: ManagedObject, fetched: Revision) {
        self.note(&object, fetched.next());
        self.unit.write(object, fetched);
    }

    /// Takes from the Usage Limits of an object; its revision stays.
    pub(crate) fn take(&mut self, debit: Debit) {
        self.unit.note(self.event(Some(debit.identifier.clone()), None));
        self.unit.take(debit);
    }

    /// Writes a new object and lets the ID Placeholder name it.
    pub(crate) fn create(&mut self, object: ManagedObject) {
        self.placeholder = Some(object.identifier().clone());
        self.subject.get_or_insert_with(|| object.identifier().clone());
        self.object_type.get_or_insert(object.object_type());
        self.note(&object, Revision::default().next());
        self.unit.write(object, Revision::default());
    }

    /// Sets or empties the ID Placeholder.
    pub(crate) fn set_placeholder(&mut self, identifier: Option<UniqueIdentifier>) {
        self.placeholder = identifier;
    }

    /// Asks that no other live object of this owner has the Names that `object` has.
    pub(crate) fn claim_names(&mut self, object: &ManagedObject) {
        for instance in object.attributes().iter() {
            if let Attribute::Name(name) = &instance.attribute {
                self.claim_name(object, &name.name_value);
            }
        }
    }

    /// Asks that no other live object of this owner has that Name, where names are unique.
    pub(crate) fn claim_name(&mut self, object: &ManagedObject, name: &str) {
        if self.dialect.names_unique {
            self.unit.claim(Claim::Name {
                owner: object.owner().to_owned(),
                name: name.to_owned(),
                identifier: object.identifier().clone(),
            });
        }
    }

    /// Begins an operation of the caller that may have several parts.
    pub(crate) fn new_stream(
        &self,
        object: Option<UniqueIdentifier>,
        parameters: CryptographicParameters,
    ) -> Stream {
        Stream::new(self.principal.user.clone(), self.operation, object, parameters)
    }

    /// Returns the multi-part operation of the caller that has this Correlation Value.
    pub(crate) fn stream(&self, correlation_value: &[u8]) -> Result<Stream, OperationError> {
        let stream = match self.unit.stream_change(correlation_value) {
            Some(pending) => pending.after.clone(),
            None => self.streams.find(correlation_value, self.now),
        };
        stream
            .filter(|stream| stream.is_of(&self.principal.user, self.operation))
            .ok_or(OperationError::UnknownCorrelationValue)
    }

    /// Keeps a multi-part operation for its next part; `None` ends it.
    pub(crate) fn keep_stream(
        &mut self,
        correlation_value: CorrelationValue,
        read: u64,
        after: Option<Stream>,
    ) {
        self.unit.change_stream(correlation_value, read, after);
    }

    /// Makes a Correlation Value that nobody has and nobody guesses.
    pub(crate) fn new_correlation_value(&self) -> Result<CorrelationValue, OperationError> {
        Ok(self.ports.crypto.random.bytes(16)?.expose().to_vec())
    }

    /// Makes an identifier that nobody has.
    pub(crate) fn new_identifier(&self) -> Result<UniqueIdentifier, OperationError> {
        let random = self.ports.crypto.random.bytes(16)?;
        let bytes = random
            .expose()
            .try_into()
            .map_err(|_| OperationError::Crypto(kmip_ports::crypto::CryptoError::Failed))?;
        Ok(UniqueIdentifier::from_random(bytes))
    }

    fn permits(&self, object: &ManagedObject, operation: Operation) -> bool {
        self.policies.allows(self.principal, &question(object, operation))
    }

    async fn load(
        &mut self,
        identifier: &UniqueIdentifier,
    ) -> Result<Option<Stored<ManagedObject>>, OperationError> {
        let mut stored = if let Some(pending) = self.unit.pending(identifier) {
            pending.clone()
        } else {
            let Some(stored) = self.ports.store.load(identifier).await? else {
                return Ok(None);
            };
            self.unit.saw(identifier, stored.revision);
            stored
        };
        // Dates that have come take effect whenever an object is looked at.
        if stored.value.next_change_at().is_some_and(|date| date <= self.now) {
            stored.value = Arc::new(Arc::unwrap_or_clone(stored.value).at(self.now));
        }
        if let Some(spent) = self.unit.spent(identifier) {
            stored.value = Arc::new(Arc::unwrap_or_clone(stored.value).having_spent(spent));
        }
        Ok(Some(stored))
    }

    fn note(&mut self, object: &ManagedObject, revision: Revision) {
        self.unit.note(self.event(Some(object.identifier().clone()), Some(revision)));
    }

    fn event(
        &self,
        identifier: Option<UniqueIdentifier>,
        revision: Option<Revision>,
    ) -> AuditEvent {
        AuditEvent {
            at: self.now,
            user: self.principal.user.clone(),
            operation: self.operation,
            identifier,
            revision,
            reason: None,
            correlation: noted(self.correlation),
        }
    }
}

/// Asks the policy of an object.
fn question(object: &ManagedObject, operation: Operation) -> Question<'_> {
    Question {
        policy: object.operation_policy_name(),
        owner: object.owner(),
        object_type: object.object_type(),
        operation,
    }
}

/// Shortens a correlation value to what is noted of it.
pub(super) fn noted(correlation: Option<&str>) -> Option<String> {
    correlation.map(|text| text.chars().take(CORRELATION).collect())
}
