//! MAC Verify (KMIP 2.1 §6.1.33, 1.4 §4.34).
//!
//! Says whether a message authentication code is right. A wrong one is an answer, not a failure.

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier,
    attribute::CryptographicParameters,
    enumeration::{Tag, ValidityIndicator},
};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        cryptographic_parameters::{for_mac, given_or_own},
        key_in_use::{Use, processing_key},
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
    /// MAC Data; it may come with any part.
    pub mac_data: Option<Vec<u8>>,
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
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = processing_key(item, &fetched.value, Use::MacVerify)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || for_mac(item, key.key(), given_or_own(given, &fetched.value));
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_seal(Tag::MacData, request.mac_data.as_ref())?;
    part.add(request.data.as_ref())?;
    let validity_indicator = if part.last {
        let Some(mac) = &part.stream.seal else {
            return Err(PayloadFault::Missing(Tag::MacData).into());
        };
        let data = part.stream.data.whole();
        let parameters = &part.stream.parameters;
        let right = item.crypto().mac.verify(&key, parameters, data.expose(), mac)?;
        Some(if right { ValidityIndicator::Valid } else { ValidityIndicator::Invalid })
    } else {
        None
    };
    Ok(Response { unique_identifier, validity_indicator, correlation_value: part.close(item) })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{CryptographicAlgorithm, CryptographicUsageMask};

    use super::*;
    use crate::{
        ops,
        testing::{World, aes_key, algorithm, mac_verify_request},
    };

    #[test]
    fn there_must_be_a_mac_to_verify() {
        let world = World::new();
        let mask = CryptographicUsageMask::MAC_VERIFY;
        let key = world.register_active(aes_key(&[1; 16]), mask, Vec::new());
        let parameters = Some(algorithm(CryptographicAlgorithm::HmacSha256));
        let request =
            Request { mac_data: None, ..mac_verify_request(&key, parameters, b"text", b"") };
        assert_eq!(
            world.run(ops::Request::MacVerify(request)),
            Err(PayloadFault::Missing(Tag::MacData).into())
        );
    }
}
