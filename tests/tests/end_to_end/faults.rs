//! A disk that is full, read-only or broken: errors that say so, and a store that opens again with
//! everything in it that was acknowledged.

use std::time::Duration;

use kmip_model::enumeration::{Operation, ResultReason};
use kmip_tests::connection::{Connection, TlsVersions};
use kmip_tests::crash::{self, check, witness::Client};
use kmip_tests::faults::Disk;
use kmip_tests::program::{self, Program, command};
use kmip_tests::server::Directory;
use kmip_tests::{Request, request::identifier};

use crate::common::{create_aes, on};

const VERSION: (i32, i32) = (1, 4);

/// How long clients work before the disk fails.
const LOAD: Duration = Duration::from_millis(400);

/// A server on a disk that can be made to fail, and clients that know what it has acknowledged.
struct Scene {
    directory: Directory,
    disk: Disk,
    program: std::path::PathBuf,
    clients: Vec<Client>,
}

impl Scene {
    /// Sets it up; none where the program or a C compiler is missing.
    fn set() -> Option<Self> {
        let program = program::path();
        let directory = Directory::make();
        let disk = Disk::make(&directory.path());
        match (program, disk) {
            (Some(program), Ok(disk)) => {
                let clients = (0..4).map(|number| Client::new(number, 5)).collect();
                Some(Self { directory, disk, program, clients })
            }
            (None, _) => {
                println!("skipped: faults: the program kmip-app is not built");
                None
            }
            (_, Err(error)) => {
                println!("skipped: faults: {error}");
                None
            }
        }
    }

    fn start(&self) -> Result<Program, String> {
        let mut command = command(&self.program, &self.directory, &[]);
        self.disk.under(&mut command);
        Program::run(command.stderr(std::process::Stdio::piped()))
    }

    fn connect(&self, program: &Program) -> Connection {
        let target = self.directory.target(program.address(), crash::CLIENT);
        Connection::open(&target, TlsVersions::Any).expect("it serves")
    }

    /// Lets the clients work until the disk fails, and then until nothing is acknowledged.
    fn work_until_it_fails(&mut self, program: &Program, how: &str) {
        let target = self.directory.target(program.address(), crash::CLIENT);
        let disk = &self.disk;
        let done = crash::under_load(&target, &mut self.clients, LOAD, || disk.fail(how));
        assert!(done.unwrap_or_else(|wrong| panic!("{wrong}")) > 0, "{how}");
    }

    /// Compares everything with what was acknowledged.
    fn compare(&mut self, program: &Program) {
        let mut connection = self.connect(program);
        check::settle(&mut connection, &mut self.clients).unwrap_or_else(|it| panic!("{it}"));
        check::compare(&mut connection, &mut self.clients).unwrap_or_else(|it| panic!("{it}"));
    }
}

#[test]
fn a_full_disk_refuses_changes_and_goes_on_when_there_is_room() {
    let Some(mut scene) = Scene::set() else { return };
    let program = scene.start().unwrap();
    let mut connection = scene.connect(&program);
    let create = Request::one(VERSION, Operation::Create, create_aes(Vec::new()));
    let kept = connection.ask(&create).identifier();
    // The first Get of a key writes that it is no longer Fresh.
    let get = on(VERSION, Operation::Get, &kept);
    connection.ask(&get).key_material();
    scene.work_until_it_fails(&program, "full");

    let refused = connection.ask(&create);
    assert_eq!(refused.reason(), ResultReason::GeneralFailure);
    assert_eq!(connection.ask(&get).key_material().len(), 32);
    let destroy = Request::one(VERSION, Operation::Destroy, vec![identifier(&kept)]);
    assert_eq!(connection.ask(&destroy).reason(), ResultReason::GeneralFailure);

    scene.disk.mend();
    connection.ask(&destroy).identifier();
    scene.compare(&program);
    scene.work_until_it_fails(&program, "full");
    program.kill();
    scene.disk.mend();
    let program = scene.start().unwrap();
    scene.compare(&program);
    assert!(program.signal("TERM").success());
}

#[test]
fn after_a_failed_sync_or_write_the_server_ends_and_the_store_opens_again() {
    for how in ["sync", "sync-once", "write", "read-only"] {
        let Some(mut scene) = Scene::set() else { return };
        let program = scene.start().unwrap();
        scene.work_until_it_fails(&program, how);
        let (status, said) = program.ended();
        assert_eq!(status.code(), Some(1), "{how}: {said}");
        assert!(said.contains("kmip-app: the store could not be written"), "{how}: {said}");
        assert_eq!(scene.disk.synced_again(), 0, "{how}: nothing is tried again");
        scene.disk.mend();
        let program = scene.start().unwrap();
        scene.compare(&program);
        program.kill();
        let program = scene.start().unwrap();
        scene.compare(&program);
    }
}

#[test]
fn a_failed_sync_of_the_database_ends_the_server_too() {
    let Some(mut scene) = Scene::set() else { return };
    let program = scene.start().unwrap();
    // The log alone works; it is merged into the database after some hundred changes.
    scene.work_until_it_fails(&program, "sync-main");
    let (status, said) = program.ended();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("log not merged into the database"), "{said}");
    assert_eq!(scene.disk.synced_again(), 0, "nothing is tried again");
    scene.disk.mend();
    let program = scene.start().unwrap();
    scene.compare(&program);
}

#[test]
fn a_disk_that_cannot_be_written_at_start_is_named() {
    let Some(mut scene) = Scene::set() else { return };
    let program = scene.start().unwrap();
    scene.work_until_it_fails(&program, "sync");
    program.ended();
    for (how, sentence) in
        [("read-only", "cannot be read and written"), ("full", "check for a full disk")]
    {
        scene.disk.fail(how);
        let said = scene.start().map(|program| program.address()).unwrap_err();
        assert!(said.contains(sentence), "{how}: {said}");
        assert!(said.contains("kmip-app.db"), "{how}: {said}");
    }
    scene.disk.mend();
    let program = scene.start().unwrap();
    scene.compare(&program);
}
