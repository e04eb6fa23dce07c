//! Names of tags, enumerations and bits, and what a field means (KMIP 2.1 §11, Profiles 2.1 §5.4).
//!
//! The case files write names in several ways over the years (`HMAC_SHA256`, `HMACSHA256`), so a
//! name that is not found as it stands is looked up by its letters and digits alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use kmip_model::enumeration::{
    DataEnumeration, Enumeration, ItemType as ItemTypeEnumeration, Member, Tag,
    UniqueIdentifierEnumeration, Vocabulary,
};

use crate::tree::Item;

/// What an item means: its tag, or for a 1.x Attribute Value the attribute that it is the value of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    /// A field or attribute that the specification names.
    Standard(Tag),
    /// An attribute that only its vendor or client knows.
    Named(String),
}

impl Field {
    /// Finds out what an item means; the attribute's name lies beside its value.
    pub(crate) fn of(item: &Item, parent: Option<&Item>) -> Self {
        if item.tag == Tag::AttributeValue
            && let Some(name) = parent.and_then(|parent| parent.text_of(Tag::AttributeName))
        {
            return Self::of_attribute(name);
        }
        Self::Standard(item.tag)
    }

    /// Finds the attribute with a 1.x name, such as `Activation Date` or `x-Shelf`.
    pub(crate) fn of_attribute(name: &str) -> Self {
        if name.starts_with("x-") || name.starts_with("y-") {
            return Self::Named(name.to_owned());
        }
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match ATTRIBUTES.get(letters.as_str()) {
            Some(tag) => Self::Standard(*tag),
            None => Self::Named(letters),
        }
    }

    /// Says whether this is the standard field with a tag.
    pub(crate) fn is(&self, tag: Tag) -> bool {
        *self == Self::Standard(tag)
    }

    /// Returns the name for a report.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Standard(tag) => tag.to_string(),
            Self::Named(name) => name.clone(),
        }
    }

    fn vocabulary(&self) -> Option<Vocabulary> {
        let Self::Standard(tag) = self else { return None };
        if let Some(members) = ALSO_ENUMERATIONS.iter().find(|row| row.0 == *tag) {
            return Some(Vocabulary::Enumeration(members.1));
        }
        tag.vocabulary()
    }
}

/// Enumerations of fields that hold something else too, and of PKCS#11, which the standard's
/// registry leaves to PKCS#11.
const ALSO_ENUMERATIONS: &[(Tag, &[Member])] = &[
    (Tag::UniqueIdentifier, UniqueIdentifierEnumeration::MEMBERS),
    (Tag::Data, DataEnumeration::MEMBERS),
    (Tag::ExtensionType, ItemTypeEnumeration::MEMBERS),
    (
        Tag::Pkcs11Function,
        &[pkcs_11(1, "C_Initialize"), pkcs_11(2, "C_Finalize"), pkcs_11(3, "C_GetInfo")],
    ),
    (Tag::Pkcs11ReturnCode, &[pkcs_11(0, "OK")]),
];

const fn pkcs_11(value: u32, name: &'static str) -> Member {
    Member { value, name, since: (2, 0), until: None }
}

/// Other spellings in use: field, spelling, value.
const ALIASES: &[(Tag, &str, u32)] = &[(Tag::MaskGenerator, "MGF_1", 1)];

/// A name or number that no table has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("{0} is no tag")]
    Tag(String),
    #[error("{value} is no value of {field}")]
    Value { field: String, value: String },
}

/// Reduces a name to its letters and digits.
fn reduced(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

static TAGS: LazyLock<HashMap<String, Tag>> = LazyLock::new(|| {
    Tag::MEMBERS.iter().map(|member| (reduced(member.name), Tag(member.value))).collect()
});

static ATTRIBUTES: LazyLock<HashMap<String, Tag>> = LazyLock::new(|| {
    Tag::MEMBERS.iter().map(|member| (member.name.replace('_', ""), Tag(member.value))).collect()
});

/// Finds a tag by its name in the XML encoding or by its number in hexadecimal.
pub(crate) fn tag(name: &str) -> Result<Tag, NameError> {
    hexadecimal(name)
        .map(Tag)
        .or_else(|| TAGS.get(&reduced(name)).copied())
        .ok_or_else(|| NameError::Tag(name.to_owned()))
}

/// Finds the value of an enumeration by name, by number, or by number in hexadecimal.
pub(crate) fn enumeration(field: &Field, text: &str) -> Result<u32, NameError> {
    if let Some(value) = hexadecimal(text).or_else(|| text.parse().ok()) {
        return Ok(value);
    }
    if field.is(Tag::AttributeReference) {
        return tag(text).map(|tag| tag.0);
    }
    let members = match field.vocabulary() {
        Some(Vocabulary::Enumeration(members)) => members,
        _ => &[],
    };
    member(members, text)
        .or_else(|| {
            let alias = |row: &&(Tag, &str, u32)| field.is(row.0) && row.1 == text;
            ALIASES.iter().find(alias).map(|row| row.2)
        })
        .ok_or_else(|| unknown(field, text))
}

/// Reads an Integer: a number, or the names of bits with spaces between them in any order.
pub(crate) fn integer(field: &Field, text: &str) -> Result<i32, NameError> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let members = match field.vocabulary() {
        Some(Vocabulary::Mask(members)) => members,
        _ => &[],
    };
    let mut mask = 0;
    let names = text.split(|c: char| c.is_whitespace() || c == '|').filter(|name| !name.is_empty());
    for name in names {
        let bits = hexadecimal(name).or_else(|| member(members, name));
        mask |= bits.ok_or_else(|| unknown(field, name))?;
    }
    Ok(mask.cast_signed())
}

/// Returns the name of an enumeration's value, or the value in hexadecimal.
pub(crate) fn enumeration_name(field: &Field, value: u32) -> String {
    let members = match field.vocabulary() {
        Some(Vocabulary::Enumeration(members)) => members,
        _ => &[],
    };
    members
        .iter()
        .find(|member| member.value == value)
        .map_or_else(|| format!("0x{value:08x}"), |member| member.name.to_owned())
}

fn member(members: &[Member], name: &str) -> Option<u32> {
    members
        .iter()
        .find(|member| member.name == name)
        .or_else(|| members.iter().find(|member| reduced(member.name) == reduced(name)))
        .map(|member| member.value)
}

fn unknown(field: &Field, value: &str) -> NameError {
    NameError::Value { field: field.name(), value: value.to_owned() }
}

/// Reads a number with the prefix `0x`.
pub(crate) fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{CryptographicAlgorithm, CryptographicUsageMask};

    use super::*;
    use crate::tree::Value;

    #[test]
    fn a_tag_is_found_by_any_spelling_and_by_number() {
        assert_eq!(tag("UniqueBatchItemID"), Ok(Tag::UniqueBatchItemId));
        assert_eq!(tag("X.509CertificateIssuer"), Ok(Tag::X509CertificateIssuer));
        assert_eq!(tag("0x540001"), Ok(Tag(0x54_0001)));
        assert!(tag("Nonsense").is_err());
    }

    #[test]
    fn an_attribute_value_is_read_by_the_name_beside_it() {
        let value = Item::new(Tag::AttributeValue, Value::Enumeration(3));
        let name = Item::text(Tag::AttributeName, "Cryptographic Algorithm");
        let parent = Item::structure(Tag::Attribute, vec![name, value.clone()]);
        let field = Field::of(&value, Some(&parent));
        assert_eq!(field, Field::Standard(Tag::CryptographicAlgorithm));
        assert_eq!(enumeration(&field, "AES"), Ok(CryptographicAlgorithm::Aes.0));
        assert_eq!(enumeration_name(&field, 3), "AES");
        assert_eq!(enumeration_name(&field, 0x8000_0001), "0x80000001");
    }

    #[test]
    fn the_name_of_a_custom_attribute_stays_as_it_is() {
        assert_eq!(Field::of_attribute("x-Date"), Field::Named("x-Date".to_owned()));
        assert_eq!(Field::of_attribute("Initial Date"), Field::Standard(Tag::InitialDate));
        assert_eq!(
            Field::of_attribute("X.509 Certificate Issuer"),
            Field::Standard(Tag::X509CertificateIssuer)
        );
        assert_eq!(Field::of_attribute("Barcode"), Field::Named("Barcode".to_owned()));
    }

    #[test]
    fn an_enumeration_is_found_by_name_spelling_and_number() {
        let hash = Field::Standard(Tag::HashingAlgorithm);
        assert_eq!(enumeration(&hash, "SHA_256"), enumeration(&hash, "SHA-256"));
        assert_eq!(enumeration(&hash, "0x80000002"), Ok(0x8000_0002));
        assert!(enumeration(&hash, "SHA_255").is_err());
        let reference = Field::Standard(Tag::AttributeReference);
        assert_eq!(enumeration(&reference, "State"), Ok(Tag::State.0));
        let identifier = Field::Standard(Tag::UniqueIdentifier);
        assert_eq!(enumeration(&identifier, "IDPlaceholder"), Ok(1));
    }

    #[test]
    fn a_mask_is_names_in_any_order() {
        let field = Field::Standard(Tag::CryptographicUsageMask);
        let mask =
            (CryptographicUsageMask::ENCRYPT.0 | CryptographicUsageMask::DECRYPT.0).cast_signed();
        assert_eq!(integer(&field, "Decrypt   Encrypt"), Ok(mask));
        assert_eq!(integer(&field, "Encrypt|Decrypt"), Ok(mask));
        assert_eq!(integer(&field, "12"), Ok(12));
        assert!(integer(&field, "Encrypt Fly").is_err());
        assert!(integer(&Field::Standard(Tag::BatchCount), "Encrypt").is_err());
    }
}
