//! Sign (KMIP 2.1 §6.1.55, 1.4 §4.31).
//!
//! Signs data, or the digest of data, with a private key. Counts against the Usage Limits.

use kmip_model::{IdentifierRef, Material, UniqueIdentifier, attribute::CryptographicParameters};
use kmip_ports::crypto::SignatureInput;

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        cryptographic_parameters::{check_fit, for_signature, given_or_own},
        key_in_use::{Counted, Use, protection_key},
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
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// Signature Data, after the last part.
    pub signature_data: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = protection_key(item, &fetched.value, Use::Sign)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || {
        let digested = request.digested_data.is_some();
        let parameters = given_or_own(given, &fetched.value);
        let parameters = for_signature(item, key.key(), digested, parameters)?;
        check_fit(key.key(), &parameters)?;
        Ok(parameters)
    };
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_digested_data(request.digested_data.as_ref())?;
    part.add(request.data.as_ref())?;
    let bytes = request.data.as_ref().map_or(0, Material::len);
    let counted = Counted::new(&fetched, bytes, part.first)?;
    let signature_data = if part.last {
        let data = part.stream.data.whole();
        let input = match &part.stream.digested_data {
            Some(digest) => SignatureInput::Digest(digest),
            None => SignatureInput::Message(data.expose()),
        };
        let signatures = item.crypto().sign.clone();
        Some(signatures.sign(&key, &part.stream.parameters, input).await?)
    } else {
        None
    };
    counted.save(item);
    Ok(Response { unique_identifier, signature_data, correlation_value: part.close(item) })
}
