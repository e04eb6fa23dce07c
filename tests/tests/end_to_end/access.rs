//! Who may do what: two clients, and what each is told of the other's objects (KMIP 1.4 §3.18).

use std::sync::Arc;

use kmip_model::enumeration::{Operation, ResultReason, ResultStatus, RevocationReasonCode, Tag};
use kmip_tests::connection::{Target, TlsVersions};
use kmip_tests::request::{identifier, name, structure, text, text_attribute};
use kmip_tests::server::Directory;
use kmip_tests::tree::Item;
use kmip_tests::{Connection, Request, TestServer};

use crate::common::{create_aes_2, create_pair, new_key, on, revoke};

const ONE: (i32, i32) = (1, 4);
const TWO: (i32, i32) = (2, 1);

/// Every operation on one object in 1.4, with a payload that its owner could send.
fn operations(id: &str) -> Vec<(Operation, Vec<Item>)> {
    let with = |more: Vec<Item>| std::iter::once(identifier(id)).chain(more).collect();
    vec![
        (Operation::Get, with(Vec::new())),
        (Operation::GetAttributes, with(Vec::new())),
        (Operation::GetAttributeList, with(Vec::new())),
        (Operation::AddAttribute, with(vec![text_attribute("x-a", "1")])),
        (Operation::ModifyAttribute, with(vec![text_attribute("x-a", "2")])),
        (Operation::DeleteAttribute, with(vec![text(Tag::AttributeName, "x-a")])),
        (Operation::Activate, with(Vec::new())),
        (Operation::Revoke, revoke(id, RevocationReasonCode::CessationOfOperation)),
        (Operation::Destroy, with(Vec::new())),
    ]
}

fn new_pair(connection: &mut Connection) -> (String, String) {
    let answer = connection.ask(&Request::one(ONE, Operation::CreateKeyPair, create_pair()));
    let id = |tag| answer.payload().text_of(tag).expect("there are two").to_owned();
    (id(Tag::PrivateKeyUniqueIdentifier), id(Tag::PublicKeyUniqueIdentifier))
}

#[test]
fn nobody_but_its_owner_learns_that_a_secret_object_exists() {
    let server = TestServer::in_memory();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    let key = new_key(&mut alice, Vec::new());
    let (private, _) = new_pair(&mut alice);
    for id in [&key, &private] {
        for ((operation, payload), (_, unknown)) in
            operations(id).into_iter().zip(operations("00000000-0000-4000-8000-000000000000"))
        {
            let other = bob.ask(&Request::one(ONE, operation, payload));
            let nothing = bob.ask(&Request::one(ONE, operation, unknown));
            assert_eq!(other.reason(), ResultReason::ItemNotFound, "{operation}");
            // The two answers are the same to the letter.
            assert_eq!(other.item(0), nothing.item(0), "{operation}");
        }
    }
    // Then the owner does it all.
    for (operation, payload) in operations(&key) {
        let answer = alice.ask(&Request::one(ONE, operation, payload));
        assert_eq!(answer.status(0), ResultStatus::Success, "{operation}: {:?}", answer.item(0));
    }
}

#[test]
fn in_2_1_another_s_object_is_not_found_either() {
    let server = TestServer::in_memory();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    let create = Request::one(TWO, Operation::Create, create_aes_2(Vec::new()));
    let id = alice.ask(&create).identifier();
    for operation in [Operation::Get, Operation::GetAttributes, Operation::Destroy] {
        let refused = bob.ask(&on(TWO, operation, &id));
        assert_eq!(refused.reason(), ResultReason::ObjectNotFound, "{operation}");
    }
    alice.ask(&on(TWO, Operation::Destroy, &id)).identifier();
    for operation in [Operation::Get, Operation::Destroy] {
        let refused = bob.ask(&on(TWO, operation, &id));
        assert_eq!(refused.reason(), ResultReason::ObjectNotFound, "{operation}");
    }
}

#[test]
fn a_public_key_is_read_by_everybody_and_changed_by_its_owner() {
    let server = TestServer::in_memory();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    let (_, public) = new_pair(&mut alice);
    for (operation, payload) in operations(&public) {
        let answer = bob.ask(&Request::one(ONE, operation, payload));
        let reads = matches!(
            operation,
            Operation::Get | Operation::GetAttributes | Operation::GetAttributeList
        );
        if reads {
            assert_eq!(answer.status(0), ResultStatus::Success, "{operation}");
        } else {
            assert_eq!(answer.reason(), ResultReason::PermissionDenied, "{operation}");
        }
    }
    let locate = Request::one(ONE, Operation::Locate, Vec::new());
    assert_eq!(bob.ask(&locate).identifiers(), [public]);
}

#[test]
fn locate_finds_one_s_own() {
    let server = TestServer::start();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    let hers = new_key(&mut alice, vec![name("shared name")]);
    let his = new_key(&mut bob, vec![name("shared name")]);
    for filters in [Vec::new(), vec![name("shared name")]] {
        let locate = Request::one(ONE, Operation::Locate, filters);
        assert_eq!(alice.ask(&locate).identifiers(), [hers.as_str()]);
        assert_eq!(bob.ask(&locate).identifiers(), [his.as_str()]);
    }
    let by_identifier =
        Request::one(ONE, Operation::Locate, vec![text_attribute("Unique Identifier", &hers)]);
    assert_eq!(alice.ask(&by_identifier).identifiers(), [hers]);
    assert_eq!(bob.ask(&by_identifier).identifiers(), Vec::<String>::new());
}

#[test]
fn a_name_is_taken_for_its_owner_alone_and_from_2_0_on() {
    let server = TestServer::in_memory();
    let named = structure(Tag::Name, kmip_tests::request::name_fields("master"));
    let create = Request::one(TWO, Operation::Create, create_aes_2(vec![named]));
    let mut alice = server.connect("alice");
    let first = alice.ask(&create).identifier();
    assert_eq!(alice.ask(&create).reason(), ResultReason::NonUniqueNameAttribute);
    server.connect("bob").ask(&create).identifier();
    let old = new_key(&mut alice, vec![name("master")]);
    assert_ne!(old, first);
    for id in [&first, &old] {
        alice.ask(&on(TWO, Operation::Destroy, id)).identifier();
    }
    alice.ask(&create).identifier();
}

#[test]
fn a_setting_makes_names_unique_for_everybody() {
    let server = TestServer::with(|config| config.names.unique = true);
    let mut alice = server.connect("alice");
    new_key(&mut alice, vec![name("master")]);
    let again = crate::common::create_aes(vec![name("master")]);
    let refused = alice.ask(&Request::one(ONE, Operation::Create, again));
    assert_eq!(refused.reason(), ResultReason::InvalidField);
}

#[test]
fn a_credential_in_the_header_makes_nobody_else_of_a_client() {
    let server = TestServer::in_memory();
    let id = new_key(&mut server.connect("alice"), Vec::new());
    let request = on(ONE, Operation::Get, &id).username_and_password("alice", "");
    assert_eq!(server.connect("bob").ask(&request).reason(), ResultReason::ItemNotFound);
    let request = on(ONE, Operation::Get, &id).username_and_password("bob", "wrong");
    assert_eq!(server.connect("alice").ask(&request).key_material().len(), 32);
}

#[test]
fn the_placeholder_is_one_s_own() {
    let server = TestServer::in_memory();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    new_key(&mut alice, Vec::new());
    let request = Request::one(ONE, Operation::Get, Vec::new());
    assert_eq!(bob.ask(&request).reason(), ResultReason::ItemNotFound);
}

#[test]
fn a_certificate_of_another_authority_is_nobody_s() {
    let server = TestServer::in_memory();
    let elsewhere = Arc::new(Directory::make());
    for versions in [TlsVersions::OnlyTls12, TlsVersions::OnlyTls13] {
        let own = server.directory().target(server.address(), "alice");
        let foreign = elsewhere.target(server.address(), "alice");
        let mixed = Target { authorities: own.authorities.clone(), ..foreign };
        // In TLS 1.3 the client learns of the refusal when it reads.
        let asked = Connection::open(&mixed, versions).and_then(|mut connection| {
            let locate = Request::one(ONE, Operation::Locate, Vec::new());
            connection.exchange(&locate.message())
        });
        assert!(asked.is_err(), "{versions:?}: {asked:?}");
    }
    server.connect("alice").ask(&Request::one(ONE, Operation::Locate, Vec::new())).payload();
}
