//! Decrypt (KMIP 2.1 §6.1.11, 1.4 §4.30).
//!
//! Decrypts data with a symmetric or private key. What has a tag is returned only when all of it
//! has come and the tag is right. Nothing is counted against the Usage Limits.

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier, attribute::CryptographicParameters, enumeration::Tag,
};
use kmip_ports::crypto::CryptoError;

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        cipher,
        cryptographic_parameters::{
            check_tag, for_cipher, given_or_own, is_authenticated, nonce_bytes,
        },
        key_in_use::{Use, processing_key},
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
    /// Authenticated Encryption Tag.
    pub authenticated_encryption_tag: Option<Vec<u8>>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// What is decrypted so far and was not returned yet.
    pub data: Option<Material>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = processing_key(item, &fetched.value, Use::Decrypt)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || for_cipher(item, key.key(), given_or_own(given, &fetched.value));
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_additional_data(request.authenticated_encryption_additional_data.as_ref())?;
    take_nonce(&mut part, request.iv_counter_nonce.as_ref())?;
    take_tag(&mut part, request.authenticated_encryption_tag.as_ref())?;
    part.add(request.data.as_ref())?;
    let data = cipher::decrypt(&*item.crypto().cipher, &key, &mut part).await?;
    let single = part.is_only();
    Ok(Response {
        unique_identifier,
        data: Some(data).filter(|data| single || !data.is_empty()),
        correlation_value: part.close(item),
    })
}

fn take_nonce(part: &mut Part, given: Option<&Vec<u8>>) -> Result<(), OperationError> {
    if !part.first {
        return Ok(());
    }
    put(&mut part.stream.iv_counter_nonce, Tag::IvCounterNonce, given)?;
    if given.is_none() && nonce_bytes(&part.stream.parameters).is_some() {
        return Err(CryptoError::BadInput("there is no IV/Counter/Nonce").into());
    }
    Ok(())
}

/// Takes the tag, which may come with any part.
fn take_tag(part: &mut Part, given: Option<&Vec<u8>>) -> Result<(), OperationError> {
    if !is_authenticated(&part.stream.parameters) {
        return match given {
            Some(_) => Err(OperationError::CryptographicParameters(
                "only authenticated encryption has a tag",
            )),
            None => Ok(()),
        };
    }
    part.take_seal(Tag::AuthenticatedEncryptionTag, given)?;
    match &part.stream.seal {
        Some(tag) => check_tag(&part.stream.parameters, tag),
        None if part.last => Err(OperationError::MissingAttribute(Tag::AuthenticatedEncryptionTag)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{
        BlockCipherMode as Mode, CryptographicUsageMask, Operation, PaddingMethod, ResultReason,
    };

    use super::*;
    use crate::{
        message::ReasonColumn,
        reason::reason,
        testing::{World, aes_key, decrypt_request, encrypt_request, mode},
    };

    const BOTH: CryptographicUsageMask =
        CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);

    #[test]
    fn a_missing_iv_is_an_invalid_message() {
        let world = World::new();
        let key = world.register_active(aes_key(&[1; 16]), BOTH, Vec::new());
        for block_cipher_mode in [Mode::Cbc, Mode::Cfb, Mode::Ofb, Mode::Ctr, Mode::Gcm] {
            let parameters = Some(mode(block_cipher_mode, Some(PaddingMethod::Pkcs5)));
            let error = world.decrypt(decrypt_request(&key, parameters, &[7; 16])).unwrap_err();
            for column in [ReasonColumn::One, ReasonColumn::TwoOne] {
                let found = reason(&error, Some(Operation::Decrypt), column);
                assert_eq!(found, ResultReason::InvalidMessage, "{block_cipher_mode}");
            }
        }
    }

    #[test]
    fn what_was_altered_is_not_decrypted() {
        let world = World::new();
        let key = world.register_active(aes_key(&[1; 16]), BOTH, Vec::new());
        let gcm =
            |length| Some(CryptographicParameters { tag_length: length, ..mode(Mode::Gcm, None) });
        let encrypted = world
            .encrypt(crate::ops::encrypt::Request {
                iv_counter_nonce: Some(vec![3; 12]),
                authenticated_encryption_additional_data: Some(b"more".to_vec()),
                ..encrypt_request(&key, gcm(Some(16)), b"text")
            })
            .unwrap();
        let (data, tag) =
            (encrypted.data.unwrap(), encrypted.authenticated_encryption_tag.unwrap());
        let ask = |data: &[u8], length, nonce: u8, more: &[u8], tag: Option<&[u8]>| {
            world
                .decrypt(Request {
                    iv_counter_nonce: Some(vec![nonce; 12]),
                    authenticated_encryption_additional_data: Some(more.to_vec()),
                    authenticated_encryption_tag: tag.map(<[u8]>::to_vec),
                    ..decrypt_request(&key, gcm(length), data)
                })
                .map(|answer| answer.data.unwrap().expose().to_vec())
        };
        let failed = || Err(CryptoError::Failed.into());
        assert_eq!(ask(&data, Some(16), 3, b"more", Some(&tag)), Ok(b"text".to_vec()));
        assert_eq!(ask(&data, None, 3, b"more", Some(&tag)), Ok(b"text".to_vec()));
        // A tag that was cut is one of the length that the parameters name.
        assert_eq!(ask(&data, Some(12), 3, b"more", Some(&tag[..12])), Ok(b"text".to_vec()));
        for (length, tag) in [(Some(16), &tag[..12]), (None, &tag[..8]), (Some(1), &tag[..1])] {
            let answer = ask(&data, length, 3, b"more", Some(tag));
            assert_eq!(answer, Err(OperationError::TagLength));
        }
        assert_eq!(
            ask(&data, None, 3, b"more", None),
            Err(OperationError::MissingAttribute(Tag::AuthenticatedEncryptionTag))
        );
        assert_eq!(ask(b"Text", None, 3, b"more", Some(&tag)), failed());
        assert_eq!(ask(&data, None, 4, b"more", Some(&tag)), failed());
        assert_eq!(ask(&data, None, 3, b"less", Some(&tag)), failed());
        assert_eq!(ask(&data, None, 3, b"more", Some(&[0; 16])), failed());
    }

    #[test]
    fn a_tag_belongs_to_modes_that_make_one() {
        let world = World::new();
        let key = world.register_active(aes_key(&[1; 16]), BOTH, Vec::new());
        let request = Request {
            iv_counter_nonce: Some(vec![0; 16]),
            authenticated_encryption_tag: Some(vec![0; 16]),
            ..decrypt_request(&key, Some(mode(Mode::Ctr, None)), b"x")
        };
        assert!(matches!(world.decrypt(request), Err(OperationError::CryptographicParameters(_))));
    }
}
