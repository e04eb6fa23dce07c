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
