//! Encrypt (KMIP 2.1 §6.1.17, 1.4 §4.29).
//!
//! Encrypts data with a symmetric key, or with the public key that an object or a certificate
//! holds. Where a mode needs an IV and the client gives none, the server makes one and returns it.
//! Counts against the Usage Limits.

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier, attribute::CryptographicParameters, enumeration::Tag,
};

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        cipher,
        cryptographic_parameters::{for_cipher, given_or_own, nonce_bytes, with_tag_length},
        key_in_use::{Counted, Use, protection_key},
        stream::{Part, Streaming, put},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// The key.
    pub unique_identifier: IdentifierRef,
    /// Cryptographic Parameters; none asks for those of the key.
    pub cryptographic_parameters: Option<CryptographicParameters>,
    /// Data, or a part of it.
    pub data: Option<Material>,
    /// IV/Counter/Nonce.
    pub iv_counter_nonce: Option<Vec<u8>>,
    /// Which part of the operation this is.
    pub streaming: Streaming,
    /// Authenticated Encryption Additional Data.
    pub authenticated_encryption_additional_data: Option<Vec<u8>>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// What is encrypted so far and was not returned yet.
    pub data: Option<Vec<u8>>,
    /// IV/Counter/Nonce, if the server has made it.
    pub iv_counter_nonce: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
    /// Authenticated Encryption Tag.
    pub authenticated_encryption_tag: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = protection_key(item, &fetched.value, Use::Encrypt)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || {
        let parameters = given_or_own(given, &fetched.value);
        with_tag_length(for_cipher(item, key.key(), parameters)?)
    };
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_additional_data(request.authenticated_encryption_additional_data.as_ref())?;
    let made = take_nonce(item, &mut part, request.iv_counter_nonce.as_ref())?;
    part.add(request.data.as_ref())?;
    let bytes = request.data.as_ref().map_or(0, Material::len);
    let counted = Counted::new(&fetched, bytes, part.first)?;
    let output = cipher::encrypt(&*item.crypto().cipher, &key, &mut part).await?;
    counted.save(item);
    let single = part.is_only();
    Ok(Response {
        unique_identifier,
        data: Some(output.data).filter(|data| single || !data.is_empty()),
        iv_counter_nonce: made,
        correlation_value: part.close(item),
        authenticated_encryption_tag: output.tag,
    })
}

/// Takes the nonce of the first part, or makes and returns one.
fn take_nonce(
    item: &Item<'_>,
    part: &mut Part,
    given: Option<&Vec<u8>>,
) -> Result<Option<Vec<u8>>, OperationError> {
    if !part.first {
        // Blocks that are chained have another one by now; what the client repeats is not read.
        return Ok(None);
    }
    put(&mut part.stream.iv_counter_nonce, Tag::IvCounterNonce, given)?;
    let Some(length) = nonce_bytes(&part.stream.parameters).filter(|_| given.is_none()) else {
        return Ok(None);
    };
    let made = item.crypto().random.bytes(length)?.expose().to_vec();
    part.stream.iv_counter_nonce = Some(made.clone());
    Ok(Some(made))
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::Attribute,
        enumeration::{
            BlockCipherMode as Mode, CertificateType, CryptographicAlgorithm,
            CryptographicUsageMask, ObjectType, PaddingMethod,
        },
        object::{Object, UsageDenied},
    };
    use kmip_ports::crypto::CryptoError;
    use kmip_testkit::fixture_certificate;

    use super::*;
    use crate::testing::{
        World, aes_key, algorithm, decrypt_request, encrypt_request, mode, rsa_keys, secret,
    };

    const BOTH: CryptographicUsageMask =
        CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);

    fn aes(world: &World, attributes: Vec<Attribute>) -> UniqueIdentifier {
        world.register_active(aes_key(&[1; 16]), BOTH, attributes)
    }

    fn rsa(padding_method: Option<PaddingMethod>) -> CryptographicParameters {
        CryptographicParameters { padding_method, ..algorithm(CryptographicAlgorithm::Rsa) }
    }

    #[test]
    fn decrypt_gives_back_what_was_encrypted() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        let pkcs5 = Some(PaddingMethod::Pkcs5);
        for parameters in [
            mode(Mode::Ecb, pkcs5),
            mode(Mode::Cbc, pkcs5),
            mode(Mode::Cbc, Some(PaddingMethod::Ansix923)),
            mode(Mode::Cfb, None),
            mode(Mode::Ofb, pkcs5),
            mode(Mode::Ctr, None),
            mode(Mode::Gcm, None),
        ] {
            let request = encrypt_request(&key, Some(parameters.clone()), b"seventeen letters");
            let encrypted = world.encrypt(request).unwrap();
            let data = encrypted.data.unwrap();
            assert_ne!(data, b"seventeen letters");
            let decrypted = world.decrypt(crate::ops::decrypt::Request {
                iv_counter_nonce: encrypted.iv_counter_nonce,
                authenticated_encryption_tag: encrypted.authenticated_encryption_tag,
                ..decrypt_request(&key, Some(parameters.clone()), &data)
            });
            let decrypted = decrypted.unwrap().data.unwrap();
            assert_eq!(decrypted.expose(), b"seventeen letters", "{parameters:?}");
        }
    }

    #[test]
    fn an_iv_is_made_and_returned_where_one_is_needed_and_none_is_given() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        for (block_cipher_mode, length) in [
            (Mode::Ecb, None),
            (Mode::Cbc, Some(16)),
            (Mode::Cfb, Some(16)),
            (Mode::Ofb, Some(16)),
            (Mode::Ctr, Some(16)),
            (Mode::Gcm, Some(12)),
        ] {
            let parameters = Some(mode(block_cipher_mode, None));
            let request = || encrypt_request(&key, parameters.clone(), &[7; 16]);
            let made = || world.encrypt(request()).unwrap().iv_counter_nonce;
            let one = made();
            assert_eq!(one.as_ref().map(Vec::len), length, "{block_cipher_mode}");
            assert_eq!(one == made(), length.is_none(), "{block_cipher_mode}");
            let given = Request { iv_counter_nonce: Some(vec![9; 16]), ..request() };
            assert_eq!(world.encrypt(given).unwrap().iv_counter_nonce, None);
        }
    }

    #[test]
    fn parameters_come_from_the_request_or_else_from_the_key() {
        let world = World::new();
        let own = |padding, mode| {
            Attribute::CryptographicParameters(Box::new(CryptographicParameters {
                padding_method: padding,
                block_cipher_mode: Some(mode),
                ..crate::shared::cryptographic_parameters::none()
            }))
        };
        let attributes = vec![own(Some(PaddingMethod::Pkcs5), Mode::Cbc), own(None, Mode::Gcm)];
        let key = aes(&world, attributes);
        let of = |parameters| {
            let answer = world.encrypt(encrypt_request(&key, parameters, &[7; 16])).unwrap();
            (answer.iv_counter_nonce.map(|iv| iv.len()), answer.authenticated_encryption_tag)
        };
        assert_eq!(of(None), (Some(16), None));
        assert_eq!(of(Some(mode(Mode::Ecb, None))), (None, None));
    }

    #[test]
    fn an_algorithm_that_is_not_offered_is_refused() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        for named in [CryptographicAlgorithm::HmacSha256, CryptographicAlgorithm::Seed] {
            let parameters = CryptographicParameters {
                cryptographic_algorithm: Some(named),
                ..mode(Mode::Cbc, Some(PaddingMethod::Pkcs5))
            };
            assert_eq!(
                world.encrypt(encrypt_request(&key, Some(parameters.clone()), b"x")),
                Err(OperationError::UnsupportedCryptographicParameters)
            );
            assert_eq!(
                world.decrypt(decrypt_request(&key, Some(parameters), b"x")),
                Err(OperationError::UnsupportedCryptographicParameters)
            );
        }
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        let parameters = || Some(rsa(Some(PaddingMethod::Oaep)));
        let expected = CryptoError::BadKey("it is a key for another algorithm");
        assert_eq!(
            world.encrypt(encrypt_request(&key, parameters(), b"x")),
            Err(expected.clone().into())
        );
        assert_eq!(world.decrypt(decrypt_request(&key, parameters(), b"x")), Err(expected.into()));
    }

    #[test]
    fn a_block_cipher_needs_a_mode_and_rsa_a_padding() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        let no_mode = OperationError::CryptographicParameters("there is no Block Cipher Mode");
        for parameters in [None, Some(algorithm(CryptographicAlgorithm::Aes))] {
            assert_eq!(
                world.encrypt(encrypt_request(&key, parameters.clone(), &[7; 16])),
                Err(no_mode.clone())
            );
            assert_eq!(
                world.decrypt(decrypt_request(&key, parameters, &[7; 16])),
                Err(no_mode.clone())
            );
        }
        let public = world.register_active(rsa_keys().1, BOTH, Vec::new());
        assert_eq!(
            world.encrypt(encrypt_request(&public, Some(rsa(None)), b"x")),
            Err(OperationError::CryptographicParameters("there is no Padding Method"))
        );
    }

    #[test]
    fn whole_blocks_need_no_padding_and_others_do() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        let of = |padding, length: usize| {
            let parameters = Some(mode(Mode::Ecb, padding));
            world.encrypt(encrypt_request(&key, parameters, &vec![7; length])).map(drop)
        };
        assert_eq!(of(None, 32), Ok(()));
        assert!(matches!(of(None, 33), Err(OperationError::CryptographicParameters(_))));
        assert_eq!(of(Some(PaddingMethod::Pkcs5), 33), Ok(()));
    }

    #[test]
    fn the_public_half_encrypts_and_the_private_half_decrypts() {
        let world = World::new();
        let (private, public) = rsa_keys();
        let private = world.register_active(private, BOTH, Vec::new());
        let public = world.register_active(public, BOTH, Vec::new());
        let certificate = world.register_active(
            Object::Certificate {
                certificate_type: CertificateType::X509,
                certificate_value: fixture_certificate("ee"),
            },
            BOTH,
            Vec::new(),
        );
        let parameters = || Some(rsa(Some(PaddingMethod::Oaep)));
        for key in [public, certificate] {
            let data = world.encrypt(encrypt_request(&key, parameters(), b"secret")).unwrap().data;
            let request = decrypt_request(&private, parameters(), &data.unwrap());
            let decrypted = world.decrypt(request).unwrap().data.unwrap();
            assert_eq!(decrypted.expose(), b"secret");
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_encrypts_nothing() {
        let world = World::new();
        let junk = Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: b"junk".to_vec(),
        };
        let key = world.register_active(junk, BOTH, Vec::new());
        let parameters = Some(rsa(Some(PaddingMethod::Oaep)));
        assert!(matches!(
            world.encrypt(encrypt_request(&key, parameters, b"x")),
            Err(OperationError::Crypto(CryptoError::BadKey(_)))
        ));
    }

    #[test]
    fn a_one_time_pad_is_a_secret_that_is_asked_to_encrypt() {
        let world = World::new();
        for (named, expected) in [
            // What comes of it is for the ciphers to say, and these have no such one.
            (
                CryptographicAlgorithm::OneTimePad,
                OperationError::UnsupportedCryptographicParameters,
            ),
            (CryptographicAlgorithm::Aes, UsageDenied::NotAKey(ObjectType::SecretData).into()),
        ] {
            let own = vec![Attribute::CryptographicAlgorithm(named)];
            let key = world.register_active(secret(b"pad"), BOTH, own);
            assert_eq!(world.encrypt(encrypt_request(&key, None, b"x")), Err(expected.clone()));
            assert_eq!(world.decrypt(decrypt_request(&key, None, b"x")), Err(expected));
        }
    }

    #[test]
    fn a_tag_length_that_the_mode_has_not_got_is_refused() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        for (length, expected) in [(1, None), (12, Some(12)), (16, Some(16)), (32, None)] {
            let parameters =
                CryptographicParameters { tag_length: Some(length), ..mode(Mode::Gcm, None) };
            let answer = world.encrypt(encrypt_request(&key, Some(parameters), b"x"));
            let tag = answer.map(|answer| answer.authenticated_encryption_tag.unwrap().len());
            assert_eq!(tag, expected.ok_or(OperationError::TagLength), "{length}");
        }
    }

    #[test]
    fn additional_data_belongs_to_modes_with_a_tag() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        for (block_cipher_mode, allowed) in [(Mode::Gcm, true), (Mode::Ctr, false)] {
            let request = Request {
                authenticated_encryption_additional_data: Some(b"more".to_vec()),
                ..encrypt_request(&key, Some(mode(block_cipher_mode, None)), b"x")
            };
            assert_eq!(world.encrypt(request).is_ok(), allowed);
        }
    }

    #[test]
    fn data_is_needed_in_one_part() {
        let world = World::new();
        let key = aes(&world, Vec::new());
        let request =
            Request { data: None, ..encrypt_request(&key, Some(mode(Mode::Ecb, None)), b"") };
        assert_eq!(
            world.encrypt(request),
            Err(crate::message::PayloadFault::Missing(Tag::Data).into())
        );
        let empty = encrypt_request(&key, Some(mode(Mode::Ctr, None)), b"");
        assert_eq!(world.encrypt(empty).unwrap().data, Some(Vec::new()));
    }
}
