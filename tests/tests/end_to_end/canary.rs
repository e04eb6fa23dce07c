//! Known bytes are looked for where keys must not be: in the store and its log, in the logs of
//! the program at the most talkative level, in the traces it sends, and in what a crash leaves.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use kmip_model::enumeration::{
    CryptographicAlgorithm, EncodingOption, KeyFormatType, ObjectType, Operation, SecretDataType,
    Tag, WrappingMethod,
};
use kmip_tests::connection::{Connection, TlsVersions};
use kmip_tests::program::{self, Program};
use kmip_tests::request::{
    bytes, enumeration, enumeration_attribute, identifier, integer, name, structure,
    template_attribute,
};
use kmip_tests::server::Directory;
use kmip_tests::tree::{Item, Value};
use kmip_tests::{Request, request};

use crate::common::{key_block, material, on, register_aes};

const VERSION: (i32, i32) = (1, 4);

/// What must be seen nowhere: a key, a secret, a plaintext, a password.
struct Canaries {
    key: Vec<u8>,
    secret: Vec<u8>,
    plaintext: Vec<u8>,
    password: &'static str,
}

impl Canaries {
    fn new() -> Self {
        Self {
            key: material(32, 0x91),
            secret: b"canary-secret-5d0c2a9e".to_vec(),
            plaintext: b"canary-plaintext-77".repeat(16),
            password: "canary-password-e2b4",
        }
    }

    /// Lists the forms in which bytes are written down: raw, hexadecimal, lists of numbers, Base64.
    fn forms(&self) -> Vec<Vec<u8>> {
        let all = [&self.key, &self.secret, &self.plaintext, &self.password.as_bytes().to_vec()];
        all.iter()
            .flat_map(|bytes| {
                // A part is enough to find, and a line may break a long one.
                let part = bytes.get(..16).unwrap_or(bytes);
                let numbers: Vec<String> = part.iter().map(ToString::to_string).collect();
                [
                    part.to_vec(),
                    hex::encode(part).into_bytes(),
                    hex::encode_upper(part).into_bytes(),
                    numbers.join(", ").into_bytes(),
                    base64(part.get(..15).unwrap_or(part)),
                ]
            })
            .collect()
    }

    /// Returns the number of a form that is in there.
    fn found_in(&self, hay: &[u8]) -> Option<usize> {
        let holds = |form: &Vec<u8>| hay.windows(form.len()).any(|window| window == form);
        self.forms().iter().position(holds)
    }

    fn assert_absent(&self, place: &str, hay: &[u8]) {
        assert_eq!(self.found_in(hay), None, "{place} holds a canary in the form of that number");
    }
}

/// Encodes whole groups of three bytes as Base64.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |number: u32| {
        let position = usize::try_from(number & 63).unwrap_or_default();
        DIGITS.get(position).copied().unwrap_or_default()
    };
    let groups = bytes.chunks_exact(3).map(|group| {
        let number = group.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| digit(number >> shift))
    });
    groups.flatten().collect()
}

/// Takes what is sent to a port of this machine, whatever it is.
struct Sink {
    port: u16,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Sink {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let into = Arc::clone(&into);
                thread::spawn(move || {
                    let mut stream = stream;
                    let mut buffer = [0_u8; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        into.lock()
                            .expect("nobody panics with it")
                            .extend(buffer.get(..count).unwrap_or_default());
                    }
                });
            }
        });
        Self { port, taken }
    }

    fn taken(&self) -> Vec<u8> {
        self.taken.lock().expect("nobody panics with it").clone()
    }
}

/// Uses the secrets in every way there is, also in ways that fail.
fn use_everything(connection: &mut Connection, canaries: &Canaries) {
    let one = |operation, payload| {
        Request::one(VERSION, operation, payload)
            .username_and_password("canary", canaries.password)
            .message()
    };
    let mut ask = |operation, payload: Vec<Item>| {
        connection.exchange(&one(operation, payload)).expect("there is an answer")
    };
    let registered = ask(Operation::Register, register_aes(&canaries.key, vec![name("canary")]));
    let path = "BatchItem/ResponsePayload/UniqueIdentifier";
    let id = registered.at(path).and_then(Item::as_text).expect("it is registered").to_owned();
    let secret = structure(
        Tag::SecretData,
        vec![
            enumeration(Tag::SecretDataType, SecretDataType::Password),
            key_block(KeyFormatType::Opaque, &canaries.secret, Vec::new()),
        ],
    );
    let secrets = vec![
        enumeration(Tag::ObjectType, ObjectType::SecretData),
        template_attribute(Vec::new()),
        secret,
    ];
    ask(Operation::Register, secrets.clone());
    // A secret that cannot be registered is refused, and not shown either.
    let mut wrong = secrets;
    wrong.push(bytes(Tag::Data, &canaries.secret));
    ask(Operation::Register, wrong);
    ask(Operation::Activate, vec![identifier(&id)]);
    ask(Operation::Get, vec![identifier(&id)]);
    let cbc = structure(
        Tag::CryptographicParameters,
        vec![
            enumeration(Tag::BlockCipherMode, kmip_model::enumeration::BlockCipherMode::Cbc),
            enumeration(Tag::PaddingMethod, kmip_model::enumeration::PaddingMethod::Pkcs5),
            enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        ],
    );
    let encrypt = vec![identifier(&id), cbc.clone(), bytes(Tag::Data, &canaries.plaintext)];
    let encrypted = ask(Operation::Encrypt, encrypt);
    if let Some(payload) = encrypted.at("BatchItem/ResponsePayload") {
        let field = |tag| payload.get(tag).cloned().into_iter();
        let mut decrypt = vec![identifier(&id), cbc];
        decrypt.extend(field(Tag::Data).chain(field(Tag::IvCounterNonce)));
        ask(Operation::Decrypt, decrypt);
    }
    let wrapping = structure(
        Tag::KeyWrappingSpecification,
        vec![
            enumeration(Tag::WrappingMethod, WrappingMethod::Encrypt),
            structure(Tag::EncryptionKeyInformation, vec![identifier(&id)]),
            enumeration(Tag::EncodingOption, EncodingOption::NoEncoding),
        ],
    );
    ask(Operation::Get, vec![identifier(&id), wrapping]);
    // What cannot be read at all.
    ask(Operation::Encrypt, vec![integer(Tag::Data, 1), bytes(Tag::KeyMaterial, &canaries.key)]);
    let odd = request::attribute("x-note", Value::TextString("a note".to_owned()));
    let wrong_mask = enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Rsa);
    ask(Operation::Register, register_aes(&canaries.key, vec![odd, wrong_mask]));
    ask(Operation::GetAttributes, vec![identifier(&id)]);
}

fn read_all(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("it is there");
    let files = entries.map(|entry| entry.expect("it can be read").path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("it can be read")))
        .collect()
}

#[test]
fn known_bytes_are_found_nowhere() {
    let Some(path) = program::path() else {
        println!("skipped: canaries: the program kmip-app is not built; cargo build builds it");
        return;
    };
    let directory = Directory::make();
    let log = directory.path().join("program.log");
    let sink = Sink::open();
    let endpoint = format!("telemetry.endpoint=http://127.0.0.1:{}", sink.port);
    let everything = "telemetry.sample_ratio=1.0";
    let settings = ["--set", "log.level=trace", "--set", &endpoint, "--set", everything];
    let program = Program::serve_logging(&path, &directory, &settings, &log).unwrap();
    let canaries = Canaries::new();
    let target = directory.target(program.address(), "client");
    let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
    use_everything(&mut connection, &canaries);

    // While it runs, with the log of the store beside it, and after it has ended.
    for (place, content) in read_all(&directory.path()) {
        canaries.assert_absent(&place, &content);
    }
    assert!(program.signal("TERM").success());
    for (place, content) in read_all(&directory.path()) {
        canaries.assert_absent(&place, &content);
    }
    let logged = fs::read(&log).unwrap();
    assert!(logged.len() > 1_000, "at the level trace something is said");
    let traces = sink.taken();
    let named = |word: &[u8]| traces.windows(word.len()).any(|window| window == word);
    assert!(named(b"kmip.operation"), "{} bytes of traces were sent", traces.len());
    canaries.assert_absent("the traces", &traces);
}

#[test]
fn a_canary_that_is_there_is_found() {
    let canaries = Canaries::new();
    for (number, form) in canaries.forms().into_iter().enumerate() {
        let hay = [b"before ".as_slice(), &form, b" after"].concat();
        assert_eq!(canaries.found_in(&hay), Some(number));
    }
    assert_eq!(base64(b"Man"), b"TWFu");
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let Some(path) = program::path() else {
        println!("skipped: core dumps: the program kmip-app is not built; cargo build builds it");
        return;
    };
    let directory = Directory::make();
    let log = directory.path().join("program.log");
    let program = Program::serve_logging(&path, &directory, &[], &log).unwrap();
    let target = directory.target(program.address(), "client");
    let mut connection = Connection::open(&target, TlsVersions::Any).unwrap();
    connection.ask(&on(VERSION, Operation::Query, "none"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let mut words = core.split_whitespace().skip(4);
    assert_eq!((words.next(), words.next()), (Some("0"), Some("0")), "{core}");
    let ended = program.signal("ABRT");
    assert_eq!(ended.signal(), Some(6));
    assert!(!ended.core_dumped());
}
