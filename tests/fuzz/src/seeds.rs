//! Writes what fuzzing begins with: `seeds DIRECTORY [VECTORS]`.
//!
//! Every target gets a directory of files in DIRECTORY. They come from `seeds/`, from the golden
//! files and vectors of the adapters' own tests, and, if VECTORS is a directory, from every
//! hexadecimal string in the JSON files there.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use kmip_fuzz::targets::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let directory = arguments.next().ok_or(io::Error::other("no directory is named"))?;
    let vectors = arguments.next().filter(|path| path.is_dir());
    let found = vectors.as_deref().map(messages).transpose()?.unwrap_or_default();
    for (target, _) in TARGETS {
        let place = directory.join(target);
        fs::create_dir_all(&place)?;
        let mut inputs: BTreeMap<String, Vec<u8>> = seeds::of(target).into_iter().collect();
        for (position, message) in found.iter().enumerate() {
            if takes(target, message) {
                inputs.insert(format!("vector-{position}"), message.clone());
            }
        }
        for (name, bytes) in &inputs {
            fs::write(place.join(name), bytes)?;
        }
        println!("{target}: {} seeds", inputs.len());
    }
    Ok(())
}

/// Says whether a message is of use to a target: requests, responses, or any item.
fn takes(target: &str, message: &[u8]) -> bool {
    match target {
        "request" | "endpoint" => message.starts_with(&[0x42, 0x00, 0x78]),
        "response" => message.starts_with(&[0x42, 0x00, 0x7B]),
        "text" => message.starts_with(&[0x42]),
        _ => false,
    }
}

/// Finds the messages in the JSON files of a directory.
fn messages(directory: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut messages = Vec::new();
    for file in files {
        let text = fs::read_to_string(file)?;
        let strings = text.split('"').filter(|string| string.len() >= 16);
        messages.extend(strings.filter_map(|string| hex::decode(string).ok()));
    }
    Ok(messages)
}
