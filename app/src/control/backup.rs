//! Backups in files: written beside a running server, read back before they count, restored into
//! an empty store.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kmip_host::SystemClock;
use kmip_operations::admin;
use kmip_ports::root_key::RootKey;
use kmip_sealed::{
    About, AuditReads, Backing, Backup, BackupError, Contents, Opening, SealedStore, WhenEmpty,
};
use kmip_ttlv::StoredForm;

use super::{
    Place, count, socket,
    verb::{Finding, Teller},
    verify,
};
use crate::{
    config::Config,
    log::Logging,
    progress::Progress,
    report::Report,
    serve,
    wire::{self, crypto, target::Target},
};

/// How many bytes are written or read at a time.
const BUFFER: usize = 256 * 1024;

/// Writes a backup into a new file and reads it back. What is at `file` in the end is whole.
pub(super) async fn back_up(
    place: &Place,
    file: &Path,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    let draft = Draft::create(file)?;
    let about = About {
        created: place.now(),
        program: concat!("kmip-app ", env!("CARGO_PKG_VERSION")).to_owned(),
        node: place.node.clone(),
    };
    let out = BufWriter::with_capacity(BUFFER, &draft.file);
    let mut progress = |done| teller.progress("writing", done, None);
    let contents = place.store.back_up(out, &about, &mut progress).await?;
    draft.file.sync_all()?;

    let input = teller.while_listening(BufReader::with_capacity(BUFFER, File::open(&draft.path)?));
    let mut reader = place.store.reader(Backup::read(input)?);
    let total = contents.records.saturating_add(contents.blocks);
    let mut progress = |done| teller.progress("reading back", done, Some(total));
    let found = place.store.verify_snapshot(&mut reader, &mut progress).await;
    if let Some(fault) = reader.fault() {
        return Err(Report::new(format!(
            "what was written could not be read back, so there is no backup: {}",
            Report::from(fault)
        )));
    }
    let found = found?;
    draft.keep(file)?;
    place.note(user, admin::BACK_UP, Some(file.display().to_string())).await?;
    teller.line(format!("backed up to {}: {}", file.display(), told(contents))).await?;
    if found.is_sound() {
        teller.line("read back: every record opens, and the audit trail is whole").await?;
        teller.line("keep it apart from the root key, without which nobody can open it").await?;
        return Ok(Finding::Sound);
    }
    teller.line("read back: it is as the store is, and the store is damaged").await?;
    verify::tell(&found, teller).await
}

fn told(contents: Contents) -> String {
    format!(
        "{}, {} of the audit trail, {}",
        count(contents.records, "object", "objects"),
        count(contents.blocks, "block", "blocks"),
        count(contents.keys, "data key", "data keys"),
    )
}

/// A backup that is not finished: a file beside the one that it will be, removed if it is not.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn create(file: &Path) -> Result<Self, Report> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if !file.is_absolute() {
            return Err(Report::new("a backup needs the whole path of its file"));
        }
        if fs::symlink_metadata(file).is_ok() {
            return Err(exists(file));
        }
        let Some(name) = file.file_name() else {
            return Err(Report::new(format!("{} is no file", file.display())));
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}-{number}.draft", std::process::id()));
        let path = file.with_file_name(draft);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&path).map_err(|error| {
            Report::new(format!(
                "{} cannot be written: {error}; the user that runs the server writes it, and its \
                 unit may allow that in its own directory only",
                file.display()
            ))
        })?;
        Ok(Self { path, file })
    }

    /// Gives it its name; replaces nothing.
    fn keep(self, file: &Path) -> Result<(), Report> {
        match fs::hard_link(&self.path, file) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(file)),
            // Some file systems have no links.
            Err(_) if fs::symlink_metadata(file).is_err() => fs::rename(&self.path, file)?,
            Err(error) => return Err(error.into()),
        }
        if let Some(directory) = file.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it was renamed there is none.
        let _ = fs::remove_file(&self.path);
    }
}

fn exists(file: &Path) -> Report {
    Report::new(format!("{} exists already, and a backup replaces nothing", file.display()))
}

/// Opens a backup.
fn open(file: &Path) -> Result<Backup<impl Read + Send + use<>>, Report> {
    let told = |report: Report| Report::new(format!("{}: {report}", file.display()));
    let input = File::open(file).map_err(|error| told(error.into()))?;
    Backup::read(BufReader::with_capacity(BUFFER, input)).map_err(|error| told(error.into()))
}

fn opening(config: &Config) -> Opening {
    Opening {
        when_empty: WhenEmpty::Refuse,
        node: config.node.name.clone(),
        audit_reads: AuditReads::Off,
    }
}

async fn unlock(
    config: &Config,
    backing: Backing,
    root_key: Arc<dyn RootKey>,
) -> Result<SealedStore, Report> {
    let (cipher, encoding) = (crypto::at_rest(), Arc::new(StoredForm));
    Ok(SealedStore::open(backing, cipher, root_key, encoding, opening(config)).await?)
}

fn describe(file: &Path, about: &About) -> String {
    format!(
        "{}: a backup of {} by {}, node {:?}",
        file.display(),
        about.created,
        about.program,
        about.node
    )
}

/// Reads all of a backup, and tells what is wrong with it. Needs its root key, and no store.
pub(super) fn verify_file(config: &Config, file: &Path) -> Result<Finding, Report> {
    wire::check(config)?;
    serve::runtime()?.block_on(async {
        serve::harden();
        let root_key = Target::root_key(config)?;
        let backup = open(file)?;
        let store = unlock(config, backup.alone(), root_key).await?;
        println!("{}", describe(file, backup.about()));
        let mut reader = store.reader(backup);
        let mut progress = Progress::on_terminal();
        let read =
            store.verify_snapshot(&mut reader, &mut |done| progress.count("reading", done)).await;
        progress.end();
        if let Some(fault) = reader.fault() {
            if let BackupError::Stream(error) = fault {
                return Err(error.into());
            }
            println!("damaged: {fault}; use another backup");
            return Ok(Finding::Damage);
        }
        let found = read?;
        println!("{}", told(reader.contents()));
        Ok(verify::print(&found))
    })
}

/// Puts a backup into a store that is empty, or is made.
pub(super) fn restore(config: &Config, file: &Path) -> Result<Finding, Report> {
    wire::check(config)?;
    serve::runtime()?.block_on(async {
        let logging = Logging::start(&config.log, &config.telemetry)?;
        serve::harden();
        let backup = open(file)?;
        let mut target = Target::open(config).await?;
        let restored = restore_into(config, &target, file, backup).await;
        if restored.is_ok() {
            target.keep();
        }
        target.close().await;
        logging.stop();
        restored
    })
}

async fn restore_into(
    config: &Config,
    target: &Target,
    file: &Path,
    backup: Backup<impl Read + Send>,
) -> Result<Finding, Report> {
    target.refuse_unless_empty().await?;
    let store = unlock(config, backup.over(&target.backing), Arc::clone(&target.root_key)).await?;
    println!("{}", describe(file, backup.about()));
    let mut progress = Progress::on_terminal();
    let mut reader = store.reader(backup);
    let restored = store.restore(&mut reader, &mut |done| progress.count("restoring", done)).await;
    progress.end();
    if let Some(fault) = reader.fault() {
        return Err(Report::new(format!("nothing is restored: {}", Report::from(fault))));
    }
    let contents = restored?;
    // From here on the store is one of its own, with its own data keys.
    let store =
        Arc::new(unlock(config, target.backing.clone(), Arc::clone(&target.root_key)).await?);
    println!("restored {}", told(contents));
    let found = store.verify(&mut |done| progress.count("verifying", done)).await?;
    progress.end();
    let place = Place {
        store,
        clock: Arc::new(SystemClock::default()),
        node: config.node.name.clone(),
        names_unique: config.names.unique,
        root_key: None,
    };
    let user = socket::own_user().map(socket::name_of)?;
    place.note(&user, admin::RESTORE, Some(file.display().to_string())).await?;
    Ok(verify::print(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_nobody_elses_and_replaces_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("backup");
        assert!(Draft::create(Path::new("backup")).is_err());
        drop(Draft::create(&file).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let (first, second) = (Draft::create(&file).unwrap(), Draft::create(&file).unwrap());
        first.keep(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = second.keep(&file).unwrap_err().to_string();
        assert!(refused.contains("replaces nothing"), "{refused}");
        assert!(Draft::create(&file).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
