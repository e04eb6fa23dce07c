//! Synology DSM 7, encryption key vault: KMIP 1.2, a connection for each operation.
//!
//! The secret is registered under a temporary Name and renamed to the volume's identifier by Modify
//! Attribute, whose answer must hold the attribute. Operation Policy Name is given and asked for.
//! At start, several connections query at the same time.

use std::thread;

use kmip_model::enumeration::{
    KeyFormatType, ObjectType, Operation, QueryFunction, ResultReason, RevocationReasonCode,
    SecretDataType, State, Tag,
};
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, name, structure, template_attribute,
    text, text_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Answer, Request, TestServer};

use crate::common::{key_block, on, revoke};

const VERSION: (i32, i32) = (1, 2);
const TEMPORARY: &str = "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d9\
                         9ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";
const VOLUME: &str = "f3a1c1de-6a4f-4a5b-8a52-0d5c7a7a9c11";

fn query() -> Request {
    let functions = (1..=6).map(|number| enumeration(Tag::QueryFunction, QueryFunction(number)));
    Request::one(VERSION, Operation::Query, functions.collect())
}

fn secret() -> Item {
    structure(
        Tag::SecretData,
        vec![
            enumeration(Tag::SecretDataType, SecretDataType::Password),
            key_block(KeyFormatType::Opaque, b"volume key in text", Vec::new()),
        ],
    )
}

fn register() -> Request {
    let attributes = vec![
        attribute("Cryptographic Usage Mask", Value::Integer(2)),
        text_attribute("Operation Policy Name", "default"),
        name(TEMPORARY),
    ];
    let payload = vec![
        enumeration(Tag::ObjectType, ObjectType::SecretData),
        template_attribute(attributes),
        secret(),
    ];
    Request::one(VERSION, Operation::Register, payload)
}

fn locate(object_name: &str) -> Request {
    Request::one(VERSION, Operation::Locate, vec![name(object_name)])
}

fn get_attributes(id: &str, names: &[&str]) -> Request {
    let names = names.iter().map(|attribute_name| text(Tag::AttributeName, attribute_name));
    let payload = std::iter::once(identifier(id)).chain(names).collect();
    Request::one(VERSION, Operation::GetAttributes, payload)
}

#[test]
fn a_vault_is_made_used_and_removed() {
    let server = TestServer::start();
    let ask = |request: &Request| -> Answer { server.connect("client").ask(request) };
    for _ in 0..4 {
        ask(&query()).payload();
    }
    assert_eq!(ask(&locate(VOLUME)).fields(), []);

    let registered = ask(&register());
    let id = registered.identifier();
    assert_eq!(registered.fields(), [identifier(&id)]);

    let renamed = ask(&Request::one(
        VERSION,
        Operation::ModifyAttribute,
        vec![identifier(&id), name(VOLUME)],
    ));
    assert_eq!(renamed.payload().text_of(Tag::UniqueIdentifier), Some(id.as_str()));
    let echoed = renamed.payload().at("Attribute/AttributeValue/NameValue");
    assert_eq!(echoed.and_then(Item::as_text), Some(VOLUME));
    assert_eq!(renamed.fields().len(), 2);

    assert_eq!(ask(&locate(VOLUME)).identifiers(), [id.as_str()]);
    assert_eq!(ask(&locate(TEMPORARY)).fields(), []);
    assert_eq!(ask(&on(VERSION, Operation::Activate, &id)).fields(), [identifier(&id)]);

    let list = ask(&on(VERSION, Operation::GetAttributeList, &id));
    let names: Vec<&str> =
        list.payload().all(Tag::AttributeName).filter_map(Item::as_text).collect();
    for expected in ["Unique Identifier", "Name", "Object Type", "Operation Policy Name", "State"] {
        assert!(names.contains(&expected), "{expected} is in {names:?}");
    }

    assert_eq!(
        ask(&get_attributes(&id, &["State", "Object Type"])).fields(),
        [
            identifier(&id),
            enumeration_attribute("State", State::Active),
            enumeration_attribute("Object Type", ObjectType::SecretData),
        ]
    );
    let policy = ask(&get_attributes(&id, &["Operation Policy Name"]));
    assert_eq!(
        policy.attribute("Operation Policy Name"),
        Some(&Value::TextString("default".to_owned()))
    );

    assert_eq!(
        ask(&on(VERSION, Operation::Get, &id)).fields(),
        [enumeration(Tag::ObjectType, ObjectType::SecretData), identifier(&id), secret()]
    );

    let payload = revoke(&id, RevocationReasonCode::CessationOfOperation);
    assert_eq!(ask(&Request::one(VERSION, Operation::Revoke, payload)).identifier(), id);
    assert_eq!(ask(&on(VERSION, Operation::Destroy, &id)).identifier(), id);
    assert_eq!(ask(&locate(VOLUME)).fields(), []);
    let gone = ask(&on(VERSION, Operation::Get, &id));
    assert_eq!(gone.reason(), ResultReason::ItemNotFound);
}

#[test]
fn what_query_says_is_of_1_2() {
    let server = TestServer::in_memory();
    let answer = server.connect("client").ask(&query());
    let payload = answer.payload();
    let values = |tag: Tag| -> Vec<u32> {
        let all = payload.all(tag).filter_map(|item| match item.value {
            Value::Enumeration(value) => Some(value),
            _ => None,
        });
        all.collect()
    };
    // Join Split Key is the last operation of 1.2, PGP Key the last object type.
    let operations = values(Tag::Operation);
    assert!(operations.iter().all(|operation| *operation <= Operation::JoinSplitKey.0));
    for needed in [
        Operation::Register,
        Operation::Locate,
        Operation::Get,
        Operation::GetAttributes,
        Operation::GetAttributeList,
        Operation::ModifyAttribute,
        Operation::Activate,
        Operation::Revoke,
        Operation::Destroy,
        Operation::Query,
    ] {
        assert!(operations.contains(&needed.0), "{needed}");
    }
    let objects = values(Tag::ObjectType);
    assert!(objects.contains(&ObjectType::SecretData.0));
    assert!(objects.iter().all(|object_type| *object_type <= ObjectType::PgpKey.0));
}

#[test]
fn connections_that_come_at_once_are_all_served() {
    let server = TestServer::in_memory();
    thread::scope(|scope| {
        let bursts: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| server.connect("client").ask(&query()).fields().len()))
            .collect();
        let sizes: Vec<usize> = bursts.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(sizes.iter().all(|size| *size > 0 && Some(size) == sizes.first()), "{sizes:?}");
    });
}
