//! Inputs to begin with: what is in order, from which disorder is made.

use kmip_aws_lc::DerKeyFormats;
use kmip_model::{
    ManagedObject, Material, UniqueIdentifier,
    attribute::AttributeSet,
    enumeration::{Enumeration as _, KeyFormatType, ObjectType},
    object::{KeyBlock, KeyMaterial, Object},
};
use kmip_ports::{crypto::KeyFormats as _, record::ObjectEncoding as _};
use kmip_ttlv::StoredForm;

/// Messages and certificates: a name and hexadecimal in each line.
const REQUESTS: &str = include_str!("../../seeds/requests.txt");
const RESPONSES: &str = include_str!("../../seeds/responses.txt");
const CERTIFICATES: &str = include_str!("../../seeds/certificates.txt");

/// Files that operators write, and answers of directories: a name and text in each line, in which
/// `\n` is the end of a line.
const POLICIES: &str = include_str!("../../seeds/policies.txt");
const ACCOUNTS: &str = include_str!("../../seeds/accounts.txt");
const CONFIGURATIONS: &str = include_str!("../../seeds/configurations.txt");
const DIRECTORIES: &str = include_str!("../../seeds/directories.txt");

/// Keys made by OpenSSL: a name, something about it and hexadecimal in each line.
const KEYS: [&str; 2] = [
    include_str!("../../../../adapters/aws-lc/tests/vectors/keys.txt"),
    include_str!("../../../../adapters/aws-lc/tests/vectors/curves.txt"),
];

/// The objects whose form at rest the codec's own tests hold fast: hexadecimal.
const GOLDEN: [(&str, &str); 8] = [
    (
        "certificate",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-certificate.hex"),
    ),
    (
        "destroyed-compromised",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-destroyed-compromised.hex"),
    ),
    ("destroyed", include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-destroyed.hex")),
    (
        "opaque-object",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-opaque-object.hex"),
    ),
    (
        "symmetric-key",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-symmetric-key.hex"),
    ),
    ("template", include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-template.hex")),
    (
        "transparent-public-key",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-transparent-public-key.hex"),
    ),
    (
        "wrapped-private-key",
        include_str!("../../../../adapters/ttlv/tests/golden/stored-v1-wrapped-private-key.hex"),
    ),
];

/// How many requests are executed one after the other.
const ROW: usize = 8;

/// An input and its name.
pub type Seed = (String, Vec<u8>);

/// Lists the inputs of a target; none if there is no such target.
#[must_use]
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "request" => lines(REQUESTS).collect(),
        "endpoint" => lines(REQUESTS).chain(rows()).collect(),
        "response" => lines(RESPONSES).collect(),
        "text" => lines(REQUESTS).chain(lines(RESPONSES)).collect(),
        "certificate" => lines(CERTIFICATES).collect(),
        "stored" => golden().collect(),
        "key_formats" => keys(),
        "policy" => texts(POLICIES).collect(),
        "accounts" => texts(ACCOUNTS).collect(),
        "ini" => texts(CONFIGURATIONS).collect(),
        "slugs" => texts(DIRECTORIES).collect(),
        _ => Vec::new(),
    }
}

/// Lists the objects whose form at rest the codec's own tests hold fast.
pub(super) fn golden() -> impl Iterator<Item = Seed> {
    GOLDEN.into_iter().map(|(name, text)| {
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
        (name.to_owned(), from_hex(&lines.collect::<String>()))
    })
}

/// Joins requests that stand together: what one changes, the next ones find.
fn rows() -> impl Iterator<Item = Seed> {
    let requests: Vec<Seed> = lines(REQUESTS).collect();
    let rows: Vec<Seed> = requests
        .chunks(ROW)
        .enumerate()
        .map(|(number, row)| {
            (format!("row-{number}"), row.iter().flat_map(|(_, bytes)| bytes).copied().collect())
        })
        .collect();
    rows.into_iter()
}

fn lines(text: &str) -> impl Iterator<Item = Seed> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, hexadecimal) = line.split_once(' ')?;
        Some((name.to_owned(), from_hex(hexadecimal)))
    })
}

fn texts(text: &str) -> impl Iterator<Item = Seed> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, text) = line.split_once(' ')?;
        Some((name.to_owned(), text.replace("\\n", "\n").into_bytes()))
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("the file is hexadecimal")
}

/// Lists every key in every form that it has, to be read as it is and from the transparent forms.
fn keys() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for line in KEYS.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        for (position, word) in words.iter().enumerate().skip(2) {
            let name = format!("{}-{position}", words.iter().take(2).copied().collect::<String>());
            let Ok(key) = hex::decode(word) else { continue };
            for object_type in [ObjectType::PrivateKey, ObjectType::PublicKey] {
                forms(&name, object_type, &key, &mut seeds);
            }
        }
    }
    seeds
}

fn forms(name: &str, object_type: ObjectType, key: &[u8], seeds: &mut Vec<Seed>) {
    let is_private = object_type == ObjectType::PrivateKey;
    let name = format!("{name}-{object_type}");
    seeds.push((name.clone(), super::key_input(is_private, 0, key)));
    let material = KeyMaterial::Bytes(Material::from(key));
    for (form, member) in (0..=u8::MAX).zip(KeyFormatType::MEMBERS) {
        let to = KeyFormatType(member.value);
        let Ok(converted) = DerKeyFormats.convert(object_type, &material, to) else { continue };
        seeds.push((format!("{name}-to-{to}"), super::key_input(is_private, form, key)));
        if converted.as_bytes().is_none() {
            let stored = StoredForm.encode(&transparent(object_type, to, converted));
            // The form that is asked for is another one: PKCS#1, PKCS#8, X.509, EC Private Key.
            for form in 2..6 {
                let input = [&[2, form], stored.expose()].concat();
                seeds.push((format!("{name}-from-{to}-{form}"), input));
            }
        }
    }
}

fn transparent(
    object_type: ObjectType,
    key_format_type: KeyFormatType,
    key_material: KeyMaterial,
) -> ManagedObject {
    let key_block = KeyBlock::plain(key_format_type, key_material);
    let object = match object_type {
        ObjectType::PrivateKey => Object::PrivateKey(key_block),
        _ => Object::PublicKey(key_block),
    };
    let identifier = UniqueIdentifier::new("k");
    ManagedObject::new(identifier, "alice", object, AttributeSet::default())
}
