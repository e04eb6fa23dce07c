//! Which keys of a new configuration take force only at a start.

use std::collections::BTreeMap;

use crate::config::Config;

/// What takes force while the server runs: keys, and sections with all of theirs.
const AT_ONCE: &[&str] = &[
    "listen.kmip.certificate",
    "listen.kmip.key",
    "listen.kmip.client_ca",
    "listen.kmip.crls",
    "limits",
    "auth",
    "policy",
    "log.level",
];

/// What of the admin port does, if it has mutual TLS and keeps it.
const AT_ONCE_WITH_TLS: &[&str] = &[
    "listen.admin.certificate",
    "listen.admin.key",
    "listen.admin.client_ca",
    "listen.admin.crls",
];

/// Returns the keys whose values differ and that need a start. Values are not told: one may be a
/// secret that was put in the wrong place.
pub(super) fn needing_a_start(started: &Config, wanted: &Config) -> Vec<String> {
    let has_tls = |config: &Config| config.listen.admin.certificate.is_some();
    let of_admin = if has_tls(started) && has_tls(wanted) { AT_ONCE_WITH_TLS } else { &[] };
    let (started, wanted) = (keys(started), keys(wanted));
    let all = started.keys().chain(wanted.keys().filter(|key| !started.contains_key(*key)));
    let mut differing: Vec<String> = all
        .filter(|key| started.get(*key) != wanted.get(*key))
        .filter(|key| !is_among(key, AT_ONCE) && !is_among(key, of_admin))
        .cloned()
        .collect();
    differing.sort();
    differing
}

fn is_among(key: &str, names: &[&str]) -> bool {
    names.iter().any(|taken| {
        key.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Lays a configuration out: the whole name of each key, with its value.
fn keys(config: &Config) -> BTreeMap<String, toml::Value> {
    let mut keys = BTreeMap::new();
    let whole = toml::Value::try_from(config).expect("every setting has a form in TOML");
    lay_out(String::new(), whole, &mut keys);
    keys
}

fn lay_out(name: String, value: toml::Value, keys: &mut BTreeMap<String, toml::Value>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                lay_out(name, value, keys);
            }
        }
        value => {
            keys.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_need_a_start_are_named_and_others_are_not() {
        let started = Config::default();
        let mut wanted = started.clone();
        wanted.listen.kmip.certificate = Some("new.crt".into());
        wanted.limits.connections = 7;
        wanted.auth.accounts_file = Some("accounts".into());
        wanted.policy.reveal_forbidden = true;
        wanted.log.level = "debug".to_owned();
        assert_eq!(needing_a_start(&started, &wanted), Vec::<String>::new());
        wanted.log.file = Some("file".into());
        wanted.storage.url = "postgres://kmip:hunter2@db/kmip".to_owned();
        wanted.listen.kmip.tls13_tickets = 0;
        let keys = ["listen.kmip.tls13_tickets", "log.file", "storage.url"];
        assert_eq!(needing_a_start(&started, &wanted), keys);
        // What is no longer there differs too.
        assert_eq!(needing_a_start(&wanted, &started), keys);
    }

    #[test]
    fn the_admin_port_takes_other_files_but_not_its_first() {
        let plain = Config::default();
        let mut secured = plain.clone();
        secured.listen.admin.certificate = Some("a.crt".into());
        let mut renewed = secured.clone();
        renewed.listen.admin.certificate = Some("b.crt".into());
        assert_eq!(needing_a_start(&secured, &renewed), Vec::<String>::new());
        assert_eq!(needing_a_start(&plain, &secured), ["listen.admin.certificate"]);
        assert_eq!(needing_a_start(&secured, &plain), ["listen.admin.certificate"]);
    }
}
