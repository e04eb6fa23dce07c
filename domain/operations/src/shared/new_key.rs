//! The objects that new keys and secrets become (KMIP 2.1 §2.7 and §2.9, 1.4 §2.2.2 and §2.2.7).

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType, SecretDataType},
    object::{KeyBlock, KeyMaterial, Object},
};

use crate::{error::OperationError, processor::Item};

/// The longest Secret Data that is made, in bits.
pub(crate) const LONGEST_SECRET: i32 = 32_768;

/// Makes a symmetric key of its bytes; raw unless the client has asked for the transparent form.
pub(crate) fn symmetric_key(
    item: &Item<'_>,
    key_format_type: Option<KeyFormatType>,
    algorithm: CryptographicAlgorithm,
    length: i32,
    key: Material,
) -> Result<Object, OperationError> {
    let format = key_format_type.unwrap_or(KeyFormatType::Raw);
    let key = KeyMaterial::Bytes(key);
    let key_material = match format {
        KeyFormatType::Raw => key,
        KeyFormatType::TransparentSymmetricKey => {
            item.crypto().format.convert(ObjectType::SymmetricKey, &key, format)?
        }
        _ => return Err(OperationError::KeyFormatTypeNotSupported),
    };
    Ok(Object::SymmetricKey(KeyBlock {
        cryptographic_algorithm: Some(algorithm),
        cryptographic_length: Some(length),
        ..KeyBlock::plain(format, key_material)
    }))
}

/// Makes Secret Data of its bytes; opaque unless the client has asked for the raw form.
pub(crate) fn secret_data(
    secret_data_type: SecretDataType,
    key_format_type: Option<KeyFormatType>,
    secret: Material,
) -> Result<Object, OperationError> {
    let format = key_format_type.unwrap_or(KeyFormatType::Opaque);
    if !matches!(format, KeyFormatType::Opaque | KeyFormatType::Raw) {
        return Err(OperationError::KeyFormatTypeNotSupported);
    }
    let key_block = KeyBlock::plain(format, KeyMaterial::Bytes(secret));
    Ok(Object::SecretData { secret_data_type, key_block })
}
