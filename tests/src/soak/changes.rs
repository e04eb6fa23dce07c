//! Files that change while the nodes run, and whether each node goes by them.
//!
//! In turn: the server has a new certificate; a guest's certificate is put on the revocation list,
//! as an operator does it; a policy opens a key for everybody, or closes it. None of it concerns
//! the clients that make the load: they must not notice.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use kmip_model::{
    DateTime, Material,
    enumeration::{Operation, QueryFunction, Tag},
};
use kmip_x509::CertificateAuthority;

use super::{ask, balancer::Life, nodes::wait, told};
use crate::{
    clock,
    connection::{Connection, ConnectionError, TlsVersions},
    request::{Request, enumeration, identifier, text_attribute},
    server::Directory,
    tree::Item,
};

/// Far more than a change takes to come into force.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it is before it is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// Who may read the key when the policy allows it.
pub const STRANGER: &str = "alice";

/// The policy that changes.
const POLICY: &str = "soak";

/// A link to a directory with the server's certificate and key.
const SERVED: &str = "served";
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

/// Returns the name of a client whose certificate is going to be revoked.
pub fn guest(number: usize) -> String {
    format!("guest-{number}")
}

/// What has changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// The server's certificate is this one, DER.
    Certificate(Vec<u8>),
    /// This client is shut out.
    Revoked(String),
    /// Everybody may read the key, or only its owner.
    Policy(bool),
}

impl Change {
    /// Says it in words.
    pub fn name(&self) -> String {
        match self {
            Self::Certificate(_) => "certificate".to_owned(),
            Self::Revoked(guest) => format!("{guest} revoked"),
            Self::Policy(true) => "policy opened".to_owned(),
            Self::Policy(false) => "policy closed".to_owned(),
        }
    }
}

/// Makes changes, one after the other.
pub struct Changes {
    program: PathBuf,
    directory: Arc<Directory>,
    authority: CertificateAuthority,
    client: String,
    made: usize,
    open: bool,
    /// The key that the policy is about: its identifier and what it is.
    key: Option<(String, Vec<u8>)>,
}

impl Changes {
    /// Takes the authority of a directory, and writes the policy into it.
    ///
    /// # Errors
    /// What is missing or cannot be written.
    pub fn new(program: PathBuf, directory: Arc<Directory>, client: &str) -> Result<Self, String> {
        let said = |error: io::Error| error.to_string();
        let pki = directory.path().join("pki");
        let certificate = fs::read_to_string(pki.join("ca.crt")).map_err(said)?;
        let key = Material::new(fs::read(pki.join("ca.key")).map_err(said)?);
        let authority =
            CertificateAuthority::load(&certificate, &key).map_err(|error| error.to_string())?;
        fs::create_dir_all(policies(&directory)).map_err(said)?;
        let (client, open) = (client.to_owned(), false);
        let changes = Self { program, directory, authority, client, made: 0, open, key: None };
        changes.write_policy().map_err(said)?;
        let [certificate, key, _] = changes.directory.identity("server");
        let pair = (fs::read(certificate).map_err(said)?, fs::read(key).map_err(said)?);
        changes.serve_with("first", &pair.0, &pair.1).map_err(said)?;
        Ok(changes)
    }

    /// Returns the arguments that make a node read what changes.
    pub fn arguments(directory: &Directory) -> Vec<String> {
        let served = directory.path().join(SERVED);
        let settings = [
            format!("policy.path={}", policies(directory).display()),
            format!("listen.kmip.certificate={}", served.join(CERTIFICATE).display()),
            format!("listen.kmip.key={}", served.join(KEY).display()),
        ];
        settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect()
    }

    /// Makes the next change.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn make(&mut self, lives: &[Arc<Life>]) -> Result<Change, String> {
        let said = |error: io::Error| error.to_string();
        let turn = self.made;
        self.made = self.made.saturating_add(1);
        match turn % 3 {
            0 => self.renew_certificate(),
            1 => {
                let guest = guest(turn / 3);
                for life in lives {
                    if !self.gets_in(&guest, life.address)? {
                        return Err(format!("{guest} is refused before it is revoked"));
                    }
                }
                self.revoke(&guest)?;
                Ok(Change::Revoked(guest))
            }
            _ => {
                if self.key.is_none() {
                    let life = lives.first().ok_or("there is no node")?;
                    self.key = Some(self.make_key(life.address)?);
                }
                self.open = !self.open;
                self.write_policy().map_err(said)?;
                Ok(Change::Policy(self.open))
            }
        }
    }

    /// Waits until a node goes by a change.
    ///
    /// # Errors
    /// If it does not, or is not there.
    pub fn until_in_force(&self, change: &Change, life: &Life) -> Result<(), String> {
        let begun = Instant::now();
        while !self.is_in_force(change, life.address)? {
            if begun.elapsed() > PATIENCE {
                return Err(format!("node {} does not take it: {}", life.node, change.name()));
            }
            wait(PAUSE);
        }
        Ok(())
    }

    fn is_in_force(&self, change: &Change, address: SocketAddr) -> Result<bool, String> {
        match change {
            Change::Certificate(expected) => {
                let connection = self.connect(&self.client, address);
                let shown = connection.map_err(|error| error.to_string())?.server_certificate();
                Ok(shown == *expected)
            }
            Change::Revoked(guest) => self.gets_in(guest, address).map(|gets_in| !gets_in),
            Change::Policy(open) => {
                let (id, material) = self.key.as_ref().ok_or("there is no key")?;
                let request = Request::one(ask::VERSION, Operation::Get, vec![identifier(id)]);
                let answer = self.exchange(STRANGER, address, &request);
                let answer = answer.map_err(|error| error.to_string())?;
                match told::reason(&answer)? {
                    None if told::material(&answer)? != *material => {
                        Err("the stranger gets another key".to_owned())
                    }
                    reason => Ok(reason.is_none() == *open),
                }
            }
        }
    }

    /// Gives the server a new certificate and its key.
    fn renew_certificate(&self) -> Result<Change, String> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let issued = self.authority.issue_server(&names, DateTime(clock::now()));
        let issued = issued.map_err(|error| error.to_string())?;
        let certificate = issued.certified.certificate.as_bytes();
        self.serve_with(&self.made.to_string(), certificate, issued.key.expose())
            .map_err(|error| error.to_string())?;
        Ok(Change::Certificate(issued.certified.der))
    }

    /// Exchanges certificate and key at once: a link leads to the directory with both.
    fn serve_with(&self, name: &str, certificate: &[u8], key: &[u8]) -> io::Result<()> {
        let base = self.directory.path();
        let directory = format!("{SERVED}-{name}");
        fs::create_dir(base.join(&directory))?;
        write(&base.join(&directory).join(KEY), key)?;
        write(&base.join(&directory).join(CERTIFICATE), certificate)?;
        let new = base.join(format!("{SERVED}.new"));
        symlink(&directory, &new)?;
        fs::rename(new, base.join(SERVED))
    }

    fn revoke(&self, guest: &str) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(["client-cert", "revoke", guest, "--config"]);
        command.arg(self.directory.config_file()).stdin(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        output.status.success().then_some(()).ok_or_else(|| format!("client-cert revoke: {said}"))
    }

    fn write_policy(&self) -> io::Result<()> {
        let who = if self.open { "ALLOW_ALL" } else { "ALLOW_OWNER" };
        let rules = format!(r#"{{"GET": "{who}", "LOCATE": "{who}"}}"#);
        let text = format!(r#"{{"{POLICY}": {{"preset": {{"SYMMETRIC_KEY": {rules}}}}}}}"#);
        replace(&policies(&self.directory).join("soak.json"), text.as_bytes())
    }

    /// Makes the key that the policy is about.
    fn make_key(&self, address: SocketAddr) -> Result<(String, Vec<u8>), String> {
        let exchange = |request: &Request| {
            self.exchange(&self.client, address, request).map_err(|error| error.to_string())
        };
        let payload = ask::aes(vec![text_attribute("Operation Policy Name", POLICY)]);
        let answer = exchange(&Request::one(ask::VERSION, Operation::Create, payload))?;
        let id = told::success(&answer)?.text_of(Tag::UniqueIdentifier).unwrap_or_default();
        let payload = vec![identifier(id)];
        let answer = exchange(&Request::one(ask::VERSION, Operation::Get, payload))?;
        Ok((id.to_owned(), told::material(&answer)?))
    }

    /// Says whether a client gets an answer; in TLS 1.3 a refusal comes late.
    fn gets_in(&self, client: &str, address: SocketAddr) -> Result<bool, String> {
        let function = enumeration(Tag::QueryFunction, QueryFunction::QueryOperations);
        let request = Request::one(ask::VERSION, Operation::Query, vec![function]);
        match self.exchange(client, address, &request) {
            Ok(answer) => told::success(&answer).map(|_| true),
            Err(ConnectionError::Connect(error) | ConnectionError::Broken(error))
                if error.kind() != io::ErrorKind::ConnectionRefused =>
            {
                Ok(false)
            }
            Err(other) => Err(other.to_string()),
        }
    }

    fn connect(&self, client: &str, address: SocketAddr) -> Result<Connection, ConnectionError> {
        Connection::open(&self.directory.target(address, client), TlsVersions::Any)
    }

    fn exchange(
        &self,
        client: &str,
        address: SocketAddr,
        request: &Request,
    ) -> Result<Item, ConnectionError> {
        self.connect(client, address)?.exchange(&request.message())
    }
}

fn policies(directory: &Directory) -> PathBuf {
    directory.path().join("policies")
}

/// Puts a new file in the place of the old one, so that nobody reads half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    write(Path::new(&name), bytes)?;
    fs::rename(&name, path)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
