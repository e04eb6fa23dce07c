//! What is in the URL of a PostgreSQL database: perhaps a password, perhaps paths.

use std::path::Path;

/// The parameters that are paths.
const PATHS: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// Makes relative paths in a URL relative to a directory. Other locations stay as they are.
pub(super) fn with_paths_from(directory: &Path, url: &str) -> String {
    let Some((place, parameters)) = url.split_once('?').filter(|_| is_postgres(url)) else {
        return url.to_owned();
    };
    let resolved: Vec<String> = parameters
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, path)) if PATHS.contains(&name) => {
                format!("{name}={}", directory.join(path).display())
            }
            _ => parameter.to_owned(),
        })
        .collect();
    format!("{place}?{}", resolved.join("&"))
}

/// Hides the password of a URL.
pub(super) fn without_password(url: &str) -> String {
    let hidden = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end)?;
        let (login, host) = authority.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}{rest}"))
    };
    if !is_postgres(url) {
        return url.to_owned();
    }
    let shown = hidden(url).unwrap_or_else(|| url.to_owned());
    let Some((place, parameters)) = shown.split_once('?') else {
        return shown;
    };
    let parameters: Vec<&str> = parameters
        .split('&')
        .map(|it| if it.starts_with("password=") { "password=***" } else { it })
        .collect();
    format!("{place}?{}", parameters.join("&"))
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_certificates_are_relative_to_the_file() {
        for (url, expected) in [
            ("sqlite:a.db?sslkey=b", "sqlite:a.db?sslkey=b"),
            ("postgres://a/b", "postgres://a/b"),
            (
                "postgres://a/b?sslrootcert=ca.crt&port=1&sslkey=/k",
                "postgres://a/b?sslrootcert=/etc/ca.crt&port=1&sslkey=/k",
            ),
        ] {
            assert_eq!(with_paths_from(Path::new("/etc"), url), expected);
        }
    }

    #[test]
    fn passwords_are_hidden() {
        for (url, expected) in [
            ("sqlite:a:b@c", "sqlite:a:b@c"),
            ("postgres://a@b/c", "postgres://a@b/c"),
            ("postgres://a:p@b/c?port=1", "postgres://a:***@b/c?port=1"),
            ("postgres://a:p:@q@b/c", "postgres://a:***@b/c"),
            ("postgresql://b/c?user=a&password=p", "postgresql://b/c?user=a&password=***"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
