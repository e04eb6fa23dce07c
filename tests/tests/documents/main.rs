//! The documents: every link leads somewhere, every command is one of the program, and those that can
//! run do run.

mod links;
mod products;
mod run;
mod shown;

use std::{
    fs,
    path::{Path, PathBuf},
};

use kmip_tests::markdown::Document;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the root").to_owned()
}

/// Reads every document, with its path from the root, in the order of their paths.
fn documents() -> Vec<(String, Document)> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    assert!(found.len() > 30, "{} documents were found", found.len());
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).expect("it can be read");
            (path, Document::read(&text))
        })
        .collect()
}

fn collect(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("a directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "kmip-dev" {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let relative = path.strip_prefix(root()).expect("it is below the root");
            found.push(relative.to_string_lossy().into_owned());
        }
    }
}
