//! The configuration: what it names is there, and can be read as what it is.

use std::{
    net::{TcpStream, ToSocketAddrs as _},
    path::Path,
    time::Duration,
};

use kmip_model::DateTime;
use kmip_policy_files::{directory, parse};

use super::finding::Findings;
use crate::{
    config::{Config, ListenKmip},
    log,
    report::Report,
    wire::{self, identity, transport},
};

/// How long somebody else's port may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks at everything that the configuration names.
pub(super) fn check(config: &Config, now: DateTime, findings: &mut Findings) {
    match wire::check(config).and_then(|()| log::check(&config.log)) {
        Ok(()) => findings.ok("configuration", "it loads, and this build has what it names"),
        Err(report) => findings.failed("configuration", report.to_string()),
    }
    paths(config, findings);
    tls(&config.listen.kmip, now, findings);
    match identity::check_files(&config.auth) {
        Ok(()) => findings.ok("identification of clients", "accounts and groups can be read"),
        Err(report) => findings.failed("identification of clients", report.to_string()),
    }
    if let Some(path) = &config.policy.path {
        policies(path, findings);
    }
    others(config, findings);
}

/// Tells what is named and not there; what must be set is told by who needs it.
fn paths(config: &Config, findings: &mut Findings) {
    let kmip = &config.listen.kmip;
    let named = [
        ("listen.kmip.certificate", &kmip.certificate),
        ("listen.kmip.key", &kmip.key),
        ("listen.kmip.client_ca", &kmip.client_ca),
    ];
    for (setting, path) in named {
        match path {
            None => findings.failed("configuration", format!("{setting} is not set")),
            Some(path) if !path.exists() => findings.failed("configuration", absent(setting, path)),
            Some(_) => {}
        }
    }
    let perhaps = [
        ("auth.groups_file", &config.auth.groups_file),
        ("auth.accounts_file", &config.auth.accounts_file),
    ];
    for (setting, path) in perhaps {
        if let Some(path) = path.as_ref().filter(|path| !path.exists()) {
            findings.failed("configuration", absent(setting, path));
        }
    }
    let directory = config.log.file.as_deref().and_then(Path::parent);
    if let Some(directory) = directory.filter(|it| !it.as_os_str().is_empty() && !it.is_dir()) {
        findings.failed("configuration", absent("the directory of log.file", directory));
    }
}

fn absent(setting: &str, path: &Path) -> String {
    format!("{setting}: there is no {}", path.display())
}

/// Reads the files of TLS as the server does, which also tells whether key and certificate match.
fn tls(kmip: &ListenKmip, now: DateTime, findings: &mut Findings) {
    match transport::check_files(kmip, now) {
        Ok(()) => findings.ok("TLS", "the files can be used, and the key is the certificate's"),
        Err(report) => findings.failed("TLS", report.to_string()),
    }
}

/// Reads operation policies; a file that cannot be read has no effect, and is not noticed otherwise.
fn policies(path: &Path, findings: &mut Findings) {
    const WHAT: &str = "policies";
    let place = path.display();
    let contents = match directory::read(path) {
        Ok(contents) => contents,
        Err(error) => return findings.failed(WHAT, format!("{place}: {error}")),
    };
    if contents.is_empty() {
        let told = format!("{place} holds no policy file, so there are only the standard policies");
        return findings.warning(WHAT, told);
    }
    let mut good = 0_usize;
    for (name, content) in contents {
        let parsed = content.map_err(|error| error.to_string()).and_then(|bytes| {
            parse::parse(&bytes).map_err(|fault| Report::from(fault).to_string())
        });
        match parsed {
            Ok(_) => good = good.saturating_add(1),
            Err(words) => findings.failed(WHAT, format!("{name} has no effect: {words}")),
        }
    }
    findings.ok(WHAT, format!("{good} files of {place} can be read"));
}

/// Looks at whether others that the server calls answer.
fn others(config: &Config, findings: &mut Findings) {
    if let Some(endpoint) = &config.telemetry.endpoint {
        match reachable(endpoint, 4317) {
            Ok(()) => findings.ok("telemetry", endpoint.clone()),
            Err(error) => findings.warning("telemetry", format!("{error}: traces are lost")),
        }
    }
    for slugs in &config.auth.slugs {
        match reachable(&slugs.url, 80) {
            Ok(()) => findings.ok("SLUGS directory", slugs.url.clone()),
            Err(error) => findings.failed("SLUGS directory", format!("{error}: nobody gets in")),
        }
    }
}

/// Connects to the host of a URL, and says nothing.
fn reachable(url: &str, port: u16) -> Result<(), String> {
    let (host, port) = authority(url, port);
    let failed = |error: std::io::Error| format!("{host} port {port} cannot be reached: {error}");
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Finds host and port in a URL, or in what stands for one.
fn authority(url: &str, port: u16) -> (&str, u16) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, digits)) if digits.parse::<u16>().is_ok() => {
            (host, digits.parse().unwrap_or(port))
        }
        _ => (host_and_port, port),
    };
    (host.trim_matches(['[', ']']), port)
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Manner, Status},
        *,
    };

    #[test]
    fn a_host_is_found_in_a_url() {
        for (url, expected) in [
            ("http://collector:4317", ("collector", 4317)),
            ("http://slugs.example/base?x", ("slugs.example", 9)),
            ("http://[::1]:8080/users", ("::1", 8080)),
            ("http://[::1]", ("::1", 9)),
            ("collector", ("collector", 9)),
        ] {
            assert_eq!(authority(url, 9), expected, "{url}");
        }
    }

    #[test]
    fn a_policy_file_without_effect_is_told() {
        let place = tempfile::tempdir().unwrap();
        let look = || {
            let mut findings = Findings::new(Manner::Quiet);
            policies(place.path(), &mut findings);
            findings.list().iter().map(|it| it.status).collect::<Vec<_>>()
        };
        assert_eq!(look(), [Status::Warning]);
        std::fs::write(place.path().join("a.json"), "{}").unwrap();
        assert_eq!(look(), [Status::Ok]);
        std::fs::write(place.path().join("b.json"), "{").unwrap();
        assert_eq!(look(), [Status::Failed, Status::Ok]);
    }

    #[test]
    fn what_is_named_and_not_there_is_told() {
        let mut config = Config::default();
        config.listen.kmip.certificate = Some("/nowhere/server.crt".into());
        config.auth.groups_file = Some("/nowhere/groups".into());
        config.log.file = Some("/nowhere/log/file".into());
        let mut findings = Findings::new(Manner::Quiet);
        paths(&config, &mut findings);
        let details: Vec<&str> = findings.list().iter().map(|it| it.detail.as_str()).collect();
        assert_eq!(
            details,
            [
                "listen.kmip.certificate: there is no /nowhere/server.crt",
                "listen.kmip.key is not set",
                "listen.kmip.client_ca is not set",
                "auth.groups_file: there is no /nowhere/groups",
                "the directory of log.file: there is no /nowhere/log",
            ]
        );
    }
}
