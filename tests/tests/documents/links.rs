//! Every link: to a file that is there, to a heading that it has, or outside by https to a place that
//! is listed.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use kmip_tests::markdown::Document;

use super::{documents, root};

/// The places outside that documents link to.
const OUTSIDE: &[&str] = &[];

#[test]
fn every_link_leads_somewhere() {
    let documents: BTreeMap<String, Document> = documents().into_iter().collect();
    let (mut offenders, mut count) = (Vec::new(), 0_usize);
    for (path, document) in &documents {
        for (line, target) in &document.links {
            count = count.saturating_add(1);
            if let Err(fault) = follow(&documents, path, target) {
                offenders.push(format!("{path}:{line}: {target}: {fault}"));
            }
        }
    }
    assert!(count > 100, "{count} links were found");
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

fn follow(
    documents: &BTreeMap<String, Document>,
    from: &str,
    target: &str,
) -> Result<(), &'static str> {
    if let Some((scheme, rest)) = target.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return match (scheme, OUTSIDE.contains(&host)) {
            ("https", true) => Ok(()),
            ("https", false) => Err("the place is not listed"),
            _ => Err("not https"),
        };
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        from.to_owned()
    } else {
        let directory = Path::new(from).parent().unwrap_or(Path::new(""));
        let path = below_root(&directory.join(file)).ok_or("outside of the project")?;
        if !root().join(&path).exists() {
            return Err("not there");
        }
        path
    };
    if anchor.is_empty() {
        return Ok(());
    }
    let document = documents.get(&path).ok_or("a heading of what is no document")?;
    let found = document.anchors.iter().any(|it| it == anchor);
    if found { Ok(()) } else { Err("no such heading") }
}

/// Resolves `..` without looking at what is there.
fn below_root(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text =
        "# A first, and B\n\n[x](#a-first-and-b) [y](#c) [z](nowhere.md) [w](http://a.example)\n";
    let document = Document::read(text);
    assert_eq!(document.links.len(), 4);
    let documents = BTreeMap::from([("README.md".to_owned(), document)]);
    for (target, expected) in [
        ("#a-first-and-b", Ok(())),
        ("docs", Ok(())),
        ("#c", Err("no such heading")),
        ("nowhere.md", Err("not there")),
        ("docs/../README.md#a-first-and-b", Ok(())),
        ("../README.md", Err("outside of the project")),
        ("http://a.example", Err("not https")),
        ("https://a.example", Err("the place is not listed")),
    ] {
        assert_eq!(follow(&documents, "README.md", target), expected, "{target}");
    }
}
