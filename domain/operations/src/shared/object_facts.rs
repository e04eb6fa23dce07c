//! Attributes that follow from what an object holds: Digest (KMIP 2.1 §4.21, 1.4 §3.17), algorithm
//! and length of keys (2.1 §4.13 and §4.15, 1.4 §3.4 and §3.5), and what certificates say (2.1 §4.6
//! to §4.8 and §4.61 to §4.63, 1.4 §3.8 to §3.16).
//!
//! A transparent key has a digest of its default byte form only; kinds of keys without one (DSA,
//! DH and elliptic curve keys in transparent form) have none.

use kmip_model::{
    Value,
    attribute::{
        Attribute, AttributeSet, CertificateIdentifier, CertificateIssuer, CertificateSubject,
        Digest, X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
    },
    enumeration::{
        CertificateType, CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, ObjectType,
    },
    object::{KeyBlock, KeyMaterial, KeyValue, Object},
};
use kmip_ports::certificate::CertificateFacts;

use super::surroundings::Surroundings;
use crate::error::OperationError;

/// Adds everything that follows from the object; what the client has said of its algorithm and
/// length stays.
pub(crate) fn add(
    item: &impl Surroundings,
    object: &Object,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    match object {
        Object::Certificate { certificate_type, certificate_value } => {
            attributes.set(Attribute::CertificateType(*certificate_type));
            if let Ok(length) = i32::try_from(certificate_value.len()) {
                attributes.set(Attribute::CertificateLength(length));
            }
            if *certificate_type == CertificateType::X509 {
                // What cannot be read is kept all the same; there is just less to say of it.
                if let Ok(facts) = item.certificates().parse(certificate_value) {
                    add_certificate(item, facts, attributes);
                }
            }
            add_digest(item, certificate_value, KeyFormatType::Raw, attributes)
        }
        Object::CertificateRequest { certificate_request_value, .. } => {
            add_digest(item, certificate_request_value, KeyFormatType::Pkcs10, attributes)
        }
        Object::OpaqueObject { opaque_data_value, .. } => {
            add_digest(item, opaque_data_value.expose(), KeyFormatType::Opaque, attributes)
        }
        Object::Template { .. } => Ok(()),
        Object::PgpKey { key_block, .. }
        | Object::SecretData { key_block, .. }
        | Object::SplitKey { key_block, .. }
        | Object::PrivateKey(key_block)
        | Object::PublicKey(key_block)
        | Object::SymmetricKey(key_block) => {
            add_key(item, object.object_type(), key_block, attributes)
        }
    }
}

/// Says whether a key block holds a key that only another key opens.
pub(crate) fn is_wrapped(key_block: &KeyBlock) -> bool {
    key_block.key_wrapping_data.is_some()
        || matches!(key_block.key_value, Some(KeyValue::Wrapped(_)))
}

/// Returns the key material of a key block that is not wrapped.
pub(crate) fn plain_material(key_block: &KeyBlock) -> Option<&KeyMaterial> {
    match &key_block.key_value {
        Some(KeyValue::Plain { key_material, .. }) if !is_wrapped(key_block) => Some(key_material),
        _ => None,
    }
}

fn add_key(
    item: &impl Surroundings,
    object_type: ObjectType,
    key_block: &KeyBlock,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    let material = plain_material(key_block);
    let described = material
        .filter(|_| is_of_a_key_pair(object_type))
        // Junk is kept as it came; it fails where it is used.
        .and_then(|material| item.crypto().format.describe(object_type, material).ok());
    let beside = Beside::of(key_block);
    let algorithm = key_block
        .cryptographic_algorithm
        .or(beside.algorithm)
        .or(described.map(|described| described.algorithm));
    let length = key_block
        .cryptographic_length
        .or(beside.length)
        .or(described.map(|described| described.length))
        .or_else(|| material.and_then(|material| symmetric_length(object_type, material)));
    add_algorithm(algorithm, length, attributes);
    let Some(material) = material else {
        return Ok(());
    };
    let format = key_block.key_format_type;
    let default = default_format(object_type, attributes.cryptographic_algorithm().copied());
    //= KMIP-2.1 §4.26
    // There is a digest of the form that was assigned, and one of the default form.
    let wanted = match material {
        KeyMaterial::Bytes(bytes) => {
            add_digest(item, bytes.expose(), format, attributes)?;
            // The bytes of a symmetric key or a secret are the same under every label.
            default.filter(|default| is_of_a_key_pair(object_type) && *default != format)
        }
        _ => default,
    };
    if let Some(wanted) = wanted
        && let Ok(KeyMaterial::Bytes(bytes)) =
            item.crypto().format.convert(object_type, material, wanted)
    {
        add_digest(item, bytes.expose(), wanted, attributes)?;
    }
    Ok(())
}

const fn is_of_a_key_pair(object_type: ObjectType) -> bool {
    matches!(object_type, ObjectType::PublicKey | ObjectType::PrivateKey)
}

/// The algorithm and length that travel beside the key, within the Key Value.
struct Beside {
    algorithm: Option<CryptographicAlgorithm>,
    length: Option<i32>,
}

impl Beside {
    fn of(key_block: &KeyBlock) -> Self {
        let mut beside = Self { algorithm: None, length: None };
        if let Some(KeyValue::Plain { attributes, .. }) = &key_block.key_value {
            for instance in attributes {
                match &instance.attribute {
                    Attribute::CryptographicAlgorithm(algorithm) => {
                        beside.algorithm = Some(*algorithm);
                    }
                    Attribute::CryptographicLength(length) => beside.length = Some(*length),
                    _ => {}
                }
            }
        }
        beside
    }
}

/// Returns the length of a symmetric key whose bytes are all there is to it.
fn symmetric_length(object_type: ObjectType, material: &KeyMaterial) -> Option<i32> {
    let (KeyMaterial::Bytes(key) | KeyMaterial::TransparentSymmetricKey { key }) = material else {
        return None;
    };
    let bits = i32::try_from(key.len()).ok()?.checked_mul(8)?;
    (object_type == ObjectType::SymmetricKey).then_some(bits)
}

/// Returns the default Key Format Type where it is a byte string.
//= KMIP-2.1 §4.26 table 81
fn default_format(
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
) -> Option<KeyFormatType> {
    match object_type {
        ObjectType::SymmetricKey | ObjectType::SecretData | ObjectType::SplitKey => {
            Some(KeyFormatType::Raw)
        }
        ObjectType::PublicKey | ObjectType::PrivateKey
            if algorithm == Some(CryptographicAlgorithm::Rsa) =>
        {
            Some(KeyFormatType::Pkcs1)
        }
        _ => None,
    }
}

fn add_algorithm(
    algorithm: Option<CryptographicAlgorithm>,
    length: Option<i32>,
    attributes: &mut AttributeSet,
) {
    if let Some(algorithm) = algorithm
        && attributes.cryptographic_algorithm().is_none()
    {
        attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    }
    if let Some(length) = length
        && attributes.cryptographic_length().is_none()
    {
        attributes.set(Attribute::CryptographicLength(length));
    }
}

fn add_digest(
    item: &impl Surroundings,
    data: &[u8],
    key_format_type: KeyFormatType,
    attributes: &mut AttributeSet,
) -> Result<(), OperationError> {
    let digest_value = item.crypto().digest.digest(HashingAlgorithm::Sha256, data)?;
    attributes.add(Attribute::Digest(Digest {
        hashing_algorithm: HashingAlgorithm::Sha256,
        digest_value: Some(digest_value),
        key_format_type: Some(key_format_type),
    }))?;
    Ok(())
}

fn add_certificate(
    item: &impl Surroundings,
    facts: CertificateFacts,
    attributes: &mut AttributeSet,
) {
    let public_key = KeyMaterial::Bytes(facts.public_key.into());
    if let Ok(key) = item.crypto().format.describe(ObjectType::PublicKey, &public_key) {
        add_algorithm(Some(key.algorithm), Some(key.length), attributes);
    }
    attributes.set(Attribute::X509CertificateIdentifier(X509CertificateIdentifier {
        issuer_distinguished_name: facts.issuer.clone(),
        certificate_serial_number: der_integer(&facts.serial_number),
    }));
    attributes.set(Attribute::X509CertificateSubject(X509CertificateSubject {
        subject_distinguished_name: facts.subject,
        subject_alternative_names: facts.subject_alternative_names,
    }));
    attributes.set(Attribute::X509CertificateIssuer(X509CertificateIssuer {
        issuer_distinguished_name: facts.issuer,
        issuer_alternative_names: facts.issuer_alternative_names,
    }));
    attributes.set(Attribute::CertificateIdentifier(CertificateIdentifier {
        issuer: facts.issuer_text.clone(),
        serial_number: Some(hexadecimal(&facts.serial_number)),
    }));
    attributes.set(Attribute::CertificateSubject(CertificateSubject {
        distinguished_name: facts.subject_text,
        alternative_names: Vec::new(),
    }));
    attributes.set(Attribute::CertificateIssuer(CertificateIssuer {
        distinguished_name: facts.issuer_text,
        alternative_names: Vec::new(),
    }));
    let parts = facts.names.into_iter().filter_map(|(tag, text)| {
        Attribute::from_value(tag, Value::TextString(text)).and_then(Result::ok)
    });
    let algorithm = facts.digital_signature_algorithm.map(Attribute::DigitalSignatureAlgorithm);
    for attribute in parts.chain(algorithm) {
        // A name may have the same part twice; one attribute says so as well as two.
        let _ = attributes.add(attribute);
    }
}

/// Encodes the content octets of an INTEGER as DER.
fn der_integer(content: &[u8]) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    let mut der = vec![INTEGER];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => der.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let length: Vec<u8> = length.into_iter().skip(zeros).collect();
            let count = u8::try_from(length.len()).expect("a usize has few bytes");
            der.push(0x80 | count);
            der.extend(length);
        }
    }
    der.extend_from_slice(content);
    der
}

/// Writes bytes as lower-case hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_der_integer() {
        assert_eq!(der_integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        let long = der_integer(&[1; 200]);
        assert_eq!(&long[..4], [2, 0x81, 200, 1]);
        assert_eq!(long.len(), 203);
    }

    #[test]
    fn hexadecimal_digits_are_lower_case_pairs() {
        assert_eq!(hexadecimal(&[0, 0xAB]), "00ab");
    }
}
