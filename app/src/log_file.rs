//! A log file that does not grow for ever: when it is full it is put aside, and the oldest goes.
//!
//! A thread of its own writes. Who logs only queues the line, so a slow disk holds no request up;
//! when the queue is full, lines are left out and counted.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use tracing_subscriber::fmt::MakeWriter;

use crate::report::Report;

/// How many lines may wait to be written.
const QUEUE: usize = 8_192;

/// Where log lines are queued.
#[derive(Clone)]
pub(crate) struct LogFile {
    queue: SyncSender<Message>,
    left_out: Arc<AtomicU64>,
}

/// What the writing thread is told.
enum Message {
    Line(Vec<u8>),
    /// To say when everything before is written.
    Flush(SyncSender<()>),
}

impl LogFile {
    /// Opens the file, whose directory is made if it is missing, and starts to write it.
    pub(crate) fn open(path: &Path, bytes: u64, files: u32) -> Result<Self, Report> {
        let file = Rotating::open(path, bytes, files).map_err(|error| {
            Report::new(format!("the log file {} cannot be written: {error}", path.display()))
        })?;
        let (queue, lines) = sync_channel(QUEUE);
        let left_out = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&left_out);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(file, &lines, &counted))?;
        Ok(Self { queue, left_out })
    }

    /// Waits until everything that was logged is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            // The other end goes only with the thread, and then nothing is written any more.
            let _ = wait.recv();
        }
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Line(line.to_vec())) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines until nobody is left to log.
fn write_all(mut file: Rotating, lines: &Receiver<Message>, left_out: &AtomicU64) {
    let mut failing = false;
    for message in lines {
        let line = match message {
            Message::Line(line) => line,
            Message::Flush(done) => {
                // Nobody may wait for it any more.
                let _ = done.send(());
                continue;
            }
        };
        let mut result = file.write(&line);
        let missing = left_out.swap(0, Ordering::Relaxed);
        if result.is_ok() && missing > 0 {
            let notice = format!("{missing} lines were left out: the disk was too slow for them\n");
            result = file.write(notice.as_bytes());
        }
        match result {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                // There is no other place to tell it.
                let path = file.path.display();
                let _ = writeln!(io::stderr(), "kmip-app: the log file {path}: {error}");
            }
            Err(_) => {}
        }
    }
}

/// A file that is put aside when it is full.
struct Rotating {
    path: PathBuf,
    file: File,
    written: u64,
    /// How many bytes it holds; 0 for no limit.
    bytes: u64,
    /// How many old ones are kept.
    files: u32,
}

impl Rotating {
    fn open(path: &Path, bytes: u64, files: u32) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
            && !directory.is_dir()
        {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let file = open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, written, bytes, files })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let full = self.written.saturating_add(length) > self.bytes;
        if self.bytes > 0 && self.written > 0 && full {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.written = self.written.saturating_add(length);
        Ok(())
    }

    /// Puts the file aside as number 1, what was 1 as 2, and so on; the last one goes.
    fn rotate(&mut self) -> io::Result<()> {
        if self.files == 0 {
            self.file.set_len(0)?;
        } else {
            for number in (1..self.files).rev() {
                rename(&self.numbered(number), &self.numbered(number.saturating_add(1)))?;
            }
            rename(&self.path, &self.numbered(1))?;
            self.file = open(&self.path)?;
        }
        self.written = self.file.metadata()?.len();
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name: OsString = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Renames a file; one that is not there is no failure.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs/server.log");
        let mut file = Rotating::open(&path, 10, 2).unwrap();
        for line in ["one 1\n", "22\n", "three\n", "four 4\n", "5\n", "six 66\n"] {
            file.write(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "six 66\n");
        assert_eq!(read(&file.numbered(1)), "four 4\n5\n");
        assert_eq!(read(&file.numbered(2)), "three\n");
        assert!(!file.numbered(3).exists());
    }

    #[test]
    fn a_longer_line_than_a_file_is_written_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut file = Rotating::open(&path, 4, 0).unwrap();
        file.write(b"a long line\n").unwrap();
        assert_eq!(read(&path), "a long line\n");
        file.write(b"b\n").unwrap();
        assert_eq!(read(&path), "b\n");
    }

    #[test]
    fn a_file_goes_on_where_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        Rotating::open(&path, 8, 1).unwrap().write(b"before\n").unwrap();
        let mut file = Rotating::open(&path, 8, 1).unwrap();
        file.write(b"after\n").unwrap();
        assert_eq!((read(&path), read(&file.numbered(1))), ("after\n".into(), "before\n".into()));
    }

    #[test]
    fn what_was_logged_is_written_when_it_is_flushed_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/server.log");
        let log = LogFile::open(&path, 0, 5).unwrap();
        for number in 0..100 {
            writeln!(log.make_writer(), "line {number}").unwrap();
        }
        log.flush();
        assert!(read(&path).contains("99"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [directory.path().to_owned(), file.join("server.log")] {
            let Err(report) = LogFile::open(&path, 0, 5) else { panic!("{}", path.display()) };
            assert!(report.to_string().contains(&path.display().to_string()), "{report}");
        }
    }
}
