//! Get (KMIP 2.1 §6.1.19, 1.4 §4.11).
//!
//! Returns the object, as it was registered or in the form that the client asks for. The first
//! Get of an object makes it not Fresh any more; wrapping counts against the Usage Limits of the
//! wrapping key. Repeatable.

use std::sync::Arc;

use kmip_model::{
    IdentifierRef, ManagedObject, UniqueIdentifier,
    attribute::{Attribute, AttributeSet},
    enumeration::{KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType},
    object::{KeyBlock, KeyMaterial, KeyValue, KeyWrappingSpecification, Object},
};
use kmip_ports::crypto::CryptoError;

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        key_wrapping::{unwrap, wrap},
        object_facts::{is_wrapped, plain_material},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// Key Format Type: the form wanted; none asks for the one it was registered in.
    pub key_format_type: Option<KeyFormatType>,
    /// Key Wrap Type: as registered, or not wrapped.
    pub key_wrap_type: Option<KeyWrapType>,
    /// Key Compression Type.
    pub key_compression_type: Option<KeyCompressionType>,
    /// Key Wrapping Specification; boxed, since it is large and rare.
    pub key_wrapping_specification: Option<Box<KeyWrappingSpecification>>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// Object Type.
    pub object_type: ObjectType,
    /// The object's identifier.
    pub unique_identifier: UniqueIdentifier,
    /// The object.
    pub object: Object,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    if request.key_compression_type.is_some() {
        return Err(OperationError::KeyCompressionTypeNotSupported);
    }
    let fetched = item.fetch(&request.unique_identifier).await?;
    if item.dialect().unknown_object_types.contains(&fetched.value.object_type()) {
        return Err(OperationError::IllegalObjectType);
    }
    let stored = fetched.value.object().ok_or(OperationError::Destroyed)?;
    check_served(&fetched.value, stored, request)?;
    let mut object = if is_to_be_unwrapped(stored, request) {
        let mut object = stored.clone();
        if let Some(key_block) = object.key_block_mut() {
            unwrap(item, key_block).await?;
        }
        in_format(item, &object, request.key_format_type)?
    } else {
        in_format(item, stored, request.key_format_type)?
    };
    if let Some(key_block) = object.key_block_mut() {
        if request.key_wrap_type != Some(KeyWrapType::AsRegistered) {
            without_attributes(key_block);
        }
        if !matches!(stored, Object::SecretData { .. }) {
            with_algorithm(key_block, fetched.value.attributes());
        }
    }
    let served = Arc::clone(&fetched.value);
    //= KMIP-2.1 §4.24
    if served.attributes().fresh() == Some(&true) {
        let mut served = Arc::unwrap_or_clone(fetched.value);
        served.attributes_mut().set(Attribute::Fresh(false));
        item.save(served, fetched.revision);
    }
    if let Some(specification) = &request.key_wrapping_specification {
        let key_block = object.key_block_mut().ok_or(OperationError::IllegalObjectType)?;
        wrap(item, &served, key_block, specification).await?;
    }
    Ok(Response {
        object_type: served.object_type(),
        unique_identifier: served.identifier().clone(),
        object,
    })
}

/// Says whether the client wants the key that a wrapped one holds.
fn is_to_be_unwrapped(stored: &Object, request: &Request) -> bool {
    request.key_wrap_type == Some(KeyWrapType::NotWrapped)
        && stored.key_block().is_some_and(is_wrapped)
}

/// Checks that the object may leave the server, in the wrapping that the client asks for.
fn check_served(
    object: &ManagedObject,
    stored: &Object,
    request: &Request,
) -> Result<(), OperationError> {
    let attributes = object.attributes();
    if attributes.extractable() == Some(&false) {
        return Err(OperationError::NotExtractable);
    }
    let leaves_wrapped = request.key_wrapping_specification.is_some()
        || (stored.key_block().is_some_and(is_wrapped) && !is_to_be_unwrapped(stored, request));
    if attributes.sensitive() == Some(&true) && !leaves_wrapped {
        return Err(OperationError::Sensitive);
    }
    Ok(())
}

/// Returns the object in the form that the client asks for.
fn in_format(
    item: &Item<'_>,
    stored: &Object,
    wanted: Option<KeyFormatType>,
) -> Result<Object, OperationError> {
    let Some(wanted) = wanted else {
        return Ok(stored.clone());
    };
    //= KMIP-2.1 §6.1.19
    // The form it was registered in is always there, even if the bytes are of another one.
    if stored.key_format_type() == Some(wanted) {
        return Ok(stored.clone());
    }
    let Some(key_block) = stored.key_block() else {
        return Err(OperationError::KeyFormatTypeNotSupported);
    };
    if key_block.key_value.is_none() {
        return Err(OperationError::KeyValueNotPresent);
    }
    let material = plain_material(key_block).ok_or(OperationError::KeyFormatTypeNotSupported)?;
    let key_material = converted(item, stored.object_type(), material, wanted)?;
    let mut object = stored.clone();
    if let Some(key_block) = object.key_block_mut() {
        key_block.key_format_type = wanted;
        key_block.key_compression_type = None;
        key_block.key_value = Some(KeyValue::Plain { key_material, attributes: Vec::new() });
    }
    Ok(object)
}

fn converted(
    item: &Item<'_>,
    object_type: ObjectType,
    material: &KeyMaterial,
    wanted: KeyFormatType,
) -> Result<KeyMaterial, OperationError> {
    let secret = matches!(object_type, ObjectType::SymmetricKey | ObjectType::SecretData);
    let key_pair = matches!(object_type, ObjectType::PublicKey | ObjectType::PrivateKey);
    if !secret && !key_pair {
        return Err(OperationError::KeyFormatTypeNotSupported);
    }
    // Opaque is a label without a form: the bytes of a secret are as opaque as any.
    let form = match wanted {
        KeyFormatType::Opaque if secret => KeyFormatType::Raw,
        other => generic(other),
    };
    item.crypto().format.convert(object_type, material, form).map_err(|error| match error {
        CryptoError::BadKey(why) => OperationError::UnreadableKey(why),
        CryptoError::NoSuchForm | CryptoError::Unsupported(_) => {
            OperationError::KeyFormatTypeNotSupported
        }
        other => other.into(),
    })
}

/// Returns the one transparent form of elliptic curve keys for the three of 1.0 to 1.2.
const fn generic(format: KeyFormatType) -> KeyFormatType {
    match format {
        KeyFormatType::TransparentEcdsaPrivateKey
        | KeyFormatType::TransparentEcdhPrivateKey
        | KeyFormatType::TransparentEcmqvPrivateKey => KeyFormatType::TransparentEcPrivateKey,
        KeyFormatType::TransparentEcdsaPublicKey
        | KeyFormatType::TransparentEcdhPublicKey
        | KeyFormatType::TransparentEcmqvPublicKey => KeyFormatType::TransparentEcPublicKey,
        other => other,
    }
}

/// Leaves the key alone in the Key Value: few clients can read attributes there.
fn without_attributes(key_block: &mut KeyBlock) {
    if let Some(KeyValue::Plain { attributes, .. }) = &mut key_block.key_value {
        attributes.clear();
    }
}

/// Completes a key block whose algorithm and length came as attributes.
fn with_algorithm(key_block: &mut KeyBlock, attributes: &AttributeSet) {
    if key_block.cryptographic_algorithm.is_none() {
        key_block.cryptographic_algorithm = attributes.cryptographic_algorithm().copied();
    }
    if key_block.cryptographic_length.is_none() {
        key_block.cryptographic_length = attributes.cryptographic_length().copied();
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        DateTime, Interval, Material,
        attribute::{Instance, RevocationReason},
        enumeration::{
            CertificateRequestType, CertificateType, CryptographicAlgorithm, OpaqueDataType,
            RevocationReasonCode, WrappingMethod,
        },
        object::KeyWrappingData,
    };
    use kmip_ports::crypto::KeyPairSpecification;
    use kmip_testkit::{fixture_certificate, fixture_key_pair};

    use super::*;
    use crate::{
        error::WrappingRefused,
        ops,
        testing::{NOW, ONE, World, aes, aes_key, get_request, key_block, key_bytes, name, secret},
    };

    const RSA: KeyPairSpecification = KeyPairSpecification::Rsa { bits: 2_048 };

    fn ask(world: &World, request: Request) -> Result<Object, OperationError> {
        match world.run(ops::Request::Get(request))? {
            ops::Response::Get(response) => Ok(response.object),
            other => panic!("not an answer to Get: {other:?}"),
        }
    }

    fn rsa_private_key() -> Object {
        Object::PrivateKey(key_block(KeyFormatType::Pkcs8, fixture_key_pair(RSA).private.expose()))
    }

    fn wrapping_specification() -> KeyWrappingSpecification {
        KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: None,
            mac_signature_key_information: None,
            attribute_names: Vec::new(),
            encoding_option: None,
        }
    }

    fn wrapped_key() -> Object {
        let Object::SymmetricKey(key_block) = aes_key(&[1; 16]) else { unreachable!() };
        Object::SymmetricKey(KeyBlock {
            key_value: Some(KeyValue::Wrapped(Material::new(vec![9; 24]))),
            key_wrapping_data: Some(Box::new(KeyWrappingData {
                wrapping_method: WrappingMethod::Encrypt,
                encryption_key_information: None,
                mac_signature_key_information: None,
                mac_signature: None,
                iv_counter_nonce: None,
                encoding_option: None,
            })),
            ..key_block
        })
    }

    #[test]
    fn what_was_registered_comes_back_unchanged() {
        let world = World::new();
        for object in [
            aes_key(&[1; 16]),
            // Bytes that do not fit the length or the form that they are said to have.
            Object::SymmetricKey(KeyBlock {
                cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
                cryptographic_length: Some(256),
                ..key_block(KeyFormatType::Raw, &[1; 3])
            }),
            Object::PrivateKey(KeyBlock {
                cryptographic_algorithm: Some(CryptographicAlgorithm::Rsa),
                cryptographic_length: Some(2_048),
                ..key_block(KeyFormatType::Pkcs1, b"junk")
            }),
            secret(b"s"),
            wrapped_key(),
            Object::OpaqueObject {
                opaque_data_type: OpaqueDataType(0x8000_0001),
                opaque_data_value: Material::new(vec![1]),
            },
            Object::Certificate {
                certificate_type: CertificateType::X509,
                certificate_value: fixture_certificate("ee"),
            },
        ] {
            let identifier = world.register(object.clone(), Vec::new()).unwrap();
            assert_eq!(world.get(&identifier), Ok(object.clone()));
            let label = object.key_format_type();
            assert_eq!(world.get_as(&identifier, label), Ok(object));
        }
    }

    #[test]
    fn a_key_comes_in_the_forms_that_it_has() {
        let world = World::new();
        let identifier = world.register(rsa_private_key(), Vec::new()).unwrap();
        let pkcs1 = world.get_as(&identifier, Some(KeyFormatType::Pkcs1)).unwrap();
        assert_eq!(pkcs1.key_format_type(), Some(KeyFormatType::Pkcs1));
        assert_eq!(key_bytes(&pkcs1), b"PrivateKey PKCS_1 RSA 2048 ");
        // What is stored stays as it was.
        assert_eq!(world.object(&identifier).object(), Some(&rsa_private_key()));
        for format in [KeyFormatType::Raw, KeyFormatType::EcPrivateKey, KeyFormatType::X509] {
            assert_eq!(
                world.get_as(&identifier, Some(format)),
                Err(OperationError::KeyFormatTypeNotSupported)
            );
        }
    }

    #[test]
    fn symmetric_keys_and_secrets_are_raw_transparent_or_opaque() {
        let world = World::new();
        let key = world.register(aes_key(&[7; 16]), Vec::new()).unwrap();
        let transparent = world.get_as(&key, Some(KeyFormatType::TransparentSymmetricKey)).unwrap();
        assert_eq!(
            transparent.key_material(),
            Some(&KeyMaterial::TransparentSymmetricKey { key: Material::new(vec![7; 16]) })
        );
        let secret = world.register(secret(b"s"), Vec::new()).unwrap();
        for (identifier, format) in [
            (&secret, KeyFormatType::Raw),
            (&secret, KeyFormatType::Opaque),
            (&key, KeyFormatType::Opaque),
        ] {
            let object = world.get_as(identifier, Some(format)).unwrap();
            assert_eq!(object.key_format_type(), Some(format));
        }
    }

    #[test]
    fn junk_has_no_other_form() {
        let world = World::new();
        let junk = Object::PrivateKey(key_block(KeyFormatType::Pkcs8, b"junk"));
        let identifier = world.register(junk, Vec::new()).unwrap();
        assert!(matches!(
            world.get_as(&identifier, Some(KeyFormatType::Pkcs1)),
            Err(OperationError::UnreadableKey(_))
        ));
    }

    #[test]
    fn what_is_no_key_has_one_form() {
        let world = World::new();
        let certificate = Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: fixture_certificate("ee"),
        };
        let identifier = world.register(certificate, Vec::new()).unwrap();
        assert!(world.get_as(&identifier, Some(KeyFormatType::X509)).is_ok());
        assert_eq!(
            world.get_as(&identifier, Some(KeyFormatType::Raw)),
            Err(OperationError::KeyFormatTypeNotSupported)
        );
    }

    #[test]
    fn a_wrapped_key_stays_wrapped() {
        let world = World::new();
        let identifier = world.register(wrapped_key(), vec![Attribute::Sensitive(true)]).unwrap();
        let get = |key_format_type, key_wrap_type| {
            let request = get_request(identifier.clone().into());
            ask(&world, Request { key_format_type, key_wrap_type, ..request })
        };
        assert_eq!(get(None, Some(KeyWrapType::AsRegistered)), Ok(wrapped_key()));
        assert_eq!(get(None, Some(KeyWrapType::NotWrapped)), Err(OperationError::Sensitive));
        assert_eq!(
            get(Some(KeyFormatType::TransparentSymmetricKey), None),
            Err(OperationError::KeyFormatTypeNotSupported)
        );
        // It does not say what it is wrapped with.
        let identifier = world.register(wrapped_key(), Vec::new()).unwrap();
        let request = Request {
            key_wrap_type: Some(KeyWrapType::NotWrapped),
            ..get_request(identifier.into())
        };
        assert_eq!(ask(&world, request), Err(OperationError::KeyWrapTypeNotSupported));
    }

    #[test]
    fn sensitive_and_not_extractable_keys_stay() {
        let world = World::new();
        for (attribute, plain, wrapped) in [
            (
                Attribute::Sensitive(true),
                OperationError::Sensitive,
                WrappingRefused::NoEncryptionKeyInformation.into(),
            ),
            (
                Attribute::Extractable(false),
                OperationError::NotExtractable,
                OperationError::NotExtractable,
            ),
        ] {
            let identifier = world.register(aes_key(&[1; 16]), vec![attribute]).unwrap();
            assert_eq!(world.get(&identifier), Err(plain));
            let request = Request {
                key_wrapping_specification: Some(Box::new(wrapping_specification())),
                ..get_request(identifier.clone().into())
            };
            assert_eq!(ask(&world, request), Err(wrapped));
            // Who has not been served leaves it fresh.
            assert_eq!(world.object(&identifier).attributes().fresh(), Some(&true));
        }
    }

    #[test]
    fn a_key_that_is_elsewhere_has_a_block_without_value() {
        let world = World::new();
        let Object::SymmetricKey(block) = aes_key(&[1; 16]) else { unreachable!() };
        let absent = Object::SymmetricKey(KeyBlock { key_value: None, ..block });
        let identifier = world.register(absent.clone(), Vec::new()).unwrap();
        assert_eq!(world.get(&identifier), Ok(absent));
        let converted = world.get_as(&identifier, Some(KeyFormatType::TransparentSymmetricKey));
        assert_eq!(converted, Err(OperationError::KeyValueNotPresent));
    }

    #[test]
    fn keys_are_not_compressed() {
        let world = World::new();
        let request = Request {
            key_compression_type: Some(KeyCompressionType::EcPublicKeyTypeUncompressed),
            ..get_request(UniqueIdentifier::new("none").into())
        };
        assert_eq!(ask(&world, request), Err(OperationError::KeyCompressionTypeNotSupported));
    }

    #[test]
    fn the_key_value_holds_the_key_alone() {
        let world = World::new();
        let Object::SymmetricKey(mut block) = aes_key(&[1; 16]) else { unreachable!() };
        let plain = block.key_value.clone();
        if let Some(KeyValue::Plain { attributes, .. }) = &mut block.key_value {
            attributes.push(Instance { index: 0, attribute: name("inside") });
        }
        let with_attributes = Object::SymmetricKey(block);
        let identifier = world.register(with_attributes.clone(), Vec::new()).unwrap();
        let object = world.get(&identifier).unwrap();
        assert_eq!(object.key_block().unwrap().key_value, plain);
        let request = Request {
            key_wrap_type: Some(KeyWrapType::AsRegistered),
            ..get_request(identifier.into())
        };
        assert_eq!(ask(&world, request), Ok(with_attributes));
    }

    #[test]
    fn a_key_block_says_what_the_attributes_say() {
        let world = World::new();
        let bare = Object::SymmetricKey(key_block(KeyFormatType::Raw, &[1; 16]));
        let identifier = world.register(bare, aes(128)).unwrap();
        assert_eq!(world.get(&identifier), Ok(aes_key(&[1; 16])));
    }

    #[test]
    fn the_first_get_is_the_only_one_that_changes_anything() {
        let world = World::new();
        let identifier = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        world.clock.advance(Interval(60));
        world.get(&identifier).unwrap();
        let object = world.object(&identifier);
        assert_eq!(object.attributes().fresh(), Some(&false));
        assert_eq!(object.attributes().last_change_date(), Some(&NOW));
        let changes = world.store.audit().len();
        world.get(&identifier).unwrap();
        assert_eq!(world.store.audit().len(), changes);
    }

    #[test]
    fn what_is_destroyed_or_somebody_elses_is_not_given() {
        let world = World::new();
        let identifier = world.register(aes_key(&[1; 16]), Vec::new()).unwrap();
        assert_eq!(world.asked_by("bob").get(&identifier), Err(OperationError::NotFound));
        let request = ops::destroy::Request { unique_identifier: identifier.clone().into() };
        world.run(ops::Request::Destroy(request)).unwrap();
        assert_eq!(world.get(&identifier), Err(OperationError::Destroyed));
        assert_eq!(world.speaking(ONE).get(&identifier), Err(OperationError::NotFound));
    }

    #[test]
    fn types_that_the_version_cannot_read_are_neither_given_nor_taken() {
        let world = World::new();
        let request = || Object::CertificateRequest {
            certificate_request_type: CertificateRequestType::Pkcs10,
            certificate_request_value: b"csr".to_vec(),
        };
        let template = || Object::Template { attributes: Vec::new() };
        let refused = Err(OperationError::IllegalObjectType);
        for (asked, other, object) in [
            (world.clone(), world.speaking(ONE), request()),
            (world.speaking(ONE), world.clone(), template()),
        ] {
            let identifier = asked.register(object.clone(), Vec::new()).unwrap();
            assert_eq!(asked.get(&identifier), Ok(object.clone()));
            assert_eq!(other.get(&identifier), refused);
            assert_eq!(other.register(object, Vec::new()).err(), refused.clone().err());
        }
    }

    #[test]
    fn a_compromised_key_is_still_given() {
        let world = World::new();
        let activation = Attribute::ActivationDate(DateTime(1));
        let identifier = world.register(aes_key(&[1; 16]), vec![activation]).unwrap();
        let revoke = ops::revoke::Request {
            unique_identifier: identifier.clone().into(),
            revocation_reason: RevocationReason {
                revocation_reason_code: RevocationReasonCode::KeyCompromise,
                revocation_message: None,
            },
            compromise_occurrence_date: None,
        };
        world.run(ops::Request::Revoke(revoke)).unwrap();
        assert_eq!(world.get(&identifier), Ok(aes_key(&[1; 16])));
    }
}
