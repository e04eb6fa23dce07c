//! Where a server listens: a host, by name or address, and a port.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A host, by name or address, and a port. A name is looked up when the server starts.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: String,
    port: u16,
}

/// A text names no host and port.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not HOST:PORT, as in 127.0.0.1:5696, [::1]:5696 or kmip.example.com:5696")]
pub struct NotAnAddress(String);

impl Address {
    /// Takes a host name or an address, and a port.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Returns the host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Looks the host up; of several addresses, the first of IPv4 is taken.
    ///
    /// # Errors
    /// If the host has no address.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        let mut first = None;
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            if address.is_ipv4() {
                return Ok(address);
            }
            first = first.or(Some(address));
        }
        first.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip().to_string(), address.port())
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port))
                if !host.is_empty()
                    && !host.contains(|c: char| c.is_whitespace() || ":[]/".contains(c)) =>
            {
                Ok(Self::new(host, port))
            }
            _ => Err(NotAnAddress(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(host)) => write!(f, "[{host}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, host, port) in [
            ("127.0.0.1:5696", "127.0.0.1", 5696),
            ("[::1]:0", "::1", 0),
            ("kmip.example.com:65535", "kmip.example.com", 65535),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port));
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "5696", ":5696", "host", "host:", "host:65536", "::1:5696", "a b:1"] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress(text.to_owned())));
        }
    }

    #[test]
    fn an_address_is_what_it_says() {
        let loopback = Address::new("127.0.0.1", 7).resolve().unwrap();
        assert_eq!(loopback, SocketAddr::from(([127, 0, 0, 1], 7)));
        let name = Address::new("localhost", 7).resolve().unwrap();
        assert!(name.ip().is_loopback(), "{name}");
    }
}
