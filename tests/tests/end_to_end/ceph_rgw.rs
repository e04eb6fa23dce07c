//! Ceph RADOS Gateway, SSE-KMS: KMIP 1.0, for each object that is written or read.
//!
//! Locate by Name alone must find exactly one identifier, whatever else of that Name there has
//! been; then Get. User name and password may be in the header beside the certificate. Connections
//! are pooled and dropped without a word.

use kmip_model::enumeration::{Operation, ResultReason, Tag};
use kmip_tests::request::{identifier, name};
use kmip_tests::tree::Item;
use kmip_tests::{Connection, Request, TestServer, clock};

use crate::common::{create_aes, on};

fn request(operation: Operation, payload: Vec<Item>) -> Request {
    Request::one((1, 0), operation, payload)
        .maximum_response_size(8192)
        .username_and_password("rgw", "never checked")
        .time_stamp(clock::now())
}

fn key_by_name(connection: &mut Connection, key_name: &str) -> Vec<u8> {
    let located = connection.ask(&request(Operation::Locate, vec![name(key_name)]));
    let [id] = located.identifiers().try_into().expect("exactly one key has the name");
    let got = connection.ask(&request(Operation::Get, vec![identifier(&id)]));
    got.key_material().to_vec()
}

#[test]
fn a_bucket_key_is_found_by_its_name_for_every_object() {
    let server = TestServer::in_memory();
    let mut operator = server.connect("client");
    for key_name in ["bucket-1", "bucket-2"] {
        let create = Request::one((1, 0), Operation::Create, create_aes(vec![name(key_name)]));
        operator.ask(&create).identifier();
    }
    let mut pool: Vec<Connection> = (0..3).map(|_| server.connect("client")).collect();
    let keys: Vec<Vec<u8>> =
        pool.iter_mut().map(|connection| key_by_name(connection, "bucket-1")).collect();
    assert!(keys.iter().all(|key| key.len() == 32 && Some(key) == keys.first()));
    let other = pool.first_mut().map(|connection| key_by_name(connection, "bucket-2"));
    assert_ne!(other.as_ref(), keys.first());

    // A connection that is cut off costs the others nothing.
    for connection in pool.iter_mut().take(2) {
        connection.cut();
    }
    let last = pool.last_mut().map(|connection| key_by_name(connection, "bucket-1"));
    assert_eq!(last.as_ref(), keys.first());
}

#[test]
fn a_destroyed_key_does_not_hold_its_name() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = Request::one((1, 0), Operation::Create, create_aes(vec![name("bucket")]));
    let old = connection.ask(&create).identifier();
    connection.ask(&on((1, 0), Operation::Destroy, &old)).identifier();
    let new = connection.ask(&create).identifier();
    let located = connection.ask(&request(Operation::Locate, vec![name("bucket")]));
    assert_eq!(located.identifiers(), [new]);
    let gone = connection.ask(&request(Operation::Get, vec![identifier(&old)]));
    assert_eq!(gone.reason(), ResultReason::ItemNotFound);
}

#[test]
fn no_key_of_the_name_is_a_success_without_identifiers() {
    let server = TestServer::in_memory();
    let located = server.connect("client").ask(&request(Operation::Locate, vec![name("none")]));
    assert_eq!(located.fields(), []);
    assert_eq!(
        located.item(0).at("ResponsePayload").map(|item| item.tag),
        Some(Tag::ResponsePayload)
    );
}
