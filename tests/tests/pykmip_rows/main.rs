//! Everything PyKMIP's server does, held against the tests of this tree.
//!
//! `docs/pykmip-rows.md` is made from the table: `PYKMIP_ROWS=write cargo test --workspace --test
//! pykmip_rows` writes it again.

mod differences;
mod objects;
mod table;

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use table::{DIFFERENT, Row, SECTIONS};

/// How many rows there are; none may get lost.
const ROWS: usize = 149;

/// Where the page is, from the root.
const PAGE: &str = "docs/pykmip-rows.md";

/// What stands above the table.
const PREFACE: &str = "# What PyKMIP's server does, and the tests that prove it here

Made from `tests/tests/pykmip_rows/main.rs`, which says how to make it again. Each test named here
fails if its row does not hold, or, where a row differs, if what is said of it is not so.
";

/// The page that has every difference and its reason.
const MOVE: &str = "docs/from-pykmip.md";

/// Says what is different about a row, if anything is.
fn difference(row: &str) -> Option<&'static str> {
    DIFFERENT.iter().find(|(_, rows)| rows.contains(&row)).map(|(what, _)| *what)
}

fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

#[test]
fn no_row_is_lost_or_there_twice() {
    let identifiers: BTreeSet<&str> = rows().map(|row| row.id).collect();
    assert_eq!(identifiers.len(), ROWS);
    assert_eq!(rows().count(), ROWS);
    for section in SECTIONS {
        // The numbers of a letter follow each other.
        for (before, row) in section.rows.iter().zip(section.rows.iter().skip(1)) {
            let (letter, number) = row.id.split_at(1);
            let follows = before.id.strip_prefix(letter).is_none_or(|before| {
                before.parse::<u32>().ok().map(|before| before + 1) == number.parse().ok()
            });
            assert!(follows, "{} after {}", row.id, before.id);
        }
    }
}

#[test]
fn every_row_has_a_test() {
    let bare: Vec<&str> = rows().filter(|row| row.tests.is_empty()).map(|row| row.id).collect();
    assert!(bare.is_empty(), "no test proves {}", bare.join(", "));
}

#[test]
fn every_difference_is_that_of_a_row_and_is_told_to_who_moves() {
    let known: BTreeSet<&str> = rows().map(|row| row.id).collect();
    let page = read(&root().join(MOVE));
    for id in DIFFERENT.iter().flat_map(|(_, rows)| rows.iter().copied()) {
        assert!(known.contains(id), "no such row: {id}");
        let told = page.lines().filter(|line| line.starts_with('|')).any(|line| {
            line.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == id)
        });
        assert!(told, "{MOVE} does not name {id}");
    }
}

#[test]
fn every_test_of_a_row_exists() {
    let tests = tests_of_the_tree();
    assert!(tests.contains("every_test_of_a_row_exists"), "the tree is read");
    let missing: Vec<String> = rows()
        .flat_map(|row| row.tests.iter().map(move |test| (row.id, *test)))
        .filter(|(_, test)| !tests.contains(*test))
        .map(|(id, test)| format!("{id}: {test}"))
        .collect();
    assert!(missing.is_empty(), "no such test:\n  {}", missing.join("\n  "));
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = root().join(PAGE);
    if env::var_os("PYKMIP_ROWS").is_some_and(|value| value == "write") {
        fs::write(&path, page()).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page(), "{PAGE} is out of date; set PYKMIP_ROWS=write to make it again");
}

fn page() -> String {
    let mut page = PREFACE.to_owned();
    let differ: usize = DIFFERENT.iter().map(|(_, rows)| rows.len()).sum();
    let same = ROWS.saturating_sub(differ);
    let _ =
        write!(page, "\nAll {ROWS} rows have a test: {same} hold, {differ} differ on purpose.\n");
    for section in SECTIONS {
        let _ = write!(page, "\n## {}\n\n| Row | What | Tests |\n|---|---|---|\n", section.title);
        for row in section.rows {
            let tests: Vec<String> = row.tests.iter().map(|test| format!("`{test}`")).collect();
            let mut tests = tests.join(", ");
            if let Some(what) = difference(row.id) {
                tests = format!("**differs:** {what} ({tests})");
            }
            let _ = writeln!(page, "| {} | {} | {tests} |", row.id, row.what);
        }
    }
    page
}

/// Lists the tests of every Rust file and the functions of every Python file.
fn tests_of_the_tree() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for directory in ["domain", "ports", "adapters", "app", "tests"] {
        collect(&root().join(directory), &mut found);
    }
    found
}

fn collect(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let of_ours = !matches!(name.as_str(), "target" | "corpus" | "artifacts" | "seeds");
            if of_ours && !name.starts_with('.') {
                collect(&path, found);
            }
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => found.extend(rust_tests(&read(&path))),
            Some("py") => found.extend(python_functions(&read(&path))),
            _ => {}
        }
    }
}

/// Finds the functions that have an attribute of tests, whatever other attributes stand between.
fn rust_tests(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if is_test && !line.starts_with("#[") && !line.starts_with("//") {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            found.extend(name.and_then(|rest| rest.split('(').next()).map(str::to_owned));
            is_test = false;
        }
    }
    found
}

fn python_functions(source: &str) -> Vec<String> {
    let names = source.lines().filter_map(|line| line.trim_start().strip_prefix("def "));
    names.filter_map(|rest| rest.split('(').next()).map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the root").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
