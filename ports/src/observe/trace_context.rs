//! Where a message stands in a trace (W3C Trace Context, version 00).

use std::fmt;

/// The bit of the flags that says that the sender records its part.
const SAMPLED: u8 = 1;

/// The version that is read and written.
const VERSION: &str = "00";

/// The characters of a `traceparent`.
const LENGTH: usize = 55;

/// A trace, a part of it, and whether that part is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never 0.
    pub trace: u128,
    /// The part; never 0.
    pub span: u64,
    /// Says whether the part is recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` of version 00: `00-<32 hex>-<16 hex>-<2 hex>`, in lower case. `None` for
    /// any other text: what a client writes there is its own affair.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Most values are none, and are found out by their length.
        if text.len() != LENGTH {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace) = (parts.next()?, hexadecimal(parts.next()?, 32)?);
        let (span, flags) = (hexadecimal(parts.next()?, 16)?, hexadecimal(parts.next()?, 2)?);
        if version != VERSION || parts.next().is_some() || trace == 0 || span == 0 {
            return None;
        }
        let span = u64::try_from(span).ok()?;
        let sampled = u8::try_from(flags).ok()? & SAMPLED != 0;
        Some(Self { trace, span, sampled })
    }

    /// Writes a `traceparent`. Every message has one, and general formatting takes several times as long.
    #[must_use]
    pub fn to_traceparent(&self) -> String {
        let mut text = String::with_capacity(LENGTH);
        text.push_str(VERSION);
        text.push('-');
        push_hexadecimal(&self.trace.to_be_bytes(), &mut text);
        text.push('-');
        push_hexadecimal(&self.span.to_be_bytes(), &mut text);
        text.push('-');
        push_hexadecimal(&[u8::from(self.sampled)], &mut text);
        text
    }
}

fn push_hexadecimal(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0F] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
}

fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(lower);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_traceparent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for sampled in [false, true] {
            let context = TraceContext { trace: 0xab, span: u64::MAX, sampled };
            assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
        }
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn other_flags_are_not_kept() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe";
        assert!(!TraceContext::parse(text).unwrap().sampled);
    }

    #[test]
    fn what_is_no_context_is_none() {
        for text in [
            "",
            "a job number",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b701-",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }
}
