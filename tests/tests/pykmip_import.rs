//! From PyKMIP's server to ours: a database that the real one has filled is imported, and PyKMIP's
//! client finds every object as it was. Without PyKMIP, this is skipped and says so.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kmip_app::import::{self, Effect, Summary};
use kmip_app::{Config, Report};
use kmip_model::enumeration::{ObjectType, State};
use kmip_tests::server::Directory;
use kmip_tests::{TestServer, pykmip};

/// Runs the script and returns what it printed and whether it passed.
fn script(python: &Path, arguments: &[&Path]) -> (String, bool) {
    let output = Command::new(python)
        .arg("-W")
        .arg("ignore")
        .arg(pykmip::script("pykmip_import.py"))
        .args(arguments)
        .output()
        .expect("the Python of the environment runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    (format!("{printed}{complaints}"), output.status.success())
}

/// Lets PyKMIP's server fill a database.
fn filled(python: &Path, directory: &Directory) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("there is a place for temporary files");
    let pki = directory.path().join("pki");
    let (printed, passed) = script(python, &[Path::new("make"), place.path(), &pki]);
    assert!(passed, "{printed}");
    place
}

fn imported(config: &Config, place: &Path, effect: Effect) -> Result<Summary, Report> {
    let database = place.join("pykmip.database");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(import::pykmip(config, &database, false, effect))
}

fn import(config: &Config, place: &Path, effect: Effect) -> Summary {
    imported(config, place, effect).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn a_database_that_pykmips_server_filled_is_served_by_ours() {
    let python = match pykmip::python() {
        Ok(python) => python,
        Err(why) => return println!("skipped: the import from PyKMIP: {why}"),
    };
    let directory = Arc::new(Directory::make());
    let config = directory.config();
    let place = filled(&python, &directory);

    let told = import(&config, place.path(), Effect::Tell);
    let summary = import(&config, place.path(), Effect::Store);
    println!("{summary}");
    assert_eq!(told.imported, summary.imported, "the dry run told what is done");
    let counts: Vec<(ObjectType, u64)> =
        summary.imported.iter().map(|(object_type, count)| (*object_type, *count)).collect();
    assert_eq!(
        counts,
        [
            (ObjectType::Certificate, 1),
            (ObjectType::SymmetricKey, 9),
            (ObjectType::PublicKey, 2),
            (ObjectType::PrivateKey, 2),
            (ObjectType::SplitKey, 1),
            (ObjectType::SecretData, 1),
            (ObjectType::OpaqueObject, 1),
        ]
    );
    for state in [State::PreActive, State::Active, State::Deactivated, State::Compromised] {
        assert!(summary.states.contains_key(&state), "{state}");
    }
    assert_eq!(summary.skipped, []);
    assert_eq!(summary.destroyed, 1);
    assert_eq!(summary.policies.get("team"), Some(&1));

    let again = import(&config, place.path(), Effect::Store);
    assert_eq!((again.new_objects(), again.already_there), (0, 17));

    let server = TestServer::on(Arc::clone(&directory), |_| {});
    let refusal = imported(&config, place.path(), Effect::Store).map(drop).unwrap_err();
    assert!(refusal.to_string().contains("another process"), "{refusal}");
    let (host, port) = (server.address().ip().to_string(), server.address().port().to_string());
    let (pki, store) = (directory.path().join("pki"), directory.store());
    let arguments =
        [Path::new("check"), place.path(), &pki, Path::new(&host), Path::new(&port), &store];
    let (printed, passed) = script(&python, &arguments);
    println!("{printed}");
    assert!(passed, "{printed}");
    drop(server);

    // Serving objects does not make them others.
    let later = import(&config, place.path(), Effect::Store);
    assert_eq!((later.new_objects(), later.already_there), (0, 17));
}

#[test]
fn another_database_with_the_same_identifiers_is_refused_as_a_whole() {
    let python = match pykmip::python() {
        Ok(python) => python,
        Err(why) => return println!("skipped: the import from PyKMIP: {why}"),
    };
    let directory = Directory::make();
    let config = directory.config();
    import(&config, filled(&python, &directory).path(), Effect::Store);
    let other = filled(&python, &directory);
    let refusal = imported(&config, other.path(), Effect::Store).map(drop).unwrap_err();
    // The pair of a new database is a new pair under the old numbers.
    let refusal = refusal.to_string();
    assert!(refusal.contains("nothing is imported"), "{refusal}");
    assert!(refusal.contains("15 (content"), "{refusal}");
}
