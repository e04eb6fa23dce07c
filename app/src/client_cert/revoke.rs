//! `kmip-app client-cert revoke` and `crl`: the list of who is shut out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use kmip_model::DateTime;
use kmip_x509::{LIST_DAYS, Revoked};

use super::{Authority, AuthorityArguments, Entry, certificates, record::Serial};
use crate::report::Report;

/// What is revoked.
#[derive(Args, Debug)]
pub(crate) struct RevokeArguments {
    /// The name that it was issued to, its serial number, or the file with the certificate.
    #[arg(value_name = "NAME|SERIAL|FILE")]
    what: String,
    /// Why; it is on the list for everybody to read.
    #[arg(long, value_enum)]
    reason: Option<Reason>,
    /// Revoke a serial number that is not recorded here.
    #[arg(long)]
    unrecorded: bool,
    #[command(flatten)]
    list: ListArguments,
}

/// The list that is written.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    authority: AuthorityArguments,
    /// For how many days the revocation list is current.
    #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    crl_days: u32,
}

/// Why a certificate is revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    KeyCompromise = 1,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,
    PrivilegeWithdrawn = 9,
}

/// Puts a certificate on the list.
pub(super) fn revoke(arguments: &RevokeArguments, now: DateTime) -> Result<(), Report> {
    let mut authority = Authority::open(&arguments.list.authority)?;
    let entry = find(&authority, arguments, now)?;
    let serial_number = entry.serial.content();
    let who = if entry.name.is_empty() { "a certificate".to_owned() } else { entry.name.clone() };
    let before = authority.list.since(&serial_number);
    if before.is_none() {
        authority.list.entries.push(Revoked {
            serial_number,
            since: now,
            reason: arguments.reason.map_or(0, |reason| reason as u8),
        });
    }
    authority.record.revoke(&entry, before.unwrap_or(now));
    // Recorded first: if this is interrupted, the next list has it.
    authority.save()?;
    if let Some(since) = before {
        println!("{who}, serial number {}, is revoked since {since}", entry.serial);
        tell_of_configuration(&authority);
        return Ok(());
    }
    authority.write_list(arguments.list.crl_days, now)?;
    println!("revoked {who}, serial number {}", entry.serial);
    tell_of_list(&authority);
    Ok(())
}

/// Writes the list anew.
pub(super) fn renew(arguments: &ListArguments, now: DateTime) -> Result<(), Report> {
    let mut authority = Authority::open(&arguments.authority)?;
    authority.write_list(arguments.crl_days, now)?;
    tell_of_list(&authority);
    Ok(())
}

/// Finds the certificate that is meant.
fn find(
    authority: &Authority,
    arguments: &RevokeArguments,
    now: DateTime,
) -> Result<Entry, Report> {
    let what = arguments.what.as_str();
    let named: Vec<&Entry> =
        authority.record.entries.iter().filter(|entry| entry.name == what).collect();
    if !named.is_empty() {
        return one_of(authority, what, &named, now);
    }
    let path = Path::new(what);
    if path.is_file() {
        return in_file(authority, path);
    }
    if let Some(serial) = Serial::parse(what) {
        if let Some(entry) = authority.record.find(&serial) {
            return Ok(entry.clone());
        }
        if arguments.unrecorded {
            return Ok(unrecorded(serial));
        }
    }
    // What was issued before there was a record is beside the CA.
    for file in [format!("{what}.crt"), format!("{what}.pem")] {
        let path = authority.certificate.with_file_name(file);
        if !what.contains('/') && path.is_file() {
            return in_file(authority, &path);
        }
    }
    Err(Report::new(format!(
        "no certificate of {what:?} is recorded, and there is no such file; 'kmip-app client-cert list' \
         shows what is recorded, and --unrecorded takes any serial number"
    )))
}

/// Finds the one certificate of a name that is not revoked.
fn one_of(
    authority: &Authority,
    name: &str,
    named: &[&Entry],
    now: DateTime,
) -> Result<Entry, Report> {
    let valid = |entry: &&&Entry| entry.not_after >= now && authority.revoked(entry).is_none();
    let left: Vec<&&Entry> = named.iter().filter(valid).collect();
    match (left.as_slice(), named) {
        ([only], _) => Ok((**only).clone()),
        // There is nothing left to do, and that is said.
        ([], [.., last]) => Ok((*last).clone()),
        (several, _) => {
            let serials: Vec<String> = several.iter().map(|it| it.serial.to_string()).collect();
            Err(Report::new(format!(
                "{name} has {} valid certificates: revoke each that is meant by its serial number: {}",
                serials.len(),
                serials.join(", ")
            )))
        }
    }
}

fn in_file(authority: &Authority, path: &Path) -> Result<Entry, Report> {
    let wrong = |error: &dyn std::fmt::Display| Report::new(format!("{}: {error}", path.display()));
    let bytes = fs::read(path).map_err(|error| wrong(&error))?;
    let described = authority.ca.recognise(&bytes).map_err(|error| wrong(&error))?;
    Ok(Entry::from(&described))
}

fn unrecorded(serial: Serial) -> Entry {
    Entry {
        serial,
        not_after: DateTime::parse("9999-12-31").unwrap_or(DateTime::MAX),
        revoked: None,
        name: String::new(),
        subject: String::new(),
    }
}

fn tell_of_list(authority: &Authority) {
    let due = authority.list.next_update.map_or_else(String::new, |due| format!(", due on {due}"));
    println!(
        "{}: list number {} with {}{due}",
        authority.list_place.path.display(),
        authority.list.number,
        certificates(authority.list.entries.len())
    );
    tell_of_configuration(authority);
}

/// Says when the list takes effect, or what is missing for that.
fn tell_of_configuration(authority: &Authority) {
    if authority.list_place.configured {
        println!("it takes effect when the server reads its revocation lists again");
    } else {
        let path = absolute(&authority.list_place.path);
        println!(
            "the server does not look there: set listen.kmip.crls = [\"{}\"] in its configuration; \
             it takes effect when the server reads that again",
            path.display()
        );
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
