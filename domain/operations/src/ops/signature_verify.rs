//! Signature Verify (KMIP 2.1 §6.1.56, 1.4 §4.32).
//!
//! Says whether a signature is valid, with a public key or the certificate that holds one. A wrong
//! signature is an answer, not a failure; so is one that the key cannot have made.

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier,
    attribute::CryptographicParameters,
    enumeration::{Tag, ValidityIndicator},
    object::ProcessingKey,
};
use kmip_ports::crypto::SignatureInput;

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        cryptographic_parameters::{for_signature, given_or_own},
        key_in_use::{Use, is_of, processing_key},
        stream::{Part, Streaming},
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
    /// Digested Data, in the place of the data.
    pub digested_data: Option<Vec<u8>>,
    /// Signature Data; it may come with any part.
    pub signature_data: Option<Vec<u8>>,
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// Validity Indicator, after the last part.
    pub validity_indicator: Option<ValidityIndicator>,
    /// The data that the signature itself holds. No signature that is offered here holds any.
    pub data: Option<Material>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = processing_key(item, &fetched.value, Use::SignatureVerify)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || {
        let digested = request.digested_data.is_some();
        for_signature(item, key.key(), digested, given_or_own(given, &fetched.value))
    };
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_seal(Tag::SignatureData, request.signature_data.as_ref())?;
    part.take_digested_data(request.digested_data.as_ref())?;
    part.add(request.data.as_ref())?;
    let validity_indicator = if part.last { Some(verify(item, &key, &part).await?) } else { None };
    let correlation_value = part.close(item);
    Ok(Response { unique_identifier, validity_indicator, data: None, correlation_value })
}

async fn verify(
    item: &Item<'_>,
    key: &ProcessingKey,
    part: &Part,
) -> Result<ValidityIndicator, OperationError> {
    let Some(signature) = &part.stream.seal else {
        return Err(PayloadFault::Missing(Tag::SignatureData).into());
    };
    let parameters = &part.stream.parameters;
    if !is_of(key.key(), parameters.cryptographic_algorithm) {
        return Ok(ValidityIndicator::Invalid);
    }
    let data = part.stream.data.whole();
    let input = match &part.stream.digested_data {
        Some(digest) => SignatureInput::Digest(digest),
        None => SignatureInput::Message(data.expose()),
    };
    let valid = item.crypto().sign.verify(key, parameters, input, signature).await?;
    Ok(if valid { ValidityIndicator::Valid } else { ValidityIndicator::Invalid })
}
