//! Batches and headers, from outside (KMIP 2.1 §9.6 to §9.8, 1.4 §6).

use kmip_model::enumeration::{
    AsynchronousIndicator, BatchErrorContinuationOption, Operation, ResultReason, ResultStatus,
    RevocationReasonCode, State, Tag,
};
use kmip_tests::request::{
    boolean, enumeration, enumeration_attribute, identifier, name, structure, text,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer, clock};

use crate::common::{create_aes, create_in, create_pair, new_key, on, revoke};

const VERSION: (i32, i32) = (1, 4);

/// An operation of a vendor that nobody knows.
const UNKNOWN: Operation = Operation(0x8000_0001);

fn located(connection: &mut Connection) -> Vec<String> {
    connection.ask(&Request::one(VERSION, Operation::Locate, Vec::new())).identifiers()
}

fn create(request: Request, id: &[u8]) -> Request {
    request.item_as(id, Operation::Create, create_aes(Vec::new()))
}

fn failing_get(request: Request, id: &[u8]) -> Request {
    request.item_as(id, Operation::Get, vec![identifier("no-such-object")])
}

#[test]
fn a_batch_stops_at_the_first_failure_unless_told_otherwise() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let stop = Some(BatchErrorContinuationOption::Stop);
    for option in [None, stop] {
        let mut request = Request::new(VERSION);
        if let Some(option) = option {
            request = request.on_error(option);
        }
        let answer = connection.ask(&create(failing_get(request, b"1"), b"2"));
        assert_eq!(answer.count(), 1);
        assert_eq!(answer.reason_of(0), ResultReason::ItemNotFound);
        assert_eq!(located(&mut connection), Vec::<String>::new());
    }
}

#[test]
fn a_batch_that_stops_keeps_what_it_did() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let request = create(failing_get(create(Request::new(VERSION), b"1"), b"2"), b"3");
    let answer = connection.ask(&request);
    assert_eq!(answer.count(), 2);
    assert_eq!(located(&mut connection), [answer.identifier_of(0)]);
}

#[test]
fn a_batch_continues_if_that_is_asked_for() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let request = Request::new(VERSION).on_error(BatchErrorContinuationOption::Continue);
    let answer = connection.ask(&create(failing_get(request, b"1"), b"2"));
    assert_eq!(answer.count(), 2);
    assert_eq!(answer.reason_of(0), ResultReason::ItemNotFound);
    assert_eq!(located(&mut connection), [answer.identifier_of(1)]);
}

#[test]
fn a_batch_that_fails_is_undone_if_that_is_asked_for() {
    let server = TestServer::start();
    let mut connection = server.connect("client");
    let kept = new_key(&mut connection, vec![name("kept")]);
    let undo = Request::new(VERSION).on_error(BatchErrorContinuationOption::Undo);
    let request = create(undo.clone(), b"1")
        .item_as(b"2", Operation::Activate, vec![identifier(&kept)])
        .item_as(b"3", Operation::Destroy, vec![identifier(&kept)]);
    // The third item would destroy what the second made active: it fails.
    let answer = connection.ask(&request);
    assert_eq!(answer.count(), 3);
    let statuses = [0, 1, 2].map(|at| answer.status(at));
    assert_eq!(statuses[0], ResultStatus::OperationUndone);
    assert_eq!(statuses[1], ResultStatus::OperationUndone);
    assert_eq!(statuses[2], ResultStatus::OperationFailed);
    assert_eq!(located(&mut connection), [kept.as_str()]);
    let payload = vec![identifier(&kept), text(Tag::AttributeName, "State")];
    let state = connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload));
    assert_eq!(state.fields()[1], enumeration_attribute("State", State::PreActive));

    let good = connection.ask(&create(create(undo, b"1"), b"2"));
    assert_eq!(good.count(), 2);
    assert_eq!(located(&mut connection).len(), 3);
}

#[test]
fn the_placeholder_carries_an_object_through_its_whole_life() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let mut reason = revoke("", RevocationReasonCode::CessationOfOperation);
    reason.remove(0);
    let request = Request::new(VERSION)
        .item_as(b"create", Operation::Create, create_aes(vec![name("k")]))
        .item_as(b"activate", Operation::Activate, Vec::new())
        .item_as(b"get", Operation::Get, Vec::new())
        .item_as(b"attributes", Operation::GetAttributes, Vec::new())
        .item_as(b"list", Operation::GetAttributeList, Vec::new())
        .item_as(b"revoke", Operation::Revoke, reason)
        .item_as(b"destroy", Operation::Destroy, Vec::new());
    let answer = connection.ask(&request);
    assert_eq!(answer.count(), 7);
    let id = answer.identifier_of(0);
    assert!((1..7).all(|at| answer.identifier_of(at) == id));
    assert_eq!(located(&mut connection), Vec::<String>::new());
}

#[test]
fn the_placeholder_of_a_pair_is_the_private_key() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let request = Request::new(VERSION)
        .item_as(b"1", Operation::CreateKeyPair, create_pair())
        .item_as(b"2", Operation::Get, Vec::new());
    let answer = connection.ask(&request);
    let private = answer.payload_of(0).text_of(Tag::PrivateKeyUniqueIdentifier).unwrap();
    assert_eq!(answer.identifier_of(1), private);
}

#[test]
fn the_placeholder_does_not_outlive_its_message() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    new_key(&mut connection, Vec::new());
    let answer = connection.ask(&Request::one(VERSION, Operation::Get, Vec::new()));
    assert_eq!(answer.reason(), ResultReason::ItemNotFound);
}

#[test]
fn unique_batch_item_ids_come_back_as_they_are() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let ids: [&[u8]; 4] = [b"", b"\0", &[0xFF; 33], b"same"];
    let query = |request: Request, id: &[u8]| request.item_as(id, Operation::Locate, Vec::new());
    let request = ids.iter().fold(Request::new(VERSION), |request, id| query(request, id));
    // That they are echoed is checked for every answer.
    assert_eq!(connection.ask(&request).count(), 4);
}

#[test]
fn several_items_without_ids_are_refused_before_anything_is_done() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let request = create(Request::new(VERSION), b"1").item(Operation::Locate, Vec::new());
    let answer = connection.ask(&request);
    assert_eq!(answer.reason(), ResultReason::InvalidMessage);
    assert_eq!(answer.item(0).get(Tag::Operation), None);
    assert_eq!(located(&mut connection), Vec::<String>::new());
}

#[test]
fn a_wrong_count_is_refused_before_anything_is_done() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for count in [-1, 0, 2, 5, i32::MAX] {
        let request = create(Request::new(VERSION), b"1").batch_count(count);
        let answer = connection.ask(&request);
        assert_eq!(answer.reason(), ResultReason::InvalidMessage, "{count}");
    }
    assert_eq!(located(&mut connection), Vec::<String>::new());
}

#[test]
fn an_answer_that_would_be_too_long_has_no_effect() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for size in [1, 64] {
        let request = create(Request::new(VERSION), b"1").maximum_response_size(size);
        let answer = connection.ask(&request);
        assert_eq!(answer.reason(), ResultReason::ResponseTooLarge, "{size}");
    }
    assert_eq!(located(&mut connection), Vec::<String>::new());

    // One answer fits, two do not.
    let one = connection.ask(&create(Request::new(VERSION), b"1"));
    let length = one.message().encode().unwrap().len();
    let limit = i32::try_from(length).unwrap() + 16;
    let two = create(create(Request::new(VERSION), b"1"), b"2").maximum_response_size(limit);
    let answer = connection.ask(&two);
    assert_eq!(answer.count(), 2);
    assert_eq!(answer.status(0), ResultStatus::Success);
    assert_eq!(answer.reason_of(1), ResultReason::ResponseTooLarge);
    assert_eq!(located(&mut connection).len(), 2);
    // The client reads answers as long as it says.
    assert!(create_with_room(&mut connection, length));
}

/// Creates a key with exactly the room that its answer needs.
fn create_with_room(connection: &mut Connection, length: usize) -> bool {
    let limit = i32::try_from(length).expect("answers are short");
    let request = create(Request::new(VERSION), b"1").maximum_response_size(limit);
    connection.ask(&request).status(0) == ResultStatus::Success
}

#[test]
fn an_unknown_operation_fails_in_its_own_item() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for operation in [UNKNOWN, Operation(0x7F), Operation(0)] {
        let junk = vec![text(Tag(0x54_0001), "junk")];
        let request = Request::new(VERSION).on_error(BatchErrorContinuationOption::Continue);
        let request = create(request, b"1").item_as(b"2", operation, junk);
        if operation.0 == 0 {
            // 0 is no operation at all; it is answered all the same.
            assert!(connection.exchange(&request.message()).is_ok());
            continue;
        }
        let answer = connection.ask(&create(request, b"3"));
        assert_eq!(answer.count(), 3);
        assert_eq!(answer.reason_of(1), ResultReason::OperationNotSupported, "{operation}");
        assert_ne!(answer.identifier_of(0), answer.identifier_of(2));
    }
}

#[test]
fn correlation_values_are_echoed() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for version in [(1, 4), (2, 0), (2, 1)] {
        for operation in [Operation::Locate, Operation::Get] {
            let request = Request::one(version, operation, Vec::new());
            let answer = connection.ask(&request.client_correlation_value("job 7"));
            let echoed = answer.header().text_of(Tag::ClientCorrelationValue);
            assert_eq!(echoed, Some("job 7"), "{version:?}");
        }
    }
}

#[test]
fn only_a_client_that_insists_on_an_asynchronous_answer_is_refused() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let indicator = |value: AsynchronousIndicator| Value::Enumeration(value.0);
    for (version, value, accepted) in [
        ((1, 0), Value::Boolean(false), true),
        ((1, 4), Value::Boolean(true), true),
        ((2, 1), indicator(AsynchronousIndicator::Prohibited), true),
        ((2, 1), indicator(AsynchronousIndicator::Optional), true),
        ((2, 1), indicator(AsynchronousIndicator::Mandatory), false),
    ] {
        let request = Request::one(version, Operation::Locate, Vec::new());
        let answer = connection.ask(&request.asynchronous_indicator(value.clone()));
        let status = answer.status(0);
        assert_eq!(status == ResultStatus::Success, accepted, "{version:?} {value:?}");
    }
}

#[test]
fn a_message_from_another_time_is_refused() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (offset, accepted) in [(0, true), (-30, true), (15, true), (-3600, false), (3600, false)] {
        let request = create(Request::new(VERSION), b"1").time_stamp(clock::now() + offset);
        let answer = connection.ask(&request);
        if accepted {
            answer.identifier();
        } else {
            assert_eq!(answer.reason(), ResultReason::InvalidMessage, "{offset}");
        }
    }
    assert_eq!(located(&mut connection).len(), 3);
}

#[test]
fn the_answer_says_what_time_it_is() {
    let server = TestServer::in_memory();
    let before = clock::now();
    let answer =
        server.connect("client").ask(&Request::one(VERSION, Operation::Locate, Vec::new()));
    assert!((before..=clock::now()).contains(&answer.time_stamp()));
}

#[test]
fn an_extension_of_a_vendor_is_left_alone_unless_it_is_critical() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for (critical, reason) in [(false, None), (true, Some(ResultReason::FeatureNotSupported))] {
        let extension = structure(
            Tag::MessageExtension,
            vec![
                text(Tag::VendorIdentification, "acme"),
                boolean(Tag::CriticalityIndicator, critical),
                structure(Tag::VendorExtension, vec![text(Tag(0x54_0001), "anything")]),
            ],
        );
        let request = Request::new(VERSION).raw_item(vec![
            enumeration(Tag::Operation, Operation::Create),
            structure(Tag::RequestPayload, create_aes(Vec::new())),
            extension,
        ]);
        let answer = connection.ask(&request);
        match reason {
            None => assert_eq!(answer.status(0), ResultStatus::Success),
            Some(reason) => assert_eq!(answer.reason(), reason),
        }
    }
    assert_eq!(located(&mut connection).len(), 1);
}

#[test]
fn messages_sent_at_once_are_answered_in_order() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let ids: Vec<String> = (0..4).map(|_| new_key(&mut connection, Vec::new())).collect();
    let requests: Vec<Request> = ids
        .iter()
        .map(|id| on(VERSION, Operation::Get, id))
        .chain((0..4).map(|_| create(Request::new((2, 1)), b"1")))
        .collect();
    let bytes: Vec<u8> = requests.iter().flat_map(Request::bytes).collect();
    connection.send(&bytes).unwrap();
    let answers: Vec<Item> =
        requests.iter().map(|_| Item::decode(&connection.receive().unwrap()).unwrap()).collect();
    for (id, answer) in ids.iter().zip(&answers) {
        let path = "BatchItem/ResponsePayload/UniqueIdentifier";
        assert_eq!(answer.at(path).and_then(Item::as_text), Some(id.as_str()));
    }
    assert_eq!(answers.len(), 8);
}

#[test]
fn a_message_that_comes_octet_by_octet_is_answered_like_any_other() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    for octet in Request::one((1, 0), Operation::Create, create_in((1, 0))).bytes() {
        connection.send(&[octet]).unwrap();
    }
    let answer = Item::decode(&connection.receive().unwrap()).unwrap();
    assert!(answer.at("BatchItem/ResponsePayload/UniqueIdentifier").is_some());
}
