//! Names of the specification as people type them: `aes`, `ec-private-key`, `P-256`.

use kmip_model::{
    attribute::{AttributeReference, Rules},
    enumeration::{CryptographicUsageMask, Enumeration, Member},
};
use thiserror::Error;

use crate::config::nearest::nearest;

/// How many names a refusal lists.
const LISTED: usize = 12;

/// A name that is none of those that are known.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{hint}known: {known}")]
pub(crate) struct UnknownName {
    hint: String,
    known: String,
}

/// Finds a member of an enumeration.
pub(super) fn enumeration<E: Enumeration>(text: &str) -> Result<E, UnknownName> {
    member(text, E::MEMBERS).map(E::from_value)
}

/// Finds a bit of the Cryptographic Usage Mask.
pub(super) fn usage(text: &str) -> Result<CryptographicUsageMask, UnknownName> {
    member(text, CryptographicUsageMask::MEMBERS).map(CryptographicUsageMask)
}

/// Finds an attribute by its name in 1.x, with or without spaces; `x-` and `y-` are custom ones.
pub(super) fn attribute(text: &str) -> Result<AttributeReference, UnknownName> {
    let wanted = plain(text);
    if let Some(rules) = Rules::all().iter().find(|rules| plain(rules.name) == wanted) {
        return Ok(AttributeReference::Standard(rules.tag));
    }
    match AttributeReference::from_name(text) {
        AttributeReference::Unknown(_) => {
            Err(unknown(text, &Rules::all().iter().map(|rules| rules.name).collect::<Vec<_>>()))
        }
        reference => Ok(reference),
    }
}

/// Returns what an attribute is called here.
pub(super) fn of_attribute(reference: &AttributeReference) -> String {
    match reference {
        AttributeReference::Standard(tag) => tag.to_string(),
        AttributeReference::Vendor { vendor_identification, attribute_name } => {
            format!("{vendor_identification}-{attribute_name}")
        }
        AttributeReference::Unknown(name) => name.clone(),
    }
}

/// Returns the name that a value has under its tag, or its number.
pub(super) fn of_value(members: &[Member], value: u32) -> String {
    members
        .iter()
        .find(|member| member.value == value)
        .map_or_else(|| format!("0x{value:08X}"), |member| member.name.to_owned())
}

/// Returns the bits of a mask by name, and those that have none as a number.
pub(super) fn of_mask(members: &[Member], value: u32) -> Vec<String> {
    let mut rest = value;
    let mut names = Vec::new();
    for member in members.iter().filter(|member| value & member.value == member.value) {
        names.push(member.name.to_owned());
        rest &= !member.value;
    }
    if rest != 0 {
        names.push(format!("0x{rest:08X}"));
    }
    names
}

fn member(text: &str, members: &[Member]) -> Result<u32, UnknownName> {
    let wanted = plain(text);
    members
        .iter()
        .find(|member| plain(member.name) == wanted)
        .map(|member| member.value)
        .ok_or_else(|| unknown(text, &members.iter().map(|member| member.name).collect::<Vec<_>>()))
}

fn unknown(text: &str, names: &[&str]) -> UnknownName {
    let plain_names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let candidates: Vec<&str> = plain_names.iter().map(String::as_str).collect();
    let hint = nearest(&plain(text), &candidates)
        .and_then(|near| candidates.iter().position(|candidate| *candidate == near))
        .and_then(|position| names.get(position))
        .map_or_else(String::new, |name| format!("did you mean {name}? "));
    let mut known = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        known.push_str(", …");
    }
    UnknownName { hint, known }
}

/// Leaves out what people write differently: case, spaces, hyphens, underscores.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{
        CryptographicAlgorithm, KeyFormatType, RecommendedCurve, State, Tag,
    };

    use super::*;

    #[test]
    fn names_are_found_however_they_are_written() {
        assert_eq!(enumeration("aes"), Ok(CryptographicAlgorithm::Aes));
        assert_eq!(enumeration("pkcs8"), Ok(KeyFormatType::Pkcs8));
        assert_eq!(enumeration("ec-private-key"), Ok(KeyFormatType::EcPrivateKey));
        assert_eq!(enumeration("x509"), Ok(KeyFormatType::X509));
        assert_eq!(enumeration("P-256"), Ok(RecommendedCurve::P256));
        assert_eq!(enumeration("pre_active"), Ok(State::PreActive));
        assert_eq!(usage("wrap-key"), Ok(CryptographicUsageMask::WRAP_KEY));
    }

    #[test]
    fn a_mistyped_name_gets_a_hint_and_a_short_list() {
        let error = enumeration::<KeyFormatType>("pkcs9").unwrap_err().to_string();
        assert!(error.starts_with("did you mean PKCS_"), "{error}");
        assert!(error.ends_with("…"), "{error}");
        let error = enumeration::<State>("zzzzzzzzzzzzzzz").unwrap_err().to_string();
        assert!(error.starts_with("known: PreActive, Active"), "{error}");
    }

    #[test]
    fn attributes_are_named_with_or_without_spaces() {
        let length = AttributeReference::Standard(Tag::CryptographicLength);
        for text in ["Cryptographic Length", "cryptographic-length", "CryptographicLength"] {
            assert_eq!(attribute(text).as_ref(), Ok(&length), "{text}");
        }
        assert_eq!(of_attribute(&attribute("x-Purpose").unwrap()), "x-Purpose");
        assert!(attribute("Cryptographic Lenght").is_err());
    }

    #[test]
    fn bits_without_a_name_are_shown_too() {
        assert_eq!(
            of_mask(CryptographicUsageMask::MEMBERS, 0x4000_0004),
            ["Encrypt", "0x40000000"]
        );
    }
}
