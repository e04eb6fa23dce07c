//! Key wrapping (KMIP 2.1 §3.3 and §7.18, 1.4 §2.1.5 and §2.1.6).
//!
//! Keys leave wrapped by encryption with a symmetric key: NIST Key Wrap, or AES Key Wrap Padding.
//! Other methods and modes are refused: a MAC hides nothing, and a mode without authentication lets
//! a stranger change the key that comes out. A key that came wrapped is opened with the key that it
//! names, if that one is here.

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

use super::{key_in_use::Counted, object_facts::is_wrapped};
use crate::{
    error::{OperationError, WrappingRefused},
    processor::{Item, WrappedKeyValue},
};

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
        return Err(WrappingRefused::MethodNotSupported.into());
    }
    let information = specification
        .encryption_key_information
        .as_ref()
        .ok_or(WrappingRefused::NoEncryptionKeyInformation)?;
    let fetched = wrapping_key(item, &information.unique_identifier).await?;
    let key = fetched.value.protection_key(CryptographicUsageMask::WRAP_KEY, item.now())?;
    let plain = plaintext(item, object, key_block, specification)?;
    let parameters = parameters(&fetched.value, key.key(), information)?;
    if parameters.block_cipher_mode.is_none_or(|mode| !MODES.contains(&mode)) {
        return Err(OperationError::CryptographicParameters(
            "the Block Cipher Mode is none that wraps keys",
        ));
    }
    //= KMIP-2.1 §4.59
    Counted::new(&fetched, plain.len(), true)?.save(item);
    let input = CipherInput {
        data: plain.expose(),
        iv_counter_nonce: None,
        additional_data: &[],
        tag: None,
    };
    let wrapped = item.crypto().cipher.encrypt(&key, &parameters, input).await?;
    let wrapped = Material::new(wrapped.data);
    key_block.key_value = Some(match item.settings().wrapped_key_value {
        WrappedKeyValue::Bytes => KeyValue::Wrapped(wrapped),
        WrappedKeyValue::Structure => {
            KeyValue::Plain { key_material: KeyMaterial::Bytes(wrapped), attributes: Vec::new() }
        }
    });
    key_block.key_wrapping_data = Some(Box::new(KeyWrappingData {
        wrapping_method: specification.wrapping_method,
        encryption_key_information: Some(information.clone()),
        mac_signature_key_information: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: specification.encoding_option,
    }));
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
        Some(_) => return Err(WrappingRefused::EncodingOption("it is not known").into()),
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
            return Err(WrappingRefused::KeyNotFound.into());
        }
        other => other?,
    };
    if fetched.value.is_destroyed() {
        return Err(WrappingRefused::KeyDestroyed.into());
    }
    if fetched.value.object_type() != ObjectType::SymmetricKey {
        return Err(WrappingRefused::NotAKey.into());
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
        .ok_or(WrappingRefused::NoSuchCryptographicParameters)?;
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
            Err(WrappingRefused::EncodingOption("attributes have no place in it").into())
        }
        Some(EncodingOption::NoEncoding) => key_material
            .as_bytes()
            .cloned()
            .ok_or(WrappingRefused::EncodingOption("the key is not one byte string").into()),
        //= KMIP-1.4 §2.1.6
        None | Some(EncodingOption::TtlvEncoding) => {
            let attributes = names.iter().flat_map(|name| object.attribute(name)).collect();
            let key_value = KeyValue::Plain { key_material: key_material.clone(), attributes };
            Ok(item.key_values().encode(&key_value, item.dialect().attributes_in_key_value))
        }
        Some(_) => Err(WrappingRefused::EncodingOption("it is not known").into()),
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

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::{Attribute, UsageLimits},
        enumeration::{
            BatchErrorContinuationOption, CryptographicAlgorithm, KeyWrapType, State,
            UsageLimitsUnit,
        },
        object::Object,
    };
    use kmip_ports::{crypto::Ciphers as _, encoding::KeyValueEncoding as _};
    use kmip_testkit::{PlainCiphers, fixture_certificate};

    use super::*;
    use crate::{
        ops::{self, get},
        testing::{
            NOW, ONE, World, aes, aes_key, create_request, get_request, key_bytes, name, secret,
        },
    };

    fn mode(block_cipher_mode: BlockCipherMode) -> CryptographicParameters {
        let fields = vec![(Tag::BlockCipherMode, Valued::to_value(&block_cipher_mode))];
        CryptographicParameters::from_value(Tag::CryptographicParameters, Value::Structure(fields))
            .unwrap()
    }

    fn nist() -> CryptographicParameters {
        mode(BlockCipherMode::NistKeyWrap)
    }

    fn active_for(mask: CryptographicUsageMask) -> Vec<Attribute> {
        vec![Attribute::CryptographicUsageMask(mask), Attribute::ActivationDate(NOW)]
    }

    /// An Active key that wraps.
    fn wrapping(world: &World) -> UniqueIdentifier {
        world.register(aes_key(&[9; 16]), active_for(CryptographicUsageMask::WRAP_KEY)).unwrap()
    }

    fn by(
        wrapping_key: &UniqueIdentifier,
        encoding_option: Option<EncodingOption>,
    ) -> KeyWrappingSpecification {
        KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: Some(KeyInformation {
                unique_identifier: wrapping_key.clone(),
                cryptographic_parameters: Some(nist()),
            }),
            mac_signature_key_information: None,
            attribute_names: Vec::new(),
            encoding_option,
        }
    }

    const RAW: Option<EncodingOption> = Some(EncodingOption::NoEncoding);

    fn ask(world: &World, request: get::Request) -> Result<Object, OperationError> {
        match world.run(ops::Request::Get(request))? {
            ops::Response::Get(response) => Ok(response.object),
            other => panic!("not an answer to Get: {other:?}"),
        }
    }

    fn get_wrapped(
        world: &World,
        identifier: &UniqueIdentifier,
        specification: KeyWrappingSpecification,
    ) -> Result<Object, OperationError> {
        ask(
            world,
            get::Request {
                key_wrapping_specification: Some(Box::new(specification)),
                ..get_request(identifier.clone().into())
            },
        )
    }

    fn get_unwrapped(
        world: &World,
        identifier: &UniqueIdentifier,
    ) -> Result<Object, OperationError> {
        ask(
            world,
            get::Request {
                key_wrap_type: Some(KeyWrapType::NotWrapped),
                ..get_request(identifier.clone().into())
            },
        )
    }

    /// Opens what has left, as its receiver does.
    fn unwrapped(
        world: &World,
        wrapping_key: &UniqueIdentifier,
        wrapped: &Object,
    ) -> Option<KeyValue> {
        let Some(KeyValue::Wrapped(bytes)) = &wrapped.key_block()?.key_value else {
            return None;
        };
        let wrap_key = CryptographicUsageMask::WRAP_KEY;
        let key = world.object(wrapping_key).processing_key(wrap_key, NOW).ok()?;
        let parameters = CryptographicParameters {
            cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
            ..nist()
        };
        let input = CipherInput {
            data: bytes.expose(),
            iv_counter_nonce: None,
            additional_data: &[],
            tag: None,
        };
        let plain = pollster::block_on(PlainCiphers.decrypt(&key, &parameters, input)).ok()?;
        world.key_values.decode(KeyFormatType::Raw, &plain)
    }

    /// Asks for a key, wrapped like that, and says how it is refused.
    fn refusal(world: &World, specification: KeyWrappingSpecification) -> OperationError {
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        get_wrapped(world, &key, specification).unwrap_err()
    }

    fn is_about_encoding(error: &OperationError) -> bool {
        matches!(error, OperationError::Wrapping(WrappingRefused::EncodingOption(_)))
    }

    #[test]
    fn a_key_leaves_wrapped_and_comes_back_the_same() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        for encoding in [RAW, None, Some(EncodingOption::TtlvEncoding)] {
            let wrapped = get_wrapped(&world, &key, by(&wrapping_key, encoding)).unwrap();
            let block = wrapped.key_block().unwrap();
            assert!(
                matches!(&block.key_value, Some(KeyValue::Wrapped(bytes)) if bytes.len() == 16)
            );
            assert_eq!(block.cryptographic_algorithm, Some(CryptographicAlgorithm::Aes));
            assert_eq!(block.cryptographic_length, Some(128));
            assert_eq!(
                block.key_wrapping_data,
                Some(Box::new(KeyWrappingData {
                    wrapping_method: WrappingMethod::Encrypt,
                    encryption_key_information: by(&wrapping_key, None).encryption_key_information,
                    mac_signature_key_information: None,
                    mac_signature: None,
                    iv_counter_nonce: None,
                    encoding_option: encoding,
                }))
            );
            let again = world.register(wrapped, Vec::new()).unwrap();
            assert_eq!(get_unwrapped(&world, &again), Ok(aes_key(&[1; 16])));
        }
        // What is stored is not wrapped.
        assert_eq!(world.get(&key), Ok(aes_key(&[1; 16])));
    }

    #[test]
    fn a_key_that_came_wrapped_in_a_structure_is_opened_too() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        let Object::SymmetricKey(mut block) =
            get_wrapped(&world, &key, by(&wrapping_key, RAW)).unwrap()
        else {
            unreachable!()
        };
        let Some(KeyValue::Wrapped(bytes)) = block.key_value.take() else { unreachable!() };
        block.key_value = Some(KeyValue::Plain {
            key_material: KeyMaterial::Bytes(bytes),
            attributes: Vec::new(),
        });
        let stored = Object::SymmetricKey(block);
        let again = world.register(stored.clone(), Vec::new()).unwrap();
        assert_eq!(world.get(&again), Ok(stored));
        assert_eq!(get_unwrapped(&world, &again), Ok(aes_key(&[1; 16])));
    }

    #[test]
    fn a_sensitive_key_leaves_wrapped_and_no_other_way() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let sensitive = || vec![Attribute::Sensitive(true)];
        let key = world.register(aes_key(&[1; 16]), sensitive()).unwrap();
        assert_eq!(world.get(&key), Err(OperationError::Sensitive));
        let wrapped = get_wrapped(&world, &key, by(&wrapping_key, RAW)).unwrap();
        let again = world.register(wrapped, sensitive()).unwrap();
        assert_eq!(get_unwrapped(&world, &again), Err(OperationError::Sensitive));
        let never = vec![Attribute::Extractable(false)];
        let key = world.register(aes_key(&[1; 16]), never).unwrap();
        let refused = get_wrapped(&world, &key, by(&wrapping_key, RAW));
        assert_eq!(refused, Err(OperationError::NotExtractable));
    }

    #[test]
    fn the_wrapping_key_must_be_there_for_the_caller() {
        let world = World::new();
        let of_bob = wrapping(&world.asked_by("bob"));
        for identifier in [UniqueIdentifier::new("none"), of_bob] {
            let refused = refusal(&world, by(&identifier, RAW));
            assert_eq!(refused, WrappingRefused::KeyNotFound.into());
        }
        let mask = Attribute::CryptographicUsageMask(CryptographicUsageMask::WRAP_KEY);
        let gone = world.register(aes_key(&[9; 16]), vec![mask]).unwrap();
        let destroy = ops::destroy::Request { unique_identifier: gone.clone().into() };
        world.run(ops::Request::Destroy(destroy)).unwrap();
        assert_eq!(refusal(&world, by(&gone, RAW)), WrappingRefused::KeyDestroyed.into());
        let old = world.speaking(ONE);
        assert_eq!(refusal(&old, by(&gone, RAW)), WrappingRefused::KeyNotFound.into());
    }

    #[test]
    fn the_wrapping_key_must_be_a_symmetric_key_and_active_and_for_wrapping() {
        let world = World::new();
        let mask = CryptographicUsageMask::WRAP_KEY;
        let no_key = world.register(secret(b"s"), active_for(mask)).unwrap();
        assert_eq!(refusal(&world, by(&no_key, RAW)), WrappingRefused::NotAKey.into());
        let mask_only = vec![Attribute::CryptographicUsageMask(mask)];
        let inactive = world.register(aes_key(&[9; 16]), mask_only).unwrap();
        assert_eq!(
            refusal(&world, by(&inactive, RAW)),
            UsageDenied::NotActive(State::PreActive).into()
        );
        let encrypt = active_for(CryptographicUsageMask::ENCRYPT);
        let other = world.register(aes_key(&[9; 16]), encrypt).unwrap();
        assert_eq!(refusal(&world, by(&other, RAW)), UsageDenied::Mask(mask).into());
    }

    #[test]
    fn attributes_are_wrapped_with_the_key() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), vec![name("inside")]).unwrap();
        let names = vec![AttributeReference::Standard(Tag::Name)];
        let with_names = |encoding| KeyWrappingSpecification {
            attribute_names: names.clone(),
            ..by(&wrapping_key, encoding)
        };
        let wrapped = get_wrapped(&world, &key, with_names(None)).unwrap();
        let inside = unwrapped(&world, &wrapping_key, &wrapped);
        let Some(KeyValue::Plain { attributes, .. }) = inside else { panic!("{inside:?}") };
        let attributes: Vec<Attribute> =
            attributes.into_iter().map(|instance| instance.attribute).collect();
        assert_eq!(attributes, [name("inside")]);
        // A client that gets such a key is not surprised by them.
        let registered = world.register(wrapped, Vec::new()).unwrap();
        assert_eq!(get_unwrapped(&world, &registered), Ok(aes_key(&[1; 16])));
        let refused = get_wrapped(&world, &key, with_names(RAW));
        assert!(refused.is_err_and(|error| is_about_encoding(&error)));
    }

    #[test]
    fn a_key_that_is_not_one_byte_string_is_wrapped_encoded_only() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        let transparent = |specification| {
            ask(
                &world,
                get::Request {
                    key_format_type: Some(KeyFormatType::TransparentSymmetricKey),
                    key_wrapping_specification: Some(Box::new(specification)),
                    ..get_request(key.clone().into())
                },
            )
        };
        let refused = transparent(by(&wrapping_key, RAW));
        assert!(refused.is_err_and(|error| is_about_encoding(&error)));
        assert!(transparent(by(&wrapping_key, None)).is_ok());
        let unknown = by(&wrapping_key, Some(EncodingOption(0x8000_0001)));
        assert!(is_about_encoding(&refusal(&world, unknown)));
    }

    #[test]
    fn a_specification_that_is_incomplete_or_of_another_method_is_refused() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let complete = || by(&wrapping_key, RAW);
        let nothing = KeyWrappingSpecification { encryption_key_information: None, ..complete() };
        assert_eq!(refusal(&world, nothing), WrappingRefused::NoEncryptionKeyInformation.into());
        let mac = KeyWrappingSpecification {
            encryption_key_information: None,
            mac_signature_key_information: complete().encryption_key_information,
            ..complete()
        };
        assert_eq!(refusal(&world, mac), WrappingRefused::NoEncryptionKeyInformation.into());
        for wrapping_method in [WrappingMethod::MacSign, WrappingMethod::EncryptThenMacSign] {
            let other = KeyWrappingSpecification { wrapping_method, ..complete() };
            assert_eq!(refusal(&world, other), WrappingRefused::MethodNotSupported.into());
        }
    }

    #[test]
    fn parameters_are_those_of_the_request_if_the_wrapping_key_is_for_them() {
        let world = World::new();
        let own = |parameters: &[CryptographicParameters]| {
            let parameters =
                parameters.iter().cloned().map(Box::new).map(Attribute::CryptographicParameters);
            let attributes = active_for(CryptographicUsageMask::WRAP_KEY);
            let attributes = attributes.into_iter().chain(parameters).collect();
            world.register(aes_key(&[9; 16]), attributes).unwrap()
        };
        let padded = mode(BlockCipherMode::AesKeyWrapPadding);
        let (none, first, second) = (own(&[]), own(&[nist()]), own(&[padded.clone(), nist()]));
        let with_algorithm = |algorithm| CryptographicParameters {
            cryptographic_algorithm: Some(algorithm),
            ..nist()
        };
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        let no_match = Some(OperationError::from(WrappingRefused::NoSuchCryptographicParameters));
        for (wrapping_key, given, refused) in [
            (&none, Some(nist()), None),
            (&none, Some(padded.clone()), None),
            (&none, None, no_match.clone()),
            (&first, Some(nist()), None),
            (&first, None, None),
            (&first, Some(with_algorithm(CryptographicAlgorithm::Aes)), None),
            (&first, Some(padded), no_match),
            (&second, Some(nist()), None),
            (&second, None, None),
        ] {
            let mut specification = by(wrapping_key, RAW);
            if let Some(information) = &mut specification.encryption_key_information {
                information.cryptographic_parameters = given;
            }
            assert_eq!(get_wrapped(&world, &key, specification).err(), refused);
        }
        let mode_or_algorithm =
            [mode(BlockCipherMode::Cbc), with_algorithm(CryptographicAlgorithm::Camellia)];
        for given in mode_or_algorithm {
            let mut specification = by(&none, RAW);
            if let Some(information) = &mut specification.encryption_key_information {
                information.cryptographic_parameters = Some(given);
            }
            assert!(matches!(
                refusal(&world, specification),
                OperationError::CryptographicParameters(_)
            ));
        }
    }

    #[test]
    fn what_is_wrapped_absent_or_no_key_is_not_wrapped() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        let wrapped = get_wrapped(&world, &key, by(&wrapping_key, RAW)).unwrap();
        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        let absent = Object::SymmetricKey(KeyBlock { key_value: None, ..block });
        let certificate = Object::Certificate {
            certificate_type: kmip_model::enumeration::CertificateType::X509,
            certificate_value: fixture_certificate("ee"),
        };
        for (object, refused) in [
            (wrapped, OperationError::KeyWrapTypeNotSupported),
            (absent, OperationError::KeyValueNotPresent),
            (certificate, OperationError::IllegalObjectType),
        ] {
            let identifier = world.register(object, Vec::new()).unwrap();
            let result = get_wrapped(&world, &identifier, by(&wrapping_key, RAW));
            assert_eq!(result, Err(refused));
        }
    }

    #[test]
    fn a_key_is_opened_only_for_who_may_get_the_wrapping_key() {
        let world = World::new();
        let of_bob = wrapping(&world.asked_by("bob"));
        let of_alice = wrapping(&world);
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        let Object::SymmetricKey(mut block) =
            get_wrapped(&world, &key, by(&of_alice, RAW)).unwrap()
        else {
            unreachable!()
        };
        if let Some(data) = &mut block.key_wrapping_data {
            data.encryption_key_information = by(&of_bob, RAW).encryption_key_information;
        }
        let identifier = world.register(Object::SymmetricKey(block), Vec::new()).unwrap();
        assert_eq!(get_unwrapped(&world, &identifier), Err(WrappingRefused::KeyNotFound.into()));
    }

    #[test]
    fn wrapping_counts_as_a_use_of_the_wrapping_key() {
        let world = World::new();
        let mut attributes = active_for(CryptographicUsageMask::WRAP_KEY);
        attributes.push(Attribute::UsageLimits(UsageLimits {
            usage_limits_total: 40,
            usage_limits_count: None,
            usage_limits_unit: UsageLimitsUnit::Byte,
        }));
        let wrapping_key = world.register(aes_key(&[9; 16]), attributes).unwrap();
        let left = || {
            let object = world.object(&wrapping_key);
            object.attributes().usage_limits().unwrap().usage_limits_count
        };
        let key = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        for expected in [24, 8] {
            assert!(get_wrapped(&world, &key, by(&wrapping_key, RAW)).is_ok());
            assert_eq!(left(), Some(expected));
        }
        assert_eq!(
            get_wrapped(&world, &key, by(&wrapping_key, RAW)),
            Err(UsageDenied::LimitReached.into())
        );
        assert_eq!(left(), Some(8));
    }

    #[test]
    fn a_key_is_made_and_wrapped_in_one_message() {
        let world = World::new();
        let wrapping_key = wrapping(&world);
        let create = create_request(aes(256));
        let get = get::Request {
            key_wrapping_specification: Some(Box::new(by(&wrapping_key, None))),
            ..get_request(kmip_model::IdentifierRef::Placeholder)
        };
        let answers =
            world.batch(vec![create, ops::Request::Get(get)], BatchErrorContinuationOption::Undo);
        let Some(Ok(ops::Response::Get(got))) = answers.last() else { panic!("{answers:?}") };
        let value = &got.object.key_block().unwrap().key_value;
        assert!(matches!(value, Some(KeyValue::Wrapped(_))));
        let stored = world.object(&got.unique_identifier);
        assert_eq!(stored.attributes().fresh(), Some(&false));
        assert_eq!(key_bytes(stored.object().unwrap()).len(), 32);
    }
}
