//! `kmip-app client-cert`: certificates for clients, made, signed, revoked and listed.
//!
//! The authority is the one of the server's configuration, whose key `kmip-app init` keeps beside it,
//! or any other whose key is at hand.

mod authority;
mod issue;
mod record;
mod revoke;

use std::path::Path;

use clap::{Args, Subcommand};
use kmip_host::{SystemClock, secret_file};
use kmip_model::{DateTime, Material};
use kmip_ports::clock::Clock as _;
use kmip_x509::{CertificateAuthority, Described};

use self::{
    authority::{Authority, AuthorityArguments},
    record::{Entry, Record},
};
use crate::report::Report;

/// The seconds of a day.
const DAY: i64 = 86_400;

/// What to do about certificates.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make keys and certificates for clients: NAME.pem with the chain, and NAME.key.
    Issue(issue::IssueArguments),
    /// Make the certificate for a client that keeps its key: CSR.pem beside its request.
    Sign(issue::SignArguments),
    /// Put a certificate on the revocation list.
    Revoke(revoke::RevokeArguments),
    /// Write the revocation list anew: with the same certificates, for another while.
    Crl(revoke::ListArguments),
    /// List what was issued.
    List(AuthorityArguments),
}

/// Runs one of the commands.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let now = SystemClock::default().now();
    match &arguments.command {
        Command::Issue(arguments) => issue::issue(arguments, now),
        Command::Sign(arguments) => issue::sign(arguments, now),
        Command::Revoke(arguments) => revoke::revoke(arguments, now),
        Command::Crl(arguments) => revoke::renew(arguments, now),
        Command::List(arguments) => {
            let authority = Authority::open(arguments)?;
            for line in table(&authority, now) {
                println!("{line}");
            }
            Ok(())
        }
    }
}

/// Records what a new authority has issued, and writes its first revocation list, which is empty.
pub(crate) fn begin(
    authority: &CertificateAuthority,
    certificate: &Path,
    issued: &[Described],
    now: DateTime,
) -> Result<(), Report> {
    let entries = issued.iter().map(Entry::from).collect();
    let mut record = Record { last_list: 0, entries };
    let list = record.next_list(&kmip_x509::RevocationList::default());
    record.last_list = list.number;
    record.write(&record::beside(certificate))?;
    let pem = authority.sign_list(&list, kmip_x509::LIST_DAYS, now)?;
    record::replace(&certificate.with_extension("crl"), pem.as_bytes(), 0o644)
}

/// Writes a new file, for its owner only.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Report> {
    Ok(secret_file::create(path, &Material::from(bytes))?)
}

/// What has become of a certificate.
fn state(revoked: Option<DateTime>, not_after: DateTime, now: DateTime) -> &'static str {
    if revoked.is_some() {
        "revoked"
    } else if not_after < now {
        "expired"
    } else {
        "valid"
    }
}

/// Says how many certificates there are.
fn certificates(count: usize) -> String {
    if count == 1 { "1 certificate".to_owned() } else { format!("{count} certificates") }
}

/// Tells of everything that is recorded, oldest first.
fn table(authority: &Authority, now: DateTime) -> Vec<String> {
    let cells = |entry: &Entry| {
        let revoked = authority.revoked(entry);
        let state = state(revoked, entry.not_after, now);
        let left = if state == "valid" {
            (entry.not_after.since(now) / DAY).to_string()
        } else {
            "-".to_owned()
        };
        let revoked = revoked.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let serial = entry.serial.to_string();
        [entry.name.clone(), state.to_owned(), left, entry.not_after.to_string(), revoked, serial]
    };
    let head = ["Name", "State", "DaysLeft", "NotAfter", "Revoked", "SerialNumber"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(authority.record.entries.iter().map(cells));
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 6]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.push(certificates(authority.record.entries.len()));
    let known = |serial: &[u8]| authority.record.find(&record::Serial::of(serial)).is_some();
    let entries = authority.list.entries.iter();
    let others = entries.filter(|entry| !known(&entry.serial_number)).count();
    if others > 0 {
        lines.push(format!("{others} more on the revocation list that are not recorded here"));
    }
    if let Some(due) = authority.list.next_update.filter(|due| *due < now) {
        lines.push(format!(
            "the revocation list was due on {due}: write it anew with 'kmip-app client-cert crl'"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_revoked_is_that_above_all() {
        let now = DateTime(100);
        for (revoked, not_after, expected) in [
            (None, 101, "valid"),
            (None, 100, "valid"),
            (None, 99, "expired"),
            (Some(DateTime(5)), 101, "revoked"),
            (Some(DateTime(5)), 99, "revoked"),
        ] {
            assert_eq!(state(revoked, DateTime(not_after), now), expected);
        }
    }
}
