//! From a file to a Register request.
//!
//! Bytes are sent as they are. PEM is taken off, because it is not a form that KMIP knows, and its
//! label says what is inside.

use std::fs;

use kmip_model::{
    Material,
    attribute::Attribute,
    enumeration::{
        CertificateType, CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType,
        OpaqueDataType,
    },
    object::{KeyBlock, KeyMaterial, Object},
};
use kmip_operations::{
    ops::{Request, register},
    shared::create_object::TemplateAttribute,
};
use kmip_ttlv::Version;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use zeroize::Zeroizing;

use super::{
    commands::{Register, RegisterType},
    request::{common, mask},
};
use crate::report::Report;

/// The Opaque Data Type of objects that nobody has described: an extension, there is no other.
const OPAQUE: OpaqueDataType = OpaqueDataType(0x8000_0001);

/// Reads the file and makes the request.
pub(super) fn request(command: &Register, version: Version) -> Result<Request, Report> {
    let path = command.file.display();
    let bytes = fs::read(&command.file)
        .map(Zeroizing::new)
        .map_err(|error| Report::new(format!("{path} cannot be read: {error}")))?;
    let content = content(command.object_type, &bytes)
        .map_err(|problem| Report::new(format!("{path} {problem}")))?;
    Ok(request_with(command, content, version))
}

/// What a file holds, and what it says about that.
#[derive(Debug, PartialEq)]
struct Content {
    bytes: Material,
    key_format_type: KeyFormatType,
    cryptographic_algorithm: Option<CryptographicAlgorithm>,
}

/// Reads the content of a file: PEM where the type has such a form, else the bytes.
fn content(object_type: RegisterType, file: &[u8]) -> Result<Content, String> {
    let plain = |key_format_type, cryptographic_algorithm| Content {
        bytes: file.into(),
        key_format_type,
        cryptographic_algorithm,
    };
    let default_format = match object_type {
        RegisterType::SymmetricKey => {
            return Ok(plain(KeyFormatType::Raw, Some(CryptographicAlgorithm::Aes)));
        }
        RegisterType::SecretData | RegisterType::Opaque => {
            return Ok(plain(KeyFormatType::Opaque, None));
        }
        RegisterType::PrivateKey => KeyFormatType::Pkcs8,
        RegisterType::PublicKey | RegisterType::Certificate => KeyFormatType::X509,
    };
    if !file.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(plain(default_format, None));
    }
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(file);
    for section in sections {
        let (kind, der) = section.map_err(|error| format!("is not PEM: {error}"))?;
        let der = Material::new(der);
        if let Some((key_format_type, cryptographic_algorithm)) = of_section(object_type, kind) {
            return Ok(Content { bytes: der, key_format_type, cryptographic_algorithm });
        }
    }
    Err("holds no PEM section of that type that is known and not encrypted".to_owned())
}

/// Says what a PEM section is, if it is one of the type that is wanted.
fn of_section(
    object_type: RegisterType,
    kind: SectionKind,
) -> Option<(KeyFormatType, Option<CryptographicAlgorithm>)> {
    match (object_type, kind) {
        (RegisterType::PrivateKey, SectionKind::PrivateKey) => Some((KeyFormatType::Pkcs8, None)),
        (RegisterType::PrivateKey, SectionKind::RsaPrivateKey) => {
            Some((KeyFormatType::Pkcs1, Some(CryptographicAlgorithm::Rsa)))
        }
        (RegisterType::PrivateKey, SectionKind::EcPrivateKey) => {
            Some((KeyFormatType::EcPrivateKey, Some(CryptographicAlgorithm::Ec)))
        }
        (RegisterType::PublicKey, SectionKind::PublicKey)
        | (RegisterType::Certificate, SectionKind::Certificate) => {
            Some((KeyFormatType::X509, None))
        }
        _ => None,
    }
}

fn request_with(command: &Register, content: Content, version: Version) -> Request {
    let (object_type, default_usage) = described(command.object_type);
    let mut attributes = common(&command.name, command.object_group.as_ref());
    let usage = if command.usage.is_empty() { default_usage } else { Some(mask(&command.usage)) };
    attributes.extend(usage.map(Attribute::CryptographicUsageMask));
    let object = object(command, content, version);
    if let Some(key_block) = object.key_block() {
        attributes.extend(key_block.cryptographic_algorithm.map(Attribute::CryptographicAlgorithm));
        attributes.extend(key_block.cryptographic_length.map(Attribute::CryptographicLength));
    }
    Request::Register(register::Request {
        object_type,
        attributes: TemplateAttribute { names: Vec::new(), attributes },
        object: Some(object),
        protection_storage_masks: Vec::new(),
    })
}

/// Returns the Object Type, and what such objects are for unless it is said.
fn described(object_type: RegisterType) -> (ObjectType, Option<CryptographicUsageMask>) {
    let encrypt = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
    match object_type {
        RegisterType::SymmetricKey => (ObjectType::SymmetricKey, Some(encrypt)),
        RegisterType::SecretData => (ObjectType::SecretData, Some(CryptographicUsageMask::VERIFY)),
        RegisterType::Opaque => (ObjectType::OpaqueObject, None),
        RegisterType::Certificate => {
            (ObjectType::Certificate, Some(CryptographicUsageMask::VERIFY))
        }
        RegisterType::PrivateKey => (ObjectType::PrivateKey, Some(CryptographicUsageMask::SIGN)),
        RegisterType::PublicKey => (ObjectType::PublicKey, Some(CryptographicUsageMask::VERIFY)),
    }
}

fn object(command: &Register, content: Content, version: Version) -> Object {
    let length = match command.object_type {
        RegisterType::SymmetricKey => i32::try_from(content.bytes.len().saturating_mul(8)).ok(),
        _ => None,
    };
    let algorithm = command.algorithm.or(content.cryptographic_algorithm);
    let cryptographic_algorithm = algorithm.map(|algorithm| match algorithm {
        // The name of elliptic curve keys before there was one for all of them.
        CryptographicAlgorithm::Ec if version < Version::V1_2 => CryptographicAlgorithm::Ecdsa,
        other => other,
    });
    let key_block = |bytes| KeyBlock {
        cryptographic_algorithm,
        cryptographic_length: command.length.or(length),
        ..KeyBlock::plain(
            command.format.unwrap_or(content.key_format_type),
            KeyMaterial::Bytes(bytes),
        )
    };
    let bytes = content.bytes;
    match command.object_type {
        RegisterType::SymmetricKey => Object::SymmetricKey(key_block(bytes)),
        RegisterType::PrivateKey => Object::PrivateKey(key_block(bytes)),
        RegisterType::PublicKey => Object::PublicKey(key_block(bytes)),
        RegisterType::SecretData => Object::SecretData {
            secret_data_type: command.secret_data_type,
            key_block: key_block(bytes),
        },
        RegisterType::Opaque => {
            Object::OpaqueObject { opaque_data_type: OPAQUE, opaque_data_value: bytes }
        }
        RegisterType::Certificate => Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: bytes.expose().to_vec(),
        },
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use kmip_model::enumeration::SecretDataType;
    use kmip_ttlv::{
        Limits,
        message::request::{self, Outgoing},
    };

    use super::*;

    fn command(object_type: RegisterType) -> Register {
        Register {
            object_type,
            file: "f".into(),
            name: vec!["n".to_owned()],
            algorithm: None,
            length: None,
            format: None,
            secret_data_type: SecretDataType::Password,
            usage: Vec::new(),
            object_group: None,
        }
    }

    #[test]
    fn every_type_is_read_by_a_server_as_it_was_meant() {
        for version in Version::ALL {
            for object_type in RegisterType::value_variants() {
                let made = || {
                    let content = content(*object_type, b"0123456789abcdef").unwrap();
                    request_with(&command(*object_type), content, version)
                };
                let bytes = request::write(version, &Outgoing::default(), &[made()]);
                let mut message = request::read(&bytes, &Limits::default()).unwrap().message;
                assert_eq!(message.items.remove(0).payload.unwrap(), made(), "{object_type:?}");
            }
        }
    }

    #[test]
    fn a_symmetric_key_is_as_long_as_its_file() {
        let content = content(RegisterType::SymmetricKey, &[7; 24]).unwrap();
        let object = object(&command(RegisterType::SymmetricKey), content, Version::V1_4);
        let key_block = object.key_block().unwrap();
        assert_eq!(key_block.cryptographic_length, Some(192));
        assert_eq!(key_block.cryptographic_algorithm, Some(CryptographicAlgorithm::Aes));
    }

    #[test]
    fn the_label_of_pem_says_what_is_inside() {
        for (object_type, label, format, algorithm) in [
            (RegisterType::PrivateKey, "PRIVATE KEY", KeyFormatType::Pkcs8, None),
            (
                RegisterType::PrivateKey,
                "RSA PRIVATE KEY",
                KeyFormatType::Pkcs1,
                Some(CryptographicAlgorithm::Rsa),
            ),
            (
                RegisterType::PrivateKey,
                "EC PRIVATE KEY",
                KeyFormatType::EcPrivateKey,
                Some(CryptographicAlgorithm::Ec),
            ),
            (RegisterType::PublicKey, "PUBLIC KEY", KeyFormatType::X509, None),
            (RegisterType::Certificate, "CERTIFICATE", KeyFormatType::X509, None),
        ] {
            let pem = format!("-----BEGIN {label}-----\nAQID\n-----END {label}-----\n");
            let content = content(object_type, pem.as_bytes()).unwrap();
            assert_eq!(content.bytes.expose(), [1, 2, 3], "{label}");
            assert_eq!(content.key_format_type, format, "{label}");
            assert_eq!(content.cryptographic_algorithm, algorithm, "{label}");
        }
    }

    #[test]
    fn pem_of_another_type_is_refused() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        assert!(content(RegisterType::PrivateKey, pem).is_err());
    }

    #[test]
    fn secrets_that_look_like_pem_are_bytes() {
        let content = content(RegisterType::SecretData, b"-----BEGIN").unwrap();
        assert_eq!(content.bytes.expose(), b"-----BEGIN");
    }
}
