//! Another program changes the schema of a database under a server: what clients are told, how the
//! server ends, and that what it had acknowledged is there.

use kmip_model::enumeration::{Operation, ResultReason, ResultStatus};
use kmip_tests::connection::TlsVersions;
use kmip_tests::program::{self, Program};
use kmip_tests::server::Directory;
use kmip_tests::{Connection, Request, postgres};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::{Builder, Runtime};

use crate::common::{create_aes, new_key, on};

const VERSION: (i32, i32) = (1, 4);

fn run(runtime: &Runtime, url: &str, statement: &'static str) {
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("the database is there");
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
        done.expect("it is valid");
        connection.close().await.expect("it closes");
    });
}

fn connect(server: &Program, directory: &Directory) -> Connection {
    Connection::open(&directory.target(server.address(), "client"), TlsVersions::Any)
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_server_ends_when_a_later_program_has_changed_the_schema_and_nothing_is_lost() {
    let Some(program) = program::path() else {
        println!("skipped: a changed schema: the program kmip-app is not built");
        return;
    };
    let Some(postgres) = postgres::shared() else { return };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(postgres.database());
    let directory = Directory::make();
    let url = format!("storage.url={database}");
    let settings = ["--create-store", "--set", url.as_str()];
    let server = Program::serve(&program, &directory, &settings).unwrap();
    let mut connection = connect(&server, &directory);
    let key = new_key(&mut connection, Vec::new());
    // A schema that leaves alone what there was is none of its business.
    run(&runtime, &database, "UPDATE kmip_schema SET version = version + 1");
    let other = new_key(&mut connection, Vec::new());
    run(&runtime, &database, "UPDATE kmip_schema SET needed = version");
    let create = Request::one(VERSION, Operation::Create, create_aes(vec![]));
    let answer = connection.ask(&create);
    let told = (answer.status(0), answer.reason());
    assert_eq!(told, (ResultStatus::OperationFailed, ResultReason::GeneralFailure));
    let (status, said) = server.ended();
    assert!(!status.success(), "{said}");
    assert!(said.contains("another program has changed the schema of the database"), "{said}");
    let refused = Program::serve(&program, &directory, &settings[1..]).err().unwrap_or_default();
    assert!(refused.contains("and this program knows schemas up to"), "{refused}");
    // As the program would find it that has made that schema.
    run(&runtime, &database, "UPDATE kmip_schema SET needed = 1");
    let server = Program::serve(&program, &directory, &settings[1..]).unwrap();
    let mut connection = connect(&server, &directory);
    for key in [key, other] {
        assert_eq!(
            connection.ask(&on(VERSION, Operation::Get, &key)).status(0),
            ResultStatus::Success
        );
    }
}
