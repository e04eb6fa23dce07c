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

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::Attribute,
        enumeration::{
            CertificateType, CryptographicAlgorithm as A, CryptographicUsageMask, HashingAlgorithm,
            PaddingMethod,
        },
        object::Object,
    };
    use kmip_testkit::fixture_certificate;

    use super::*;
    use crate::{
        ops,
        testing::{
            World, algorithm, first_part, last_part, next_part, rsa_keys, sign_request,
            signature_verify_request,
        },
    };

    const VERIFY: CryptographicUsageMask = CryptographicUsageMask::VERIFY;

    fn pss(named: A) -> CryptographicParameters {
        CryptographicParameters {
            padding_method: Some(PaddingMethod::Pss),
            hashing_algorithm: Some(HashingAlgorithm::Sha256),
            ..algorithm(named)
        }
    }

    fn ask(world: &World, request: Request) -> Result<Response, OperationError> {
        match world.run(ops::Request::SignatureVerify(request))? {
            ops::Response::SignatureVerify(response) => Ok(response),
            other => panic!("not an answer to Signature Verify: {other:?}"),
        }
    }

    fn validity(world: &World, request: Request) -> Option<ValidityIndicator> {
        ask(world, request).unwrap().validity_indicator
    }

    fn signature(world: &World) -> Vec<u8> {
        let key = world.register_active(rsa_keys().0, CryptographicUsageMask::SIGN, Vec::new());
        let request = ops::Request::Sign(sign_request(&key, Some(pss(A::Rsa)), b"text"));
        match world.run(request).unwrap() {
            ops::Response::Sign(response) => response.signature_data.unwrap(),
            other => panic!("not an answer to Sign: {other:?}"),
        }
    }

    #[test]
    fn a_right_signature_is_valid_and_a_wrong_one_is_an_answer() {
        let world = World::new();
        let signature = signature(&world);
        let certificate = Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: fixture_certificate("ee"),
        };
        for object in [rsa_keys().1, certificate] {
            let key = world.register_active(object, VERIFY, Vec::new());
            let of = |data: &[u8], signature: &[u8]| {
                let parameters = Some(pss(A::Rsa));
                validity(&world, signature_verify_request(&key, parameters, data, signature))
            };
            assert_eq!(of(b"text", &signature), Some(ValidityIndicator::Valid));
            assert_eq!(of(b"Text", &signature), Some(ValidityIndicator::Invalid));
            assert_eq!(of(b"text", &signature[1..]), Some(ValidityIndicator::Invalid));
            assert_eq!(of(b"text", b""), Some(ValidityIndicator::Invalid));
        }
    }

    #[test]
    fn a_signature_that_the_key_cannot_have_made_is_invalid() {
        let world = World::new();
        let signature = signature(&world);
        let key = world.register_active(rsa_keys().1, VERIFY, Vec::new());
        let request = signature_verify_request(&key, Some(pss(A::Ecdsa)), b"text", &signature);
        assert_eq!(validity(&world, request), Some(ValidityIndicator::Invalid));
    }

    #[test]
    fn what_cannot_be_verified_is_refused() {
        let world = World::new();
        let key = world.register_active(rsa_keys().1, VERIFY, Vec::new());
        let of = |parameters| {
            ask(&world, signature_verify_request(&key, parameters, b"text", b"s")).unwrap_err()
        };
        assert_eq!(
            of(Some(pss(A::HmacSha256))),
            OperationError::UnsupportedCryptographicParameters
        );
        assert_eq!(of(None), OperationError::CryptographicParameters("there is no Padding Method"));
        let request = Request {
            signature_data: None,
            ..signature_verify_request(&key, Some(pss(A::Rsa)), b"text", b"")
        };
        assert_eq!(ask(&world, request), Err(PayloadFault::Missing(Tag::SignatureData).into()));
    }

    #[test]
    fn the_signature_comes_with_any_part() {
        let world = World::new();
        let signature = signature(&world);
        let own = Attribute::CryptographicParameters(Box::new(pss(A::Rsa)));
        let key = world.register_active(rsa_keys().1, VERIFY, vec![own]);
        for with in 0..3 {
            let part = |number, data: &[u8], streaming| {
                let signature_data = (number == with).then(|| signature.clone());
                let request = signature_verify_request(&key, None, data, b"");
                ask(&world, Request { signature_data, streaming, ..request }).unwrap()
            };
            let first = part(0, b"te", first_part());
            assert_eq!(first.validity_indicator, None);
            assert!(first.correlation_value.is_some());
            let second = part(1, b"x", next_part(first.correlation_value.as_ref()));
            assert_eq!(second.validity_indicator, None);
            let last = part(2, b"t", last_part(first.correlation_value.as_ref()));
            assert_eq!(last.validity_indicator, Some(ValidityIndicator::Valid));
            assert_eq!(last.correlation_value, None);
        }
    }

    #[test]
    fn another_signature_with_a_later_part_is_refused() {
        let world = World::new();
        let own = Attribute::CryptographicParameters(Box::new(pss(A::Rsa)));
        let key = world.register_active(rsa_keys().1, VERIFY, vec![own]);
        let of = |signature: &[u8], streaming| {
            let request = signature_verify_request(&key, None, b"text", signature);
            ask(&world, Request { streaming, ..request })
        };
        let first = of(b"one", first_part()).unwrap();
        assert!(matches!(
            of(b"two", last_part(first.correlation_value.as_ref())),
            Err(OperationError::InvalidValue(Tag::SignatureData, _))
        ));
    }
}
