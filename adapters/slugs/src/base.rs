//! The address of a directory, and of what is asked about a user.

use std::fmt::Write as _;

use hyper::{Uri, http::uri::PathAndQuery};
use thiserror::Error;

/// The URL below which a directory has its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    host: String,
    port: u16,
    /// What stands before `/users`; no slash at its end.
    path: String,
}

/// Why a URL is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BaseError {
    /// It is no URL.
    #[error("{0:?} is no URL of the form http://HOST:PORT/PATH")]
    NoUrl(String),
    /// It wants TLS.
    #[error(
        "{0:?} wants TLS, which is not spoken with SLUGS: use http:// to a tunnel on this host"
    )]
    Tls(String),
    /// It has more than a place.
    #[error("{0:?} must have no user, query or fragment")]
    TooMuch(String),
}

impl Base {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is not of the form `http://HOST[:PORT][/PATH]`.
    pub fn parse(url: &str) -> Result<Self, BaseError> {
        let no_url = || BaseError::NoUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(BaseError::Tls(url.to_owned())),
            _ => return Err(no_url()),
        }
        let authority = uri.authority().ok_or_else(no_url)?;
        if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
            return Err(BaseError::TooMuch(url.to_owned()));
        }
        if authority.host().is_empty() {
            return Err(no_url());
        }
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Returns the host to connect to, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the value of the header Host.
    pub(crate) fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Returns the path of what is asked about a user: `/users/USER` with `rest` behind it. There is
    /// none for names that a server would take for a step in a path.
    pub(crate) fn path_of(&self, user: &str, rest: &str) -> Option<PathAndQuery> {
        if matches!(user, "" | "." | "..") {
            return None;
        }
        format!("{}/users/{}{rest}", self.path, segment(user)).parse().ok()
    }
}

/// Writes a name as one segment of a path (RFC 3986 §2.1, §3.3).
fn segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, host, authority, path) in [
            ("http://slugs", "slugs", "slugs", "/users/a"),
            ("http://127.0.0.1:8080/", "127.0.0.1", "127.0.0.1:8080", "/users/a"),
            ("http://slugs:8080/slugs/v1/", "slugs", "slugs:8080", "/slugs/v1/users/a"),
            ("http://[::1]:81/x", "::1", "[::1]:81", "/x/users/a"),
        ] {
            let base = Base::parse(url).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((base.host(), &*base.authority()), (host, authority), "{url}");
            assert_eq!(base.path_of("a", "").unwrap(), path, "{url}");
        }
    }

    #[test]
    fn urls_of_no_use_are_refused() {
        for (url, expected) in [
            ("", "is no URL"),
            ("slugs", "is no URL"),
            ("slugs:8080", "is no URL"),
            ("/users", "is no URL"),
            ("ftp://slugs", "is no URL"),
            ("http://", "is no URL"),
            ("https://slugs", "wants TLS"),
            ("http://me@slugs", "must have no user"),
            ("http://slugs/?a=b", "must have no user"),
            ("http://slugs/#a", "must have no user"),
        ] {
            let error = Base::parse(url).expect_err(url).to_string();
            assert!(error.contains(expected), "{url}: {error}");
        }
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        let base = Base::parse("http://slugs").unwrap();
        for (user, expected) in [
            ("John Doe", "/users/John%20Doe/groups"),
            ("a/../b", "/users/a%2F..%2Fb/groups"),
            ("a?b#c%20", "/users/a%3Fb%23c%2520/groups"),
            ("CN=a,O=b+c", "/users/CN%3Da%2CO%3Db%2Bc/groups"),
            ("ä\r\n", "/users/%C3%A4%0D%0A/groups"),
        ] {
            assert_eq!(base.path_of(user, "/groups").unwrap(), expected, "{user:?}");
        }
        for user in ["", ".", ".."] {
            assert_eq!(base.path_of(user, "/groups"), None, "{user:?}");
        }
    }
}
