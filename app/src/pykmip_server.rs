//! `kmip-app pykmip-server`: the command line of PyKMIP's server.

use std::path::PathBuf;

use clap::Args;

use crate::{
    builder::{Builder, Prepared},
    pykmip::{
        self,
        settings::{self, AuthSuite, Given, LoggingLevel, SettingsError},
    },
    report::Report,
    serve,
    server::Server,
};

/// The options of PyKMIP's server, which stand above its configuration file.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The host name or address to listen on.
    #[arg(short = 'n', long, value_name = "HOST")]
    hostname: Option<String>,
    /// The port to listen on.
    #[arg(short = 'p', long, value_parser = port)]
    port: Option<u16>,
    /// The server's certificate chain, PEM.
    #[arg(short = 'c', long = "certificate_path", value_name = "FILE")]
    certificate_path: Option<PathBuf>,
    /// The server's private key, PEM.
    #[arg(short = 'k', long = "key_path", value_name = "FILE")]
    key_path: Option<PathBuf>,
    /// The authorities that clients' certificates must come from, PEM.
    #[arg(short = 'a', long = "ca_path", value_name = "FILE")]
    ca_path: Option<PathBuf>,
    /// Basic or TLS1.2.
    #[arg(short = 's', long = "auth_suite", value_name = "SUITE", value_parser = auth_suite)]
    auth_suite: Option<AuthSuite>,
    /// The configuration file; the default one need not be there if nothing is missed.
    #[arg(
        short = 'f',
        long = "config_path",
        value_name = "FILE",
        help = "The configuration file [default: /etc/pykmip/server.conf, if it is there]"
    )]
    config_path: Option<PathBuf>,
    /// The log file.
    #[arg(short = 'l', long = "log_path", value_name = "FILE",
          default_value = pykmip::LOG_PATH)]
    log_path: PathBuf,
    /// Where operation policies are.
    #[arg(short = 'o', long = "policy_path", value_name = "PATH")]
    policy_path: Option<PathBuf>,
    /// Accept client certificates without the extended key usage clientAuth.
    #[arg(short = 'i', long = "ignore_tls_client_auth")]
    ignore_tls_client_auth: bool,
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL.
    #[arg(short = 'v', long = "logging_level", value_name = "LEVEL", value_parser = logging_level)]
    logging_level: Option<LoggingLevel>,
    /// Where PyKMIP's database is or would be; the store lies beside it.
    #[arg(short = 'd', long = "database_path", value_name = "FILE")]
    database_path: Option<PathBuf>,
    /// Set one key of kmip-app's own, as in --set limits.connections=10; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Make the store if it is missing, even though its root key or directory exists.
    #[arg(long)]
    create_store: bool,
}

/// Serves until a signal ends it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let file = arguments.config_path.clone().unwrap_or_else(|| pykmip::SYSTEM_PATH.into());
    let again = arguments.clone();
    serve::run(move || again.prepare(), Some(file), arguments.create_store)
}

impl Arguments {
    fn prepare(&self) -> Result<Prepared, Report> {
        let builder = match &self.config_path {
            Some(path) => Server::builder().config_path(path),
            None => Server::builder().config_path_if_there(pykmip::SYSTEM_PATH),
        };
        let builder = builder.given(self.given());
        self.set.iter().fold(builder, Builder::set).prepare()
    }

    fn given(&self) -> Given {
        Given {
            hostname: self.hostname.clone(),
            port: self.port,
            certificate_path: self.certificate_path.clone(),
            key_path: self.key_path.clone(),
            ca_path: self.ca_path.clone(),
            auth_suite: self.auth_suite,
            policy_path: self.policy_path.clone(),
            enable_tls_client_auth: self.ignore_tls_client_auth.then_some(false),
            logging_level: self.logging_level,
            log_path: Some(self.log_path.clone()),
            database_path: self.database_path.clone(),
            ..Given::default()
        }
    }
}

fn port(text: &str) -> Result<u16, SettingsError> {
    settings::port(text)
}

fn auth_suite(text: &str) -> Result<AuthSuite, SettingsError> {
    settings::auth_suite(text)
}

fn logging_level(text: &str) -> Result<LoggingLevel, SettingsError> {
    settings::logging_level(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn every_option_of_pykmip_is_known_in_both_forms() {
        let short = "x -n h -p 1 -c c -k k -a a -s Basic -f f -l l -o o -i -v debug -d d";
        let long = "x --hostname h --port 1 --certificate_path c --key_path k --ca_path a \
                    --auth_suite Basic --config_path f --log_path l --policy_path o \
                    --ignore_tls_client_auth --logging_level Debug --database_path d";
        for line in [short, long] {
            let line = Line::try_parse_from(line.split_whitespace()).unwrap();
            assert_eq!(line.arguments.config_path, Some("f".into()));
            let expected = Given {
                hostname: Some("h".into()),
                port: Some(1),
                certificate_path: Some("c".into()),
                key_path: Some("k".into()),
                ca_path: Some("a".into()),
                auth_suite: Some(AuthSuite::Basic),
                policy_path: Some("o".into()),
                enable_tls_client_auth: Some(false),
                logging_level: Some(LoggingLevel::Debug),
                log_path: Some("l".into()),
                database_path: Some("d".into()),
                ..Given::default()
            };
            assert_eq!(line.arguments.given(), expected);
        }
    }

    #[test]
    fn without_options_the_file_decides_all_but_the_log() {
        let line = Line::try_parse_from(["x"]).unwrap();
        let expected = Given { log_path: Some(pykmip::LOG_PATH.into()), ..Given::default() };
        assert_eq!(line.arguments.given(), expected);
    }

    #[test]
    fn a_wrong_option_is_told_in_pykmips_words() {
        for (line, expected) in [
            ("x -p 0", "The port value must be an integer in the range 0 - 65535."),
            ("x -s TLS1.3", "The authentication suite must be one of"),
            ("x -v LOUD", "The logging level must be one of"),
        ] {
            let Err(error) = Line::try_parse_from(line.split(' ')) else { panic!("{line}") };
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
