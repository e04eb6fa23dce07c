//! MAC (KMIP 2.1 §6.1.32, 1.4 §4.33).
//!
//! Makes a message authentication code with any object that holds a key, secrets included. Counts
//! against the Usage Limits.

use kmip_model::{IdentifierRef, Material, UniqueIdentifier, attribute::CryptographicParameters};

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        cryptographic_parameters::{for_mac, given_or_own},
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
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// MAC Data, after the last part.
    pub mac_data: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = protection_key(item, &fetched.value, Use::Mac)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || for_mac(item, key.key(), given_or_own(given, &fetched.value));
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.add(request.data.as_ref())?;
    let bytes = request.data.as_ref().map_or(0, Material::len);
    let counted = Counted::new(&fetched, bytes, part.first)?;
    let mac_data = if part.last {
        let data = part.stream.data.whole();
        Some(item.crypto().mac.generate(&key, &part.stream.parameters, data.expose())?)
    } else {
        None
    };
    counted.save(item);
    Ok(Response { unique_identifier, mac_data, correlation_value: part.close(item) })
}
