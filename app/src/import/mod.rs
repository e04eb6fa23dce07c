//! `kmip-app import`: objects of another server, taken over under the same identifiers.
//!
//! Everything that can be read goes into the store in one change set, or nothing does. What is there
//! already and equal stays as it is; an identifier that stands for something else here refuses
//! the whole import. Names stay as they are even where `names.unique` is set: they were given
//! before.

mod plan;
mod summary;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use kmip_host::SystemClock;
use kmip_operations::{Settings, import::Importer};
use kmip_ports::{clock::Clock as _, store::ObjectStore as _};
use kmip_x509::X509Certificates;

use self::plan::Plan;
pub use self::summary::Summary;
use crate::{
    cli::ConfigArguments,
    config::Config,
    log::Logging,
    progress::Progress,
    report::Report,
    serve,
    wire::{
        self, crypto,
        storage::{Creation, Storage, Url},
    },
};

/// What objects are taken over from.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// Take over every object of a database of PyKMIP's server, 0.9 to 0.11.
    Pykmip(Pykmip),
}

#[derive(Args, Debug)]
struct Pykmip {
    /// PyKMIP's database, a SQLite file; it is only read.
    database: PathBuf,
    #[command(flatten)]
    config: ConfigArguments,
    /// Make the store if it is missing, even though its root key or directory exists.
    #[arg(long)]
    create_store: bool,
    /// Say what would be done, and import nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Whether what is planned is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is stored.
    Store,
    /// It is only told.
    Tell,
}

/// Takes over what the arguments say, and tells of it on standard output.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let Source::Pykmip(arguments) = &arguments.source;
    let config = arguments.config.load()?;
    let effect = if arguments.dry_run { Effect::Tell } else { Effect::Store };
    let summary = serve::runtime()?.block_on(async {
        let logging = Logging::start(&config.log, &config.telemetry)?;
        serve::harden();
        let summary = pykmip(&config, &arguments.database, arguments.create_store, effect).await?;
        logging.stop();
        Ok::<_, Report>(summary)
    })?;
    let told = write!(std::io::stdout(), "{summary}");
    told.map_err(|error| Report::new(format!("it is done, but could not be told: {error}")))
}

/// Takes over every object of a database of PyKMIP's server. Needs a Tokio runtime.
///
/// # Errors
/// If the database cannot be read or the store cannot be opened, if a server uses the store, or if
/// an identifier stands for something else in it; then nothing is stored.
pub async fn pykmip(
    config: &Config,
    database: &Path,
    create_store: bool,
    effect: Effect,
) -> Result<Summary, Report> {
    wire::check(config)?;
    if Url::parse(&config.storage.url)?.is_memory() {
        return Err(Report::new("the store is in memory, and would be gone after the import"));
    }
    let mut progress = Progress::on_terminal();
    let contents = kmip_pykmip_import::read(database, &mut |done, total| {
        progress.tell("reading", done, total);
    })
    .await?;
    let creation = if create_store { Creation::Asked } else { Creation::First };
    let storage = Storage::open(config, creation).await?;
    let suite = crypto::suite(&config.crypto);
    let importer = Importer {
        now: SystemClock::default().now(),
        lease_time: Settings::default().lease_time,
        crypto: &suite,
        certificates: &X509Certificates,
    };
    let done = carry_out(&storage, contents, &importer, effect, &mut progress).await;
    storage.close().await;
    let mut summary = done?;
    summary.database = database.display().to_string();
    Ok(summary)
}

async fn carry_out(
    storage: &Storage,
    contents: kmip_pykmip_import::Contents,
    importer: &Importer<'_>,
    effect: Effect,
    progress: &mut Progress,
) -> Result<Summary, Report> {
    let store = &*storage.store;
    let plan = Plan::of(contents, store, importer, progress).await?;
    let (changes, mut summary) = plan.finish()?;
    summary.effect = effect;
    if effect == Effect::Store && !changes.put.is_empty() {
        progress.tell("writing", 0, summary.new_objects());
        store.apply(changes).await?;
    }
    progress.end();
    Ok(summary)
}
