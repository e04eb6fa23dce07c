//! The command line.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

#[cfg(feature = "import-pykmip")]
use crate::import;
use crate::{
    account,
    builder::{Builder, Prepared},
    client, client_cert,
    config::{self, Config},
    control::commands as control,
    decode, dev, doctor, init, log,
    pykmip::{self, config::Surroundings},
    pykmip_server,
    report::Report,
    root_key_verbs, serve,
    server::Server,
};

/// A KMIP key-management server.
#[derive(Debug, Parser)]
#[command(name = "kmip-app", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a directory with a development CA, certificates, configuration, root key and store.
    Init(init::Arguments),
    /// Serve KMIP until SIGTERM or SIGINT.
    Serve(ServeArguments),
    /// Serve from a development directory, which is made on first use.
    Dev(dev::Arguments),
    /// Serve with the options of PyKMIP's server.
    PykmipServer(pykmip_server::Arguments),
    /// Write a backup of the store, beside a running server or without one.
    Backup(control::BackupArguments),
    /// Make the store from a backup.
    Restore(control::RestoreArguments),
    /// Read and check everything; exits with 1 if something is damaged, with 2 if that cannot be
    /// found out.
    Verify(control::VerifyArguments),
    /// Verify, print or shorten the audit trail.
    #[command(subcommand)]
    Audit(control::AuditCommand),
    /// List objects, show one, or give them to another owner.
    #[command(subcommand)]
    Object(control::ObjectCommand),
    /// Look at everything that a server needs, and at a running one as its clients see it; changes
    /// nothing, and exits with 1 if something does not work.
    Doctor(doctor::Arguments),
    /// Print the effective configuration.
    CheckConfig(ConfigArguments),
    /// Make, look at or change the key that seals the store.
    RootKey(root_key_verbs::Arguments),
    /// Make what the file of accounts needs.
    Account(account::Arguments),
    /// Make, sign, revoke and list certificates for clients.
    ClientCert(client_cert::Arguments),
    /// Take over the objects of another server.
    #[cfg(feature = "import-pykmip")]
    Import(import::Arguments),
    /// Turn the configuration of another server into one of ours.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Talk to a KMIP server.
    Client(client::Arguments),
    /// Print a TTLV message as a tree, secrets blanked.
    Decode(decode::Arguments),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the configuration that means the same as PyKMIP's.
    FromPykmip {
        /// PyKMIP's configuration file.
        #[arg(default_value = pykmip::SYSTEM_PATH)]
        file: PathBuf,
    },
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArguments {
    /// The configuration file [default: /etc/kmip-app/kmip-app.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Use the configuration file of PyKMIP's server instead [without FILE:
    /// /etc/pykmip/server.conf].
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = pykmip::SYSTEM_PATH,
        conflicts_with = "config"
    )]
    pub(crate) pykmip_config: Option<PathBuf>,
    /// Set one key, as in --set log.level=debug; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
struct ServeArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Make the store if it is missing, even though its root key or directory exists.
    #[arg(long)]
    create_store: bool,
}

impl ConfigArguments {
    pub(crate) fn load(&self) -> Result<Config, Report> {
        Ok(self.prepare()?.config)
    }

    /// Returns the file that most of it is in.
    fn file(&self) -> PathBuf {
        let file = self.pykmip_config.as_ref().or(self.config.as_ref());
        file.cloned().unwrap_or_else(|| PathBuf::from(config::SYSTEM_PATH))
    }

    /// Reads the configuration, and what should be known about it.
    fn prepare(&self) -> Result<Prepared, Report> {
        if let Some(file) = &self.pykmip_config {
            let builder = Server::builder().config_path(file);
            return self.set.iter().fold(builder, Builder::set).prepare();
        }
        Ok(Config::load(Some(&self.file()), &self.set)?.into())
    }
}

/// Reads a command line, the program's name first, and does nothing else: what documents show can be
/// checked without being run.
///
/// # Errors
/// What the program would say instead of running it.
pub fn read(words: &[String]) -> Result<(), String> {
    Cli::try_parse_from(words).map(|_| ()).map_err(|error| error.to_string())
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(report) => {
            eprintln!("kmip-app: {report}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Report> {
    match command {
        Command::Backup(arguments) => return control::back_up(&arguments),
        Command::Restore(arguments) => return control::restore(&arguments),
        Command::Verify(arguments) => return Ok(control::verify(&arguments)),
        Command::Audit(command) => return control::audit(&command),
        Command::Object(command) => return control::object(&command),
        Command::Init(arguments) => init::run(&arguments),
        Command::Serve(arguments) => {
            let config = arguments.config.clone();
            let file = config.file();
            serve::run(move || config.prepare(), Some(file), arguments.create_store)
        }
        Command::Dev(arguments) => dev::run(&arguments),
        Command::PykmipServer(arguments) => pykmip_server::run(&arguments),
        Command::Config(ConfigCommand::FromPykmip { file }) => from_pykmip(&file),
        Command::CheckConfig(arguments) => {
            let config = arguments.load()?;
            log::check(&config.log)?;
            crate::wire::check(&config)?;
            print!("{}", config.to_toml());
            Ok(())
        }
        Command::Doctor(arguments) => return doctor::run(&arguments),
        Command::RootKey(arguments) => return root_key_verbs::run(&arguments),
        Command::Account(arguments) => account::run(&arguments),
        Command::ClientCert(arguments) => client_cert::run(&arguments),
        #[cfg(feature = "import-pykmip")]
        Command::Import(arguments) => import::run(&arguments),
        Command::Client(arguments) => client::run(&arguments),
        Command::Decode(arguments) => decode::run(&arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Prints our configuration for PyKMIP's, what should be known about it as comments above.
fn from_pykmip(file: &Path) -> Result<(), Report> {
    let settings = pykmip::read(file)?.complete()?;
    let translated = pykmip::config::translate(&settings, &Surroundings::of_process())?;
    println!("# From {}.", file.display());
    for note in &translated.notes {
        println!("# {}", note.text());
    }
    println!();
    print!("{}", translated.config.to_toml());
    Ok(())
}
