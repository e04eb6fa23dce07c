//! Published vectors, where the checkout beside this one has them: what is well-formed is read and
//! written again byte for byte, what is malformed is refused.

use std::{fs, path::PathBuf};

use kmip_model::Value;
use kmip_ttlv::{Context, Decode as _, Element, Encode as _, Limits, Version, Writer, text};
use serde_json::Value as Json;

fn vectors(file: &str) -> Option<Json> {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.extend(["..", "..", "..", "shared", "kmip", "vectors", file]);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("{file}: no vectors here, 0 checked");
        return None;
    };
    Some(serde_json::from_str(&text).expect("a vector file is JSON"))
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.split_whitespace().collect::<String>()).expect("a vector is hexadecimal")
}

/// Reads a message as a generic tree and writes it again, with padding that is all zero.
fn again(bytes: &[u8]) -> Result<Vec<u8>, kmip_ttlv::Fault> {
    let element = Element::parse(bytes, &Limits::default())?;
    let value = Value::decode(element, &Context::new(Version::V2_1))?;
    let mut writer = Writer::new(Version::V2_1);
    value.encode(element.tag, &mut writer);
    Ok(writer.into_bytes())
}

fn entries<'a>(json: &'a Json, list: &str) -> &'a [Json] {
    json[list].as_array().expect("a vector file holds a list")
}

fn check_all(file: &str, list: &str, hex_fields: &[(&str, &str)]) {
    let Some(json) = vectors(file) else { return };
    let mut checked = 0_usize;
    for entry in entries(&json, list) {
        for (hex_field, sound_field) in hex_fields {
            let Some(hex) = entry[hex_field].as_str() else {
                continue;
            };
            if entry[sound_field] == Json::Bool(false) {
                continue;
            }
            let bytes = bytes(hex);
            let name = entry["name"].as_str().unwrap_or(hex);
            assert_eq!(again(&bytes).map(hex::encode), Ok(hex::encode(&bytes)), "{name}");
            assert!(!text::tree(&bytes).is_empty());
            checked = checked.saturating_add(1);
        }
    }
    println!("{file}: {checked} checked");
    assert!(checked > 0, "{file} has changed its form");
}

#[test]
fn items_of_every_type_are_read_and_written_again() {
    check_all("ttlv-types.json", "vectors", &[("hex", "sound")]);
}

#[test]
fn whole_messages_are_read_and_written_again() {
    check_all("https-messages.json", "messages", &[("ttlv_hex", "length_ok")]);
    check_all(
        "usecase-messages.json",
        "cases",
        &[("request_hex", "request_length_ok"), ("response_hex", "response_length_ok")],
    );
}

#[test]
fn structures_of_another_implementation_are_read_and_written_again() {
    check_all("pykmip-unit-test-encodings.json", "vectors", &[("hex", "well_formed_length")]);
}

#[test]
fn hexadecimal_listings_beside_other_encodings_are_read_and_written_again() {
    let Some(json) = vectors("json-messages.json") else {
        return;
    };
    let mut checked = 0_usize;
    for message in entries(&json, "messages") {
        let listing = message["other"].as_str().unwrap();
        // Some listings are in another encoding, or go on with prose.
        if let Ok(bytes) = hex::decode(listing.split_whitespace().collect::<String>()) {
            assert_eq!(again(&bytes), Ok(bytes));
            checked = checked.saturating_add(1);
        }
    }
    assert!(checked > 0, "json-messages.json has changed its form");
}

#[test]
fn malformed_items_are_refused() {
    if let Some(json) = vectors("ttlv-types.json") {
        for entry in entries(&json, "negative") {
            let why = entry["why"].as_str().unwrap();
            let read = again(&bytes(entry["hex"].as_str().unwrap()));
            assert_eq!(read.is_ok(), why.contains("receivers may accept"), "{why}");
        }
    }
    let Some(json) = vectors("pykmip-unit-test-encodings.json") else {
        return;
    };
    for entry in entries(&json, "vectors") {
        if entry["well_formed_length"] == Json::Bool(false) {
            let name = &entry["name"];
            assert!(again(&bytes(entry["hex"].as_str().unwrap())).is_err(), "{name}");
        }
    }
}
