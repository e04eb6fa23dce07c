//! The server inside this process, on a directory and a port of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use kmip_app::init::{self, Arguments};
use kmip_app::{Config, Reload, Server};
use kmip_tls::{ServeReport, Shutdown};
use tempfile::TempDir;

use crate::connection::{Connection, Target, TlsVersions};

/// The clients that have a certificate.
pub const CLIENTS: [&str; 3] = ["client", "alice", "bob"];

/// How long requests in progress have at the end of a test.
const DRAIN_SECONDS: u64 = 2;

/// A development directory, as `kmip-app init` makes it.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// The place that is removed in the end, if it is not one that stays.
    _temporary: Option<TempDir>,
}

impl Directory {
    /// Makes one in a place that is removed in the end.
    pub fn make() -> Self {
        Self::of(&CLIENTS)
    }

    /// Makes one with certificates for these clients.
    pub fn of(clients: &[&str]) -> Self {
        let parent = tempfile::tempdir().expect("there is a place for temporary files");
        let arguments = Arguments {
            directory: parent.path().join("kmip"),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clients: clients.iter().copied().map(Into::into).collect(),
        };
        init::make(&arguments).unwrap_or_else(|report| panic!("init: {report}"));
        Self { path: arguments.directory, _temporary: Some(parent) }
    }

    /// Takes one that is there, and leaves it there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), _temporary: None }
    }

    /// Returns where it is.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Returns the configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.path().join("kmip-app.toml")
    }

    /// Returns the store.
    pub fn store(&self) -> PathBuf {
        self.path().join("kmip-app.db")
    }

    /// Returns the files of a client: certificate, key and authority.
    pub fn identity(&self, client: &str) -> [PathBuf; 3] {
        let pki = self.path().join("pki");
        [format!("{client}.crt"), format!("{client}.key"), "ca.crt".to_owned()]
            .map(|file| pki.join(file))
    }

    /// Reads the configuration.
    pub fn config(&self) -> Config {
        let config = Config::load(Some(&self.config_file()), &[]);
        let mut config = config.unwrap_or_else(|error| panic!("{error}"));
        config.limits.drain_seconds = DRAIN_SECONDS;
        config
    }

    /// Says how to reach a server that uses this directory.
    pub fn target(&self, address: SocketAddr, client: &str) -> Target {
        let files = self.identity(client);
        let [certificate, key, authority] = &files;
        let files: [&Path; 3] = [certificate, key, authority];
        Target::new(&address.ip().to_string(), address.port(), files)
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A server that runs until it is dropped.
pub struct TestServer {
    running: Option<Running>,
    config: Config,
    directory: Arc<Directory>,
}

struct Running {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    reload: Reload,
    shutdown: Shutdown,
    thread: JoinHandle<ServeReport>,
}

impl TestServer {
    /// Starts a server whose store is a file.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts a server whose store is in memory: quicker, and gone with it.
    pub fn in_memory() -> Self {
        Self::with(|config| "sqlite::memory:".clone_into(&mut config.storage.url))
    }

    /// Starts a server with a changed configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Arc::new(Directory::make()), change)
    }

    /// Starts a server on a directory that is there already.
    pub fn on(directory: Arc<Directory>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = directory.config();
        change(&mut config);
        let running = run(&config).unwrap_or_else(|report| panic!("could not start: {report}"));
        Self { running: Some(running), config, directory }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs until it is dropped").address
    }

    /// Returns where its admin port is.
    pub fn admin_address(&self) -> SocketAddr {
        let running = self.running.as_ref().expect("it runs until it is dropped");
        running.admin.expect("a development server has an admin port")
    }

    /// Returns the handle that has its configuration read again.
    pub fn reload(&self) -> &Reload {
        &self.running.as_ref().expect("it runs until it is dropped").reload
    }

    /// Returns the configuration that it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns its directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the files of a client: certificate, key and authority.
    pub fn identity(&self, client: &str) -> [PathBuf; 3] {
        self.directory.identity(client)
    }

    /// Connects as a client.
    pub fn connect(&self, client: &str) -> Connection {
        self.connect_by(client, TlsVersions::Any)
    }

    /// Connects as a client that has only some versions of TLS.
    pub fn connect_by(&self, client: &str, versions: TlsVersions) -> Connection {
        Connection::open(&self.directory.target(self.address(), client), versions)
            .unwrap_or_else(|error| panic!("as {client}: {error}"))
    }

    /// Returns the handle that ends it.
    pub fn shutdown(&self) -> Shutdown {
        self.running.as_ref().expect("it runs until it is dropped").shutdown.clone()
    }

    /// Waits until it has ended after its handle said so.
    pub fn ended(mut self) -> ServeReport {
        let running = self.running.take().expect("it runs until it is dropped");
        running.thread.join().expect("the server does not panic")
    }

    /// Stops it and starts it again on the same store, on another port.
    pub fn restart(mut self) -> Self {
        self.stop();
        let running = run(&self.config).unwrap_or_else(|report| panic!("again: {report}"));
        self.running = Some(running);
        self
    }

    /// Stops it and keeps its directory.
    pub fn stopped(mut self) -> Arc<Directory> {
        self.stop();
        Arc::clone(&self.directory)
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown.begin();
            // A panic of the server's has been printed; it must not hide the test's own.
            let _ = running.thread.join();
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tries to start a server and says why it does not, which is what is asked here.
pub fn refusal(config: &Config) -> String {
    match run(config) {
        Err(report) => report,
        Ok(running) => {
            running.shutdown.begin();
            panic!("the server started on {}", running.address)
        }
    }
}

/// Starts a server on a thread and a runtime of its own.
fn run(config: &Config) -> Result<Running, String> {
    let (tell, told) = mpsc::channel();
    let config = config.clone();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            match Server::start(&config, false).await {
                Ok(server) => {
                    let started = (
                        server.address(),
                        server.admin_address(),
                        server.reload(),
                        server.shutdown(),
                    );
                    tell.send(Ok(started)).expect("the test waits for it");
                    server.serve().await.unwrap_or_else(|report| panic!("{report}"))
                }
                Err(report) => {
                    tell.send(Err(report.to_string())).expect("the test waits for it");
                    ServeReport::default()
                }
            }
        })
    });
    match told.recv() {
        Ok(Ok((address, admin, reload, shutdown))) => {
            Ok(Running { address, admin, reload, shutdown, thread })
        }
        Ok(Err(report)) => Err(report),
        Err(_) => Err("the server panicked".to_owned()),
    }
}
