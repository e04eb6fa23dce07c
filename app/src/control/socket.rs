//! The control socket of a running server, beside its store.
//!
//! It is the file `control.sock`, mode 0600. Whoever connects is asked for by the kernel: root and the
//! user that runs the server are answered, nobody else. One connection is one request: a line of
//! JSON in, lines of JSON out, the last of which says how it ended. A connection that ends early
//! ends what it asked for.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
            net::{UnixListener as StdListener, UnixStream as StdStream},
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{
        AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    net::{UnixListener, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    Place,
    verb::{self, Reply, Verb},
};

/// What the socket is called.
const NAME: &str = "control.sock";

/// How many may be connected at a time.
const TOGETHER: usize = 16;

/// How many bytes a request has at most: some ten thousand identifiers.
const LONGEST_REQUEST: u64 = 1 << 20;

/// How long a request may take to arrive, and a reply to be taken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest path that an address of a socket has room for, everywhere.
const LONGEST_PATH: usize = 100;

/// A request, for the store that it is meant for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The file of the store: each side may have another path to it.
    pub(super) store: FileIdentity,
    /// What is wanted of it.
    pub(super) verb: Verb,
}

/// Which file it is, whatever it is called: device and number.
pub(super) type FileIdentity = (u64, u64);

/// The control socket of a server, while it is served.
pub(crate) struct Control {
    bound: Bound,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Control {
    /// Serves the socket beside a store. The store's lock must be held: then a socket that nobody
    /// serves is left over, and is replaced. Without a socket the server is a server still, so what
    /// forbids it is only logged.
    pub(crate) fn start(store: &Path, place: Place) -> Option<Self> {
        let path = path_beside(store);
        let prepared = bind(&path)
            .and_then(|(bound, listener)| Ok((bound, listener, own_user()?, identity(store)?)));
        let (bound, listener, own, file) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                tracing::warn!(
                    %error, socket = %path.display(),
                    "no control socket: backup, verify, audit and object cannot reach this server"
                );
                return None;
            }
        };
        let (stop, stopped) = watch::channel(false);
        let server = Server { file, path: store.to_owned(), place, own };
        let serving = tokio::spawn(server.run(listener, stopped));
        Some(Self { bound, stop, serving })
    }

    /// Ends what is under way, with nothing half done, and removes the socket.
    pub(crate) async fn end(self) {
        let Self { bound, stop, serving } = self;
        drop(bound);
        let _ = stop.send(true);
        // A panic of its was logged where it happened.
        let _ = serving.await;
    }
}

/// Returns where the socket of a store is.
pub(super) fn path_beside(store: &Path) -> PathBuf {
    let parent = store.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).join(NAME)
}

/// Says which file that is.
pub(super) fn identity(path: &Path) -> io::Result<FileIdentity> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Returns who runs this process, as a socket shows it.
pub(super) fn own_user() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

/// Returns the name under which somebody is in the audit trail.
pub(super) fn name_of(user: u32) -> String {
    let number = user.to_string();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    match name {
        Some(name) => format!("control:{number}-{name}"),
        None => format!("control:{number}"),
    }
}

/// Gives a path that is short enough for an address of a socket.
pub(super) fn shortly<T>(path: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return with(path);
    };
    if path.as_os_str().len() <= LONGEST_PATH {
        return with(path);
    }
    let directory = File::open(directory)?;
    with(&Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}

/// A socket that is removed when it is not served any more.
#[derive(Debug)]
struct Bound {
    path: PathBuf,
    file: FileIdentity,
}

impl Drop for Bound {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).map(|it| (it.dev(), it.ino()));
        if ours.is_ok_and(|file| file == self.file) {
            // If it stays, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds the socket where nobody else can reach it before its mode is set, and moves it into place.
fn bind(path: &Path) -> io::Result<(Bound, UnixListener)> {
    if shortly(path, |path| StdStream::connect(path)).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "the server of another store in this directory uses it; give each its own directory",
        ));
    }
    let mut name = OsString::from(".");
    name.push(NAME);
    name.push(format!(".{}", std::process::id()));
    let private = path.with_file_name(name);
    let inside = private.join("s");
    // What a process of that number has left behind.
    let _ = fs::remove_file(&inside);
    let _ = fs::remove_dir(&private);
    DirBuilder::new().mode(0o700).create(&private)?;
    let bound = shortly(&inside, |inside| StdListener::bind(inside)).and_then(|listener| {
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let metadata = fs::symlink_metadata(&inside)?;
        fs::rename(&inside, path)?;
        let bound = Bound { path: path.to_owned(), file: (metadata.dev(), metadata.ino()) };
        Ok((bound, UnixListener::from_std(listener)?))
    });
    let _ = fs::remove_file(&inside);
    let _ = fs::remove_dir(&private);
    bound
}

/// What every connection needs.
#[derive(Clone)]
struct Server {
    file: FileIdentity,
    path: PathBuf,
    place: Place,
    own: u32,
}

impl Server {
    async fn run(self, listener: UnixListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = stopped.changed() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept(), if connections.len() < TOGETHER => match accepted {
                    Ok((stream, _)) => {
                        let (server, stopped) = (self.clone(), stopped.clone());
                        connections.spawn(async move { server.connection(stream, stopped).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "control connection not accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(&self, stream: UnixStream, mut stopped: watch::Receiver<bool>) {
        let peer = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => return tracing::warn!(%error, "control connection of nobody"),
        };
        let (input, mut output) = stream.into_split();
        if let Some(refusal) = refusal(peer, self.own) {
            tracing::warn!(peer, "control connection refused");
            return last(&mut output, &Reply::Failed(refusal)).await;
        }
        let mut input = BufReader::new(input);
        let read = tokio::select! {
            read = timeout(PATIENCE, request(&mut input)) => read,
            _ = stopped.changed() => return,
        };
        let request = match read {
            Ok(Ok(request)) => request,
            Ok(Err(sentence)) => return last(&mut output, &Reply::Failed(sentence)).await,
            Err(_) => return,
        };
        if request.store != self.file {
            let sentence = format!("this server serves {}", self.path.display());
            return last(&mut output, &Reply::Failed(sentence)).await;
        }
        let user = name_of(peer);
        tracing::info!(user, verb = ?request.verb, "control");
        let (mut told, working) = verb::begin(self.place.clone(), request.verb, user);
        let mut nothing = [0_u8; 1];
        loop {
            tokio::select! {
                reply = told.recv() => match reply {
                    Some(reply) => {
                        if send(&mut output, &reply).await.is_err() {
                            break;
                        }
                    }
                    None => break,
                },
                // Nothing more is expected; whatever comes, or the end, ends the request.
                _ = input.read(&mut nothing) => break,
                _ = stopped.changed() => {
                    let sentence = "the server is being stopped".to_owned();
                    last(&mut output, &Reply::Failed(sentence)).await;
                    break;
                }
            }
        }
        drop(told);
        let _ = working.await;
    }
}

/// Says why somebody may not use the socket.
fn refusal(peer: u32, own: u32) -> Option<String> {
    (peer != own && peer != 0).then(|| {
        format!(
            "only root and the user that runs the server may use its control socket; you are user \
             {peer}"
        )
    })
}

async fn request(input: &mut (impl AsyncBufRead + Unpin)) -> Result<Request, String> {
    let mut line = Vec::new();
    let read = input.take(LONGEST_REQUEST).read_until(b'\n', &mut line).await;
    read.map_err(|error| error.to_string())?;
    if line.last() != Some(&b'\n') {
        return Err("the request is too long, or ends in the middle".to_owned());
    }
    serde_json::from_slice(&line).map_err(|error| {
        format!("the request is not understood ({error}); use the program that the server is")
    })
}

async fn send(output: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    timeout(PATIENCE, output.write_all(&line)).await.map_err(io::Error::from)?
}

/// Sends what nobody waits for if it cannot be sent.
async fn last(output: &mut (impl AsyncWrite + Unpin), reply: &Reply) {
    let _ = send(output, reply).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_servers_own_user_are_answered_and_nobody_else() {
        assert_eq!(refusal(0, 7), None);
        assert_eq!(refusal(7, 7), None);
        assert!(refusal(8, 7).is_some_and(|sentence| sentence.ends_with("you are user 8")));
        assert!(refusal(8, 0).is_some());
    }

    #[test]
    fn a_user_without_an_account_has_a_number() {
        assert_eq!(name_of(0), "control:0-root");
        assert_eq!(name_of(4_000_000_000), "control:4000000000");
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_and_goes_with_its_server() {
        let directory = tempfile::tempdir().unwrap();
        let path = path_beside(&directory.path().join("a.db"));
        let first = bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A second server in the directory does not take it over.
        let second = bind(&path).map(drop).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_was_left_over_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        drop(StdListener::bind(&path).unwrap());
        assert!(path.exists());
        let _bound = bind(&path).unwrap();
        assert!(StdStream::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn a_long_path_is_no_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        let long = directory.path().join("d".repeat(90)).join("e".repeat(90));
        fs::create_dir_all(&long).unwrap();
        let path = long.join(NAME);
        let _bound = bind(&path).unwrap();
        assert!(path.exists());
        assert!(shortly(&path, |path| StdStream::connect(path)).is_ok());
    }
}
