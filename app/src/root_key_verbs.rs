//! `kmip-app root-key`: makes, shows and changes the key that seals the store.
//!
//! [`status`] and [`rotate`] work on a store that is open, also while clients are served from it.

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use kmip_sealed::{KeyRing, SealedAnew, SealedStore};
use serde::{Deserialize, Serialize};

use crate::{
    cli::ConfigArguments,
    config::{self, Config},
    control::commands,
    report::Report,
    wire::{
        crypto,
        root_key::{self, Source},
    },
};

/// What to do about the root key.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the root key that the configuration names: a file, or a key in a token.
    Create {
        #[command(flatten)]
        config: ConfigArguments,
        /// Make the one that root_key.next names.
        #[arg(long)]
        next: bool,
    },
    /// Show where the root key comes from, and what is sealed under which data key.
    Status(ConfigArguments),
    /// Change the root key, and seal every record anew under a new data key.
    Rotate {
        #[command(flatten)]
        config: ConfigArguments,
        /// Keep the root key, and seal anew what an interrupted rotation has left.
        #[arg(long)]
        resume: bool,
    },
}

/// Whether the root key is changed, or only what is left after a change is done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rotate {
    /// Change the root key, then seal anew.
    Change,
    /// Seal anew.
    Resume,
}

/// The root key and what is under it.
#[derive(Debug)]
pub(crate) struct Status {
    source: String,
    ring: KeyRing,
}

/// What a rotation has done.
#[derive(Debug)]
pub(crate) struct Rotation {
    /// The new data key.
    data_key: Option<u32>,
    /// Where the old root key is kept.
    kept: Option<PathBuf>,
    /// The root key that must be made the root key in the configuration.
    configure: Option<Source>,
    anew: SealedAnew,
}

/// Runs one of the commands: through the running server, or on the store if none runs.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Report> {
    match &arguments.command {
        Command::Create { config, next } => {
            let source = create(&config.load()?.root_key, *next)?;
            println!("made a root key: {source}");
            println!("keep a copy of it apart from the store; without it nothing opens");
            Ok(ExitCode::SUCCESS)
        }
        Command::Status(config) => commands::root_key_status(&checked(config)?),
        Command::Rotate { config, resume } => {
            let what = if *resume { Rotate::Resume } else { Rotate::Change };
            commands::root_key_rotate(&checked(config)?, what)
        }
    }
}

fn checked(arguments: &ConfigArguments) -> Result<Config, Report> {
    let config = arguments.load()?;
    root_key::check(&config.root_key)?;
    Ok(config)
}

fn create(section: &config::RootKey, next: bool) -> Result<Source, Report> {
    root_key::check(section)?;
    let section = match (next, &section.next) {
        (false, _) => section,
        (true, Some(next)) => next,
        (true, None) => return Err(Report::new("root_key.next is not set")),
    };
    let source = Source::of(section)?.ok_or_else(|| Report::new("root_key names no source"))?;
    source.create(crypto::at_rest())?;
    Ok(source)
}

/// Reads the state of the root key.
pub(crate) async fn status(store: &SealedStore, source: Option<&Source>) -> Result<Status, Report> {
    let source = source.map_or_else(|| "in memory".to_owned(), ToString::to_string);
    Ok(Status { source, ring: store.inspect_keys().await? })
}

/// Changes the root key to what `section` names as the next, or to a new one in the same file, and
/// seals every record anew. May be interrupted at any moment: before it the old root key opens the
/// store, after it the new one, and what was not sealed anew yet is at the next start.
pub(crate) async fn rotate(
    store: &SealedStore,
    source: Option<&Source>,
    section: &config::RootKey,
    what: Rotate,
    progress: &mut (dyn FnMut(&SealedAnew) + Send),
) -> Result<Rotation, Report> {
    let mut rotation =
        Rotation { data_key: None, kept: None, configure: None, anew: SealedAnew::default() };
    if what == Rotate::Change {
        change(store, source, section, &mut rotation).await?;
    }
    rotation.anew = store.seal_anew(progress).await?;
    Ok(rotation)
}

async fn change(
    store: &SealedStore,
    source: Option<&Source>,
    section: &config::RootKey,
    rotation: &mut Rotation,
) -> Result<(), Report> {
    let next = section.next.as_deref().map(Source::of).transpose()?.flatten();
    if next.is_some() && next.as_ref() == source {
        return Err(Report::new("root_key.next is the root key that the store is under already"));
    }
    let (new, in_place) = match (next, source) {
        (Some(Source::File(path)), _) => {
            let new = root_key::load_or_create(&path, crypto::at_rest())?;
            rotation.configure = Some(Source::File(path));
            (new, None)
        }
        (Some(next), _) => {
            let new = next.load(crypto::at_rest())?;
            rotation.configure = Some(next);
            (new, None)
        }
        // One that lies there was left by a rotation that ended before the store was changed, or was
        // put there so that every server on the database has it.
        (None, Some(Source::File(path))) => {
            let new = root_key::new_beside(path);
            (root_key::load_or_create(&new, crypto::at_rest())?, Some(path))
        }
        (None, Some(source)) => {
            return Err(Report::new(format!(
                "the root key is {source}, and only one in a file can be made anew in its place; say \
                 in [root_key.next] what it is changed to"
            )));
        }
        (None, None) => {
            return Err(Report::new("a store in memory has a root key that nobody else knows"));
        }
    };
    rotation.data_key = Some(store.change_root_key(new).await?);
    if let Some(path) = in_place {
        rotation.kept = Some(root_key::swap(path)?);
    }
    Ok(())
}

impl Status {
    /// Says whether everything that is sealed can be opened.
    pub(crate) fn is_sound(&self) -> bool {
        self.ring.homeless == 0 && self.ring.keys.iter().all(|key| key.opens)
    }
}

impl Rotation {
    /// Says whether nothing that was read is damaged.
    pub(crate) fn is_sound(&self) -> bool {
        self.anew.damaged.is_empty()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, ring } = self;
        writeln!(f, "root key: {source}")?;
        let newest = ring.newest();
        for key in &ring.keys {
            let opens = if key.opens { "opened by the root key" } else { "NOT OPENED" };
            write!(f, "data key {}: {opens}, {} records", key.number, key.records)?;
            if Some(key.number) == newest {
                f.write_str(", seals")?;
            }
            if key.number == 1 {
                f.write_str(", hides search terms and chains the audit trail")?;
            }
            writeln!(f)?;
        }
        if ring.homeless > 0 {
            writeln!(f, "{} records name a data key that is not there", ring.homeless)?;
        }
        match ring.left() {
            0 => write!(f, "sealing anew: complete"),
            left => write!(
                f,
                "sealing anew: {left} records are left under older data keys; the server goes on at \
                 its start, or: kmip-app root-key rotate --resume"
            ),
        }
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_key, kept, configure, anew } = self;
        if let Some(number) = data_key {
            writeln!(f, "the root key was changed; data key {number} seals from now on")?;
        }
        if let Some(old) = kept {
            writeln!(
                f,
                "the old root key is {}; keep it as long as backups made under it",
                old.display()
            )?;
        }
        if let Some(next) = configure {
            writeln!(f, "now make it the root key in the configuration: {next}")?;
        }
        for identifier in &anew.damaged {
            writeln!(f, "damaged, and left as it is: {identifier}")?;
        }
        write!(f, "{} records were sealed anew", anew.sealed)?;
        if anew.left > 0 {
            write!(f, ", {} are left", anew.left)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
