//! Where a PostgreSQL database is, how it is spoken to, and why it cannot be used.

use std::{fmt, net::IpAddr, str::FromStr};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};
use thiserror::Error;

/// The parameters of a URL that mean something here.
const PARAMETERS: [&str; 10] = [
    "application_name",
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
];

/// How to open a store in PostgreSQL.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) connect: PgConnectOptions,
    /// Makes the tables if there are none.
    pub create: bool,
    /// How many connections read; one more writes.
    pub connections: u32,
    /// How many bytes of sealed records are kept in memory; 0 for none.
    pub cache_bytes: u64,
}

/// Why a URL says nothing that can be used. It is not repeated: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PostgresUrlError {
    /// It is not of this form.
    #[error("a location is written postgres://user@host/database?sslrootcert=path/to/ca.crt")]
    Unknown,
    /// A parameter is not known.
    #[error("the parameter {0:?} is not known; known are {known}", known = PARAMETERS.join(", "))]
    Parameter(String),
    /// The way to another computer is not protected.
    #[error(
        "sslmode={0} does not verify the database; say sslmode=verify-full, or nothing, which is \
         the same, unless the database is on this computer"
    )]
    Unverified(&'static str),
}

/// Why a store in PostgreSQL cannot be opened.
#[derive(Debug, Error)]
pub enum PostgresOpenError {
    /// There are no tables.
    #[error("the database {place} is empty: correct the location, or have the tables made")]
    Missing {
        /// Host, port and database.
        place: String,
    },
    /// A later program has changed the schema.
    #[error(
        "the database {place} has schema {found} and this program knows schemas up to {known}: \
         run the program that wrote it, or a later one"
    )]
    Newer {
        /// Host, port and database.
        place: String,
        /// The schema of the database.
        found: i64,
        /// The latest schema this program knows.
        known: i64,
    },
    /// Something else keeps its tables there.
    #[error(
        "the database {place} belongs to another program: correct the location, or make a \
         database for this program alone"
    )]
    Foreign {
        /// Host, port and database.
        place: String,
    },
    /// It is too old, or does not keep every text.
    #[error("the database {place} cannot be used: it must be PostgreSQL 15 or later, in UTF8")]
    Unsuitable {
        /// Host, port and database.
        place: String,
    },
    /// PostgreSQL cannot be reached or refuses.
    #[error(
        "the database {place} cannot be used: check that it runs, that the user may connect and \
         create tables, and that its certificate comes from sslrootcert"
    )]
    Unusable {
        /// Host, port and database.
        place: String,
        /// What PostgreSQL says.
        source: sqlx::Error,
    },
}

impl PostgresOptions {
    /// Reads `postgres://…`: four connections read, the cache has 32 MiB, and the database's
    /// certificate and name are verified unless the URL says otherwise of this very computer.
    pub fn parse(url: &str) -> Result<Self, PostgresUrlError> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .ok_or(PostgresUrlError::Unknown)?;
        let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
        let names: Vec<&str> = parameters
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| parameter.split_once('=').map_or(parameter, |(name, _)| name))
            .collect();
        if let Some(unknown) = names.iter().find(|name| !PARAMETERS.contains(name)) {
            return Err(PostgresUrlError::Parameter((*unknown).to_owned()));
        }
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| PostgresUrlError::Unknown)?
            .disable_statement_logging();
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("kmip-app"),
        };
        let connect = protected(connect, names.contains(&"sslmode"))?;
        Ok(Self { connect, create: false, connections: 4, cache_bytes: 32 << 20 })
    }

    /// Returns what messages call it, without user and password.
    #[must_use]
    pub fn place(&self) -> String {
        let database = self.connect.get_database().unwrap_or(self.connect.get_username());
        match self.connect.get_socket() {
            Some(socket) => format!("{}/{database}", socket.display()),
            None => format!("{}:{}/{database}", self.connect.get_host(), self.connect.get_port()),
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PostgresOptions")
            .field("place", &self.place())
            .field("create", &self.create)
            .field("connections", &self.connections)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

/// Asks for TLS with verification. Only where no network is in between may less be asked for.
fn protected(connect: PgConnectOptions, said: bool) -> Result<PgConnectOptions, PostgresUrlError> {
    if connect.get_socket().is_some() {
        // PostgreSQL has no TLS on sockets of the file system.
        return Ok(connect.ssl_mode(PgSslMode::Disable));
    }
    if !said {
        return Ok(connect.ssl_mode(PgSslMode::VerifyFull));
    }
    let weak = match connect.get_ssl_mode() {
        PgSslMode::VerifyFull => return Ok(connect),
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::Require => "require",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Allow => "allow",
        PgSslMode::Disable => "disable",
    };
    let host = connect.get_host().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|at: IpAddr| at.is_loopback());
    if here { Ok(connect) } else { Err(PostgresUrlError::Unverified(weak)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<String, PostgresUrlError> {
        PostgresOptions::parse(url).map(|options| format!("{:?}", options.connect.get_ssl_mode()))
    }

    #[test]
    fn the_database_is_verified_unless_it_is_here_and_the_url_says_so() {
        for (url, expected) in [
            ("postgres://kmip@db.example/kmip", Ok("VerifyFull")),
            ("postgresql://kmip@db.example/kmip?sslmode=verify-full", Ok("VerifyFull")),
            ("postgres://localhost/kmip", Ok("VerifyFull")),
            ("postgres://localhost/kmip?sslmode=disable", Ok("Disable")),
            ("postgres://127.0.0.1:5433/kmip?sslmode=require", Ok("Require")),
            ("postgres://[::1]/kmip?sslmode=disable", Ok("Disable")),
            ("postgres:///kmip?host=/var/run/postgresql", Ok("Disable")),
            ("postgres://db.example/kmip?sslmode=disable", Err("disable")),
            ("postgres://db.example/kmip?sslmode=prefer", Err("prefer")),
            ("postgres://db.example/kmip?sslmode=require", Err("require")),
            ("postgres://db.example/kmip?sslmode=verify-ca", Err("verify-ca")),
            ("postgres://localhost/kmip?host=db.example&sslmode=disable", Err("disable")),
        ] {
            let expected = expected.map(ToOwned::to_owned).map_err(PostgresUrlError::Unverified);
            assert_eq!(mode(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for url in ["", "sqlite:a", "postgres:kmip", "postgres://a:b:c/d", "mysql://a/b"] {
            assert_eq!(mode(url), Err(PostgresUrlError::Unknown), "{url}");
        }
        let unknown = mode("postgres://a/b?target_session_attrs=any");
        assert_eq!(unknown, Err(PostgresUrlError::Parameter("target_session_attrs".to_owned())));
        let misspelt = mode("postgres://a/b?sslmode=full");
        assert_eq!(misspelt, Err(PostgresUrlError::Unknown));
    }

    #[test]
    fn no_message_repeats_a_password() {
        let options = PostgresOptions::parse("postgres://kmip:hunter2@db.example/keys")
            .expect("it is well formed");
        assert_eq!(options.place(), "db.example:5432/keys");
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
