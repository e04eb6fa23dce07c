//! Batches (KMIP 2.1 §9.6 to §9.8, 1.4 §6.12 to §6.15): order, options, identifiers, limits.

mod parts;

mod audit;

use std::sync::Arc;

use kmip_model::{
    DateTime, IdentifierRef, Interval, ManagedObject, UniqueIdentifier,
    attribute::{
        Attribute, AttributeReference, AttributeSet, CryptographicParameters, Name,
        RevocationReason,
    },
    enumeration::{
        BatchErrorContinuationOption as Option_, HashingAlgorithm, KeyFormatType, ObjectType,
        Operation, RevocationReasonCode, State, Tag,
    },
    locate::{Filter, Locate},
    object::Object,
    policy::{Permission, Policies, Policy, PolicyRules},
    value::Valued as _,
};
use kmip_ports::{clock::Clock, store::StoreError, transport::Peer};
use kmip_testkit::{
    FixedAuthenticator, FixedClock, FixedPolicies, MemoryStore, RememberedKeyValues,
    RememberingObserver, TextCertificates, fixture_suite,
};

use super::{ForbiddenObjects, Ports, Processor, Settings};
use crate::{
    error::OperationError,
    message::{
        Measure, Outcome, PayloadFault, RequestItem, RequestMessage, ResponseItem, ResponseMessage,
    },
    ops::{
        Request, Response, activate, add_attribute, create, delete_attribute, destroy,
        get_attribute_list, get_attributes, hash, locate, modify_attribute, revoke, set_attribute,
    },
    shared::{create_object::TemplateAttribute, cryptographic_parameters, stream::Streaming},
    testing::{
        NOW, TWO, aes, aes_key, create_request, first_part, get_request, hash_request, key_block,
        last_part, name, next_part,
    },
};

/// Every item has this many bytes, and the header none.
struct Sized(usize);

impl Measure for Sized {
    fn empty_size(&self) -> usize {
        0
    }
    fn item_size(&self, _: &ResponseItem) -> usize {
        self.0
    }
}

struct Desk {
    store: Arc<MemoryStore>,
    processor: Processor,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Ports)) -> Self {
        let store = Arc::new(MemoryStore::default());
        let mut ports = Ports {
            store: store.clone(),
            clock: Arc::new(FixedClock::new(NOW)),
            crypto: fixture_suite(3),
            key_values: Arc::new(RememberedKeyValues::default()),
            certificates: Arc::new(TextCertificates),
            authenticator: Arc::new(FixedAuthenticator::user("alice")),
            policies: Arc::new(FixedPolicies::default()),
            audit: store.clone(),
            observer: Arc::new(RememberingObserver::default()),
        };
        change(&mut ports);
        Self { store, processor: Processor::new(ports, Settings::default()) }
    }

    fn send(&self, message: RequestMessage) -> ResponseMessage {
        let peer = Peer { connection: 1, address: None, certificates: Vec::new() };
        pollster::block_on(self.processor.execute(&peer, message, &Sized(100)))
    }
}

fn item(operation: Operation, payload: Result<Request, PayloadFault>) -> RequestItem {
    RequestItem {
        operation,
        unique_batch_item_id: Some(vec![1]),
        critical_extension: false,
        payload,
    }
}

fn create() -> RequestItem {
    item(Operation::Create, Ok(create_request(aes(256))))
}

fn get(reference: IdentifierRef) -> RequestItem {
    item(Operation::Get, Ok(Request::Get(get_request(reference))))
}

fn missing() -> RequestItem {
    get(UniqueIdentifier::new("none").into())
}

fn activate() -> RequestItem {
    let unique_identifier = IdentifierRef::Placeholder;
    item(Operation::Activate, Ok(Request::Activate(activate::Request { unique_identifier })))
}

fn destroy() -> RequestItem {
    let unique_identifier = IdentifierRef::Placeholder;
    item(Operation::Destroy, Ok(Request::Destroy(destroy::Request { unique_identifier })))
}

fn message(option: Option_, items: Vec<RequestItem>) -> RequestMessage {
    RequestMessage {
        dialect: TWO,
        maximum_response_size: None,
        client_correlation_value: None,
        server_correlation_value: None,
        asynchronous_only: false,
        credentials: Vec::new(),
        batch_error_continuation_option: option,
        time_stamp: None,
        items,
    }
}

/// S for a success, F for a failure, U for what was undone.
fn outcomes(answer: &ResponseMessage) -> String {
    let letter = |item: &ResponseItem| match item.outcome {
        Outcome::Success(_) => 'S',
        Outcome::Failed(_) => 'F',
        Outcome::Undone(_) => 'U',
    };
    answer.items.iter().map(letter).collect()
}

#[test]
fn stop_continue_and_undo() {
    for (option, expected, stored) in
        [(Option_::Stop, "SF", 1), (Option_::Continue, "SFS", 2), (Option_::Undo, "UF", 0)]
    {
        let desk = Desk::new();
        let answer = desk.send(message(option, vec![create(), missing(), create()]));
        assert_eq!(outcomes(&answer), expected, "{option}");
        assert_eq!(desk.store.objects().len(), stored, "{option}");
    }
}

#[test]
fn undo_without_a_failure_keeps_everything() {
    let desk = Desk::new();
    let answer = desk.send(message(Option_::Undo, vec![create(), activate(), create()]));
    assert_eq!(outcomes(&answer), "SSS");
    assert_eq!(desk.store.objects().len(), 2);
}

#[test]
fn the_placeholder_lives_for_one_message() {
    let desk = Desk::new();
    let items = vec![create(), activate(), get(IdentifierRef::Placeholder)];
    assert_eq!(outcomes(&desk.send(message(Option_::Stop, items))), "SSS");
    let again = desk.send(message(Option_::Stop, vec![get(IdentifierRef::Placeholder)]));
    assert!(matches!(again.items[0].outcome, Outcome::Failed(OperationError::NoPlaceholder)));
}

#[test]
fn a_failed_item_leaves_the_placeholder_as_it_was() {
    let desk = Desk::new();
    let items = vec![create(), missing(), activate()];
    assert_eq!(outcomes(&desk.send(message(Option_::Continue, items))), "SFS");
    assert_eq!(desk.store.objects()[0].state(), Some(State::Active));
}

#[test]
fn within_an_undone_batch_items_see_what_earlier_ones_did() {
    let desk = Desk::new();
    let items = vec![create(), destroy(), get(IdentifierRef::Placeholder)];
    let answer = desk.send(message(Option_::Undo, items));
    assert_eq!(outcomes(&answer), "UUF");
    assert!(matches!(answer.items[2].outcome, Outcome::Failed(OperationError::Destroyed)));
    assert!(desk.store.objects().is_empty());
}

#[test]
fn what_does_not_fit_into_the_response_has_no_effect() {
    let desk = Desk::new();
    let limited = |limit, items| RequestMessage {
        maximum_response_size: Some(limit),
        ..message(Option_::Stop, items)
    };
    let answer = desk.send(limited(99, vec![create()]));
    assert!(matches!(answer.items[0].outcome, Outcome::Failed(OperationError::ResponseTooLarge)));
    assert!(desk.store.objects().is_empty());
    let answer = desk.send(limited(150, vec![create(), create()]));
    assert_eq!(outcomes(&answer), "SF");
    assert_eq!(desk.store.objects().len(), 1);
}

#[test]
fn a_conflict_is_tried_again_and_a_broken_store_is_not() {
    let desk = Desk::new();
    desk.store.fail_next(2, &StoreError::Conflict);
    assert_eq!(outcomes(&desk.send(message(Option_::Stop, vec![create()]))), "S");
    desk.store.fail_next(1, &StoreError::Unavailable);
    let answer = desk.send(message(Option_::Stop, vec![create()]));
    assert!(matches!(
        answer.items[0].outcome,
        Outcome::Failed(OperationError::Store(StoreError::Unavailable))
    ));
    assert_eq!(desk.store.objects().len(), 1);
}

#[test]
fn an_unknown_operation_fails_in_its_own_item() {
    let desk = Desk::new();
    let unknown = item(Operation(0x7777), Err(PayloadFault::OperationNotSupported));
    let answer = desk.send(message(Option_::Continue, vec![create(), unknown, create()]));
    assert_eq!(outcomes(&answer), "SFS");
}

#[test]
fn a_message_fails_as_a_whole_before_anything_is_done() {
    let stop = |items| message(Option_::Stop, items);
    let at = |seconds| Some(DateTime(NOW.0 + seconds));
    let nameless = || RequestItem { unique_batch_item_id: None, ..create() };
    let critical = RequestItem { critical_extension: true, ..create() };
    for (request, expected) in [
        (stop(vec![create(), nameless()]), OperationError::MissingUniqueBatchItemId),
        (stop(vec![create(), critical]), OperationError::UnknownMessageExtension),
        (
            RequestMessage { asynchronous_only: true, ..stop(vec![create()]) },
            OperationError::AsynchronousNotSupported,
        ),
        (
            RequestMessage { time_stamp: at(-60), ..stop(vec![create()]) },
            OperationError::StaleTimeStamp,
        ),
        (
            RequestMessage { time_stamp: at(31), ..stop(vec![create()]) },
            OperationError::FutureTimeStamp,
        ),
    ] {
        let desk = Desk::new();
        let answer = desk.send(request);
        let [ResponseItem { operation: None, outcome: Outcome::Failed(error), .. }] =
            answer.items.as_slice()
        else {
            panic!("{expected}: {answer:?}")
        };
        assert_eq!(*error, expected);
        assert!(desk.store.objects().is_empty(), "{expected}");
    }
}

#[test]
fn a_fresh_time_stamp_is_accepted() {
    let desk = Desk::new();
    for seconds in [-59, 0, 30] {
        let time_stamp = Some(DateTime(NOW.0 + seconds));
        let request = RequestMessage { time_stamp, ..message(Option_::Stop, vec![create()]) };
        assert_eq!(outcomes(&desk.send(request)), "S", "{seconds}");
    }
}

#[test]
fn a_batch_has_so_many_items_and_no_more() {
    let many = |count| (0..count).map(|_| missing()).collect();
    let answer = Desk::new().send(message(Option_::Continue, many(1_024)));
    assert_eq!(answer.items.len(), 1_024);
    let answer = Desk::new().send(message(Option_::Continue, many(1_025)));
    let [ResponseItem { outcome: Outcome::Failed(error), .. }] = answer.items.as_slice() else {
        panic!("{answer:?}")
    };
    assert_eq!(*error, OperationError::TooManyItems);
}

/// A clock that is forty seconds later whenever it is looked at.
struct Hurried(FixedClock);

impl Clock for Hurried {
    fn now(&self) -> DateTime {
        self.0.advance(Interval(40));
        self.0.now()
    }
}

#[test]
fn items_are_not_begun_when_nobody_waits_for_them_any_more() {
    for (option, expected) in
        [(Option_::Stop, "SF"), (Option_::Continue, "SFF"), (Option_::Undo, "UF")]
    {
        let desk = Desk::with(|ports| ports.clock = Arc::new(Hurried(FixedClock::new(NOW))));
        let answer = desk.send(message(option, vec![create(), create(), create()]));
        assert_eq!(outcomes(&answer), expected);
        assert!(matches!(answer.items[1].outcome, Outcome::Failed(OperationError::Overdue)));
    }
}

fn locate(query: Locate) -> RequestItem {
    item(Operation::Locate, Ok(Request::Locate(locate::Request { query })))
}

/// What a Locate found: how many in all, and how many of them are returned.
fn located(answer: &ResponseMessage) -> Vec<(Option<i32>, usize)> {
    let found = |item: &ResponseItem| match &item.outcome {
        Outcome::Success(response) => match response.as_ref() {
            Response::Locate(found) => Some((found.located_items, found.unique_identifiers.len())),
            _ => None,
        },
        _ => None,
    };
    answer.items.iter().filter_map(found).collect()
}

#[test]
fn several_hits_empty_the_placeholder_unless_one_was_wanted() {
    let desk = Desk::new();
    desk.send(message(Option_::Stop, vec![create(), create()]));
    let get = || get(IdentifierRef::Placeholder);
    for (maximum, expected) in [(None, "SSF"), (Some(2), "SSF"), (Some(1), "SSS")] {
        let items = vec![create(), locate(Locate { maximum, ..Locate::default() }), get()];
        assert_eq!(outcomes(&desk.send(message(Option_::Continue, items))), expected);
    }
    // Nothing found stands for nothing, and not for what was there before.
    let nothing = Filter {
        reference: AttributeReference::Standard(Tag::Name),
        value: Name::text("none").to_value(),
    };
    let items =
        vec![create(), locate(Locate { filters: vec![nothing], ..Locate::default() }), get()];
    assert_eq!(outcomes(&desk.send(message(Option_::Continue, items))), "SSF");
}

#[test]
fn within_an_undone_batch_locate_counts_what_earlier_items_did() {
    let desk = Desk::new();
    desk.send(message(Option_::Stop, vec![create(), create(), create()]));
    let page = |offset, maximum| locate(Locate { offset, maximum, ..Locate::default() });
    let gone = desk.store.objects()[2].identifier().clone();
    let destroy = Request::Destroy(destroy::Request { unique_identifier: gone.into() });
    let items = vec![
        create(),
        item(Operation::Destroy, Ok(destroy)),
        page(0, Some(2)),
        page(2, None),
        page(9, Some(1)),
    ];
    let answer = desk.send(message(Option_::Undo, items));
    assert_eq!(located(&answer), [(Some(3), 2), (Some(3), 1), (Some(3), 0)]);
}

/// Every operation that is done to one object.
fn done_to(identifier: &UniqueIdentifier) -> Vec<RequestItem> {
    let unique_identifier = || IdentifierRef::from(identifier.clone());
    let comment = || Attribute::Comment("c".into());
    let group = || AttributeReference::Standard(Tag::ObjectGroup);
    vec![
        activate_request(unique_identifier()),
        get(unique_identifier()),
        item(
            Operation::GetAttributes,
            Ok(Request::GetAttributes(get_attributes::Request {
                unique_identifier: unique_identifier(),
                attribute_references: Vec::new(),
            })),
        ),
        item(
            Operation::GetAttributeList,
            Ok(Request::GetAttributeList(get_attribute_list::Request {
                unique_identifier: unique_identifier(),
            })),
        ),
        item(
            Operation::AddAttribute,
            Ok(Request::AddAttribute(add_attribute::Request {
                unique_identifier: unique_identifier(),
                attribute: comment(),
                attribute_index: None,
            })),
        ),
        item(
            Operation::ModifyAttribute,
            Ok(Request::ModifyAttribute(modify_attribute::Request {
                unique_identifier: unique_identifier(),
                selection: modify_attribute::Selection::Only,
                attribute: comment(),
            })),
        ),
        item(
            Operation::SetAttribute,
            Ok(Request::SetAttribute(set_attribute::Request {
                unique_identifier: unique_identifier(),
                new_attribute: comment(),
            })),
        ),
        item(
            Operation::DeleteAttribute,
            Ok(Request::DeleteAttribute(delete_attribute::Request {
                unique_identifier: unique_identifier(),
                selection: delete_attribute::Selection::Every(group()),
            })),
        ),
        item(
            Operation::Revoke,
            Ok(Request::Revoke(revoke::Request {
                unique_identifier: unique_identifier(),
                revocation_reason: RevocationReason {
                    revocation_reason_code: RevocationReasonCode::KeyCompromise,
                    revocation_message: None,
                },
                compromise_occurrence_date: None,
            })),
        ),
        item(
            Operation::Destroy,
            Ok(Request::Destroy(destroy::Request { unique_identifier: unique_identifier() })),
        ),
    ]
}

fn activate_request(unique_identifier: IdentifierRef) -> RequestItem {
    item(Operation::Activate, Ok(Request::Activate(activate::Request { unique_identifier })))
}

fn held_by(owner: &str, identifier: &str, object: Object, policy: &str) -> ManagedObject {
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::OperationPolicyName(policy.into()));
    attributes.set(name(identifier));
    ManagedObject::new(UniqueIdentifier::new(identifier), owner, object, attributes)
}

#[test]
fn a_stranger_cannot_tell_a_key_from_none() {
    let desk = Desk::new();
    desk.store.insert(held_by("bob", "b", aes_key(&[1; 16]), "default"));
    let destroyed = held_by("bob", "d", aes_key(&[1; 16]), "default").destroy(NOW).unwrap();
    desk.store.insert(destroyed);
    let before = desk.store.objects();
    let failures = |identifier: &str| -> Vec<OperationError> {
        let items = done_to(&UniqueIdentifier::new(identifier));
        let answer = desk.send(message(Option_::Continue, items));
        let failure = |item: ResponseItem| match item.outcome {
            Outcome::Failed(error) => error,
            other => panic!("{:?}: {other:?}", item.operation),
        };
        answer.items.into_iter().map(failure).collect()
    };
    let none = failures("none");
    assert!(none.iter().all(|error| *error == OperationError::NotFound), "{none:?}");
    assert_eq!(failures("b"), none);
    assert_eq!(failures("d"), none);
    let all = desk.send(message(Option_::Stop, vec![locate(Locate::default())]));
    assert_eq!(located(&all), [(None, 0)]);
    assert_eq!(desk.store.objects(), before);
}

#[test]
fn a_stranger_is_told_of_a_key_only_where_the_operator_wants_it() {
    let mut desk = Desk::new();
    desk.store.insert(held_by("bob", "b", aes_key(&[1; 16]), "default"));
    let destroyed = held_by("bob", "d", aes_key(&[1; 16]), "default").destroy(NOW).unwrap();
    desk.store.insert(destroyed);
    let refusal = |desk: &Desk, identifier: &str, tombstones_visible: bool| {
        let item = get(UniqueIdentifier::new(identifier).into());
        let mut asked = message(Option_::Stop, vec![item]);
        asked.dialect.tombstones_visible = tombstones_visible;
        match desk.send(asked).items.remove(0).outcome {
            Outcome::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refusal(&desk, "b", true), OperationError::NotFound);
    desk.processor.settings.forbidden_objects = ForbiddenObjects::Revealed;
    for (identifier, tombstones_visible, expected) in [
        ("b", true, OperationError::Hidden),
        ("b", false, OperationError::Hidden),
        ("d", true, OperationError::Hidden),
        ("d", false, OperationError::NotFound),
        ("none", true, OperationError::NotFound),
    ] {
        assert_eq!(refusal(&desk, identifier, tombstones_visible), expected, "{identifier}");
    }
    assert_eq!(OperationError::Hidden.to_string(), OperationError::NotFound.to_string());
}

#[test]
fn a_public_key_is_everybodys_to_read_and_its_owners_to_change() {
    let desk = Desk::new();
    let key = Object::PublicKey(key_block(KeyFormatType::X509, b"key"));
    desk.store.insert(held_by("bob", "b", key, "default"));
    let items = done_to(&UniqueIdentifier::new("b"));
    let answer = desk.send(message(Option_::Continue, items));
    assert_eq!(outcomes(&answer), "FSSSFFFFFF");
    for item in &answer.items {
        if let Outcome::Failed(error) = &item.outcome {
            assert_eq!(*error, OperationError::NotPermitted, "{:?}", item.operation);
        }
    }
}

#[test]
fn a_template_that_may_only_be_located_is_not_made_use_of() {
    let seen = |operations: &[Operation]| Policy {
        preset: Some(PolicyRules::default().with(
            ObjectType::Template,
            operations,
            Permission::AllowAll,
        )),
        ..Policy::default()
    };
    for (operations, expected) in
        [(&[Operation::Locate][..], "F"), (&[Operation::Locate, Operation::Get], "S")]
    {
        let mut policies = Policies::default();
        policies.insert("seen", seen(operations));
        let desk = Desk::with(|ports| ports.policies = Arc::new(FixedPolicies::new(policies)));
        let template = Object::Template { attributes: Vec::new() };
        desk.store.insert(held_by("bob", "t", template, "seen"));
        let request = Request::Create(create::Request {
            object_type: ObjectType::SymmetricKey,
            attributes: TemplateAttribute { names: vec![Name::text("t")], attributes: aes(128) },
            protection_storage_masks: Vec::new(),
        });
        let answer = desk.send(message(Option_::Stop, vec![item(Operation::Create, Ok(request))]));
        assert_eq!(outcomes(&answer), expected);
    }
}

#[test]
fn a_locate_of_more_than_the_response_has_room_for_is_refused_at_once() {
    let desk = Desk::new();
    let creates = (0..4).map(|_| create()).collect();
    assert_eq!(outcomes(&desk.send(message(Option_::Stop, creates))), "SSSS");
    // Three identifiers of 48 bytes have room, beside nothing else that is measured here.
    for (maximum, expected) in [(None, "F"), (Some(4), "F"), (Some(3), "S")] {
        let request = RequestMessage {
            maximum_response_size: Some(150),
            ..message(Option_::Stop, vec![locate(Locate { maximum, ..Locate::default() })])
        };
        assert_eq!(outcomes(&desk.send(request)), expected, "{maximum:?}");
    }
}
