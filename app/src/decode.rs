//! `kmip-app decode`: prints TTLV messages as trees, with their secrets blanked.
//!
//! Takes what people have at hand: bytes from a capture, hexadecimal digits from a log, base64 from
//! a report. Several messages one after the other are printed one after the other.

use std::{
    io::{IsTerminal as _, Read as _},
    path::PathBuf,
};

use base64ct::{Base64, Encoding as _};
use clap::Args;
use kmip_ttlv::text::tree;

use crate::report::Report;

/// The bytes of a TTLV header: tag, type, length.
const HEADER: usize = 8;

/// What to print.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The message as hexadecimal digits or base64.
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    text: Vec<String>,
    /// A file with the message as bytes, hexadecimal digits or base64; without TEXT and FILE,
    /// standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Prints the message.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let given = if !arguments.text.is_empty() {
        arguments.text.concat().into_bytes()
    } else if let Some(file) = &arguments.file {
        std::fs::read(file).map_err(|error| Report::new(format!("{}: {error}", file.display())))?
    } else {
        let mut bytes = Vec::new();
        if std::io::stdin().is_terminal() {
            return Err(Report::new("decode needs a message, --file FILE, or standard input"));
        }
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        bytes
    };
    let bytes = message(&given).ok_or_else(|| {
        Report::new(
            "this is no TTLV message in bytes, hexadecimal digits or base64: a message begins \
             with 42 00 78 (a request) or 42 00 7B (a response)",
        )
    })?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (one, after) = rest.split_at(length(rest).unwrap_or(rest.len()).min(rest.len()));
        print!("{}", tree(one));
        rest = after;
    }
    Ok(())
}

/// Finds out in which form the message is; `None` if it is in none.
fn message(given: &[u8]) -> Option<Vec<u8>> {
    if begins_a_message(given) {
        return Some(given.to_vec());
    }
    let text: String = str::from_utf8(given)
        .ok()?
        .chars()
        .filter(|char| !char.is_whitespace() && !matches!(char, ':' | ',' | '|'))
        .collect();
    let text = text.strip_prefix("0x").unwrap_or(&text);
    let found = from_digits(text).or_else(|| Base64::decode_vec(text).ok())?;
    begins_a_message(&found).then_some(found)
}

/// Says whether this can be an item of TTLV: the first byte of every standard tag is 42.
fn begins_a_message(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes.first() == Some(&0x42)
}

fn from_digits(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|char| char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Reads how long the first item is, with its header and padding.
fn length(bytes: &[u8]) -> Option<usize> {
    let (_, length) = bytes.first_chunk::<HEADER>()?.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    length.checked_next_multiple_of(8)?.checked_add(HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "42007801000000084200770100000000";

    #[test]
    fn every_form_is_found_out() {
        let bytes = from_digits(QUERY).unwrap();
        let spaced = "42 00 78 01 00 00 00 08\n42:00:77:01,00|00|00|00";
        let base64 = "QgB4AQAAAAhCAHcBAAAAAA==";
        for text in [QUERY, spaced, base64, &QUERY.to_lowercase(), &format!("0x{QUERY}")] {
            assert_eq!(message(text.as_bytes()).as_ref(), Some(&bytes), "{text}");
        }
        assert_eq!(message(&bytes), Some(bytes.clone()));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in ["", "hello", "42", "4200780", "1234567812345678", "QgB4"] {
            assert_eq!(message(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn messages_one_after_the_other_are_taken_apart() {
        let bytes = from_digits(&[QUERY, QUERY].concat()).unwrap();
        assert_eq!(length(&bytes), Some(16));
        assert_eq!(length(&bytes[..4]), None);
    }
}
