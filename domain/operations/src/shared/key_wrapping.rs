//! Key wrapping (KMIP 2.1 §3.3 and §7.18, 1.4 §2.1.5 and §2.1.6).
//!
//! Keys leave wrapped by encryption with a symmetric key: NIST Key Wrap, or AES Key Wrap Padding.
//! Other methods and modes are refused: a MAC hides nothing, and a mode without authentication lets
//! a stranger change the key that comes out. A key that came wrapped is opened with the key that it
//! names, if that one is here.

use std::sync::Arc;

use kmip_model::{
    ManagedObject, Material, UniqueIdentifier, Value,
    attribute::{AttributeReference, CryptographicParameters},
    enumeration::{
        BlockCipherMode, CryptographicUsageMask, EncodingOption, KeyFormatType, ObjectType, Tag,
        WrappingMethod,
    },
    object::{
        KeyBlock, KeyInUse, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData,
        KeyWrappingSpecification, ProcessingKey, UsageDenied,
    },
    value::Valued,
};
use kmip_ports::{
    crypto::{CipherInput, CryptoError},
    store::Stored,
};

use super::object_facts::is_wrapped;
use crate::{error::OperationError, processor::Item};

/// The modes that keys are wrapped in.
const MODES: [BlockCipherMode; 2] =
    [BlockCipherMode::NistKeyWrap, BlockCipherMode::AesKeyWrapPadding];

/// Wraps the Key Value of a key block as the client asks; `object` is whose key it is.
pub(crate) async fn wrap(
    item: &mut Item<'_>,
    object: &ManagedObject,
    key_block: &mut KeyBlock,
    specification: &KeyWrappingSpecification,
) -> Result<(), OperationError> {
    // Two wrappings could not both be described.
    if is_wrapped(key_block) {
        return Err(OperationError::KeyWrapTypeNotSupported);
    }
    if specification.wrapping_method != WrappingMethod::Encrypt {
        return Err(OperationError::WrappingMethodNotSupported);
    }
    let information = specification
        .encryption_key_information
        .as_ref()
        .ok_or(OperationError::NoEncryptionKeyInformation)?;
    let fetched = wrapping_key(item, &information.unique_identifier).await?;
    let key = fetched.value.protection_key(CryptographicUsageMask::WRAP_KEY, item.now())?;
    let plain = plaintext(item, object, key_block, specification)?;
    let parameters = parameters(&fetched.value, key.key(), information)?;
    if parameters.block_cipher_mode.is_none_or(|mode| !MODES.contains(&mode)) {
        return Err(OperationError::CryptographicParameters(
            "the Block Cipher Mode is none that wraps keys",
        ));
    }
    let mut wrapping_key = Arc::unwrap_or_clone(fetched.value);
    //= KMIP-2.1 §4.59
    if wrapping_key.use_up(plain.len())? {
        item.save(wrapping_key, fetched.revision);
    }
    let input = CipherInput {
        data: plain.expose(),
        iv_counter_nonce: None,
        additional_data: &[],
        tag: None,
    };
    let wrapped = item.crypto().cipher.encrypt(&key, &parameters, input).await?;
    key_block.key_value = Some(KeyValue::Wrapped(Material::new(wrapped.data)));
    key_block.key_wrapping_data = Some(KeyWrappingData {
        wrapping_method: specification.wrapping_method,
        encryption_key_information: Some(information.clone()),
        mac_signature_key_information: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: specification.encoding_option,
    });
    Ok(())
}

/// Opens a wrapped key block with the key that it says it is wrapped with.
pub(crate) async fn unwrap(
    item: &mut Item<'_>,
    key_block: &mut KeyBlock,
) -> Result<(), OperationError> {
    let data = key_block
        .key_wrapping_data
        .as_ref()
        .filter(|data| data.wrapping_method == WrappingMethod::Encrypt)
        .ok_or(OperationError::KeyWrapTypeNotSupported)?;
    let information =
        data.encryption_key_information.as_ref().ok_or(OperationError::KeyWrapTypeNotSupported)?;
    let wrapped = match &key_block.key_value {
        None => return Err(OperationError::KeyValueNotPresent),
        Some(
            KeyValue::Wrapped(wrapped)
            | KeyValue::Plain { key_material: KeyMaterial::Bytes(wrapped), .. },
        ) => wrapped,
        Some(KeyValue::Plain { .. }) => return Err(OperationError::KeyWrapTypeNotSupported),
    };
    let fetched = wrapping_key(item, &information.unique_identifier).await?;
    let key = unwrapping_key(item, &fetched.value)?;
    let parameters = parameters(&fetched.value, key.key(), information)?;
    let input = CipherInput {
        data: wrapped.expose(),
        iv_counter_nonce: data.iv_counter_nonce.as_deref(),
        additional_data: &[],
        tag: None,
    };
    let plain = item.crypto().cipher.decrypt(&key, &parameters, input).await?;
    let format = key_block.key_format_type;
    key_block.key_value = Some(match data.encoding_option {
        Some(EncodingOption::NoEncoding) => {
            KeyValue::Plain { key_material: key_material(format, plain)?, attributes: Vec::new() }
        }
        None | Some(EncodingOption::TtlvEncoding) => item
            .key_values()
            .decode(format, &plain)
            .filter(|key_value| matches!(key_value, KeyValue::Plain { .. }))
            .ok_or(CryptoError::BadKey("what was wrapped is not a Key Value"))?,
        Some(_) => return Err(OperationError::EncodingOption("it is not known")),
    });
    key_block.key_wrapping_data = None;
    Ok(())
}

/// Fetches the key to wrap or unwrap with, if the caller may get it.
async fn wrapping_key(
    item: &mut Item<'_>,
    identifier: &UniqueIdentifier,
) -> Result<Stored<ManagedObject>, OperationError> {
    let fetched = match item.fetch_to_compute(&identifier.clone().into()).await {
        Err(OperationError::NotFound | OperationError::NotPermitted) => {
            return Err(OperationError::WrappingKeyNotFound);
        }
        other => other?,
    };
    if fetched.value.is_destroyed() {
        return Err(OperationError::WrappingKeyDestroyed);
    }
    if fetched.value.object_type() != ObjectType::SymmetricKey {
        return Err(OperationError::NotAWrappingKey);
    }
    Ok(fetched)
}

/// Returns the key for unwrapping. One that may only wrap is taken, too: the case TC-WRAP-2-14
/// wants a key opened by a key whose one use is Wrap Key.
fn unwrapping_key(item: &Item<'_>, object: &ManagedObject) -> Result<ProcessingKey, UsageDenied> {
    let now = item.now();
    object.processing_key(CryptographicUsageMask::UNWRAP_KEY, now).or_else(|denied| match denied {
        UsageDenied::Mask(_) => {
            object.processing_key(CryptographicUsageMask::WRAP_KEY, now).map_err(|_| denied)
        }
        other => Err(other),
    })
}

/// Finds out how to wrap: what the request says, completed by what the wrapping key is for.
//= KMIP-1.4 §2.1.6
// A wrapping key without Cryptographic Parameters serves those of the request all the same: most
// clients give their keys none.
fn parameters(
    object: &ManagedObject,
    key: &KeyInUse,
    information: &KeyInformation,
) -> Result<CryptographicParameters, OperationError> {
    let reference = AttributeReference::Standard(Tag::CryptographicParameters);
    let own: Vec<Value> =
        object.attribute(&reference).iter().map(|have| have.attribute.to_value()).collect();
    let given = information.cryptographic_parameters.as_ref().map(Valued::to_value);
    let chosen = match given {
        None => own.into_iter().next(),
        Some(given) if own.is_empty() => Some(given),
        Some(given) => own.into_iter().find_map(|own| united(&given, own)),
    };
    let mut parameters = chosen
        .and_then(|value| {
            CryptographicParameters::from_value(Tag::CryptographicParameters, value).ok()
        })
        .ok_or(OperationError::NoSuchCryptographicParameters)?;
    let algorithm = parameters.cryptographic_algorithm.or(key.algorithm);
    if algorithm.is_none() || key.algorithm.is_some_and(|own| Some(own) != algorithm) {
        return Err(OperationError::CryptographicParameters(
            "the wrapping key is not of that Cryptographic Algorithm",
        ));
    }
    parameters.cryptographic_algorithm = algorithm;
    Ok(parameters)
}

/// Puts two structures together that do not contradict each other.
fn united(given: &Value, own: Value) -> Option<Value> {
    let (Value::Structure(given), Value::Structure(mut fields)) = (given, own) else {
        return None;
    };
    for (tag, value) in given {
        match fields.iter().find(|(have, _)| have == tag) {
            Some((_, have)) if have != value => return None,
            Some(_) => {}
            None => fields.push((*tag, value.clone())),
        }
    }
    Some(Value::Structure(fields))
}

/// Returns the bytes to wrap.
fn plaintext(
    item: &Item<'_>,
    object: &ManagedObject,
    key_block: &KeyBlock,
    specification: &KeyWrappingSpecification,
) -> Result<Material, OperationError> {
    let Some(KeyValue::Plain { key_material, .. }) = &key_block.key_value else {
        return Err(OperationError::KeyValueNotPresent);
    };
    let names = &specification.attribute_names;
    match specification.encoding_option {
        Some(EncodingOption::NoEncoding) if !names.is_empty() => {
            Err(OperationError::EncodingOption("attributes have no place in it"))
        }
        Some(EncodingOption::NoEncoding) => key_material
            .as_bytes()
            .cloned()
            .ok_or(OperationError::EncodingOption("the key is not one byte string")),
        //= KMIP-1.4 §2.1.6
        None | Some(EncodingOption::TtlvEncoding) => {
            let attributes = names.iter().flat_map(|name| object.attribute(name)).collect();
            let key_value = KeyValue::Plain { key_material: key_material.clone(), attributes };
            Ok(item.key_values().encode(&key_value, item.dialect().attributes_in_key_value))
        }
        Some(_) => Err(OperationError::EncodingOption("it is not known")),
    }
}

/// Makes a key of bytes that were wrapped without encoding.
fn key_material(format: KeyFormatType, bytes: Material) -> Result<KeyMaterial, OperationError> {
    match format {
        KeyFormatType::TransparentSymmetricKey => {
            Ok(KeyMaterial::TransparentSymmetricKey { key: bytes })
        }
        transparent
            if (KeyFormatType::TransparentDsaPrivateKey.0
                ..=KeyFormatType::TransparentEcPublicKey.0)
                .contains(&transparent.0) =>
        {
            Err(OperationError::KeyWrapTypeNotSupported)
        }
        _ => Ok(KeyMaterial::Bytes(bytes)),
    }
}
