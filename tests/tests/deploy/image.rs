//! The Dockerfile: what it says, and, as root, the image that it puts together.

use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use kmip_tests::program;

use super::{deploy, is_root, read, understood};

/// One instruction, continued lines joined.
struct Instruction {
    name: String,
    rest: String,
}

fn instructions() -> Vec<Instruction> {
    let text = read("Dockerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .join("\n")
        .replace("\\\n", " ")
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (name, rest) = line.trim().split_once(' ').expect("an instruction has an argument");
            Instruction { name: name.to_owned(), rest: rest.trim().to_owned() }
        })
        .collect()
}

/// Returns what is said of the image that is left, not of the stage that builds.
fn last_stage() -> Vec<Instruction> {
    let mut all = instructions();
    let begin = all.iter().rposition(|it| it.name == "FROM").expect("there is a stage");
    all.split_off(begin)
}

fn argument<'a>(stage: &'a [Instruction], name: &str) -> &'a str {
    let mut found = stage.iter().filter(|it| it.name == name).map(|it| it.rest.as_str());
    let argument = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(found.next(), None, "{name} is there again");
    argument
}

#[test]
fn what_is_left_is_the_program_and_no_root() {
    let stage = last_stage();
    assert_eq!(argument(&stage, "FROM"), "scratch");
    let user = argument(&stage, "USER");
    let numbers: Vec<u32> = user.split(':').map(|number| number.parse().unwrap()).collect();
    assert!(numbers.len() == 2 && numbers.iter().all(|number| *number >= 1000), "{user}");
    assert!(!stage.iter().any(|it| matches!(it.name.as_str(), "RUN" | "ENV" | "ARG")));
    assert_eq!(argument(&stage, "COPY"), "--from=build /out/ /");
    let words = |name: &str| -> Vec<String> {
        serde_json::from_str(argument(&stage, name)).expect("it is a list: there is no shell")
    };
    understood(&[words("ENTRYPOINT"), words("CMD")].concat());
}

#[test]
fn every_image_has_a_version_and_nothing_is_fetched_or_secret() {
    for it in instructions() {
        assert_ne!(it.name, "ADD", "{}", it.rest);
        if it.name == "FROM" && it.rest != "scratch" {
            let image = it.rest.split(' ').next().unwrap_or_default();
            let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
            assert!(tag.starts_with(|letter: char| letter.is_ascii_digit()), "{image}");
        }
        if it.name == "COPY" {
            for source in it.rest.split(' ').filter(|word| word.starts_with("deploy/")) {
                assert!(deploy().join("..").join(source).exists(), "{source}");
            }
        }
    }
    let ignored = read("Dockerfile.dockerignore");
    for left_out in [".git", "target", "kmip-dev", "deploy/secrets", "deploy/.env"] {
        assert!(ignored.lines().any(|line| line == left_out), "{left_out} goes into the build");
    }
}

/// Runs the step that puts the image together, with another directory for `/out`, and the program in
/// it: nothing it needs may be missing, as a user that owns nothing else.
#[test]
fn the_program_runs_in_the_image() {
    let Some(program) = program::path().filter(|_| is_root()) else {
        println!("skipped: needs root, and the program built beside this test");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let binaries = out.join("usr/local/bin");
    std::fs::create_dir_all(&binaries).unwrap();
    std::fs::hard_link(&program, binaries.join("kmip-app"))
        .or_else(|_| std::fs::copy(&program, binaries.join("kmip-app")).map(|_| ()))
        .unwrap();
    let steps: Vec<String> = instructions()
        .into_iter()
        .filter(|it| it.name == "RUN" && it.rest.contains("ldd "))
        .map(|it| it.rest)
        .collect();
    let [step] = steps.as_slice() else {
        panic!("one step puts the image together, not {}", steps.len());
    };
    let script = step
        .replace("\"/out$library\"", &format!("\"{}$library\"", out.display()))
        .replace("/out/", &format!("{}/", out.display()));
    assert!(!script.contains(" /out"), "{script}");
    let sources = deploy().join("..");
    let run = Command::new("sh").args(["-euc", &script]).current_dir(sources).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    if said.contains("ca-certificates.crt") {
        println!("skipped: the package ca-certificates is not installed");
        return;
    }
    assert!(run.status.success(), "{said}");
    let within = |arguments: &[&str]| enter(&out, arguments);
    assert!(within(&["--version"]).starts_with("kmip-app "));
    within(&["init", "/var/lib/kmip-app/made"]);
    within(&["check-config", "--config", "/var/lib/kmip-app/made/kmip-app.toml"]);
    within(&["verify", "--config", "/var/lib/kmip-app/made/kmip-app.toml"]);
    let shells = out.join("bin/sh");
    assert!(!shells.exists(), "there is a shell");
}

/// Runs the program as the image does, and returns what it printed.
fn enter(out: &Path, arguments: &[&str]) -> String {
    // The directory of the test is root's alone; the image's own user must be able to pass.
    for directory in [out.parent().unwrap_or(out), out] {
        std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755))
            .expect("the directory is ours");
    }
    chown(out.join("var/lib/kmip-app"), Some(65532), Some(65532)).expect("root gives files away");
    let output = Command::new("chroot")
        .args(["--userspec=65532:65532".as_ref(), out.as_os_str()])
        .arg("/usr/local/bin/kmip-app")
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .expect("chroot runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
