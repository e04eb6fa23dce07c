//! Several servers on one PostgreSQL database (architecture, storage).

use std::path::PathBuf;
use std::sync::Arc;

use kmip_app::Config;
use kmip_model::enumeration::{
    BlockCipherMode, Operation, PaddingMethod, ResultReason, RevocationReasonCode, Tag,
};
use kmip_tests::postgres::{self, Postgres};
use kmip_tests::request::{
    bytes, enumeration, identifier, name, name_fields, structure, text_attribute,
};
use kmip_tests::server::{Directory, refusal};
use kmip_tests::{Answer, Connection, Request, TestServer};

use crate::common::{create_aes, create_aes_2, material, new_key, on, register_aes, revoke};

const ONE: (i32, i32) = (1, 4);
const TWO: (i32, i32) = (2, 1);

/// A database for several servers, and the root key that they share.
struct Shared {
    url: String,
    directory: Arc<Directory>,
}

impl Shared {
    fn new(postgres: &Postgres) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let url = runtime.expect("a runtime can be made").block_on(postgres.database());
        Self { url, directory: Arc::new(Directory::make()) }
    }

    fn root_key(&self) -> PathBuf {
        self.directory.path().join("shared.key")
    }

    fn configure(&self, config: &mut Config, node: &str) {
        config.storage.url.clone_from(&self.url);
        config.root_key.file = Some(self.root_key().display().to_string());
        node.clone_into(&mut config.node.name);
    }

    fn server(&self, node: &str) -> TestServer {
        TestServer::on(Arc::clone(&self.directory), |config| self.configure(config, node))
    }
}

fn encrypt(connection: &mut Connection, id: &str) -> Answer {
    let parameters = structure(
        Tag::CryptographicParameters,
        vec![
            enumeration(Tag::BlockCipherMode, BlockCipherMode::Cbc),
            enumeration(Tag::PaddingMethod, PaddingMethod::Pkcs5),
        ],
    );
    let payload = vec![
        identifier(id),
        parameters,
        bytes(Tag::Data, b"plain"),
        bytes(Tag::IvCounterNonce, &[7; 16]),
    ];
    connection.ask(&Request::one(ONE, Operation::Encrypt, payload))
}

#[test]
fn what_one_server_revokes_the_other_refuses() {
    let Some(postgres) = postgres::shared() else { return };
    let shared = Shared::new(&postgres);
    let (here, there) = (shared.server("here"), shared.server("there"));
    let mut alice = [here.connect("alice"), there.connect("alice")];
    for round in 0..10 {
        let id = new_key(&mut alice[0], Vec::new());
        alice[1].ask(&on(ONE, Operation::Activate, &id)).identifier();
        for connection in &mut alice {
            // The second time it is in the cache.
            for _ in 0..2 {
                encrypt(connection, &id).payload();
            }
        }
        let (first, second) = alice.split_at_mut(1);
        let (revoking, using) = if round % 2 == 0 {
            (&mut first[0], &mut second[0])
        } else {
            (&mut second[0], &mut first[0])
        };
        let reason = revoke(&id, RevocationReasonCode::CessationOfOperation);
        revoking.ask(&Request::one(ONE, Operation::Revoke, reason)).identifier();
        assert_eq!(encrypt(using, &id).reason(), ResultReason::PermissionDenied);
        revoking.ask(&on(ONE, Operation::Destroy, &id)).identifier();
        let gone = using.ask(&on(ONE, Operation::Get, &id));
        assert_eq!(gone.reason(), ResultReason::ItemNotFound);
    }
}

#[test]
fn what_one_server_stores_the_other_has_and_finds() {
    let Some(postgres) = postgres::shared() else { return };
    let shared = Shared::new(&postgres);
    let (here, there) = (shared.server("here"), shared.server("there"));
    let (mut alice, mut also) = (here.connect("alice"), there.connect("alice"));
    let key = material(32, 1);
    let attributes = vec![name("a key"), text_attribute("x-place", "rack 4")];
    let register = Request::one(ONE, Operation::Register, register_aes(&key, attributes));
    let id = alice.ask(&register).identifier();
    assert_eq!(also.ask(&on(ONE, Operation::Get, &id)).key_material(), key);
    for filter in [name("a key"), text_attribute("x-place", "rack 4")] {
        let located = also.ask(&Request::one(ONE, Operation::Locate, vec![filter]));
        assert_eq!(located.identifiers(), [id.as_str()]);
    }
    assert_eq!(
        there.connect("bob").ask(&on(ONE, Operation::Get, &id)).reason(),
        ResultReason::ItemNotFound
    );
    // A Name of 2.x is there once, whichever server is asked for it.
    let named = || create_aes_2(vec![structure(Tag::Name, name_fields("unique"))]);
    alice.ask(&Request::one(TWO, Operation::Create, named())).identifier();
    let again = also.ask(&Request::one(TWO, Operation::Create, named()));
    assert_eq!(again.reason(), ResultReason::NonUniqueNameAttribute);
    // All of it stays when the servers go.
    drop((alice, also));
    let there = there.restart();
    drop(here);
    let mut also = there.connect("alice");
    assert_eq!(also.ask(&on(ONE, Operation::Get, &id)).key_material(), key);
}

#[test]
fn a_database_that_was_lost_does_not_look_like_an_empty_server() {
    let Some(postgres) = postgres::shared() else { return };
    let shared = Shared::new(&postgres);
    let first = shared.server("here");
    let mut config = shared.directory.config();
    shared.configure(&mut config, "here");
    drop(first);
    // Another, empty one.
    config.storage.url = Shared::new(&postgres).url;
    let refused = refusal(&config);
    assert!(refused.contains("--create-store"), "{refused}");
    // The right one, without its root key.
    shared.configure(&mut config, "here");
    config.root_key.file = Some(shared.directory.path().join("none.key").display().to_string());
    let refused = refusal(&config);
    assert!(refused.contains("root key"), "{refused}");
    // Another root key.
    config.root_key.file = Some(shared.directory.path().join("root.key").display().to_string());
    let refused = refusal(&config);
    assert!(refused.contains("another root key"), "{refused}");
    let server = shared.server("here");
    let created = Request::one(ONE, Operation::Create, create_aes(Vec::new()));
    server.connect("alice").ask(&created).identifier();
}
