//! What is asked of a server under load, and what must be in its store before: KMIP 2.1 §6.1.

use std::{fs, io, path::Path, thread};

use kmip_model::enumeration::{
    BlockCipherMode, CryptographicAlgorithm, HashingAlgorithm, ObjectType, Operation,
    PaddingMethod, RecommendedCurve, Tag,
};

use crate::{
    Request,
    connection::{Connection, ConnectionError, Target, TlsVersions},
    request::{
        attribute, boolean, bytes, enumeration, enumeration_attribute, identifier, integer, name,
        structure, template_attribute,
    },
    tree::{Item, Value},
};

/// The version of the requests; the tag's length of GCM is there from 1.2 on.
const VERSION: (i32, i32) = (1, 4);

/// How long the data is that is encrypted.
const DATA: usize = 1_024;

/// How long the data is that is signed.
const SIGNED: usize = 64;

/// How many keys are made by one message.
const TOGETHER: usize = 50;

/// How many connections make them.
const MAKERS: usize = 32;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// The bare server: 200 bytes there, 300 back.
    Echo,
    /// Get of one AES key.
    Get,
    /// Get of many AES keys, each in turn.
    GetMany,
    /// Create of an AES key.
    Create,
    /// Encrypt of 1 KiB, AES in mode CBC with padding.
    EncryptCbc,
    /// Encrypt of 1 KiB, AES in mode GCM with a nonce of the server's.
    EncryptGcm,
    /// Sign with RSA of 2048 bits, PKCS#1 v1.5 and SHA-256.
    SignRsa,
    /// Sign with ECDSA on P-256 and SHA-256.
    SignEcdsa,
    /// Locate by Name, each in turn.
    Locate,
    /// A new connection, Query, good-bye.
    Connect,
    /// A new connection to the bare server, one exchange, good-bye.
    BareConnect,
}

impl Workload {
    /// Every workload by its name.
    pub const ALL: [(&'static str, Self); 11] = [
        ("echo", Self::Echo),
        ("get", Self::Get),
        ("get-many", Self::GetMany),
        ("create", Self::Create),
        ("encrypt-cbc", Self::EncryptCbc),
        ("encrypt-gcm", Self::EncryptGcm),
        ("sign-rsa", Self::SignRsa),
        ("sign-ecdsa", Self::SignEcdsa),
        ("locate", Self::Locate),
        ("connect", Self::Connect),
        ("bare-connect", Self::BareConnect),
    ];

    /// Finds one by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, workload)| workload)
    }

    /// Says whether it is a yard-stick, which no server of ours answers.
    pub fn is_bare(self) -> bool {
        matches!(self, Self::Echo | Self::BareConnect)
    }

    /// Says whether each request has a connection of its own.
    pub fn connects(self) -> bool {
        matches!(self, Self::Connect | Self::BareConnect)
    }

    /// Makes what it needs in the store, and returns the requests to be sent in turn. Keys that an
    /// earlier run has noted in the directory are used again.
    pub fn prepare(
        self,
        target: &Target,
        directory: &Path,
        objects: usize,
    ) -> Result<Vec<Vec<u8>>, PrepareError> {
        let one = |operation, payload| vec![Request::one(VERSION, operation, payload).bytes()];
        Ok(match self {
            Self::Echo | Self::BareConnect => Vec::new(),
            Self::Connect => {
                let query = kmip_model::enumeration::QueryFunction::QueryOperations;
                one(Operation::Query, vec![enumeration(Tag::QueryFunction, query)])
            }
            Self::Create => one(Operation::Create, create(&[])),
            Self::Get => one(Operation::Get, vec![identifier(&active_key(target)?)]),
            Self::GetMany => keys(target, directory, objects)?.iter().map(|id| get(id)).collect(),
            Self::Locate => {
                keys(target, directory, objects)?;
                (0..objects).map(|number| locate(&key_name(objects, number))).collect()
            }
            Self::EncryptCbc => vec![encrypt_cbc(&active_key(target)?)],
            Self::EncryptGcm => vec![encrypt_gcm(&active_key(target)?)],
            Self::SignRsa => {
                let id = private_key(target, CryptographicAlgorithm::Rsa)?;
                one(Operation::Sign, sign(&id, Some(PaddingMethod::Pkcs1V15)))
            }
            Self::SignEcdsa => {
                let id = private_key(target, CryptographicAlgorithm::Ecdsa)?;
                one(Operation::Sign, sign(&id, None))
            }
        })
    }
}

/// Why the store cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The server cannot be reached.
    #[error("{0}")]
    Connection(#[from] ConnectionError),
    /// The note of the keys cannot be read or written.
    #[error("could not note the keys: {0}")]
    Note(#[from] io::Error),
    /// A maker of keys has ended early.
    #[error("a connection that makes keys has failed")]
    Maker,
}

/// Makes the request for a key.
pub fn get(id: &str) -> Vec<u8> {
    Request::one(VERSION, Operation::Get, vec![identifier(id)]).bytes()
}

/// Makes the request for an AES key with these names.
pub fn create_request(names: &[String]) -> Vec<u8> {
    Request::one(VERSION, Operation::Create, create(names)).bytes()
}

/// Makes the request that destroys an object.
pub fn destroy(id: &str) -> Vec<u8> {
    Request::one(VERSION, Operation::Destroy, vec![identifier(id)]).bytes()
}

/// Makes the request that searches for a Name.
pub fn locate(value: &str) -> Vec<u8> {
    Request::one(VERSION, Operation::Locate, vec![name(value)]).bytes()
}

fn create(names: &[String]) -> Vec<Item> {
    let mut attributes = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(256)),
        attribute("Cryptographic Usage Mask", Value::Integer(12)),
    ];
    attributes.extend(names.iter().map(|value| name(value)));
    vec![enumeration(Tag::ObjectType, ObjectType::SymmetricKey), template_attribute(attributes)]
}

/// Makes a key that may encrypt.
pub fn active_key(target: &Target) -> Result<String, ConnectionError> {
    let mut connection = Connection::open(target, TlsVersions::Any)?;
    let id = connection.ask(&Request::one(VERSION, Operation::Create, create(&[]))).identifier();
    connection.ask(&Request::one(VERSION, Operation::Activate, vec![identifier(&id)])).payload();
    Ok(id)
}

/// Makes a key pair, and returns the key that may sign.
fn private_key(
    target: &Target,
    algorithm: CryptographicAlgorithm,
) -> Result<String, ConnectionError> {
    let mut common = vec![enumeration_attribute("Cryptographic Algorithm", algorithm)];
    common.push(if algorithm == CryptographicAlgorithm::Rsa {
        attribute("Cryptographic Length", Value::Integer(2048))
    } else {
        let curve = enumeration(Tag::RecommendedCurve, RecommendedCurve::P256);
        attribute("Cryptographic Domain Parameters", Value::Structure(vec![curve]))
    });
    let usage = |tag, mask| {
        structure(tag, vec![attribute("Cryptographic Usage Mask", Value::Integer(mask))])
    };
    let payload = vec![
        structure(Tag::CommonTemplateAttribute, common),
        usage(Tag::PrivateKeyTemplateAttribute, 1),
        usage(Tag::PublicKeyTemplateAttribute, 2),
    ];
    let mut connection = Connection::open(target, TlsVersions::Any)?;
    let made = connection.ask(&Request::one(VERSION, Operation::CreateKeyPair, payload));
    let id = made.payload().text_of(Tag::PrivateKeyUniqueIdentifier).unwrap_or_default().to_owned();
    connection.ask(&Request::one(VERSION, Operation::Activate, vec![identifier(&id)])).payload();
    Ok(id)
}

fn parameters(fields: Vec<Item>) -> Item {
    structure(Tag::CryptographicParameters, fields)
}

/// Makes the request that encrypts in mode CBC.
pub fn encrypt_cbc(id: &str) -> Vec<u8> {
    let how = parameters(vec![
        enumeration(Tag::BlockCipherMode, BlockCipherMode::Cbc),
        enumeration(Tag::PaddingMethod, PaddingMethod::Pkcs5),
    ]);
    let data = bytes(Tag::Data, &[0x5A; DATA]);
    let payload = vec![identifier(id), how, data, bytes(Tag::IvCounterNonce, &[7; 16])];
    Request::one(VERSION, Operation::Encrypt, payload).bytes()
}

/// Makes the request that encrypts in mode GCM.
pub fn encrypt_gcm(id: &str) -> Vec<u8> {
    let how = parameters(vec![
        enumeration(Tag::BlockCipherMode, BlockCipherMode::Gcm),
        boolean(Tag::RandomIv, true),
        integer(Tag::TagLength, 16),
    ]);
    let payload = vec![identifier(id), how, bytes(Tag::Data, &[0x5A; DATA])];
    Request::one(VERSION, Operation::Encrypt, payload).bytes()
}

fn sign(id: &str, padding: Option<PaddingMethod>) -> Vec<Item> {
    let mut fields: Vec<Item> =
        padding.map(|padding| enumeration(Tag::PaddingMethod, padding)).into_iter().collect();
    fields.push(enumeration(Tag::HashingAlgorithm, HashingAlgorithm::Sha256));
    vec![identifier(id), parameters(fields), bytes(Tag::Data, &[0x5A; SIGNED])]
}

fn key_name(objects: usize, number: usize) -> String {
    format!("load-{objects}-{number:08}")
}

/// Returns the identifiers of many keys, which are made unless a note of them is there.
fn keys(target: &Target, directory: &Path, objects: usize) -> Result<Vec<String>, PrepareError> {
    let note = directory.join(format!("load-{objects}.keys"));
    if let Ok(noted) = fs::read_to_string(&note) {
        return Ok(noted.lines().map(str::to_owned).collect());
    }
    let names: Vec<String> = (0..objects).map(|number| key_name(objects, number)).collect();
    let share = objects.div_ceil(MAKERS).max(1);
    let made: Vec<Result<Vec<String>, ConnectionError>> = thread::scope(|scope| {
        let makers: Vec<_> =
            names.chunks(share).map(|names| scope.spawn(|| make(target, names))).collect();
        makers.into_iter().map_while(|maker| maker.join().ok()).collect()
    });
    let made = made.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    if made.len() != objects {
        return Err(PrepareError::Maker);
    }
    fs::write(&note, made.join("\n"))?;
    Ok(made)
}

/// Makes keys and has each of them once: the first Get changes it, since it is not Fresh any more.
fn make(target: &Target, names: &[String]) -> Result<Vec<String>, ConnectionError> {
    let mut connection = Connection::open(target, TlsVersions::Any)?;
    let mut made = Vec::with_capacity(names.len());
    for names in names.chunks(TOGETHER) {
        let payloads = names.iter().map(|name| create(std::slice::from_ref(name))).collect();
        let identifiers = ask_together(&mut connection, Operation::Create, payloads);
        let payloads = identifiers.iter().map(|id| vec![identifier(id)]).collect();
        made.extend(ask_together(&mut connection, Operation::Get, payloads));
    }
    Ok(made)
}

/// Asks for the same with several payloads, in one message; returns the identifiers in the answer.
fn ask_together(
    connection: &mut Connection,
    operation: Operation,
    payloads: Vec<Vec<Item>>,
) -> Vec<String> {
    let count = payloads.len();
    let mut request = Request::new(VERSION);
    for (position, payload) in payloads.into_iter().enumerate() {
        request = if count == 1 {
            request.item(operation, payload)
        } else {
            let id = u32::try_from(position).unwrap_or_default().to_be_bytes();
            request.item_as(&id, operation, payload)
        };
    }
    let answer = connection.ask(&request);
    (0..count).map(|position| answer.identifier_of(position)).collect()
}
