//! `kmip-app account`: what an operator needs to keep the file of accounts.

use std::io::{self, Read as _};

use clap::{Args, Subcommand};
use kmip_model::Material;
use zeroize::Zeroizing;

use crate::report::Report;

/// More than any password has, in bytes.
const LONGEST_PASSWORD: u64 = 4_096;

/// What to do about accounts.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a password from standard input and print its hash for auth.accounts_file.
    Hash,
}

/// Runs one of the commands.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    match arguments.command {
        Command::Hash => {
            println!("{}", kmip_accounts::hash(&password()?)?);
            Ok(())
        }
    }
}

/// Reads one line, or what there is without an end of line.
fn password() -> Result<Material, Report> {
    let mut input = Zeroizing::new(Vec::new());
    // One byte more than is allowed shows that there are too many.
    io::stdin().lock().take(LONGEST_PASSWORD.saturating_add(1)).read_to_end(&mut input)?;
    if u64::try_from(input.len()).unwrap_or(u64::MAX) > LONGEST_PASSWORD {
        return Err(Report::new(format!("a password has at most {LONGEST_PASSWORD} bytes")));
    }
    let line = input.strip_suffix(b"\n").unwrap_or(&input);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&b'\n') {
        return Err(Report::new("a password is one line"));
    }
    Ok(Material::from(line))
}
