//! What operators do beside a running server: backups, verification, the audit trail, owners.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use kmip_model::enumeration::{BlockCipherMode, Operation, ResultReason, Tag, UsageLimitsUnit};
use kmip_tests::connection::{Connection, TlsVersions};
use kmip_tests::postgres;
use kmip_tests::program::{self, Program};
use kmip_tests::request::{attribute, bytes, enumeration, identifier, name};
use kmip_tests::server::Directory;
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Request, TestServer};

use crate::common::{create_aes, material, new_key, on, register_aes};
use crate::shutdown::create_until_cut;

const VERSION: (i32, i32) = (1, 4);

/// Finds the program, or says what is not tested without it.
fn program_or_skip() -> Option<PathBuf> {
    let found = program::path();
    if found.is_none() {
        println!("skipped: the program kmip-app is not built; cargo build builds it");
    }
    found
}

/// Runs a command on the store of a directory.
fn run(program: &Path, directory: &Directory, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).arg("--config").arg(directory.config_file());
    command.args(["--set", "log.level=warn"]).output().expect("the program can be started")
}

/// Runs a command that succeeds, and returns what it prints.
fn told(program: &Path, directory: &Directory, arguments: &[&str]) -> String {
    let output = run(program, directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// Runs a command that fails with a code, and returns everything that it prints.
fn refused(program: &Path, directory: &Directory, arguments: &[&str], code: i32) -> String {
    let output = run(program, directory, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    let all = [output.stdout, output.stderr].concat();
    String::from_utf8(all).expect("it prints text")
}

/// Makes a directory for the store of a backup: with its root key, and no store.
fn empty_directory(root_key: &Path) -> Directory {
    let directory = Directory::make();
    for file in ["kmip-app.db", "kmip-app.db.lock", "root.key"] {
        // Some are not there.
        let _ = fs::remove_file(directory.path().join(file));
    }
    let key = directory.path().join("root.key");
    fs::copy(root_key, &key).expect("the root key is there");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    directory
}

fn connect(directory: &Directory, program: &Program, client: &str) -> Connection {
    let target = directory.target(program.address(), client);
    Connection::open(&target, TlsVersions::Any).expect("the server listens")
}

fn path(directory: &Directory, file: &str) -> String {
    directory.path().join(file).display().to_string()
}

#[test]
fn every_verb_works_beside_a_server_that_is_busy_and_the_backup_is_whole() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let key = material(32, 7);
    let mut alice = connect(&directory, &server, "alice");
    let payload = register_aes(&key, vec![name("registered")]);
    let known = alice.ask(&Request::one(VERSION, Operation::Register, payload)).identifier();

    let backup = path(&directory, "backup");
    let (tell, heard) = mpsc::channel();
    let before: Vec<String> = thread::scope(|scope| {
        for _ in 0..2 {
            let connection = connect(&directory, &server, "client");
            let tell = tell.clone();
            scope.spawn(move || create_until_cut(connection, &tell));
        }
        drop(tell);
        let before: Vec<String> = heard.iter().take(50).collect();
        let sound = |arguments: &[&str]| {
            let words = told(&program, &directory, arguments);
            assert!(words.ends_with("sound\n"), "{words}");
        };
        sound(&["verify"]);
        sound(&["audit", "verify"]);
        let words = told(&program, &directory, &["backup", &backup]);
        assert!(words.contains("every record opens"), "{words}");
        let words = told(&program, &directory, &["object", "list", "--owner", "alice"]);
        assert!(words.contains(&known) && words.ends_with("1 object\n"), "{words}");
        let again = refused(&program, &directory, &["backup", &backup], 1);
        assert!(again.contains("replaces nothing"), "{again}");
        sound(&["verify", &backup]);
        assert_eq!(server.signal("TERM").code(), Some(0));
        before
    });
    assert!(!directory.path().join("control.sock").exists());
    assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);

    let other = empty_directory(&directory.path().join("root.key"));
    let words = told(&program, &other, &["restore", &backup]);
    assert!(words.contains("restored ") && words.ends_with("sound\n"), "{words}");
    let again = refused(&program, &other, &["restore", &backup], 1);
    assert!(again.contains("overwrites nothing"), "{again}");
    let (first, second) =
        (TestServer::on(directory.into(), |_| {}), TestServer::on(other.into(), |_| {}));
    let mut theirs = second.connect("client");
    let locate = Request::one(VERSION, Operation::Locate, Vec::new());
    let restored: BTreeSet<String> = theirs.ask(&locate).identifiers().into_iter().collect();
    // What was acknowledged before the backup began is in it, and whole.
    assert!(before.iter().all(|id| restored.contains(id)));
    let mut ours = first.connect("client");
    for id in &restored {
        for operation in [Operation::Get, Operation::GetAttributes] {
            let ask = on(VERSION, operation, id);
            let (there, here) = (ours.ask(&ask), theirs.ask(&ask));
            assert_eq!(there.payload(), here.payload(), "{operation} {id}");
        }
    }
    let got = second.connect("alice").ask(&on(VERSION, Operation::Get, &known));
    assert_eq!(got.key_material(), key);
}

#[test]
fn the_root_key_is_changed_beside_a_server_that_is_busy() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let key = material(32, 9);
    let mut alice = connect(&directory, &server, "alice");
    let payload = register_aes(&key, vec![name("registered")]);
    let known = alice.ask(&Request::one(VERSION, Operation::Register, payload)).identifier();
    let root_key = directory.path().join("root.key");
    let old = fs::read(&root_key).unwrap();

    let (tell, heard) = mpsc::channel();
    let made: Vec<String> = thread::scope(|scope| {
        let connection = connect(&directory, &server, "client");
        scope.spawn(move || create_until_cut(connection, &tell));
        let before: Vec<String> = heard.iter().take(20).collect();
        let words = told(&program, &directory, &["root-key", "rotate"]);
        assert!(words.contains("data key 2 seals from now on"), "{words}");
        assert_ne!(fs::read(&root_key).unwrap(), old);
        let words = told(&program, &directory, &["root-key", "status"]);
        assert!(words.contains("data key 1: opened by the root key, 0 records"), "{words}");
        assert!(words.contains("sealing anew: complete"), "{words}");
        let got = alice.ask(&on(VERSION, Operation::Get, &known));
        assert_eq!(got.key_material(), key);
        let after: Vec<String> = heard.iter().take(20).collect();
        assert!(told(&program, &directory, &["verify"]).ends_with("sound\n"));
        assert_eq!(server.signal("TERM").code(), Some(0));
        [before, after].concat()
    });
    let server = TestServer::on(directory.into(), |_| {});
    let mut client = server.connect("client");
    for id in &made {
        assert_eq!(client.ask(&on(VERSION, Operation::Get, id)).key_material().len(), 32);
    }
    let got = server.connect("alice").ask(&on(VERSION, Operation::Get, &known));
    assert_eq!(got.key_material(), key);
}

#[test]
fn a_backup_that_was_cut_or_changed_is_refused() {
    let Some(program) = program_or_skip() else { return };
    let server = TestServer::start();
    for _ in 0..5 {
        new_key(&mut server.connect("client"), Vec::new());
    }
    let directory = server.stopped();
    let backup = path(&directory, "backup");
    told(&program, &directory, &["backup", &backup]);
    let whole = fs::read(&backup).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let longer = [whole.as_slice(), b"\0"].concat();
    let cut = whole[..whole.len() - 1].to_vec();
    let other = empty_directory(&directory.path().join("root.key"));
    for (bytes, reason) in
        [(cut, "ends in the middle"), (changed, "part "), (longer, "behind the end")]
    {
        fs::write(&backup, &bytes).unwrap();
        let words = refused(&program, &directory, &["verify", &backup], 1);
        assert!(words.contains(reason), "{words}");
        let words = refused(&program, &other, &["restore", &backup], 1);
        assert!(words.contains("nothing is restored") && words.contains(reason), "{words}");
        assert!(!other.store().exists(), "nothing half restored is left");
    }
    fs::write(&backup, &whole).unwrap();
    told(&program, &other, &["restore", &backup]);

    let stranger = Directory::make();
    let words = refused(&program, &stranger, &["verify", &backup], 2);
    assert!(words.contains("another root key"), "{words}");
    let words = refused(&program, &stranger, &["verify", &path(&directory, "pki/ca.crt")], 2);
    assert!(words.contains("no backup"), "{words}");
}

/// Changes one byte of what is sealed in the record of an object.
fn damage(store: &Path, id: &str) {
    let mut file = fs::read(store).expect("the file is ours");
    let places: Vec<usize> = file
        .windows(id.len())
        .enumerate()
        .filter(|(_, window)| *window == id.as_bytes())
        .map(|(place, _)| place)
        .collect();
    // Beside the identifier in the record are its owner and policy, in the indexes they are not.
    let place = places.into_iter().find(|place| {
        let end = place.saturating_add(id.len());
        let after = file.get(end..end.saturating_add(60)).unwrap_or_default();
        after.windows(7).any(|window| window == b"default")
    });
    let place = place.expect("the record is in the file").saturating_add(250);
    *file.get_mut(place).expect("the record goes on") ^= 1;
    fs::write(store, file).expect("the file is ours");
}

#[test]
fn a_damaged_record_is_named_and_every_other_is_served() {
    let Some(program) = program_or_skip() else { return };
    let server = TestServer::start();
    let mut client = server.connect("client");
    let (good, bad) = (new_key(&mut client, Vec::new()), new_key(&mut client, Vec::new()));
    drop(client);
    let directory = server.stopped();
    damage(&directory.store(), &bad);
    let words = refused(&program, &directory, &["verify"], 1);
    assert!(words.contains(&format!("damaged: {bad}: ")) && !words.contains(&good), "{words}");
    assert!(words.contains("what to do: ") && words.contains("1 object damaged"), "{words}");
    let words = refused(&program, &directory, &["object", "list"], 1);
    assert!(words.contains("(damaged)") && words.contains(&good), "{words}");
    let words = refused(&program, &directory, &["object", "show", &bad], 1);
    assert!(words.contains("is damaged"), "{words}");
    let backup = path(&directory, "backup");
    let words = refused(&program, &directory, &["backup", &backup], 1);
    assert!(words.contains("the store is damaged") && words.contains(&bad), "{words}");
    assert!(Path::new(&backup).exists(), "what is left is saved all the same");

    let server = TestServer::on(directory, |_| {});
    let mut client = server.connect("client");
    assert_eq!(client.ask(&on(VERSION, Operation::Get, &good)).identifier(), good);
    let failed = client.ask(&on(VERSION, Operation::Get, &bad));
    assert_eq!(failed.reason(), ResultReason::GeneralFailure);
}

#[test]
fn what_cannot_be_verified_is_told_apart_from_damage() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    fs::remove_file(directory.store()).unwrap();
    for verify in [&["verify"][..], &["audit", "verify"]] {
        let words = refused(&program, &directory, verify, 2);
        assert!(words.contains("there is no store at"), "{words}");
    }
    assert!(!directory.store().exists());
    let words = refused(&program, &directory, &["audit", "export", "--from", "today"], 2);
    assert!(words.contains("2026-01-31"), "{words}");
}

#[test]
fn keys_of_a_renewed_certificate_are_moved_and_used_under_the_new_name() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &["--set", "names.unique=true"]).unwrap();
    let (mut alice, mut bob) =
        (connect(&directory, &server, "alice"), connect(&directory, &server, "bob"));
    let ids: Vec<String> =
        ["one", "two", "three"].map(|key_name| new_key(&mut alice, vec![name(key_name)])).into();
    let material_of = |connection: &mut Connection, id: &str| {
        connection.ask(&on(VERSION, Operation::Get, id)).key_material().to_vec()
    };
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| material_of(&mut alice, id)).collect();
    let refusal = bob.ask(&on(VERSION, Operation::Get, &ids[0]));
    assert_eq!(refusal.reason(), ResultReason::ItemNotFound);
    new_key(&mut bob, vec![name("three")]);

    let move_one = ["object", "set-owner", ids[0].as_str(), "--to", "bob"];
    let words = told(&program, &directory, &move_one);
    assert!(words.contains("1 object of \"alice\" given to \"bob\""), "{words}");
    assert_eq!(material_of(&mut bob, &ids[0]), keys[0]);
    let refusal = alice.ask(&on(VERSION, Operation::Get, &ids[0]));
    assert_eq!(refusal.reason(), ResultReason::ItemNotFound);
    // The rest: one of them has a name that bob has given already.
    let rest = ["object", "set-owner", "--all-of", "alice", "--to", "bob"];
    let words = refused(&program, &directory, &rest, 1);
    assert!(words.contains(&format!("not given: {}", ids[2])), "{words}");
    assert!(words.contains("another object named \"three\""), "{words}");
    assert_eq!(material_of(&mut bob, &ids[1]), keys[1]);
    assert_eq!(material_of(&mut alice, &ids[2]), keys[2]);
    let shown = told(&program, &directory, &["object", "show", &ids[1]]);
    assert!(shown.contains("Owner") && shown.contains("bob"), "{shown}");
    let secret = hex::encode(&keys[1]);
    assert!(!shown.contains(&secret));

    let export = told(&program, &directory, &["audit", "export", "--object", &ids[0]]);
    let events: Vec<serde_json::Value> =
        export.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let moved = events.iter().find(|event| event["operation"] == "SetOwner").unwrap();
    assert_eq!(moved["correlation"], "from \"alice\" to \"bob\"");
    // The first Get has made it a key that is not fresh any more.
    assert_eq!(moved["revision"], 3);
    assert!(moved["user"].as_str().unwrap().starts_with("control:"));
    let of_bob = events.iter().filter(|event| event["user"] == "bob");
    let results: Vec<&str> = of_bob.filter_map(|event| event["result"].as_str()).collect();
    assert_eq!(results, ["ItemNotFound", "success"]);
    let words = told(&program, &directory, &["audit", "verify"]);
    assert!(words.ends_with("sound\n"), "{words}");
}

#[test]
fn owners_change_exactly_while_clients_change_the_same_objects() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let mut alice = connect(&directory, &server, "alice");
    let ids: Vec<String> = (0..40).map(|_| new_key(&mut alice, Vec::new())).collect();
    let done = AtomicBool::new(false);
    let added: Vec<usize> = thread::scope(|scope| {
        let busy: Vec<_> = (0..2)
            .map(|client| {
                let (ids, done) = (&ids, &done);
                let mut connection = connect(&directory, &server, "alice");
                scope.spawn(move || {
                    // Until nothing is hers any more, or nothing will change.
                    let mut added = 0_usize;
                    for round in 0.. {
                        let mut left = false;
                        for id in ids {
                            let attribute_name = format!("x-{client}-{round}");
                            let value = Value::TextString("set".to_owned());
                            let payload = vec![identifier(id), attribute(&attribute_name, value)];
                            let add = Request::one(VERSION, Operation::AddAttribute, payload);
                            let answer = connection.exchange(&add.message()).unwrap();
                            if answer.at("BatchItem/ResponsePayload").is_some() {
                                left = true;
                                added = added.saturating_add(1);
                            }
                        }
                        if !left || done.load(Ordering::SeqCst) {
                            break;
                        }
                    }
                    added
                })
            })
            .collect();
        let all = ["object", "set-owner", "--all-of", "alice", "--to", "bob"];
        let output = run(&program, &directory, &all);
        done.store(true, Ordering::SeqCst);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(words.contains("40 objects of \"alice\" given to \"bob\""), "{words}");
        busy.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    let mut bob = connect(&directory, &server, "bob");
    let mut found = 0_usize;
    for id in &ids {
        let list = bob.ask(&on(VERSION, Operation::GetAttributeList, id));
        let names = list.fields().iter().filter_map(Item::as_text);
        found = found.saturating_add(names.filter(|text| text.starts_with("x-")).count());
    }
    assert_eq!(found, added.iter().sum::<usize>(), "no change of a client's is lost");
    let words = told(&program, &directory, &["verify"]);
    assert!(words.ends_with("sound\n"), "{words}");
}

#[test]
fn a_store_in_postgresql_is_operated_beside_its_servers_and_backed_up_across() {
    let Some(program) = program_or_skip() else { return };
    let Some(postgres) = postgres::shared() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = || format!("storage.url={}", runtime.block_on(postgres.database()));
    let directory = Arc::new(Directory::make());
    let url = database();
    let root_key = format!("root_key.file={}", path(&directory, "shared.key"));
    let server = TestServer::on(Arc::clone(&directory), |config| {
        url.strip_prefix("storage.url=").unwrap_or_default().clone_into(&mut config.storage.url);
        config.root_key.file = Some(path(&directory, "shared.key"));
    });
    let key = material(32, 3);
    let mut alice = server.connect("alice");
    let register = Request::one(VERSION, Operation::Register, register_aes(&key, Vec::new()));
    let id = alice.ask(&register).identifier();
    let backup = path(&directory, "backup");
    let told = |arguments: &[&str], url: &str| {
        let all = [arguments, &["--set", url, "--set", &root_key]].concat();
        told(&program, &directory, &all)
    };
    assert!(told(&["verify"], &url).ends_with("sound\n"));
    assert!(told(&["object", "set-owner", &id, "--to", "bob"], &url).contains("1 object"));
    assert_eq!(server.connect("bob").ask(&on(VERSION, Operation::Get, &id)).key_material(), key);
    assert!(told(&["backup", &backup], &url).contains("every record opens"));
    let export = told(&["audit", "export", "--object", &id], &url);
    assert!(export.contains("SetOwner") && export.contains("kmip-app-control"), "{export}");

    // Into another database, and into a file.
    let other = database();
    assert!(told(&["restore", &backup], &other).ends_with("sound\n"));
    assert!(told(&["object", "list", "--owner", "bob"], &other).contains(&id));
    let file = empty_directory(&directory.path().join("shared.key"));
    let words = run(&program, &file, &["restore", &backup]);
    assert_eq!(words.status.code(), Some(0), "{words:?}");
    let restored = TestServer::on(file.into(), |_| {});
    assert_eq!(restored.connect("bob").ask(&on(VERSION, Operation::Get, &id)).key_material(), key);
}

/// Sends a line to the control socket and returns what comes.
fn say(directory: &Directory, line: &str) -> String {
    let socket = directory.path().join("control.sock");
    let mut stream = UnixStream::connect(socket).expect("the server listens");
    stream.write_all(line.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("the server answers");
    answer
}

#[test]
fn a_socket_takes_nonsense_calmly_and_does_not_hold_the_end_up() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let socket = directory.path().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    for nonsense in ["nonsense\n", "{}\n", "{\"store\":[1,2],\"verb\":\"halt\"}\n"] {
        let answer = say(&directory, nonsense);
        assert!(answer.contains("failed") && answer.contains("not understood"), "{answer}");
    }
    let answer = say(&directory, "{\"store\":[1,2],\"verb\":\"verify\"}\n");
    assert!(answer.contains("this server serves "), "{answer}");
    let long = format!("{}\n", "x".repeat((1 << 20) + 1));
    let mut stream = UnixStream::connect(&socket).unwrap();
    // It may stop listening before everything is said.
    let _ = stream.write_all(long.as_bytes());
    let idle: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    assert_eq!(server.signal("TERM").code(), Some(0));
    assert!(!socket.exists());
    drop(idle);
}

#[test]
fn a_server_that_was_killed_leaves_nothing_in_the_way() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let id = new_key(&mut connect(&directory, &server, "client"), Vec::new());
    server.kill();
    assert!(directory.path().join("control.sock").exists());
    // Nobody serves it, so the command does it itself.
    assert!(told(&program, &directory, &["object", "list"]).contains(&id));
    let server = Program::serve(&program, &directory, &[]).unwrap();
    assert!(told(&program, &directory, &["object", "list"]).contains(&id));
    assert!(!say(&directory, "?\n").is_empty());
    drop(server);
}

#[test]
fn another_user_is_refused_even_with_a_way_to_the_socket() {
    let Some(program) = program_or_skip() else { return };
    let directory = Directory::make();
    if fs::metadata(directory.path()).unwrap().uid() != 0 {
        println!("skipped: only root can become another user");
        return;
    }
    let _server = Program::serve(&program, &directory, &[]).unwrap();
    let open = |path: &Path| {
        let mode = if path.is_dir() { 0o755 } else { 0o666 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open(directory.path().parent().unwrap());
    open(&directory.path());
    open(&directory.config_file());
    let readable = tempfile::tempdir().unwrap();
    open(readable.path());
    let copy = readable.path().join("kmip-app");
    fs::copy(&program, &copy).unwrap();
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new(&copy);
        command.args(arguments).arg("--config").arg(directory.config_file()).current_dir("/");
        let output = command.uid(65_534).gid(65_534).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, words) = as_nobody(&["object", "list"]);
    assert!(code == Some(1) && words.contains("run this as root"), "{words}");
    open(&directory.path().join("control.sock"));
    let (code, words) = as_nobody(&["verify"]);
    assert!(code == Some(2) && words.contains("you are user 65534"), "{words}");
}

/// Where a backup of every format is kept, with its root key.
fn golden(format: u32, file: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    golden.join(format!("backup-{format}")).join(file)
}

/// The key in every golden backup.
fn golden_key() -> Vec<u8> {
    material(32, 99)
}

#[test]
fn backups_of_every_format_are_read() {
    let Some(program) = program_or_skip() else { return };
    let formats = 1..=1_u32;
    for format in formats {
        let directory = empty_directory(&golden(format, "root.key"));
        let backup = golden(format, "store.backup").display().to_string();
        let words = told(&program, &directory, &["verify", &backup]);
        assert!(words.ends_with("sound\n"), "{words}");
        let words = told(&program, &directory, &["restore", &backup]);
        assert!(words.contains("restored 3 objects"), "{words}");
        let server = TestServer::on(directory.into(), |_| {});
        let mut alice = server.connect("alice");
        let locate = |key_name| Request::one(VERSION, Operation::Locate, vec![name(key_name)]);
        let registered = alice.ask(&locate("registered")).identifiers();
        let got = alice.ask(&on(VERSION, Operation::Get, &registered[0]));
        assert_eq!(got.key_material(), golden_key(), "format {format}");
        // Two uses of five are gone.
        let limited = alice.ask(&locate("limited")).identifiers();
        for left in [true, true, true, false] {
            let answer = alice.exchange(&encrypt(&limited[0]).message()).unwrap();
            assert_eq!(answer.at("BatchItem/ResponsePayload").is_some(), left);
        }
    }
}

fn encrypt(id: &str) -> Request {
    let payload = vec![identifier(id), bytes(Tag::Data, &[7; 16])];
    Request::one(VERSION, Operation::Encrypt, payload)
}

/// Fills a store as the golden backups were made: their root key is that of the directory. Run it
/// with a directory to write to, when there is a new format.
#[test]
#[ignore = "makes the golden backup of a new format"]
fn make_a_golden_backup() {
    let program = program::path().expect("the program is built");
    let target = std::env::var_os("GOLDEN").expect("GOLDEN names a directory");
    let directory = Directory::make();
    let server = Program::serve(&program, &directory, &[]).unwrap();
    let mut alice = connect(&directory, &server, "alice");
    let payload = register_aes(&golden_key(), vec![name("registered")]);
    alice.ask(&Request::one(VERSION, Operation::Register, payload)).identifier();
    let limits = Value::Structure(vec![
        Item::new(Tag::UsageLimitsTotal, Value::LongInteger(5)),
        enumeration(Tag::UsageLimitsUnit, UsageLimitsUnit::Object),
    ]);
    let parameters =
        Value::Structure(vec![enumeration(Tag::BlockCipherMode, BlockCipherMode::Gcm)]);
    let more = vec![
        name("limited"),
        attribute("Usage Limits", limits),
        attribute("Cryptographic Parameters", parameters),
    ];
    let limited =
        alice.ask(&Request::one(VERSION, Operation::Create, create_aes(more))).identifier();
    alice.ask(&on(VERSION, Operation::Activate, &limited)).identifier();
    for _ in 0..2 {
        alice.ask(&encrypt(&limited)).identifier();
    }
    let gone = new_key(&mut alice, vec![name("gone")]);
    alice.ask(&on(VERSION, Operation::Destroy, &gone)).identifier();
    let backup = Path::new(&target).join("store.backup").display().to_string();
    told(&program, &directory, &["backup", &backup]);
    fs::copy(directory.path().join("root.key"), Path::new(&target).join("root.key")).unwrap();
}
