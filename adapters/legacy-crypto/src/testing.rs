//! What tests need: keys in use, made through the model, parameters, key forms, and the vectors.

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, CryptographicParameters},
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType, SecretDataType,
    },
    object::{KeyBlock, KeyMaterial, KeyValue, Life, Object, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, KeyDescription, KeyFormats};
use rsa::pkcs1::{RsaPrivateKey, RsaPublicKey, der::Decode};

/// A key for both directions.
pub(crate) fn keys(
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
    key_material: KeyMaterial,
) -> (ProtectionKey, ProcessingKey) {
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::Raw,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain { key_material, attributes: Vec::new() }),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    };
    let object = match object_type {
        ObjectType::PrivateKey => Object::PrivateKey(key_block),
        ObjectType::PublicKey => Object::PublicKey(key_block),
        ObjectType::SecretData => {
            Object::SecretData { secret_data_type: SecretDataType::Seed, key_block }
        }
        _ => Object::SymmetricKey(key_block),
    };
    let usage = CryptographicUsageMask::ENCRYPT;
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::CryptographicUsageMask(usage));
    if let Some(algorithm) = algorithm {
        attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    }
    let identifier = UniqueIdentifier::new("a");
    let object =
        ManagedObject::restore(identifier, "alice".to_owned(), attributes, Life::Active(object));
    let now = DateTime(0);
    (object.protection_key(usage, now).unwrap(), object.processing_key(usage, now).unwrap())
}

/// A symmetric key, in hexadecimal.
pub(crate) fn symmetric(
    algorithm: CryptographicAlgorithm,
    key: &str,
) -> (ProtectionKey, ProcessingKey) {
    keys(ObjectType::SymmetricKey, Some(algorithm), bytes(hex::decode(key).unwrap()))
}

/// An RSA key of the vectors.
pub(crate) fn rsa(object_type: ObjectType, name: &str) -> (ProtectionKey, ProcessingKey) {
    keys(object_type, Some(CryptographicAlgorithm::Rsa), bytes(vector(name)))
}

pub(crate) fn bytes(bytes: Vec<u8>) -> KeyMaterial {
    KeyMaterial::Bytes(Material::new(bytes))
}

/// Reads one of the vectors of RSA.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    include_str!("../tests/vectors/rsa.txt")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| hex::decode(value).unwrap())
        .expect("the vectors have that name")
}

/// Parameters that name the algorithm, and nothing else.
pub(crate) fn parameters(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: None,
        padding_method: None,
        hashing_algorithm: None,
        key_role_type: None,
        digital_signature_algorithm: None,
        cryptographic_algorithm: Some(algorithm),
        random_iv: None,
        iv_length: None,
        tag_length: None,
        fixed_field_length: None,
        invocation_field_length: None,
        counter_length: None,
        initial_counter_value: None,
        salt_length: None,
        mask_generator: None,
        mask_generator_hashing_algorithm: None,
        p_source: None,
        trailer_field: None,
    }
}

/// Knows RSA keys in PKCS#1, and transparent elliptic curve keys, and changes nothing.
pub(crate) struct KnownForms;

impl KeyFormats for KnownForms {
    fn describe(
        &self,
        _object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        match material {
            KeyMaterial::Bytes(der) => {
                let private =
                    RsaPrivateKey::<rsa::pkcs1::der::asn1::UintRef<'_>>::from_der(der.expose())
                        .map(|key| key.modulus.as_bytes().len());
                let public =
                    RsaPublicKey::<rsa::pkcs1::der::asn1::UintRef<'_>>::from_der(der.expose())
                        .map(|key| key.modulus.as_bytes().len());
                let length = private.or(public).map_err(|_| CryptoError::BadKey("not RSA"))?;
                Ok(KeyDescription {
                    format: KeyFormatType::Pkcs1,
                    algorithm: CryptographicAlgorithm::Rsa,
                    length: i32::try_from(length).unwrap() << 3,
                    curve: None,
                })
            }
            KeyMaterial::TransparentEcPrivateKey { recommended_curve, .. }
            | KeyMaterial::TransparentEcPublicKey { recommended_curve, .. } => Ok(KeyDescription {
                format: KeyFormatType::TransparentEcPrivateKey,
                algorithm: CryptographicAlgorithm::Ec,
                length: 256,
                curve: Some(*recommended_curve),
            }),
            _ => Err(CryptoError::BadKey("not one of the known forms")),
        }
    }

    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        _to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        self.describe(object_type, material).map(|_| material.clone())
    }
}
