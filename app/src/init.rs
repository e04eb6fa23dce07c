//! `kmip-app init`: everything a development server needs, in one directory.
//!
//! Nothing is ever overwritten: what is there stays, and is an error.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use kmip_host::{SystemClock, secret_file, together};
use kmip_model::{DateTime, Material};
use kmip_ports::clock::Clock as _;
use kmip_x509::{CertificateAuthority, Described};

use crate::{
    client::ClientConfig,
    client_cert,
    config::{Address, Config, Listen, ListenAdmin, ListenKmip, RootKey, Storage},
    report::Report,
    serve,
    wire::storage::{self, Creation},
};

/// What `init` makes.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The directory, which is made.
    pub directory: PathBuf,
    /// Where the server will listen.
    #[arg(long, default_value = "127.0.0.1:5696")]
    pub address: SocketAddr,
    /// A client to make a certificate for; may be repeated [default: client].
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
}

/// The client that gets a certificate if none is named.
pub(crate) const DEFAULT_CLIENT: &str = "client";

/// Makes the directory and says what is in it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    make(arguments)?;
    let directory = arguments.directory.display();
    println!("made {directory}: certificates in pki/, kmip-app.toml, client.toml, root.key, store");
    println!("serve:  kmip-app serve --config {directory}/kmip-app.toml");
    println!("use:    kmip-app client --config {directory}/client.toml query");
    Ok(())
}

/// Makes the directory.
///
/// # Errors
/// If something is there already, or cannot be written.
pub fn make(arguments: &Arguments) -> Result<(), Report> {
    let directory = &arguments.directory;
    let clients = if arguments.clients.is_empty() {
        vec![DEFAULT_CLIENT.to_owned()]
    } else {
        arguments.clients.clone()
    };
    for name in &clients {
        check_name(name)?;
    }
    let config_file = directory.join("kmip-app.toml");
    if config_file.exists() {
        return Err(Report::new(format!("{} is there already", config_file.display())));
    }
    let pki = directory.join("pki");
    let begun = pki.join("ca.crt");
    if begun.exists() {
        return Err(Report::new(format!(
            "{} is there already, and {} is not: an interrupted init may have left them; remove {}, \
             if nothing else has come of it, or name another directory",
            begun.display(),
            config_file.display(),
            directory.display()
        )));
    }
    for path in [directory, &pki] {
        secret_file::create_directory(path)?;
    }
    certificates(&pki, arguments.address, &clients, SystemClock::default().now())?;
    let first = clients.first().map_or(DEFAULT_CLIENT, String::as_str);
    let client = ClientConfig {
        address: arguments.address.to_string(),
        ca: "pki/ca.crt".into(),
        cert: format!("pki/{first}.crt").into(),
        key: format!("pki/{first}.key").into(),
        kmip_version: None,
    };
    write(&directory.join("client.toml"), client.to_toml().as_bytes())?;
    make_store(directory)?;
    // The configuration comes last: where it is, everything is.
    write(&config_file, configuration(arguments.address).to_toml().as_bytes())
}

/// Returns the configuration of a development server, paths relative to its directory.
fn configuration(address: SocketAddr) -> Config {
    Config {
        development: true,
        listen: Listen {
            kmip: ListenKmip {
                address: address.into(),
                certificate: Some("pki/server.crt".into()),
                key: Some("pki/server.key".into()),
                client_ca: Some("pki/ca.crt".into()),
                crls: vec!["pki/ca.crl".into()],
                ..ListenKmip::default()
            },
            admin: ListenAdmin { address: beside(address), ..ListenAdmin::default() },
        },
        storage: Storage { url: "sqlite:kmip-app.db".to_owned(), ..Storage::default() },
        root_key: RootKey { file: Some("root.key".to_owned()), ..RootKey::default() },
        ..Config::default()
    }
}

/// Returns where the admin port of a development server is: on the next port, so that two servers
/// that do not want the same port for KMIP do not want the same one here.
fn beside(address: SocketAddr) -> Address {
    let port = if address.port() == 0 { 0 } else { address.port().checked_add(1).unwrap_or(0) };
    Address::new("127.0.0.1", port)
}

/// Makes the root key and an empty store under it.
fn make_store(directory: &Path) -> Result<(), Report> {
    let url = format!("sqlite:{}", directory.join("kmip-app.db").display());
    let config = Config {
        development: true,
        storage: Storage { url, ..Storage::default() },
        root_key: RootKey {
            file: Some(directory.join("root.key").display().to_string()),
            ..RootKey::default()
        },
        ..Config::default()
    };
    serve::runtime()?.block_on(async {
        storage::Storage::open(&config, Creation::Asked).await?.close().await;
        Ok(())
    })
}

fn certificates(
    pki: &Path,
    address: SocketAddr,
    clients: &[String],
    now: DateTime,
) -> Result<(), Report> {
    let authority = CertificateAuthority::create("kmip-app development CA", now)?;
    save(pki, "ca", authority.certificate(), &authority.key())?;
    let mut names: Vec<String> =
        ["localhost", "127.0.0.1", "::1"].into_iter().map(str::to_owned).collect();
    let host = address.ip().to_string();
    if !address.ip().is_unspecified() && !names.contains(&host) {
        names.push(host);
    }
    let mut issued = vec![("server", authority.issue_server(&names, now)?)];
    for name in clients {
        issued.push((name, authority.issue_client(name, now)?));
    }
    let described: Vec<Described> =
        issued.iter().map(|(_, issued)| issued.certified.described.clone()).collect();
    // Recorded first, so that nothing is in use that is not.
    client_cert::begin(&authority, &pki.join("ca.crt"), &described, now)?;
    issued
        .iter()
        .try_for_each(|(name, issued)| save(pki, name, &issued.certified.certificate, &issued.key))
}

/// Writes a key and its certificate, or neither.
fn save(pki: &Path, name: &str, certificate: &str, key: &Material) -> Result<(), Report> {
    let certificate = Material::from(certificate.as_bytes());
    let [key_file, certificate_file] =
        ["key", "crt"].map(|extension| pki.join(format!("{name}.{extension}")));
    Ok(together::create(&[(&key_file, key), (&certificate_file, &certificate)])?)
}

/// Writes a new file, for its owner only.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Report> {
    Ok(secret_file::create(path, &Material::from(bytes))?)
}

/// Refuses client names that are no file names, or names of other files here.
pub(crate) fn check_name(name: &str) -> Result<(), Report> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-@ ".contains(c));
    let reserved = matches!(name, "ca" | "server");
    if name.is_empty() || name.starts_with('.') || !letters || reserved {
        return Err(Report::new(format!(
            "{name:?} cannot name a client here: use letters, digits, '.', '_', '-', '@'"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        for name in ["", "..", "../a", "a/b", "ca", "server", ".hidden"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("client-1@example.com").is_ok());
    }

    #[test]
    fn the_admin_port_is_the_next_one() {
        for (kmip, admin) in [
            ("127.0.0.1:5696", "127.0.0.1:5697"),
            ("0.0.0.0:7000", "127.0.0.1:7001"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:65535", "127.0.0.1:0"),
        ] {
            assert_eq!(beside(kmip.parse().unwrap()).to_string(), admin);
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        let arguments = Arguments {
            directory: parent.path().join("a"),
            address: "127.0.0.1:0".parse().unwrap(),
            clients: Vec::new(),
        };
        make(&arguments).unwrap();
        let key = std::fs::read(arguments.directory.join("root.key")).unwrap();
        assert!(make(&arguments).is_err());
        assert_eq!(std::fs::read(arguments.directory.join("root.key")).unwrap(), key);
        // Nor where it was interrupted, and it says so.
        std::fs::remove_file(arguments.directory.join("kmip-app.toml")).unwrap();
        let said = make(&arguments).unwrap_err().to_string();
        assert!(said.contains("an interrupted init may have left them"), "{said}");
        assert_eq!(std::fs::read(arguments.directory.join("root.key")).unwrap(), key);
    }
}
