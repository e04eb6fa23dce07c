//! What is acknowledged stays, and what is wrong with a store is said (architecture, storage).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kmip_app::Server;
use kmip_model::enumeration::{Operation, ResultReason, State, Tag};
use kmip_tests::request::{enumeration_attribute, identifier, name, text, text_attribute};
use kmip_tests::server::{Directory, refusal};
use kmip_tests::tree::Value;
use kmip_tests::{Connection, Request, TestServer};

use crate::common::{material, new_key, on, register_aes};

const VERSION: (i32, i32) = (1, 4);

fn register(connection: &mut Connection, key: &[u8], key_name: &str) -> String {
    let attributes = vec![name(key_name), text_attribute("x-place", "rack 4")];
    let payload = register_aes(key, attributes);
    connection.ask(&Request::one(VERSION, Operation::Register, payload)).identifier()
}

#[test]
fn a_restart_changes_nothing() {
    let server = TestServer::start();
    let mut alice = server.connect("alice");
    let first = register(&mut alice, &material(32, 1), "first");
    let second = register(&mut alice, &material(16, 2), "second");
    let third = register(&mut alice, &material(32, 3), "third");
    alice.ask(&on(VERSION, Operation::Activate, &second)).identifier();
    alice.ask(&on(VERSION, Operation::Destroy, &third)).identifier();
    let attributes = on(VERSION, Operation::GetAttributes, &second);
    let before = alice.ask(&attributes).payload().clone();

    let server = server.restart().restart();
    let mut alice = server.connect("alice");
    let locate = Request::one(VERSION, Operation::Locate, Vec::new());
    assert_eq!(alice.ask(&locate).identifiers(), [second.clone(), first.clone()]);
    assert_eq!(alice.ask(&attributes).payload(), &before);
    let state = enumeration_attribute("State", State::Active);
    assert!(before.all(Tag::Attribute).any(|item| *item == state));
    for (id, key) in [(&first, material(32, 1)), (&second, material(16, 2))] {
        assert_eq!(alice.ask(&on(VERSION, Operation::Get, id)).key_material(), key);
    }
    let gone = alice.ask(&on(VERSION, Operation::Get, &third));
    assert_eq!(gone.reason(), ResultReason::ItemNotFound);
    let filter = text_attribute("x-place", "rack 4");
    let located = alice.ask(&Request::one(VERSION, Operation::Locate, vec![filter]));
    assert_eq!(located.identifiers(), [second, first.clone()]);
    let mut bob = server.connect("bob");
    assert_eq!(bob.ask(&locate).identifiers(), Vec::<String>::new());
    assert_eq!(bob.ask(&on(VERSION, Operation::Get, &first)).reason(), ResultReason::ItemNotFound);
}

/// Says whether any file of a directory holds these bytes.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    let files = fs::read_dir(directory).expect("the directory can be listed");
    files.map(|file| file.expect("an entry can be read").path()).any(|path| {
        path.is_file()
            && fs::read(&path)
                .expect("a file can be read")
                .windows(bytes.len())
                .any(|window| window == bytes)
    })
}

#[test]
fn key_material_and_names_are_on_disk_sealed_whatever_is_done() {
    let server = TestServer::start();
    let mut connection = server.connect("alice");
    let key = material(32, 77);
    let id = register(&mut connection, &key, "a telling name");
    connection.ask(&on(VERSION, Operation::Activate, &id)).identifier();
    let add = vec![identifier(&id), text_attribute("x-note", "a telling note")];
    connection.ask(&Request::one(VERSION, Operation::AddAttribute, add)).payload();
    connection.ask(&on(VERSION, Operation::Get, &id)).payload();
    for secret in [&key[..], b"a telling name", b"a telling note", b"rack 4"] {
        assert!(!holds(&server.directory().path(), secret), "{:?}", secret.escape_ascii());
    }
    // The identifier is no secret: it shows that the search would find what is there.
    assert!(holds(&server.directory().path(), id.as_bytes()));
    let directory = server.stopped();
    assert!(!holds(&directory.path(), &key));
}

#[test]
fn another_root_key_opens_nothing_and_says_so() {
    let directory = TestServer::start().stopped();
    let other = Directory::make();
    let key = directory.path().join("root.key");
    let kept = fs::read(&key).unwrap();
    fs::write(&key, fs::read(other.path().join("root.key")).unwrap()).unwrap();
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("another root key"), "{sentence}");

    fs::write(&key, kept).unwrap();
    let server = TestServer::on(directory, |_| {});
    new_key(&mut server.connect("client"), Vec::new());
}

#[test]
fn a_root_key_that_is_gone_is_missed() {
    let directory = TestServer::start().stopped();
    fs::remove_file(directory.path().join("root.key")).unwrap();
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("root key") && sentence.contains("root.key"), "{sentence}");
    assert!(!directory.path().join("root.key").exists());
}

#[test]
fn a_lost_store_is_not_replaced_by_an_empty_one() {
    let server = TestServer::start();
    new_key(&mut server.connect("client"), Vec::new());
    let directory = server.stopped();
    let store = directory.store();
    let away = directory.path().join("away");
    fs::rename(&store, &away).unwrap();
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("--create-store"), "{sentence}");
    assert!(!store.exists());

    fs::rename(&away, &store).unwrap();
    let server = TestServer::on(directory, |_| {});
    let locate = Request::one(VERSION, Operation::Locate, Vec::new());
    assert_eq!(server.connect("client").ask(&locate).identifiers().len(), 1);
}

#[test]
fn an_empty_store_is_made_when_that_is_said() {
    let directory = TestServer::start().stopped();
    fs::remove_file(directory.store()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let made = runtime.block_on(async { Server::start(&directory.config(), true).await.is_ok() });
    assert!(made);
    assert!(directory.store().is_file());
}

#[test]
fn a_second_server_on_the_same_store_is_refused() {
    let server = TestServer::start();
    let sentence = refusal(&server.directory().config());
    assert!(sentence.contains("another process uses the database"), "{sentence}");
    // The first goes on.
    let mut connection = server.connect("client");
    let id = new_key(&mut connection, Vec::new());
    assert_eq!(connection.ask(&on(VERSION, Operation::Get, &id)).identifier(), id);
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let directory: Arc<Directory> = TestServer::start().stopped();
    let junk = vec![0x5A; 8192];
    fs::write(directory.store(), &junk).unwrap();
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("kmip-app.db"), "{sentence}");
    assert_eq!(fs::read(directory.store()).unwrap(), junk);
}

#[test]
fn two_clients_that_change_one_object_lose_nothing() {
    let server = TestServer::start();
    let id = new_key(&mut server.connect("alice"), Vec::new());
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (server, id) = (&server, &id);
            scope.spawn(move || {
                let mut connection = server.connect("alice");
                for number in 0..5 {
                    let attribute = text_attribute(&format!("x-{client}-{number}"), "set");
                    let payload = vec![identifier(id), attribute];
                    let add = Request::one(VERSION, Operation::AddAttribute, payload);
                    connection.ask(&add).payload();
                }
            });
        }
    });
    let mut connection = server.connect("alice");
    for client in 0..4 {
        for number in 0..5 {
            let attribute_name = format!("x-{client}-{number}");
            let payload = vec![identifier(&id), text(Tag::AttributeName, &attribute_name)];
            let got = connection.ask(&Request::one(VERSION, Operation::GetAttributes, payload));
            let value = Value::TextString("set".to_owned());
            assert_eq!(got.attribute(&attribute_name), Some(&value));
        }
    }
}
