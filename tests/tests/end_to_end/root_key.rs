//! The drill of `docs/root-key.md`: a root key lost, brought back, wrong, changed, and an old backup;
//! and what the server makes of records that somebody else has written.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use kmip_model::enumeration::{Operation, ResultReason};
use kmip_tests::connection::{Connection, TlsVersions};
use kmip_tests::program::{self, Program};
use kmip_tests::request::name;
use kmip_tests::server::{Directory, refusal};
use kmip_tests::{Request, TestServer};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::common::{material, on, register_aes};

const VERSION: (i32, i32) = (1, 4);

fn register(connection: &mut Connection, seed: u8) -> String {
    let named = vec![name(&format!("key-{seed}"))];
    let payload = register_aes(&material(32, seed), named);
    connection.ask(&Request::one(VERSION, Operation::Register, payload)).identifier()
}

fn assert_served(connection: &mut Connection, keys: &[(String, u8)]) {
    for (identifier, seed) in keys {
        let got = connection.ask(&on(VERSION, Operation::Get, identifier));
        assert_eq!(got.key_material(), material(32, *seed));
        let found = vec![name(&format!("key-{seed}"))];
        let located = connection.ask(&Request::one(VERSION, Operation::Locate, found));
        assert_eq!(located.identifiers(), [identifier.as_str()]);
    }
}

/// A directory with keys in it, and a server that has ended.
fn filled() -> (Arc<Directory>, Vec<(String, u8)>) {
    let server = TestServer::start();
    let mut alice = server.connect("alice");
    let keys = (1..=3).map(|seed| (register(&mut alice, seed), seed)).collect();
    (server.stopped(), keys)
}

/// Copies the store, as a backup of its files does while no server runs.
fn back_up(directory: &Directory, to: &Path) {
    fs::copy(directory.store(), to).expect("the store can be copied");
}

fn bring_back(directory: &Directory, from: &Path) {
    for ending in ["-wal", "-shm"] {
        let mut beside = directory.store().into_os_string();
        beside.push(ending);
        let _ = fs::remove_file(beside);
    }
    fs::copy(from, directory.store()).expect("the store can be replaced");
}

fn kmip_app(program: &Path, directory: &Directory, verb: &[&str]) -> Output {
    let config = directory.config_file();
    let output = Command::new(program).args(verb).arg("--config").arg(config).output();
    output.expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_root_key_that_is_lost_is_brought_back_from_escrow() {
    let (directory, keys) = filled();
    let key = directory.path().join("root.key");
    let escrow = directory.path().parent().unwrap().join("escrow");
    fs::copy(&key, &escrow).unwrap();
    let store = fs::read(directory.store()).unwrap();

    fs::remove_file(&key).unwrap();
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("root.key is not; bring the root key back"), "{sentence}");
    // Nothing is made in its place, and the store is as it was.
    assert!(!key.exists());
    assert_eq!(fs::read(directory.store()).unwrap(), store);

    fs::copy(&escrow, &key).unwrap();
    let server = TestServer::on(directory, |_| {});
    assert_served(&mut server.connect("alice"), &keys);
}

#[test]
fn a_wrong_root_key_is_refused_and_changes_nothing() {
    let (directory, keys) = filled();
    let key = directory.path().join("root.key");
    let (right, store) = (fs::read(&key).unwrap(), fs::read(directory.store()).unwrap());
    fs::write(&key, fs::read(Directory::make().path().join("root.key")).unwrap()).unwrap();
    let sentence = refusal(&directory.config());
    assert!(
        sentence.contains("the store was sealed under another root key (data key 1 does not"),
        "{sentence}"
    );
    assert_eq!(fs::read(directory.store()).unwrap(), store);
    fs::write(&key, right).unwrap();
    let server = TestServer::on(directory, |_| {});
    assert_served(&mut server.connect("alice"), &keys);
}

#[test]
fn a_backup_from_before_a_rotation_opens_with_the_root_key_of_its_day() {
    let Some(program) = program::path() else {
        println!("skipped: root-key rotate: the program kmip-app is not built");
        return;
    };
    let (directory, keys) = filled();
    let key = directory.path().join("root.key");
    let backup = directory.path().parent().unwrap().join("backup.db");
    back_up(&directory, &backup);

    let rotated = kmip_app(&program, &directory, &["root-key", "rotate"]);
    let said = text(&rotated.stdout);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    assert!(said.contains("data key 2 seals from now on"), "{said}");
    assert!(
        said.contains("root.key.old-1") && said.contains("3 records were sealed anew"),
        "{said}"
    );
    let server = TestServer::on(directory, |_| {});
    assert_served(&mut server.connect("alice"), &keys);
    let directory = server.stopped();
    let status = kmip_app(&program, &directory, &["root-key", "status"]);
    let said = text(&status.stdout);
    assert!(said.contains("data key 1: opened by the root key, 0 records"), "{said}");
    assert!(said.contains("data key 2: opened by the root key, 3 records, seals"), "{said}");
    assert!(said.contains("sealing anew: complete"), "{said}");

    // The backup is of the day of the old root key.
    bring_back(&directory, &backup);
    let sentence = refusal(&directory.config());
    assert!(sentence.contains("another root key"), "{sentence}");
    let today = fs::read(&key).unwrap();
    fs::copy(directory.path().join("root.key.old-1"), &key).unwrap();
    let server = TestServer::on(directory, |_| {});
    assert_served(&mut server.connect("alice"), &keys);
    assert_ne!(fs::read(&key).unwrap(), today);
}

#[test]
fn a_root_key_may_be_handed_over_or_made_from_a_passphrase() {
    let Some(path) = program::path() else {
        println!("skipped: sources of the root key: the program kmip-app is not built");
        return;
    };
    let (directory, keys) = filled();
    let key = directory.path().join("root.key");
    let passphrase = directory.path().join("passphrase");
    fs::copy(&key, &passphrase).unwrap();
    fs::write(&passphrase, "seven words make a good passphrase here\n").unwrap();
    // From the file to a passphrase, and the file is gone.
    let config = fs::read_to_string(directory.config_file()).unwrap();
    let passphrase_section = "passphrase_file = \"passphrase\"\n\
                              [root_key.passphrase_cost]\nmemory_kib = 19456\npasses = 2\n";
    let sections = config.split("\n[").filter(|section| !section.starts_with("root_key"));
    let without = sections.collect::<Vec<_>>().join("\n[");
    let both = format!(
        "{without}\n[root_key]\nfile = \"root.key\"\n[root_key.next]\npassphrase_file = \"passphrase\"\n\
         [root_key.next.passphrase_cost]\nmemory_kib = 19456\npasses = 2\n"
    );
    fs::write(directory.config_file(), both).unwrap();
    let rotated = kmip_app(&path, &directory, &["root-key", "rotate"]);
    let said = text(&rotated.stdout);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    assert!(said.contains("now make it the root key in the configuration"), "{said}");
    fs::remove_file(&key).unwrap();
    fs::write(directory.config_file(), format!("{without}\n[root_key]\n{passphrase_section}"))
        .unwrap();
    let program = Program::serve(&path, &directory, &[]).unwrap();
    let target = directory.target(program.address(), "alice");
    assert_served(&mut Connection::open(&target, TlsVersions::Any).unwrap(), &keys);
    assert!(program.signal("TERM").success());
    // Another passphrase opens nothing.
    fs::write(&passphrase, "seven words make a bad passphrase here\n").unwrap();
    let said = Program::serve(&path, &directory, &[]).unwrap_err();
    assert!(said.contains("another root key"), "{said}");
    // Several sources are refused.
    let said = Program::serve(&path, &directory, &["--set", "root_key.env=ROOT"]).unwrap_err();
    assert!(said.contains("several sources (env, passphrase_file)"), "{said}");
}

#[test]
fn a_variable_and_a_descriptor_hold_the_root_key() {
    let Some(path) = program::path() else {
        println!("skipped: sources of the root key: the program kmip-app is not built");
        return;
    };
    let (directory, _) = filled();
    let key = directory.path().join("root.key");
    let away = directory.path().join("away");
    fs::rename(&key, &away).unwrap();
    let config = fs::read_to_string(directory.config_file()).unwrap();
    let status = |source: &str, command: &str| {
        let changed = config.replace("file = \"root.key\"", source);
        fs::write(directory.config_file(), changed).unwrap();
        let script = format!(
            "{command} {} root-key status --config {}",
            path.display(),
            directory.config_file().display()
        );
        let script = script.replace("KEY", &away.display().to_string());
        Command::new("sh").args(["-c", &script]).output().unwrap()
    };
    for (source, command) in [
        ("env = \"ROOT\"", "ROOT=\"$(cat KEY)\""),
        ("env = \"ROOT\"", "ROOT=\"$(tail -n 1 KEY)\""),
        ("fd = 9", "exec 9< KEY;"),
        ("fd = 0", "cat KEY |"),
    ] {
        let output = status(source, command);
        assert!(output.status.success(), "{source} {command}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("3 records, seals"), "{source} {command}");
    }
    for (source, command, sentence) in [
        ("env = \"ROOT\"", "", "the environment variable ROOT is not set"),
        ("env = \"ROOT\"", "ROOT=secret", "the environment variable ROOT holds no root key"),
        ("fd = 9", "", "file descriptor 9 cannot be read"),
    ] {
        let output = status(source, command);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(sentence), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

/// Writes to the store behind the server's back.
fn write(directory: &Directory, statements: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(directory.store());
        let mut connection = SqliteConnection::connect_with(&options).await.expect("it opens");
        for statement in statements {
            let sql = AssertSqlSafe(statement.clone());
            let done = sqlx::query(sql).execute(&mut connection).await.expect("it is SQL");
            assert!(done.rows_affected() > 0 || statement.starts_with("ATTACH"), "{statement}");
        }
        connection.close().await.expect("it closes");
    });
}

#[test]
fn records_that_somebody_else_wrote_are_named_and_the_others_are_served() {
    let (directory, mut keys) = filled();
    let server = TestServer::on(directory, |_| {});
    let mut alice = server.connect("alice");
    keys.extend((4..=6).map(|seed| (register(&mut alice, seed), seed)));
    let directory = server.stopped();
    let older = directory.path().parent().unwrap().join("older.db");
    back_up(&directory, &older);
    let server = TestServer::on(directory, |_| {});
    let mut alice = server.connect("alice");
    for (identifier, _) in &keys {
        alice.ask(&on(VERSION, Operation::Activate, identifier)).identifier();
    }
    let directory = server.stopped();

    let [edited, moved, old, column, ..] = keys.iter().map(|it| &it.0).collect::<Vec<_>>()[..]
    else {
        panic!("there are six");
    };
    write(
        &directory,
        &[
            format!("ATTACH '{}' AS older", older.display()),
            format!(
                "UPDATE record SET sealed = CAST(substr(sealed, 1, 40) || x'00000000' || \
                 substr(sealed, 45) AS BLOB) \
                 WHERE identifier = '{edited}'"
            ),
            // The sealed object of another row.
            format!(
                "UPDATE record SET sealed = (SELECT sealed FROM record WHERE identifier = '{}') \
                 WHERE identifier = '{moved}'",
                keys[4].0
            ),
            // All of an older row, under the revision of the newer one.
            format!(
                "UPDATE record SET (sealed, state, usage_mask, initial_date, next_change_at) = \
                 (SELECT sealed, state, usage_mask, initial_date, next_change_at FROM older.record \
                 WHERE identifier = '{old}') WHERE identifier = '{old}'"
            ),
            format!("UPDATE record SET usage_mask = 3 WHERE identifier = '{column}'"),
        ],
    );

    let damaged = [edited, moved, old, column];
    let server = TestServer::on(Arc::clone(&directory), |_| {});
    let mut alice = server.connect("alice");
    for identifier in damaged {
        let answer = alice.ask(&on(VERSION, Operation::Get, identifier));
        assert_eq!(answer.reason(), ResultReason::GeneralFailure, "{identifier}");
    }
    assert_served(&mut alice, &keys[4..]);
    drop(server);

    // A change of the root key leaves them as they are, names each, and seals the others anew.
    let Some(program) = program::path() else {
        println!("skipped: root-key rotate: the program kmip-app is not built");
        return;
    };
    let rotated = kmip_app(&program, &directory, &["root-key", "rotate"]);
    // It was done, and something is damaged.
    assert_eq!(rotated.status.code(), Some(1), "{}", text(&rotated.stderr));
    let said = text(&rotated.stdout);
    for identifier in damaged {
        let named = format!("damaged, and left as it is: {identifier}\n");
        assert!(said.contains(&named), "{said}");
    }
    assert!(said.contains("\n2 records were sealed anew"), "{said}");
    let server = TestServer::on(directory, |_| {});
    assert_served(&mut server.connect("alice"), &keys[4..]);
}
