//! What one policy file says: JSON, in the two forms that PyKMIP reads.
//!
//! A file is an object of policies by name. A policy is either `{"preset": RULES, "groups":
//! {GROUP: RULES}}`, both parts optional, or RULES alone, which is an older way to write a preset.
//! RULES are `{OBJECT_TYPE: {OPERATION: PERMISSION}}`.

use std::collections::BTreeMap;

use kmip_model::policy::{Policies, Policy, PolicyRules};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::names;

/// More than any policy file needs, less than what would hurt.
pub const MAXIMUM_BYTES: u64 = 4 * 1024 * 1024;

/// What a good file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// Policies with reserved names, which were thrown out.
    pub reserved: Vec<String>,
}

/// Why a file has no effect. Keys are named from the outside in, joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It has more bytes than are read.
    #[error("the file has more than {MAXIMUM_BYTES} bytes")]
    TooLong,
    /// It is no JSON.
    #[error("the file is no JSON: {0}")]
    NotJson(String),
    /// Something is of the wrong JSON type.
    #[error("{key}: there must be {expected}")]
    WrongType {
        /// Where.
        key: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A policy has a section that is neither `preset` nor `groups`, or mixes the two forms.
    #[error("{key}: policy {policy:?} has an invalid section {section:?}")]
    InvalidSection {
        /// Where.
        key: String,
        /// The policy.
        policy: String,
        /// The section.
        section: String,
    },
    /// A word is no object type.
    #[error("{key}: {word:?} is no object type")]
    NoObjectType {
        /// Where.
        key: String,
        /// The word.
        word: String,
    },
    /// A word is no operation.
    #[error("{key}: {word:?} is no operation")]
    NoOperation {
        /// Where.
        key: String,
        /// The word.
        word: String,
    },
    /// A word is no permission.
    #[error("{key}: {word:?} is no permission; those are ALLOW_ALL, ALLOW_OWNER, DISALLOW_ALL")]
    NoPermission {
        /// Where.
        key: String,
        /// The word.
        word: String,
    },
}

/// Reads a policy file. It never panics, whatever the bytes are.
///
/// # Errors
/// The first fault; a file counts whole or not at all.
pub fn parse(bytes: &[u8]) -> Result<PolicyFile, Fault> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAXIMUM_BYTES {
        return Err(Fault::TooLong);
    }
    // Editors of some systems begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Fault::NotJson(error.to_string()))?;
    let mut file = PolicyFile::default();
    for (name, body) in object(&value, &Key::Root, "an object of policies")? {
        let key = Key::Below(&Key::Root, name);
        let body = object(body, &key, "an object of sections or of object types")?;
        let policy = policy(body, name, &key)?;
        // PyKMIP skips what says nothing, so that it also takes nothing from an earlier file.
        if body.is_empty() {
            continue;
        }
        if Policies::is_reserved(name) {
            file.reserved.push(name.clone());
        } else {
            file.policies.insert(name.clone(), policy);
        }
    }
    Ok(file)
}

/// Where in a file something is; made into text only if there is something to report.
enum Key<'a> {
    Root,
    Below(&'a Key<'a>, &'a str),
}

impl Key<'_> {
    /// Writes the way to it; whoever wrote the file chose the names, so what a terminal would obey is
    /// escaped.
    fn text(&self) -> String {
        match self {
            Self::Root => "the file".to_owned(),
            Self::Below(Self::Root, name) => name.escape_debug().to_string(),
            Self::Below(above, name) => format!("{}/{}", above.text(), name.escape_debug()),
        }
    }
}

fn object<'a>(
    value: &'a Value,
    key: &Key<'_>,
    expected: &'static str,
) -> Result<&'a Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| Fault::WrongType { key: key.text(), expected })
}

fn policy(body: &Map<String, Value>, name: &str, key: &Key<'_>) -> Result<Policy, Fault> {
    let is_flat = body.keys().all(|section| names::object_type(section).is_some());
    if is_flat {
        return Ok(Policy { preset: Some(rules(body, key)?), ..Policy::default() });
    }
    let mut policy = Policy::default();
    for (section, value) in body {
        let key = Key::Below(key, section);
        match section.as_str() {
            "preset" => {
                let types = object(value, &key, OBJECT_TYPES)?;
                policy.preset = Some(rules(types, &key)?).filter(|_| !types.is_empty());
            }
            "groups" => {
                for (group, value) in object(value, &key, "an object of groups")? {
                    let key = Key::Below(&key, group);
                    let rules = rules(object(value, &key, OBJECT_TYPES)?, &key)?;
                    policy.groups.insert(group.clone(), rules);
                }
            }
            _ => {
                return Err(Fault::InvalidSection {
                    key: key.text(),
                    policy: name.to_owned(),
                    section: section.clone(),
                });
            }
        }
    }
    Ok(policy)
}

const OBJECT_TYPES: &str = "an object of object types";

fn rules(types: &Map<String, Value>, key: &Key<'_>) -> Result<PolicyRules, Fault> {
    let mut rules = PolicyRules::default();
    for (word, operations) in types {
        let key = Key::Below(key, word);
        let object_type = names::object_type(word)
            .ok_or_else(|| Fault::NoObjectType { key: key.text(), word: word.clone() })?;
        for (word, permission) in object(operations, &key, "an object of operations")? {
            let key = Key::Below(&key, word);
            let operation = names::operation(word)
                .ok_or_else(|| Fault::NoOperation { key: key.text(), word: word.clone() })?;
            let word = permission.as_str().ok_or_else(|| Fault::WrongType {
                key: key.text(),
                expected: "a permission, as text",
            })?;
            let permission = names::permission(word)
                .ok_or_else(|| Fault::NoPermission { key: key.text(), word: word.to_owned() })?;
            rules = rules.with(object_type, &[operation], permission);
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        enumeration::{ObjectType, Operation},
        policy::Permission,
    };

    use super::*;

    fn good(text: &str) -> PolicyFile {
        parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    fn get_of_symmetric_keys(permission: Permission) -> PolicyRules {
        PolicyRules::default().with(ObjectType::SymmetricKey, &[Operation::Get], permission)
    }

    #[test]
    fn both_forms_are_read() {
        let preset = Some(get_of_symmetric_keys(Permission::AllowOwner));
        let groups = BTreeMap::from([("A".into(), get_of_symmetric_keys(Permission::AllowAll))]);
        for (body, expected) in [
            (
                r#"{"SYMMETRIC_KEY": {"GET": "ALLOW_OWNER"}}"#,
                Policy { preset: preset.clone(), groups: BTreeMap::new() },
            ),
            (
                r#"{"preset": {"SYMMETRIC_KEY": {"GET": "ALLOW_OWNER"}}}"#,
                Policy { preset: preset.clone(), groups: BTreeMap::new() },
            ),
            (
                r#"{"groups": {"A": {"SYMMETRIC_KEY": {"GET": "ALLOW_ALL"}}}}"#,
                Policy { preset: None, groups: groups.clone() },
            ),
            (
                r#"{"preset": {"SYMMETRIC_KEY": {"GET": "ALLOW_OWNER"}},
                    "groups": {"A": {"SYMMETRIC_KEY": {"GET": "ALLOW_ALL"}}}}"#,
                Policy { preset, groups },
            ),
            (r#"{"preset": {}, "groups": {}}"#, Policy::default()),
        ] {
            let file = good(&format!(r#"{{"p": {body}}}"#));
            assert_eq!(file.policies, BTreeMap::from([("p".to_owned(), expected)]), "{body}");
        }
    }

    #[test]
    fn what_is_not_mentioned_is_denied() {
        let file = good(r#"{"p": {"SYMMETRIC_KEY": {"GET": "ALLOW_ALL"}}}"#);
        let preset = file.policies.get("p").and_then(|policy| policy.preset.as_ref()).unwrap();
        let ask = |object_type, operation| preset.permission(object_type, operation);
        assert_eq!(ask(ObjectType::SymmetricKey, Operation::Get), Permission::AllowAll);
        assert_eq!(ask(ObjectType::SymmetricKey, Operation::Destroy), Permission::DisallowAll);
        assert_eq!(ask(ObjectType::PrivateKey, Operation::Get), Permission::DisallowAll);
    }

    #[test]
    fn an_empty_file_and_an_empty_policy_say_nothing() {
        assert_eq!(good("{}"), PolicyFile::default());
        assert_eq!(good(r#"{"p": {}}"#), PolicyFile::default());
        assert_eq!(good("\u{FEFF}{}"), PolicyFile::default());
    }

    #[test]
    fn reserved_names_are_thrown_out_and_the_rest_stays() {
        let rules = r#"{"SYMMETRIC_KEY": {"GET": "ALLOW_ALL"}}"#;
        let file = good(&format!(r#"{{"default": {rules}, "p": {rules}, "public": {rules}}}"#));
        assert_eq!(file.reserved, ["default", "public"]);
        assert_eq!(file.policies.keys().collect::<Vec<_>>(), ["p"]);
    }

    #[test]
    fn every_fault_names_its_key() {
        for (text, key) in [
            ("[]", "the file: there must be an object of policies"),
            ("null", "the file: there must be"),
            (r#"{"p": []}"#, "p: there must be"),
            (r#"{"p": "x"}"#, "p: there must be"),
            (r#"{"p": {"preset": []}}"#, "p/preset: there must be"),
            (r#"{"p": {"preset": null}}"#, "p/preset: there must be"),
            (r#"{"p": {"groups": "A"}}"#, "p/groups: there must be"),
            (r#"{"p": {"groups": {"A": 1}}}"#, "p/groups/A: there must be"),
            (r#"{"p": {"SYMMETRIC_KEY": "GET"}}"#, "p/SYMMETRIC_KEY: there must be"),
            (r#"{"p": {"SYMMETRIC_KEY": {"GET": true}}}"#, "p/SYMMETRIC_KEY/GET: there must be"),
            (r#"{"p": {"SYMMETRIC_KEY": {"get": "ALLOW_ALL"}}}"#, "p/SYMMETRIC_KEY/get: \"get\""),
            (r#"{"p": {"SYMMETRIC_KEY": {"GET": "ALLOW"}}}"#, "p/SYMMETRIC_KEY/GET: \"ALLOW\""),
            (r#"{"p": {"preset": {"KEY": {}}}}"#, "p/preset/KEY: \"KEY\""),
            (r#"{"p": {"KEY": {}}}"#, "p/KEY: policy \"p\" has an invalid section \"KEY\""),
            (r#"{"p": {"SYMMETRIC_KEY": {}, "preset": {}}}"#, "p/SYMMETRIC_KEY: policy \"p\" has"),
            (r#"{"p": {"preset": {}, "group": {}}}"#, "p/group: policy \"p\" has"),
            (r#"{"default": {"x": {}}}"#, "default/x: policy \"default\" has"),
            ("{\"a\\u001b[31m\\nb\": {\"c\\u0007\": {}}}", r"a\u{1b}[31m\nb/c\u{7}: policy"),
            (r#"{"p": "#, "the file is no JSON: EOF"),
            ("", "the file is no JSON"),
        ] {
            let fault = parse(text.as_bytes()).expect_err(text).to_string();
            assert!(fault.starts_with(key), "{text}: {fault}");
        }
    }

    #[test]
    fn junk_is_refused_without_a_panic() {
        let deep = [b"{\"p\":".repeat(100_000), b"[".repeat(100_000)].concat();
        for bytes in [&b"\xFF"[..], b"\xEF\xBB\xBF", b"{\"\xFF\": {}}", b"{} {}", &deep] {
            assert!(matches!(parse(bytes), Err(Fault::NotJson(_))));
        }
        let long = vec![b' '; usize::try_from(MAXIMUM_BYTES).unwrap() + 1];
        assert_eq!(parse(&long), Err(Fault::TooLong));
    }
}
