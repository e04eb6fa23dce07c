//! The example configurations: each is loaded, and does what its name says.

use std::fs;

use kmip_app::Config;

use super::deploy;

fn example(name: &str) -> Config {
    let path = deploy().join("examples").join(name);
    Config::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_example_is_a_configuration() {
    let names: Vec<_> = fs::read_dir(deploy().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let config = example(&name);
        assert!(!config.development, "{name}");
        assert!(config.listen.kmip.client_ca.is_some(), "{name}");
        assert!(config.root_key.file.is_some(), "{name}");
    }
}

#[test]
fn a_single_node_has_its_store_in_a_file() {
    let config = example("single-node.toml");
    assert_eq!(config.storage.url, "sqlite:/var/lib/kmip-app/kmip-app.db");
}

#[test]
fn several_nodes_have_names_and_a_database_that_is_verified() {
    let config = example("several-nodes.toml");
    assert_ne!(config.node.name, Config::default().node.name);
    assert!(config.storage.url.starts_with("postgres://"), "{}", config.storage.url);
    assert!(config.storage.url.contains("sslrootcert=/"), "{}", config.storage.url);
    assert!(!config.storage.url.contains("sslmode"), "{}", config.storage.url);
}

/// What PyKMIP's clients rely on is what its own configuration file comes to.
#[test]
fn the_one_for_pykmips_clients_sets_what_their_configuration_sets() {
    let config = example("instead-of-pykmip.toml");
    let default = Config::default();
    assert!(config.crypto.legacy && config.policy.reveal_forbidden);
    assert!(config.operations.wrapped_key_in_structure && config.operations.longest_salt);
    assert_ne!(config.attributes.unasked, default.attributes.unasked);
    assert_ne!(config.policy.groups_without_section, default.policy.groups_without_section);
}
