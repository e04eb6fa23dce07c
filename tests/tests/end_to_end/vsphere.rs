//! VMware vCenter 7 and 8, standard key provider: KMIP 1.1.
//!
//! Every connection begins with Discover Versions. Items carry a Unique Batch Item ID of eight
//! octets, `QLKC` and a number. The key has no Name; vCenter tags it with custom attributes, which
//! it asks for one by one first: an absent one is a success without the attribute. It adds three in
//! one batch.

use kmip_model::enumeration::{ObjectType, Operation, QueryFunction, ResultReason, State, Tag};
use kmip_tests::request::{
    enumeration, enumeration_attribute, identifier, protocol_version, text, text_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Connection, Request, TestServer};

use crate::common::{VERSIONS, create_aes};

const VERSION: (i32, i32) = (1, 1);

/// Makes the Unique Batch Item ID of the item with this number.
fn batch_item_id(number: u8) -> [u8; 8] {
    [b'Q', b'L', b'K', b'C', number, 0, 0, 0]
}

fn one(operation: Operation, payload: Vec<Item>) -> Request {
    Request::new(VERSION).item_as(&batch_item_id(1), operation, payload)
}

fn get_attribute(id: &str, attribute_name: &str) -> Request {
    let payload = vec![identifier(id), text(Tag::AttributeName, attribute_name)];
    one(Operation::GetAttributes, payload)
}

/// Adds three custom attributes in one batch and checks each echo.
fn add_three(connection: &mut Connection, id: &str, attributes: [(&str, &str); 3]) {
    let mut request = Request::new(VERSION);
    for (number, (attribute_name, value)) in (1..).zip(attributes) {
        let payload = vec![identifier(id), text_attribute(attribute_name, value)];
        request = request.item_as(&batch_item_id(number), Operation::AddAttribute, payload);
    }
    let answer = connection.ask(&request);
    assert_eq!(answer.count(), 3);
    for (position, (attribute_name, value)) in attributes.into_iter().enumerate() {
        let payload = answer.payload_of(position);
        assert_eq!(payload.text_of(Tag::UniqueIdentifier), Some(id));
        let echoed = |path| payload.at(path).and_then(Item::as_text);
        assert_eq!(echoed("Attribute/AttributeName"), Some(attribute_name));
        assert_eq!(echoed("Attribute/AttributeValue"), Some(value));
    }
}

/// Connects, and asks for the versions twice: without and with a Unique Batch Item ID.
fn connect(server: &TestServer) -> Connection {
    let mut connection = server.connect("client");
    let plain = Request::one(VERSION, Operation::DiscoverVersions, Vec::new());
    let numbered = one(Operation::DiscoverVersions, Vec::new());
    for request in [plain, numbered] {
        let answer = connection.ask(&request);
        let expected = VERSIONS.map(|(major, minor)| protocol_version(major, minor));
        assert_eq!(answer.fields(), expected);
    }
    connection
}

#[test]
fn the_request_is_the_client_s_to_the_byte() {
    assert_eq!(
        hex::encode(one(Operation::DiscoverVersions, Vec::new()).bytes()),
        "4200780100000070\
         4200770100000038420069010000002042006a0200000004000000010000000042006b0200000004\
         000000010000000042000d02000000040000000100000000\
         42000f010000002842005c05000000040000001e00000000\
         4200930800000008514c4b43010000004200790100000000"
    );
}

#[test]
fn a_provider_is_added_and_a_virtual_machine_encrypted() {
    let server = TestServer::in_memory();
    let mut connection = connect(&server);

    let function = enumeration(Tag::QueryFunction, QueryFunction::QueryServerInformation);
    let queried = connection.ask(&one(Operation::Query, vec![function]));
    let vendor = queried.payload().text_of(Tag::VendorIdentification);
    assert!(vendor.is_some_and(|vendor| !vendor.is_empty()));

    let created = connection.ask(&one(Operation::Create, create_aes(Vec::new())));
    let id = created.identifier();
    assert_eq!(
        created.fields(),
        [enumeration(Tag::ObjectType, ObjectType::SymmetricKey), identifier(&id)]
    );

    for absent in ["x-Product_Version", "x-Vendor", "x-Product"] {
        assert_eq!(connection.ask(&get_attribute(&id, absent)).fields(), [identifier(&id)]);
    }
    let product = [
        ("x-Product_Version", "7.0.3 build-1"),
        ("x-Vendor", "VMware, Inc."),
        ("x-Product", "VMware vSphere"),
    ];
    add_three(&mut connection, &id, product);
    for (attribute_name, value) in product {
        let answer = connection.ask(&get_attribute(&id, attribute_name));
        assert_eq!(answer.attribute(attribute_name), Some(&Value::TextString(value.to_owned())));
        assert_eq!(answer.fields().len(), 2);
    }

    // The host that runs the machine fetches the key on a connection of its own.
    let mut host = connect(&server);
    let got = host.ask(&one(Operation::Get, vec![identifier(&id)]));
    assert_eq!(got.key_material().len(), 32);
    let key = got.key_material().to_vec();

    let state = |state| vec![identifier(&id), enumeration_attribute("State", state)];
    assert_eq!(host.ask(&get_attribute(&id, "State")).fields(), state(State::PreActive));
    assert_eq!(host.ask(&one(Operation::Activate, vec![identifier(&id)])).identifier(), id);
    assert_eq!(host.ask(&get_attribute(&id, "State")).fields(), state(State::Active));

    for absent in ["x-Identifier", "x-Component", "x-Name"] {
        assert_eq!(host.ask(&get_attribute(&id, absent)).fields(), [identifier(&id)]);
    }
    let machine = [("x-Identifier", "vm-17"), ("x-Component", "VM"), ("x-Name", "database")];
    add_three(&mut host, &id, machine);

    // The host starts again.
    let again = connect(&server).ask(&one(Operation::Get, vec![identifier(&id)]));
    assert_eq!(again.key_material(), key);
}

#[test]
fn a_custom_attribute_added_twice_gets_the_next_index() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let id = connection.ask(&one(Operation::Create, create_aes(Vec::new()))).identifier();
    let add = |value| vec![identifier(&id), text_attribute("x-Vendor", value)];
    for (index, value) in [(None, "first"), (Some(1), "second")] {
        let answer = connection.ask(&one(Operation::AddAttribute, add(value)));
        let found = answer.payload().at("Attribute").and_then(|it| it.integer(Tag::AttributeIndex));
        assert_eq!(found.filter(|index| *index != 0), index);
    }
    let both = connection.ask(&get_attribute(&id, "x-Vendor"));
    assert_eq!(both.payload().all(Tag::Attribute).count(), 2);
}

#[test]
fn a_key_that_is_gone_fails_in_its_own_item() {
    let server = TestServer::in_memory();
    let answer = server.connect("client").ask(&one(Operation::Get, vec![identifier("2")]));
    assert_eq!(answer.reason(), ResultReason::ItemNotFound);
}
