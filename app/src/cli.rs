//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

#[cfg(feature = "import-pykmip")]
use crate::import;
use crate::{
    account, client,
    config::{self, Config},
    dev, init, log,
    report::Report,
    serve,
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
    /// Print the effective configuration.
    CheckConfig(ConfigArguments),
    /// Make what the file of accounts needs.
    Account(account::Arguments),
    /// Take over the objects of another server.
    #[cfg(feature = "import-pykmip")]
    Import(import::Arguments),
    /// Talk to a KMIP server.
    Client(client::Arguments),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArguments {
    /// The configuration file [default: /etc/kmip-app/kmip-app.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
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
        let file = self.config.clone().unwrap_or_else(|| PathBuf::from(config::SYSTEM_PATH));
        Ok(Config::load(Some(&file), &self.set)?)
    }
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
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("kmip-app: {report}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Report> {
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Serve(arguments) => {
            let config = arguments.config.load()?;
            serve::run(&config, arguments.create_store)
        }
        Command::Dev(arguments) => dev::run(&arguments),
        Command::CheckConfig(arguments) => {
            let config = arguments.load()?;
            log::check(&config.log)?;
            crate::wire::check(&config)?;
            print!("{}", config.to_toml());
            Ok(())
        }
        Command::Account(arguments) => account::run(&arguments),
        #[cfg(feature = "import-pykmip")]
        Command::Import(arguments) => import::run(&arguments),
        Command::Client(arguments) => client::run(&arguments),
    }
}
