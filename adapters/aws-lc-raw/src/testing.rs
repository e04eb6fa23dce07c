//! What tests need: keys in use, made through the model, parameters, key forms, and the vectors.

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, CryptographicParameters},
    enumeration::{CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType},
    object::{KeyBlock, KeyMaterial, KeyValue, Life, Object, ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CryptoError, KeyDescription, KeyFormats};
use rsa::pkcs1::{
    RsaPrivateKey, RsaPublicKey,
    der::{Decode, asn1::UintRef},
};

/// A key of the vectors, for both directions.
pub(crate) fn keys(object_type: ObjectType, name: &str) -> (ProtectionKey, ProcessingKey) {
    keys_of(object_type, CryptographicAlgorithm::Rsa, vector(name))
}

/// A key for both directions.
pub(crate) fn keys_of(
    object_type: ObjectType,
    algorithm: CryptographicAlgorithm,
    bytes: Vec<u8>,
) -> (ProtectionKey, ProcessingKey) {
    let key_material = KeyMaterial::Bytes(Material::new(bytes));
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::Pkcs1,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain { key_material, attributes: Vec::new() }),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    };
    let object = match object_type {
        ObjectType::PrivateKey => Object::PrivateKey(key_block),
        _ => Object::PublicKey(key_block),
    };
    let usage = CryptographicUsageMask::ENCRYPT;
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::CryptographicUsageMask(usage));
    attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    let identifier = UniqueIdentifier::new("a");
    let object =
        ManagedObject::restore(identifier, "alice".to_owned(), attributes, Life::Active(object));
    let now = DateTime(0);
    (object.protection_key(usage, now).unwrap(), object.processing_key(usage, now).unwrap())
}

/// Reads one of the vectors.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    include_str!("../tests/vectors/rsa.txt")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| hex::decode(value).unwrap())
        .expect("the vectors have that name")
}

/// Parameters that name RSA, and nothing else.
pub(crate) fn parameters() -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: None,
        padding_method: None,
        hashing_algorithm: None,
        key_role_type: None,
        digital_signature_algorithm: None,
        cryptographic_algorithm: Some(CryptographicAlgorithm::Rsa),
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

/// Knows RSA keys in PKCS#1, and changes nothing.
pub(crate) struct Pkcs1Only;

impl KeyFormats for Pkcs1Only {
    fn describe(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        let KeyMaterial::Bytes(der) = material else {
            return Err(CryptoError::BadKey("not bytes"));
        };
        let modulus = match object_type {
            ObjectType::PrivateKey => {
                RsaPrivateKey::<UintRef<'_>>::from_der(der.expose()).map(|key| key.modulus)
            }
            _ => RsaPublicKey::<UintRef<'_>>::from_der(der.expose()).map(|key| key.modulus),
        };
        let modulus = modulus.map_err(|_| CryptoError::BadKey("not PKCS#1"))?;
        Ok(KeyDescription {
            format: KeyFormatType::Pkcs1,
            algorithm: CryptographicAlgorithm::Rsa,
            length: i32::try_from(modulus.as_bytes().len()).unwrap() << 3,
            curve: None,
        })
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
