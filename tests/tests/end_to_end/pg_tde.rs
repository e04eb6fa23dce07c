//! Percona pg_tde: Register as KMIP 1.4, Locate and Get as 1.0, a connection for each call.
//!
//! A Name is a unique key to this client: Locate by Object Type and Name must find nothing or
//! exactly one key. It never activates, so keys that are Pre-Active must be served.

use kmip_model::enumeration::{ObjectType, Operation, Tag};
use kmip_tests::request::{enumeration_attribute, identifier, integer, name};
use kmip_tests::tree::Item;
use kmip_tests::{Answer, Request, TestServer, clock};

use crate::common::{material, register_aes};

fn request(version: (i32, i32), operation: Operation, payload: Vec<Item>) -> Request {
    Request::one(version, operation, payload).maximum_response_size(8192).time_stamp(clock::now())
}

fn locate(key_name: &str) -> Request {
    let payload = vec![
        integer(Tag::MaximumItems, 16),
        enumeration_attribute("Object Type", ObjectType::SymmetricKey),
        name(key_name),
    ];
    request((1, 0), Operation::Locate, payload)
}

#[test]
fn a_principal_key_is_found_by_its_name_and_got_before_it_is_active() {
    let server = TestServer::start();
    let ask = |request: &Request| -> Answer { server.connect("client").ask(request) };
    assert_eq!(ask(&locate("tde-key-1")).fields(), []);

    for (length, number) in [(16_u8, 1_u8), (32, 2)] {
        let key_name = format!("tde-key-{number}");
        let payload = register_aes(&material(length, number), vec![name(&key_name)]);
        let id = ask(&request((1, 4), Operation::Register, payload)).identifier();
        assert_eq!(ask(&locate(&key_name)).fields(), [identifier(&id)]);
        let got = ask(&request((1, 0), Operation::Get, vec![identifier(&id)]));
        assert_eq!(got.key_material(), material(length, number));
    }
    assert_eq!(ask(&locate("tde-key-")).fields(), []);
    assert_eq!(ask(&locate("tde-key-11")).fields(), []);
    assert_eq!(ask(&locate("TDE-KEY-1")).fields(), []);
}
