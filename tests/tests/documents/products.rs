//! The pages of products: each says where it is from, as the table of all does, and a replay that is
//! named is there.

use std::{collections::BTreeSet, fs};

use super::root;

/// What a page says after its word Status, and the table in its last column.
const STATUS: &[(&str, &str)] = &[
    ("client ran here", "client ran here"),
    ("replayed in `", "replayed: `"),
    ("from the vendor's documents", "documents"),
];

fn read(name: &str) -> String {
    let path = root().join("docs/products").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the rows of the table: the page, perhaps with a heading, and the status.
fn rows() -> Vec<(String, String)> {
    read("README.md")
        .lines()
        .filter(|line| line.starts_with("| ["))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let page = cells.first().and_then(|cell| cell.split_once("](")).map(|(_, page)| page);
            let status = cells.last().copied().unwrap_or_default();
            let page = page.unwrap_or_default().trim_end_matches(')');
            (page.to_owned(), status.to_owned())
        })
        .collect()
}

#[test]
fn every_page_is_in_the_table() {
    let listed: BTreeSet<String> =
        rows().iter().filter_map(|(page, _)| page.split('#').next()).map(str::to_owned).collect();
    let pages: BTreeSet<String> = fs::read_dir(root().join("docs/products"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(listed, pages);
}

#[test]
fn every_page_says_where_it_is_from_as_the_table_does() {
    for (page, told) in rows() {
        let (file, heading) = page.split_once('#').unwrap_or((&page, ""));
        let text = read(file);
        // A row for a part of a page has its own status, below the heading.
        let from = if heading.is_empty() {
            0
        } else {
            let words = format!("\n## {}", heading.replace('-', " "));
            text.to_lowercase().find(&words).unwrap_or_else(|| panic!("{page}: no heading"))
        };
        let part = text.get(from..).unwrap_or_default();
        let (_, said) =
            part.split_once("**Status**: ").unwrap_or_else(|| panic!("{page}: no status"));
        let found = STATUS.iter().find(|(start, _)| said.starts_with(start));
        let (start, in_table) = found.unwrap_or_else(|| panic!("{page}: {said:.60}"));
        assert!(told.starts_with(in_table), "{page}: the table says {told}");
        let name = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
        if start.starts_with("replayed") {
            assert_eq!(name(said), name(&told), "{page}");
            let replay = root().join(format!("tests/tests/end_to_end/{}.rs", name(&told)));
            assert!(replay.is_file(), "{page}: {}", replay.display());
        }
    }
}

/// What an operator copies: the settings of both sides, a check, and what goes wrong.
#[test]
fn every_page_has_settings_and_a_check() {
    for (page, _) in rows().into_iter().filter(|(page, _)| !page.contains('#')) {
        let text = read(&page).to_lowercase();
        for wanted in ["# kmip-app", "first check", "```"] {
            assert!(text.contains(wanted), "{page}: {wanted}");
        }
    }
}
