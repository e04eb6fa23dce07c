//! The server as a process: the binary `kmip-app` that was built beside this test.

use std::env;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::server::Directory;

/// How long the program may take to say that it listens, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Finds the program in the directory that this test was built in.
pub fn path() -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    let built = test.parent()?.parent()?.join(format!("kmip-app{}", env::consts::EXE_SUFFIX));
    built.is_file().then_some(built)
}

/// Makes the command that serves from a directory.
pub fn command(path: &PathBuf, directory: &Directory, more: &[&str]) -> Command {
    let mut command = Command::new(path);
    command
        .arg("serve")
        .arg("--config")
        .arg(directory.config_file())
        .args(["--set", "log.level=warn"])
        .args(more);
    command
}

/// A running process.
#[derive(Debug)]
pub struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Serves from a directory and waits until it listens.
    ///
    /// # Errors
    /// What it said to standard error, if it ended instead.
    pub fn serve(path: &PathBuf, directory: &Directory, more: &[&str]) -> Result<Self, String> {
        Self::start(path, directory, more, Stdio::piped())
    }

    /// Serves like [`Program::serve`], with standard error in a file.
    ///
    /// # Errors
    /// That it ended; the file says why.
    pub fn serve_logging(
        path: &PathBuf,
        directory: &Directory,
        more: &[&str],
        log: &Path,
    ) -> Result<Self, String> {
        let file = File::create(log).map_err(|error| error.to_string())?;
        Self::start(path, directory, more, Stdio::from(file))
    }

    fn start(
        path: &PathBuf,
        directory: &Directory,
        more: &[&str],
        error: Stdio,
    ) -> Result<Self, String> {
        Self::run(command(path, directory, more).stderr(error))
    }

    /// Kills a server some time after it has begun to start.
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn interrupted(
        path: &PathBuf,
        directory: &Directory,
        more: &[&str],
        after: Duration,
    ) -> Result<(), String> {
        let mut command = command(path, directory, more);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let (_keep, never) = mpsc::channel::<()>();
        // Nobody sends: this is the time that passes.
        let _ = never.recv_timeout(after);
        // It may have ended already.
        let _ = child.kill();
        child.wait().map(|_| ()).map_err(|error| error.to_string())
    }

    /// Runs a command that [`command`] made, and waits until it listens.
    ///
    /// # Errors
    /// What it said to standard error, if it ended instead and that is a pipe.
    pub fn run(command: &mut Command) -> Result<Self, String> {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let output = child.stdout.take().ok_or("it has no standard output")?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let line = told.recv_timeout(PATIENCE);
        let address = line.ok().and_then(|line| line.strip_prefix("listening on ")?.parse().ok());
        if let Some(address) = address {
            return Ok(Self { child, address });
        }
        let mut complaint = String::new();
        if let Some(mut error) = child.stderr.take() {
            // It ends with the process; one that hangs is ended here.
            let _ = child.kill();
            let _ = error.read_to_string(&mut complaint);
        }
        let _ = child.wait();
        Err(complaint)
    }

    /// Returns the number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it read its configuration and files again: SIGHUP.
    pub fn hang_up(&self) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("this is no process"))?;
        Ok(kill_process(id, Signal::HUP)?)
    }

    /// Ends it at once, as a power failure does.
    pub fn kill(mut self) {
        self.child.kill().expect("the process is ours");
        self.child.wait().expect("the process is ours");
    }

    /// Asks it to end by a signal, and waits for it.
    pub fn signal(self, signal: &str) -> ExitStatus {
        let command = format!("kill -{signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{command}");
        self.ended().0
    }

    /// Waits until it ends by itself. Returns what it had said to standard error, too, if that is a
    /// pipe.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let (tell, told) = mpsc::channel();
        let output = self.child.stderr.take();
        thread::spawn(move || {
            // Standard error ends when the process does.
            let mut rest = Vec::new();
            if let Some(mut output) = output {
                let _ = output.read_to_end(&mut rest);
            }
            let _ = tell.send(rest);
        });
        let said = told.recv_timeout(PATIENCE).expect("the process ends");
        let status = self.child.wait().expect("the process is ours");
        (status, String::from_utf8_lossy(&said).into_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
