//! Policies from files, groups, accounts: who may do what, as the operator says (rows P1 and P2 of
//! PyKMIP's manual).

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use kmip_app::config::{Slugs, WithoutSection};
use kmip_model::enumeration::{Operation, ResultReason, ResultStatus};
use kmip_tests::request::text_attribute;
use kmip_tests::{Answer, Connection, Request, TestServer};
use tempfile::TempDir;

use crate::common::{new_key, on};

const ONE: (i32, i32) = (1, 4);

/// Far more than a change of a file takes to come into force.
const GENEROUS: Duration = Duration::from_secs(30);

/// The hash of `password`, from the tests of the reference program.
const HASH: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

fn place() -> TempDir {
    tempfile::tempdir().expect("there is a place for temporary files")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
}

/// Makes the rules that give everybody Get and Locate of symmetric keys, or the owner.
fn rules(permission: &str) -> String {
    format!(r#"{{"SYMMETRIC_KEY": {{"GET": "{permission}", "LOCATE": "{permission}"}}}}"#)
}

fn policy_name(name: &str) -> kmip_tests::tree::Item {
    text_attribute("Operation Policy Name", name)
}

fn get(connection: &mut Connection, id: &str) -> ResultStatus {
    connection.ask(&on(ONE, Operation::Get, id)).status(0)
}

/// Asks until the answer is as expected, which it must become.
fn until(connection: &mut Connection, id: &str, expected: ResultStatus) {
    let begin = Instant::now();
    while get(connection, id) != expected {
        assert!(begin.elapsed() < GENEROUS, "the change does not come into force");
    }
}

#[test]
fn a_policy_file_opens_a_key_and_its_change_closes_it() {
    let policies = place();
    let file = policies.path().join("policy.json");
    write(&file, &format!(r#"{{"shared": {{"preset": {}}}}}"#, rules("ALLOW_ALL")));
    let path = policies.path().to_owned();
    let server = TestServer::with(|config| config.policy.path = Some(path));
    let id = new_key(&mut server.connect("alice"), vec![policy_name("shared")]);
    let mut bob = server.connect("bob");
    assert_eq!(get(&mut bob, &id), ResultStatus::Success);
    let locate = Request::one(ONE, Operation::Locate, Vec::new());
    assert_eq!(bob.ask(&locate).identifiers(), [id.as_str()]);

    write(&file, &format!(r#"{{"shared": {}}}"#, rules("ALLOW_OWNER")));
    until(&mut bob, &id, ResultStatus::OperationFailed);
    assert_eq!(bob.ask(&locate).identifiers(), Vec::<String>::new());

    // A later file hides the policy, and gives it back when it goes.
    let later = policies.path().join("z.json");
    write(&later, &format!(r#"{{"shared": {}}}"#, rules("ALLOW_ALL")));
    until(&mut bob, &id, ResultStatus::Success);
    fs::remove_file(&later).expect("the file is there");
    until(&mut bob, &id, ResultStatus::OperationFailed);
}

#[test]
fn a_single_policy_file_will_do() {
    let policies = place();
    let file = policies.path().join("policy.json");
    write(&file, &format!(r#"{{"shared": {}}}"#, rules("ALLOW_ALL")));
    let server = TestServer::with(|config| config.policy.path = Some(file));
    let id = new_key(&mut server.connect("alice"), vec![policy_name("shared")]);
    assert_eq!(get(&mut server.connect("bob"), &id), ResultStatus::Success);
}

/// Makes a directory with a policy `team` that lets the group A get keys, and nobody else.
fn team_policy() -> (TempDir, PathBuf) {
    let policies = place();
    let text = format!(
        r#"{{"team": {{"preset": {}, "groups": {{"A": {}, "B": {}}}}}}}"#,
        rules("DISALLOW_ALL"),
        rules("ALLOW_ALL"),
        rules("DISALLOW_ALL"),
    );
    write(&policies.path().join("team.json"), &text);
    let path = policies.path().to_owned();
    (policies, path)
}

#[test]
fn groups_of_a_file_open_what_a_policy_gives_them() {
    let (policies, path) = team_policy();
    let groups = policies.path().join("groups.toml");
    write(&groups, "alice = [\"B\", \"A\"]\nbob = [\"B\"]\n");
    let server = TestServer::with(|config| {
        config.policy.path = Some(path);
        config.auth.groups_file = Some(groups);
    });
    let mut client = server.connect("client");
    let team = new_key(&mut client, vec![policy_name("team")]);
    let own = new_key(&mut client, Vec::new());
    assert_eq!(get(&mut server.connect("alice"), &team), ResultStatus::Success);
    assert_eq!(get(&mut server.connect("bob"), &team), ResultStatus::OperationFailed);
    // Its owner is in no group, and the default policy, which has none, speaks of owners still.
    assert_eq!(get(&mut client, &team), ResultStatus::OperationFailed);
    assert_eq!(get(&mut client, &own), ResultStatus::Success);
}

/// Runs a SLUGS that knows these users, and returns its URL. It ends with the tests.
fn slugs(users: &[(&str, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    let mut answers = BTreeMap::new();
    for (user, groups) in users {
        answers.insert(format!("/slugs/users/{user}"), "{}".to_owned());
        answers.insert(format!("/slugs/users/{user}/groups"), format!(r#"{{"groups": {groups}}}"#));
    }
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection is accepted"));
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                stream.read_line(&mut request).expect("a request is read");
            }
            let path = request.split(' ').nth(1).expect("a request has a path");
            let answer = match answers.get(path) {
                Some(body) => {
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                }
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            stream.get_mut().write_all(answer.as_bytes()).expect("an answer is sent");
        }
    });
    format!("http://{address}/slugs")
}

fn source(url: String) -> Slugs {
    Slugs { url, timeout_seconds: 10, cache_milliseconds: 0 }
}

#[test]
fn slugs_says_who_gets_in_and_in_which_groups() {
    let (_policies, path) = team_policy();
    let first = slugs(&[("nobody", "[]")]);
    let second = slugs(&[("alice", r#"["A"]"#), ("bob", r#"["B"]"#)]);
    let server = TestServer::with(|config| {
        config.policy.path = Some(path);
        config.policy.groups_without_section = WithoutSection::Deny;
        config.auth.slugs = vec![source(first), source(second)];
    });
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    let team = new_key(&mut bob, vec![policy_name("team")]);
    assert_eq!(get(&mut alice, &team), ResultStatus::Success);
    assert_eq!(get(&mut bob, &team), ResultStatus::OperationFailed);
    // As with PyKMIP, who has groups has nothing of a policy without groups.
    let own = new_key(&mut alice, Vec::new());
    assert_eq!(get(&mut alice, &own), ResultStatus::OperationFailed);
    let unknown = server.connect("client").ask(&Request::one(ONE, Operation::Locate, Vec::new()));
    assert_eq!(unknown.reason(), ResultReason::AuthenticationNotSuccessful);
}

#[test]
fn slugs_that_does_not_answer_lets_nobody_in() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("there is a port");
    let url = format!("http://{closed}");
    let server = TestServer::with(|config| config.auth.slugs = vec![source(url)]);
    let refused = server.connect("alice").ask(&Request::one(ONE, Operation::Locate, Vec::new()));
    assert_eq!(refused.reason(), ResultReason::AuthenticationNotSuccessful);
}

#[test]
fn a_credential_of_an_account_says_who_a_client_is() {
    let place = place();
    let accounts = place.path().join("accounts.toml");
    write(&accounts, &format!("[[account]]\nname = \"bob\"\nhash = \"{HASH}\"\n"));
    fs::set_permissions(&accounts, Permissions::from_mode(0o600)).expect("the file is ours");
    let server = TestServer::with(|config| config.auth.accounts_file = Some(accounts));
    let mut alice = server.connect("alice");
    let hers = new_key(&mut alice, Vec::new());
    let his = new_key(&mut server.connect("bob"), Vec::new());
    let mut as_bob = |id: &str, password: &str| -> Answer {
        alice.ask(&on(ONE, Operation::Get, id).username_and_password("bob", password))
    };
    assert_eq!(as_bob(&his, "password").status(0), ResultStatus::Success);
    assert_eq!(as_bob(&hers, "password").reason(), ResultReason::ItemNotFound);
    let refused = as_bob(&hers, "passwort");
    assert_eq!(refused.reason(), ResultReason::AuthenticationNotSuccessful);
    assert_eq!(get(&mut alice, &hers), ResultStatus::Success);
}

#[test]
fn a_setting_tells_what_is_forbidden_from_what_is_not_there() {
    let server = TestServer::with(|config| config.policy.reveal_forbidden = true);
    let id = new_key(&mut server.connect("alice"), Vec::new());
    let mut bob = server.connect("bob");
    let forbidden = bob.ask(&on(ONE, Operation::Get, &id));
    let unknown = bob.ask(&on(ONE, Operation::Get, "00000000-0000-4000-8000-000000000000"));
    assert_eq!(forbidden.reason(), ResultReason::PermissionDenied);
    assert_eq!(unknown.reason(), ResultReason::ItemNotFound);
    assert_eq!(forbidden.result_message(), unknown.result_message());
}
