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

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::Attribute,
        enumeration::{
            CryptographicAlgorithm as A, CryptographicUsageMask, ResultReason, ValidityIndicator,
        },
    };

    use super::*;
    use crate::{
        message::ReasonColumn,
        ops::{self, mac_verify},
        reason::reason,
        testing::{
            World, aes_key, algorithm, first_part, last_part, mac_request, mac_verify_request,
            next_part, secret,
        },
    };

    const BOTH: CryptographicUsageMask =
        CryptographicUsageMask::MAC_GENERATE.union(CryptographicUsageMask::MAC_VERIFY);

    fn make(world: &World, request: Request) -> Result<Response, OperationError> {
        match world.run(ops::Request::Mac(request))? {
            ops::Response::Mac(response) => Ok(response),
            other => panic!("not an answer to MAC: {other:?}"),
        }
    }

    fn check(world: &World, request: mac_verify::Request) -> mac_verify::Response {
        match world.run(ops::Request::MacVerify(request)).unwrap() {
            ops::Response::MacVerify(response) => response,
            other => panic!("not an answer to MAC Verify: {other:?}"),
        }
    }

    #[test]
    fn keys_and_secrets_make_macs_that_verify() {
        let world = World::new();
        for (object, parameters) in [
            // The algorithm of the request, or else the key's own: CMAC.
            (aes_key(&[1; 16]), Some(algorithm(A::HmacSha256))),
            (aes_key(&[1; 16]), None),
            (secret(b"secret"), Some(algorithm(A::HmacSha256))),
        ] {
            let key = world.register_active(object, BOTH, Vec::new());
            let request = mac_request(&key, parameters.clone(), b"text");
            let mac = make(&world, request).unwrap().mac_data.unwrap();
            let of = |data: &[u8], mac: &[u8]| {
                let request = mac_verify_request(&key, parameters.clone(), data, mac);
                check(&world, request).validity_indicator
            };
            assert_eq!(of(b"text", &mac), Some(ValidityIndicator::Valid));
            assert_eq!(of(b"Text", &mac), Some(ValidityIndicator::Invalid));
            assert_eq!(of(b"text", &mac[1..]), Some(ValidityIndicator::Invalid));
        }
    }

    #[test]
    fn the_algorithm_of_the_key_s_parameters_comes_before_that_of_the_key() {
        let world = World::new();
        let own = Attribute::CryptographicParameters(Box::new(algorithm(A::HmacMd5)));
        let key = world.register_active(aes_key(&[1; 16]), BOTH, vec![own]);
        assert_eq!(
            make(&world, mac_request(&key, None, b"text")),
            Err(OperationError::UnsupportedCryptographicParameters)
        );
    }

    #[test]
    fn an_algorithm_that_is_not_offered_or_not_known_is_refused() {
        let world = World::new();
        let key = world.register_active(secret(b"secret"), BOTH, Vec::new());
        for (parameters, two) in [
            (Some(algorithm(A::Rsa)), ResultReason::UnsupportedCryptographicParameters),
            (Some(algorithm(A::Rc4)), ResultReason::UnsupportedCryptographicParameters),
            (None, ResultReason::BadCryptographicParameters),
        ] {
            let error = make(&world, mac_request(&key, parameters, b"text")).unwrap_err();
            assert_eq!(reason(&error, None, ReasonColumn::One), ResultReason::InvalidField);
            assert_eq!(reason(&error, None, ReasonColumn::TwoOne), two);
        }
    }

    #[test]
    fn empty_data_has_a_mac_too() {
        let world = World::new();
        let key = world.register_active(aes_key(&[1; 16]), BOTH, Vec::new());
        assert!(make(&world, mac_request(&key, None, b"")).unwrap().mac_data.is_some());
    }

    #[test]
    fn parts_have_the_mac_of_the_whole() {
        let world = World::new();
        let key = world.register_active(aes_key(&[1; 16]), BOTH, Vec::new());
        let whole = make(&world, mac_request(&key, None, b"some text")).unwrap();
        let part = |data: &[u8], streaming| {
            make(&world, Request { streaming, ..mac_request(&key, None, data) }).unwrap()
        };
        let first = part(b"some", first_part());
        assert_eq!(first.mac_data, None);
        part(b" te", next_part(first.correlation_value.as_ref()));
        assert_eq!(part(b"xt", last_part(first.correlation_value.as_ref())), whole);
        let mac = whole.mac_data.unwrap();
        let verify = |data: &[u8], mac: Option<&[u8]>, streaming| {
            let request = mac_verify_request(&key, None, data, b"");
            let mac_data = mac.map(<[u8]>::to_vec);
            check(&world, mac_verify::Request { mac_data, streaming, ..request })
        };
        let first = verify(b"some t", Some(&mac), first_part());
        assert_eq!(first.validity_indicator, None);
        let last = verify(b"ext", None, last_part(first.correlation_value.as_ref()));
        assert_eq!(last.validity_indicator, Some(ValidityIndicator::Valid));
    }
}
