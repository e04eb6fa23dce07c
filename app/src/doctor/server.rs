//! The running server, as clients see it: TLS, versions, what it offers, the openings of products.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use kmip_host::SystemClock;
use kmip_model::enumeration::{Operation, QueryFunction};
use kmip_operations::ops::Response;
use kmip_ports::clock::Clock as _;
use kmip_ttlv::{Version, message::response::Answer};
use rustls::SupportedProtocolVersion;

use super::{
    finding::Findings,
    handshake::{self, Identity},
    host,
    message::Message,
    products::{self, PRODUCTS, Product},
};
use crate::{
    client::connection::{self, Connection, Patience},
    config::Config,
    report::Report,
};

/// How long the server may take.
const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(15) };

/// Where the server is, and as whom it is asked.
#[derive(Debug)]
pub(super) struct Target<'a> {
    host: String,
    port: u16,
    /// What the server is called in the handshake.
    name: String,
    identity: Option<&'a Identity>,
}

impl<'a> Target<'a> {
    /// Takes the address of the configuration; clients may use another name.
    pub(super) fn of(
        config: &Config,
        names: &[String],
        identity: Option<&'a Identity>,
    ) -> Result<Self, Report> {
        let (host, port) = connection::split_address(&config.listen.kmip.address.to_string())?;
        let name = names.first().cloned().unwrap_or_else(|| host.clone());
        Ok(Self { host, port, name, identity })
    }

    fn connect(&self, identity: Option<&Identity>) -> Result<Connection, Report> {
        self.connect_by(identity, handshake::ANY)
    }

    fn connect_by(
        &self,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Connection, Report> {
        let tls = handshake::tls(identity, versions)?;
        let at = (self.host.as_str(), self.port);
        Connection::over(tls, at, &self.name, Version::V1_4, PATIENCE)
    }

    /// Says why nothing answers at the address, if nothing does.
    fn answers(&self) -> Result<(), String> {
        answers(&self.host, self.port)
    }
}

/// Connects, and says nothing.
fn answers(host: &str, port: u16) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("nothing answers at {host} port {port}: {error}");
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, PATIENCE.connect) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Looks at the admin port of a server that runs.
fn admin_port(config: &Config, findings: &mut Findings) {
    const WHAT: &str = "admin port";
    let admin = &config.listen.admin;
    if !admin.enabled {
        return findings.skipped(WHAT, "listen.admin.enabled is off");
    }
    if admin.address.port() == 0 {
        return findings.skipped(WHAT, "listen.admin.address leaves the port to the system");
    }
    let address = admin.address.to_string();
    let reached = connection::split_address(&address).map_err(|report| report.to_string());
    match reached.and_then(|(host, port)| answers(&host, port)) {
        Ok(()) => findings.ok(WHAT, address),
        Err(words) => findings.warning(WHAT, format!("{words}: health and metrics are not seen")),
    }
}

/// Looks at the server. `certificate` is the one that it should present.
pub(super) fn check(
    config: &Config,
    target: &Target<'_>,
    certificate: Option<&[u8]>,
    findings: &mut Findings,
) {
    const WHAT: &str = "running server";
    if let Err(words) = target.answers() {
        return findings.skipped(WHAT, format!("{words}; what clients see was not looked at"));
    }
    admin_port(config, findings);
    let refused = strangers(target, certificate, findings);
    let Some(identity) = target.identity else {
        return findings.skipped(
            WHAT,
            "no client certificate is at hand; with --client-certificate and --client-key the \
             server is asked as its clients ask it",
        );
    };
    let mut connection = match target.connect(Some(identity)) {
        Ok(connection) => connection,
        Err(report) => return findings.failed("TLS session", report.to_string()),
    };
    if refused {
        findings.ok(STRANGERS, REFUSED);
    }
    let agreed = connection.agreed();
    let told = match (agreed.protocol_version(), agreed.negotiated_cipher_suite()) {
        (Some(version), Some(suite)) => format!("{version:?}, {:?}", suite.suite()),
        _ => "there is one".to_owned(),
    };
    findings.ok("TLS session", told);
    older(target, findings);
    if asked(&mut connection, findings) {
        replay(target, findings);
    }
}

/// What those who have no certificate get.
const STRANGERS: &str = "client authentication";

/// What they should get.
const REFUSED: &str = "who has no certificate is refused";

/// Looks at what is presented to those who have no certificate, and that they get nothing else.
/// Returns whether they got no session, which says something only if others get one.
fn strangers(target: &Target<'_>, certificate: Option<&[u8]>, findings: &mut Findings) -> bool {
    // TLS 1.2 refuses in the handshake, TLS 1.3 when something is asked.
    let Ok(mut connection) = target.connect(None) else { return true };
    let presented = connection.agreed().peer_certificates().and_then(|chain| chain.first());
    match (presented, certificate) {
        (Some(presented), Some(own)) if presented.as_ref() == own => {
            findings.ok("presented certificate", "it is the one in the configured file");
        }
        (Some(_), Some(_)) => findings.warning(
            "presented certificate",
            "it is another one than in the configured file: what is in the file could not be taken, \
             and the server's log says why; or another server answers there",
        ),
        _ => {}
    }
    match connection.exchange(&products::discover(Version::V1_1).to_bytes()) {
        Ok(_) => findings.failed(
            STRANGERS,
            "who has no certificate is answered: what listens there is not this server, or \
             something before it ends TLS",
        ),
        Err(_) => findings.ok(STRANGERS, REFUSED),
    }
    false
}

/// Looks at whether products that do not know TLS 1.3 get a session.
fn older(target: &Target<'_>, findings: &mut Findings) {
    const WHAT: &str = "TLS 1.2 session";
    match target.connect_by(target.identity, handshake::OLDER) {
        Ok(connection) => {
            let suite = connection.agreed().negotiated_cipher_suite();
            let told = suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
            findings.ok(WHAT, told);
        }
        Err(report) => findings
            .warning(WHAT, format!("{report}: products that do not know TLS 1.3 cannot connect")),
    }
}

/// Asks what every client may ask. Returns whether that was answered.
fn asked(connection: &mut Connection, findings: &mut Findings) -> bool {
    let clock = SystemClock::default();
    let sent = clock.now();
    let answer = connection.exchange(&products::discover(Version::V1_1).to_bytes());
    let now = clock.now();
    let answer = match answer {
        Ok(answer) => answer,
        Err(report) => {
            findings.failed("client certificate", report.to_string());
            return false;
        }
    };
    host::server_clock(answer.time_stamp, sent, now, findings);
    match one(answer) {
        Ok(Response::DiscoverVersions(response)) => {
            let versions = response.protocol_versions.iter();
            let versions: Vec<String> =
                versions.map(|(major, minor)| format!("{major}.{minor}")).collect();
            findings.ok("protocol versions", versions.join(", "));
        }
        Ok(_) => findings.failed("protocol versions", "the answer is to something else"),
        Err(report) => {
            findings.failed("protocol versions", report.to_string());
            return false;
        }
    }
    let functions = [
        QueryFunction::QueryOperations,
        QueryFunction::QueryObjects,
        QueryFunction::QueryServerInformation,
    ];
    let answer = connection.exchange(&products::query(Version::V1_4, &functions).to_bytes());
    match answer.and_then(one) {
        Ok(Response::Query(response)) => findings.ok(
            "offered operations",
            format!(
                "{} operations, {} types of object, by {:?}",
                response.operations.len(),
                response.object_types.len(),
                response.vendor_identification.unwrap_or_default()
            ),
        ),
        Ok(_) => findings.failed("offered operations", "the answer is to something else"),
        Err(report) => findings.failed("offered operations", report.to_string()),
    }
    true
}

/// Plays what known products send first, each on a connection of its own.
fn replay(target: &Target<'_>, findings: &mut Findings) {
    let mut offered = BTreeMap::new();
    for product in PRODUCTS {
        let what = format!("opens as {}", product.name);
        match play(target, product, &mut offered) {
            Ok(told) => findings.ok(what, told),
            Err(report) => findings.failed(what, report.to_string()),
        }
    }
}

fn play(
    target: &Target<'_>,
    product: &Product,
    offered: &mut BTreeMap<Version, Vec<Operation>>,
) -> Result<String, Report> {
    let mut connection = target.connect(target.identity)?;
    let mut played = Vec::new();
    for message in (product.opening)() {
        taken(&message, connection.exchange(&message.to_bytes())?)?;
        played.extend(message.operations().map(|operation| operation.to_string()));
    }
    let Version(major, minor) = product.version;
    let offered = match offered.entry(product.version) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(asked_for(&mut connection, product.version)?),
    };
    let missing: Vec<String> = product
        .needs
        .iter()
        .filter(|operation| !offered.contains(operation))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        return Err(Report::new(format!(
            "KMIP {major}.{minor} of this server has no {}",
            missing.join(", ")
        )));
    }
    played.dedup();
    Ok(format!("KMIP {major}.{minor}: {}", played.join(", ")))
}

/// Asks which operations a version has.
fn asked_for(connection: &mut Connection, version: Version) -> Result<Vec<Operation>, Report> {
    match one(connection.exchange(&products::operations(version).to_bytes())?)? {
        Response::Query(response) => Ok(response.operations),
        _ => Err(Report::new("the answer is to something else")),
    }
}

/// Checks that every item of a message was a success.
fn taken(message: &Message, answer: Answer) -> Result<(), Report> {
    let asked = message.operations().count();
    if answer.items.len() != asked {
        let found = answer.items.len();
        return Err(Report::new(format!("{asked} things were asked, {found} answered")));
    }
    answer.items.into_iter().try_for_each(|item| connection::payload(item).map(drop))
}

/// Returns the payload of the one item of an answer.
fn one(answer: Answer) -> Result<Response, Report> {
    let item = answer.items.into_iter().next().ok_or_else(|| Report::new("the answer is empty"))?;
    connection::payload(item)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{
        super::finding::{Manner, Status},
        *,
    };
    use crate::config::Address;

    #[test]
    fn an_admin_port_that_is_configured_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let look = |enabled, port| {
            let mut config = Config::default();
            config.listen.admin.enabled = enabled;
            config.listen.admin.address = Address::new("127.0.0.1", port);
            let mut findings = Findings::new(Manner::Quiet);
            admin_port(&config, &mut findings);
            findings.list()[0].status
        };
        assert_eq!(look(true, port), Status::Ok);
        assert_eq!(look(true, 0), Status::Skipped);
        drop(listener);
        assert_eq!(look(true, port), Status::Warning);
        assert_eq!(look(false, port), Status::Skipped);
    }
}
