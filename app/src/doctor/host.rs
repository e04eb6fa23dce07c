//! The computer: room on the disk, the clock, how many files may be open.

use std::{env, fs, os::unix::fs::MetadataExt as _, path::Path, time::UNIX_EPOCH};

use kmip_host::disk::{self, Disk};
use kmip_model::DateTime;

use super::finding::{Findings, Status};
use crate::config::Config;

/// What a disk should have free at least, and what it must have, in bytes.
const ROOM: (u64, u64) = (1 << 30, 64 << 20);

/// How many files a disk should have room for at least, and how many it must.
const FILES: (u64, u64) = (1_000, 50);

/// Files that are open beside connections: the store, logs, libraries.
const BESIDE_CONNECTIONS: u64 = 64;

/// No clock that is right is before this: the beginning of 2026.
const EARLIEST: DateTime = DateTime(1_767_225_600);

/// How far two clocks may be apart, in seconds: what was written just now may seem a little later.
const APART: i64 = 5;

/// Looks at the disk that a file will grow on.
pub(super) fn room(what: &str, file: &Path, findings: &mut Findings) {
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let disk = match disk::inspect(directory) {
        Ok(disk) => disk,
        Err(error) => return findings.failed(what, format!("{}: {error}", directory.display())),
    };
    let (status, words) = judge_room(disk);
    findings.note(status, what, format!("{}: {words}", directory.display()));
}

fn judge_room(Disk { free_bytes, free_files, .. }: Disk) -> (Status, String) {
    let mebibytes = free_bytes >> 20;
    let status = |free: u64, (should, must): (u64, u64)| {
        if free < must {
            Status::Failed
        } else if free < should {
            Status::Warning
        } else {
            Status::Ok
        }
    };
    let bytes = status(free_bytes, ROOM);
    let files = free_files.map_or(Status::Ok, |files| status(files, FILES));
    if files != Status::Ok && bytes != Status::Failed {
        let left = free_files.unwrap_or_default();
        return (files, format!("room for {left} more files only (df -i); make room"));
    }
    match bytes {
        Status::Ok => (bytes, format!("{mebibytes} MiB free")),
        _ => (bytes, format!("{mebibytes} MiB free: a full disk refuses changes; make room")),
    }
}

/// Looks at whether a store in a file is on this computer.
pub(super) fn locality(store: &Path, findings: &mut Findings) {
    let directory = store.parent().filter(|it| !it.as_os_str().is_empty());
    let found = disk::inspect(directory.unwrap_or(Path::new(".")));
    // What cannot be looked at was told with the room.
    if let Ok(Disk { network: Some(name), .. }) = found {
        findings.warning(
            "store file system",
            format!(
                "{name}: locks and syncs of other computers' disks cannot be relied on; use a disk \
                 of this one, or PostgreSQL"
            ),
        );
    }
}

/// Looks at the clock: it is not before what has happened already.
pub(super) fn clock(
    now: DateTime,
    newest_event: Option<DateTime>,
    store: Option<&Path>,
    findings: &mut Findings,
) {
    let program = env::current_exe().ok().and_then(|path| changed(&path));
    let written = store.and_then(|store| {
        let mut log = store.as_os_str().to_owned();
        log.push("-wal");
        changed(store).max(changed(Path::new(&log)))
    });
    let events = [
        (Some(EARLIEST), "this program was made"),
        (program, "the program was installed"),
        (newest_event, "the newest event of the audit trail"),
        (written, "the store was last written"),
    ];
    let (status, words) = judge_clock(now, &events);
    findings.note(status, "clock", words);
}

fn judge_clock(now: DateTime, events: &[(Option<DateTime>, &str)]) -> (Status, String) {
    for (at, what) in events {
        if let Some(at) = at.filter(|at| at.0 > now.0.saturating_add(APART)) {
            return (
                Status::Failed,
                format!(
                    "it is {now} here, which is before {what} ({at}): dates of keys and \
                     certificates are judged by it; set it, and keep it right with NTP"
                ),
            );
        }
    }
    (Status::Ok, format!("{now}, after everything that has happened"))
}

/// Compares the clock with that of the server, which said what time it is between `sent` and `now`.
pub(super) fn server_clock(told: DateTime, sent: DateTime, now: DateTime, findings: &mut Findings) {
    const WHAT: &str = "clock of the server";
    let early = told.0 < sent.0.saturating_sub(APART);
    let late = told.0 > now.0.saturating_add(APART);
    if early || late {
        findings.warning(
            WHAT,
            format!(
                "the server says it is {told}, and here it is {now}; set the one that is wrong"
            ),
        );
    } else {
        findings.ok(WHAT, format!("{told}, as here"));
    }
}

fn changed(path: &Path) -> Option<DateTime> {
    let metadata = fs::metadata(path).ok()?;
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    // A file system without such times says 0.
    (metadata.ino() != 0 || !since.is_zero())
        .then(|| DateTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}

/// Looks at whether every connection that is allowed can have its file. `limit` is the server's, or
/// that of this command; `None` is without limit.
pub(super) fn open_files(
    config: &Config,
    limit: Option<u64>,
    whose: &str,
    findings: &mut Findings,
) {
    const WHAT: &str = "open files";
    let connections = u64::try_from(config.limits.connections).unwrap_or(u64::MAX);
    let wanted = connections.saturating_add(BESIDE_CONNECTIONS);
    match limit {
        Some(limit) if limit < wanted => findings.warning(
            WHAT,
            format!(
                "{whose} may have {limit} open, and limits.connections = {connections} needs \
                 {wanted}; raise LimitNOFILE in its unit, or lower the setting"
            ),
        ),
        Some(limit) => findings.ok(WHAT, format!("{whose} may have {limit} open, enough")),
        None => findings.ok(WHAT, format!("{whose} may have any number open")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Manner, *};

    #[test]
    fn room_is_told_before_it_is_gone() {
        for (free_bytes, free_files, expected) in [
            (2 << 30, Some(1_000_000), Status::Ok),
            (2 << 30, None, Status::Ok),
            (1 << 29, None, Status::Warning),
            (1 << 20, Some(1_000_000), Status::Failed),
            (2 << 30, Some(500), Status::Warning),
            (1 << 29, Some(10), Status::Failed),
            (1 << 20, Some(10), Status::Failed),
        ] {
            let (status, words) = judge_room(Disk { free_bytes, free_files, network: None });
            assert_eq!(status, expected, "{words}");
        }
    }

    #[test]
    fn a_clock_is_not_before_what_has_happened() {
        let at = |seconds| Some(DateTime(seconds));
        for (now, expected) in [(100, Status::Ok), (95, Status::Ok), (94, Status::Failed)] {
            let events = [(at(1), "a"), (None, "b"), (at(100), "c")];
            let (status, words) = judge_clock(DateTime(now), &events);
            assert_eq!(status, expected, "{words}");
            assert!(status == Status::Ok || words.contains("before c"), "{words}");
        }
    }

    #[test]
    fn two_clocks_may_be_a_little_apart() {
        for (told, expected) in
            [(100, Status::Ok), (115, Status::Ok), (94, Status::Warning), (116, Status::Warning)]
        {
            let mut findings = Findings::new(Manner::Quiet);
            server_clock(DateTime(told), DateTime(100), DateTime(110), &mut findings);
            assert_eq!(findings.list()[0].status, expected, "{told}");
        }
    }

    #[test]
    fn every_connection_needs_its_file() {
        let config = Config::default();
        for (limit, expected) in
            [(Some(1_024), Status::Warning), (Some(1_088), Status::Ok), (None, Status::Ok)]
        {
            let mut findings = Findings::new(Manner::Quiet);
            open_files(&config, limit, "it", &mut findings);
            assert_eq!(findings.list()[0].status, expected, "{limit:?}");
        }
    }
}
