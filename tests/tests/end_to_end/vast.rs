//! VAST Data 5.x: KMIP 1.4. Keys are created several in a batch, named by Add Attribute, used while
//! Active, replaced by Re-key, asked about by Check and fetched wrapped.

use kmip_model::enumeration::{
    BlockCipherMode, CryptographicAlgorithm, EncodingOption, LinkType, Operation, State, Tag,
    WrappingMethod,
};
use kmip_tests::request::{
    attribute, enumeration, enumeration_attribute, identifier, integer, name, name_fields,
    structure, template_attribute, text,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer};

use crate::common::{create_aes, on};

const VERSION: (i32, i32) = (1, 4);
const KEY: &str = "VAST_EKM_KEY_2_0c1d2e3f_1";

fn locate(connection: &mut Connection, key: &str) -> Vec<String> {
    connection.ask(&Request::one(VERSION, Operation::Locate, vec![name(key)])).identifiers()
}

fn state(connection: &mut Connection, id: &str) -> Option<Value> {
    let payload = vec![identifier(id), text(Tag::AttributeName, "State")];
    let answer = connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload));
    answer.attribute("State").cloned()
}

/// Creates a key and gives it the three attributes in one batch.
fn create(connection: &mut Connection, key: &str) -> String {
    let created = connection.ask(&Request::one(VERSION, Operation::Create, create_aes(Vec::new())));
    let id = created.identifier();
    let add = |value: Item| vec![identifier(&id), value];
    let batch = Request::new(VERSION)
        .in_order(true)
        .item_as(
            b"1",
            Operation::AddAttribute,
            add(attribute("Name", Value::Structure(name_fields(key)))),
        )
        .item_as(
            b"2",
            Operation::AddAttribute,
            add(attribute("Object Group", Value::TextString("vast".to_owned()))),
        )
        .item_as(
            b"3",
            Operation::AddAttribute,
            add(attribute("Operation Policy Name", Value::TextString("default".to_owned()))),
        );
    let answer = connection.ask(&batch);
    assert_eq!(answer.count(), 3, "{:?}", answer.message());
    for position in 0..3 {
        assert_eq!(answer.identifier_of(position), id);
    }
    connection.ask(&on(VERSION, Operation::Activate, &id)).payload();
    id
}

#[test]
fn a_key_is_replaced_and_the_old_one_stays_active() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let old = create(&mut connection, KEY);
    assert_eq!(locate(&mut connection, KEY), [old.as_str()]);

    let new = connection.ask(&on(VERSION, Operation::ReKey, &old)).identifier();
    assert_ne!(new, old);
    assert_eq!(locate(&mut connection, KEY), [new.as_str()], "the Name has moved");
    assert_eq!(state(&mut connection, &old), Some(Value::Enumeration(State::Active.0)));
    let bytes_of = |connection: &mut Connection, id: &str| {
        connection.ask(&on(VERSION, Operation::Get, id)).key_material().to_vec()
    };
    assert_ne!(bytes_of(&mut connection, &old), bytes_of(&mut connection, &new));
    for (from, to, kind) in
        [(&old, &new, LinkType::ReplacementObjectLink), (&new, &old, LinkType::ReplacedObjectLink)]
    {
        let payload = vec![identifier(from), text(Tag::AttributeName, "Link")];
        let answer = connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload));
        let link = answer.attribute("Link");
        let fields = vec![enumeration(Tag::LinkType, kind), text(Tag::LinkedObjectIdentifier, to)];
        assert_eq!(link, Some(&Value::Structure(fields)));
    }
}

#[test]
fn check_says_whether_a_key_may_encrypt() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = create(&mut connection, KEY);
    let check = |mask| {
        let payload = vec![identifier(&id), integer(Tag::CryptographicUsageMask, mask)];
        Request::one(VERSION, Operation::Check, payload)
    };
    assert_eq!(connection.ask(&check(4)).identifier(), id);
    let refused = connection.exchange(&check(1).message()).expect("there is an answer");
    assert_eq!(refused.at("BatchItem").and_then(|item| item.integer(Tag::ResultStatus)), None);
    let status = refused.at("BatchItem").and_then(|item| item.enumeration(Tag::ResultStatus));
    assert_eq!(status, Some(1));
}

#[test]
fn a_key_is_fetched_wrapped_under_another() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let key = create(&mut connection, KEY);
    let attributes = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(256)),
        // Wrap Key and Unwrap Key.
        attribute("Cryptographic Usage Mask", Value::Integer(0x30)),
    ];
    let payload = vec![
        enumeration(Tag::ObjectType, kmip_model::enumeration::ObjectType::SymmetricKey),
        template_attribute(attributes),
    ];
    let wrapping = connection.ask(&Request::one(VERSION, Operation::Create, payload)).identifier();
    connection.ask(&on(VERSION, Operation::Activate, &wrapping)).payload();

    let information = structure(
        Tag::EncryptionKeyInformation,
        vec![
            identifier(&wrapping),
            structure(
                Tag::CryptographicParameters,
                vec![enumeration(Tag::BlockCipherMode, BlockCipherMode::NistKeyWrap)],
            ),
        ],
    );
    let specification = structure(
        Tag::KeyWrappingSpecification,
        vec![
            enumeration(Tag::WrappingMethod, WrappingMethod::Encrypt),
            information.clone(),
            enumeration(Tag::EncodingOption, EncodingOption::NoEncoding),
        ],
    );
    let get = Request::one(VERSION, Operation::Get, vec![identifier(&key), specification]);
    let answer = connection.ask(&get);
    let block = answer.payload().at("SymmetricKey/KeyBlock").expect("there is a key");
    let Some(Value::ByteString(wrapped)) = block.get(Tag::KeyValue).map(|item| &item.value) else {
        panic!("a wrapped Key Value is bytes: {block:?}");
    };
    // RFC 3394 adds eight bytes.
    assert_eq!(wrapped.len(), 40);
    let data = block.get(Tag::KeyWrappingData).expect("it says how it is wrapped");
    assert_eq!(data.get(Tag::EncryptionKeyInformation), Some(&information));
}
