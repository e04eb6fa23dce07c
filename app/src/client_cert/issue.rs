//! `kmip-app client-cert issue` and `sign`: certificates, recorded before they are written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use kmip_host::{
    secret_file,
    together::{self, NewFile},
};
use kmip_model::{DateTime, Material};
use kmip_x509::{
    CertificationRequest, Certified, Client, KeyKind,
    issue::{AlternativeName, LEAF_DAYS},
};
use zeroize::Zeroizing;

use super::{Authority, AuthorityArguments, Entry, write};
use crate::{
    client::printable, config::UserFrom, init::check_name, progress::Progress, report::Report,
};

/// The largest request that is read, in bytes.
const LONGEST_REQUEST: u64 = 65_536;

/// What is issued.
#[derive(Args, Debug)]
pub(crate) struct IssueArguments {
    /// The clients. The name is the Common Name, and the name of the files.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    authority: AuthorityArguments,
    /// The kind of the keys; RSA is for clients that know no other.
    #[arg(long, value_enum, default_value = "p256")]
    key_type: KeyType,
    #[command(flatten)]
    details: Details,
    /// Write NAME-bundle.pem too: certificate, chain and key in one file, as some clients want them.
    #[arg(long)]
    bundle: bool,
}

/// What is signed.
#[derive(Args, Debug)]
pub(crate) struct SignArguments {
    /// The certification request (PKCS#10), PEM or DER. Its key and its Common Name are taken, and
    /// nothing else.
    csr: PathBuf,
    #[command(flatten)]
    authority: AuthorityArguments,
    /// The Common Name, in place of the request's.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    details: Details,
}

/// What is the same for both.
#[derive(Args, Debug)]
struct Details {
    /// For how many days it is valid.
    #[arg(long, default_value_t = LEAF_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The Organizational Unit: the group, where auth.groups_from is "ou".
    #[arg(long)]
    unit: Option<String>,
    /// The directory to write to [default: that of the CA's certificate, or of the request].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The kind of a key, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyType {
    P256,
    P384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl KeyType {
    fn kind(self) -> KeyKind {
        match self {
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
            Self::Rsa2048 => KeyKind::Rsa2048,
            Self::Rsa3072 => KeyKind::Rsa3072,
            Self::Rsa4096 => KeyKind::Rsa4096,
        }
    }
}

/// The files of one client.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    bundle: PathBuf,
}

impl Files {
    fn of(directory: &Path, name: &str) -> Self {
        let file = |end: &str| directory.join(format!("{name}{end}"));
        Self { certificate: file(".pem"), key: file(".key"), bundle: file("-bundle.pem") }
    }

    /// Lists them as they appear. The certificate is the last: where it is, its key is.
    fn in_order(&self) -> [&Path; 3] {
        [&self.bundle, &self.key, &self.certificate]
    }
}

/// Makes keys and certificates.
pub(super) fn issue(arguments: &IssueArguments, now: DateTime) -> Result<(), Report> {
    let mut authority = Authority::open(&arguments.authority)?;
    let beside = authority.certificate.parent().unwrap_or(Path::new("")).to_owned();
    let directory = arguments.details.out.clone().unwrap_or(beside);
    // What cannot be done is said before anything is.
    for (name, place) in arguments.names.iter().zip(0_usize..) {
        check_name(name)?;
        if arguments.names.iter().take(place).any(|other| other == name) {
            return Err(Report::new(format!("{name} is named twice")));
        }
        let files = Files::of(&directory, name);
        // What a command has left that was killed blocks nobody.
        together::clear(&files.in_order())?;
        free(&files.certificate)?;
        free(&files.key)?;
        if arguments.bundle {
            free(&files.bundle)?;
        }
    }
    if !directory.as_os_str().is_empty() {
        secret_file::create_directory(&directory)?;
    }
    let mut progress = Progress::on_terminal();
    let total = u64::try_from(arguments.names.len()).unwrap_or(u64::MAX);
    for (name, done) in arguments.names.iter().zip(0..) {
        progress.tell("issuing", done, total);
        let said = issue_one(&mut authority, arguments, &Files::of(&directory, name), name, now)?;
        progress.end();
        print!("{said}");
    }
    Ok(())
}

/// Makes the key and certificate of one client, and says what it has made.
fn issue_one(
    authority: &mut Authority,
    arguments: &IssueArguments,
    files: &Files,
    name: &str,
    now: DateTime,
) -> Result<String, Report> {
    let client = client(authority, name, &arguments.details);
    let issued = authority.ca.issue_client_with(&client, arguments.key_type.kind(), now)?;
    let mut said = record(authority, &issued.certified, now)?;
    let chain = chain(authority, &issued.certified);
    let certificate = Material::from(chain.as_bytes());
    let bundle = Zeroizing::new([issued.key.expose(), chain.as_bytes()].concat());
    let bundle = Material::from(bundle.as_slice());
    // The certificate comes last: one that is there has its key.
    let bundled: NewFile<'_> = (&files.bundle, &bundle);
    let pair: [NewFile<'_>; 2] = [(&files.key, &issued.key), (&files.certificate, &certificate)];
    let all: Vec<NewFile<'_>> =
        arguments.bundle.then_some(bundled).into_iter().chain(pair).collect();
    together::create(&all)?;
    said.push_str(&line(&files.certificate, "the certificate and its CA's"));
    said.push_str(&line(&files.key, "the private key"));
    if arguments.bundle {
        said.push_str(&line(&files.bundle, "all of that in one file"));
    }
    Ok(said)
}

/// Makes the certificate that a request asks for.
pub(super) fn sign(arguments: &SignArguments, now: DateTime) -> Result<(), Report> {
    let csr = &arguments.csr;
    let wrong = |error: &dyn std::fmt::Display| Report::new(format!("{}: {error}", csr.display()));
    if fs::metadata(csr).map_err(|error| wrong(&error))?.len() > LONGEST_REQUEST {
        return Err(wrong(&format!("a request has at most {LONGEST_REQUEST} bytes")));
    }
    let bytes = fs::read(csr).map_err(|error| wrong(&error))?;
    let request = CertificationRequest::parse(&bytes).map_err(|error| wrong(&error))?;
    let name = arguments.name.as_deref().or_else(|| request.common_name()).ok_or_else(|| {
        wrong(&"its subject has not exactly one Common Name; --name gives one instead")
    })?;
    let mut authority = Authority::open(&arguments.authority)?;
    let directory = match &arguments.details.out {
        Some(directory) => directory.clone(),
        None => csr.parent().unwrap_or(Path::new("")).to_owned(),
    };
    let stem = csr.file_stem().ok_or_else(|| wrong(&"it has no name"))?;
    let mut file = stem.to_owned();
    file.push(".pem");
    let file = directory.join(file);
    free(&file)?;
    if arguments.details.out.is_some() {
        secret_file::create_directory(&directory)?;
    }
    let client = client(&authority, name, &arguments.details);
    let certified = authority.ca.sign_request(&client, &request, now)?;
    let said = record(&mut authority, &certified, now)?;
    write(&file, chain(&authority, &certified).as_bytes())?;
    print!("{said}{}", line(&file, "the certificate and its CA's"));
    Ok(())
}

/// Works out what a client's certificate says, so that the server finds the user in it.
fn client(authority: &Authority, name: &str, details: &Details) -> Client {
    let alternative_name = match authority.config.auth.user_from {
        UserFrom::SanDns => Some(AlternativeName::Dns),
        UserFrom::SanEmail => Some(AlternativeName::Mail),
        UserFrom::Cn | UserFrom::Subject | UserFrom::Fingerprint => None,
    };
    Client {
        common_name: name.to_owned(),
        unit: details.unit.clone(),
        alternative_name,
        days: details.days,
    }
}

/// Records a certificate, which is not written yet, and says what it is.
fn record(
    authority: &mut Authority,
    certified: &Certified,
    now: DateTime,
) -> Result<String, Report> {
    let principal = authority.user(&certified.der)?;
    let entry = Entry::from(&certified.described);
    let others = authority.record.entries.iter().filter(|other| {
        other.name == entry.name && other.not_after >= now && authority.revoked(other).is_none()
    });
    let others: Vec<String> = others.map(|other| other.serial.to_string()).collect();
    let mut said = format!(
        "issued to user {:?}, valid until {}, serial number {}\n",
        printable(&principal.user),
        entry.not_after,
        entry.serial
    );
    if let Some(groups) = principal.groups.filter(|groups| !groups.is_empty()) {
        said.extend(["  in the groups: ", &printable(&groups.join(", ")), "\n"]);
    }
    if !others.is_empty() {
        let others = others.join(", ");
        said.extend(["  the same name has these, too, which stay valid: ", &others, "\n"]);
    }
    authority.record.entries.push(entry);
    authority.save()?;
    Ok(said)
}

/// Returns a certificate and those of its authority, PEM.
fn chain(authority: &Authority, certified: &Certified) -> String {
    format!("{}{}", certified.certificate, authority.ca.certificate())
}

fn line(path: &Path, what: &str) -> String {
    format!("  {}: {what}\n", path.display())
}

/// Refuses a file that is there already.
fn free(path: &Path) -> Result<(), Report> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(Report::new(format!(
            "{} exists already and is never replaced; --out names another directory",
            path.display()
        )));
    }
    Ok(())
}
