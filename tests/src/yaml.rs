//! The YAML that `deploy/` is written in, read into the values of JSON.
//!
//! It is a small part of YAML: blocks of keys and of items, lists in brackets on one line, plain text,
//! text in double quotes, comments. Everything else is refused, so that nothing is read in another way
//! than the programs read it that the files are for.

use std::iter::Peekable;

use serde_json::{Map, Value};

/// What begins something that is not read here: anchors, tags, text over several lines and so on.
const REFUSED: &[char] = &['&', '*', '!', '|', '>', '\'', '{', '%', '@', '`', ',', '?'];

/// A line that says something.
#[derive(Clone, Debug)]
struct Line {
    number: usize,
    indent: usize,
    text: String,
}

type Lines = Peekable<std::vec::IntoIter<Line>>;

/// Reads a file.
pub fn read(text: &str) -> Result<Value, String> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.contains('\t') {
            return Err(format!("line {number}: a tab"));
        }
        let text = without_comment(line);
        let indent = text.len().saturating_sub(text.trim_start().len());
        if !text.trim().is_empty() {
            lines.push(Line { number, indent, text: text.trim().to_owned() });
        }
    }
    let mut lines = lines.into_iter().peekable();
    let value = block(&mut lines, 0)?;
    match lines.next() {
        Some(line) => Err(format!("line {}: not expected here", line.number)),
        None => Ok(value),
    }
}

fn without_comment(line: &str) -> &str {
    let (mut quoted, mut before) = (false, ' ');
    for (at, letter) in line.char_indices() {
        match letter {
            '"' if before != '\\' => quoted = !quoted,
            '#' if !quoted && before == ' ' => return line.get(..at).unwrap_or(line).trim_end(),
            _ => {}
        }
        before = letter;
    }
    line.trim_end()
}

fn block(lines: &mut Lines, indent: usize) -> Result<Value, String> {
    let item = |line: &Line| line.text == "-" || line.text.starts_with("- ");
    match lines.peek() {
        Some(line) if line.indent == indent && item(line) => sequence(lines, indent),
        Some(line) if line.indent == indent => mapping(lines, indent),
        Some(line) => {
            Err(format!("line {}: indented by {}, not {indent}", line.number, line.indent))
        }
        None => Ok(Value::Null),
    }
}

fn sequence(lines: &mut Lines, indent: usize) -> Result<Value, String> {
    let mut items = Vec::new();
    while let Some(line) =
        lines.next_if(|line| line.indent == indent && line.text.starts_with("- "))
    {
        let rest = line.text.trim_start_matches("- ").to_owned();
        if entry(&rest).is_none() {
            items.push(scalar(&rest, line.number)?);
            continue;
        }
        // Its first key stands beside the hyphen, the others below that key.
        let deeper = indent.saturating_add(2);
        let first = Line { number: line.number, indent: deeper, text: rest };
        let more: Vec<Line> =
            std::iter::from_fn(|| lines.next_if(|line| line.indent >= deeper)).collect();
        let mut inner =
            std::iter::once(first).chain(more).collect::<Vec<_>>().into_iter().peekable();
        items.push(block(&mut inner, deeper)?);
        if let Some(line) = inner.next() {
            return Err(format!("line {}: not expected here", line.number));
        }
    }
    Ok(Value::Array(items))
}

fn mapping(lines: &mut Lines, indent: usize) -> Result<Value, String> {
    let mut entries = Map::new();
    while let Some(line) =
        lines.next_if(|line| line.indent == indent && !line.text.starts_with("- "))
    {
        let (key, rest) =
            entry(&line.text).ok_or_else(|| format!("line {}: no key", line.number))?;
        let value = if rest.is_empty() {
            match lines.peek() {
                Some(next) if next.indent > indent => {
                    let deeper = next.indent;
                    block(lines, deeper)?
                }
                _ => Value::Null,
            }
        } else {
            scalar(rest, line.number)?
        };
        if entries.insert(key.to_owned(), value).is_some() {
            return Err(format!("line {}: {key} is there again", line.number));
        }
    }
    Ok(Value::Object(entries))
}

/// Splits `key: value` and `key:`; a key is plain.
fn entry(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = match text.split_once(": ") {
        Some((key, rest)) => (key, rest.trim()),
        None => (text.strip_suffix(':')?, ""),
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    (!key.is_empty() && key.chars().all(plain)).then_some((key, rest))
}

fn scalar(text: &str, number: usize) -> Result<Value, String> {
    let refused = || format!("line {number}: {text} is not read here");
    if text.starts_with('"') {
        return serde_json::from_str(text).map_err(|_| refused());
    }
    if let Some(list) = text.strip_prefix('[') {
        let list = list.strip_suffix(']').ok_or_else(refused)?;
        return items(list).iter().map(|item| scalar(item, number)).collect();
    }
    if text.starts_with(REFUSED) || text.contains(": ") {
        return Err(refused());
    }
    Ok(match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    })
}

/// Splits a list at the commas that are not in quotes.
fn items(list: &str) -> Vec<String> {
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut before = ' ';
    for letter in list.chars() {
        if letter == '"' && before != '\\' {
            quoted = !quoted;
        }
        if letter == ',' && !quoted {
            items.push(std::mem::take(&mut item).trim().to_owned());
        } else {
            item.push(letter);
        }
        before = letter;
    }
    if !item.trim().is_empty() {
        items.push(item.trim().to_owned());
    }
    items
}
