//! A PostgreSQL of the tests' own, on a spare port of this computer.
//!
//! It is started as an ordinary user and ends with the last test that uses it, also if the tests
//! are killed. `KMIP_POSTGRES_URL` names one that runs already, whose user may create schemas.
//! Where there is none, tests say so in a line and do nothing.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// How long it may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who owns everything in it.
const USER: &str = "kmip";

/// Starts the server, and ends it when standard input does.
const KEEPER: &str =
    "\"$@\" </dev/null & server=$!; read -r line; kill -INT \"$server\"; wait \"$server\"";

/// The one that is running, if a test uses it.
static CURRENT: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

/// How many databases have been made.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A PostgreSQL that can be used.
#[derive(Debug)]
pub enum Postgres {
    /// One that runs already.
    Given(String),
    /// One that was started for these tests.
    Own(Cluster),
}

/// A PostgreSQL that was started here.
#[derive(Debug)]
pub struct Cluster {
    directory: TempDir,
    programs: PathBuf,
    port: u16,
    owner: Option<(u32, u32)>,
    running: Mutex<Option<Child>>,
}

/// Finds or starts the one that tests share; says why there is none.
pub fn shared() -> Option<Arc<Postgres>> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = current.upgrade() {
        return Some(running);
    }
    let started = match env::var("KMIP_POSTGRES_URL") {
        Ok(url) => Ok(Postgres::Given(url)),
        Err(_) => Cluster::start().map(Postgres::Own),
    };
    match started {
        Ok(postgres) => {
            let postgres = Arc::new(postgres);
            *current = Arc::downgrade(&postgres);
            Some(postgres)
        }
        Err(reason) => {
            println!("skipped: {reason}");
            None
        }
    }
}

/// Starts one for a test that ends it and starts it again; says why there is none.
pub fn own() -> Option<Cluster> {
    match Cluster::start() {
        Ok(cluster) => Some(cluster),
        Err(reason) => {
            println!("skipped: {reason}");
            None
        }
    }
}

impl Postgres {
    /// Makes an empty schema, which is as good as a database, and returns its URL.
    pub async fn database(&self) -> String {
        match self {
            Self::Given(url) => make_database(url).await,
            Self::Own(cluster) => cluster.database().await,
        }
    }
}

impl Cluster {
    /// Makes a cluster and starts its server.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let said = |error: io::Error| error.to_string();
        let directory = tempfile::tempdir().map_err(said)?;
        let owner = ordinary_user().map_err(said)?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).map_err(said)?;
        let cluster = Self {
            port: spare_port().map_err(said)?,
            directory,
            programs,
            owner,
            running: Mutex::new(None),
        };
        cluster.give(cluster.directory.path()).map_err(said)?;
        let mut initdb = cluster.command("initdb");
        initdb
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ])
            .arg(format!("--username={USER}"))
            .arg("--pgdata")
            .arg(cluster.data());
        let output = initdb.output().map_err(said)?;
        if !output.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&output.stderr)));
        }
        cluster.certify().map_err(said)?;
        cluster.begin()?;
        Ok(cluster)
    }

    /// Makes an empty schema, which is as good as a database, and returns its URL.
    pub async fn database(&self) -> String {
        make_database(&self.url("postgres", "127.0.0.1", "sslmode=disable")).await
    }

    /// Returns the URL of a database.
    pub fn url(&self, database: &str, host: &str, parameters: &str) -> String {
        format!("postgres://{USER}@{host}:{}/{database}?{parameters}", self.port)
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the certificate of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// Ends the server; connections break.
    pub fn end(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut keeper) = running {
            // The keeper ends the server when this is closed.
            drop(keeper.stdin.take());
            // Nothing can be done if it does not end.
            let _ = keeper.wait();
        }
    }

    /// Starts the server, and waits until it takes connections.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn begin(&self) -> Result<(), String> {
        let files = self.directory.path();
        let mut keeper = Command::new("sh");
        if let Some((user, group)) = self.owner {
            keeper.uid(user).gid(group);
        }
        let mut keeper = keeper
            .args(["-c", KEEPER, "sh"])
            .arg(self.programs.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "max_connections=400", "-c", "ssl=on", "-c", "log_min_messages=log"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", files.display()))
            .arg("-c")
            .arg(format!("ssl_cert_file={}", files.join("server.crt").display()))
            .arg("-c")
            .arg(format!("ssl_key_file={}", files.join("server.key").display()))
            .env("LC_ALL", "C")
            .current_dir(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let output = keeper.stderr.take().ok_or("it has no standard error")?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut said = Vec::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.contains("ready to accept connections") {
                    // Who has gone away does not want to know.
                    let _ = tell.send(Ok(()));
                }
                said.push(line);
            }
            let _ = tell.send(Err(said.join("\n")));
        });
        told.recv_timeout(PATIENCE).unwrap_or_else(|_| Err("it does not start".to_owned()))
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(self.directory.path());
        command
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        self.owner.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// Makes a certificate for "localhost", and the authority that it comes from.
    fn certify(&self) -> io::Result<()> {
        let made = || -> Result<[(&str, String); 3], rcgen::Error> {
            let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
            let mut authority = CertificateParams::new(Vec::new())?;
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let certificate = authority.self_signed(&authority_key)?;
            let server = CertificateParams::new(vec!["localhost".to_owned()])?
                .signed_by(&key, &Issuer::new(authority, authority_key))?;
            Ok([
                ("ca.crt", certificate.pem()),
                ("server.crt", server.pem()),
                ("server.key", key.serialize_pem()),
            ])
        };
        for (name, text) in made().map_err(io::Error::other)? {
            let path = self.directory.path().join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            self.give(&path)?;
        }
        fs::set_permissions(self.authority(), fs::Permissions::from_mode(0o644))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes an empty schema in the database that the URL names, and returns its URL.
async fn make_database(url: &str) -> String {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("kmip_test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL is there");
    let create = format!("CREATE SCHEMA {name}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.expect("it may be made");
    connection.close().await.expect("it closes");
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-csearch_path%3D{name}")
}

/// Finds the directory of the newest PostgreSQL that is installed.
fn programs() -> Option<PathBuf> {
    let has_it = |directory: &PathBuf| directory.join("initdb").is_file();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(has_it)
        .collect();
    debian.sort();
    let in_path = || env::split_paths(&env::var_os("PATH")?).find(has_it);
    debian.pop().or_else(in_path)
}

/// Finds somebody else to be, because PostgreSQL refuses to be run by root.
fn ordinary_user() -> io::Result<Option<(u32, u32)>> {
    const NOBODY: (u32, u32) = (65_534, 65_534);
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let postgres = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Ok(Some(postgres.unwrap_or(NOBODY)))
}

fn spare_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
