//! The nine object types (KMIP 2.1 §2, 1.4 §2.2), and the Template of 1.x.

use super::{KeyBlock, KeyMaterial, KeyValue};
use crate::{
    attribute::Instance,
    enumeration::{
        CertificateRequestType, CertificateType, KeyFormatType, ObjectType, OpaqueDataType,
        SecretDataType, SplitKeyMethod,
    },
    material::Material,
};

/// What a managed object is and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// Certificate (2.1 §2.1).
    Certificate {
        /// Certificate Type.
        certificate_type: CertificateType,
        /// Certificate Value.
        certificate_value: Vec<u8>,
    },
    /// Certificate Request (2.1 §2.2).
    CertificateRequest {
        /// Certificate Request Type.
        certificate_request_type: CertificateRequestType,
        /// Certificate Request Value.
        certificate_request_value: Vec<u8>,
    },
    /// Opaque Object (2.1 §2.3).
    OpaqueObject {
        /// Opaque Data Type.
        opaque_data_type: OpaqueDataType,
        /// Opaque Data Value.
        opaque_data_value: Material,
    },
    /// PGP Key (2.1 §2.4).
    PgpKey {
        /// PGP Key Version.
        pgp_key_version: i32,
        /// Key Block.
        key_block: KeyBlock,
    },
    /// Private Key (2.1 §2.5).
    PrivateKey(KeyBlock),
    /// Public Key (2.1 §2.6).
    PublicKey(KeyBlock),
    /// Secret Data (2.1 §2.7).
    SecretData {
        /// Secret Data Type.
        secret_data_type: SecretDataType,
        /// Key Block.
        key_block: KeyBlock,
    },
    /// Split Key (2.1 §2.8).
    SplitKey {
        /// Split Key Parts.
        split_key_parts: i32,
        /// Key Part Identifier.
        key_part_identifier: i32,
        /// Split Key Threshold.
        split_key_threshold: i32,
        /// Split Key Method.
        split_key_method: SplitKeyMethod,
        /// Prime Field Size.
        prime_field_size: Option<Vec<u8>>,
        /// Key Block.
        key_block: KeyBlock,
    },
    /// Symmetric Key (2.1 §2.9).
    SymmetricKey(KeyBlock),
    /// Template (1.0 to 1.4 §2.2.6): attributes for other objects.
    Template {
        /// The attributes.
        attributes: Vec<Instance>,
    },
}

impl Object {
    /// Every type of object, the Template of 1.x among them.
    pub const TYPES: [ObjectType; 10] = [
        ObjectType::Certificate,
        ObjectType::SymmetricKey,
        ObjectType::PublicKey,
        ObjectType::PrivateKey,
        ObjectType::SplitKey,
        ObjectType::Template,
        ObjectType::SecretData,
        ObjectType::OpaqueObject,
        ObjectType::PgpKey,
        ObjectType::CertificateRequest,
    ];

    /// Returns the Object Type.
    #[must_use]
    pub fn object_type(&self) -> ObjectType {
        match self {
            Self::Certificate { .. } => ObjectType::Certificate,
            Self::CertificateRequest { .. } => ObjectType::CertificateRequest,
            Self::OpaqueObject { .. } => ObjectType::OpaqueObject,
            Self::PgpKey { .. } => ObjectType::PgpKey,
            Self::PrivateKey(_) => ObjectType::PrivateKey,
            Self::PublicKey(_) => ObjectType::PublicKey,
            Self::SecretData { .. } => ObjectType::SecretData,
            Self::SplitKey { .. } => ObjectType::SplitKey,
            Self::SymmetricKey(_) => ObjectType::SymmetricKey,
            Self::Template { .. } => ObjectType::Template,
        }
    }

    /// Returns the key block of objects that have one.
    #[must_use]
    pub fn key_block(&self) -> Option<&KeyBlock> {
        match self {
            Self::PgpKey { key_block, .. }
            | Self::SecretData { key_block, .. }
            | Self::SplitKey { key_block, .. }
            | Self::PrivateKey(key_block)
            | Self::PublicKey(key_block)
            | Self::SymmetricKey(key_block) => Some(key_block),
            Self::Certificate { .. }
            | Self::CertificateRequest { .. }
            | Self::OpaqueObject { .. }
            | Self::Template { .. } => None,
        }
    }

    /// Returns the key block of objects that have one, to change it.
    #[must_use]
    pub fn key_block_mut(&mut self) -> Option<&mut KeyBlock> {
        match self {
            Self::PgpKey { key_block, .. }
            | Self::SecretData { key_block, .. }
            | Self::SplitKey { key_block, .. }
            | Self::PrivateKey(key_block)
            | Self::PublicKey(key_block)
            | Self::SymmetricKey(key_block) => Some(key_block),
            Self::Certificate { .. }
            | Self::CertificateRequest { .. }
            | Self::OpaqueObject { .. }
            | Self::Template { .. } => None,
        }
    }

    /// Returns the plain key material of objects that have it.
    #[must_use]
    pub fn key_material(&self) -> Option<&KeyMaterial> {
        match self.key_block()?.key_value.as_ref()? {
            KeyValue::Plain { key_material, .. } => Some(key_material),
            KeyValue::Wrapped(_) => None,
        }
    }

    /// Returns the Key Format Type: the key block's, or the one that follows from the type.
    #[must_use]
    pub fn key_format_type(&self) -> Option<KeyFormatType> {
        match self {
            Self::Certificate { certificate_type, .. } => {
                (*certificate_type == CertificateType::X509).then_some(KeyFormatType::X509)
            }
            Self::CertificateRequest { .. } => Some(KeyFormatType::Pkcs10),
            Self::OpaqueObject { .. } => Some(KeyFormatType::Opaque),
            Self::Template { .. } => None,
            _ => self.key_block().map(|key_block| key_block.key_format_type),
        }
    }
}
