//! The commands that documents show: the program must understand each of them.

use kmip_app::cli;
use kmip_tests::markdown::{self, Block, Document};

use super::documents;

/// A command of ours in a document.
pub(super) struct Shown {
    /// The document, and the line where its block begins.
    pub(super) place: String,
    /// Its words; the first is `kmip-app`.
    pub(super) words: Vec<String>,
}

/// Returns the commands in the blocks of every document.
pub(super) fn commands() -> Vec<Shown> {
    let mut shown = Vec::new();
    for (path, document) in documents() {
        for block in &document.blocks {
            for words in of_block(block) {
                shown.push(Shown { place: format!("{path}:{}", block.line), words });
            }
        }
    }
    shown
}

fn of_block(block: &Block) -> Vec<Vec<String>> {
    let script = match block.language.as_str() {
        "sh" => block.text.clone(),
        // What follows a prompt is a command, what does not is its answer.
        "console" | "" => block
            .text
            .lines()
            .filter_map(|line| {
                let line = line.trim_start();
                line.strip_prefix("$ ").or_else(|| line.starts_with("kmip-app ").then_some(line))
            })
            .collect::<Vec<_>>()
            .join("\n"),
        _ => return Vec::new(),
    };
    markdown::commands(&script).into_iter().filter_map(|words| ours(&words)).collect()
}

/// Says whether a command is ours, and writes it as the program's name and its arguments.
fn ours(words: &[String]) -> Option<Vec<String>> {
    let name = "kmip-app".to_owned();
    let first = words.first()?;
    let rest = words.get(1..).unwrap_or_default();
    let of_cargo = rest.iter().position(|word| word == "--");
    match first.as_str() {
        // The alias that README and getting-started.md make.
        "kmip" => Some([&[name, "client".to_owned()], rest].concat()),
        "cargo" if rest.contains(&name) && rest.first().is_some_and(|it| it == "run") => {
            Some([&[name], rest.get(of_cargo?.saturating_add(1)..).unwrap_or_default()].concat())
        }
        path if path.rsplit('/').next() == Some("kmip-app") => Some([&[name], rest].concat()),
        _ => None,
    }
}

/// Returns what the program says of a command that asks for help at its end: help, or what is wrong.
fn help(words: &[String]) -> String {
    cli::read(&[words, &["--help".to_owned()]].concat()).err().unwrap_or_default()
}

#[test]
fn every_command_in_a_block_is_understood() {
    let shown = commands();
    assert!(shown.len() > 40, "{} commands were found", shown.len());
    let offenders: Vec<String> = shown
        .iter()
        .filter_map(|it| {
            let error = cli::read(&it.words).err()?;
            Some(format!("{}: {}: {error}", it.place, it.words.join(" ")))
        })
        .collect();
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

/// In a sentence a command may lack its arguments, but its verb and its options must be there.
#[test]
fn every_command_in_a_sentence_is_there() {
    let (mut offenders, mut count) = (Vec::new(), 0_usize);
    for (path, document) in documents() {
        for span in spans(&document) {
            for words in markdown::commands(span) {
                count = count.saturating_add(1);
                let whole = cli::read(&words).is_ok();
                if !whole && help(&words).starts_with("error:") {
                    offenders.push(format!("{path}: {span}"));
                }
            }
        }
    }
    assert!(count > 25, "{count} commands were found");
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

fn spans(document: &Document) -> impl Iterator<Item = &str> {
    let spans = document.spans.iter().map(String::as_str);
    spans.filter(|span| span.starts_with("kmip-app ") && !span.contains(['…', '|']))
}

#[test]
fn a_script_is_taken_apart() {
    let script = "# kmip-app no\nA=1 kmip-app serve \\\n  --set 'a=b c' && x | y > z\n\
                  target/release/kmip-app verify \"$(date +%F)\"; cargo run -p kmip-app -- dev\n";
    let block = Block { language: "sh".to_owned(), line: 1, text: script.to_owned() };
    assert_eq!(
        of_block(&block),
        [
            vec!["kmip-app", "serve", "--set", "a=b c"],
            vec!["kmip-app", "verify", "$(date +%F)"],
            vec!["kmip-app", "dev"],
        ]
    );
}
