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
