//! The root key in a token of SoftHSM, which is a module without hardware.
//!
//! Where it is not installed the test says so and passes. Its configuration is named by a variable
//! of the process, so the test runs itself again with that variable.
#![cfg(feature = "token")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use kmip_model::Material;
use kmip_pkcs11::{Place, TokenError, TokenRootKey};
use kmip_ports::root_key::{RootKey as _, RootKeyError};

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

const VARIABLE: &str = "SOFTHSM2_CONF";

fn module() -> Option<PathBuf> {
    MODULES.iter().map(PathBuf::from).find(|path| path.is_file())
}

fn data_key() -> Material {
    Material::new(vec![7; 32])
}

fn at(token: &str, key: &str, pin: &[u8]) -> TokenRootKey {
    let module = module().expect("it is there, or this is not run");
    let place = Place::new(module, Some(token.into()), None, key.into()).expect("it is one");
    TokenRootKey::new(place, Some(&Material::from(pin))).expect("the module is one")
}

#[test]
fn a_token_wraps_and_only_it_unwraps() {
    if module().is_none() {
        println!("skipped: softhsm2 is not installed");
        return;
    }
    if env::var_os(VARIABLE).is_some_and(|path| path.to_string_lossy().contains("kmip-pkcs11")) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(every_promise());
        return;
    }
    let directory = tempfile::Builder::new().prefix("kmip-pkcs11").tempdir().unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let tokens = directory.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    fs::write(&configuration, settings).unwrap();
    for token in ["first", "second"] {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", token])
            .args(["--so-pin", "0000", "--pin", "1234"])
            .env(VARIABLE, &configuration)
            .output()
            .expect("softhsm2-util belongs to the module");
        assert!(made.status.success(), "{made:?}");
    }
    let test = env::current_exe().unwrap();
    let output = Command::new(test)
        .args(["--exact", "a_token_wraps_and_only_it_unwraps", "--nocapture"])
        .env(VARIABLE, &configuration)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Runs in a process that knows where the tokens are.
async fn every_promise() {
    let root_key = at("first", "root", b"1234");
    let missing = root_key.wrap(b"context", &data_key()).await.expect_err("it is refused");
    assert!(missing.to_string().contains("root-key create"), "{missing}");
    root_key.create().expect("it serves");
    assert!(matches!(root_key.create(), Err(TokenError::KeyExists { .. })));

    let wrapped = root_key.wrap(b"context", &data_key()).await.expect("it serves");
    assert_eq!(root_key.unwrap(b"context", &wrapped).await, Ok(data_key()));
    assert_ne!(wrapped, root_key.wrap(b"context", &data_key()).await.expect("it serves"));
    let wrong = Err(RootKeyError::WrongKey);
    assert_eq!(root_key.unwrap(b"another", &wrapped).await, wrong);
    for position in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        *changed.get_mut(position).expect("it is within") ^= 1;
        assert_eq!(root_key.unwrap(b"context", &changed).await, wrong, "byte {position}");
    }
    assert_eq!(root_key.unwrap(b"context", wrapped.get(..20).expect("it is longer")).await, wrong);

    // Another token, and another key of this one, open nothing.
    for (token, key) in [("second", "root"), ("first", "other")] {
        let other = at(token, key, b"1234");
        other.create().expect("it serves");
        assert_eq!(other.unwrap(b"context", &wrapped).await, wrong, "{token} {key}");
    }
    let said = |error: RootKeyError| error.to_string();
    let error =
        said(at("first", "root", b"9999").wrap(b"", &data_key()).await.expect_err("it is refused"));
    assert!(error.contains("refuses the PIN") && !error.contains("9999"), "{error}");
    let error =
        said(at("third", "root", b"1234").wrap(b"", &data_key()).await.expect_err("it is refused"));
    assert!(error.contains("token \"third\" is not present"), "{error}");

    taken_out_and_put_back(&root_key, &wrapped).await;
    let nowhere =
        Place::new("/nowhere.so".into(), None, Some(1), "root".into()).expect("it serves");
    let error = TokenRootKey::new(nowhere, None).expect_err("it is refused");
    assert!(error.to_string().contains("/nowhere.so"), "{error}");
}

/// Moves the tokens away, as if they were pulled out, and back.
async fn taken_out_and_put_back(root_key: &TokenRootKey, wrapped: &[u8]) {
    let configuration = PathBuf::from(env::var_os(VARIABLE).expect("it serves"));
    let [here, away] = ["tokens", "away"].map(|name| in_same(&configuration, name));
    fs::rename(&here, &away).expect("it serves");
    let gone = root_key.unwrap(b"context", wrapped).await;
    assert!(matches!(gone, Err(RootKeyError::Unavailable(_))), "{gone:?}");
    fs::rename(&away, &here).expect("it serves");
    assert_eq!(root_key.unwrap(b"context", wrapped).await, Ok(data_key()));
}

fn in_same(file: &Path, name: &str) -> PathBuf {
    file.with_file_name(name)
}
