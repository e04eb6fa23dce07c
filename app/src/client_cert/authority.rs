//! The authority that a command works with: its files, its record, its revocation list.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use kmip_host::secret_file;
use kmip_model::{DateTime, Principal};
use kmip_x509::{CertificateAuthenticator, CertificateAuthority, RevocationList};

use super::record::{self, Record};
use crate::{
    cli::ConfigArguments,
    config::{self, Config},
    report::Report,
    wire::identity,
};

/// Which authority.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuthorityArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The CA's certificate, PEM [default: listen.kmip.client_ca].
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// The CA's private key, PEM, mode 0600 [default: the name of its certificate with .key].
    #[arg(long, value_name = "FILE")]
    ca_key: Option<PathBuf>,
    /// The CA's revocation list [default: the one of listen.kmip.crls that is the CA's].
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
}

/// Where its revocation list is, and whether the server looks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListPlace {
    pub(crate) path: PathBuf,
    pub(crate) configured: bool,
}

/// An authority that nobody else works with meanwhile.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) ca: CertificateAuthority,
    pub(crate) certificate: PathBuf,
    pub(crate) config: Config,
    pub(crate) record: Record,
    pub(crate) list: RevocationList,
    pub(crate) list_place: ListPlace,
    authenticator: CertificateAuthenticator,
    /// Two commands at once would each forget what the other one wrote.
    _lock: File,
}

impl Authority {
    /// Opens the authority that is meant.
    pub(crate) fn open(arguments: &AuthorityArguments) -> Result<Self, Report> {
        let config = configuration(arguments)?;
        let certificate = arguments
            .ca_certificate
            .clone()
            .or_else(|| config.listen.kmip.client_ca.clone())
            .ok_or_else(|| {
                Report::new("there is no CA: set listen.kmip.client_ca, or give --ca-certificate")
            })?;
        let key = arguments.ca_key.clone().unwrap_or_else(|| certificate.with_extension("key"));
        let lock = lock(&certificate)?;
        let pem = fs::read_to_string(&certificate).map_err(|error| wrong(&certificate, &error))?;
        let secret = secret_file::read(&key).map_err(|error| {
            Report::new(format!(
                "the private key of the CA is needed: {}; --ca-key says where it is",
                Report::from(error)
            ))
        })?;
        let ca = CertificateAuthority::load(&pem, &secret).map_err(|error| {
            Report::new(format!("{}, {}: {error}", certificate.display(), key.display()))
        })?;
        let (list_place, list) = find_list(arguments, &config, &certificate, &ca)?;
        Ok(Self {
            record: Record::read(&record::beside(&certificate))?,
            authenticator: CertificateAuthenticator::reading(identity::reading(&config.auth)),
            ca,
            certificate,
            config,
            list,
            list_place,
            _lock: lock,
        })
    }

    /// Says who the server takes the holder of a certificate for.
    pub(crate) fn user(&self, der: &[u8]) -> Result<Principal, Report> {
        self.authenticator.principal(der).map_err(|error| {
            Report::new(format!("the server would not know who has this certificate: {error}"))
        })
    }

    /// Writes the record.
    pub(crate) fn save(&self) -> Result<(), Report> {
        self.record.write(&record::beside(&self.certificate))
    }

    /// Says since when a certificate is revoked: the list is what counts, the record what is left
    /// if that is lost.
    pub(crate) fn revoked(&self, entry: &record::Entry) -> Option<DateTime> {
        self.list.since(&entry.serial.content()).or(entry.revoked)
    }

    /// Writes the next revocation list, and notes its number first: no two lists have the same.
    pub(crate) fn write_list(&mut self, days: u32, now: DateTime) -> Result<(), Report> {
        let next = self.record.next_list(&self.list);
        let pem = self.ca.sign_list(&next, days, now)?;
        self.record.last_list = next.number;
        self.save()?;
        record::replace(&self.list_place.path, pem.as_bytes(), 0o644)?;
        self.list = self.ca.read_list(pem.as_bytes())?;
        Ok(())
    }
}

/// Reads the configuration; with the authority given, there need not be one.
fn configuration(arguments: &AuthorityArguments) -> Result<Config, Report> {
    let named = arguments.config.config.is_some() || arguments.config.pykmip_config.is_some();
    if !named && arguments.ca_certificate.is_some() && !Path::new(config::SYSTEM_PATH).exists() {
        return Ok(Config::load(None, &arguments.config.set)?);
    }
    arguments.config.load()
}

fn lock(certificate: &Path) -> Result<File, Report> {
    let file = File::open(certificate).map_err(|error| wrong(certificate, &error))?;
    file.lock().map_err(|error| wrong(certificate, &error))?;
    Ok(file)
}

fn wrong(path: &Path, error: &io::Error) -> Report {
    Report::new(format!("{}: {error}", path.display()))
}

/// Finds the authority's list among those that the server reads; without one it is beside the
/// authority.
fn find_list(
    arguments: &AuthorityArguments,
    config: &Config,
    certificate: &Path,
    ca: &CertificateAuthority,
) -> Result<(ListPlace, RevocationList), Report> {
    let configured = &config.listen.kmip.crls;
    let read = |path: &Path| -> Result<RevocationList, Report> {
        match fs::read(path) {
            Ok(bytes) => ca
                .read_list(&bytes)
                .map_err(|error| Report::new(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(RevocationList::default()),
            Err(error) => Err(wrong(path, &error)),
        }
    };
    let place = |path: &Path| ListPlace {
        path: path.to_owned(),
        configured: configured.iter().any(|listed| listed == path),
    };
    if let Some(path) = &arguments.crl {
        return Ok((place(path), read(path)?));
    }
    match configured.as_slice() {
        [] => {
            let path = certificate.with_extension("crl");
            Ok((place(&path), read(&path)?))
        }
        [only] => Ok((place(only), read(only)?)),
        several => several
            .iter()
            .filter(|path| path.exists())
            .find_map(|path| Some((place(path), read(path).ok()?)))
            .ok_or_else(|| {
                Report::new("none of listen.kmip.crls is the list of this CA; --crl says which is")
            }),
    }
}
