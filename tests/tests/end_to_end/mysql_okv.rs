//! MySQL Enterprise, keyring_okv: KMIP 1.1, keys made by the server.
//!
//! Attribute Index may come before Attribute Value. Keys carry custom attributes and Application
//! Specific Information, by which the client finds them again: it keeps no identifiers. The header
//! allows 280,000 bytes for an answer.

use kmip_model::enumeration::{Operation, ResultReason, RevocationReasonCode, Tag};
use kmip_tests::request::{
    identifier, integer, name_fields, structure, template_attribute, text, text_attribute,
};
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Request, TestServer};

use crate::common::{create_aes, revoke};

const VERSION: (i32, i32) = (1, 1);

fn request(operation: Operation, payload: Vec<Item>) -> Request {
    Request::one(VERSION, operation, payload).maximum_response_size(280_000)
}

/// Makes an Attribute with its index before its value.
fn index_first(attribute_name: &str, value: Value) -> Item {
    structure(
        Tag::Attribute,
        vec![
            text(Tag::AttributeName, attribute_name),
            integer(Tag::AttributeIndex, 0),
            Item::new(Tag::AttributeValue, value),
        ],
    )
}

fn application_specific() -> Vec<Item> {
    vec![text(Tag::ApplicationNamespace, "MySQL"), text(Tag::ApplicationData, "INNODBKey-1")]
}

fn own_attributes() -> Vec<Item> {
    vec![
        index_first("Name", Value::Structure(name_fields("INNODBKey-server-1"))),
        index_first("x-MySQL-Server", Value::TextString("server-1".to_owned())),
        index_first("Application Specific Information", Value::Structure(application_specific())),
    ]
}

#[test]
fn a_key_is_made_and_found_again_after_a_restart() {
    let server = TestServer::start();
    let create = request(Operation::Create, create_aes(own_attributes()));
    let id = server.connect("client").ask(&create).identifier();
    let get = request(Operation::Get, vec![identifier(&id)]);
    let key = server.connect("client").ask(&get).key_material().to_vec();

    let server = server.restart();
    let mut connection = server.connect("client");
    let by_name = index_first("Name", Value::Structure(name_fields("INNODBKey-server-1")));
    let by_custom = text_attribute("x-MySQL-Server", "server-1");
    let by_application =
        index_first("Application Specific Information", Value::Structure(application_specific()));
    for filters in [
        vec![by_name.clone()],
        vec![by_custom.clone()],
        vec![by_application],
        vec![template_attribute(vec![by_name, by_custom])],
    ] {
        let located = connection.ask(&request(Operation::Locate, filters.clone()));
        assert_eq!(located.identifiers(), [id.as_str()], "{filters:?}");
    }
    let again = connection.ask(&request(Operation::Get, vec![identifier(&id)]));
    assert_eq!(again.key_material(), key);

    let names = ["x-MySQL-Server", "Application Specific Information"];
    let payload = std::iter::once(identifier(&id))
        .chain(names.map(|attribute_name| text(Tag::AttributeName, attribute_name)));
    let attributes = connection.ask(&request(Operation::GetAttributes, payload.collect()));
    assert_eq!(
        attributes.attribute("x-MySQL-Server"),
        Some(&Value::TextString("server-1".to_owned()))
    );
    assert_eq!(
        attributes.attribute("Application Specific Information"),
        Some(&Value::Structure(application_specific()))
    );
}

#[test]
fn a_key_is_activated_revoked_and_destroyed() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = request(Operation::Create, create_aes(own_attributes()));
    let id = connection.ask(&create).identifier();
    let activate = request(Operation::Activate, vec![identifier(&id)]);
    assert_eq!(connection.ask(&activate).identifier(), id);
    let again = connection.ask(&activate);
    assert_eq!(again.reason(), ResultReason::PermissionDenied);
    let payload = revoke(&id, RevocationReasonCode::Superseded);
    assert_eq!(connection.ask(&request(Operation::Revoke, payload)).identifier(), id);
    let destroy = request(Operation::Destroy, vec![identifier(&id)]);
    assert_eq!(connection.ask(&destroy).identifier(), id);
    assert_eq!(connection.ask(&destroy).reason(), ResultReason::ItemNotFound);
}

#[test]
fn a_storage_status_mask_may_stand_beside_the_filters() {
    let server = TestServer::in_memory();
    let mut connection = server.connect("client");
    let create = request(Operation::Create, create_aes(own_attributes()));
    let id = connection.ask(&create).identifier();
    let by_name = index_first("Name", Value::Structure(name_fields("INNODBKey-server-1")));
    let payload = vec![integer(Tag::StorageStatusMask, 1), by_name];
    assert_eq!(connection.ask(&request(Operation::Locate, payload)).identifiers(), [id]);
}
