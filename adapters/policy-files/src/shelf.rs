//! What all policy files say together, and what stays when one of them is bad.

use std::{collections::BTreeMap, io};

use kmip_model::policy::{Policies, Policy, WithoutSection};

use crate::parse::{self, Fault};

/// The content of each file, by the name of the file; unreadable ones with their reason.
pub type Contents = BTreeMap<String, io::Result<Vec<u8>>>;

/// Something that the operator is told about a file.
#[derive(Debug)]
pub enum Remark {
    /// It was read; these are its policies.
    Loaded(Vec<String>),
    /// It is gone, and with it what it said.
    Gone,
    /// It cannot be read; what it said before stays.
    Unreadable(io::Error),
    /// It is bad; what it said before stays.
    Bad(Fault),
    /// One of its policies has a reserved name and was thrown out.
    Reserved(String),
}

/// The files as they were last seen, with what counts of each.
#[derive(Debug, Default)]
pub struct Shelf(BTreeMap<String, Entry>);

#[derive(Debug, Default)]
struct Entry {
    /// What was found last time, so that nothing is reported twice.
    seen: Seen,
    /// What the file said when it was last good.
    policies: BTreeMap<String, Policy>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Unreadable,
    /// Good or bad.
    Content(Vec<u8>),
}

impl Shelf {
    /// Takes the files as they are now, and returns what is new about them, each with the name of
    /// its file.
    pub fn update(&mut self, contents: Contents) -> Vec<(String, Remark)> {
        let mut remarks = Vec::new();
        self.0.retain(|file, _| {
            let stays = contents.contains_key(file);
            if !stays {
                remarks.push((file.clone(), Remark::Gone));
            }
            stays
        });
        for (file, content) in contents {
            let entry = self.0.entry(file.clone()).or_default();
            let (seen, content) = match content {
                Err(error) => (Seen::Unreadable, Err(Remark::Unreadable(error))),
                Ok(bytes) => {
                    let read = parse::parse(&bytes).map_err(Remark::Bad);
                    (Seen::Content(bytes), read)
                }
            };
            if entry.seen == seen {
                continue;
            }
            entry.seen = seen;
            match content {
                Err(remark) => remarks.push((file, remark)),
                Ok(read) => {
                    let names = read.policies.keys().cloned().collect();
                    remarks.push((file.clone(), Remark::Loaded(names)));
                    let reserved = read.reserved.into_iter().map(Remark::Reserved);
                    remarks.extend(reserved.map(|remark| (file.clone(), remark)));
                    entry.policies = read.policies;
                }
            }
        }
        remarks
    }

    /// Returns what is in force: of policies with the same name, that of the last file by name.
    #[must_use]
    pub fn policies(&self, without_section: WithoutSection) -> Policies {
        let mut policies = Policies::default().with_groups_without_section(without_section);
        for (name, policy) in self.0.values().flat_map(|entry| &entry.policies) {
            policies.insert(name.clone(), policy.clone());
        }
        policies
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Principal,
        enumeration::{ObjectType, Operation},
        policy::Question,
    };

    use super::*;

    fn contents(files: &[(&str, &str)]) -> Contents {
        files.iter().map(|(name, text)| ((*name).into(), Ok(text.as_bytes().to_vec()))).collect()
    }

    fn policy(name: &str, operation: &str) -> String {
        format!(r#"{{"{name}": {{"SYMMETRIC_KEY": {{"{operation}": "ALLOW_ALL"}}}}}}"#)
    }

    /// Says which of Get and Destroy the policy allows.
    fn allowed(shelf: &Shelf, policy: &str) -> &'static str {
        let policies = shelf.policies(WithoutSection::Preset);
        let ask = |operation| {
            let object_type = ObjectType::SymmetricKey;
            let question = Question { policy, owner: "alice", object_type, operation };
            policies.allows(&Principal::user("bob"), &question)
        };
        match (ask(Operation::Get), ask(Operation::Destroy)) {
            (true, true) => "both",
            (true, false) => "get",
            (false, true) => "destroy",
            (false, false) => "nothing",
        }
    }

    #[test]
    fn the_last_file_by_name_wins_and_what_it_hid_comes_back() {
        let (get, destroy) = (policy("p", "GET"), policy("p", "DESTROY"));
        let mut shelf = Shelf::default();
        shelf.update(contents(&[("b.json", &destroy), ("a.json", &get)]));
        assert_eq!(allowed(&shelf, "p"), "destroy");
        // The entry goes, then comes back, then the file goes.
        shelf.update(contents(&[("a.json", &get), ("b.json", "{}")]));
        assert_eq!(allowed(&shelf, "p"), "get");
        shelf.update(contents(&[("a.json", &get), ("b.json", &destroy)]));
        assert_eq!(allowed(&shelf, "p"), "destroy");
        let remarks = shelf.update(contents(&[("a.json", &get)]));
        assert_eq!(allowed(&shelf, "p"), "get");
        assert!(matches!(remarks.as_slice(), [(file, Remark::Gone)] if file == "b.json"));
        shelf.update(Contents::new());
        assert_eq!(allowed(&shelf, "p"), "nothing");
    }

    #[test]
    fn a_bad_file_changes_nothing_and_is_reported_once() {
        let mut shelf = Shelf::default();
        shelf.update(contents(&[("a.json", &policy("p", "GET"))]));
        for bad in ["", "{", "[]", r#"{"p": []}"#, &policy("p", "GO")] {
            let remarks = shelf.update(contents(&[("a.json", bad)]));
            assert!(matches!(remarks.as_slice(), [(_, Remark::Bad(_))]), "{bad}: {remarks:?}");
            assert_eq!(allowed(&shelf, "p"), "get", "{bad}");
        }
        let bad = policy("p", "GO");
        assert!(shelf.update(contents(&[("a.json", &bad)])).is_empty());
        let unreadable =
            || Contents::from([("a.json".to_owned(), Err(io::ErrorKind::PermissionDenied.into()))]);
        assert!(matches!(shelf.update(unreadable()).as_slice(), [(_, Remark::Unreadable(_))]));
        assert!(shelf.update(unreadable()).is_empty());
        assert_eq!(allowed(&shelf, "p"), "get");
        shelf.update(contents(&[("a.json", &policy("p", "DESTROY"))]));
        assert_eq!(allowed(&shelf, "p"), "destroy");
    }

    #[test]
    fn reserved_names_are_reported_and_change_nothing() {
        let mut shelf = Shelf::default();
        let remarks = shelf.update(contents(&[("a.json", &policy("default", "GET"))]));
        assert!(
            remarks.iter().any(|(file, remark)| {
                file == "a.json" && matches!(remark, Remark::Reserved(name) if name == "default")
            }),
            "{remarks:?}"
        );
        assert_eq!(shelf.policies(WithoutSection::Preset), Policies::default());
    }
}
