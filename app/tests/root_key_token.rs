//! A server whose root key is in a token of SoftHSM; where that is not installed, the test says so.
#![cfg(feature = "root-key-pkcs11")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn run(command: &mut Command, configuration: &Path) -> Output {
    command
        .env("SOFTHSM2_CONF", configuration)
        .env("PIN", "1234")
        .output()
        .expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_store_moves_from_a_file_into_a_token_and_on_to_another_key() {
    if !Path::new(MODULE).is_file() {
        println!("skipped: softhsm2 is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let tokens = directory.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    fs::write(&configuration, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let made = run(
        Command::new("softhsm2-util").args([
            "--init-token",
            "--free",
            "--label",
            "kmip",
            "--so-pin",
            "0000",
            "--pin",
            "1234",
        ]),
        &configuration,
    );
    assert!(made.status.success(), "{made:?}");

    let kmip = directory.path().join("kmip");
    let program = || Command::new(env!("CARGO_BIN_EXE_kmip-app"));
    assert!(run(program().arg("init").arg(&kmip), &configuration).status.success());
    let config = kmip.join("kmip-app.toml");
    let initial = fs::read_to_string(&config).unwrap();
    let without: String = initial
        .split("\n[")
        .filter(|section| !section.starts_with("root_key"))
        .collect::<Vec<_>>()
        .join("\n[");
    let token = |section: &str, key: &str| {
        format!(
            "\n[{section}pkcs11]\nmodule = \"{MODULE}\"\ntoken = \"kmip\"\nkey = \"{key}\"\n\
             pin_env = \"PIN\"\n"
        )
    };
    let write = |sections: &[String]| {
        fs::write(&config, format!("{without}{}", sections.concat())).unwrap();
    };
    let verb = |verb: &[&str]| {
        run(program().arg("root-key").args(verb).arg("--config").arg(&config), &configuration)
    };

    write(&["\n[root_key]\nfile = \"root.key\"\n".to_owned(), token("root_key.next.", "first")]);
    let missing = verb(&["rotate"]);
    assert!(text(&missing.stderr).contains("has no AES key labelled"), "{missing:?}");
    assert!(verb(&["create", "--next"]).status.success());
    let rotated = verb(&["rotate"]);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    fs::remove_file(kmip.join("root.key")).unwrap();

    write(&[token("root_key.", "first"), token("root_key.next.", "second")]);
    let status = text(&verb(&["status"]).stdout);
    assert!(status.contains("key \"first\" of token \"kmip\""), "{status}");
    assert!(status.contains("data key 2: opened by the root key"), "{status}");
    assert!(verb(&["create", "--next"]).status.success());
    assert!(verb(&["rotate"]).status.success());
    write(&[token("root_key.", "second")]);
    let status = text(&verb(&["status"]).stdout);
    assert!(status.contains("data key 3: opened by the root key"), "{status}");

    // The key of before opens nothing, and a token that is away is missed.
    write(&[token("root_key.", "first")]);
    let wrong = text(&verb(&["status"]).stderr);
    assert!(wrong.contains("another root key (data key 1 does not unwrap)"), "{wrong}");
    fs::rename(&tokens, directory.path().join("away")).unwrap();
    fs::create_dir(&tokens).unwrap();
    let away = text(&verb(&["status"]).stderr);
    assert!(away.contains("token \"kmip\" is not present"), "{away}");
}
