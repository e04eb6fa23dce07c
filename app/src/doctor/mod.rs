//! `kmip-app doctor`: looks at everything that a server needs, and changes nothing.
//!
//! | File | Looks at |
//! |---|---|
//! | [`configuration`] | settings, the files they name, others that the server calls |
//! | [`certificates`] | the server's certificate, the authorities of clients, revocation lists |
//! | [`secrets`] | who may read keys and accounts; where the root key comes from |
//! | [`store`] | the store, through its server or without one |
//! | [`host`] | disk, clock, open files |
//! | [`server`], [`handshake`] | the running server, as clients see it |
//! | [`products`], [`message`] | what known products send first |
//! | [`finding`] | how it is told |
//!
//! No check stops another. To add one, note what it finds where its subject is; to add a product, add
//! a row to [`products::PRODUCTS`].

mod certificates;
mod configuration;
mod finding;
mod handshake;
mod host;
mod message;
mod products;
mod secrets;
mod server;
mod store;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use kmip_host::SystemClock;
use kmip_model::DateTime;
use kmip_ports::clock::Clock as _;

use self::{
    finding::{Findings, Manner},
    handshake::Identity,
    server::Target,
};
use crate::{
    cli::ConfigArguments, client::ClientConfig, config::Config, report::Report, serve,
    wire::storage::Url,
};

/// What to look at, and as whom.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// A name or address by which clients reach the server; may be repeated.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// A client's certificate, PEM, with which the running server is asked [default: that of a
    /// client.toml beside the configuration].
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM, readable by its owner only.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// Print JSON when everything was looked at, instead of a line for each check.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Returns the client that the server is asked as.
    fn identity(&self) -> Option<Identity> {
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            return Some(Identity { certificate: certificate.clone(), key: key.clone() });
        }
        let beside = self.config.config.as_deref().and_then(Path::parent)?.join("client.toml");
        let client = ClientConfig::load(&beside).ok()?;
        Some(Identity { certificate: client.cert, key: client.key })
    }
}

/// Looks at everything, tells each thing in a line, and fails if something does not work.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Report> {
    let manner = if arguments.json { Manner::Json } else { Manner::Lines };
    let mut findings = Findings::new(manner);
    match arguments.config.load() {
        Ok(config) => look(&config, arguments, &mut findings)?,
        Err(report) => {
            findings.failed("configuration", report.to_string());
            findings.skipped("everything else", "nothing is known of it without a configuration");
        }
    }
    Ok(findings.end())
}

fn look(config: &Config, arguments: &Arguments, findings: &mut Findings) -> Result<(), Report> {
    serve::harden();
    let now: DateTime = SystemClock::default().now();
    configuration::check(config, now, findings);
    let kmip = &config.listen.kmip;
    let certificate = certificates::check(kmip, &arguments.names, now, findings);
    certificates::check_admin(&config.listen.admin, now, findings);
    secrets::check(config, findings);
    let found = serve::runtime()?.block_on(store::check(config, findings));
    let url = Url::parse(&config.storage.url).ok();
    let file = url.as_ref().and_then(Url::file);
    host::clock(now, found.newest_event, file, findings);
    if let Some(log) = &config.log.file {
        host::room("log disk", log, findings);
    }
    let identity = arguments.identity();
    match Target::of(config, &arguments.names, identity.as_ref()) {
        Ok(target) => server::check(config, &target, certificate.as_deref(), findings),
        Err(report) => findings.failed("running server", report.to_string()),
    }
    Ok(())
}
