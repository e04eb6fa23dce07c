//! The INI files of Python's ConfigParser, as PyKMIP reads its configuration.
//!
//! Entries are `key = value` or `key: value`; keys have no case. A line that is indented deeper
//! than its entry goes on with the value. Lines that begin with `#` or `;` are comments, also
//! within a value; nothing else is one. `%%` is a percent sign, `%(key)s` the value of another key.
//! What `[DEFAULT]` holds is in every section.

use thiserror::Error;

/// How deep values may refer to values.
const DEEPEST: usize = 10;

/// How long a value may become by references.
const LONGEST: usize = 65_536;

/// How many references one value may need. References to nothing make no value longer, and there
/// may be some in each of some: without a limit, a short file would take for ever.
const MOST: usize = 10_000;

/// The section whose entries are in all others.
const DEFAULT: &str = "DEFAULT";

/// Why a text is no INI file, or a value has no meaning.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IniError {
    /// An entry stands before the first section.
    #[error("line {line}: {text:?} stands before the first [section]")]
    NoSection {
        /// The line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A line is neither a section nor an entry.
    #[error("line {line}: {text:?} is neither a [section] nor key = value")]
    NotAnEntry {
        /// The line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A section comes twice.
    #[error("line {line}: there is a section [{section}] already")]
    SectionTwice {
        /// The line.
        line: usize,
        /// The section.
        section: String,
    },
    /// A key comes twice in its section.
    #[error("line {line}: [{section}] has a key '{key}' already")]
    KeyTwice {
        /// The line.
        line: usize,
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
    /// A percent sign begins no reference.
    #[error("'{key}' in [{section}]: write %% for a percent sign; here stands {rest:?}")]
    LonePercent {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The value from the percent sign on.
        rest: String,
    },
    /// A reference names a key that is not there.
    #[error("'{key}' in [{section}] refers to '{reference}', which is not there")]
    NoSuchKey {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What it refers to.
        reference: String,
    },
    /// References go round, or much too far.
    #[error(
        "'{key}' in [{section}] refers to keys that refer to keys, more than {DEEPEST} deep or to \
         more than {LONGEST} bytes or {MOST} references"
    )]
    TooDeep {
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
}

/// An INI file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    defaults: Vec<Entry>,
    sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    entries: Vec<Entry>,
}

/// A key and its value before references are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: String,
    value: String,
}

impl Ini {
    /// Reads a text.
    ///
    /// # Errors
    /// Says which line is no part of an INI file.
    pub fn parse(text: &str) -> Result<Self, IniError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reading = Reading::default();
        for (index, line) in text.lines().enumerate() {
            reading.line(index.saturating_add(1), line)?;
        }
        let mut ini = reading.ini;
        let sections = ini.sections.iter_mut().map(|section| &mut section.entries);
        for entry in sections.chain([&mut ini.defaults]).flatten() {
            entry.value.truncate(entry.value.trim_end().len());
        }
        Ok(ini)
    }

    /// Lists the sections in their order.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// Lists the keys of a section, those from `[DEFAULT]` last.
    #[must_use]
    pub fn keys(&self, section: &str) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for entry in self.entries(section) {
            if !keys.contains(&entry.key.as_str()) {
                keys.push(&entry.key);
            }
        }
        keys
    }

    /// Returns a value, its references followed.
    ///
    /// # Errors
    /// Says which reference leads nowhere.
    pub fn value(&self, section: &str, key: &str) -> Result<Option<String>, IniError> {
        let key = key.to_lowercase();
        let Some(raw) = self.raw(section, &key) else { return Ok(None) };
        let mut expansion = Expansion::default();
        self.follow(Place { section, key: &key }, raw, 1, &mut expansion)?;
        Ok(Some(expansion.value))
    }

    fn entries(&self, section: &str) -> impl Iterator<Item = &Entry> {
        let own = self.sections.iter().find(|candidate| candidate.name == section);
        own.into_iter().flat_map(|section| &section.entries).chain(&self.defaults)
    }

    fn raw(&self, section: &str, key: &str) -> Option<&str> {
        self.entries(section).find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    fn follow(
        &self,
        place: Place<'_>,
        raw: &str,
        depth: usize,
        expansion: &mut Expansion,
    ) -> Result<(), IniError> {
        expansion.references = expansion.references.saturating_add(1);
        let too_much = expansion.value.len() > LONGEST || expansion.references > MOST;
        if depth > DEEPEST || too_much {
            return Err(IniError::TooDeep {
                section: place.section.to_owned(),
                key: place.key.to_owned(),
            });
        }
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('%') {
            expansion.value.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                expansion.value.push('%');
                rest = after;
                continue;
            }
            let reference = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
            let Some((name, after)) =
                reference.filter(|(name, _)| !name.is_empty() && !name.contains(')'))
            else {
                return Err(IniError::LonePercent {
                    section: place.section.to_owned(),
                    key: place.key.to_owned(),
                    rest: format!("%{after}"),
                });
            };
            let name = name.to_lowercase();
            let referred = self.raw(place.section, &name).ok_or_else(|| IniError::NoSuchKey {
                section: place.section.to_owned(),
                key: place.key.to_owned(),
                reference: name,
            })?;
            self.follow(place, referred, depth.saturating_add(1), expansion)?;
            rest = after;
        }
        expansion.value.push_str(rest);
        Ok(())
    }
}

/// A value as far as its references have been followed.
#[derive(Default)]
struct Expansion {
    value: String,
    references: usize,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    section: &'a str,
    key: &'a str,
}

/// A file that has been read up to some line.
#[derive(Default)]
struct Reading {
    ini: Ini,
    current: Current,
    /// How deep the last section or entry is indented.
    indent: usize,
    /// Says whether an entry is open, so that deeper lines belong to it.
    open: bool,
}

/// Where entries go.
#[derive(Clone, Copy, Default)]
enum Current {
    #[default]
    Nowhere,
    Defaults,
    Last,
}

impl Reading {
    fn line(&mut self, number: usize, line: &str) -> Result<(), IniError> {
        let text = line.trim();
        if text.starts_with('#') || text.starts_with(';') {
            return Ok(());
        }
        if text.is_empty() {
            // An empty line is a part of the value that may go on after it.
            self.append("");
            return Ok(());
        }
        let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
        if self.open && indent > self.indent {
            self.append(text);
            return Ok(());
        }
        self.indent = indent;
        self.open = false;
        if let Some(name) = header(text) {
            self.section(number, name)
        } else {
            self.entry(number, text)
        }
    }

    /// Goes on with the value of the open entry.
    fn append(&mut self, text: &str) {
        if !self.open {
            return;
        }
        if let Some(entry) = self.entries().and_then(|entries| entries.last_mut()) {
            entry.value.push('\n');
            entry.value.push_str(text);
        }
    }

    fn section(&mut self, line: usize, name: &str) -> Result<(), IniError> {
        if name == DEFAULT {
            self.current = Current::Defaults;
            return Ok(());
        }
        if self.ini.sections().any(|section| section == name) {
            return Err(IniError::SectionTwice { line, section: name.to_owned() });
        }
        self.ini.sections.push(Section { name: name.to_owned(), entries: Vec::new() });
        self.current = Current::Last;
        Ok(())
    }

    fn entry(&mut self, line: usize, text: &str) -> Result<(), IniError> {
        let section = match self.current {
            Current::Nowhere => {
                return Err(IniError::NoSection { line, text: text.to_owned() });
            }
            Current::Defaults => DEFAULT.to_owned(),
            Current::Last => {
                self.ini.sections.last().map_or_else(String::new, |section| section.name.clone())
            }
        };
        let not_an_entry = || IniError::NotAnEntry { line, text: text.to_owned() };
        let (key, value) = text.split_once(['=', ':']).ok_or_else(not_an_entry)?;
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return Err(not_an_entry());
        }
        let entries = self.entries().ok_or_else(not_an_entry)?;
        if entries.iter().any(|entry| entry.key == key) {
            return Err(IniError::KeyTwice { line, section, key });
        }
        entries.push(Entry { key, value: value.trim().to_owned() });
        self.open = true;
        Ok(())
    }

    fn entries(&mut self) -> Option<&mut Vec<Entry>> {
        match self.current {
            Current::Nowhere => None,
            Current::Defaults => Some(&mut self.ini.defaults),
            Current::Last => self.ini.sections.last_mut().map(|section| &mut section.entries),
        }
    }
}

/// Returns the name in a line that begins a section.
fn header(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, key: &str) -> Option<String> {
        Ini::parse(text).unwrap().value("server", key).unwrap()
    }

    #[test]
    fn entries_are_read_as_configparser_reads_them() {
        for (lines, key, expected) in [
            ("port=5696", "port", Some("5696")),
            ("port = 5696  ", "port", Some("5696")),
            ("port: 5696", "port", Some("5696")),
            ("PORT = 5696", "port", Some("5696")),
            ("port = 5696", "Port", Some("5696")),
            ("a b = c", "a b", Some("c")),
            ("path = C:=x", "path", Some("C:=x")),
            ("path : a=b", "path", Some("a=b")),
            ("key =", "key", Some("")),
            ("# port = 1\n; port = 2\nport = 3", "port", Some("3")),
            ("port = 3 ; no comment", "port", Some("3 ; no comment")),
            ("port = 3 # no comment", "port", Some("3 # no comment")),
            ("list =\n  a\n  b\nport = 1", "list", Some("\na\nb")),
            ("list = a\n\tb", "list", Some("a\nb")),
            ("list = a\n\n  b\n\nport = 1", "list", Some("a\n\nb")),
            ("list = a\n  # a comment\n  b", "list", Some("a\nb")),
            ("list = a\n# a comment\n  b", "list", Some("a\nb")),
            ("list = a\n  b = c", "list", Some("a\nb = c")),
            ("  list = a\n  port = 1", "port", Some("1")),
            ("port = 1", "absent", None),
        ] {
            let text = format!("[server]\n{lines}\n");
            assert_eq!(value(&text, key).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn references_are_followed() {
        for (lines, key, expected) in [
            ("a = 100%%", "a", "100%"),
            ("a = %%(b)s", "a", "%(b)s"),
            ("d = /etc\na = %(d)s/x", "a", "/etc/x"),
            ("d = /etc\na = %(D)s/x%(d)s", "a", "/etc/x/etc"),
            ("d = /%(e)s\ne = %%\na = %(d)s", "a", "/%"),
        ] {
            let text = format!("[server]\n{lines}\n");
            assert_eq!(value(&text, key).as_deref(), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn references_that_lead_nowhere_are_refused() {
        for (lines, expected) in [
            ("a = 5%", "write %%"),
            ("a = %x", "write %%"),
            ("a = %()s", "write %%"),
            ("a = %(b", "write %%"),
            ("a = %(b)d", "write %%"),
            ("a = %(b)s", "'b', which is not there"),
            ("a = %(a)s", "more than 10 deep"),
        ] {
            let ini = Ini::parse(&format!("[server]\n{lines}\n")).unwrap();
            let error = ini.value("server", "a").unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("'a' in [server]"), "{error}");
        }
    }

    #[test]
    fn references_that_multiply_are_refused_at_once() {
        for innermost in ["", "x"] {
            let mut lines = vec!["[server]".to_owned(), format!("k0 = {innermost}")];
            for level in 1..DEEPEST {
                let reference = format!("%(k{})s", level - 1);
                lines.push(format!("k{level} = {}", reference.repeat(100)));
            }
            let ini = Ini::parse(&lines.join("\n")).unwrap();
            assert_eq!(ini.value("server", "k1"), Ok(Some(innermost.repeat(100))));
            let error = ini.value("server", "k9").unwrap_err();
            assert!(matches!(error, IniError::TooDeep { .. }), "{error}");
        }
    }

    #[test]
    fn what_is_no_ini_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("port = 1", "line 1: \"port = 1\" stands before the first [section]"),
            ("[server]\nnothing", "line 2: \"nothing\" is neither"),
            ("[server]\n= x", "line 2: \"= x\" is neither"),
            ("[server]\n[]", "line 2: \"[]\" is neither"),
            ("[a]\n\n[a]", "line 3: there is a section [a] already"),
            ("[a]\nb = 1\nB : 2", "line 3: [a] has a key 'b' already"),
        ] {
            let error = Ini::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn the_default_section_is_in_every_section() {
        let text = "[DEFAULT]\nd = /etc\nport = 1\n[server]\nport = 2\na = %(d)s\n[auth:slugs]\n";
        let ini = Ini::parse(text).unwrap();
        assert_eq!(ini.sections().collect::<Vec<_>>(), ["server", "auth:slugs"]);
        assert_eq!(ini.keys("server"), ["port", "a", "d"]);
        assert_eq!(ini.value("server", "a").unwrap().as_deref(), Some("/etc"));
        assert_eq!(ini.value("server", "port").unwrap().as_deref(), Some("2"));
        assert_eq!(ini.value("auth:slugs", "port").unwrap().as_deref(), Some("1"));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
        assert_eq!(value("\u{feff}[server]\r\nport = 1\r\n", "port").as_deref(), Some("1"));
    }
}
