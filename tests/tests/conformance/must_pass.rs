//! The list of cases that must pass, so that none is lost again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What the list says about itself.
const HEADER: &str = "\
# Conformance cases that must pass, one name per line, sorted.
# A case that fails although it is named here fails the test run. To write the list anew from a
# run: KMIP_CONFORMANCE_WRITE=1 cargo test -p kmip-tests --test conformance
";

/// Returns where the list lies.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/must_pass.txt")
}

/// Reads the list.
pub(crate) fn read(path: &Path) -> io::Result<BTreeSet<String>> {
    Ok(names_in(&fs::read_to_string(path)?))
}

/// Writes the list.
pub(crate) fn write(path: &Path, names: &BTreeSet<String>) -> io::Result<()> {
    fs::write(path, text_of(names))
}

fn names_in(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn text_of(names: &BTreeSet<String>) -> String {
    let lines = names.iter().map(|name| format!("{name}\n"));
    format!("{HEADER}{}", lines.collect::<String>())
}

/// What a run says about the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Cases on the list that did not pass.
    pub(crate) lost: Vec<String>,
    /// Cases that passed and are not on the list.
    pub(crate) gained: Vec<String>,
}

/// Compares a run with the list; `failed` and `passed` are the cases that were played.
pub(crate) fn judge(
    list: &BTreeSet<String>,
    passed: &BTreeSet<String>,
    failed: &BTreeSet<String>,
) -> Verdict {
    Verdict {
        lost: list.intersection(failed).cloned().collect(),
        gained: passed.difference(list).cloned().collect(),
    }
}

/// Returns the list after a run; cases that were not played stay as they were.
pub(crate) fn renewed(
    list: &BTreeSet<String>,
    passed: &BTreeSet<String>,
    failed: &BTreeSet<String>,
) -> BTreeSet<String> {
    list.difference(failed).chain(passed).cloned().collect()
}

/// Says whether a name matches a pattern with `*` and `?`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut characters = pattern.chars();
    match characters.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = characters.as_str();
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.filter_map(|at| name.get(at..)).any(|tail| matches(rest, tail))
        }
        Some(wanted) => {
            let mut letters = name.chars();
            let first = letters.next();
            first.is_some_and(|first| wanted == '?' || wanted == first)
                && matches(characters.as_str(), letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_list_is_sorted_and_names_no_case_twice() {
        let text = fs::read_to_string(path()).unwrap();
        assert_eq!(text, text_of(&names_in(&text)));
    }

    #[test]
    fn a_listed_case_that_fails_is_lost_and_another_that_passes_is_gained() {
        let (list, passed, failed) = (set(&["a", "b", "c"]), set(&["a", "d"]), set(&["b", "e"]));
        let verdict = judge(&list, &passed, &failed);
        assert_eq!(verdict.lost, ["b"]);
        assert_eq!(verdict.gained, ["d"]);
        // c was not played.
        assert_eq!(renewed(&list, &passed, &failed), set(&["a", "c", "d"]));
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        assert!(matches("SKLC-*", "SKLC-M-1-10"));
        assert!(matches("*-M-?-10", "SKLC-M-1-10"));
        assert!(!matches("SKLC", "SKLC-M-1-10"));
        assert!(!matches("*-14", "SKLC-M-1-10"));
    }
}
