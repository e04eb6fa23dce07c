//! Everything that reads bytes, each with what must hold whatever the bytes are.
//!
//! | Target | Reads |
//! |---|---|
//! | [`request`] | request messages |
//! | [`response`] | response messages, as the client reads them |
//! | [`endpoint`] | messages one after the other, and executes them on in-memory fakes |
//! | [`stored`] | objects at rest |
//! | [`text`] | messages to print |
//! | [`key_formats`] | keys in every form |
//! | [`certificate`] | certificates of objects and of peers |
//! | [`policy`] | files of operation policies |
//! | [`accounts`] | files of accounts and of groups |
//! | [`ini`] | PyKMIP's configuration |
//! | [`slugs`] | what a directory of users answers |
//!
//! A target panics when it finds something. This file is also a module of the test that replays
//! what was found, so it uses nothing of libFuzzer.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a target says what it found")]

// The application itself would be built for fuzzing with all that it is made of.
#[path = "../../../../app/src/pykmip/ini.rs"]
pub mod ini_file;
pub mod seeds;

use std::sync::{Arc, LazyLock};

use ini_file::Ini;
use kmip_accounts::{Accounts, Groups};
use kmip_aws_lc::DerKeyFormats;
use kmip_model::{
    DateTime, ManagedObject, Material,
    enumeration::{Enumeration as _, KeyFormatType, ObjectType},
    object::KeyMaterial,
    policy::Policies,
};
use kmip_operations::{
    Ports, Processor, Settings,
    message::{Outcome, ResponseItem, ResponseMessage},
    ops::Request,
};
use kmip_policy_files::{Fault, parse};
use kmip_ports::{
    certificate::Certificates as _,
    crypto::KeyFormats as _,
    identity::Authenticator as _,
    record::ObjectEncoding as _,
    transport::{MessageHandler as _, Peer},
};
use kmip_slugs::directory::groups_in;
use kmip_testkit::{
    FixedAuthenticator, FixedClock, FixedPolicies, MemoryStore, RememberingObserver,
    TextCertificates, fixture_suite,
};
use kmip_ttlv::{
    Endpoint, Limits, StoredForm, Version,
    endpoint::protocol_versions,
    message::{request, response},
    objects::KeyValueForm,
    reader::MAXIMUM_DEPTH,
    text::tree,
};
use kmip_x509::{CertificateAuthenticator, X509Certificates, principal::ClientUsage};

/// What reads one input.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 11] = [
    ("request", request),
    ("response", response),
    ("endpoint", endpoint),
    ("stored", stored),
    ("text", text),
    ("key_formats", key_formats),
    ("certificate", certificate),
    ("policy", policy),
    ("accounts", accounts),
    ("ini", ini),
    ("slugs", slugs),
];

/// What we write may be longer than what we read: an answer is written for whoever asked.
const ANSWERS: Limits = Limits { length: usize::MAX, depth: MAXIMUM_DEPTH, elements: usize::MAX };

/// How much longer than its limit an answer may be: the header of the message around it.
const HEADER: usize = 1 << 12;

/// Reads a request; what it is read as can be written, and that reads and writes as itself.
pub fn request(bytes: &[u8]) {
    let Ok(incoming) = request::read(bytes, &Limits::default()) else {
        return;
    };
    let version = incoming.version;
    let once = write_requests(version, &payloads(incoming));
    let again = request::read(&once, &ANSWERS)
        .unwrap_or_else(|unreadable| panic!("{unreadable:?} in what was written: {}", tree(&once)));
    assert_eq!(again.version, version);
    let twice = write_requests(version, &payloads(again));
    assert_same(&once, &twice);
}

fn payloads(incoming: request::Incoming) -> Vec<Request> {
    incoming.message.items.into_iter().filter_map(|item| item.payload.ok()).collect()
}

fn write_requests(version: Version, requests: &[Request]) -> Vec<u8> {
    request::write(version, &request::Outgoing::default(), requests)
}

fn assert_same(once: &[u8], twice: &[u8]) {
    assert!(once == twice, "written once:\n{}\nand again:\n{}", tree(once), tree(twice));
}

/// Reads a response; what it is read as can be written, and that reads and writes as itself.
pub fn response(bytes: &[u8]) {
    let Ok(answer) = response::read(bytes, &Limits::default()) else {
        return;
    };
    let once = write_answer(answer);
    let again = response::read(&once, &ANSWERS)
        .unwrap_or_else(|fault| panic!("{fault} in what was written: {}", tree(&once)));
    let twice = write_answer(again);
    assert_same(&once, &twice);
}

fn write_answer(answer: response::Answer) -> Vec<u8> {
    let (major, minor) = answer.version;
    let version = Version::parse(major, minor).expect("no other version is read");
    let items = answer.items.into_iter().filter_map(|item| {
        Some(ResponseItem {
            operation: item.operation,
            unique_batch_item_id: None,
            outcome: Outcome::Success(Box::new(item.payload?)),
        })
    });
    let message = ResponseMessage {
        measured: Vec::new(),
        time_stamp: answer.time_stamp,
        client_correlation_value: None,
        server_correlation_value: None,
        items: items.collect(),
    };
    response::write(version, &message)
}

/// Executes messages one after the other; each has an answer that is a response in its version,
/// and that is not longer than the server allows.
pub fn endpoint(bytes: &[u8]) {
    let settings = Settings {
        protocol_versions: protocol_versions(),
        interop: true,
        maximum_response_size: 1 << 20,
        ..Settings::default()
    };
    let longest = settings.maximum_response_size.saturating_add(HEADER);
    let endpoint = Endpoint::new(Arc::new(Processor::new(world(), settings)), Limits::default());
    let certificates = vec![b"alice".to_vec()];
    let peer = Peer { connection: 1, address: None, certificates };
    for message in messages(bytes) {
        let answer = pollster::block_on(endpoint.handle(&peer, message));
        let read = response::read(&answer, &ANSWERS)
            .unwrap_or_else(|fault| panic!("{fault} in the answer: {}", tree(&answer)));
        let version = match request::read(message, &Limits::default()) {
            Ok(incoming) => incoming.version,
            Err(unreadable) => unreadable.version,
        };
        assert_eq!(read.version, (i32::from(version.0), i32::from(version.1)));
        assert!(!read.items.is_empty() || read_items(message) == Some(0));
        let echoed = message.len().min(longest);
        assert!(
            answer.len() <= longest.saturating_add(echoed),
            "{} bytes to {}",
            answer.len(),
            message.len()
        );
    }
}

fn read_items(message: &[u8]) -> Option<usize> {
    let incoming = request::read(message, &Limits::default()).ok()?;
    Some(incoming.message.items.len())
}

/// Splits the input where the lengths of messages say; what has no such end is the last message.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let end = bytes
            .first_chunk::<8>()
            .and_then(|[.., a, b, c, d]| {
                usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?.checked_add(8)
            })
            .unwrap_or(usize::MAX);
        let (message, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        messages.push(message);
        bytes = rest;
    }
    messages
}

/// A server's world in which some objects are there already.
fn world() -> Ports {
    let store = Arc::new(MemoryStore::default());
    for object in OBJECTS.iter() {
        store.insert(object.clone());
    }
    Ports {
        audit: store.clone(),
        observer: Arc::new(RememberingObserver::default()),
        store,
        clock: Arc::new(FixedClock::new(DateTime(1_000_000))),
        crypto: fixture_suite(7),
        key_values: Arc::new(KeyValueForm),
        certificates: Arc::new(TextCertificates),
        authenticator: Arc::new(FixedAuthenticator::default()),
        policies: Arc::new(FixedPolicies::default()),
    }
}

/// The objects that are there already.
static OBJECTS: LazyLock<Vec<ManagedObject>> = LazyLock::new(|| {
    let objects = seeds::golden().map(|(_, bytes)| StoredForm.decode(&bytes));
    objects.map(|object| object.expect("a golden file is an object at rest")).collect()
});

/// Reads an object at rest; what it is read as can be written, and that reads as itself.
pub fn stored(bytes: &[u8]) {
    let Some(object) = StoredForm.decode(bytes) else {
        return;
    };
    let written = StoredForm.encode(&object);
    let again = StoredForm.decode(written.expose()).expect("what was written can be read");
    assert_eq!(again, object);
    // Both may be blind to the same field; what is written is not.
    assert_same(written.expose(), StoredForm.encode(&again).expose());
}

/// Prints a message; no line of it is empty.
pub fn text(bytes: &[u8]) {
    let text = tree(bytes);
    assert!(!text.is_empty());
    assert!(text.lines().all(|line| !line.trim().is_empty()), "{text}");
}

/// Reads a key, describes it and writes it in another form, which says the same of itself.
///
/// The first byte says what the bytes after the second are, and the second which form is asked
/// for: see [`key_input`]. If it is neither 0 nor 1, an object at rest follows.
pub fn key_formats(bytes: &[u8]) {
    let [kind, form, rest @ ..] = bytes else {
        return;
    };
    let (object_type, material) = match kind {
        0 | 1 => {
            let object_type =
                if *kind == 0 { ObjectType::PrivateKey } else { ObjectType::PublicKey };
            (object_type, KeyMaterial::Bytes(Material::from(rest)))
        }
        _ => {
            let Some(object) = StoredForm.decode(rest) else { return };
            let Some(material) = object.object().and_then(|object| object.key_material()) else {
                return;
            };
            (object.object_type(), material.clone())
        }
    };
    let members = KeyFormatType::MEMBERS;
    let to = members.get(usize::from(*form).checked_rem(members.len()).unwrap_or_default());
    let to = KeyFormatType(to.map_or(0, |member| member.value));
    let described = DerKeyFormats.describe(object_type, &material);
    let Ok(converted) = DerKeyFormats.convert(object_type, &material, to) else {
        return;
    };
    if !matches!(object_type, ObjectType::PrivateKey | ObjectType::PublicKey) {
        return;
    }
    let before = described.expect("what can be written can be described");
    let after = DerKeyFormats
        .describe(object_type, &converted)
        .unwrap_or_else(|error| panic!("{error} of {before:?} written as {to}"));
    // What 1.2 and before call by three names is one form.
    if !to.to_string().starts_with("TransparentEC") {
        assert_eq!(after.format, to);
    }
    assert_eq!(after.length, before.length);
}

/// Makes an input of [`key_formats`]: a private or public key, to be written in the form that
/// stands at this position in the table.
#[must_use]
pub fn key_input(is_private: bool, form: u8, key: &[u8]) -> Vec<u8> {
    [&[u8::from(!is_private), form], key].concat()
}

/// Reads a certificate, as that of an object and as that of a peer.
pub fn certificate(bytes: &[u8]) {
    let facts = X509Certificates.parse(bytes);
    for usage in [ClientUsage::Required, ClientUsage::Ignored] {
        let peer = Peer { connection: 1, address: None, certificates: vec![bytes.to_vec()] };
        let authenticator = CertificateAuthenticator::new(usage);
        let principal = pollster::block_on(authenticator.authenticate(&peer, &[]));
        if let Ok(principal) = principal {
            assert!(!principal.user.is_empty(), "a user without a name");
        }
    }
    if let Ok(facts) = facts {
        assert!(!facts.public_key.is_empty());
        assert!(!facts.serial_number.is_empty());
    }
}

/// What editors of some systems begin a file with.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads a file of policies; it says the same again, also after a byte order mark and before an
/// empty line. What is wrong with it is told with the key where it is wrong.
pub fn policy(bytes: &[u8]) {
    let read = parse::parse(bytes);
    assert_eq!(read, parse::parse(bytes));
    match read {
        Ok(file) => {
            let marked = if bytes.starts_with(MARK) { &[] } else { MARK };
            let framed = [marked, bytes, b"\n"].concat();
            assert_eq!(parse::parse(&framed).as_ref(), Ok(&file));
            assert!(file.reserved.iter().all(|name| Policies::is_reserved(name)));
            assert!(!file.policies.keys().any(|name| Policies::is_reserved(name)));
        }
        Err(fault) => assert_names_its_key(&fault),
    }
}

fn assert_names_its_key(fault: &Fault) {
    let (key, end) = match fault {
        Fault::TooLong | Fault::NotJson(_) => return,
        Fault::WrongType { key, expected } => {
            assert!(!expected.is_empty());
            (key, "")
        }
        Fault::InvalidSection { key, policy, section } => {
            assert!(key.starts_with(&policy.escape_debug().to_string()), "{fault}");
            (key, section.as_str())
        }
        Fault::NoObjectType { key, word } | Fault::NoOperation { key, word } => {
            (key, word.as_str())
        }
        // The word is the value, and the key is that of an operation below an object type.
        Fault::NoPermission { key, .. } => {
            assert!(key.matches('/').count() >= 2, "{fault}");
            (key, "")
        }
    };
    // Keys are escaped.
    assert!(key.ends_with(&end.escape_debug().to_string()), "{fault}");
    assert!(fault.to_string().starts_with(key.as_str()), "{fault}");
}

/// Reads a file of accounts and one of groups; each says the same again, and no account is nobody's.
pub fn accounts(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let read = Accounts::parse(text);
    assert_eq!(read, Accounts::parse(text));
    if let Ok(accounts) = read {
        assert!(accounts.usable("").is_none() && accounts.usable(" ").is_none());
    }
    let read = Groups::parse(text);
    assert_eq!(read, Groups::parse(text));
}

/// Reads a configuration of PyKMIP's and every value in it: each is there or is refused, and is not
/// much longer than the file and the limit.
pub fn ini(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let read = Ini::parse(text);
    assert_eq!(read, Ini::parse(text));
    let Ok(ini) = read else {
        return;
    };
    let longest = text.len().saturating_mul(INI_DEPTH).saturating_add(INI_LONGEST);
    for section in ini.sections() {
        for key in ini.keys(section) {
            match ini.value(section, key) {
                Ok(value) => {
                    let value = value.expect("a key that is listed is there");
                    assert!(value.len() <= longest, "{} bytes", value.len());
                }
                Err(error) => {
                    let told = error.to_string();
                    assert!(told.contains(section) && told.contains(key), "{told}");
                }
            }
        }
    }
}

/// How long a value may become by references, and how deep they may go.
const INI_LONGEST: usize = 65_536;
const INI_DEPTH: usize = 10;

/// Reads what a directory answers; a good answer is JSON with as many names as it has groups.
pub fn slugs(bytes: &[u8]) {
    let read = groups_in(bytes);
    assert_eq!(read, groups_in(bytes));
    if let Ok(groups) = read {
        // Each name stands between two of them, and so does the word before the list.
        let between_quotes = bytes.split(|byte| *byte == b'"').count();
        let names = groups.len().saturating_add(1);
        assert!(between_quotes > names.saturating_mul(2), "{groups:?}");
    }
}
