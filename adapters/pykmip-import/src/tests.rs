//! A database made by hand, as PyKMIP's server lays it out, and what is read from it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use kmip_model::{
    DateTime, Material, UniqueIdentifier,
    attribute::{ApplicationSpecificInformation, Attribute, AttributeReference, Name},
    enumeration::{
        BlockCipherMode, CertificateType, CryptographicAlgorithm, CryptographicUsageMask,
        EncodingOption, KeyFormatType, NameType, ObjectType, OpaqueDataType, SecretDataType,
        SplitKeyMethod, State, Tag, WrappingMethod,
    },
    object::{KeyBlock, KeyMaterial, Object},
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{Contents, FoundObject, ReadError, Remark, Unreadable, read, record::TABLES};

/// The tables that 0.11 has and 0.9 has not, but for those of [`TABLES`].
const SIDE_TABLES: &str = "
    CREATE TABLE app_specific_info (id INTEGER PRIMARY KEY, application_namespace VARCHAR,
        application_data VARCHAR);
    CREATE TABLE app_specific_info_map (managed_object_id INTEGER, app_specific_info_id INTEGER);
    CREATE TABLE object_groups (id INTEGER PRIMARY KEY, object_group VARCHAR);
    CREATE TABLE object_group_map (managed_object_id INTEGER, object_group_id INTEGER);";

const NAMES: &str = "CREATE TABLE managed_object_names (id INTEGER PRIMARY KEY, mo_uid INTEGER,
    name VARCHAR, name_index INTEGER, name_type INTEGER);";

/// Columns and tables that came after 0.9.
const LATER: [&str; 2] = ["sensitive", "split_keys"];

/// A database in a directory of its own.
struct Database {
    directory: tempfile::TempDir,
}

impl Database {
    fn path(&self) -> PathBuf {
        self.directory.path().join("pykmip.database")
    }

    /// Makes the tables of 0.11 and fills them.
    fn of(rows: &str) -> Self {
        Self::with(&format!("{}{SIDE_TABLES}{rows}", schema(|_| true)))
    }

    fn with(script: &str) -> Self {
        let database = Self { directory: tempfile::tempdir().unwrap() };
        let options = SqliteConnectOptions::new().filename(database.path()).create_if_missing(true);
        run(async {
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
        database
    }

    fn read(&self) -> Contents {
        try_read(&self.path()).unwrap()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn try_read(path: &Path) -> Result<Contents, ReadError> {
    run(read(path, &mut |_, _| {}))
}

/// Writes the tables of one row for each object, with the columns that `has` says.
fn schema(has: impl Fn(&str) -> bool) -> String {
    let mut script = NAMES.to_owned();
    for (table, columns) in TABLES.iter().filter(|(table, _)| has(table)) {
        let columns: Vec<&str> = columns.iter().copied().filter(|column| has(column)).collect();
        let columns = columns.join(", ");
        let _ = write!(script, "CREATE TABLE {table} (uid INTEGER PRIMARY KEY, {columns});");
    }
    script
}

/// The rows of an AES key.
fn key(uid: i64, value: &str, state: i32) -> String {
    format!(
        "INSERT INTO managed_objects (uid, object_type, value, operation_policy_name, sensitive, \
         initial_date, owner) VALUES ({uid}, 2, {value}, 'default', 0, 1000, 'alice');
         INSERT INTO crypto_objects (uid, cryptographic_usage_mask, state) \
         VALUES ({uid}, 12, {state});
         INSERT INTO keys (uid, cryptographic_algorithm, cryptographic_length, key_format_type, \
         _kdw_wrapping_method, _kdw_encoding_option) VALUES ({uid}, 3, 128, 1, -1, -1);"
    )
}

/// The rows of an object that is no key, but for those of the table of its type.
fn other(uid: i64, object_type: i32, value: &str) -> String {
    format!(
        "INSERT INTO managed_objects (uid, object_type, value, operation_policy_name, sensitive, \
         initial_date, owner) VALUES ({uid}, {object_type}, {value}, 'default', 0, 1000, 'bob');
         INSERT INTO crypto_objects (uid, cryptographic_usage_mask, state) VALUES ({uid}, 2, 1);"
    )
}

fn only(contents: Contents) -> FoundObject {
    assert_eq!(contents.skipped, []);
    let [object]: [FoundObject; 1] = contents.objects.try_into().unwrap();
    object
}

fn raw_key(bytes: &[u8]) -> KeyBlock {
    KeyBlock {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        cryptographic_length: Some(128),
        ..KeyBlock::plain(KeyFormatType::Raw, KeyMaterial::Bytes(Material::from(bytes)))
    }
}

fn values(object: &FoundObject, tag: Tag) -> Vec<Attribute> {
    let reference = AttributeReference::Standard(tag);
    object.attributes.of(&reference).map(|instance| instance.attribute.clone()).collect()
}

#[test]
fn a_symmetric_key_is_read_with_everything_beside_it() {
    let rows = key(7, "x'000102'", 2)
        + "INSERT INTO managed_object_names VALUES (1, 7, 'first', 0, 1), (2, 7, 'second', 1, 2),
               (3, 8, 'of another', 0, 1), (4, NULL, 'of nobody', 0, 1);
           INSERT INTO object_groups VALUES (1, 'b'), (2, 'a'), (3, 'c');
           INSERT INTO object_group_map VALUES (7, 2), (7, 1), (8, 3);
           INSERT INTO app_specific_info VALUES (1, 'ssl', 'a.example'), (2, 'ssl', NULL);
           INSERT INTO app_specific_info_map VALUES (7, 1), (7, 2);
           UPDATE managed_objects SET operation_policy_name = 'team', sensitive = 1;";
    let object = only(Database::of(&rows).read());
    assert_eq!(object.unique_identifier, UniqueIdentifier::new("7"));
    assert_eq!(object.owner, "alice");
    assert_eq!(object.object, Object::SymmetricKey(raw_key(&[0, 1, 2])));
    assert_eq!(object.state, State::Active);
    assert_eq!(object.initial_date, DateTime(1000));
    assert_eq!(object.remarks, []);
    let uri = Name { name_value: "second".into(), name_type: NameType::Uri };
    assert_eq!(
        values(&object, Tag::Name),
        [Attribute::Name(Name::text("first")), Attribute::Name(uri)]
    );
    let group = |text: &str| Attribute::ObjectGroup(text.into());
    assert_eq!(values(&object, Tag::ObjectGroup), [group("b"), group("a")]);
    let information = |data: Option<&str>| {
        Attribute::ApplicationSpecificInformation(ApplicationSpecificInformation {
            application_namespace: "ssl".into(),
            application_data: data.map(str::to_owned),
        })
    };
    assert_eq!(
        values(&object, Tag::ApplicationSpecificInformation),
        [information(Some("a.example")), information(None)]
    );
    assert_eq!(object.attributes.operation_policy_name(), Some(&"team".to_owned()));
    assert_eq!(object.attributes.sensitive(), Some(&true));
    let mask = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
    assert_eq!(object.attributes.cryptographic_usage_mask(), Some(&mask));
}

#[test]
fn every_type_of_object_is_read() {
    let rows = [
        key(1, "x'01'", 1),
        key(2, "x'02'", 1) + "UPDATE managed_objects SET object_type = 3 WHERE uid = 2;",
        key(3, "x'03'", 1) + "UPDATE managed_objects SET object_type = 4 WHERE uid = 3;",
        key(4, "x'04'", 1)
            + "UPDATE managed_objects SET object_type = 5 WHERE uid = 4;
               INSERT INTO split_keys VALUES (4, 4, 2, 3, 3, 257);",
        other(5, 1, "x'05'") + "INSERT INTO certificates VALUES (5, 1);",
        other(6, 7, "x'06'") + "INSERT INTO secret_data_objects VALUES (6, 1);",
        other(7, 8, "x'07'")
            + "INSERT INTO opaque_objects VALUES (7, 2147483648);
               DELETE FROM crypto_objects WHERE uid = 7;",
    ]
    .concat();
    let contents = Database::of(&rows).read();
    assert_eq!(contents.skipped, []);
    let objects: Vec<Object> = contents.objects.into_iter().map(|found| found.object).collect();
    let mut secret = raw_key(&[6]);
    secret.key_format_type = KeyFormatType::Opaque;
    secret.cryptographic_algorithm = None;
    secret.cryptographic_length = None;
    assert_eq!(
        objects,
        [
            Object::SymmetricKey(raw_key(&[1])),
            Object::PublicKey(raw_key(&[2])),
            Object::PrivateKey(raw_key(&[3])),
            Object::SplitKey {
                split_key_parts: 4,
                key_part_identifier: 2,
                split_key_threshold: 3,
                split_key_method: SplitKeyMethod::PolynomialSharingPrimeField,
                prime_field_size: Some(vec![0, 0, 0, 0, 0, 0, 1, 1]),
                key_block: raw_key(&[4]),
            },
            Object::Certificate {
                certificate_type: CertificateType::X509,
                certificate_value: vec![5],
            },
            Object::SecretData { secret_data_type: SecretDataType::Password, key_block: secret },
            Object::OpaqueObject {
                opaque_data_type: OpaqueDataType(0x8000_0000),
                opaque_data_value: Material::new(vec![7]),
            },
        ]
    );
}

#[test]
fn every_state_is_read_and_opaque_objects_are_pre_active() {
    let mut rows: String = (1..=6).map(|state| key(state.into(), "x'01'", state)).collect();
    rows += &(other(7, 8, "x'07'") + "INSERT INTO opaque_objects VALUES (7, 2147483648);");
    let states: Vec<State> =
        Database::of(&rows).read().objects.iter().map(|found| found.state).collect();
    assert_eq!(
        states,
        [
            State::PreActive,
            State::Active,
            State::Deactivated,
            State::Compromised,
            State::Destroyed,
            State::DestroyedCompromised,
            State::PreActive,
        ]
    );
}

#[test]
fn a_wrapped_key_keeps_its_wrapping() {
    let rows = key(1, "x'FF'", 1)
        + "UPDATE keys SET _kdw_wrapping_method = 1, _kdw_eki_unique_identifier = '9',
               _kdw_eki_cp_block_cipher_mode = 13, _kdw_eki_cp_random_iv = 0,
               _kdw_mski_unique_identifier = '10', _kdw_mski_cp_padding_method = -1,
               _kdw_mac_signature = x'0A', _kdw_iv_counter_nonce = x'0B',
               _kdw_encoding_option = 1;";
    let object = only(Database::of(&rows).read());
    let key_block = object.object.key_block().unwrap();
    assert_eq!(key_block.key_value, raw_key(&[0xFF]).key_value);
    let wrapping = key_block.key_wrapping_data.as_ref().unwrap();
    assert_eq!(wrapping.wrapping_method, WrappingMethod::Encrypt);
    assert_eq!(wrapping.encoding_option, Some(EncodingOption::NoEncoding));
    assert_eq!(wrapping.mac_signature, Some(vec![0x0A]));
    assert_eq!(wrapping.iv_counter_nonce, Some(vec![0x0B]));
    let encryption = wrapping.encryption_key_information.as_ref().unwrap();
    assert_eq!(encryption.unique_identifier, UniqueIdentifier::new("9"));
    let parameters = encryption.cryptographic_parameters.as_ref().unwrap();
    assert_eq!(parameters.block_cipher_mode, Some(BlockCipherMode::NistKeyWrap));
    assert_eq!(parameters.padding_method, None);
    let mac = wrapping.mac_signature_key_information.as_ref().unwrap();
    assert_eq!(mac.unique_identifier, UniqueIdentifier::new("10"));
    assert_eq!(mac.cryptographic_parameters, None);
}

#[test]
fn what_a_destroyed_object_has_left_is_counted_and_not_read() {
    let rows = key(1, "x'01'", 1)
        + &key(2, "x'02'", 6)
        + &other(3, 8, "x'03'")
        + "INSERT INTO opaque_objects VALUES (3, 2147483648);
           INSERT INTO managed_object_names VALUES (1, 2, 'left behind', 0, 1);
           DELETE FROM managed_objects WHERE uid > 1;";
    let contents = Database::of(&rows).read();
    assert_eq!(contents.destroyed, 2);
    assert_eq!(only(contents).unique_identifier, UniqueIdentifier::new("1"));
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_others_are_read() {
    let spoil = |uid: i64, change: &str| {
        key(uid, "x'01'", 1) + &format!("UPDATE {change} WHERE uid = {uid};")
    };
    let rows = [
        spoil(1, "managed_objects SET object_type = 6"),
        spoil(2, "managed_objects SET value = NULL"),
        spoil(3, "managed_objects SET owner = 4.5"),
        spoil(4, "keys SET cryptographic_length = 4294967296"),
        spoil(5, "keys SET key_format_type = 'raw'"),
        spoil(6, "crypto_objects SET state = 9"),
        spoil(7, "keys SET _kdw_eki_unique_identifier = '9'"),
        key(8, "x'01'", 1) + "DELETE FROM keys WHERE uid = 8;",
        key(9, "x'01'", 1),
    ]
    .concat();
    let contents = Database::of(&rows).read();
    let skipped: Vec<(String, Unreadable)> = contents
        .skipped
        .into_iter()
        .map(|skipped| (skipped.unique_identifier.to_string(), skipped.reason))
        .collect();
    let expected = [
        Unreadable::UnknownType(ObjectType::Template),
        Unreadable::Missing("value"),
        Unreadable::NoText("owner"),
        Unreadable::OutOfRange("cryptographic_length", 4_294_967_296),
        Unreadable::NoNumber("key_format_type"),
        Unreadable::UnknownState(State(9)),
        Unreadable::Missing("_kdw_wrapping_method"),
        Unreadable::Missing("key_format_type"),
    ];
    let expected: Vec<(String, Unreadable)> =
        (1..).map(|uid: i64| uid.to_string()).zip(expected).collect();
    assert_eq!(skipped, expected);
    let read: Vec<&str> =
        contents.objects.iter().map(|found| found.unique_identifier.as_str()).collect();
    assert_eq!(read, ["9"]);
}

#[test]
fn what_is_not_taken_over_as_it_is_is_remarked() {
    let rows = key(1, "x'01'", 1)
        + "UPDATE managed_objects SET owner = NULL;
           INSERT INTO managed_object_names VALUES (1, 1, 'a', 0, 1), (2, 1, 'a', 1, 1),
               (3, 1, NULL, 2, 1);";
    let object = only(Database::of(&rows).read());
    assert_eq!(
        object.remarks,
        [Remark::NoOwner, Remark::Empty(Tag::Name), Remark::Repeated(Tag::Name)]
    );
    assert_eq!(values(&object, Tag::Name), [Attribute::Name(Name::text("a"))]);
    assert_eq!(object.owner, "");
}

#[test]
fn a_database_of_0_9_is_read_without_what_came_later() {
    let rows = key(1, "x'01'", 2).replace("sensitive, ", "").replace("'default', 0,", "'default',");
    let script = schema(|name| !LATER.contains(&name)) + &rows;
    let object = only(Database::with(&script).read());
    assert_eq!(object.state, State::Active);
    assert_eq!(object.attributes.sensitive(), Some(&false));
}

#[test]
fn many_objects_are_read_in_pages_and_counted() {
    let rows: String = (1..=600).map(|uid| key(uid, "x'01'", 1)).collect();
    let database = Database::of(&format!("BEGIN;{rows}COMMIT;"));
    let mut steps = Vec::new();
    let path = database.path();
    let contents = run(read(&path, &mut |done, total| steps.push((done, total)))).unwrap();
    assert_eq!(contents.objects.len(), 600);
    assert_eq!(steps, [(0, 600), (256, 600), (512, 600), (600, 600)]);
}

#[test]
fn reading_changes_nothing() {
    let database = Database::of(&key(1, "x'01'", 1));
    let before = std::fs::read(database.path()).unwrap();
    database.read();
    assert_eq!(std::fs::read(database.path()).unwrap(), before);
    let files = std::fs::read_dir(database.directory.path()).unwrap().count();
    assert_eq!(files, 1);
}

#[test]
fn a_file_that_is_none_of_pykmips_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    assert!(matches!(try_read(&missing), Err(ReadError::Missing { path }) if path == missing));
    assert!(!missing.exists());
    let text = directory.path().join("text");
    std::fs::write(&text, "not a database, and long enough not to be taken for an empty one")
        .unwrap();
    assert!(matches!(try_read(&text), Err(ReadError::Unusable { .. })));
    let foreign = Database::with("CREATE TABLE record (seq INTEGER);");
    assert!(matches!(
        try_read(&foreign.path()),
        Err(ReadError::Foreign { missing: "managed_objects", .. })
    ));
    let other = Database::with(&schema(|name| name != "owner"));
    assert!(matches!(try_read(&other.path()), Err(ReadError::Foreign { missing: "owner", .. })));
}
