//! What an authority has issued: a file beside it, one line for each certificate.
//!
//! A line is written before its certificate is, so none is ever in use that is not listed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use kmip_model::DateTime;
use kmip_x509::{Described, RevocationList, Revoked};

use crate::{client::printable, report::Report};

/// The first line: what the columns are. A tab is between two of them.
const HEAD: &str = "# serial number\tnot after\trevoked\tname\tsubject";

/// What the line with the number of the last revocation list begins with.
const LAST_LIST: &str = "# last revocation list";

/// A serial number as the octets that count, without those for the sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serial(Vec<u8>);

impl Serial {
    /// Takes the content octets of a DER INTEGER.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self(content.iter().copied().skip_while(|octet| *octet == 0).collect())
    }

    /// Reads hexadecimal digits, as `openssl x509 -serial` and browsers print them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        if digits.is_empty() || digits.len() > 42 {
            return None;
        }
        let nibble =
            |digit: &u8| char::from(*digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
        // An odd digit is the lower half of the first octet.
        let (first, rest) = digits.split_at(digits.len() % 2);
        let mut octets = Vec::new();
        if let Some(digit) = first.first() {
            octets.push(nibble(digit)?);
        }
        for pair in rest.as_chunks::<2>().0 {
            let [high, low] = pair;
            octets.push((nibble(high)? << 4) | nibble(low)?);
        }
        Some(Self::of(&octets))
    }

    /// Returns the content octets of a DER INTEGER.
    pub(crate) fn content(&self) -> Vec<u8> {
        let sign = self.0.first().is_none_or(|octet| octet & 0x80 != 0);
        [if sign { vec![0] } else { Vec::new() }, self.0.clone()].concat()
    }
}

impl std::fmt::Display for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) serial: Serial,
    pub(crate) not_after: DateTime,
    pub(crate) revoked: Option<DateTime>,
    /// The Common Name; empty if there is none.
    pub(crate) name: String,
    pub(crate) subject: String,
}

impl From<&Described> for Entry {
    fn from(described: &Described) -> Self {
        Self {
            serial: Serial::of(&described.serial_number),
            not_after: described.not_after,
            revoked: None,
            name: printable(described.common_name.as_deref().unwrap_or_default()),
            subject: printable(&described.subject),
        }
    }
}

/// Everything that is recorded of an authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The number of the last revocation list: the next one is higher, even if that is lost.
    pub(crate) last_list: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Record {
    /// Reads the file; one that is not there says nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, Report> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Report::new(format!("{}: {error}", path.display()))),
        };
        Self::parse(&text).map_err(|line| {
            Report::new(format!(
                "{}, line {line}: this is no line of the record of certificates",
                path.display()
            ))
        })
    }

    /// Reads the lines, or says which of them is none.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut record = Self::default();
        for (line, number) in text.lines().zip(1_usize..) {
            if let Some(last) = line.strip_prefix(LAST_LIST) {
                record.last_list = last.trim().parse().map_err(|_| number)?;
            } else if !line.is_empty() && !line.starts_with('#') {
                record.entries.push(entry(line).ok_or(number)?);
            }
        }
        Ok(record)
    }

    fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n{LAST_LIST} {}\n", self.last_list);
        for entry in &self.entries {
            let revoked = entry.revoked.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let line = [
                entry.serial.to_string(),
                entry.not_after.to_string(),
                revoked,
                entry.name.clone(),
                entry.subject.clone(),
            ];
            text.push_str(&line.join("\t"));
            text.push('\n');
        }
        text
    }

    /// Replaces the file, as a whole.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Report> {
        replace(path, self.to_text().as_bytes(), 0o600)
    }

    /// Returns the entry with a serial number.
    pub(crate) fn find(&self, serial: &Serial) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.serial == *serial)
    }

    /// Notes that a certificate is revoked; one that is not recorded is, from now on.
    pub(crate) fn revoke(&mut self, revoked: &Entry, at: DateTime) {
        match self.entries.iter_mut().find(|entry| entry.serial == revoked.serial) {
            Some(entry) => entry.revoked = Some(at),
            None => self.entries.push(Entry { revoked: Some(at), ..revoked.clone() }),
        }
    }

    /// Works out the next revocation list: what the last one says, and what is recorded besides.
    /// Nothing that either of them shuts out gets in again because the other was lost.
    pub(crate) fn next_list(&self, last: &RevocationList) -> RevocationList {
        let mut next = last.clone();
        next.number = last.number.max(self.last_list).saturating_add(1);
        for entry in &self.entries {
            let serial_number = entry.serial.content();
            if let Some(since) = entry.revoked
                && last.since(&serial_number).is_none()
            {
                next.entries.push(Revoked { serial_number, since, reason: 0 });
            }
        }
        next
    }
}

fn entry(line: &str) -> Option<Entry> {
    let mut columns = line.split('\t');
    let entry = Entry {
        serial: Serial::parse(columns.next()?)?,
        not_after: DateTime::parse(columns.next()?)?,
        revoked: match columns.next()? {
            "-" => None,
            date => Some(DateTime::parse(date)?),
        },
        name: columns.next()?.to_owned(),
        subject: columns.next()?.to_owned(),
    };
    columns.next().is_none().then_some(entry)
}

/// Returns where the record of an authority is.
pub(crate) fn beside(certificate: &Path) -> PathBuf {
    certificate.with_extension("issued")
}

/// Replaces a file as a whole: who reads it finds the one before or this one, also after a failure
/// of power.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Report> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = || -> io::Result<()> {
        // What an interrupted command has left is nobody's.
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|error| Report::new(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(serial: &[u8], revoked: Option<i64>) -> Entry {
        Entry {
            serial: Serial::of(serial),
            not_after: DateTime(1_900_000_000),
            revoked: revoked.map(DateTime),
            name: "alice".to_owned(),
            subject: "CN=alice".to_owned(),
        }
    }

    #[test]
    fn serial_numbers_are_read_as_they_are_printed_anywhere() {
        let serial = Serial::of(&[0, 0x8F, 0x01]);
        for text in ["8F01", "8f:01", "008f01", "08f01"] {
            assert_eq!(Serial::parse(text), Some(serial.clone()), "{text}");
        }
        for text in ["", "alice", "8G", "0x8F"] {
            assert_eq!(Serial::parse(text), None, "{text}");
        }
        assert_eq!(serial.to_string(), "8F01");
        assert_eq!(serial.content(), [0, 0x8F, 0x01]);
        assert_eq!(Serial::of(&[0x01]).content(), [0x01]);
        assert_eq!(Serial::of(&[0]).content(), [0]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.issued");
        assert_eq!(Record::read(&path).unwrap(), Record::default());
        let entries = vec![entry(&[1], None), entry(&[2], Some(1_800_000_000))];
        let record = Record { last_list: 7, entries };
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for line in ["x", "01\t-\t-\ta\tb", "01\t2030-01-01\t-\ta", "01\t2030-01-01\t-\ta\tb\tc"] {
            assert_eq!(Record::parse(&format!("{HEAD}\n{line}\n")), Err(2), "{line}");
        }
    }

    #[test]
    fn the_next_list_has_what_either_knows_and_a_higher_number() {
        let last = RevocationList {
            number: 3,
            next_update: None,
            entries: vec![Revoked { serial_number: vec![1], since: DateTime(5), reason: 4 }],
        };
        let entries = vec![entry(&[1], Some(9)), entry(&[2], Some(6)), entry(&[3], None)];
        for (last_list, number) in [(0, 4), (8, 9)] {
            let next = Record { last_list, entries: entries.clone() }.next_list(&last);
            assert_eq!(next.number, number);
            let listed: Vec<_> =
                next.entries.iter().map(|it| (&*it.serial_number, it.since.0)).collect();
            assert_eq!(listed, [(&[1][..], 5), (&[2][..], 6)]);
        }
    }
}
