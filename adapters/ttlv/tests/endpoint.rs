//! The endpoint on in-memory fakes: whatever comes in, the right answer in the right version goes
//! out (KMIP 2.1 §8 and §9, 1.4 §6, §7 and §11.1).

use std::sync::Arc;

use kmip_model::{
    enumeration::{Operation, QueryFunction, ResultReason, ResultStatus, Tag},
    identifier::IdentifierRef,
};
use kmip_operations::{
    Ports, Processor, Settings,
    ops::{Request, Response, discover_versions, get, query},
};
use kmip_ports::transport::{MessageHandler as _, Peer};
use kmip_testkit::{
    FixedAuthenticator, FixedClock, FixedPolicies, MemoryStore, RememberingObserver,
    TextCertificates, fixture_suite,
};
use kmip_ttlv::{
    Endpoint, Limits, Version, Writer,
    endpoint::protocol_versions,
    message::{
        request::{self, Outgoing},
        response::{self, Answer},
    },
    objects::KeyValueForm,
};

fn endpoint() -> Endpoint {
    let store = Arc::new(MemoryStore::default());
    let ports = Ports {
        audit: store.clone(),
        observer: Arc::new(RememberingObserver::default()),
        store,
        clock: Arc::new(FixedClock::new(kmip_model::DateTime(1_000))),
        crypto: fixture_suite(1),
        key_values: Arc::new(KeyValueForm),
        certificates: Arc::new(TextCertificates),
        authenticator: Arc::new(FixedAuthenticator::user("alice")),
        policies: Arc::new(FixedPolicies::default()),
    };
    let settings = Settings { protocol_versions: protocol_versions(), ..Settings::default() };
    Endpoint::new(Arc::new(Processor::new(ports, settings)), Limits::default())
}

fn answer_bytes(message: &[u8]) -> Vec<u8> {
    let peer = Peer { connection: 1, address: None, certificates: Vec::new() };
    pollster::block_on(endpoint().handle(&peer, message))
}

fn answer(message: &[u8]) -> Answer {
    response::read(&answer_bytes(message), &Limits::default()).expect("an answer is a response")
}

fn discover() -> Request {
    Request::DiscoverVersions(discover_versions::Request { protocol_versions: Vec::new() })
}

fn query(function: QueryFunction) -> Request {
    Request::Query(query::Request { query_functions: vec![function] })
}

fn get_nothing() -> Request {
    Request::Get(get::Request {
        unique_identifier: IdentifierRef::Placeholder,
        key_format_type: None,
        key_wrap_type: None,
        key_compression_type: None,
        key_wrapping_specification: None,
    })
}

/// Writes a message by hand: version, what else the header holds, Batch Count, the items.
fn by_hand(
    version: (i32, i32),
    header: impl FnOnce(&mut Writer),
    batch_count: i32,
    items: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let mut writer = Writer::new(Version::V1_0);
    writer.structure(Tag::RequestMessage, |writer| {
        writer.structure(Tag::RequestHeader, |writer| {
            writer.structure(Tag::ProtocolVersion, |writer| {
                writer.integer(Tag::ProtocolVersionMajor, version.0);
                writer.integer(Tag::ProtocolVersionMinor, version.1);
            });
            header(writer);
            writer.integer(Tag::BatchCount, batch_count);
        });
        items(writer);
    });
    writer.into_bytes()
}

fn item(writer: &mut Writer, operation: u32, payload: impl FnOnce(&mut Writer)) {
    writer.structure(Tag::BatchItem, |writer| {
        writer.enumeration(Tag::Operation, operation);
        writer.byte_string(Tag::UniqueBatchItemId, &[7]);
        writer.structure(Tag::RequestPayload, payload);
    });
}

fn reasons(answer: &Answer) -> Vec<Option<ResultReason>> {
    answer.items.iter().map(|item| item.result_reason).collect()
}

#[test]
fn every_version_is_answered_in_itself() {
    for version in Version::ALL {
        let message = request::write(version, &Outgoing::default(), &[discover()]);
        let answer = answer(&message);
        assert_eq!(answer.version, (version.0.into(), version.1.into()));
        let Some(Response::DiscoverVersions(response)) = &answer.items[0].payload else {
            panic!("{version}: {answer:?}")
        };
        assert_eq!(response.protocol_versions, protocol_versions());
    }
}

#[test]
fn a_version_that_is_not_spoken_is_refused_in_the_nearest_one() {
    for (version, answered_in, reason) in [
        ((9, 9), (2, 1), ResultReason::UnsupportedProtocolVersion),
        ((2, 2), (2, 1), ResultReason::UnsupportedProtocolVersion),
        ((1, 5), (1, 4), ResultReason::InvalidMessage),
        ((0, 9), (1, 0), ResultReason::InvalidMessage),
    ] {
        let answer = answer(&by_hand(version, |_| (), 0, |_| ()));
        assert_eq!(answer.version, answered_in, "{version:?}");
        assert_eq!(reasons(&answer), [Some(reason)]);
        assert_eq!(answer.items[0].operation, None);
    }
}

#[test]
fn a_damaged_message_is_answered_in_its_version() {
    let whole = request::write(Version::V1_2, &Outgoing::default(), &[discover()]);
    for end in [56, 64, whole.len() - 8] {
        let answer = answer(&whole[..end]);
        assert_eq!(answer.version, (1, 2), "cut at {end}");
        assert_eq!(reasons(&answer), [Some(ResultReason::InvalidMessage)]);
    }
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0xFF; 64], &whole[..8]] {
        let answer = answer(bytes);
        assert_eq!(answer.version, (1, 0));
        assert_eq!(reasons(&answer), [Some(ResultReason::InvalidMessage)]);
    }
}

#[test]
fn a_wrong_batch_count_is_an_invalid_message() {
    for count in [0, 2, -1] {
        let message = by_hand(
            (1, 4),
            |_| (),
            count,
            |writer| {
                item(writer, Operation::DiscoverVersions.0, |_| ());
            },
        );
        assert_eq!(reasons(&answer(&message)), [Some(ResultReason::InvalidMessage)], "{count}");
    }
}

#[test]
fn a_bad_item_spoils_no_other() {
    let option = |writer: &mut Writer| writer.enumeration(Tag::BatchErrorContinuationOption, 1);
    let message = by_hand((1, 2), option, 4, |writer| {
        item(writer, 0x7777, |_| ());
        item(writer, Operation::Notify.0, |_| ());
        item(writer, Operation::Destroy.0, |writer| writer.integer(Tag::UniqueIdentifier, 1));
        item(writer, Operation::DiscoverVersions.0, |_| ());
    });
    let answer = answer(&message);
    assert_eq!(
        reasons(&answer),
        [
            Some(ResultReason::OperationNotSupported),
            Some(ResultReason::OperationNotSupported),
            Some(ResultReason::InvalidMessage),
            None,
        ]
    );
    assert_eq!(answer.items[0].operation, Some(Operation(0x7777)));
}

#[test]
fn an_operation_of_a_later_version_is_not_supported() {
    for (version, reason) in [((1, 4), Some(ResultReason::OperationNotSupported)), ((2, 0), None)] {
        let message = by_hand(
            version,
            |_| (),
            1,
            |writer| {
                item(writer, Operation::Log.0, |writer| writer.text(Tag::LogMessage, "a"));
            },
        );
        assert_eq!(reasons(&answer(&message)), [reason], "{version:?}");
    }
}

#[test]
fn headers_of_1_0_to_1_4_are_read_as_clients_write_them() {
    let header = |writer: &mut Writer| {
        writer.integer(Tag::MaximumResponseSize, 8_192);
        writer.boolean(Tag::AsynchronousIndicator, false);
        writer.structure(Tag::Authentication, |writer| {
            writer.structure(Tag::Credential, |writer| {
                writer.enumeration(Tag::CredentialType, 1);
                writer.structure(Tag::CredentialValue, |writer| {
                    writer.text(Tag::Username, "a");
                    writer.text(Tag::Password, "b");
                });
            });
        });
        writer.boolean(Tag::BatchOrderOption, true);
        writer.date_time(Tag::TimeStamp, kmip_model::DateTime(1_000));
    };
    let message = by_hand((1, 0), header, 1, |writer| {
        item(writer, Operation::Query.0, |writer| writer.enumeration(Tag::QueryFunction, 3));
    });
    assert_eq!(reasons(&answer(&message)), [None]);
}

#[test]
fn the_client_correlation_value_comes_back_from_1_4_on() {
    let outgoing =
        Outgoing { client_correlation_value: Some("step 1".into()), ..Outgoing::default() };
    for (version, there) in [(Version::V1_3, false), (Version::V1_4, true), (Version::V2_1, true)] {
        let message = request::write(version, &outgoing, &[discover()]);
        let bytes = answer_bytes(&message);
        let found = bytes.windows(6).any(|window| window == b"step 1");
        assert_eq!(found, there, "{version}");
    }
}

#[test]
fn query_lists_nothing_newer_than_the_version() {
    for version in Version::ALL {
        let message =
            request::write(version, &Outgoing::default(), &[query(QueryFunction::QueryOperations)]);
        let answer = answer(&message);
        let Some(Response::Query(response)) = &answer.items[0].payload else {
            panic!("{version}: {answer:?}")
        };
        assert!(response.operations.contains(&Operation::Create));
        let two = version >= Version::V2_0;
        assert_eq!(response.operations.contains(&Operation::SetAttribute), two, "{version}");
        assert_eq!(response.operations.contains(&Operation::Log), two, "{version}");
    }
}

#[test]
fn what_was_undone_keeps_its_payload_and_has_no_reason() {
    let option = |writer: &mut Writer| writer.enumeration(Tag::BatchErrorContinuationOption, 3);
    let message = by_hand((2, 1), option, 2, |writer| {
        item(writer, Operation::DiscoverVersions.0, |_| ());
        item(writer, Operation::Get.0, |_| ());
    });
    let answer = answer(&message);
    assert_eq!(answer.items[0].result_status, ResultStatus::OperationUndone);
    assert_eq!(answer.items[0].result_reason, None);
    assert!(answer.items[0].payload.is_some());
    assert_eq!(answer.items[1].result_status, ResultStatus::OperationFailed);
}

#[test]
fn an_absent_object_has_the_reason_of_its_version() {
    for (version, reason) in [
        (Version::V1_0, ResultReason::ItemNotFound),
        (Version::V1_4, ResultReason::ItemNotFound),
        (Version::V2_0, ResultReason::ObjectNotFound),
        (Version::V2_1, ResultReason::ObjectNotFound),
    ] {
        let message = request::write(version, &Outgoing::default(), &[get_nothing()]);
        assert_eq!(reasons(&answer(&message)), [Some(reason)], "{version}");
    }
}
