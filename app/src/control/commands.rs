//! The command line of what operators do.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use kmip_model::enumeration::{Enumeration, ObjectType, State};

use super::{
    asking, backup,
    objects::{SetOwner, Wanted},
    trail::{self, Export},
    verb::{Finding, Verb},
};
use crate::{cli::ConfigArguments, config::Config, report::Report, root_key_verbs::Rotate};

/// What says that it could not be found out whether something is damaged.
const NOT_DONE: u8 = 2;

/// Where a backup is written.
#[derive(Args, Debug)]
pub(crate) struct BackupArguments {
    /// A new file. The running server writes it, if there is one.
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What is restored.
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// A backup. Its root key must be the one that is configured.
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What is verified.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// A backup, in place of the store.
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What is done with the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Follow every chain; exits with 1 if one is broken, with 2 if that cannot be found out.
    Verify {
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Print events, each as a line of JSON.
    Export(ExportArguments),
    /// Remove the oldest events; what is left can still be verified.
    Prune {
        /// How old they are at least.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        older_than: u32,
        #[command(flatten)]
        config: ConfigArguments,
    },
}

/// Which events are printed.
#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// Not before this date, as in 2026-01-31 or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = |text: &str| trail::seconds(text, false))]
    from: Option<i64>,
    /// Not after this date.
    #[arg(long, value_name = "DATE", value_parser = |text: &str| trail::seconds(text, true))]
    to: Option<i64>,
    /// Only what this user did.
    #[arg(long)]
    user: Option<String>,
    /// Only what was done to this object.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What is done with objects, whoever owns them.
#[derive(Debug, Subcommand)]
pub(crate) enum ObjectCommand {
    /// List objects, the newest first.
    List(ListArguments),
    /// Show the attributes of an object.
    Show {
        /// Its Unique Identifier.
        identifier: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Give objects to another user, who can use them from then on.
    SetOwner(SetOwnerArguments),
}

/// Which objects are listed.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// Only those of this owner.
    #[arg(long)]
    owner: Option<String>,
    /// Only those in this state, as in Active.
    #[arg(long, value_parser = named::<State>)]
    state: Option<u32>,
    /// Only those of this type, as in SymmetricKey.
    #[arg(long = "type", value_name = "TYPE", value_parser = named::<ObjectType>)]
    object_type: Option<u32>,
    /// Only those with this Name.
    #[arg(long)]
    name: Option<String>,
    /// How many at most.
    #[arg(long, default_value = "1000")]
    limit: u64,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

/// Which objects are given to whom.
#[derive(Args, Debug)]
pub(crate) struct SetOwnerArguments {
    /// Unique Identifiers.
    #[arg(value_name = "ID", required_unless_present = "all_of", conflicts_with = "all_of")]
    identifiers: Vec<String>,
    /// The new owner: what the server calls the user, as a rule the certificate's common name.
    #[arg(long, value_name = "USER")]
    to: String,
    /// Give everything that this user owns.
    #[arg(long, value_name = "USER")]
    all_of: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

/// Backs up.
pub(crate) fn back_up(arguments: &BackupArguments) -> Result<ExitCode, Report> {
    let file = std::path::absolute(&arguments.file)?;
    ask(&arguments.config, Verb::Backup { file })
}

/// Restores.
pub(crate) fn restore(arguments: &RestoreArguments) -> Result<ExitCode, Report> {
    backup::restore(&arguments.config.load()?, &arguments.file).map(exit)
}

/// Verifies the store or a backup.
pub(crate) fn verify(arguments: &VerifyArguments) -> ExitCode {
    let verify = |file: Option<&Path>| match file {
        Some(file) => backup::verify_file(&arguments.config.load()?, file).map(exit),
        None => ask(&arguments.config, Verb::Verify),
    };
    or_not_done(verify(arguments.file.as_deref()))
}

/// Does something with the audit trail.
pub(crate) fn audit(command: &AuditCommand) -> Result<ExitCode, Report> {
    match command {
        AuditCommand::Verify { config } => Ok(or_not_done(ask(config, Verb::AuditVerify))),
        AuditCommand::Export(arguments) => {
            let ExportArguments { from, to, user, object, config } = arguments;
            let (user, object) = (user.clone(), object.clone());
            ask(config, Verb::AuditExport(Export { from: *from, to: *to, user, object }))
        }
        AuditCommand::Prune { older_than, config } => {
            ask(config, Verb::AuditPrune { older_than: *older_than })
        }
    }
}

/// Does something with objects.
pub(crate) fn object(command: &ObjectCommand) -> Result<ExitCode, Report> {
    match command {
        ObjectCommand::List(arguments) => {
            let wanted = Wanted {
                owner: arguments.owner.clone(),
                state: arguments.state,
                object_type: arguments.object_type,
                name: arguments.name.clone(),
                limit: Some(arguments.limit),
                json: arguments.json,
            };
            ask(&arguments.config, Verb::ObjectList(wanted))
        }
        ObjectCommand::Show { identifier, json, config } => {
            ask(config, Verb::ObjectShow { identifier: identifier.clone(), json: *json })
        }
        ObjectCommand::SetOwner(arguments) => {
            let change = SetOwner {
                identifiers: arguments.identifiers.clone(),
                all_of: arguments.all_of.clone(),
                to: arguments.to.clone(),
            };
            ask(&arguments.config, Verb::ObjectSetOwner(change))
        }
    }
}

fn ask(config: &ConfigArguments, verb: Verb) -> Result<ExitCode, Report> {
    asking::ask(&config.load()?, verb).map(exit)
}

/// Shows the root key and what is under it.
pub(crate) fn root_key_status(config: &Config) -> Result<ExitCode, Report> {
    asking::ask(config, Verb::RootKeyStatus).map(exit)
}

/// Changes the root key.
pub(crate) fn root_key_rotate(config: &Config, what: Rotate) -> Result<ExitCode, Report> {
    let section = Box::new(config.root_key.clone());
    asking::ask(config, Verb::RootKeyRotate { what, section }).map(exit)
}

fn exit(finding: Finding) -> ExitCode {
    match finding {
        Finding::Sound => ExitCode::SUCCESS,
        Finding::Damage => ExitCode::FAILURE,
    }
}

/// Keeps "damaged" apart from "could not be found out".
fn or_not_done(outcome: Result<ExitCode, Report>) -> ExitCode {
    outcome.unwrap_or_else(|report| {
        eprintln!("kmip-app: {report}");
        ExitCode::from(NOT_DONE)
    })
}

/// Reads the name of a member of an enumeration.
fn named<E: Enumeration>(text: &str) -> Result<u32, String> {
    let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
    let found = E::MEMBERS.iter().find(|member| plain(member.name) == plain(text));
    found.map(|member| member.value).ok_or_else(|| {
        let names: Vec<&str> = E::MEMBERS.iter().map(|member| member.name).collect();
        format!("there is no {text:?} among {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_however_it_is_written() {
        for text in ["PreActive", "pre-active", "Pre Active"] {
            assert_eq!(named::<State>(text), Ok(State::PreActive.0));
        }
        let error = named::<ObjectType>("key").unwrap_err();
        assert!(error.contains("SymmetricKey"), "{error}");
    }
}
