//! Hash (KMIP 2.1 §6.1.24, 1.4 §4.37).
//!
//! Hashes data. There is no object, and nothing is stored.

use kmip_model::{Material, attribute::CryptographicParameters, enumeration::Tag};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        cryptographic_parameters::for_hash,
        stream::{Part, Streaming},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Cryptographic Parameters: the Hashing Algorithm. Later parts may go without.
    pub cryptographic_parameters: Option<CryptographicParameters>,
    /// Data, or a part of it.
    pub data: Option<Material>,
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The hash, after the last part.
    pub data: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

#[expect(clippy::unused_async, reason = "every handler is run the same way")]
pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let given = request.cryptographic_parameters.as_ref();
    let settle = || match given {
        Some(given) => for_hash(item, given),
        None => Err(PayloadFault::Missing(Tag::CryptographicParameters).into()),
    };
    let mut part = Part::open(item, &request.streaming, None, given, settle)?;
    part.add(request.data.as_ref())?;
    let data = match (part.last, part.stream.parameters.hashing_algorithm) {
        (true, Some(algorithm)) => {
            let data = part.stream.data.whole();
            Some(item.crypto().digest.digest(algorithm, data.expose())?)
        }
        _ => None,
    };
    Ok(Response { data, correlation_value: part.close(item) })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::HashingAlgorithm;
    use kmip_ports::crypto::Digests as _;
    use kmip_testkit::PlainDigests;

    use super::*;
    use crate::{
        ops,
        shared::cryptographic_parameters::none,
        testing::{World, first_part, hash_request, last_part, next_part},
    };

    fn ask(world: &World, request: Request) -> Result<Response, OperationError> {
        match world.run(ops::Request::Hash(request))? {
            ops::Response::Hash(response) => Ok(response),
            other => panic!("not an answer to Hash: {other:?}"),
        }
    }

    fn with(algorithm: HashingAlgorithm) -> CryptographicParameters {
        CryptographicParameters { hashing_algorithm: Some(algorithm), ..none() }
    }

    fn expected(data: &[u8]) -> Response {
        let hash = PlainDigests.digest(HashingAlgorithm::Sha256, data).unwrap();
        Response { data: Some(hash), correlation_value: None }
    }

    #[test]
    fn data_is_hashed() {
        let world = World::new();
        for data in [&b"abc"[..], b""] {
            let request = hash_request(Some(with(HashingAlgorithm::Sha256)), data);
            assert_eq!(ask(&world, request), Ok(expected(data)));
        }
    }

    #[test]
    fn a_hash_that_is_not_offered_or_not_named_is_refused() {
        let world = World::new();
        let of = |parameters| ask(&world, hash_request(parameters, b"abc")).unwrap_err();
        assert_eq!(
            of(Some(with(HashingAlgorithm::Tiger))),
            OperationError::UnsupportedCryptographicParameters
        );
        assert_eq!(
            of(Some(none())),
            OperationError::CryptographicParameters("there is no Hashing Algorithm")
        );
        assert_eq!(of(None), PayloadFault::Missing(Tag::CryptographicParameters).into());
    }

    #[test]
    fn parts_are_hashed_as_the_whole() {
        let world = World::new();
        let part = |parameters, data: Option<&[u8]>, streaming| {
            let request = Request { streaming, ..hash_request(parameters, b"") };
            ask(&world, Request { data: data.map(Material::from), ..request })
        };
        let sha = || Some(with(HashingAlgorithm::Sha256));
        let first = part(sha(), Some(b"a"), first_part()).unwrap();
        assert_eq!(first.data, None);
        let value = &first.correlation_value;
        // Later parts may repeat the parameters, and not change them.
        assert_eq!(part(sha(), Some(b"b"), next_part(value.as_ref())).unwrap().data, None);
        let other =
            Some(CryptographicParameters { tag_length: Some(1), ..with(HashingAlgorithm::Sha256) });
        assert!(matches!(
            part(other, Some(b"x"), next_part(value.as_ref())),
            Err(OperationError::CryptographicParameters(_))
        ));
        assert_eq!(
            part(None, None, next_part(value.as_ref())),
            Err(PayloadFault::Missing(Tag::Data).into())
        );
        assert_eq!(part(None, Some(b"c"), next_part(value.as_ref())).unwrap().data, None);
        assert_eq!(part(None, None, last_part(value.as_ref())), Ok(expected(b"abc")));
        assert_eq!(
            part(None, None, last_part(value.as_ref())),
            Err(OperationError::UnknownCorrelationValue)
        );
    }
}
