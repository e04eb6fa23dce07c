//! `kmip-app client`: a small command-line client for any KMIP server.
//!
//! One command is one request on one connection. Key material is printed for `get` only, because
//! only there it was asked for.

mod commands;
mod config;
pub(crate) mod connection;
mod names;
mod output;
mod register;
mod request;
mod value;

use std::{fmt, io::Write as _, path::PathBuf, time::Duration};

use clap::Args;
use kmip_model::{
    Material, UniqueIdentifier,
    enumeration::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType},
    object::Object,
};
use kmip_operations::ops::{Response, get};

use self::{
    commands::{Command, Create, Get, Locate},
    connection::{Connection, Patience},
};
pub(crate) use self::{
    config::{ClientConfig, ProtocolVersion},
    output::{object_in_words, printable},
};
use crate::report::Report;

/// What the client is to do, and with which server.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// The heading under which `--help` lists what every command takes.
const SERVER: &str = "Server";

/// Which server, and as whom: a file, options, or options above a file.
#[derive(Args, Clone, Debug, Default)]
struct ServerArguments {
    /// The client's configuration file; it may hold what the next five options say.
    #[arg(long, value_name = "FILE", global = true, help_heading = SERVER)]
    config: Option<PathBuf>,
    /// The server: HOST:PORT; the port is 5696 if left out.
    #[arg(long, value_name = "HOST:PORT", global = true, help_heading = SERVER)]
    address: Option<String>,
    /// The authority that issued the server's certificate, PEM.
    #[arg(long, value_name = "FILE", global = true, help_heading = SERVER)]
    ca: Option<PathBuf>,
    /// The client's certificate chain, PEM.
    #[arg(long, value_name = "FILE", global = true, help_heading = SERVER)]
    cert: Option<PathBuf>,
    /// The client's private key, PEM, readable by its owner only.
    #[arg(long, value_name = "FILE", global = true, help_heading = SERVER)]
    key: Option<PathBuf>,
    /// The protocol version to speak, 1.0 to 2.1 [default: 1.4, which most servers know].
    #[arg(long, value_name = "VERSION", global = true, help_heading = SERVER)]
    kmip_version: Option<ProtocolVersion>,
    /// How long to try to connect.
    #[arg(long, value_name = "SECONDS", default_value = "10", global = true, help_heading = SERVER,
          value_parser = clap::value_parser!(u64).range(1..))]
    connect_timeout: u64,
    /// How long to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value = "60", global = true, help_heading = SERVER,
          value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl ServerArguments {
    /// Puts file and options together; options win.
    fn config(&self) -> Result<ClientConfig, Report> {
        let file = self.config.as_deref().map(ClientConfig::load).transpose()?;
        let version = file.as_ref().and_then(|file| file.kmip_version);
        let (address, ca, cert, key) = match file {
            Some(file) => (Some(file.address), Some(file.ca), Some(file.cert), Some(file.key)),
            None => (None, None, None, None),
        };
        let missing = |option: &str| {
            Report::new(format!(
                "{option} is not given; give --config FILE, or all of --address, --ca, --cert, --key"
            ))
        };
        Ok(ClientConfig {
            address: self.address.clone().or(address).ok_or_else(|| missing("--address"))?,
            ca: self.ca.clone().or(ca).ok_or_else(|| missing("--ca"))?,
            cert: self.cert.clone().or(cert).ok_or_else(|| missing("--cert"))?,
            key: self.key.clone().or(key).ok_or_else(|| missing("--key"))?,
            kmip_version: self.kmip_version.or(version),
        })
    }

    fn patience(&self) -> Patience {
        Patience {
            connect: Duration::from_secs(self.connect_timeout),
            answer: Duration::from_secs(self.timeout),
        }
    }
}

/// Sends one request and prints what came of it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let config = arguments.server.config()?;
    // What is wrong with the command is said before a server is bothered.
    let request = arguments.command.request(config.version())?;
    let mut connection = Connection::open(&config, arguments.server.patience())?;
    let response = connection.ask(request)?;
    let output = match (&arguments.command, &response) {
        (Command::Get(Get { output: Some(file), .. }), Response::Get(response)) => {
            output::save(response, file)?
        }
        _ => output::of(&response),
    };
    let text = if arguments.json { output.to_json() } else { output.to_table() };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The name of the key that a development server begins with.
const FIRST_KEY: &str = "first-key";

/// A key that came back from a server.
#[derive(Debug)]
pub(crate) struct FirstKey {
    /// Unique Identifier.
    pub(crate) unique_identifier: UniqueIdentifier,
    /// Name.
    pub(crate) name: &'static str,
    /// Cryptographic Algorithm.
    pub(crate) cryptographic_algorithm: CryptographicAlgorithm,
    /// Cryptographic Length, in bits.
    pub(crate) cryptographic_length: i32,
    /// The key itself.
    pub(crate) material: Material,
}

impl fmt::Display for FirstKey {
    /// Shows all of it: the key is there to be seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a first key, made by this server and got back over TLS:")?;
        writeln!(f, "  identifier  {}", self.unique_identifier)?;
        writeln!(f, "  name        {}", self.name)?;
        writeln!(
            f,
            "  kind        {} {}",
            self.cryptographic_algorithm, self.cryptographic_length
        )?;
        write!(f, "  material    {}", value::hex(self.material.expose()))
    }
}

/// Gets the first key of a development server, which is made if it is not there.
pub(crate) fn first_key(config: &ClientConfig) -> Result<FirstKey, Report> {
    let mut connection = Connection::open(config, Patience::default())?;
    let version = config.version();
    let query = Locate {
        name: Some(FIRST_KEY.to_owned()),
        object_type: Some(ObjectType::SymmetricKey),
        maximum: Some(1),
        ..Locate::default()
    };
    let found = match connection.ask(query.request())? {
        Response::Locate(response) => response.unique_identifiers.into_iter().next(),
        _ => None,
    };
    let identifier = if let Some(identifier) = found {
        identifier
    } else {
        let create = Create {
            algorithm: CryptographicAlgorithm::Aes,
            length: 256,
            name: vec![FIRST_KEY.to_owned()],
            usage: vec![CryptographicUsageMask::ENCRYPT, CryptographicUsageMask::DECRYPT],
            object_group: None,
        };
        match connection.ask(create.request())? {
            Response::Create(response) => response.unique_identifier,
            _ => return Err(Report::new("the server did not answer Create")),
        }
    };
    let get = Get { identifier: identifier.to_string(), format: None, output: None };
    match connection.ask(get.request(version))? {
        Response::Get(response) => shown(response),
        _ => Err(Report::new("the server did not answer Get")),
    }
}

fn shown(response: get::Response) -> Result<FirstKey, Report> {
    let no_key = || Report::new(format!("what is named {FIRST_KEY} is not a symmetric key"));
    let Object::SymmetricKey(key_block) = &response.object else {
        return Err(no_key());
    };
    let material = output::bytes_of(&response.object).ok_or_else(no_key)?;
    Ok(FirstKey {
        unique_identifier: response.unique_identifier,
        name: FIRST_KEY,
        cryptographic_algorithm: key_block.cryptographic_algorithm.ok_or_else(no_key)?,
        cryptographic_length: key_block.cryptographic_length.ok_or_else(no_key)?,
        material: material.into(),
    })
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        enumeration::KeyFormatType,
        object::{KeyBlock, KeyMaterial},
    };

    use super::*;

    #[test]
    fn options_win_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("client.toml");
        std::fs::write(
            &file,
            "address = \"a:1\"\nca = \"ca\"\ncert = \"cert\"\nkey = \"key\"\nkmip_version = \"2.0\"\n",
        )
        .unwrap();
        let arguments = ServerArguments {
            config: Some(file),
            address: Some("b:2".to_owned()),
            ..ServerArguments::default()
        };
        let config = arguments.config().unwrap();
        assert_eq!(config.address, "b:2");
        assert_eq!(config.ca, directory.path().join("ca"));
        assert_eq!(config.version().to_string(), "2.0");
    }

    #[test]
    fn without_a_file_all_four_options_are_needed() {
        let arguments =
            ServerArguments { address: Some("a".to_owned()), ..ServerArguments::default() };
        let error = arguments.config().unwrap_err().to_string();
        assert!(error.starts_with("--ca is not given"), "{error}");
    }

    #[test]
    fn the_first_key_is_shown_whole() {
        let response = get::Response {
            object_type: ObjectType::SymmetricKey,
            unique_identifier: UniqueIdentifier::new("id-1"),
            object: Object::SymmetricKey(KeyBlock {
                cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
                cryptographic_length: Some(16),
                ..KeyBlock::plain(KeyFormatType::Raw, KeyMaterial::Bytes(vec![0xAB, 0x01].into()))
            }),
        };
        let text = shown(response).unwrap().to_string();
        for part in ["id-1", "first-key", "AES 16", "ab01"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
