//! Compares the model's tables with a registry of the specification (KMIP 1.0 to 2.1).
//!
//! The registry is three JSON files, `enums.json`, `tags.json` and `attributes.json`, made from
//! the specification's own tables. It is not part of this repository: it is looked for in
//! `../shared/kmip/registry`, or where `KMIP_REGISTRY` says. Without it the tests say so and pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use kmip_model::{
    attribute::{Occasion, Rules, Setter},
    enumeration::{self as e, Enumeration, Member, Operation, Tag},
};
use serde_json::Value;

type Version = (u8, u8);

const LATEST: Version = (2, 1);
const VERSIONS: [&str; 7] = ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1"];

/// Pairs the registry's name of an enumeration with the model's members.
macro_rules! enumerations {
    ($($registry:literal => $name:ident,)*) => {
        &[$(($registry, <e::$name as Enumeration>::MEMBERS),)*]
    };
}

const ENUMERATIONS: &[(&str, &[Member])] = enumerations! {
    "Adjustment Type" => AdjustmentType,
    "Alternative Name Type" => AlternativeNameType,
    "Asynchronous Indicator" => AsynchronousIndicator,
    "Attestation Type" => AttestationType,
    "Batch Error Continuation Option" => BatchErrorContinuationOption,
    "Block Cipher Mode" => BlockCipherMode,
    "Cancellation Result" => CancellationResult,
    "Certificate Request Type" => CertificateRequestType,
    "Certificate Type" => CertificateType,
    "Client Registration Method" => ClientRegistrationMethod,
    "Credential Type" => CredentialType,
    "Cryptographic Algorithm" => CryptographicAlgorithm,
    "DRBG Algorithm" => DrbgAlgorithm,
    "Data" => DataEnumeration,
    "Derivation Method" => DerivationMethod,
    "Destroy Action" => DestroyAction,
    "Digital Signature Algorithm" => DigitalSignatureAlgorithm,
    "Encoding Option" => EncodingOption,
    "Endpoint Role" => EndpointRole,
    "FIPS186 Variation" => Fips186Variation,
    "Hashing Algorithm" => HashingAlgorithm,
    "Interop Function" => InteropFunction,
    "Item Type" => ItemType,
    "Key Compression Type" => KeyCompressionType,
    "Key Format Type" => KeyFormatType,
    "Key Role Type" => KeyRoleType,
    "Key Value Location Type" => KeyValueLocationType,
    "Key Wrap Type" => KeyWrapType,
    "Link Type" => LinkType,
    "Mask Generator" => MaskGenerator,
    "NIST Key Type" => NistKeyType,
    "Name Type" => NameType,
    "Object Group Member" => ObjectGroupMember,
    "Object Type" => ObjectType,
    "Opaque Data Type" => OpaqueDataType,
    "Operation" => Operation,
    "Padding Method" => PaddingMethod,
    "Processing Stage" => ProcessingStage,
    "Profile Name" => ProfileName,
    "Protection Level" => ProtectionLevel,
    "Put Function" => PutFunction,
    "Query Function" => QueryFunction,
    "RNG Algorithm" => RngAlgorithm,
    "RNG Mode" => RngMode,
    "Recommended Curve" => RecommendedCurve,
    "Result Reason" => ResultReason,
    "Result Status" => ResultStatus,
    "Revocation Reason Code" => RevocationReasonCode,
    "Rotate Name Type" => RotateNameType,
    "Secret Data Type" => SecretDataType,
    "Shredding Algorithm" => ShreddingAlgorithm,
    "Split Key Method" => SplitKeyMethod,
    "State" => State,
    "Ticket Type" => TicketType,
    "Unique Identifier" => UniqueIdentifierEnumeration,
    "Unwrap Mode" => UnwrapMode,
    "Usage Limits Unit" => UsageLimitsUnit,
    "Validation Authority Type" => ValidationAuthorityType,
    "Validation Type" => ValidationType,
    "Validity Indicator" => ValidityIndicator,
    "Wrapping Method" => WrappingMethod,
};

const MASKS: &[(&str, &[Member])] = &[
    ("Cryptographic Usage Mask", e::CryptographicUsageMask::MEMBERS),
    ("Storage Status Mask", e::StorageStatusMask::MEMBERS),
    ("Protection Storage Mask", e::ProtectionStorageMask::MEMBERS),
];

/// Enumerations that the model leaves to the operation they belong to.
const NOT_MODELLED: &[&str] = &["PKCS#11 Function", "PKCS#11 Return Code"];

/// Attributes of the registry that are not rows of the table: custom attributes are values of
/// vendors, and the one group stands for the certificate attributes, checked one by one.
const NOT_ROWS: &[&str] = &["Custom Attribute", "Certificate Attributes"];

#[test]
fn every_enumeration_has_the_members_of_the_registry() {
    let Some(registry) = Registry::load("enums.json") else {
        return;
    };
    let mut faults = compare_all(registry.at("enums"), ENUMERATIONS);
    for (name, enumeration) in registry.object("enums") {
        let known = ENUMERATIONS.iter().any(|(known, _)| known == name);
        let newer = version(text(enumeration, "first_version")).is_none();
        if !known && !newer && !NOT_MODELLED.contains(&name.as_str()) {
            faults.push(format!("{name}: the model does not have this enumeration"));
        }
    }
    report(&faults);
}

#[test]
fn every_mask_has_the_bits_of_the_registry() {
    let Some(registry) = Registry::load("enums.json") else {
        return;
    };
    report(&compare_all(registry.at("masks"), MASKS));
}

#[test]
fn every_tag_has_the_value_and_name_of_the_registry() {
    let Some(registry) = Registry::load("tags.json") else {
        return;
    };
    let expected = members(list(registry.at("tags")));
    report(&compare("Tag", &expected, <Tag as Enumeration>::MEMBERS));
}

#[test]
fn every_attribute_of_the_registry_is_a_row() {
    let Some(registry) = Registry::load("attributes.json") else {
        return;
    };
    let expected: BTreeSet<&str> = registry
        .object("attributes")
        .filter(|(_, attribute)| span(attribute).is_some())
        .map(|(name, _)| name.as_str())
        .filter(|name| !NOT_ROWS.contains(name))
        .collect();
    let mut faults = Vec::new();
    for name in &expected {
        if Rules::named(name).is_none() {
            faults.push(format!("{name}: no row"));
        }
    }
    for rules in Rules::all() {
        if !expected.contains(rules.name) && !is_certificate_attribute(rules) {
            faults.push(format!("{}: a row that the registry does not have", rules.name));
        }
    }
    report(&faults);
}

#[test]
fn every_row_says_what_the_registry_says() {
    let Some(registry) = Registry::load("attributes.json") else {
        return;
    };
    let mut faults = Vec::new();
    for rules in Rules::all() {
        let name =
            if is_certificate_attribute(rules) { "Certificate Attributes" } else { rules.name };
        let Some(attribute) = registry.at("attributes").get(name) else {
            continue;
        };
        let Some((since, until, latest)) = span(attribute) else {
            continue;
        };
        let mut expect = |what: &str, expected: String, found: String| {
            if expected != found {
                faults.push(format!("{}: {what} is {found}, expected {expected}", rules.name));
            }
        };
        if name == rules.name {
            expect("tag", text(attribute, "tag").into(), format!("0x{:06X}", rules.tag.value()));
        }
        let since = if is_certificate_attribute(rules) { (1, 4) } else { since };
        expect("since", format!("{since:?}"), format!("{:?}", rules.since));
        expect("until", format!("{until:?}"), format!("{:?}", rules.until));
        expect(
            "always has a value",
            yes(text(latest, "always_has_value")).to_string(),
            rules.always_has_value.to_string(),
        );
        expect(
            "several instances",
            yes(text(latest, "multiple_instances")).to_string(),
            rules.multiple_instances.to_string(),
        );
        let setter = setter(text(latest, "initially_set_by"));
        expect("initially set by", format!("{setter:?}"), format!("{:?}", rules.initially_set_by));
        let modifiable = occasion(text(latest, "modifiable_by_client"));
        expect(
            "modifiable",
            format!("{modifiable:?}"),
            format!("{:?}", rules.modifiable_by_client),
        );
        let deletable = occasion(text(latest, "deletable_by_client"));
        expect("deletable", format!("{deletable:?}"), format!("{:?}", rules.deletable_by_client));
        expect("applies to", applies(text(latest, "applies_to")), applies_in_model(rules));
        expect(
            "implicitly set by",
            format!("{:?}", operations(text(latest, "when_implicitly_set"))),
            format!(
                "{:?}",
                rules.implicitly_set_by.iter().map(ToString::to_string).collect::<BTreeSet<_>>()
            ),
        );
    }
    report(&faults);
}

/// One file of the registry.
struct Registry(Value);

impl Registry {
    fn load(file: &str) -> Option<Self> {
        let directory = env::var_os("KMIP_REGISTRY").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/kmip/registry"),
            PathBuf::from,
        );
        let path = directory.join(file);
        let Ok(content) = fs::read_to_string(&path) else {
            println!("skipped: no registry at {}", path.display());
            return None;
        };
        Some(Self(serde_json::from_str(&content).expect("the registry is JSON")))
    }

    fn at(&self, key: &str) -> &Value {
        self.0.get(key).expect("the registry has this part")
    }

    fn object(&self, key: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.at(key).as_object().expect("the part is an object").iter()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reads `1.4`; what is newer than the model is none.
fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    let version = (major.parse().ok()?, minor.parse().ok()?);
    (version <= LATEST).then_some(version)
}

fn next_version(after: &str) -> Option<Version> {
    let position = VERSIONS.iter().position(|version| *version == after)?;
    VERSIONS.get(position.saturating_add(1)).and_then(|text| version(text))
}

type Members = BTreeMap<u32, (String, Version, Option<Version>)>;

fn members(list: &[Value]) -> Members {
    list.iter()
        .filter(|member| member.get("reserved").is_none())
        .filter_map(|member| {
            let since = version(text(member, "first_version"))?;
            let digits = text(member, "value").trim_start_matches("0x");
            let value = u32::from_str_radix(digits, 16).expect("a value is hexadecimal");
            let until = version(text(member, "removed_in"));
            Some((value, (text(member, "xml_name").to_owned(), since, until)))
        })
        .collect()
}

fn compare_all(part: &Value, tables: &[(&str, &[Member])]) -> Vec<String> {
    tables
        .iter()
        .flat_map(|(name, found)| match part.get(*name) {
            Some(entry) => {
                let expected = entry.get("members").map(list).map(members).unwrap_or_default();
                compare(name, &expected, found)
            }
            None => vec![format!("{name}: the registry does not have this one")],
        })
        .collect()
}

fn compare(name: &str, expected: &Members, found: &[Member]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut left = expected.clone();
    for member in found {
        let this = (member.name.to_owned(), member.since, member.until);
        match left.remove(&member.value) {
            Some(that) if that == this => {}
            Some(that) => {
                faults.push(format!("{name} 0x{:X}: {this:?}, expected {that:?}", member.value));
            }
            None => faults.push(format!("{name} 0x{:X}: {this:?} is extra or twice", member.value)),
        }
    }
    faults.extend(left.iter().map(|(value, that)| format!("{name} 0x{value:X}: no {that:?}")));
    faults
}

/// Returns first version, the version that removed it, and the rules of the last version.
fn span(attribute: &Value) -> Option<(Version, Option<Version>, &Value)> {
    let versions = attribute.get("versions")?;
    let has = |version: &&&str| versions.get(**version).is_some();
    let first = VERSIONS.iter().find(has)?;
    let last = VERSIONS.iter().rfind(has)?;
    Some((version(first)?, next_version(last), versions.get(*last)?))
}

/// The fields of Certificate Attributes share one table of rules. The tables have them since 2.0, but
/// their tags are of 1.4, and official cases of 1.4 use them.
fn is_certificate_attribute(rules: &Rules) -> bool {
    rules.since == (1, 4)
        && (rules.name.starts_with("Certificate Subject ")
            || rules.name.starts_with("Certificate Issuer "))
}

fn yes(text: &str) -> bool {
    text.starts_with("Yes")
}

fn setter(text: &str) -> Setter {
    match (text.contains("Server"), text.contains("Client")) {
        (true, true) => Setter::Both,
        (true, false) => Setter::Server,
        (false, _) => Setter::Client,
    }
}

fn occasion(text: &str) -> Occasion {
    if !yes(text) {
        Occasion::Never
    } else if text.contains("Get Usage Allocation") {
        Occasion::UntilAllocated
    } else if text.contains("Pre-Active or Active") {
        Occasion::UntilReached
    } else if text.contains("Pre-Active") {
        Occasion::WhilePreActive
    } else {
        Occasion::Always
    }
}

fn applies(text: &str) -> String {
    let mut kinds: Vec<String> = text
        .split(',')
        .map(|kind| kind.trim().trim_start_matches("X.509 ").trim_end_matches('s').to_lowercase())
        .collect();
    kinds.sort();
    kinds.join(", ")
}

fn applies_in_model(rules: &Rules) -> String {
    let types = rules.applies_to.object_types();
    if types.is_empty() {
        return applies("All Objects");
    }
    let mut kinds: Vec<String> = types
        .iter()
        // Template objects are of 1.x; the rules compared are the latest.
        .filter(|object_type| **object_type != e::ObjectType::Template)
        .map(|object_type| spaced(&object_type.to_string()).to_lowercase())
        .collect();
    kinds.sort();
    kinds.join(", ")
}

/// Writes `PGPKey` as `PGP Key`.
fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    let mut after_lower = false;
    let mut rest = name.chars().peekable();
    while let Some(letter) = rest.next() {
        let before_lower = rest.peek().is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && !spaced.is_empty() && (after_lower || before_lower) {
            spaced.push(' ');
        }
        after_lower = letter.is_ascii_lowercase();
        spaced.push(letter);
    }
    spaced
}

/// Finds the operations that a sentence names, in the spelling of the text encodings.
fn operations(text: &str) -> BTreeSet<String> {
    let mut names: Vec<(String, &str)> = <Operation as Enumeration>::MEMBERS
        .iter()
        .map(|member| (spaced(member.name).to_lowercase(), member.name))
        .collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut text = format!(" {} ", text.replace('-', " ").replace(',', " , ")).to_lowercase();
    let mut found = BTreeSet::new();
    for (spelt, name) in names {
        let word = format!(" {spelt} ");
        while let Some(position) = text.find(&word) {
            text.replace_range(position..position.saturating_add(word.len()), " , ");
            found.insert(name.to_owned());
        }
    }
    found
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} mismatches:\n{}", faults.len(), faults.join("\n"));
}
